"""Which event is sent for which act, with the payload GitHub gives it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gatekeeper.demo.github.git import diff_files
from gatekeeper.demo.github.shapes.apps import installation as installation_shape
from gatekeeper.demo.github.shapes.basics import node_id, stamp
from gatekeeper.demo.github.shapes.checks import hook_check_run, hook_check_suite, simple_status
from gatekeeper.demo.github.shapes.deployments import deployment as deployment_shape
from gatekeeper.demo.github.shapes.deployments import deployment_status as deployment_status_shape
from gatekeeper.demo.github.shapes.issues import issue, issue_comment, label
from gatekeeper.demo.github.shapes.people import organization, simple_user
from gatekeeper.demo.github.shapes.pulls import hook_pull_request, hook_pull_request_simple, hook_review
from gatekeeper.demo.github.shapes.repositories import commit, hook_repository, person, repository_url
from gatekeeper.demo.github.shapes.runs import hook_workflow_run, workflow

if TYPE_CHECKING:
    from gatekeeper.demo.github.deliveries import Hook
    from gatekeeper.demo.github.deployment_entities import Deployment, DeploymentStatus, WorkflowRun
    from gatekeeper.demo.github.entities import (
        CheckRun,
        CheckSuite,
        Comment,
        Commit,
        Installation,
        Label,
        PullRequest,
        QueueEntry,
        Repository,
        Review,
        Status,
    )
    from gatekeeper.demo.github.records import Records

NOWHERE = "0" * 40  # git's name for "no commit": the before of a new branch


def pull_request(
    records: Records,
    pull: PullRequest,
    action: str,
    sender: str,
    *,
    changed_label: Label | None = None,
    **details: Any,
) -> None:
    """``pull_request``; ``details`` are what this action adds (changes, before, after)."""
    shape = {
        "action": action,
        "number": pull.number,
        "pull_request": hook_pull_request(records, pull),
        **details,
    }
    if changed_label is not None:
        shape["label"] = label(records, changed_label)
    _about(records, "pull_request", pull.repository, sender, shape)


def status(records: Records, one: Status) -> None:
    """``status``: a commit status was set."""
    branches = [
        {
            "name": name,
            "commit": {"sha": sha, "url": f"{repository_url(records, full_name)}/commits/{sha}"},
            "protected": False,
        }
        for (full_name, name), sha in sorted(records.branches.items())
        if (full_name, sha) == (one.repository, one.sha)
    ]
    shape: dict[str, Any] = simple_status(records, one) | {
        "name": one.repository,
        "sha": one.sha,
        "commit": commit(records, one.repository, records.objects.commits[one.sha]),
        "branches": branches,
    }
    for extra in ("url", "node_id"):
        shape.pop(extra)
    shape["commit"]["commit"]["verification"].pop("verified_at")  # not told here
    _about(records, "status", one.repository, one.creator, shape)


def issue_comment_event(
    records: Records, comment: Comment, action: str, sender: str, *, was: str | None = None
) -> None:
    """``issue_comment``: created, edited (``was`` is the old body) or deleted."""
    shape: dict[str, Any] = {
        "action": action,
        "issue": issue(records, records.pull(comment.repository, comment.number)),
        "comment": issue_comment(records, comment),
    }
    if action == "edited":
        shape["changes"] = {} if was is None else {"body": {"from": was}}
    _about(records, "issue_comment", comment.repository, sender, shape)


def pull_request_review(records: Records, review: Review, action: str, sender: str) -> None:
    """``pull_request_review``: submitted or dismissed."""
    pull = records.pull(review.repository, review.number)
    shape = {
        "action": action,
        "review": hook_review(records, review),
        "pull_request": hook_pull_request_simple(records, pull),
    }
    _about(records, "pull_request_review", review.repository, sender, shape)


def check_run(
    records: Records, run: CheckRun, action: str, sender: str, *, identifier: str | None = None
) -> None:
    """``check_run``; a click goes to the App that owns the run only."""
    shape: dict[str, Any] = {"action": action, "check_run": hook_check_run(records, run)}
    if identifier is not None:
        shape["requested_action"] = {"identifier": identifier}
    only = run.app_id if action in {"rerequested", "requested_action"} else None
    _about(records, "check_run", run.repository, sender, shape, only=only)


def check_suite(records: Records, suite: CheckSuite, action: str, sender: str) -> None:
    """``check_suite``, to the App that owns the suite."""
    shape = {"action": action, "check_suite": hook_check_suite(records, suite)}
    _about(records, "check_suite", suite.repository, sender, shape, only=suite.app_id)


def push(
    records: Records,
    full_name: str,
    branch: str,
    before: str | None,
    commits: list[Commit],
    sender: str,
    *,
    forced: bool = False,
) -> None:
    """``push`` of these commits (oldest first) to a branch; ``before`` is None for a new one."""
    shapes = [_pushed(records, full_name, one) for one in commits]
    after = commits[-1].sha
    who = shapes[-1]["author"]
    shape = {
        "ref": f"refs/heads/{branch}",
        "before": before or NOWHERE,
        "after": after,
        "created": before is None,
        "deleted": False,
        "forced": forced,
        "base_ref": None,
        "compare": f"{records.url}/{full_name}/compare/{(before or after)[:12]}...{after[:12]}",
        "commits": shapes,
        "head_commit": shapes[-1],
        "pusher": {"name": sender, "email": who["email"]},
    }
    _about(records, "push", full_name, sender, shape)


def _pushed(records: Records, full_name: str, commit: Commit) -> dict[str, Any]:
    parent = records.objects.commits[commit.parents[0]].files if commit.parents else {}
    touched: dict[str, list[str]] = {"added": [], "removed": [], "modified": []}
    for change in diff_files(parent, commit.files):
        if change.status == "renamed":
            touched["added"].append(change.path)
            touched["removed"].append(change.previous_path or "")
        else:
            touched[change.status].append(change.path)
    who = person(records, commit)
    author = {"name": who["name"], "email": who["email"], "username": commit.author}
    return {
        "id": commit.sha,
        "tree_id": commit.tree,
        "distinct": True,
        "message": commit.message,
        "timestamp": stamp(commit.date),
        "url": f"{records.url}/{full_name}/commit/{commit.sha}",
        "author": author,
        "committer": author,
        **touched,
    }


def merge_group(
    records: Records, entry: QueueEntry, action: str, sender: str, *, reason: str | None = None
) -> None:
    """``merge_group``: checks_requested, or destroyed for a reason."""
    head = records.objects.commits[entry.head_sha]
    who = person(records, head)
    shape: dict[str, Any] = {
        "action": action,
        "merge_group": {
            "head_sha": entry.head_sha,
            "head_ref": f"refs/heads/{entry.ref}",
            "base_sha": entry.base_sha,
            "base_ref": f"refs/heads/{entry.branch}",
            "head_commit": {
                "id": head.sha,
                "tree_id": head.tree,
                "message": head.message,
                "timestamp": stamp(head.date),
                "author": {"name": who["name"], "email": who["email"]},
                "committer": {"name": who["name"], "email": who["email"]},
            },
        },
    }
    if reason is not None:
        shape["reason"] = reason
    _about(records, "merge_group", entry.repository, sender, shape)


def deployment(records: Records, one: Deployment, sender: str, *, run: WorkflowRun | None = None) -> None:
    """``deployment``: somebody, or a job of a workflow run, asked for one."""
    shape = {
        "action": "created",
        "deployment": deployment_shape(records, one),
        "workflow": None if run is None else workflow(records, run),
        "workflow_run": None if run is None else hook_workflow_run(records, run),
    }
    _about(records, "deployment", one.repository, sender, shape)


def deployment_status(records: Records, deployment: Deployment, one: DeploymentStatus) -> None:
    """``deployment_status``: a deployment came to this state."""
    shape = {
        "action": "created",
        "deployment": deployment_shape(records, deployment),
        "deployment_status": deployment_status_shape(records, one),
    }
    _about(records, "deployment_status", deployment.repository, one.creator, shape)


def deployment_protection_rule(
    records: Records, run: WorkflowRun, deployment: Deployment, app_id: int
) -> None:
    """``deployment_protection_rule``: a job waits for the App's answer."""
    api = repository_url(records, run.repository)
    shape = {
        "action": "requested",
        "environment": deployment.environment,
        "event": "push",
        "deployment_callback_url": f"{api}/actions/runs/{run.id}/deployment_protection_rule",
        "deployment": deployment_shape(records, deployment),
        "pull_requests": [],
    }
    _about(records, "deployment_protection_rule", run.repository, run.actor, shape, only=app_id)


