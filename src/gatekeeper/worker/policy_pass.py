"""The pass over one repository's policy files: read, put in force what is good, keep the last good of the rest."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from gatekeeper.errors import GitHubRefusedError, NotFoundError
from gatekeeper.events.keys import Kind, WorkKey
from gatekeeper.events.triggers import Priority, Touch
from gatekeeper.policy.in_force import Before, InForce, put_in_force, unreadable
from gatekeeper.policy.loader import PolicyFile
from gatekeeper.policy.model import Service
from gatekeeper.worker.pull_pass import FAN_OUT

NO_SUCH = frozenset({403, 404, 409, 410})
"""GitHub's answers for a repository that is not there, not ours to see, or empty."""

LOST: Mapping[str, str] = {"because": "lost"}
"""The hint of a touch for a repository that is no longer ours to see."""


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
        """Paths of files too large to be read."""


class Reader(Protocol):
    """Reads policy files."""

    def policy_tree(self, repository: str) -> Tree:
        """The files under ``policies/`` on the default branch."""


class Catalog(Protocol):
    """The policies in force."""

    def services_of(self, repository: str) -> tuple[Service, ...]:
        """Those read from this repository."""

    def others(self, organization: str, repository: str) -> tuple[Service, ...]:
        """Those of the organisation that were read from other repositories."""

    def defaults_of(self, repository: str) -> tuple[PolicyFile, ...]:
        """The files of a repository that set defaults."""

    def sources_of(self, organization: str) -> tuple[str, ...]:
        """The organisation's repositories whose policy files were read."""

    def is_known(self, repository: str) -> bool:
        """Whether the repository's policy files were read before."""

    def put_in_force(self, policies: InForce, touches: Sequence[Touch], now: datetime) -> None:
        """Store the policies and what has to be looked at because of them, all or nothing."""


class PolicyPass:
    """Keeps the policies of one repository in force.

    Args:
        policy_repository: name of the organisation's policy repository, whose policies may cover any
            repository of the organisation and whose defaults lie under all others.
    """

    def __init__(self, reader: Reader, catalog: Catalog, policy_repository: str) -> None:
        self._reader = reader
        self._catalog = catalog
        self._policy_repository = policy_repository

    def __call__(self, key: WorkKey, hints: Sequence[Mapping[str, Any]], now: datetime) -> Mapping[str, Any]:
        """Run the pass; how many services and problems there are, for the log.

        Raises:
            GitHubError: GitHub failed; tried again later.
        """
        central = f"{key.name.split('/', 1)[0]}/{self._policy_repository}"
        if LOST in hints:
            return self._put(key.name, InForce(key.name, ""), central, now)
        if key.name != central and not self._catalog.is_known(central):
            self._read(central, central, now)  # its defaults lie under this repository's policies
        return self._read(key.name, central, now)

    def _read(self, repository: str, central: str, now: datetime) -> Mapping[str, Any]:
        before = self._before(repository, central)
        try:
            tree = self._reader.policy_tree(repository)
        except (NotFoundError, GitHubRefusedError) as error:
            if isinstance(error, GitHubRefusedError) and error.status not in NO_SUCH:
                raise
            return self._put(repository, unreadable(before, repository, str(error)), central, now)
        files = [PolicyFile(path, text) for path, text in tree.files]
        policies = put_in_force(files, before, repository=repository, commit=tree.commit, central=central)
        return self._put(repository, policies, central, now)

    def _put(self, repository: str, policies: InForce, central: str, now: datetime) -> Mapping[str, Any]:
        touches = self._touches(self._before(repository, central), policies, central)
        self._catalog.put_in_force(policies, touches, now)
        return {"services": len(policies.services), "problems": len(policies.problems)}

    def _before(self, repository: str, central: str) -> Before:
        organization = repository.split("/", 1)[0]
        return Before(
            services=self._catalog.services_of(repository),
            others=self._catalog.others(organization, repository),
            defaults=self._catalog.defaults_of(repository),
            organization_defaults=() if repository == central else self._catalog.defaults_of(central),
        )

    def _touches(self, before: Before, after: InForce, central: str) -> list[Touch]:
        repository = after.repository
        services = [service for service, _ in after.services]
        touches = _affected(before.services, services, repository)
        if not self._catalog.is_known(repository):  # its pull requests were waiting for this
            touches.append(Touch(WorkKey(Kind.REPOSITORY, repository), Priority.EVENT, FAN_OUT))
        if repository == central and before.defaults != after.defaults:
            sources = self._catalog.sources_of(repository.split("/", 1)[0])
            others = [one for one in sources if one != central]
            touches += [Touch(WorkKey(Kind.POLICIES, one), Priority.SWEEP) for one in others]
        return touches


def _affected(before: Sequence[Service], after: Sequence[Service], repository: str) -> list[Touch]:
    """The services that changed, and the repositories whose pull requests they touch (or touched)."""
    old, new = ({service.key: service for service in services} for services in (before, after))
    changed = [key for key in sorted(old.keys() | new.keys()) if old.get(key) != new.get(key)]
    covered = {
        change.repository or repository
        for key in changed
        for service in (old.get(key), new.get(key))
        if service is not None
        for change in service.changes
    }
    return [
        *(Touch(WorkKey(Kind.SERVICE, key)) for key in changed),
        *(Touch(WorkKey(Kind.REPOSITORY, one), Priority.EVENT, FAN_OUT) for one in sorted(covered)),
    ]
