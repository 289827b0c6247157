"""Deliveries, stored with the work that they touch in one transaction: acknowledged means not forgotten."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, and_, bindparam, delete, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from gatekeeper.events.delivery import Delivery
from gatekeeper.events.triggers import Triggered
from gatekeeper.store.engine import Database
from gatekeeper.store.tables import delivery as deliveries
from gatekeeper.store.tables import work
from gatekeeper.store.work import Touched, Work


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


class Deliveries:
    """The deliveries of one database."""

    def __init__(self, database: Database, work: Work) -> None:
        self._database = database
        self._work = work

    def accept(self, delivery: Delivery, triggered: Triggered, now: datetime) -> Receipt:
        """Store a delivery and touch its work.

        GitHub repeats a delivery under the same id when somebody asks it to. One whose work is done
        changes nothing; one whose work is not (it failed, or is parked) is touched again.
        """
        try:
            with self._database.write() as connection:
                touched = tuple(self._work.touch(connection, triggered.touches, now))
                _store(connection, delivery, triggered, touched, now)
        except _AlreadyDoneError:
            return Receipt(Outcome.ALREADY_DONE)
        return Receipt(Outcome.ACCEPTED if touched else Outcome.IGNORED, triggered.ignored, touched)

    def is_done(self, guid: str) -> bool:
        """Whether everything that this delivery touched has been passed; False also when it is unknown."""
        with self._database.read() as connection:
            return _is_done(connection, guid)

    def forget(self, before: datetime) -> int:
        """Delete deliveries received before, and how many. GitHub redelivers for 3 days (Enterprise Server: 7)."""
        with self._database.write() as connection:
            return connection.execute(delete(deliveries).where(deliveries.c.received_at < before)).rowcount


def _is_done(connection: Connection, guid: str) -> bool:
    touched = connection.execute(_TOUCHED, {"guid": guid}).scalar()
    if not touched:
        return touched is not None
    behind = or_(*(and_(work.c.key == key, work.c.done < gen) for key, gen in touched.items()))
    return connection.execute(select(work.c.key).where(behind).limit(1)).first() is None


def _store(
    connection: Connection,
    delivery: Delivery,
    triggered: Triggered,
    touched: Sequence[Touched],
    now: datetime,
) -> None:
    values = {
        "guid": delivery.guid,
        "event": delivery.event,
        "action": delivery.action,
        "installation": delivery.installation,
        "received_at": now,
        "ignored": triggered.ignored,
        "touched": {str(one.key): one.gen for one in touched},
    }
    if connection.execute(_INSERT[connection.dialect.name], values).first():
        return
    if _is_done(connection, delivery.guid):
        raise _AlreadyDoneError  # which takes the touches back
    again = update(deliveries).where(deliveries.c.guid == delivery.guid)
    connection.execute(again.values(received_at=now, touched=values["touched"]))


class _AlreadyDoneError(Exception):
    """A redelivery of a delivery whose work is done."""


_TOUCHED = select(deliveries.c.touched).where(deliveries.c.guid == bindparam("guid"))
_INSERT = {
    "sqlite": sqlite.insert(deliveries).on_conflict_do_nothing().returning(deliveries.c.guid),
    "postgresql": postgresql.insert(deliveries).on_conflict_do_nothing().returning(deliveries.c.guid),
}
