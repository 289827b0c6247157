"""Deployments and their statuses, as webhooks carry them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gatekeeper.demo.github.shapes.basics import node_id, stamp
from gatekeeper.demo.github.shapes.people import simple_user
from gatekeeper.demo.github.shapes.repositories import repository_url

if TYPE_CHECKING:
    from gatekeeper.demo.github.deployment_entities import Deployment, DeploymentStatus
    from gatekeeper.demo.github.records import Records


def deployment(records: Records, one: Deployment) -> dict[str, Any]:
    """``deployment``; GitHub takes an environment of the name ``production`` for one that users meet."""
    api = repository_url(records, one.repository)
    url = f"{api}/deployments/{one.id}"
    return {
        "url": url,
        "id": one.id,
        "node_id": node_id("Deployment", one.id),
        "sha": one.sha,
        "ref": one.ref,
        "task": one.task,
        "payload": {},
        "original_environment": one.environment,
        "environment": one.environment,
        "transient_environment": False,
        "production_environment": one.environment == "production",
        "description": one.description,
        "creator": simple_user(records, one.creator),
        "created_at": stamp(one.created_at),
        "updated_at": stamp(one.created_at),
        "statuses_url": f"{url}/statuses",
        "repository_url": api,
    }


def deployment_status(records: Records, one: DeploymentStatus) -> dict[str, Any]:
    """``deployment-status``; also as its webhook carries it."""
    about = records.deployments[one.deployment_id]
    api = repository_url(records, about.repository)
    return {
        "url": f"{api}/deployments/{about.id}/statuses/{one.id}",
        "id": one.id,
        "node_id": node_id("DeploymentStatus", one.id),
        "state": one.state,
        "creator": simple_user(records, one.creator),
        "description": one.description,
        "environment": about.environment,
        "target_url": one.log_url,
        "log_url": one.log_url,
        "created_at": stamp(one.created_at),
        "updated_at": stamp(one.created_at),
        "deployment_url": f"{api}/deployments/{about.id}",
        "repository_url": api,
    }
