"""Executes work with Huey: threads, delays, wake-ups between processes. The only module that knows Huey.

A wake-up says "look whether something is due" and no more: the work table is the truth, so a lost, late or
doubled wake-up costs seconds, never an event. Every process that works also sweeps for what is due.
"""

import json
import logging
import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Generic

import structlog
from huey import Huey, PostgresHuey, SqliteHuey
from huey.consumer import Consumer, Scheduler
from huey.registry import Message
from huey.serializer import Serializer
from huey.storage import SqliteStorage
from sqlalchemy.engine import make_url

from gatekeeper.worker.leases import Leases
from gatekeeper.worker.ports import Claimed, Clock, Work
from gatekeeper.worker.presence import Presence
from gatekeeper.worker.runner import Runner
from gatekeeper.worker.schedule import Routine, Schedule

TICK = timedelta(milliseconds=250)
"""At most one wake-up a tick, so that a flood of events costs the queue a few writes a second."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

log = structlog.get_logger()


@dataclass(frozen=True)
class Pace:
    """How an engine runs.

    Attributes:
        workers: passes at once, in this process.
        lease: a claim not extended for so long is free for others: how long a killed worker's work waits.
        sweep: the time between two looks for work that nobody was woken for.
        longest_pass: a pass that runs longer is taken for stuck, and its lease no longer extended.
        grace: how long ``stop`` waits for passes to end.
    """

    workers: int = 4
    lease: timedelta = timedelta(seconds=15)
    sweep: timedelta = timedelta(seconds=2)
    longest_pass: timedelta = timedelta(minutes=30)
    grace: timedelta = timedelta(seconds=10)


class Engine(Generic[Claimed]):
    """Runs due work in threads of this process, between ``start`` and ``stop``.

    A process that only takes events in never starts it and just wakes the others. Start it after a fork,
    never before. It leaves signals alone.

    Args:
        database_url: the store's. Wake-ups go through a file beside it, or through the same PostgreSQL.
        clock: real time; leases and delays are measured with it.
    """

    def __init__(
        self,
        work: Work[Claimed],
        runner: Runner[Claimed],
        *,
        database_url: str,
        clock: Clock,
        routines: Sequence[Routine] = (),
        pace: Pace | None = None,
    ) -> None:
        self._work = work
        self._runner = runner
        self._clock = clock
        self._schedule = Schedule(routines)
        self._pace = pace or Pace()
        self._leases = Leases(work, lease=self._pace.lease, longest=self._pace.longest_pass)
        self._queue = _queue(database_url)
        self._presence = _presence(database_url)
        self._look = self._queue.task(name="look")(self._drain)
        self._lock = threading.Lock()
        self._ticks: set[int] = set()
        self._idle = self._pace.workers
        self._stopping = threading.Event()
        self._stopped = threading.Event()
        self._consumer: _Embedded | None = None
        self._threads: list[threading.Thread] = []

    def wake(self, after: timedelta = timedelta(0)) -> None:
        """Have somebody look for due work, here or in another process. Never raises: a sweep comes anyway."""
        now = self._clock()
        tick = (now + after - _EPOCH) // TICK + 1
        with self._lock:
            if tick in self._ticks:
                return
            self._ticks = {one for one in self._ticks if _EPOCH + one * TICK > now} | {tick}
        try:
            self._look.schedule(delay=_EPOCH + tick * TICK - now)
        except Exception:  # each storage has its own errors, and the event is safe in the work table
            log.exception("wake.failed")

    def start(self) -> None:
        """Start the threads. What a killed worker held is taken up at once if no other one is alive."""
        if self._presence.arrive():
            self._work.release_all()
        self._presence.settle()
        consumer = _Embedded(
            self._queue,
            workers=self._pace.workers,
            periodic=False,
            initial_delay=0.05,
            max_delay=0.25,
            shutdown_timeout=self._pace.grace.total_seconds(),
        )
        consumer.start()
        # Apart, because a routine may ask GitHub for long, and a heartbeat must not wait for it.
        loops = {"beat": (self._leases.extend, self._sweep), "timer": (self._keep_schedule,)}
        self._threads = [
            threading.Thread(target=self._repeat, args=steps, name=name, daemon=True)
            for name, steps in loops.items()
        ]
        for thread in self._threads:
            thread.start()
        self._consumer = consumer

    def stop(self) -> None:
        """Finish the passes that are running, take no more. What outlasts the grace is left to its lease."""
        if self._consumer is None:
            return
        self._stopping.set()
        self._consumer.stop(graceful=True)
        self._stopped.set()
        for thread in self._threads:
            thread.join(self._pace.grace.total_seconds())
        self._queue.storage.close()
        self._presence.leave()

    def _drain(self) -> None:
        """Run what is due until nothing is. This is what a wake-up executes."""
        with self._lock:
            self._idle -= 1
        try:
            while not self._stopping.is_set() and self._run_one():
                pass
        finally:
            with self._lock:
                self._idle += 1

    def _run_one(self) -> bool:
        now = self._clock()
        claim = self._work.claim(now, self._pace.lease)
        if claim is None:
            return False
        if self._idle:
            self.wake()  # there may be more than this
        with self._leases.held(claim, now):
            self._runner.run(claim)
        self.wake(2 * TICK)  # it may have been touched meanwhile
        return True

    def _repeat(self, *steps: Callable[[datetime], None]) -> None:
        stopped = False
        while not stopped:
            for step in steps:
                _guarded(step, self._clock())
            stopped = self._stopped.wait(self._pace.sweep.total_seconds())

    def _sweep(self, now: datetime) -> None:
        if self._idle and self._work.is_due(now):
            self.wake()

    def _keep_schedule(self, now: datetime) -> None:
        for routine in self._schedule.due(now):
            _guarded(partial(self._fire, routine), now)

    def _fire(self, routine: Routine, now: datetime) -> None:
        self._work.refresh(routine.touches(now), now, older_than=self._schedule.stale(routine, now))
        self._schedule.done(routine, now)


def _guarded(step: Callable[[datetime], None], now: datetime) -> None:
    try:
        step(now)
    except Exception:  # one failed beat (a database restarting) must not end the heartbeat of all passes
        log.exception("beat.failed")


class _Embedded(Consumer):  # type: ignore[misc]  # Huey has no types
    """Huey's consumer as a guest in a process that is not its own."""

    def _create_scheduler(self) -> Scheduler:
        scheduler = super()._create_scheduler()
        scheduler.interval = TICK.total_seconds()  # Huey's option has a floor of one second
        return scheduler

    def _set_signal_handlers(self) -> None:
        """Signals are the host's: gunicorn's or the command's."""


