"""Deployments: somebody deploys, and what becomes of it is reported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatekeeper.demo.github import hooks
from gatekeeper.demo.github.entities import Deployment

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gatekeeper.demo.github.records import Records


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
    """Deploy what ``ref`` (a branch or SHA) names.

    Raises:
        Refused: without write, or no such ref.
    """
    records.require_role(repository, by, "write")
    made = Deployment(
        id=records.new_id(),
        repository=repository,
        sha=records.resolve(repository, ref).sha,
        ref=ref,
        task=task,
        environment=environment,
        creator=by,
        created_at=records.now(),
    )
    log_url = f"{records.url}/{repository}/actions/runs/{made.id}"
    for state in states:
        hooks.deployment_status(records, made, state, by, log_url=log_url)
    return made
