"""Deployments and their statuses, as webhooks carry them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gatekeeper.demo.github.shapes.basics import node_id, stamp
from gatekeeper.demo.github.shapes.people import simple_user
from gatekeeper.demo.github.shapes.repositories import repository_url

if TYPE_CHECKING:
    from gatekeeper.demo.github.entities import Deployment
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
        "description": None,
        "creator": simple_user(records, one.creator),
        "created_at": stamp(one.created_at),
        "updated_at": stamp(one.created_at),
        "statuses_url": f"{url}/statuses",
        "repository_url": api,
    }


def deployment_status(records: Records, one: Deployment, state: str, *, log_url: str) -> dict[str, Any]:
    """``deployment_status``, of this moment."""
    api, number, now = repository_url(records, one.repository), records.new_id(), stamp(records.now())
    return {
        "url": f"{api}/deployments/{one.id}/statuses/{number}",
        "id": number,
        "node_id": node_id("DeploymentStatus", number),
        "state": state,
        "creator": simple_user(records, one.creator),
        "description": "",
        "environment": one.environment,
        "environment_url": "",
        "target_url": log_url,
        "log_url": log_url,
        "created_at": now,
        "updated_at": now,
        "deployment_url": f"{api}/deployments/{one.id}",
        "repository_url": api,
    }