class _Fleeting(SqliteStorage):  # type: ignore[misc]  # Huey has no types
    """Wake-ups may be lost with the power: their commits must not take the disk from the deliveries'."""

    def _create_connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection = super()._create_connection()
        connection.execute("PRAGMA synchronous = NORMAL")
        return connection


class _Json(Serializer):  # type: ignore[misc]  # Huey has no types
    """A wake-up as JSON: whoever can write to the queue must not get to run code, as with Huey's pickles."""

    def _serialize(self, data: Message) -> bytes:
        eta = data.eta.isoformat() if data.eta else None
        return json.dumps({"id": data.id, "name": data.name, "eta": eta}).encode()

    def _deserialize(self, data: bytes) -> Message:
        fields = json.loads(data)
        eta = datetime.fromisoformat(fields["eta"]) if fields["eta"] else None
        return Message(fields["id"], fields["name"], eta)


def _presence(database_url: str) -> Presence:
    url = make_url(database_url)
    return Presence(Path(f"{url.database}-lock") if url.get_backend_name() == "sqlite" else None)


def _queue(database_url: str) -> Huey:
    logging.getLogger("huey").setLevel(logging.WARNING)  # it logs each wake-up; a pass has its own line
    url = make_url(database_url)
    options = {"name": "gatekeeper", "results": False, "serializer": _Json()}
    if url.get_backend_name() == "sqlite":
        file = Path(str(url.database)).with_suffix(".queue.db")
        return SqliteHuey(filename=str(file), storage_class=_Fleeting, **options)
    dsn = url.set(drivername="postgresql").render_as_string(hide_password=False)
    return PostgresHuey(dsn=dsn, table_prefix="wake", **options)
