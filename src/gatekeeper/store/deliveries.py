"""Deliveries, stored with the work that they touch in one transaction: acknowledged means not forgotten."""

import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import structlog
from sqlalchemy import Connection, and_, bindparam, delete, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from gatekeeper.errors import TemporaryError
from gatekeeper.events.delivery import Delivery
from gatekeeper.events.keys import WorkKey
from gatekeeper.events.triggers import Triggered
from gatekeeper.store.engine import Database
from gatekeeper.store.tables import delivery as deliveries
from gatekeeper.store.tables import work
from gatekeeper.store.work import Touched, Work

log = structlog.get_logger()


class Outcome(StrEnum):
    """What became of a delivery at the door."""

    ACCEPTED = "accepted"
    IGNORED = "ignored"
    ALREADY_DONE = "already done"


@dataclass(frozen=True)
class Receipt:
    """What a sender is told, once it is on disk.

    Attributes:
        ignored: why, if it is.
        touched: the work that will be done because of it.
    """

    outcome: Outcome
    ignored: str | None = None
    touched: tuple[Touched, ...] = ()


@dataclass(eq=False)
class _Arrival:
    """A delivery at the door. With neither receipt nor error once it was taken, its batch was given up."""

    delivery: Delivery
    triggered: Triggered
    now: datetime
    taken: bool = False
    receipt: Receipt | None = None
    error: TemporaryError | None = None


class Deliveries:
    """The deliveries of one database.

    What arrives while others are being stored is stored next, all of it by the same few statements: under a
    flood a delivery's share of them is small, and one that comes alone waits for nobody.
    """

    def __init__(self, database: Database, work: Work) -> None:
        self._database = database
        self._work = work
        self._arrivals: deque[_Arrival] = deque()
        self._turn = threading.Lock()

    def accept(self, delivery: Delivery, triggered: Triggered, now: datetime) -> Receipt:
        """Store a delivery and touch its work.

        GitHub repeats a delivery under the same id when somebody asks it to. One whose work is done
        changes nothing; one whose work is not (it failed, or is parked) is touched again.

        Raises:
            TemporaryError: the database could not be used; nothing has been changed.
        """
        arrival = _Arrival(delivery, triggered, now)
        self._arrivals.append(arrival)
        with self._turn:
            if not arrival.taken:
                self._store_next()
        if arrival.error is not None:
            raise TemporaryError(str(arrival.error)) from arrival.error
        return arrival.receipt or self._store_alone(arrival)

    def is_done(self, guid: str) -> bool:
        """Whether everything that this delivery touched has been passed; False also when it is unknown."""
        with self._database.read() as connection:
            return _is_done(connection, guid)

    def forget(self, before: datetime) -> int:
        """Delete deliveries received before, and how many. GitHub redelivers for 3 days (Enterprise Server: 7)."""
        with self._database.write() as connection:
            return connection.execute(delete(deliveries).where(deliveries.c.received_at < before)).rowcount

    def _store_next(self) -> None:
        """Store all who wait. Whoever calls is one of them, for it holds the turn."""
        batch = [self._arrivals.popleft() for _ in range(len(self._arrivals))]
        for arrival in batch:
            arrival.taken = True
        try:
            self._store_together(batch)
        except TemporaryError as error:
            for arrival in batch:
                arrival.error = error
        except _RepeatedError:
            return  # each goes on alone: one of them has been here before
        except Exception:
            # What is wrong with one must not refuse the rest: each goes on alone, and fails alone.
            log.exception("deliveries.batch_given_up", deliveries=len(batch))

    def _store_together(self, batch: Sequence[_Arrival]) -> None:
        now = min(arrival.now for arrival in batch)
        with self._database.write() as connection:
            touches = [touch for arrival in batch for touch in arrival.triggered.touches]
            touched = {one.key: one for one in self._work.touch(connection, touches, now)}
            receipts = [_receipt(arrival, touched) for arrival in batch]
            rows = [_row(*each) for each in zip(batch, receipts, strict=True)]
            if len(connection.execute(_INSERT[connection.dialect.name], rows).all()) < len(batch):
                raise _RepeatedError
        for arrival, receipt in zip(batch, receipts, strict=True):
            arrival.receipt = receipt

    def _store_alone(self, arrival: _Arrival) -> Receipt:
        with self._database.write() as connection:
            if _is_done(connection, arrival.delivery.guid):
                return Receipt(Outcome.ALREADY_DONE)
            touched = self._work.touch(connection, arrival.triggered.touches, arrival.now)
            receipt = _receipt(arrival, {one.key: one for one in touched})
            connection.execute(_UPSERT[connection.dialect.name], _row(arrival, receipt))
        return receipt


def _is_done(connection: Connection, guid: str) -> bool:
    touched = connection.execute(_TOUCHED, {"guid": guid}).scalar()
    if not touched:
        return touched is not None
    behind = or_(*(and_(work.c.key == key, work.c.done < gen) for key, gen in touched.items()))
    return connection.execute(select(work.c.key).where(behind).limit(1)).first() is None


def _receipt(arrival: _Arrival, touched: Mapping[WorkKey, Touched]) -> Receipt:
    ours = tuple(touched[key] for key in sorted({touch.key for touch in arrival.triggered.touches}))
    return Receipt(Outcome.ACCEPTED if ours else Outcome.IGNORED, arrival.triggered.ignored, ours)


def _row(arrival: _Arrival, receipt: Receipt) -> dict[str, Any]:
    return {
        "guid": arrival.delivery.guid,
        "event": arrival.delivery.event,
        "action": arrival.delivery.action,
        "installation": arrival.delivery.installation,
        "received_at": arrival.now,
        "ignored": arrival.triggered.ignored,
        "touched": {str(one.key): one.gen for one in receipt.touched},
    }


class _RepeatedError(Exception):
    """One in the batch has been here before."""


def _inserts(dialect: Any) -> tuple[Any, Any]:
    """The statements that store new deliveries and say which were new, and a delivery new or not."""
    new = dialect.insert(deliveries)
    again = {"received_at": new.excluded.received_at, "touched": new.excluded.touched}
    return (
        new.on_conflict_do_nothing().returning(deliveries.c.guid),
        new.on_conflict_do_update(index_elements=[deliveries.c.guid], set_=again),
    )


_TOUCHED = select(deliveries.c.touched).where(deliveries.c.guid == bindparam("guid"))
_STATEMENTS = {"sqlite": _inserts(sqlite), "postgresql": _inserts(postgresql)}
_INSERT = {name: insert for name, (insert, _) in _STATEMENTS.items()}
_UPSERT = {name: upsert for name, (_, upsert) in _STATEMENTS.items()}
