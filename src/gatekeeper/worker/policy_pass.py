"""The pass over one repository's policy files: read, put in force what is good, keep the last good of the rest."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from gatekeeper.errors import GitHubRefusedError, NotFoundError
from gatekeeper.events.keys import Kind, WorkKey
from gatekeeper.events.triggers import Priority, Touch
from gatekeeper.policy.in_force import Before, InForce, put_in_force, unreadable
from gatekeeper.policy.loader import PolicyFile, load
from gatekeeper.policy.model import Service
from gatekeeper.worker.pull_pass import FAN_OUT

NO_SUCH = frozenset({403, 404, 409, 410})
"""GitHub's answers for a repository that is not there, not ours to see, or empty."""
NOT_THERE = frozenset({404, 410})

LOST: Mapping[str, str] = {"because": "lost"}
"""The hint of a touch for a repository that an installation no longer has; read again before it is believed."""


class Found(Protocol):
    """A repository as GitHub has it now."""

    @property
    def full_name(self) -> str:
        """Its present name, which may be another than it was asked for by."""

    @property
    def default_branch(self) -> str:
        """The branch whose policy files count."""

    @property
    def installation_id(self) -> int | None:
        """The installation that reaches it; None with a token."""


class Tree(Protocol):
    """The policy files of one commit."""

    @property
    def commit(self) -> str:
        """Its SHA; empty when there is none."""

    @property
    def files(self) -> tuple[tuple[str, str], ...]:
        """(path, text) of each file."""

    @property
    def left_out(self) -> tuple[str, ...]:
        """Paths of files too large to be read, or too many."""


class Reader(Protocol):
    """Reads policy files."""

    def repository(self, repository: str) -> Found:
        """The repository; a former name is followed."""

    def policy_tree(self, repository: str, *, ref: str) -> Tree:
        """The files under ``policies/`` on a branch."""


class Catalog(Protocol):
    """The policies in force."""

    def services_of(self, repository: str) -> tuple[Service, ...]:
        """Those read from this repository."""

    def others(self, organization: str, repository: str) -> tuple[Service, ...]:
        """Those of the organisation that were read from other repositories."""

    def defaults_of(self, repository: str) -> tuple[PolicyFile, ...]:
        """The files of a repository that set defaults."""

    def problems(self, repository: str) -> tuple[str, ...]:
        """What is wrong in a repository's policy files."""

    def sources_of(self, organization: str) -> tuple[str, ...]:
        """The organisation's repositories whose policy files were read."""

    def is_known(self, repository: str) -> bool:
        """Whether the repository's policy files were read before."""

    def put_in_force(
        self, policies: InForce, touches: Sequence[Touch], now: datetime, *, instead_of: Collection[str]
    ) -> None:
        """Store the policies and what has to be looked at because of them, all or nothing.

        Raises:
            TemporaryError: other services are in force by now than those of these keys.
        """

    def forget(self, repository: str, touches: Sequence[Touch]) -> None:
        """A repository is gone with its policies; and what has to be looked at because of it."""

    def rename(self, repository: str, name: str, touches: Sequence[Touch], now: datetime) -> None:
        """A repository has another name: its services are read from there now, and keep their gates."""


