"""What we wrote on GitHub, and where it is."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Delete, Select, and_, delete, func, or_, select

from gatekeeper.act.apply import Channel, Kind
from gatekeeper.act.plan import InDoubt, Nothing, Published, Spare
from gatekeeper.errors import TemporaryError
from gatekeeper.store.engine import Database
from gatekeeper.store.rows import upsert
from gatekeeper.store.tables import publication, spare_check

NOTHING = 0
"""Stands in ``remote_id`` for: looked, and not there. Without an essence, since a commit status has no id either."""

_NOTHING_THERE = and_(publication.c.remote_id == NOTHING, publication.c.essence.is_(None))

LONGEST_WRITE = timedelta(seconds=20)
"""An intent older than this was left by a worker that died: a request to GitHub is given up after 15 s."""


class Publications:
    """All publications; ``gatekeeper.act.apply.Publications`` is the port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, repository: str, kind: Kind, subject: str) -> Published | Nothing | InDoubt:
        """What is published, as far as we know."""
        with self._database.read() as connection:
            row = connection.execute(_of(repository, kind, subject)).one_or_none()
        if row is None or row.remote_id is None:
            return InDoubt()
        return Nothing() if row.essence is None else Published(row.remote_id, row.essence)

    def found_nothing(self, repository: str, kind: Kind, subject: str, now: datetime) -> None:
        """We looked, and there is nothing of ours. What somebody is about to create stays so."""
        row = _row(repository, kind, subject, NOTHING, None, now)
        with self._database.write() as connection:
            settled = publication.c.remote_id.is_not(None)
            connection.execute(upsert(connection.dialect, publication, row, where=settled))

    def intend(self, repository: str, kind: Kind, subject: str, now: datetime, *, by: str) -> None:
        """About to be created, on behalf of ``by``.

        Raises:
            TemporaryError: somebody else has published it since we looked, or is about to (two pull requests can
                share a commit, and so its check); the next attempt finds and updates it.
        """
        row = _row(repository, kind, subject, None, by, now)
        about_to_be = publication.c.remote_id.is_(None)
        free = or_(
            _NOTHING_THERE,
            and_(about_to_be, publication.c.essence == by),
            and_(about_to_be, publication.c.written_at <= now - LONGEST_WRITE),
        )
        with self._database.write() as connection:
            claim = upsert(connection.dialect, publication, row, where=free).returning(publication.c.subject)
            if connection.execute(claim).first() is None:
                raise TemporaryError(
                    f"the {kind} of {repository} {subject} is being written by another worker", retry_after=1
                )

    def record(
        self, repository: str, kind: Kind, subject: str, remote_id: int, essence: str, now: datetime
    ) -> None:
        """Created or updated."""
        self._put(repository, kind, subject, remote_id, essence, now)

    def record_first(
        self, repository: str, kind: Kind, subject: str, remote_id: int, essence: str, now: datetime
    ) -> bool:
        """Created; False, and nothing is recorded, where another one was meanwhile.

        True also where somebody else found this very one meanwhile: what they made of it stays on record.
        """
        row = _row(repository, kind, subject, remote_id, essence, now)
        free = or_(publication.c.remote_id.is_(None), _NOTHING_THERE)
        put = publication.c.remote_id
        with self._database.write() as connection:
            done = connection.execute(upsert(connection.dialect, publication, row, where=free).returning(put))
            kept = done.first() or connection.execute(_of(repository, kind, subject)).one()
        return bool(kept.remote_id == remote_id)

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

    def spares(self, repository: str, kind: Kind, sha: str) -> tuple[Spare, ...]:
        """The check runs that a commit has beside the one that counts, oldest first."""
        query = select(spare_check.c.remote_id, spare_check.c.conclusion).where(
            spare_check.c.repository == repository, spare_check.c.kind == kind, spare_check.c.sha == sha
        )
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(spare_check.c.remote_id))
            return tuple(Spare(row.remote_id, row.conclusion) for row in rows)

    def spare(self, repository: str, kind: Kind, sha: str, spares: Iterable[Spare]) -> None:
        """These are there too, and say so."""
        place = {"repository": repository, "kind": str(kind), "sha": sha}
        with self._database.write() as connection:
            for one in spares:
                row = {**place, "remote_id": one.remote_id, "conclusion": one.conclusion}
                connection.execute(upsert(connection.dialect, spare_check, row))

    def forget_spare(self, repository: str, remote_id: int) -> None:
        """No longer there."""
        with self._database.write() as connection:
            connection.execute(_spare(repository, remote_id))

    def supersede(
        self, repository: str, kind: Kind, subject: str, old: Published, new: Published, now: datetime
    ) -> None:
        """The new one is the one on record from now on, unless there is news of the old one."""
        row = _row(repository, kind, subject, new.remote_id, new.essence, now)
        unchanged = and_(publication.c.remote_id == old.remote_id, publication.c.essence == old.essence)
        with self._database.write() as connection:
            connection.execute(upsert(connection.dialect, publication, row, where=unchanged))
            connection.execute(_spare(repository, new.remote_id))

    def last_seen(self, repository: str, channel: Channel) -> datetime | None:
        """When a commit last got this check, or it was announced."""
        announced = and_(publication.c.kind == str(Kind.ANNOUNCEMENT), publication.c.subject == channel.name)
        query = select(func.max(publication.c.written_at)).where(
            publication.c.repository == repository,
            publication.c.essence.is_not(None),
            or_(announced, publication.c.kind == str(channel.check)),
        )
        with self._database.read() as connection:
            return connection.execute(query).scalar()

    def announced(self, repository: str, channel: Channel, remote_id: int, now: datetime) -> None:
        """The check was shown by this check run; 0: it need not be, for it is required."""
        self._put(repository, Kind.ANNOUNCEMENT, channel.name, remote_id, "", now)

    def announcement(self, repository: str, channel: Channel) -> int:
        """The check run that showed it last; 0 without one."""
        found = self.find(repository, Kind.ANNOUNCEMENT, channel.name)
        return found.remote_id if isinstance(found, Published) else 0

    def _put(
        self,
        repository: str,
        kind: Kind,
        subject: str,
        remote_id: int | None,
        essence: str | None,
        now: datetime,
    ) -> None:
        row = _row(repository, kind, subject, remote_id, essence, now)
        with self._database.write() as connection:
            connection.execute(upsert(connection.dialect, publication, row))


def _spare(repository: str, remote_id: int) -> Delete:
    return delete(spare_check).where(
        spare_check.c.repository == repository, spare_check.c.remote_id == remote_id
    )


def _of(repository: str, kind: Kind, subject: str) -> Select[Any]:
    return select(publication).where(
        publication.c.repository == repository, publication.c.kind == kind, publication.c.subject == subject
    )


def _row(
    repository: str, kind: Kind, subject: str, remote_id: int | None, essence: str | None, now: datetime
) -> dict[str, Any]:
    return {
        "repository": repository,
        "kind": str(kind),
        "subject": subject,
        "remote_id": remote_id,
        "essence": essence,
        "written_at": now,
    }
