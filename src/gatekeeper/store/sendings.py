"""What the processes of an installation send to GitHub, so that together they keep its limits."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, select, text

from gatekeeper.github.allowance import Cost
from gatekeeper.github.sharing import News, Spent
from gatekeeper.store.engine import Database
from gatekeeper.store.rows import upsert
from gatekeeper.store.tables import sending, silence

LONGEST = timedelta(hours=1)
"""GitHub's longest window."""
_LOCK = 8_201_165
"""Any number, as long as nothing else locks with it and an installation's id."""


@dataclass
class Sendings:
    """The sendings of one installation, as one process sees them. Clocks of several machines should agree.

    Attributes:
        installation: its id; 0 for a token.
        clock: real time.
        me: a name that no other process has.
    """

    database: Database
    installation: int
    clock: Callable[[], datetime]
    me: str = field(default_factory=lambda: uuid.uuid4().hex)
    _seen: int = 0

    def news(self) -> News:
        """What others sent since this was asked last, and how long GitHub wants silence."""
        now = self.clock()
        query = (
            select(sending)
            .where(sending.c.installation == self.installation, sending.c.id > self._seen)
            .where(sending.c.at > now - LONGEST)
            .order_by(sending.c.id)
        )
        wanted = select(silence.c.until).where(silence.c.installation == self.installation)
        with self.database.read() as connection:
            rows = connection.execute(query).all()
            until = connection.execute(wanted).scalar_one_or_none()
        self._seen = max((row.id for row in rows), default=self._seen)
        spent = [
            Spent(_cost(row), max(0.0, (now - row.at).total_seconds())) for row in rows if row.by != self.me
        ]
        return News(spent, 0.0 if until is None else max(0.0, (until - now).total_seconds()))

    def take(self, cost: Cost) -> bool:
        """Note that we begin a request, unless somebody else has begun one that we do not know of."""
        now = self.clock()
        row = {
            "installation": self.installation,
            "by": self.me,
            "at": now,
            "points": cost.points,
            "graphql": cost.graphql,
            "content": cost.content,
        }
        newer = select(sending.c.id).where(
            sending.c.installation == self.installation,
            sending.c.by != self.me,
            sending.c.id > self._seen,
            sending.c.at > now - LONGEST,
        )
        with self.database.write(durable=False) as connection:
            _lock(connection, self.installation)
            if connection.execute(newer.limit(1)).first() is not None:
                return False
            connection.execute(delete(sending).where(sending.c.at <= now - LONGEST))
            connection.execute(sending.insert().values(row))
        return True

    def keep_silent(self, seconds: float) -> None:
        """GitHub asked for silence; of two wishes the longer one counts."""
        until = self.clock() + timedelta(seconds=seconds)
        known = select(silence.c.until).where(silence.c.installation == self.installation)
        with self.database.write(durable=False) as connection:
            _lock(connection, self.installation)
            before = connection.execute(known).scalar_one_or_none()
            if before is None or before < until:
                row = {"installation": self.installation, "until": until}
                connection.execute(upsert(connection.dialect, silence, row))


def _cost(row: Any) -> Cost:
    return Cost(row.points, graphql=row.graphql, write=True, content=row.content)


def _lock(connection: Connection, installation: int) -> None:
    if connection.dialect.name == "postgresql":
        query = text("SELECT pg_advisory_xact_lock(:lock, :installation)")
        connection.execute(query, {"lock": _LOCK, "installation": installation % 2**31})
