"""What people do with deployments on the simulated GitHub, as methods."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatekeeper.demo.github import deploying, running
from gatekeeper.demo.github.records import Records

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gatekeeper.demo.github.deployment_entities import Deployment, WorkflowRun


class Pipelines(Records):
    """The records with the acts that deploy; see ``World`` for what holds for each."""

    __slots__ = ()

    def deploy(
        self,
        repository: str,
        ref: str,
        *,
        by: str,
        states: Iterable[str] = ("in_progress", "success"),
        environment: str = "production",
        task: str = "deploy",
    ) -> Deployment:
        """Deploy a branch or commit, and report each of these states (write or above)."""
        with self.lock:
            return deploying.deploy(
                self, repository, ref, by=by, states=states, environment=environment, task=task
            )

    def ask_deployment(
        self,
        repository: str,
        ref: str = "main",
        *,
        by: str,
        environment: str = "production",
        contexts: Iterable[str] | None = None,
    ) -> Deployment:
        """Ask for a deployment by the API (write or above); refused with 409 while a commit status is not green."""
        with self.lock:
            self.require_role(repository, by, "write")
            return deploying.create(self, repository, ref, by=by, environment=environment, contexts=contexts)

    def protect(self, repository: str, environment: str, *, app_id: int) -> None:
        """Let an App's rule protect an environment."""
        with self.lock:
            running.protect(self, repository, environment, app_id)

    def run_workflow(
        self, repository: str, branch: str = "main", *, by: str, environments: Iterable[str] = ("production",)
    ) -> WorkflowRun:
        """Start a workflow that deploys a branch into these environments (write or above)."""
        with self.lock:
            return running.start(self, repository, branch, by=by, environments=environments)

    def bypass(self, repository: str, run_id: int, *, by: str) -> None:
        """Start all waiting jobs of a run, whatever protects them (administrators)."""
        with self.lock:
            running.bypass(self, repository, run_id, by=by)

    def cancel_run(self, repository: str, run_id: int, *, by: str) -> None:
        """Cancel a workflow run (write or above)."""
        with self.lock:
            running.cancel(self, repository, run_id, by=by)
