"""The engine's own threads, in this process: timers, heartbeat, wake-ups, a clean stop."""

import random
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from databases import opened
from gatekeeper.events.keys import Kind, WorkKey
from gatekeeper.events.triggers import Touch
from gatekeeper.store.engine import Database
from gatekeeper.store.work import Claim, Work
from gatekeeper.worker.engine import Engine, Pace
from gatekeeper.worker.ports import Pass
from gatekeeper.worker.runner import Runner
from gatekeeper.worker.schedule import Routine
from working import now

PULL = WorkKey.pull("acme/shop", 12)
PACE = Pace(workers=2, lease=timedelta(seconds=1), sweep=timedelta(seconds=0.2), grace=timedelta(seconds=5))


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with opened(f"sqlite:///{tmp_path}/gatekeeper.db") as database:
        yield database


def an_engine(database: Database, one_pass: Pass, routines: Sequence[Routine] = ()) -> Engine[Claim]:
    work = Work(database)
    runner = Runner(work, {Kind.PULL: one_pass}, now, random.random)
    url = database.engine.url.render_as_string()
    return Engine(work, runner, database_url=url, clock=now, routines=routines, pace=PACE)


@contextmanager
def started(engine: Engine[Claim]) -> Iterator[None]:
    engine.start()
    try:
        yield
    finally:
        engine.stop()


class Passes:
    """A pass that notes that it ran, and waits when told to."""

    def __init__(self, *, open_gate: bool = True) -> None:
        self.ran = threading.Event()
        self.gate = threading.Event()
        self.ended = threading.Event()
        if open_gate:
            self.gate.set()

    def __call__(self, _key: WorkKey, _hints: Sequence[Any], _now: datetime) -> None:
        self.ran.set()
        assert self.gate.wait(20)
        self.ended.set()


def every(period: float, touches: Any) -> Routine:
    return Routine("test", timedelta(seconds=period), touches)


def test_a_routine_runs_at_start_and_its_work_is_done(database: Database) -> None:
    passes = Passes()
    with started(an_engine(database, passes, [every(3600, lambda _now: [Touch(PULL)])])):
        assert passes.ended.wait(10)


def test_a_start_does_again_what_was_just_done_only_where_that_is_wanted(database: Database) -> None:
    first = Passes()
    with started(an_engine(database, first, [every(3600, lambda _now: [Touch(PULL)])])):
        assert first.ended.wait(10)
    always = Routine("test", timedelta(hours=1), lambda _now: [Touch(PULL)], at_start=True)
    for routine, again in ((replace(always, at_start=False), False), (always, True)):
        passes = Passes()
        with started(an_engine(database, passes, [routine])):
            assert passes.ended.wait(10 if again else 1) is again


def test_a_routine_that_fails_is_tried_again_and_stops_no_other(database: Database) -> None:
    passes, failures = Passes(), []

    def fail(_now: datetime) -> list[Touch]:
        failures.append(1)
        raise ValueError("GitHub is not there")

    routines = [every(3600, fail), every(3600, lambda _now: [Touch(PULL)])]
    with started(an_engine(database, passes, routines)):
        assert passes.ended.wait(10)
        _until(lambda: len(failures) > 1)


def test_a_slow_routine_keeps_no_heartbeat_waiting(database: Database) -> None:
    passes, release = Passes(open_gate=False), threading.Event()

    def slow(_now: datetime) -> list[Touch]:
        assert release.wait(20)
        return []

    work = Work(database)
    with started(an_engine(database, passes, [every(3600, slow)])):
        work.add([Touch(PULL)], now())
        assert passes.ran.wait(10)
        threading.Event().wait(2.5 * PACE.lease.total_seconds())
        assert work.claim(now(), PACE.lease) is None  # still ours, long after the lease
        passes.gate.set()
        release.set()


def test_a_stop_lets_the_running_pass_end_and_takes_no_more(database: Database) -> None:
    passes, work = Passes(open_gate=False), Work(database)
    engine = an_engine(database, passes)
    engine.start()
    work.add([Touch(PULL)], now())
    assert passes.ran.wait(10)
    stopping = threading.Thread(target=engine.stop)
    stopping.start()
    work.add([Touch(WorkKey.pull("acme/shop", 13))], now())
    passes.gate.set()
    stopping.join(10)
    assert not stopping.is_alive()
    assert passes.ended.is_set()
    counts = work.counts(now())
    assert (counts.waiting, counts.running) == (1, 0)


def test_a_flood_of_wake_ups_costs_the_queue_a_few_writes(database: Database) -> None:
    engine = an_engine(database, Passes())
    before = now()
    for _ in range(2000):
        engine.wake(timedelta(seconds=0.5))
    ticks = (now() - before) / timedelta(seconds=0.25)
    assert 1 <= _queued(database) <= ticks + 1
    engine.stop()


def test_a_queue_that_is_gone_loses_nothing(database: Database) -> None:
    passes = Passes()
    engine = an_engine(database, passes)
    with started(engine):
        _queue(database, "DROP TABLE schedule")
        Work(database).add([Touch(PULL)], now())
        engine.wake()  # logged, not raised: the door must answer 202
        _queue(
            database, "CREATE TABLE schedule (id INTEGER PRIMARY KEY, queue TEXT, data BLOB, timestamp REAL)"
        )
        assert passes.ended.wait(10)


def test_what_others_put_into_the_queue_is_not_run(database: Database, tmp_path: Path) -> None:
    touched = tmp_path / "touched"
    pickled = b"cposix\nsystem\n(S'touch " + str(touched).encode() + b"'\ntR."
    passes = Passes()
    engine = an_engine(database, passes)
    _queue(database, "INSERT INTO task (queue, data, priority) VALUES ('gatekeeper', ?, 9)", pickled)
    with started(engine):
        Work(database).add([Touch(PULL)], now())
        assert passes.ended.wait(10)
    assert not touched.exists()


def _queue(database: Database, statement: str, *values: object) -> list[Any]:
    path = Path(str(database.engine.url.database)).with_suffix(".queue.db")
    connection = sqlite3.connect(path, isolation_level=None, timeout=5)
    try:
        return connection.execute(statement, values).fetchall()
    finally:
        connection.close()


def _queued(database: Database) -> int:
    ((count,),) = _queue(database, "SELECT count(*) FROM task")
    return int(count)


def _until(condition: Any) -> None:
    for _ in range(200):
        if condition():
            return
        threading.Event().wait(0.05)
    pytest.fail("it did not come to pass")
