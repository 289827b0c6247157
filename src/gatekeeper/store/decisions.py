"""Decisions with their whole input, by an id that is the hash of that input: they can be derived again."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from gatekeeper.decide.change import Change
from gatekeeper.decide.environment import EnvironmentSnapshot
from gatekeeper.decide.evaluate import Decision
from gatekeeper.decide.snapshot import Snapshot
from gatekeeper.store.engine import Database
from gatekeeper.store.rows import Codec, upsert
from gatekeeper.store.snapshots import CHANGE
from gatekeeper.store.tables import decision as table

DECISION: Codec[Decision] = Codec(Decision, terse=True)


@dataclass(frozen=True)
class Stored:
    """A decision as it was stored; ``decision_text`` is its canonical JSON, to the bit."""

    id: str
    at: datetime
    subject: str
    snapshot: Change
    decision: Decision
    decision_text: str
    essence: str


class Decisions:
    """All decisions."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self, connection: Connection, subject: str, snapshot: Change, decision: Decision, essence: str
    ) -> str:
        """Store a decision, if the transaction commits; its id."""
        text = CHANGE.text(snapshot)
        identity = hashlib.sha256(f"{subject}\n{text}".encode()).hexdigest()[:16]
        row = {
            "id": identity,
            "at": snapshot.now,
            "subject": subject,
            "verdict": int(decision.verdict),
            "essence": essence,
            "snapshot": text,
            "decision": DECISION.text(decision),
        }
        connection.execute(upsert(connection.dialect, table, row))
        return identity

    def told(self, snapshot: EnvironmentSnapshot, decision: Decision, essence: str) -> str:
        """Store what a pipeline was told; the decision's id."""
        with self._database.write() as connection:
            return self.add(connection, _asked(snapshot), snapshot, decision, essence)

    def on_record(self, snapshot: EnvironmentSnapshot, essence: str) -> str | None:
        """The id of what was told last of this service and environment, if it was this; else None."""
        newest = (
            select(table.c.id, table.c.essence)
            .where(table.c.subject == _asked(snapshot))
            .order_by(table.c.at.desc(), table.c.id)
            .limit(1)
        )
        with self._database.read() as connection:
            row = connection.execute(newest).one_or_none()
        return str(row.id) if row is not None and row.essence == essence else None

    def says(self, identity: str, decision: Decision, essence: str) -> bool:
        """Whether the decision of this id is the same, with the same essence."""
        query = select(table.c.decision, table.c.essence).where(table.c.id == identity)
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return row is not None and (row.decision, row.essence) == (DECISION.text(decision), essence)

    def find(self, identity: str) -> Stored | None:
        """One decision."""
        with self._database.read() as connection:
            row = connection.execute(select(table).where(table.c.id == identity)).one_or_none()
        return None if row is None else _stored(row)

    def of_pull(self, identity: str) -> tuple[Snapshot, Decision] | None:
        """One decision on a pull request."""
        stored = self.find(identity)
        if stored is None or not isinstance(stored.snapshot, Snapshot):
            return None
        return stored.snapshot, stored.decision

    def latest(self, subject: str | None = None, most: int = 50) -> tuple[Stored, ...]:
        """Decisions (about one subject), newest first."""
        query = select(table).order_by(table.c.at.desc(), table.c.id).limit(most)
        if subject is not None:
            query = query.where(table.c.subject == subject)
        with self._database.read() as connection:
            return tuple(_stored(row) for row in connection.execute(query))


def _asked(snapshot: EnvironmentSnapshot) -> str:
    return f"{snapshot.view.service.key}:{snapshot.environment.casefold()}"


def _stored(row: Any) -> Stored:
    return Stored(
        id=row.id,
        at=row.at,
        subject=row.subject,
        snapshot=CHANGE.parse(row.snapshot),
        decision=DECISION.parse(row.decision),
        decision_text=row.decision,
        essence=row.essence,
    )
