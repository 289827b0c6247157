"""An installation's repositories as they are now, put on record."""

from collections.abc import Callable, Iterable, Iterator, Sequence
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


class InstallationObserver:
    """Reads which repositories an installation has.

    Args:
        drop: closes the connections of an installation that is gone, and what was looked up through it.
    """

    def __init__(self, listing: Listing, register: Register, drop: Callable[[int], None]) -> None:
        self._listing = listing
        self._register = register
        self._drop = drop

    def repositories(self, installation: int) -> tuple[Sequence[str], Sequence[str], Sequence[str]]:
        """Put the installation's repositories on record; the names of those it has, of archived ones, of those it lost.

        Raises:
            GitHubError: GitHub failed.
            GitHubRefusedError: the installation is gone, or suspended.
        """
        found = list(self._listing.installation_repositories(installation))
        lost = self._register.replace(installation, found)
        there = sorted(one.full_name for one in found if not one.archived)
        return there, sorted(one.full_name for one in found if one.archived), lost

    def forget(self, installation: int) -> Sequence[str]:
        """The installation is gone; the names of its repositories."""
        self._drop(installation)
        return self._register.forget(installation)
