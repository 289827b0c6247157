"""An installation's repositories as they are now, put on record."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Protocol

from gatekeeper.github.values import RepositoryData


class Listing(Protocol):
    """Strict subset of the GitHub client's methods."""

    def installation_repositories(self, installation_id: int) -> Iterator[RepositoryData]:
        """The repositories that an installation covers."""


class Register(Protocol):
    """Remembers installations; ``gatekeeper.store.installations.Installations`` is the real one."""

    def replace(self, number: int, repositories: Iterable[RepositoryData]) -> Sequence[str]:
        """Put an installation's repositories in place; the names of those it no longer has."""

    def forget(self, number: int) -> Sequence[str]:
        """An installation is gone; the names of its repositories."""

    def names_of(self, number: int) -> Sequence[str]:
        """The names of an installation's repositories, as far as we know."""


class Organizations(Protocol):
    """What is kept of organisations."""

    def rename_organization(self, former: str, name: str, now: datetime) -> None:
        """One has another name."""


class Connections(Protocol):
    """The connections to GitHub, by installation."""

    def renew(self, installation_id: int) -> None:
        """Ask for a new token: it comes with the permissions that are granted by now."""

    def forget(self, installation_id: int) -> None:
        """Close those of an installation that is gone, and forget what was looked up through it."""


class InstallationObserver:
    """Reads which repositories an installation has."""

    def __init__(
        self, listing: Listing, register: Register, connections: Connections, organizations: Organizations
    ) -> None:
        self._organizations = organizations
        self._listing = listing
        self._register = register
        self._connections = connections

    def repositories(
        self, installation: int, now: datetime
    ) -> tuple[Sequence[str], Sequence[str], Sequence[str]]:
        """Put the installation's repositories on record; the names of those it has, of archived ones, of those it lost.

        An installation belongs to one account: where that has another name, so has all that is kept of it.

        Raises:
            GitHubError: GitHub failed.
            GitHubRefusedError: the installation is gone, or suspended.
        """
        self._connections.renew(installation)
        found = list(self._listing.installation_repositories(installation))
        before, after = _owner(self._register.names_of(installation)), _owner(one.full_name for one in found)
        if before is not None and after is not None and before.casefold() != after.casefold():
            self._organizations.rename_organization(before, after, now)
        lost = self._register.replace(installation, found)
        there = sorted(one.full_name for one in found if not one.archived)
        return there, sorted(one.full_name for one in found if one.archived), lost

    def forget(self, installation: int) -> Sequence[str]:
        """The installation is gone; the names of its repositories."""
        self._connections.forget(installation)
        return self._register.forget(installation)


def _owner(names: Iterable[str]) -> str | None:
    """The one account that these repositories belong to; None where there are none, or of several."""
    owners = {name.partition("/")[0] for name in names}
    return owners.pop() if len(owners) == 1 else None
