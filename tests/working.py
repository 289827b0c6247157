"""A worker process for tests: ``python working.py URL LOG PASS_SECONDS LEASE_SECONDS``; kill it whenever you like.

It writes a line to LOG when it is up, and at the start and at the end of each pass, as JSON: what, key, at, pid.
"""

import json
import os
import random
import sys
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from gatekeeper.events.keys import Kind, WorkKey
from gatekeeper.store.engine import Database, create_store_engine
from gatekeeper.store.work import Work
from gatekeeper.worker.engine import Engine, Pace
from gatekeeper.worker.runner import Runner

LEASE = 3.0
"""Seconds."""


def now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 (a process of its own)


def main(url: str, log: Path, pass_seconds: float, lease: float) -> None:
    def note(what: str, key: WorkKey | None = None) -> None:
        line = json.dumps({"what": what, "key": key and str(key), "at": time.time(), "pid": os.getpid()})  # noqa: TID251 (the same)
        with log.open("a") as file:
            file.write(line + "\n")

    def run(key: WorkKey, _hints: Sequence[Any], _now: datetime) -> None:
        note("start", key)
        time.sleep(pass_seconds)
        note("end", key)

    work = Work(Database(create_store_engine(url)))
    runner = Runner(work, {Kind.PULL: run}, now, random.random)
    pace = Pace(lease=timedelta(seconds=lease), sweep=timedelta(seconds=0.5))
    engine = Engine(work, runner, database_url=url, clock=now, pace=pace)
    engine.start()
    note("up")
    threading.Event().wait()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4]))
