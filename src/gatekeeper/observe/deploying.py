"""A deployment as its services meet it, whoever asks for it."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from gatekeeper.availability.deployments import Deployed, let_go_id
from gatekeeper.decide.deployment import Deployment, DeploymentSnapshot, decide_deployment, waits
from gatekeeper.decide.environment import counted, is_paced
from gatekeeper.decide.snapshot import ServiceView
from gatekeeper.github.values import DeploymentData, HeadData
from gatekeeper.observe import contents
from gatekeeper.observe.contents import Contents
from gatekeeper.observe.views import Gates, current
from gatekeeper.policy.covers import repositories
from gatekeeper.policy.gate import EnvironmentMode
from gatekeeper.policy.model import Service


class Reader(contents.Reader, Protocol):
    """What is read of deployments. Strict subset of the GitHub client's methods."""

    def head(self, repository: str) -> HeadData | None:
        """The newest commit of the default branch."""

    def deployment(self, repository: str, number: int) -> DeploymentData:
        """A deployment that was asked for by the API."""

    def login(self) -> str:
        """The login that we write under."""


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

    def counting(self, repositories: Iterable[str], service: str) -> tuple[Deployed, ...]:
        """What succeeded of these repositories and is not of another service only, and what was let go."""


class DeploymentObserver:
    """Reads what a deployment meets, and what it brings."""

    def __init__(self, reader: Reader, catalog: Catalog, gates: Gates, record: Record, memory: LetGo) -> None:
        self._reader = reader
        self._contents = Contents(reader, memory)
        self._memory = memory
        self._catalog = catalog
        self._gates = gates
        self._record = record

    def of(self, asked: Deployment, now: datetime, *, run: int = 0) -> DeploymentSnapshot:
        """The services of its repository.

        What it brings is looked into where it would have to wait otherwise: that costs requests. Where a workflow
        run asks, what that was let go for does not count for the pace.
        """
        views = [self._view(service, problem, now) for service, problem in self._services(asked.repository)]
        own = let_go_id(asked.repository, run)
        paced = {
            view.service.key: self._deployed(view, asked.environment, now, own)
            for view in views
            if is_paced(view)
        }
        snapshot = DeploymentSnapshot(now, asked, tuple(views), paced)
        since = self._memory.let_go(asked.repository, asked.environment)
        if since is None or not waits(snapshot, decide_deployment(snapshot)):
            return snapshot
        return replace(
            snapshot, content=self._contents.between(asked.repository, since, asked.sha, views, now)
        )

    def enforced(self, repository: str) -> tuple[str, ...]:
        """The environments that a policy of the repository's services names to be enforced."""
        named = {
            name.casefold(): name
            for service, _ in self._services(repository)
            for name, mode in service.environments.items()
            if mode is EnvironmentMode.ENFORCE
        }
        return tuple(named[name] for name in sorted(named))

    def head(self, repository: str) -> HeadData | None:
        """The newest commit of the default branch; None where there is none."""
        return self._reader.head(repository)

    def asked(self, repository: str, number: int) -> DeploymentData:
        """A deployment that was asked for by the API."""
        return self._reader.deployment(repository, number)

    def login(self) -> str:
        """The login that we write under."""
        return self._reader.login()

    def _deployed(self, view: ServiceView, environment: str, now: datetime, own: str) -> tuple[datetime, ...]:
        service = view.service
        found = self._record.counting(repositories(service), service.key)
        return counted((one for one in found if one.id != own), environment, now)

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