def installation(records: Records, one: Installation, action: str, sender: str) -> None:
    """``installation``: created, deleted, suspend, unsuspend, new_permissions_accepted."""
    names = [one.full_name for one in _covered(records, one)]
    shape = {
        "action": action,
        "installation": installation_shape(records, one),
        "repositories": [_tiny(records.repository(name)) for name in names],
        "sender": simple_user(records, sender),
    }
    _to_app(records, one, "installation", shape)


def installation_target(records: Records, one: Installation, sender: str, *, former: str) -> None:
    """``installation_target``: the account that it is on has another name."""
    account = simple_user(records, one.account)
    shape = {
        "action": "renamed",
        "account": account,
        "changes": {"login": {"from": former}},
        "target_type": "Organization",
        "installation": {"id": one.id, "node_id": node_id("Installation", one.id)},
        "sender": simple_user(records, sender),
    }
    _to_app(records, one, "installation_target", shape)


def installation_repositories(
    records: Records, one: Installation, sender: str, *, added: list[str], removed: list[str]
) -> None:
    """``installation_repositories``: added or removed."""
    shape = {
        "action": "added" if added else "removed",
        "installation": installation_shape(records, one),
        "repository_selection": "all" if one.repositories is None else "selected",
        "repositories_added": [_tiny(records.repository(name)) for name in added],
        "repositories_removed": [_tiny(records.repository(name)) for name in removed],
        "requester": None,
        "sender": simple_user(records, sender),
    }
    _to_app(records, one, "installation_repositories", shape)


