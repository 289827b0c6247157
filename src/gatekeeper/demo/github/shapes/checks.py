"""Check runs, check suites and commit statuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from gatekeeper.demo.github import merging
from gatekeeper.demo.github.shapes.apps import integration
from gatekeeper.demo.github.shapes.basics import node_id, stamp
from gatekeeper.demo.github.shapes.people import simple_user
from gatekeeper.demo.github.shapes.pulls import pull_request_minimal
from gatekeeper.demo.github.shapes.repositories import person, repository, repository_url

if TYPE_CHECKING:
    from gatekeeper.demo.github.entities import CheckRun, CheckSuite, Commit, Status
    from gatekeeper.demo.github.records import Records


def check_run(records: Records, run: CheckRun) -> dict[str, Any]:
    """``check-run``; GitHub does not tell the actions it was given."""
    api = repository_url(records, run.repository)
    url = f"{api}/check-runs/{run.id}"
    html = f"{records.url}/{run.repository}/runs/{run.id}"
    return {
        "id": run.id,
        "name": run.name,
        "node_id": node_id("CheckRun", run.id),
        "head_sha": run.head_sha,
        "external_id": run.external_id,
        "url": url,
        "html_url": html,
        "details_url": run.details_url or html,
        "status": run.status,
        "conclusion": run.conclusion,
        "started_at": stamp(run.started_at),
        "completed_at": stamp(run.completed_at),
        "output": {
            "title": run.output.title,
            "summary": run.output.summary,
            "text": run.output.text,
            "annotations_count": len(run.output.annotations),
            "annotations_url": f"{url}/annotations",
        },
        "check_suite": {"id": run.suite_id},
        "app": integration(records, run.app_id),
        "pull_requests": _pulls(records, run.repository, run.head_sha),
    }


def _pulls(records: Records, full_name: str, sha: str) -> list[dict[str, Any]]:
    return [
        pull_request_minimal(records, one) for one in records.pulls_of(full_name, head_sha=sha, state="open")
    ]


def suite_core(records: Records, suite: CheckSuite) -> dict[str, Any]:
    """What a check suite tells of itself inside of a check run's webhook."""
    status, conclusion = merging.suite_state(records, suite)
    heads = [pull.head_ref for pull in records.pulls_of(suite.repository, head_sha=suite.head_sha)]
    commit = records.objects.commits[suite.head_sha]
    return {
        "id": suite.id,
        "node_id": node_id("CheckSuite", suite.id),
        "head_branch": heads[0] if heads else None,
        "head_sha": suite.head_sha,
        "status": status,
        "conclusion": conclusion,
        "url": f"{repository_url(records, suite.repository)}/check-suites/{suite.id}",
        "before": commit.parents[0] if commit.parents else None,
        "after": suite.head_sha,
        "pull_requests": _pulls(records, suite.repository, suite.head_sha),
        "app": integration(records, suite.app_id),
        "created_at": stamp(suite.created_at),
        "updated_at": stamp(suite.created_at),
    }


def hook_check_suite(records: Records, suite: CheckSuite) -> dict[str, Any]:
    """``check-suite`` as webhooks carry it."""
    core = suite_core(records, suite)
    runs = sum(run.suite_id == suite.id for run in records.checks.values())
    return core | {
        "latest_check_runs_count": runs,
        "check_runs_url": f"{core['url']}/check-runs",
        "head_commit": simple_commit(records, records.objects.commits[suite.head_sha]),
    }


def check_suite(records: Records, suite: CheckSuite) -> dict[str, Any]:
    """``check-suite``."""
    return hook_check_suite(records, suite) | {"repository": repository(records, suite.repository)}


def hook_check_run(records: Records, run: CheckRun) -> dict[str, Any]:
    """``check-run`` as webhooks carry it: with its suite in full."""
    return check_run(records, run) | {"check_suite": suite_core(records, records.suites[run.suite_id])}


def simple_commit(records: Records, commit: Commit) -> dict[str, Any]:
    """``simple-commit``."""
    who = {name: value for name, value in person(records, commit).items() if name != "date"}
    return {
        "id": commit.sha,
        "tree_id": commit.tree,
        "message": commit.message,
        "timestamp": stamp(commit.date),
        "author": who,
        "committer": who,
    }


def simple_status(records: Records, status: Status) -> dict[str, Any]:
    """``simple-commit-status``."""
    return {
        "url": f"{repository_url(records, status.repository)}/statuses/{status.sha}",
        "avatar_url": f"{records.url}/avatars/{quote(status.creator)}",
        "id": status.id,
        "node_id": node_id("Status", status.id),
        "state": status.state,
        "description": status.description,
        "target_url": status.target_url,
        "context": status.context,
        "created_at": stamp(status.created_at),
        "updated_at": stamp(status.created_at),
    }


def status(records: Records, one: Status) -> dict[str, Any]:
    """``status``."""
    return simple_status(records, one) | {"creator": simple_user(records, one.creator)}


def combined_status(records: Records, full_name: str, sha: str) -> dict[str, Any]:
    """``combined-commit-status``: the newest status of each context, and the worst of them."""
    latest = merging.latest_statuses(records, full_name, sha)
    states = {one.state for one in latest.values()}
    url = f"{repository_url(records, full_name)}/commits/{sha}"
    unfailed = "success" if states == {"success"} else "pending"
    return {
        "state": "failure" if states & {"failure", "error"} else unfailed,
        "statuses": [simple_status(records, one) for _, one in sorted(latest.items())],
        "sha": sha,
        "total_count": len(latest),
        "repository": repository(records, full_name),
        "commit_url": url,
        "url": f"{url}/status",
    }
