"""Deployments, workflow runs and the protection rules of environments, as GitHub answers them."""

from collections.abc import Iterable, Mapping
from typing import Any

from github.WorkflowRun import WorkflowRun

from gatekeeper.github.values import DeploymentData, RunData

_DONE = "completed"


def run_data(run: WorkflowRun) -> RunData:
    """A run as value."""
    return RunData(
        repository=run.repository.full_name,
        number=run.id,
        head_sha=run.head_sha,
        head_branch=run.head_branch or run.head_sha,  # a tag has no branch
        actor=run.triggering_actor.login,
        completed=run.status == _DONE,
    )


def environments(pending: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """The names in ``pending_deployments``."""
    return tuple(sorted(one["environment"]["name"] for one in pending))


def has_rule_of(rules: Mapping[str, Any], app: int) -> bool:
    """Whether an App's rule is among those of an environment, and enabled."""
    listed = rules.get("custom_deployment_protection_rules") or []
    return any(one["enabled"] and one["app"]["id"] == app for one in listed)


def deployment_data(
    repository: str, told: Mapping[str, Any], statuses: Iterable[Mapping[str, Any]]
) -> DeploymentData:
    """A deployment and its statuses as value."""
    return DeploymentData(
        repository=repository,
        environment=told["environment"],
        sha=told["sha"],
        ref=told["ref"],
        creator=told["creator"]["login"],
        told=tuple((one["state"], one["creator"]["login"]) for one in statuses),
    )