def ping(records: Records, hook: Hook, sender: str) -> None:
    """``ping``: GitHub's greeting to a new hook."""
    app = records.apps[hook.target_id]
    shape = {
        "zen": "Non-blocking is better than blocking.",
        "hook_id": hook.id,
        "hook": {
            "type": hook.owner,
            "id": hook.id,
            "name": "web",
            "active": hook.active,
            "app_id": app.id,
            "events": list(app.events),
            "config": {"content_type": "json", "insecure_ssl": "0", "secret": "********", "url": hook.url},
            "updated_at": stamp(records.now()),
            "created_at": stamp(records.now()),
            "url": f"{records.url}/app/hook",
            "ping_url": f"{records.url}/app/hook/pings",
            "deliveries_url": f"{records.url}/app/hook/deliveries",
        },
        "sender": simple_user(records, sender),
    }
    records.deliveries.emit("ping", shape, installation_id=None, repository_id=None)


def repository(records: Records, full_name: str, action: str, sender: str, **details: Any) -> None:
    """``repository``: archived or unarchived, renamed, transferred (``details`` are the changes), deleted."""
    _about(records, "repository", full_name, sender, {"action": action, **details})


def user(records: Records, login: str) -> dict[str, Any]:
    """An account as the changes of an event tell it; an organisation too."""
    return simple_user(records, login)


def _tiny(one: Repository) -> dict[str, Any]:
    return {
        "id": one.id,
        "node_id": node_id("Repository", one.id),
        "name": one.name,
        "full_name": one.full_name,
        "private": one.private,
    }


def _covered(records: Records, one: Installation) -> list[Repository]:
    return [repo for name, repo in sorted(records.repositories.items()) if one.covers(name)]


def _to_app(records: Records, one: Installation, event: str, shape: dict[str, Any]) -> None:
    """Events about installations reach the App whether or not it subscribed."""
    hook = records.deliveries.hook
    if hook is not None and hook.owner == "App" and hook.target_id == one.app_id:
        records.deliveries.emit(event, shape, installation_id=one.id, repository_id=None)


def _about(
    records: Records,
    event: str,
    full_name: str,
    sender: str,
    shape: dict[str, Any],
    *,
    only: int | None = None,
) -> None:
    """Send an event of a repository to the hook, if it may see it; ``only`` names the one App to tell."""
    hook = records.deliveries.hook
    if hook is None:
        return
    repo = records.repository(full_name)
    shape |= {"repository": hook_repository(records, full_name), "sender": simple_user(records, sender)}
    if records.account(repo.owner).kind == "Organization":
        shape["organization"] = organization(records, repo.owner)
    if hook.owner == "Organization":
        if only is None:
            records.deliveries.emit(event, shape, installation_id=None, repository_id=repo.id)
        return
    found = records.installation_of(full_name, hook.target_id)
    if (
        found is None
        or found.suspended is not None
        or event not in found.events
        or only not in {None, hook.target_id}
    ):
        return
    shape["installation"] = {"id": found.id, "node_id": node_id("Installation", found.id)}
    records.deliveries.emit(event, shape, installation_id=found.id, repository_id=repo.id)
