"""The life of a pull request: opened, edited, closed, merged."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gatekeeper.demo.github import branches, conversation, hooks, merging, queueing
from gatekeeper.demo.github.conversation import Actor
from gatekeeper.demo.github.entities import PullRequest
from gatekeeper.demo.github.errors import Refused, invalid

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gatekeeper.demo.github.entities import Commit, Role
    from gatekeeper.demo.github.records import Records


def open_pull(
    records: Records,
    full_name: str,
    *,
    author: str,
    title: str,
    head: str,
    base: str,
    body: str | None = None,
    labels: Iterable[str] = (),
    draft: bool = False,
    fork: str | None = None,
) -> PullRequest:
    """Open a pull request from the branch ``head``, which is one of a ``fork`` if that is given.

    Labels chosen in the form are on it at once, and each still sends its own ``labeled`` event, as on GitHub.

    Raises:
        Refused: 404 for an unknown branch, 422 when there is nothing to merge.
    """
    tip, target = records.head(fork or full_name, head), records.head(full_name, base)
    if tip.sha in set(records.objects.ancestors(target.sha)):
        raise invalid("PullRequest", "base", "custom", f"No commits between {base} and {head}")
    now = records.now()
    number = 1 + max((key[1] for key in records.pulls if key[0] == full_name), default=0)
    made = PullRequest(
        records.new_id(),
        full_name,
        number,
        title,
        body,
        author,
        head,
        tip.sha,
        base,
        target.sha,
        now,
        now,
        draft=draft,
        head_repository=fork,
    )
    records.pulls[full_name, number] = made
    hooks.pull_request(records, made, "opened", author)
    return conversation.add_labels(records, full_name, number, labels, Actor(author))


def edit(
    records: Records,
    full_name: str,
    number: int,
    *,
    by: str,
    title: str | None = None,
    body: str | None = None,
    base: str | None = None,
) -> PullRequest:
    """Change what is given; the event tells what it was.

    Raises:
        Refused: 404, or 403 for somebody who may not.
    """
    pull = records.pull(full_name, number)
    _require_author_or(records, pull, by, "write")
    changes: dict[str, Any] = {}
    made = replace(pull, updated_at=records.now())
    if title is not None:
        changes["title"] = {"from": pull.title}
        made = replace(made, title=title)
    if body is not None:
        changes["body"] = {"from": pull.body or ""}
        made = replace(made, body=body)
    if base is not None:
        changes["base"] = {"ref": {"from": pull.base_ref}, "sha": {"from": pull.base_sha}}
        made = replace(made, base_ref=base, base_sha=records.head(full_name, base).sha)
        conversation.note(records, made, "base_ref_changed", Actor(by))
    records.pulls[full_name, number] = made
    hooks.pull_request(records, made, "edited", by, changes=changes)
    return made


def set_draft(records: Records, full_name: str, number: int, *, draft: bool, by: str) -> PullRequest:
    """Mark it ready for review, or turn it back into a draft.

    Raises:
        Refused: 404, or 403 for somebody who may not.
    """
    pull = records.pull(full_name, number)
    _require_author_or(records, pull, by, "write")
    made = replace(pull, draft=draft, updated_at=records.now())
    records.pulls[full_name, number] = made
    hooks.pull_request(records, made, "converted_to_draft" if draft else "ready_for_review", by)
    return made


def close(records: Records, full_name: str, number: int, *, by: str) -> PullRequest:
    """Close it unmerged.

    Raises:
        Refused: 404, or 403 for somebody who may not.
    """
    pull = records.pull(full_name, number)
    _require_author_or(records, pull, by, "triage")
    if pull.state == "closed":
        return pull
    made = replace(pull, state="closed", closed_at=records.now(), updated_at=records.now())
    records.pulls[full_name, number] = made
    conversation.note(records, made, "closed", Actor(by))
    hooks.pull_request(records, made, "closed", by)
    queueing.drop(records, made, by=by)
    return made


def reopen(records: Records, full_name: str, number: int, *, by: str) -> PullRequest:
    """Open it again.

    Raises:
        Refused: 404, 403 for somebody who may not, 422 once it is merged.
    """
    pull = records.pull(full_name, number)
    _require_author_or(records, pull, by, "triage")
    if pull.merged_at is not None:
        raise invalid(
            "PullRequest", "state", "invalid", "state cannot be changed. The pull request is merged."
        )
    if pull.state == "open":
        return pull
    made = replace(pull, state="open", closed_at=None, updated_at=records.now())
    records.pulls[full_name, number] = made
    conversation.note(records, made, "reopened", Actor(by))
    hooks.pull_request(records, made, "reopened", by)
    return made


def merge(records: Records, full_name: str, number: int, *, by: str, sha: str | None = None) -> Commit:
    """Merge it into its base branch.

    Raises:
        Refused: 404; 403 without write access; 405 when a rule or a conflict is in the way; 409 when the head moved.
    """
    pull = records.pull(full_name, number)
    records.require_role(full_name, by, "write")
    why = merging.refusal(records, pull)
    if why is None and (full_name, pull.base_ref) in records.queued:
        why = queueing.ONLY_THROUGH_THE_QUEUE
    if why is not None:
        raise Refused(405, why)
    if sha not in {None, pull.head_sha}:
        raise Refused(409, "Head branch was modified. Review and try the merge again.")
    base = records.head(full_name, pull.base_ref)
    made = records.objects.commit(
        merging.merged_files(records, pull, base),
        message=f"Merge pull request #{number} from {pull.head_ref}\n\n{pull.title}",
        author=by,
        date=records.now(),
        parents=(base.sha, pull.head_sha),
    )
    now = records.now()
    done = replace(
        pull,
        state="closed",
        closed_at=now,
        merged_at=now,
        merged_by=by,
        merge_commit_sha=made.sha,
        updated_at=now,
    )
    records.pulls[full_name, number] = done
    conversation.note(records, done, "merged", Actor(by))
    hooks.pull_request(records, done, "closed", by)
    landed = [*merging.commits(records, pull), made]
    branches.land(records, full_name, pull.base_ref, base.sha, landed, by, merged="pr_merge")
    return made


def enable_auto_merge(records: Records, full_name: str, number: int, *, by: str) -> PullRequest:
    """Have it merged as soon as it can be, or put into the merge queue where its branch has one.

    By GitHub's "Automatically merging a pull request": offered only while something is in the way.

    Raises:
        Refused: 404; 403 without write access; 422 when it can be merged at once.
    """
    pull = records.pull(full_name, number)
    records.require_role(full_name, by, "write")
    if merging.refusal(records, pull) is None:
        raise Refused(422, "Pull request is in clean status")
    made = replace(pull, auto_merge_by=by, updated_at=records.now())
    records.pulls[full_name, number] = made
    hooks.pull_request(records, made, "auto_merge_enabled", by)
    return made


def disable_auto_merge(records: Records, full_name: str, number: int, *, by: str) -> PullRequest:
    """Leave it to people again.

    Raises:
        Refused: 404, or 403 without write access.
    """
    records.require_role(full_name, by, "write")
    made = replace(records.pull(full_name, number), auto_merge_by=None, updated_at=records.now())
    records.pulls[full_name, number] = made
    hooks.pull_request(records, made, "auto_merge_disabled", by, reason="Auto-merge was disabled by user")
    return made


def settle(records: Records, full_name: str, sha: str) -> None:
    """A check or status of this commit changed: merge what waits for it, and settle its merge queue."""
    queueing.settle(records, full_name, sha)
    for pull in list(records.pulls.values()):
        if (pull.repository, pull.head_sha) != (full_name, sha) or pull.auto_merge_by is None:
            continue
        if merging.refusal(records, pull) is not None:
            continue
        if (full_name, pull.base_ref) not in records.queued:
            merge(records, full_name, pull.number, by=pull.auto_merge_by)
        elif all(entry.number != pull.number for entry in records.queue(full_name, pull.base_ref)):
            queueing.enqueue(records, full_name, pull.number, by=pull.auto_merge_by)


def _require_author_or(records: Records, pull: PullRequest, login: str, least: Role) -> None:
    if login != pull.author:
        records.require_role(pull.repository, login, least)
