"""What GitHub keeps of deployments: what was asked for, what became of it, and the workflow runs that wait."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class Deployment:
    """A request to deploy a commit; what becomes of it is told in statuses."""

    id: int
    repository: str
    sha: str
    ref: str
    task: str
    environment: str
    creator: str
    created_at: datetime
    description: str | None = None


@dataclass(frozen=True, slots=True)
class DeploymentStatus:
    """What became of a deployment at some moment."""

    id: int
    deployment_id: int
    state: str
    creator: str
    created_at: datetime
    description: str = ""
    log_url: str = ""


@dataclass(frozen=True, slots=True)
class DeployingJob:
    """A job of a workflow run that deploys into an environment.

    Attributes:
        waits_for: the Apps whose protection rule has not let it go yet.
        reports: the status reports of such Apps, oldest first; also what they said when they let it go.
        result: None until it has run or was refused.
    """

    environment: str
    deployment_id: int
    waits_for: frozenset[int] = frozenset()
    reports: tuple[tuple[int, str], ...] = ()
    result: Literal["success", "failure", "cancelled"] | None = None


@dataclass(frozen=True, slots=True)
class WorkflowRun:
    """A run of a workflow whose jobs deploy."""

    id: int
    repository: str
    sha: str
    branch: str
    actor: str
    created_at: datetime
    updated_at: datetime
    jobs: tuple[DeployingJob, ...] = ()

    @property
    def status(self) -> Literal["waiting", "completed"]:
        """Whether a job of it waits to be let go."""
        return "waiting" if any(job.result is None for job in self.jobs) else "completed"

    @property
    def conclusion(self) -> str | None:
        """The worst result of its jobs; None while it is not completed."""
        results = {job.result for job in self.jobs}
        if self.status == "waiting":
            return None
        return next((one for one in ("cancelled", "failure") if one in results), "success")
