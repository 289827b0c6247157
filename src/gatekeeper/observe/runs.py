"""A workflow run as it is now: whether it waits for us, for which environments, and what its deployments touch."""

from collections.abc import Collection
from datetime import datetime
from typing import Protocol

from gatekeeper.decide.deployment import Deployment, DeploymentSnapshot
from gatekeeper.errors import GitHubRefusedError
from gatekeeper.github.values import RunData
from gatekeeper.observe.deploying import DeploymentObserver
from gatekeeper.observe.pulls import GONE


class Reader(Protocol):
    """What is read of a run. Strict subset of the GitHub client's methods."""

    def workflow_run(self, repository: str, number: int) -> RunData:
        """The run."""

    def waiting_runs(self, repository: str) -> tuple[int, ...]:
        """Those of a repository that wait."""

    def pending_environments(self, repository: str, run: int) -> tuple[str, ...]:
        """The environments that it waits for."""

    def guards(self, repository: str, environment: str) -> bool:
        """Whether our rule protects an environment."""


class RunObserver:
    """Reads runs, and what their deployments meet."""

    def __init__(self, reader: Reader, deployments: DeploymentObserver) -> None:
        self._reader = reader
        self._deployments = deployments

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
        """One of its deployments."""
        asked = Deployment(run.repository, environment, run.head_sha, run.head_branch, run.actor)
        return self._deployments.of(asked, now, run=run.number)
