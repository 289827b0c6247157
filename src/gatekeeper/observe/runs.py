"""A workflow run as it is now: whether it waits for us, for which environments, and what its deployments touch."""

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from gatekeeper.availability.deployments import Deployed
from gatekeeper.decide.deployment import Deployment, DeploymentSnapshot, decide_deployment, waits
from gatekeeper.decide.environment import counted, is_paced
from gatekeeper.decide.snapshot import ServiceView
from gatekeeper.errors import GitHubRefusedError
from gatekeeper.github.values import RunData
from gatekeeper.observe import contents
from gatekeeper.observe.contents import Contents
from gatekeeper.observe.pulls import GONE
from gatekeeper.observe.views import Gates, current
from gatekeeper.policy.covers import repositories
from gatekeeper.policy.model import Service


class Reader(contents.Reader, Protocol):
    """What is read of a run. Strict subset of the GitHub client's methods."""

    def workflow_run(self, repository: str, number: int) -> RunData:
        """The run."""

    def waiting_runs(self, repository: str) -> tuple[int, ...]:
        """Those of a repository that wait."""

    def pending_environments(self, repository: str, run: int) -> tuple[str, ...]:
        """The environments that it waits for."""

    def guards(self, repository: str, environment: str) -> bool:
        """Whether our rule protects an environment."""


class Catalog(Protocol):
    """The policies in force."""

    def in_force(self, organization: str) -> tuple[tuple[Service, str | None], ...]:
        """An organisation's services, each with what is wrong with a newer version of its file."""


class LetGo(contents.Memory, Protocol):
    """What we let go, and why."""

    def let_go(self, repository: str, environment: str) -> str | None:
        """The commit that was let go into an environment last."""


class Record(Protocol):
    """The record of deployments."""

    def of(self, repositories: Iterable[str], service: str) -> tuple[Deployed, ...]:
        """What succeeded of these repositories and is not of another service only, in order of time."""


class RunObserver:
    """Reads runs, and what their deployments meet."""

    def __init__(self, reader: Reader, catalog: Catalog, gates: Gates, record: Record, memory: LetGo) -> None:
        self._reader = reader
        self._contents = Contents(reader, memory)
        self._memory = memory
        self._catalog = catalog
        self._gates = gates
        self._record = record

    def run(self, repository: str, number: int) -> RunData | None:
        """The run; None when it is gone, or has ended.

        Raises:
            GitHubError, GitHubRefusedError: as the client's.
        """
        try:
            found = self._reader.workflow_run(repository, number)
        except GitHubRefusedError as error:
            if error.status in GONE:
                return None
            raise
        return None if found.completed else found

    def waiting(self, repository: str) -> tuple[int, ...]:
        """The runs of a repository that wait; none where GitHub does not tell.

        Raises:
            GitHubError: as the client's.
        """
        try:
            return self._reader.waiting_runs(repository)
        except GitHubRefusedError:  # without the permission, no rule of ours can hold anything there
            return ()

    def environments(self, run: RunData, known: Collection[str]) -> tuple[str, ...]:
        """The environments that it waits for, and that our rule protects; of the ``known`` ones nobody is asked."""
        pending = self._reader.pending_environments(run.repository, run.number)
        return tuple(one for one in pending if one in known or self._reader.guards(run.repository, one))

    def deployment(self, run: RunData, environment: str, now: datetime) -> DeploymentSnapshot:
        """One of its deployments, and the services of its repository.

        What it brings is looked into where it would have to wait otherwise: that costs requests.
        """
        views = [self._view(service, problem, now) for service, problem in self._services(run.repository)]
        snapshot = DeploymentSnapshot(
            now,
            Deployment(run.repository, environment, run.head_sha, run.head_branch, run.actor),
            tuple(views),
            {view.service.key: self._deployed(view, environment, now) for view in views if is_paced(view)},
        )
        since = self._memory.let_go(run.repository, environment)
        if since is None or not waits(snapshot, decide_deployment(snapshot)):
            return snapshot
        content = self._contents.between(run.repository, since, run.head_sha, views, now)
        return replace(snapshot, content=content)

    def _deployed(self, view: ServiceView, environment: str, now: datetime) -> tuple[datetime, ...]:
        service = view.service
        return counted(self._record.of(repositories(service), service.key), environment, now)

    def _services(self, repository: str) -> list[tuple[Service, str | None]]:
        """Names of repositories ignore case."""
        found = self._catalog.in_force(repository.split("/", maxsplit=1)[0])
        return [
            (service, problem)
            for service, problem in sorted(found, key=lambda one: one[0].key)
            if repository.casefold() in {name.casefold() for name in repositories(service)}
        ]

    def _view(self, service: Service, problem: str | None, now: datetime) -> ServiceView:
        return current(self._gates, service, problem, now)
