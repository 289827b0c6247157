"""PyGithub's objects put into plain values, without a request more than the list or object itself cost."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
from github.CheckRun import CheckRun
from github.File import File
from github.IssueComment import IssueComment
from github.NamedUser import NamedUser
from github.Organization import Organization
from github.PullRequest import PullRequest
from github.PullRequestReview import PullRequestReview
from github.Repository import Repository
from github.Requester import Requester

from gatekeeper.github.values import (
    CheckRunData,
    CommentData,
    DeliveryAttempt,
    DeliveryPage,
    Files,
    LabelEvent,
    PullData,
    RepositoryData,
    ReviewData,
)

MOST_FILES = 3000  # GitHub lists no more of a pull request
_RETARGETED = frozenset({"base_ref_changed", "automatic_base_change_succeeded"})
"""GitHub's "Issue event types"; the second where the branch it went to is deleted once it is merged itself."""
GHOST = "ghost"  # GitHub's name for deleted accounts


def pull_data(pull: PullRequest, *, alone: bool) -> PullData:
    """A pull request as value.

    Args:
        pull: as answered; what lists leave out is not asked for.
        alone: whether it was read by itself and not in a list.
    """
    head, base = pull.head, pull.base
    return PullData(
        repository=base.repo.full_name,
        number=pull.number,
        title=pull.title,
        author=_login(pull.user),
        head_sha=head.sha,
        head_ref=head.ref,
        head_repository=head.repo.full_name if _exists(head.repo) else None,
        base_ref=base.ref,
        labels=tuple(sorted(label.name for label in pull.labels)),
        open=pull.state == "open",
        merged_at=pull.merged_at,
        draft=pull.draft,
        updated_at=pull.updated_at or pull.created_at,
        default_branch=base.repo.default_branch,
        changed_files=pull.changed_files if alone else None,
        changed_lines=pull.additions + pull.deletions if alone else None,
        body=pull.body or "",
        merge_commit=pull.merge_commit_sha if pull.merged_at is not None else None,
        auto_merge=pull.auto_merge is not None,
        mergeable=pull.mergeable if alone else None,
        test_merge=pull.merge_commit_sha if alone and pull.merged_at is None and pull.mergeable else None,
    )


def files_of(listed: Iterable[File], *, changed_files: int | None) -> Files:
    """The paths of a pull request's files; a rename gives both, as it changes both places."""
    count, paths, heads = 0, set[str](), set[str]()
    for file in listed:
        count += 1
        paths.add(file.filename)
        if file.status != "removed":  # of those GitHub gives the address in a commit that still has them
            heads.update(parse_qs(urlsplit(file.contents_url).query).get("ref", ()))
        if file.previous_filename:
            paths.add(file.previous_filename)
    complete = count < MOST_FILES if changed_files is None else count >= changed_files
    return Files(tuple(sorted(paths)), complete, frozenset(heads))


def check_run_data(run: CheckRun) -> CheckRunData:
    """A check run as value."""
    return CheckRunData(run.id, run.name, run.head_sha, run.external_id or "", run.status, run.conclusion)


def comment_data(comment: IssueComment) -> CommentData:
    """A comment as value."""
    return CommentData(comment.id, _login(comment.user), comment.body or "")


def review_data(review: PullRequestReview) -> ReviewData:
    """A review as value; that of a deleted account has no author left."""
    return ReviewData(_login(review.user), review.state, review.commit_id or "", review.submitted_at)


def repository_data(repository: Repository, installation_id: int | None) -> RepositoryData:
    """A repository as value."""
    return RepositoryData(
        repository.full_name, repository.default_branch, repository.archived, installation_id
    )


def last_labeled(events: Iterable[dict[str, Any]], label: str) -> LabelEvent | None:
    """The newest event that put the label there, of events as GitHub lists them (label names ignore case)."""
    wanted = label.casefold()
    newest = max(
        (one for one in events if one["event"] == "labeled" and one["label"]["name"].casefold() == wanted),
        key=lambda one: int(one["id"]),
        default=None,
    )
    return None if newest is None else _label_event(newest)


def last_retargeted(events: Iterable[dict[str, Any]]) -> datetime | None:
    """When the pull request was sent to another branch last, of events as GitHub lists them."""
    found = (one["created_at"] for one in events if one["event"] in _RETARGETED)
    return max(map(datetime.fromisoformat, found), default=None)


def _label_event(event: dict[str, Any]) -> LabelEvent:
    actor = event.get("actor") or {"login": GHOST, "type": "User"}
    human = actor.get("type") == "User" and not event.get("performed_via_github_app")
    return LabelEvent(actor["login"], human, datetime.fromisoformat(event["created_at"]))


def required_sources(rules: Iterable[dict[str, Any]]) -> dict[str, frozenset[int | None]]:
    """By the name of each check that a branch's rules require, the Apps that it has to come from.

    None stands for a rule that takes it from anybody.
    """
    found: dict[str, frozenset[int | None]] = {}
    for rule in rules:
        if rule["type"] == "required_status_checks":
            for check in rule["parameters"]["required_status_checks"]:
                found[check["context"]] = found.get(check["context"], frozenset()) | {
                    check.get("integration_id")
                }
    return found


def pages(requester: Requester, url: str) -> Iterator[dict[str, Any]]:
    """The items of a list that PyGithub has no type for, one request a page."""
    following: str | None = url
    parameters: dict[str, Any] | None = {"per_page": requester.per_page}
    while following:
        headers, items = requester.requestJsonAndCheck("GET", following, parameters=parameters)
        yield from items
        following = _following(headers.get("link", ""))
        parameters = None  # the link has them


def delivery_page(listed: Iterable[dict[str, Any]], link: str) -> DeliveryPage:
    """A page of attempts to deliver webhooks, and the cursor of the next one from the header Link."""
    query = parse_qs(urlsplit(_following(link) or "").query)
    attempts = (
        DeliveryAttempt(
            int(one["id"]),
            one["guid"],
            one["event"],
            one["action"],
            datetime.fromisoformat(one["delivered_at"]),
            int(one["status_code"]),
        )
        for one in listed
    )
    return DeliveryPage(tuple(attempts), query["cursor"][0] if "cursor" in query else None)


def _following(link: str) -> str | None:
    """The address of the next page in a header Link."""
    links = requests.utils.parse_header_links(link)
    return next((one["url"] for one in links if one.get("rel") == "next"), None)


def _login(user: NamedUser | Organization | None) -> str:
    return GHOST if user is None else user.login


def _exists(repository: Repository | None) -> bool:
    return repository is not None  # PyGithub's types deny that a fork may be deleted
