"""Deployments made through the API: refused while a commit status is not green, and what becomes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatekeeper.demo.github import hooks, merging
from gatekeeper.demo.github.deployment_entities import Deployment, DeploymentStatus
from gatekeeper.demo.github.errors import Refused, invalid

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gatekeeper.demo.github.records import Records

STATES = frozenset({"error", "failure", "inactive", "in_progress", "queued", "pending", "success"})


def create(
    records: Records,
    repository: str,
    ref: str,
    *,
    by: str,
    environment: str = "production",
    task: str = "deploy",
    description: str | None = None,
    contexts: Iterable[str] | None = None,
) -> Deployment:
    """Ask for a deployment of what ``ref`` (a branch or SHA) names.

    The commit statuses called ``contexts`` have to be green; by default all that the commit has.

    Raises:
        Refused: 409 while one of them is not green; 404 for no such ref.
    """
    sha = records.resolve(repository, ref).sha
    latest = merging.latest_statuses(records, repository, sha)
    failing = [
        one
        for one in (sorted(latest) if contexts is None else contexts)
        if one not in latest or latest[one].state != "success"
    ]
    if failing:
        raise Refused(
            409,
            f"Conflict: Commit status checks failed for {ref}.",
            errors=[
                {
                    "contexts": [
                        {"context": one, "state": latest[one].state} for one in failing if one in latest
                    ],
                    "resource": "Deployment",
                    "field": "required_contexts",
                    "code": "invalid",
                }
            ],
        )
    made = record(
        records, repository, sha, ref, by=by, environment=environment, task=task, description=description
    )
    hooks.deployment(records, made, by)
    return made


def record(
    records: Records,
    repository: str,
    sha: str,
    ref: str,
    *,
    by: str,
    environment: str,
    task: str = "deploy",
    description: str | None = None,
) -> Deployment:
    """Keep a deployment; nobody is told of it yet."""
    made = Deployment(
        id=records.new_id(),
        repository=repository,
        sha=sha,
        ref=ref,
        task=task,
        environment=environment,
        creator=by,
        created_at=records.now(),
        description=description,
    )
    records.deployments[made.id] = made
    return made


def say(
    records: Records, deployment: Deployment, state: str, *, by: str, description: str = "", log_url: str
) -> DeploymentStatus:
    """Report what became of a deployment.

    Raises:
        Refused: 422, there is no such state.
    """
    if state not in STATES | {"waiting"}:
        raise invalid("DeploymentStatus", "state", "custom", f"{state!r} is not a state")
    made = DeploymentStatus(records.new_id(), deployment.id, state, by, records.now(), description, log_url)
    records.deployment_statuses.append(made)
    if state != "inactive":  # GitHub sends no event for these
        hooks.deployment_status(records, deployment, made)
    return made


def statuses_of(records: Records, deployment_id: int) -> list[DeploymentStatus]:
    """The statuses of a deployment, newest first."""
    return [one for one in reversed(records.deployment_statuses) if one.deployment_id == deployment_id]


def deploy(
    records: Records,
    repository: str,
    ref: str,
    *,
    by: str,
    states: Iterable[str],
    environment: str,
    task: str,
) -> Deployment:
    """Deploy what ``ref`` names, by a pipeline that asks for no commit status, and report each of these states.

    Raises:
        Refused: without write, or no such ref.
    """
    records.require_role(repository, by, "write")
    made = create(records, repository, ref, by=by, environment=environment, task=task, contexts=())
    for state in states:
        say(records, made, state, by=by, log_url=f"{records.url}/{repository}/actions/runs/{made.id}")
    return made
