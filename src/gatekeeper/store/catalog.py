"""Policies in force: the last good version of each service, and what is wrong with newer ones."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select

from gatekeeper.policy.model import Service
from gatekeeper.store.engine import Database
from gatekeeper.store.rows import Codec, upsert
from gatekeeper.store.tables import policy_source, service

_SERVICE: Codec[Service] = Codec(Service)


@dataclass(frozen=True)
class Entry:
    """A service's policy in force; ``problem`` says what is wrong with the newer version of its file."""

    service: Service
    problem: str | None


@dataclass(frozen=True)
class Source:
    """A repository's policy files as last read."""

    repository: str
    commit: str
    read_at: datetime
    problems: tuple[str, ...]


class Catalog:
    """The services of all organisations."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def entries(self, organization: str | None = None) -> tuple[Entry, ...]:
        """All services (of one organisation), by key."""
        query = select(service.c.document, service.c.problem).order_by(service.c.key)
        if organization is not None:
            query = query.where(service.c.key.startswith(f"{organization}/", autoescape=True))
        with self._database.read() as connection:
            return tuple(Entry(_SERVICE.load(row.document), row.problem) for row in connection.execute(query))

    def entry(self, key: str) -> Entry | None:
        """One service."""
        with self._database.read() as connection:
            row = connection.execute(select(service).where(service.c.key == key)).one_or_none()
        return None if row is None else Entry(_SERVICE.load(row.document), row.problem)

    def sources(self) -> tuple[Source, ...]:
        """All repositories whose policy files were read."""
        with self._database.read() as connection:
            rows = connection.execute(select(policy_source).order_by(policy_source.c.repository)).all()
        return tuple(_source(row) for row in rows)

    def source(self, repository: str) -> Source | None:
        """One repository's policy files as last read; None when they never were."""
        with self._database.read() as connection:
            row = connection.execute(
                select(policy_source).where(policy_source.c.repository == repository)
            ).one_or_none()
        return None if row is None else _source(row)

    def defaults(self, repository: str) -> Any:
        """The ``kind: Defaults`` document in force of a policy repository; None when there is none."""
        with self._database.read() as connection:
            return connection.execute(
                select(policy_source.c.defaults).where(policy_source.c.repository == repository)
            ).scalar_one_or_none()

    def replace(
        self, source: Source, entries: Sequence[Entry], *, defaults: Any = None
    ) -> tuple[Service, ...]:
        """Put a repository's services in force; those it no longer has go. Returns the services that were there."""
        with self._database.write() as connection:
            mine = service.c.repository == source.repository
            before = connection.execute(select(service.c.document).where(mine)).scalars().all()
            kept = [entry.service.key for entry in entries]
            connection.execute(delete(service).where(mine, service.c.key.not_in(kept)))
            for row in _rows(source.repository, entries):
                connection.execute(upsert(connection.dialect, service, row))
            stored = {
                "repository": source.repository,
                "commit": source.commit,
                "read_at": source.read_at,
                "defaults": defaults,
                "problems": list(source.problems),
            }
            connection.execute(upsert(connection.dialect, policy_source, stored))
        return tuple(_SERVICE.load(document) for document in before)


def _rows(repository: str, entries: Iterable[Entry]) -> Iterable[dict[str, Any]]:
    for entry in entries:
        yield {
            "key": entry.service.key,
            "repository": repository,
            "path": entry.service.origin.path,
            "document": _SERVICE.dump(entry.service),
            "problem": entry.problem,
        }


def _source(row: Any) -> Source:
    return Source(row.repository, row.commit, row.read_at, tuple(row.problems))
