"""Gatekeeper's own processes for tests: what production serves, with the test's clock and a brisk pace.

``python processes.py CLOCK serve PORT WORKERS`` serves, ``… CLOCK work`` works. Without a command it is a
nursery: it forks a process for each command on its standard input and answers with its id, so that a restart
costs no imports. CLOCK is a file with the present as passes see it.
"""

import os
import signal
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from gatekeeper import serving
from gatekeeper.bootstrap import Gatekeeper, Tempo, build
from gatekeeper.github.allowance import UNLIMITED
from gatekeeper.github.limiter import Limiter
from gatekeeper.settings import Settings
from gatekeeper.worker.engine import Pace

REFRESH = timedelta(seconds=1)
NEVER = timedelta(days=365)
PACE = Pace(workers=4, lease=timedelta(seconds=2), sweep=timedelta(seconds=0.25), grace=timedelta(seconds=5))
DEBOUNCE = timedelta(seconds=0.1)


def run(clock: Path, command: Sequence[str]) -> None:
    def wire(settings: Settings) -> Gatekeeper:
        return build(
            settings,
            clock=lambda: datetime.fromisoformat(clock.read_text()),
            tempo=Tempo(REFRESH, NEVER, NEVER, NEVER, NEVER, runs=NEVER),
            pace=PACE,
            debounce=DEBOUNCE,
            limiter=lambda: Limiter(UNLIMITED),
        )

    match command:
        case ["serve", port, workers]:
            serving.serve(
                Settings.from_env(), host="127.0.0.1", port=int(port), workers=int(workers), wire=wire
            )
        case ["work"]:
            serving.work(Settings.from_env(), wire=wire)
        case _:
            raise SystemExit(f"not a command: {command}")


def raise_children(clock: Path) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the system buries them
    for line in sys.stdin:
        child = os.fork()
        if not child:
            os.setsid()  # a group of its own, to be killed with all that it starts
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            run(clock, line.split())
            return
        print(child, flush=True)  # noqa: T201 (the answer)


if __name__ == "__main__":
    present, *given = sys.argv[1:]
    if given:
        run(Path(present), given)
    else:
        raise_children(Path(present))
