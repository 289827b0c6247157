"""The stage with Gatekeeper in processes of its own, under gunicorn as in production; the test may kill them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import requests

from deliveries import SECRET
from gatekeeper.bootstrap import build
from gatekeeper.settings import Settings
from ports import free_port
from staging import processes
from staging.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from pathlib import Path

GRACE = 20.0


class Served(Stage):
    """Everything in place while the ``with`` block lasts.

    ``gatekeeper`` is wired up in the test's process too, to look at the database and to touch work; its engine
    never runs.

    Args:
        workers: gunicorn's processes.
        terms: on what terms the processes run; see ``processes.Terms``.

    Attributes:
        port: where the server listens; ``url`` goes with it.
        pid: the server's process, which leads a group of processes.
    """

    def __init__(
        self, folder: Path, *, workers: int = 1, terms: Mapping[str, float] | None = None, **options: Any
    ) -> None:
        super().__init__(folder, **options)
        self._clock = folder / "clock"
        self._terms = processes.Terms(str(self._clock), **(terms or {}))  # type: ignore[arg-type] # passed on
        self._log = folder / "gatekeeper.log"
        self._workers = workers
        self._nursery: subprocess.Popen[str]
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.pid = 0
        self._running: set[int] = set()

    def at(self, moment: datetime, *, failing: str = "") -> None:
        """Let history move on; nothing is touched, Gatekeeper's own timers see to it."""
        del failing
        self.now = moment
        partial = self._clock.with_suffix(".new")
        partial.write_text(moment.isoformat())
        partial.replace(self._clock)

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        self.pid = self.process(f"serve {self.port} {self._workers}")
        eventually(self._answers, 30)

    def process(self, command: str) -> int:
        """Start a process with a group of its own: ``serve PORT WORKERS`` or ``work``; its id."""
        assert self._nursery.stdin is not None
        assert self._nursery.stdout is not None
        self._nursery.stdin.write(f"{command}\n")
        self._nursery.stdin.flush()
        pid = int(self._nursery.stdout.readline())
        self._running.add(pid)
        return pid

    def kill(self, pid: int | None = None) -> None:
        """SIGKILL to the server, or another process, and all that it started; returns when it is gone."""
        self._end(pid or self.pid, signal.SIGKILL)

    def terminate(self) -> None:
        """SIGTERM to the server; returns when it is gone."""
        self._end(self.pid, signal.SIGTERM)

    def lines(self) -> list[str]:
        """What all processes have logged so far."""
        return self._log.read_text().splitlines()

    def _start(self) -> None:
        self.at(self.now)
        self.gatekeeper = build(Settings.from_env(self.environ()), debounce=processes.DEBOUNCE)
        self._stack.callback(self.gatekeeper.close)
        with self._log.open("ab") as log:
            self._nursery = self._stack.enter_context(
                subprocess.Popen(
                    [sys.executable, processes.__file__, str(self._terms)],
                    env=os.environ | self.environ(),  # noqa: TID251 (for a process of its own)
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    text=True,
                )
            )
        self._stack.callback(self._end_all)
        self.start()
        self.github.send_webhooks_to(f"{self.url}/webhooks/github", SECRET)

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self.url}/healthz", timeout=1).ok
        except requests.RequestException:
            return False

    def _end(self, leader: int, how: signal.Signals) -> None:
        self._running.remove(leader)
        with contextlib.suppress(ProcessLookupError):  # it ended by itself; the log says why
            os.killpg(leader, how)
        eventually(lambda: not _exists(leader), GRACE)

    def _end_all(self) -> None:
        for leader in sorted(self._running):
            self.kill(leader)
        sys.stderr.writelines(f"{line}\n" for line in self.lines() if '"pass.done"' not in line)


def eventually(condition: Callable[[], object], seconds: float = 20) -> None:
    """Wait until it holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.02)


def _exists(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
