"""Policies in force: the last good version of each service, and what is wrong with newer ones."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, select, update

from gatekeeper.errors import TemporaryError
from gatekeeper.events.keys import Kind, WorkKey
from gatekeeper.events.triggers import Touch
from gatekeeper.policy.covers import repositories
from gatekeeper.policy.gate import Mode
from gatekeeper.policy.in_force import InForce
from gatekeeper.policy.loader import PolicyFile
from gatekeeper.policy.model import Service
from gatekeeper.store import deployments, organizations, overrides
from gatekeeper.store.engine import Database
from gatekeeper.store.queue import Queue
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

    def __init__(self, database: Database, queue: Queue) -> None:
        self._database = database
        self._queue = queue

    def entries(self, organization: str | None = None) -> tuple[Entry, ...]:
        """All services (of one organisation), by key."""
        query = select(service).order_by(service.c.key)
        if organization is not None:
            query = query.where(service.c.key.startswith(f"{organization}/", autoescape=True))
        with self._database.read() as connection:
            return tuple(_entry(row) for row in connection.execute(query))

    def covered(self) -> tuple[str, ...]:
        """The repositories whose changes touch some service, as the policies write them."""
        return tuple(sorted({name for entry in self.entries() for name in repositories(entry.service)}))

    def entry(self, key: str) -> Entry | None:
        """One service."""
        with self._database.read() as connection:
            row = connection.execute(select(service).where(service.c.key == key)).one_or_none()
        return None if row is None else _entry(row)

    def named(self, name: str, organization: str | None = None) -> tuple[Entry, ...]:
        """The services of this name (of one organisation), by key; no other policy is read."""
        query = select(service).order_by(service.c.key)
        if organization is None:
            query = query.where(service.c.key.endswith(f"/{name}", autoescape=True))
        else:
            query = query.where(service.c.key == f"{organization}/{name}")
        with self._database.read() as connection:
            found = tuple(_entry(row) for row in connection.execute(query))
        return tuple(entry for entry in found if entry.service.name == name)

    def mode_since(self, key: str) -> datetime | None:
        """Since when a service's policy has been in its mode; None where it has no policy in force."""
        with self._database.read() as connection:
            return connection.execute(
                select(service.c.mode_since).where(service.c.key == key)
            ).scalar_one_or_none()

    def in_force(self, organization: str) -> tuple[tuple[Service, str | None], ...]:
        """An organisation's services, each with what is wrong with a newer version of its file."""
        return tuple((entry.service, entry.problem) for entry in self.entries(organization))

    def services_of(self, repository: str) -> tuple[Service, ...]:
        """The services whose policies were read from this repository."""
        query = select(service).where(service.c.repository == repository).order_by(service.c.key)
        with self._database.read() as connection:
            return tuple(_entry(row).service for row in connection.execute(query))

    def others(self, organization: str, repository: str) -> tuple[Service, ...]:
        """The organisation's services whose policies were read from other repositories."""
        entries = self.entries(organization)
        return tuple(entry.service for entry in entries if entry.service.origin.repository != repository)

    def sources(self) -> tuple[Source, ...]:
        """All repositories whose policy files were read, by name."""
        with self._database.read() as connection:
            rows = connection.execute(select(policy_source).order_by(policy_source.c.repository)).all()
        return tuple(_source(row) for row in rows)

    def sources_of(self, organization: str) -> tuple[str, ...]:
        """The organisation's repositories whose policy files were read."""
        names = [source.repository for source in self.sources()]
        return tuple(name for name in names if name.startswith(f"{organization}/"))

    def is_known(self, repository: str) -> bool:
        """Whether the repository's policy files were read before."""
        return self._source_row(repository) is not None

    def problems(self, repository: str) -> tuple[str, ...]:
        """What is wrong in a repository's policy files."""
        row = self._source_row(repository)
        return () if row is None else tuple(row.problems)

    def defaults_of(self, repository: str) -> tuple[PolicyFile, ...]:
        """The files of a repository that set defaults."""
        row = self._source_row(repository)
        return () if row is None else tuple(PolicyFile(path, text) for path, text in row.defaults)

    def put_in_force(
        self,
        policies: InForce,
        touches: Sequence[Touch],
        now: datetime,
        *,
        instead_of: Collection[str] | None = None,
    ) -> None:
        """Put a repository's services in force, those it no longer has go; and what to look at because of it.

        Args:
            policies: they, with their repository.
            touches: what to look at.
            now: the present.
            instead_of: the keys of those that were in force when these were read; None for whatever is.

        Raises:
            TemporaryError: others are in force by now: another pass came in between, or the repository was renamed.
        """
        repository, kept = policies.repository, [one.key for one, _ in policies.services]
        with self._database.write() as connection:
            mine = service.c.repository == repository
            there = connection.execute(select(service.c.key).where(mine)).scalars().all()
            if instead_of is not None and set(there) != set(instead_of):
                raise TemporaryError(f"the policies of {repository} were read by another pass meanwhile")
            connection.execute(delete(service).where(mine, service.c.key.not_in(kept)))
            modes = _modes(connection, kept)
            for row in _rows(policies, modes, now):
                connection.execute(upsert(connection.dialect, service, row))
            source = {
                "repository": repository,
                "commit": policies.commit,
                "read_at": now,
                "defaults": [[file.path, file.text] for file in policies.defaults],
                "problems": list(policies.problems),
            }
            connection.execute(upsert(connection.dialect, policy_source, source))
            self._queue.touch(connection, touches)

    def forget(self, repository: str, touches: Sequence[Touch]) -> None:
        """A repository is gone with its policies; and what to look at because of it."""
        with self._database.write() as connection:
            for table in (service, policy_source):
                connection.execute(delete(table).where(table.c.repository == repository))
            self._queue.touch(connection, touches)

    def rename(self, repository: str, name: str, touches: Sequence[Touch], now: datetime) -> None:
        """A repository has another name: its services are read from there now, and keep their gates.

        With it go the overrides in force, and what was let go and deployed, so that a rollback is still known for one.
        """
        with self._database.write() as connection:
            overrides.carry_over(connection, repository, name, now)
            deployments.carry_over(connection, repository, name)
            mine = service.c.repository == repository
            for row in connection.execute(select(service).where(mine)).all():
                one = _SERVICE.load(row.document)
                origin = one.origin.model_copy(update={"repository": name})
                document = _SERVICE.dump(one.model_copy(update={"origin": origin}))
                changed = update(service).where(service.c.key == row.key)
                connection.execute(changed.values(repository=name, document=document))
            read = select(policy_source.c.repository).where(policy_source.c.repository == repository)
            if connection.execute(read).first() is not None:  # else it has gone over already
                connection.execute(delete(policy_source).where(policy_source.c.repository == name))
                source = update(policy_source).where(policy_source.c.repository == repository)
                connection.execute(source.values(repository=name))
            self._queue.touch(connection, touches)

    def rename_organization(self, former: str, name: str, now: datetime) -> None:
        """An organisation has another name: its services keep what they are and their gates, and are looked at."""
        with self._database.write() as connection:
            keys = organizations.rename(connection, former, name, now)
            self._queue.touch(connection, [Touch(WorkKey(Kind.SERVICE, key)) for key in keys])

    def _source_row(self, repository: str) -> Any:
        with self._database.read() as connection:
            return connection.execute(
                select(policy_source).where(policy_source.c.repository == repository)
            ).one_or_none()


def _modes(connection: Connection, keys: Sequence[str]) -> dict[tuple[str, Mode], datetime]:
    """Since when these services have been in the modes that they are in."""
    rows = connection.execute(select(service).where(service.c.key.in_(keys)))
    return {(row.key, _SERVICE.load(row.document).gate.mode): row.mode_since for row in rows}


def _rows(
    policies: InForce, modes: Mapping[tuple[str, Mode], datetime], now: datetime
) -> Iterable[dict[str, Any]]:
    for one, problem in policies.services:
        yield {
            "key": one.key,
            "repository": policies.repository,
            "path": one.origin.path,
            "document": _SERVICE.dump(one),
            "problem": problem,
            "mode_since": modes.get((one.key, one.gate.mode), now),
        }


def _entry(row: Any) -> Entry:
    return Entry(_SERVICE.load(row.document), row.problem)


def _source(row: Any) -> Source:
    return Source(row.repository, row.commit, row.read_at, tuple(row.problems))
