"""Labels, comments and the history of a pull request's issue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from gatekeeper.demo.github.shapes.apps import performed_via
from gatekeeper.demo.github.shapes.basics import node_id, stamp
from gatekeeper.demo.github.shapes.people import simple_user
from gatekeeper.demo.github.shapes.repositories import repository_url

if TYPE_CHECKING:
    from gatekeeper.demo.github.entities import Comment, IssueEvent, Label, PullRequest
    from gatekeeper.demo.github.records import Records

REACTIONS = ("+1", "-1", "laugh", "confused", "heart", "hooray", "eyes", "rocket")


def label(records: Records, one: Label) -> dict[str, Any]:
    """``label``."""
    return {
        "id": one.id,
        "node_id": node_id("Label", one.id),
        "url": f"{repository_url(records, one.repository)}/labels/{quote(one.name, safe='')}",
        "name": one.name,
        "description": one.description,
        "color": one.color,
        "default": False,
    }


def label_named(records: Records, full_name: str, name: str) -> Label:
    """The repository's label; issues only carry names the repository knows."""
    return records.labels[full_name, name]


def author_association(records: Records, full_name: str, login: str) -> str:
    """How an author stands to the repository."""
    teams = (
        team for team in records.teams.values() if team.organization == records.repository(full_name).owner
    )
    if any(login in team.members for team in teams):
        return "MEMBER"
    return "NONE" if records.role(full_name, login) == "none" else "COLLABORATOR"


def _reactions(url: str) -> dict[str, Any]:
    return {"url": f"{url}/reactions", "total_count": 0} | dict.fromkeys(REACTIONS, 0)


def issue_comment(records: Records, comment: Comment) -> dict[str, Any]:
    """``issue-comment``."""
    api = repository_url(records, comment.repository)
    url = f"{api}/issues/comments/{comment.id}"
    return {
        "url": url,
        "html_url": f"{records.url}/{comment.repository}/pull/{comment.number}#issuecomment-{comment.id}",
        "issue_url": f"{api}/issues/{comment.number}",
        "id": comment.id,
        "node_id": node_id("IssueComment", comment.id),
        "user": simple_user(records, comment.author),
        "created_at": stamp(comment.created_at),
        "updated_at": stamp(comment.updated_at),
        "author_association": author_association(records, comment.repository, comment.author),
        "body": comment.body,
        "reactions": _reactions(url),
        "performed_via_github_app": performed_via(records, comment.app_id),
    }


def issue(records: Records, pull: PullRequest) -> dict[str, Any]:
    """``issue``: a pull request seen as an issue."""
    api = repository_url(records, pull.repository)
    url, as_pull = f"{api}/issues/{pull.number}", f"{api}/pulls/{pull.number}"
    html = f"{records.url}/{pull.repository}/pull/{pull.number}"
    key = (pull.repository, pull.number)
    return {
        "url": url,
        "repository_url": api,
        "labels_url": f"{url}/labels{{/name}}",
        "comments_url": f"{url}/comments",
        "events_url": f"{url}/events",
        "html_url": html,
        "id": pull.id + 1_000_000,  # an issue's id differs from its pull request's
        "node_id": node_id("PullRequest", pull.id),
        "number": pull.number,
        "title": pull.title,
        "user": simple_user(records, pull.author),
        "labels": [label(records, label_named(records, pull.repository, name)) for name in pull.labels],
        "state": pull.state,
        "locked": False,
        "assignee": None,
        "assignees": [],
        "milestone": None,
        "comments": sum((one.repository, one.number) == key for one in records.comments.values()),
        "created_at": stamp(pull.created_at),
        "updated_at": stamp(pull.updated_at),
        "closed_at": stamp(pull.closed_at),
        "author_association": author_association(records, pull.repository, pull.author),
        "active_lock_reason": None,
        "draft": pull.draft,
        "pull_request": {
            "url": as_pull,
            "html_url": html,
            "diff_url": f"{html}.diff",
            "patch_url": f"{html}.patch",
            "merged_at": stamp(pull.merged_at),
        },
        "body": pull.body,
        "reactions": _reactions(url),
        "timeline_url": f"{url}/timeline",
        "performed_via_github_app": None,
        "state_reason": None,
    }


def issue_event(records: Records, event: IssueEvent) -> dict[str, Any]:
    """``issue-event-for-issue`` and the same events of the timeline."""
    answer: dict[str, Any] = {
        "id": event.id,
        "node_id": node_id("IssueEvent", event.id),
        "url": f"{repository_url(records, event.repository)}/issues/events/{event.id}",
        "actor": simple_user(records, event.actor),
        "event": event.event,
        "commit_id": None,
        "commit_url": None,
        "created_at": stamp(event.created_at),
        "performed_via_github_app": performed_via(records, event.app_id),
    }
    if event.label is not None:
        known = records.labels.get((event.repository, event.label))
        answer["label"] = {"name": event.label, "color": known.color if known else "ededed"}
    return answer


def timeline_comment(records: Records, comment: Comment) -> dict[str, Any]:
    """``timeline-comment-event``."""
    answer = issue_comment(records, comment)
    return answer | {"event": "commented", "actor": answer["user"]}
