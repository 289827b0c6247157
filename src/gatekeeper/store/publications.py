"""What we wrote on GitHub, and where it is."""

from datetime import datetime

from sqlalchemy import delete, select

from gatekeeper.act.apply import Kind
from gatekeeper.act.plan import InDoubt, Nothing, Published
from gatekeeper.store.engine import Database
from gatekeeper.store.rows import upsert
from gatekeeper.store.tables import publication

NOTHING = 0
"""Stands in ``remote_id`` for: looked, and not there. Without an essence, since a commit status has no id either."""


class Publications:
    """All publications; ``gatekeeper.act.apply.Publications`` is the port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, repository: str, kind: Kind, subject: str) -> Published | Nothing | InDoubt:
        """What is published, as far as we know."""
        query = select(publication).where(
            publication.c.repository == repository,
            publication.c.kind == kind,
            publication.c.subject == subject,
        )
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        if row is None or row.remote_id is None:
            return InDoubt()
        return Nothing() if row.essence is None else Published(row.remote_id, row.essence)

    def found_nothing(self, repository: str, kind: Kind, subject: str, now: datetime) -> None:
        """We looked, and there is nothing of ours."""
        self._put(repository, kind, subject, NOTHING, None, now)

    def intend(self, repository: str, kind: Kind, subject: str, now: datetime) -> None:
        """About to be created."""
        self._put(repository, kind, subject, None, None, now)

    def record(
        self, repository: str, kind: Kind, subject: str, remote_id: int, essence: str, now: datetime
    ) -> None:
        """Created or updated."""
        self._put(repository, kind, subject, remote_id, essence, now)

    def forget(self, repository: str, kind: Kind, subject: str) -> None:
        """No longer there."""
        with self._database.write() as connection:
            connection.execute(
                delete(publication).where(
                    publication.c.repository == repository,
                    publication.c.kind == kind,
                    publication.c.subject == subject,
                )
            )

    def _put(
        self,
        repository: str,
        kind: Kind,
        subject: str,
        remote_id: int | None,
        essence: str | None,
        now: datetime,
    ) -> None:
        row = {
            "repository": repository,
            "kind": str(kind),
            "subject": subject,
            "remote_id": remote_id,
            "essence": essence,
            "written_at": now,
        }
        with self._database.write() as connection:
            connection.execute(upsert(connection.dialect, publication, row))
