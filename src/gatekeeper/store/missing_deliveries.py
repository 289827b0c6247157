"""Deliveries that GitHub has on record and that never came in, and how far its record was gone through."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, and_, delete, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from gatekeeper.events.redelivery import Missing, Walk
from gatekeeper.github.values import DeliveryAttempt
from gatekeeper.store.engine import Database
from gatekeeper.store.rows import upsert
from gatekeeper.store.tables import delivery, delivery_walk, missing_delivery

_THE_ONE = 1


class MissingDeliveries:
    """The missing deliveries of one App; ``gatekeeper.worker.delivery_sweep.Memory`` is the port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def walk(self) -> Walk | None:
        """The last walk; None before the first."""
        with self._database.read() as connection:
            row = connection.execute(select(delivery_walk)).one_or_none()
        return None if row is None else Walk(row.newest, row.since, row.cursor)

    def walked(self, walk: Walk, attempts: Sequence[DeliveryAttempt], now: datetime) -> int:
        """Remember how far it came, and which of these never came in; how many of them were not known as missing."""
        row = {"id": _THE_ONE, "newest": walk.newest, "since": walk.since, "cursor": walk.cursor}
        with self._database.write() as connection:
            connection.execute(upsert(connection.dialect, delivery_walk, row))
            return _add(connection, attempts, now) if attempts else 0

    def due(self, now: datetime, *, since: datetime) -> Sequence[Missing]:
        """Those made ``since`` that it is time to ask for, oldest first; without what came in.

        Older ones are kept for as long again: until then later attempts at them are on GitHub's record, and would be
        taken for new.
        """
        came = missing_delivery.c.guid.in_(select(delivery.c.guid))
        old = missing_delivery.c.delivered_at < since - (now - since)
        due = and_(missing_delivery.c.due_at <= now, missing_delivery.c.delivered_at >= since)
        query = select(missing_delivery).where(due)
        with self._database.write() as connection:
            connection.execute(delete(missing_delivery).where(or_(came, old)))
            rows = connection.execute(
                query.order_by(missing_delivery.c.delivered_at, missing_delivery.c.guid)
            )
            return [Missing(row.guid, row.attempt, row.delivered_at, row.asked) for row in rows]

    def asked(self, guid: str, due: datetime) -> None:
        """Asked for; asked for again when ``due``, if it has not come in by then."""
        again = {"asked": missing_delivery.c.asked + 1, "due_at": due}
        with self._database.write() as connection:
            connection.execute(update(missing_delivery).where(missing_delivery.c.guid == guid).values(again))


def _add(connection: Connection, attempts: Sequence[DeliveryAttempt], now: datetime) -> int:
    """Put on record which of these never came in; how many that adds."""
    guids = {one.guid for one in attempts}
    came = set(connection.execute(select(delivery.c.guid).where(delivery.c.guid.in_(guids))).scalars())
    rows = {
        one.guid: {
            "guid": one.guid,
            "attempt": one.id,
            "delivered_at": one.delivered_at,
            "asked": 0,
            "due_at": now,
        }
        for one in attempts
        if one.guid not in came
    }
    if not rows:
        return 0
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    adding = dialect.insert(missing_delivery).on_conflict_do_nothing().returning(missing_delivery.c.guid)
    return len(connection.execute(adding, list(rows.values())).all())
