"""What is kept of one service, in one place for its pass: policy, gate, and the pull requests that touch it."""

from collections.abc import Sequence
from datetime import datetime

from gatekeeper.availability.deployments import Deployed
from gatekeeper.decide.snapshot import Landed, Opening, ServiceView
from gatekeeper.decide.verdict import State
from gatekeeper.events.triggers import Priority, Touch
from gatekeeper.policy.covers import repositories
from gatekeeper.policy.model import Service
from gatekeeper.store.catalog import Catalog
from gatekeeper.store.deployments import Deployments
from gatekeeper.store.gates import Gates, Standing
from gatekeeper.store.groups import Groups
from gatekeeper.store.overrides import Overrides
from gatekeeper.store.pulls import Pulls
from gatekeeper.store.runs import Runs


class ServiceRecord:
    """The stores behind a service's passes."""

    def __init__(
        self,
        catalog: Catalog,
        gates: Gates,
        pulls: Pulls,
        groups: Groups,
        runs: Runs,
        deployments: Deployments,
        overrides: Overrides,
    ) -> None:
        self._catalog = catalog
        self._gates = gates
        self._pulls = pulls
        self._groups = groups
        self._runs = runs
        self._deployments = deployments
        self._overrides = overrides

    def policy(self, service: str) -> Service | None:
        """The policy in force; None when the service is gone."""
        entry = self._catalog.entry(service)
        return None if entry is None else entry.service

    def standing(self, service: str) -> Standing | None:
        """The gate as its last pass left it; None before the first."""
        return self._gates.standing(service)

    def touching(self, service: str) -> Sequence[tuple[str, int, Priority]]:
        """(repository, number, how soon to look at it) of open pull requests that touch the service."""
        return self._pulls.touching(service)

    def queued(self, service: str) -> Sequence[tuple[str, str]]:
        """(repository, head SHA) of merge groups with a change of the service."""
        return self._groups.of_service(service)

    def deploying(self, service: str) -> Sequence[tuple[str, int]]:
        """(repository, number) of workflow runs that wait for the service's gate."""
        return self._runs.of_service(service)

    def opening(self, service: str, now: datetime) -> Opening | None:
        """The override of the whole service, where there is one."""
        return self._overrides.opening(service, now)

    def landed(self, service: str, since: datetime) -> Sequence[Landed]:
        """Changes of the service that were merged after that, oldest first."""
        return self._pulls.landed(service, since)

    def deployed(self, service: Service) -> Sequence[Deployed]:
        """What was deployed of it, in order of time."""
        return self._deployments.of(repositories(service), service.key)

    def save(self, view: ServiceView, before: State | None, touches: Sequence[Touch], now: datetime) -> None:
        """Store the gate, the transition if it moved, and the touches: all or nothing."""
        self._gates.save(view, before, touches, now)

    def touch(self, touches: Sequence[Touch]) -> None:
        """Look at these too."""
        self._gates.touch(touches)

    def forget(self, service: str) -> None:
        """The service is gone."""
        self._gates.forget(service)