class PolicyPass:
    """Keeps the policies of one repository in force.

    Args:
        policy_repository: name of the organisation's policy repository, whose policies may cover any
            repository of the organisation and whose defaults lie under all others.
        proposals: numbers of a repository's open pull requests that change policy files: what they change depends on
            what is in force.
        installation_of: the installation that a repository is on record with; None where it is with none.
    """

    def __init__(
        self,
        reader: Reader,
        catalog: Catalog,
        policy_repository: str,
        proposals: Callable[[str], Iterable[int]] = lambda _: (),
        installation_of: Callable[[str], int | None] = lambda _: None,
    ) -> None:
        self._installation_of = installation_of
        self._reader = reader
        self._catalog = catalog
        self._proposals = proposals
        self._policy_repository = policy_repository

    def __call__(self, key: WorkKey, hints: Sequence[Mapping[str, Any]], now: datetime) -> Mapping[str, Any]:
        """Run the pass; how many services and problems there are, for the log.

        Raises:
            GitHubError: GitHub failed; tried again later.
            TemporaryError: another pass came in between.
        """
        central = f"{_organization(key.name)}/{self._policy_repository}"
        if key.name != central and not self._catalog.is_known(central):
            self._read(central, central, now)  # its defaults lie under this repository's policies
        return self._read(key.name, central, now, lost=LOST in hints)

    def _read(self, repository: str, central: str, now: datetime, *, lost: bool = False) -> Mapping[str, Any]:
        before = before_of(self._catalog, repository, central)
        try:
            found = self._reader.repository(repository)
            if found.full_name != repository:
                if not lost and self._is_ours(repository, found.full_name, found.installation_id):
                    return {"services": len(before.services), "moved": found.full_name}
                return self._moved(repository, found.full_name, central, now)
            tree = self._reader.policy_tree(repository, ref=found.default_branch)
        except (NotFoundError, GitHubRefusedError) as error:
            if isinstance(error, GitHubRefusedError) and error.status not in NO_SUCH:
                raise
            if _is_gone(error) and (lost or not (before.services or repository == central)):
                return self._forget(repository)
            return self._put(before, unreadable(before, repository, str(error)), central, now)
        files = [PolicyFile(path, text) for path, text in tree.files]
        policies = put_in_force(
            files,
            before,
            repository=repository,
            commit=tree.commit,
            central=central,
            left_out=tree.left_out,
        )
        if policies.problems and (former := self._renamed_from(files, before, repository)) is not None:
            return self._moved(former, repository, central, now)
        return self._put(before, policies, central, now)

    def _renamed_from(self, files: Sequence[PolicyFile], before: Before, repository: str) -> str | None:
        """The former name of this repository, where its services still stand under that: nobody else has taken them."""
        loaded = load(files, organization=_organization(repository), repository=repository, commit="")
        names = {one.key for one in loaded.services}
        for other in sorted({one.origin.repository for one in before.others if one.key in names}):
            try:
                if self._reader.repository(other).full_name == repository:
                    return other
            except NotFoundError:
                continue
        return None

    def _put(self, before: Before, policies: InForce, central: str, now: datetime) -> Mapping[str, Any]:
        """Put them in force, unless another pass has changed meanwhile what they were read against."""
        touches = self._touches(before, policies, central)
        self._catalog.put_in_force(policies, touches, now, instead_of={one.key for one in before.services})
        return {"services": len(policies.services), "problems": len(policies.problems)}

    def _is_ours(self, repository: str, name: str, installation: int | None) -> bool:
        """Whether the organisation itself has another name: the pass over its installation moves all that it has."""
        elsewhere = _organization(name) != _organization(repository)
        return elsewhere and installation is not None and self._installation_of(repository) == installation

    def _moved(self, repository: str, name: str, central: str, now: datetime) -> Mapping[str, Any]:
        """Within its organisation its services stay what they are, with their gates; elsewhere they are others."""
        then = Touch(WorkKey(Kind.POLICIES, name))
        if repository == central or _organization(name) != _organization(repository):
            return self._forget(repository, [then])
        services = self._catalog.services_of(repository)
        looks = {*_covered(services, repository), *_covered(services, name)} if services else set()
        self._catalog.rename(repository, name, [*map(_everything_in, sorted(looks)), then], now)
        return {"services": len(services), "moved": name}

    def _forget(self, repository: str, then: Iterable[Touch] = ()) -> Mapping[str, Any]:
        """It has another name by now, or is not ours to see any more: no gate stands on it."""
        services = self._catalog.services_of(repository)
        touches = [*_affected(services, (), repository), *self._waiting(services, repository), *then]
        self._catalog.forget(repository, touches)
        return {"services": 0, "forgotten": len(services)}

    def _touches(self, before: Before, after: InForce, central: str) -> list[Touch]:
        repository, services = after.repository, [service for service, _ in after.services]
        touches = _affected(before.services, services, repository)
        # Also for a file that is too wrong to change anything: what edits it edits a policy file from now on.
        wrong = self._catalog.problems(repository) != after.problems
        if touches or before.defaults != after.defaults or wrong:
            proposals = sorted(self._proposals(repository))
            touches += [Touch(WorkKey.proposal(repository, one), Priority.SWEEP) for one in proposals]
        if not self._catalog.is_known(repository):  # its pull requests were waiting for this
            touches.append(_everything_in(repository))
        if wrong:  # shown on every pull request they concern
            touches += map(_everything_in, sorted({repository, *_covered(services, repository)}))
        if repository == central and before.defaults != after.defaults:
            sources = self._catalog.sources_of(_organization(repository))
            others = [one for one in sources if one != central]
            touches += [Touch(WorkKey(Kind.POLICIES, one), Priority.SWEEP) for one in others]
            # What is proposed there may be beneath a floor by now, whatever is in force.
            numbered = [(one, number) for one in others for number in sorted(self._proposals(one))]
            touches += [Touch(WorkKey.proposal(*one), Priority.SWEEP) for one in numbered]
        kept = {service.key for service in services}
        gone = [service for service in before.services if service.key not in kept]
        return touches + self._waiting(gone, repository)

    def _waiting(self, gone: Sequence[Service], repository: str) -> list[Touch]:
        """The repositories with mistakes, one of which may be a service by a name that is free now."""
        sources = self._catalog.sources_of(_organization(repository)) if gone else ()
        mistaken = [one for one in sources if one != repository and self._catalog.problems(one)]
        return [Touch(WorkKey(Kind.POLICIES, one)) for one in mistaken]


def before_of(catalog: Catalog, repository: str, central: str) -> Before:
    """What stands for a repository, with what its policies are read against."""
    return Before(
        services=catalog.services_of(repository),
        others=catalog.others(_organization(repository), repository),
        defaults=catalog.defaults_of(repository),
        organization_defaults=() if repository == central else catalog.defaults_of(central),
    )


def _organization(repository: str) -> str:
    return repository.split("/", 1)[0]


def _is_gone(error: NotFoundError | GitHubRefusedError) -> bool:
    return isinstance(error, NotFoundError) or error.status in NOT_THERE


def _everything_in(repository: str) -> Touch:
    return Touch(WorkKey(Kind.REPOSITORY, repository), Priority.EVENT, FAN_OUT)


def _affected(before: Sequence[Service], after: Sequence[Service], repository: str) -> list[Touch]:
    """The services that changed, and the repositories whose pull requests they touch (or touched)."""
    old, new = ({service.key: service for service in services} for services in (before, after))
    changed = [key for key in sorted(old.keys() | new.keys()) if old.get(key) != new.get(key)]
    versions = [one for key in changed for one in (old.get(key), new.get(key)) if one is not None]
    return [
        *(Touch(WorkKey(Kind.SERVICE, key)) for key in changed),
        *map(_everything_in, sorted(_covered(versions, repository))),
    ]


def _covered(services: Iterable[Service], repository: str) -> set[str]:
    """The repositories whose changes touch these services."""
    return {change.repository or repository for service in services for change in service.changes}
