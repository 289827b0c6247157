"""Gatekeeper's own processes for tests: what production serves, with the test's clock and a brisk pace.

``python processes.py TERMS serve PORT WORKERS`` serves, ``… TERMS work`` works. Without a command it is a
nursery: it forks a process for each command on its standard input and answers with its id, so that a restart
costs no imports. TERMS are those of ``Terms`` as JSON.
"""

import json
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from gatekeeper import serving
from gatekeeper.bootstrap import Gatekeeper, Tempo, build
from gatekeeper.github.allowance import GITHUB, UNLIMITED, Limits
from gatekeeper.github.limiter import Limiter
from gatekeeper.github.transport import TIMEOUT
from gatekeeper.settings import Settings
from gatekeeper.worker.engine import Pace

REFRESH = timedelta(seconds=1)
NEVER = timedelta(days=365)
PACE = Pace(workers=4, lease=timedelta(seconds=2), sweep=timedelta(seconds=0.25), grace=timedelta(seconds=5))
DEBOUNCE = timedelta(seconds=0.1)


@dataclass(frozen=True)
class Terms:
    """On what terms the processes run.

    Attributes:
        clock: a file with the present as passes see it.
        sweep: seconds between two sweeps, each of its kind; without, only GitHub's record of deliveries is looked at.
        faster: how many times as fast as the real one this GitHub may be asked; without, as fast as may be.
        patience: seconds to wait for an answer of GitHub.
    """

    clock: str
    sweep: float | None = None
    faster: float | None = None
    patience: int = TIMEOUT

    def tempo(self) -> Tempo:
        if self.sweep is None:
            return Tempo(REFRESH, NEVER, NEVER, NEVER, NEVER, runs=NEVER)
        often = timedelta(seconds=self.sweep)
        return Tempo(REFRESH, often, NEVER, NEVER, NEVER, deliveries=often, runs=often)

    def limits(self) -> Limits:
        """Pauses so much shorter, and so much more of everything in a minute and an hour."""
        if self.faster is None:
            return UNLIMITED
        return replace(
            GITHUB,
            between_requests=GITHUB.between_requests / self.faster,
            between_writes=GITHUB.between_writes / self.faster,
            points=GITHUB.points * self.faster,
            graphql_points=GITHUB.graphql_points * self.faster,
            content_minute=GITHUB.content_minute * self.faster,
            content_hour=GITHUB.content_hour * self.faster,
        )

    def __str__(self) -> str:
        return json.dumps(asdict(self))


def run(terms: Terms, command: Sequence[str]) -> None:
    def wire(settings: Settings) -> Gatekeeper:
        return build(
            settings,
            clock=lambda: datetime.fromisoformat(Path(terms.clock).read_text()),
            tempo=terms.tempo(),
            pace=PACE,
            debounce=DEBOUNCE,
            limiter=lambda: Limiter(terms.limits()),
            patience=terms.patience,
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


def raise_children(terms: Terms) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the system buries them
    for line in sys.stdin:
        child = os.fork()
        if not child:
            os.setsid()  # a group of its own, to be killed with all that it starts
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            run(terms, line.split())
            return
        print(child, flush=True)  # noqa: T201 (the answer)


if __name__ == "__main__":
    told, *given = sys.argv[1:]
    if given:
        run(Terms(**json.loads(told)), given)
    else:
        raise_children(Terms(**json.loads(told)))
