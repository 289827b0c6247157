"""Installations of the App, and the repositories each may see."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, select

from gatekeeper.github.values import RepositoryData
from gatekeeper.store.engine import Database
from gatekeeper.store.rows import upsert
from gatekeeper.store.tables import installation, repository


@dataclass(frozen=True)
class KnownRepository:
    """A repository that Gatekeeper may see; ``installation`` is None with a token instead of an App."""

    full_name: str
    installation: int | None
    default_branch: str
    archived: bool = False


class Installations:
    """All installations and repositories."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def installation_of(self, full_name: str) -> int | None:
        """The installation through which a repository is reached, if known."""
        known = self.repository(full_name)
        return known.installation if known else None

    def repository(self, full_name: str) -> KnownRepository | None:
        """One repository."""
        with self._database.read() as connection:
            row = connection.execute(
                select(repository).where(repository.c.full_name == full_name)
            ).one_or_none()
        return None if row is None else _known(row)

    def is_archived(self, full_name: str) -> bool:
        """Whether a repository is known to be archived: GitHub lets nobody write there."""
        known = self.repository(full_name)
        return known is not None and known.archived

    def repositories(self) -> tuple[KnownRepository, ...]:
        """All repositories that are not archived, by name."""
        query = select(repository).where(~repository.c.archived).order_by(repository.c.full_name)
        with self._database.read() as connection:
            return tuple(_known(row) for row in connection.execute(query))

    def names(self) -> tuple[str, ...]:
        """The names of all repositories that are not archived."""
        return tuple(one.full_name for one in self.repositories())

    def names_of(self, number: int) -> tuple[str, ...]:
        """The names of an installation's repositories, also of archived ones."""
        query = select(repository.c.full_name).where(repository.c.installation == number)
        with self._database.read() as connection:
            return tuple(connection.execute(query.order_by(repository.c.full_name)).scalars())

    def numbers(self) -> tuple[int, ...]:
        """All installations, in order."""
        with self._database.read() as connection:
            return tuple(connection.execute(select(installation.c.id).order_by(installation.c.id)).scalars())

    def replace(self, number: int, repositories: Iterable[RepositoryData]) -> tuple[str, ...]:
        """Put an installation's repositories in place; the names of those it no longer has."""
        found = {one.full_name: one for one in repositories}
        with self._database.write() as connection:
            connection.execute(upsert(connection.dialect, installation, {"id": number, "suspended": False}))
            mine = repository.c.installation == number
            before = connection.execute(select(repository.c.full_name).where(mine)).scalars().all()
            lost = sorted(set(before) - set(found))
            for name in lost:
                connection.execute(delete(repository).where(mine, repository.c.full_name == name))
            for one in found.values():
                row = {
                    "full_name": one.full_name,
                    "installation": number,
                    "default_branch": one.default_branch,
                    "archived": one.archived,
                }
                connection.execute(upsert(connection.dialect, repository, row))
        return tuple(lost)

    def forget(self, number: int) -> tuple[str, ...]:
        """An installation is gone; the names of its repositories."""
        with self._database.write() as connection:
            mine = repository.c.installation == number
            names = connection.execute(select(repository.c.full_name).where(mine)).scalars().all()
            connection.execute(delete(repository).where(mine))
            connection.execute(delete(installation).where(installation.c.id == number))
        return tuple(sorted(names))


def _known(row: Any) -> KnownRepository:
    return KnownRepository(row.full_name, row.installation, row.default_branch, row.archived)
