"""Deployments, the workflow runs that wait to make them, and the rules that they wait for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from flask import Blueprint, request

from gatekeeper.demo.github import deploying, running
from gatekeeper.demo.github.api.endpoint import Answer, Ask, endpoint
from gatekeeper.demo.github.errors import Refused, not_found, unprocessable
from gatekeeper.demo.github.shapes import deployments as shapes
from gatekeeper.demo.github.shapes import runs as run_shapes

if TYPE_CHECKING:
    from gatekeeper.demo.github.deployment_entities import Deployment

blueprint = Blueprint("api_deployments", __name__)
RUN = "/repos/<owner>/<repo>/actions/runs/<int:run_id>"
DEPLOYMENTS = "/repos/<owner>/<repo>/deployments"
ACTIONS, READ, WRITE = ("actions", "read"), ("deployments", "read"), ("deployments", "write")


@endpoint(blueprint, "GET", "/repos/<owner>/<repo>/actions/runs", ACTIONS)
def list_runs(ask: Ask) -> Answer:
    """The workflow runs, newest first."""
    status = request.args.get("status")
    found = [
        one
        for _, one in sorted(ask.world.runs.items(), reverse=True)
        if one.repository == ask.repository and status in {None, one.status, one.conclusion}
    ]
    page = ask.page(found, lambda one: run_shapes.workflow_run(ask.world, one))
    return {"total_count": len(found), "workflow_runs": page}


@endpoint(blueprint, "GET", RUN, ACTIONS)
def show_run(ask: Ask, run_id: int) -> Answer:
    """One workflow run."""
    return run_shapes.workflow_run(ask.world, ask.world.run(ask.repository, run_id))


@endpoint(blueprint, "GET", f"{RUN}/pending_deployments", ACTIONS)
def list_pending(ask: Ask, run_id: int) -> Answer:
    """The environments that a run waits for."""
    run = ask.world.run(ask.repository, run_id)
    waiting = (job.environment for job in run.jobs if job.result is None)
    return [run_shapes.pending_deployment(ask.world, run, one) for one in waiting]


@endpoint(blueprint, "POST", f"{RUN}/deployment_protection_rule", WRITE)
def review(ask: Ask, run_id: int) -> Answer:
    """Let a job go, refuse it, or report."""
    if ask.actor.app_id is None:
        raise Refused(403, "Resource not accessible by personal access token")
    body = ask.body()
    state: Literal["approved", "rejected"] | None = body.get("state")
    if state not in {None, "approved", "rejected"} or (state is None and "comment" not in body):
        raise unprocessable('"state" or "comment" wasn\'t supplied.')
    running.review(
        ask.world,
        ask.repository,
        run_id,
        ask.text("environment_name"),
        app_id=ask.actor.app_id,
        state=state,
        comment=str(body.get("comment", "")),
    )
    return None, 204


@endpoint(
    blueprint,
    "GET",
    "/repos/<owner>/<repo>/environments/<environment>/deployment_protection_rules",
    ACTIONS,
)
def list_rules(ask: Ask, environment: str) -> Answer:
    """The rules of Apps that protect an environment."""
    rules = ask.world.protected.get((ask.repository, environment))
    if rules is None:
        raise not_found()
    shaped = [
        run_shapes.protection_rule(ask.world.apps[one], at) for at, one in enumerate(sorted(rules), start=1)
    ]
    return {"total_count": len(shaped), "custom_deployment_protection_rules": shaped}


@endpoint(blueprint, "POST", DEPLOYMENTS, WRITE)
def create_deployment(ask: Ask) -> Answer:
    """Ask for a deployment; 409 while a commit status is not green."""
    body = ask.body()
    made = deploying.create(
        ask.world,
        ask.repository,
        ask.text("ref"),
        by=ask.actor.login,
        environment=body.get("environment", "production"),
        task=body.get("task", "deploy"),
        description=body.get("description"),
        contexts=body.get("required_contexts"),
    )
    return shapes.deployment(ask.world, made), 201


@endpoint(blueprint, "GET", DEPLOYMENTS, READ)
def list_deployments(ask: Ask) -> Answer:
    """The deployments, newest first."""
    wanted = {name: request.args.get(name) for name in ("sha", "ref", "task", "environment")}

    def asked_for(one: Deployment) -> bool:
        return all(value in {None, getattr(one, name)} for name, value in wanted.items())

    found = [
        one
        for _, one in sorted(ask.world.deployments.items(), reverse=True)
        if one.repository == ask.repository and asked_for(one)
    ]
    return ask.page(found, lambda one: shapes.deployment(ask.world, one))


@endpoint(blueprint, "GET", f"{DEPLOYMENTS}/<int:deployment_id>", READ)
def show_deployment(ask: Ask, deployment_id: int) -> Answer:
    """One deployment."""
    return shapes.deployment(ask.world, ask.world.deployment(ask.repository, deployment_id))


@endpoint(blueprint, "POST", f"{DEPLOYMENTS}/<int:deployment_id>/statuses", WRITE)
def create_status(ask: Ask, deployment_id: int) -> Answer:
    """Report what became of a deployment."""
    body, about = ask.body(), ask.world.deployment(ask.repository, deployment_id)
    made = deploying.say(
        ask.world,
        about,
        ask.text("state"),
        by=ask.actor.login,
        description=str(body.get("description", "")),
        log_url=str(body.get("log_url") or body.get("target_url") or ask.world.url),
    )
    return shapes.deployment_status(ask.world, made), 201


@endpoint(blueprint, "GET", f"{DEPLOYMENTS}/<int:deployment_id>/statuses", READ)
def list_statuses(ask: Ask, deployment_id: int) -> Answer:
    """The statuses of a deployment, newest first."""
    about = ask.world.deployment(ask.repository, deployment_id)
    return ask.page(
        deploying.statuses_of(ask.world, about.id), lambda one: shapes.deployment_status(ask.world, one)
    )
