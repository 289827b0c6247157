"""Pull requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gatekeeper.demo.github import merging
from gatekeeper.demo.github.shapes.basics import node_id, stamp
from gatekeeper.demo.github.shapes.issues import author_association, label, label_named
from gatekeeper.demo.github.shapes.people import simple_user
from gatekeeper.demo.github.shapes.repositories import repository, repository_url

if TYPE_CHECKING:
    from gatekeeper.demo.github.entities import PullRequest, Review
    from gatekeeper.demo.github.records import Records


def pull_request_simple(records: Records, pull: PullRequest) -> dict[str, Any]:
    """``pull-request-simple``: as listed."""
    api = repository_url(records, pull.repository)
    url, issue = f"{api}/pulls/{pull.number}", f"{api}/issues/{pull.number}"
    html = f"{records.url}/{pull.repository}/pull/{pull.number}"
    addresses = {
        "html": html,
        "issue": issue,
        "commits": f"{url}/commits",
        "review_comments": f"{url}/comments",
        "review_comment": f"{api}/pulls/comments{{/number}}",
        "comments": f"{issue}/comments",
        "statuses": f"{api}/statuses/{pull.head_sha}",
    }
    labels = (label_named(records, pull.repository, name) for name in pull.labels)
    return {
        "url": url,
        "id": pull.id,
        "node_id": node_id("PullRequest", pull.id),
        "diff_url": f"{html}.diff",
        "patch_url": f"{html}.patch",
        **{f"{name}_url": address for name, address in addresses.items()},
        "number": pull.number,
        "state": pull.state,
        "locked": False,
        "title": pull.title,
        "user": simple_user(records, pull.author),
        "body": pull.body,
        "created_at": stamp(pull.created_at),
        "updated_at": stamp(pull.updated_at),
        "closed_at": stamp(pull.closed_at),
        "merged_at": stamp(pull.merged_at),
        "merge_commit_sha": pull.merge_commit_sha,
        "assignee": None,
        "assignees": [],
        "requested_reviewers": [],
        "requested_teams": [],
        "labels": [
            label(records, one) | {"description": one.description or ""} for one in labels
        ],  # never null here
        "milestone": None,
        "draft": pull.draft,
        "head": _side(records, pull.source, pull.head_ref, pull.head_sha),
        "base": _side(records, pull.repository, pull.base_ref, pull.base_sha),
        "_links": {"self": {"href": url}} | {name: {"href": address} for name, address in addresses.items()},
        "author_association": author_association(records, pull.repository, pull.author),
        "auto_merge": _auto_merge(records, pull),
        "active_lock_reason": None,
    }


def _auto_merge(records: Records, pull: PullRequest) -> dict[str, Any] | None:
    """``auto-merge``."""
    if pull.auto_merge_by is None:
        return None
    return {
        "enabled_by": simple_user(records, pull.auto_merge_by),
        "merge_method": "merge",
        "commit_title": f"Merge pull request #{pull.number} from {pull.head_ref}",
        "commit_message": pull.title,
    }


def _side(records: Records, full_name: str, ref: str, sha: str) -> dict[str, Any]:
    owner = records.repository(full_name).owner
    return {
        "label": f"{owner}:{ref}",
        "ref": ref,
        "sha": sha,
        "user": simple_user(records, owner),
        "repo": repository(records, full_name),
    }


def pull_request(records: Records, pull: PullRequest) -> dict[str, Any]:
    """``pull-request``: one alone, with what GitHub computes for it."""
    changes = merging.changes(records, pull)
    comments = sum(
        (one.repository, one.number) == (pull.repository, pull.number) for one in records.comments.values()
    )
    mergeable = _worked_out(records, pull)
    merge = merging.trial(records, pull) if mergeable else None
    return pull_request_simple(records, pull) | {
        "merge_commit_sha": pull.merge_commit_sha or (merge.sha if merge is not None else None),
        "merged": pull.merged_at is not None,
        "mergeable": mergeable,
        "rebaseable": mergeable,
        "mergeable_state": merging.mergeable_state(records, pull),
        "merged_by": None if pull.merged_by is None else simple_user(records, pull.merged_by),
        "comments": comments,
        "review_comments": 0,
        "maintainer_can_modify": False,
        "commits": len(merging.commits(records, pull)),
        "additions": sum(change.additions for change in changes),
        "deletions": sum(change.deletions for change in changes),
        "changed_files": len(changes),
    }


def _worked_out(records: Records, pull: PullRequest) -> bool | None:
    """Whether it can be merged. GitHub works that out once somebody has asked, and says null until then."""
    if pull.state == "closed":
        return None
    known = records.worked_out.get((pull.repository, pull.number))
    if records.slow_merges and known != merging.sides(records, pull):
        return None
    return merging.mergeable(records, pull)


def pull_request_minimal(records: Records, pull: PullRequest) -> dict[str, Any]:
    """``pull-request-minimal``: as checks name it."""
    url = repository_url(records, pull.repository)
    return {
        "id": pull.id,
        "number": pull.number,
        "url": f"{url}/pulls/{pull.number}",
        "head": {"ref": pull.head_ref, "sha": pull.head_sha, "repo": _minimal(records, pull.source)},
        "base": {"ref": pull.base_ref, "sha": pull.base_sha, "repo": _minimal(records, pull.repository)},
    }


def _minimal(records: Records, full_name: str) -> dict[str, Any]:
    one = records.repository(full_name)
    return {"id": one.id, "url": repository_url(records, full_name), "name": one.name}


def pull_request_review(records: Records, review: Review) -> dict[str, Any]:
    """``pull-request-review``."""
    pull = records.pull(review.repository, review.number)
    url = f"{repository_url(records, review.repository)}/pulls/{review.number}"
    html = f"{records.url}/{review.repository}/pull/{review.number}#pullrequestreview-{review.id}"
    return {
        "id": review.id,
        "node_id": node_id("PullRequestReview", review.id),
        "user": simple_user(records, review.author),
        "body": review.body,
        "state": review.state,
        "html_url": html,
        "pull_request_url": url,
        "author_association": author_association(records, pull.repository, review.author),
        "_links": {"html": {"href": html}, "pull_request": {"href": url}},
        "submitted_at": stamp(review.submitted_at),
        "commit_id": review.commit,
    }


def hook_review(records: Records, review: Review) -> dict[str, Any]:
    """``pull-request-review`` as webhooks carry it: its state in lower case."""
    return pull_request_review(records, review) | {"state": review.state.lower()}


def hook_pull_request(records: Records, pull: PullRequest) -> dict[str, Any]:
    """``pull-request`` as webhooks carry it: with the settings of both repositories."""
    answer = pull_request(records, pull)
    for side in ("head", "base"):
        answer[side]["repo"]["custom_properties"] = {}
    return answer


def hook_pull_request_simple(records: Records, pull: PullRequest) -> dict[str, Any]:
    """``pull-request`` as events carry it that are about something on it: without what GitHub computes."""
    answer = pull_request_simple(records, pull)
    for side in ("head", "base"):
        answer[side]["repo"]["custom_properties"] = {}
    return answer
