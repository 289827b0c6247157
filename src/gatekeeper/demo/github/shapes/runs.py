"""Workflow runs, environments and their protection rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from gatekeeper.demo.github.shapes.basics import node_id, stamp
from gatekeeper.demo.github.shapes.people import simple_user
from gatekeeper.demo.github.shapes.repositories import person, repository, repository_url

if TYPE_CHECKING:
    from gatekeeper.demo.github.deployment_entities import WorkflowRun
    from gatekeeper.demo.github.entities import App
    from gatekeeper.demo.github.records import Records

NAME, FILE, WORKFLOW_ID = "Deploy", ".github/workflows/deploy.yml", 1


def workflow(records: Records, run: WorkflowRun) -> dict[str, Any]:
    """``workflow``: the one that all runs of a repository belong to here."""
    url = f"{repository_url(records, run.repository)}/actions/workflows/{WORKFLOW_ID}"
    html = f"{records.url}/{run.repository}"
    made = stamp(records.repository(run.repository).created_at)
    return {
        "badge_url": f"{html}/workflows/{NAME}/badge.svg",
        "created_at": made,
        "html_url": f"{html}/blob/main/{FILE}",
        "id": WORKFLOW_ID,
        "name": NAME,
        "node_id": node_id("Workflow", WORKFLOW_ID),
        "path": FILE,
        "state": "active",
        "updated_at": made,
        "url": url,
    }


def hook_workflow_run(records: Records, run: WorkflowRun) -> dict[str, Any]:
    """``workflow_run`` of a ``deployment`` event, which is sent while the job is queued."""
    shape = _common(records, run)
    return shape | {"status": "queued", "conclusion": None}


def workflow_run(records: Records, run: WorkflowRun) -> dict[str, Any]:
    """``workflow-run``."""
    url, commit = _url(records, run), records.objects.commits[run.sha]
    who = {name: value for name, value in person(records, commit).items() if name != "date"}
    here = repository(records, run.repository)
    return _common(records, run) | {
        "jobs_url": f"{url}/jobs",
        "logs_url": f"{url}/logs",
        "check_suite_url": f"{repository_url(records, run.repository)}/check-suites/{run.id}",
        "artifacts_url": f"{url}/artifacts",
        "cancel_url": f"{url}/cancel",
        "rerun_url": f"{url}/rerun",
        "previous_attempt_url": None,
        "workflow_url": f"{repository_url(records, run.repository)}/actions/workflows/{WORKFLOW_ID}",
        "head_commit": {
            "id": commit.sha,
            "tree_id": commit.tree,
            "message": commit.message,
            "timestamp": stamp(commit.date),
            "author": who,
            "committer": who,
        },
        "repository": here,
        "head_repository": here,
    }


def _common(records: Records, run: WorkflowRun) -> dict[str, Any]:
    actor = simple_user(records, run.actor)
    return {
        "id": run.id,
        "name": NAME,
        "path": FILE,
        "display_title": NAME,
        "node_id": node_id("WorkflowRun", run.id),
        "head_branch": run.branch,
        "head_sha": run.sha,
        "run_number": 1,
        "event": "push",
        "status": run.status,
        "conclusion": run.conclusion,
        "workflow_id": WORKFLOW_ID,
        "check_suite_id": run.id,
        "check_suite_node_id": node_id("CheckSuite", run.id),
        "url": _url(records, run),
        "html_url": f"{records.url}/{run.repository}/actions/runs/{run.id}",
        "pull_requests": [],
        "created_at": stamp(run.created_at),
        "updated_at": stamp(run.updated_at),
        "actor": actor,
        "triggering_actor": actor,
        "run_attempt": 1,
        "run_started_at": stamp(run.created_at),
    }


def _url(records: Records, run: WorkflowRun) -> str:
    return f"{repository_url(records, run.repository)}/actions/runs/{run.id}"


def pending_deployment(records: Records, run: WorkflowRun, environment: str) -> dict[str, Any]:
    """``pending-deployment``: an environment that a run waits for."""
    return {
        "environment": _environment(records, run.repository, environment),
        "wait_timer": 0,
        "wait_timer_started_at": None,
        "current_user_can_approve": False,
        "reviewers": [],
    }


def _environment(records: Records, full_name: str, name: str) -> dict[str, Any]:
    number = list(records.protected).index((full_name, name)) + 1
    return {
        "id": number,
        "node_id": node_id("Environment", number),
        "name": name,
        "url": f"{repository_url(records, full_name)}/environments/{quote(name, safe='')}",
        "html_url": f"{records.url}/{full_name}/deployments/activity_log?environment={quote(name, safe='')}",
    }


def protection_rule(app: App, number: int) -> dict[str, Any]:
    """``deployment-protection-rule``: an App's rule of an environment."""
    return {
        "id": number,
        "node_id": node_id("Gate", number),
        "enabled": True,
        "app": {
            "id": app.id,
            "slug": app.slug,
            "integration_url": f"https://api.github.com/apps/{app.slug}",
            "node_id": node_id("Integration", app.id),
        },
    }
