"""The merge queue: entries are merged onto those ahead of them, tested as groups, and landed in order.

By GitHub's "Managing a merge queue" and the webhook ``merge_group``: a pull request enters once its own required checks
pass; each entry's group holds it and all that are ahead; a group whose required checks fail is taken out, and what was
built on it is built anew. Here all entries are built at once, and each lands as soon as it is the first and passes.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gatekeeper.demo.github import branches, checks, conversation, hooks, merging
from gatekeeper.demo.github.conversation import Actor
from gatekeeper.demo.github.entities import QueueEntry
from gatekeeper.demo.github.errors import Refused, not_found

if TYPE_CHECKING:
    from gatekeeper.demo.github.entities import PullRequest
    from gatekeeper.demo.github.records import Records

ONLY_THROUGH_THE_QUEUE = "Repository rule violations found\n\nChanges must be made through the merge queue"


def enqueue(records: Records, full_name: str, number: int, *, by: str) -> QueueEntry:
    """Put a pull request at the end of its base branch's queue.

    Raises:
        Refused: 404; 403 without write access; 422 where there is no queue, it is in it already, or its own required
            checks do not pass.
    """
    pull = records.pull(full_name, number)
    records.require_role(full_name, by, "write")
    if (full_name, pull.base_ref) not in records.queued:
        raise Refused(422, f"{pull.base_ref} has no merge queue")
    queue = records.queue(full_name, pull.base_ref)
    if any(entry.number == number for entry in queue):
        raise Refused(422, "Pull request is already in the queue")
    if (why := merging.refusal(records, pull)) is not None:
        raise Refused(422, why)
    queue.append(QueueEntry(records.new_id(), full_name, pull.base_ref, number, by, records.now()))
    hooks.pull_request(records, pull, "enqueued", by)
    _build(records, full_name, pull.base_ref, len(queue) - 1)
    return queue[-1]


def dequeue(records: Records, full_name: str, number: int, *, by: str, reason: str = "MANUAL") -> None:
    """Take a pull request out; what was built on it is built anew.

    Raises:
        Refused: 404, it is not in a queue; 403 without write access.
    """
    records.require_role(full_name, by, "write")
    pull = records.pull(full_name, number)
    queue = records.queue(full_name, pull.base_ref)
    at = next((index for index, entry in enumerate(queue) if entry.number == number), None)
    if at is None:
        raise not_found()
    _remove(records, full_name, pull.base_ref, at, by, reason)


def settle(records: Records, full_name: str, sha: str) -> None:
    """A check or status of this commit changed: fail or land the groups that it decides."""
    for branch in sorted(name for repository, name in records.queued if repository == full_name):
        queue = records.queue(full_name, branch)
        at = next((index for index, entry in enumerate(queue) if entry.head_sha == sha), None)
        if at is None:
            continue
        required = merging.required_on(records, full_name, branch, sha)
        if any(one.progress == "failing" for one in required):
            _remove(records, full_name, branch, at, queue[at].enqueuer, "CI_FAILURE")
        while queue and _passes(records, queue[0]):
            _land(records, queue.pop(0))


def drop(records: Records, pull: PullRequest, *, by: str) -> None:
    """A pull request that was closed or pushed to leaves its queue."""
    queue = records.queue(pull.repository, pull.base_ref)
    at = next((index for index, entry in enumerate(queue) if entry.number == pull.number), None)
    if at is not None:
        _remove(records, pull.repository, pull.base_ref, at, by, "UNKNOWN_REMOVAL_REASON")


def _passes(records: Records, entry: QueueEntry) -> bool:
    required = merging.required_on(records, entry.repository, entry.branch, entry.head_sha)
    return all(one.progress == "passing" for one in required)


def _build(records: Records, full_name: str, branch: str, start: int) -> None:
    """Merge the entries from ``start`` on onto those ahead of them, and ask for their checks."""
    queue = records.queue(full_name, branch)
    for at in range(start, len(queue)):
        entry = queue[at]
        base = queue[at - 1].head_sha if at else records.head(full_name, branch).sha
        pull = records.pull(full_name, entry.number)
        made = records.objects.commit(
            merging.merged_files(records, pull, records.objects.commits[base]),
            message=f"Merge pull request #{entry.number} from {pull.head_ref}\n\n{pull.title}",
            author=entry.enqueuer,
            date=records.now(),
            parents=(base, pull.head_sha),
        )
        queue[at] = replace(entry, head_sha=made.sha, base_sha=base)
        records.branches[full_name, queue[at].ref] = made.sha
        checks.request_suites(records, full_name, made.sha, entry.enqueuer)
        hooks.merge_group(records, queue[at], "checks_requested", entry.enqueuer)


def _remove(records: Records, full_name: str, branch: str, at: int, by: str, reason: str) -> None:
    queue = records.queue(full_name, branch)
    gone = queue.pop(at)
    _destroy(records, gone, by, "dequeued")
    hooks.pull_request(records, records.pull(full_name, gone.number), "dequeued", by, reason=reason)
    for entry in queue[at:]:
        _destroy(records, entry, by, "invalidated")
    _build(records, full_name, branch, at)


def _destroy(records: Records, entry: QueueEntry, by: str, reason: str) -> None:
    records.branches.pop((entry.repository, entry.ref), None)
    hooks.merge_group(records, entry, "destroyed", by, reason=reason)


def _land(records: Records, entry: QueueEntry) -> None:
    """The first entry's group becomes the branch."""
    pull, now = records.pull(entry.repository, entry.number), records.now()
    commits = [*merging.commits(records, pull), records.objects.commits[entry.head_sha]]
    done = replace(
        pull,
        state="closed",
        closed_at=now,
        merged_at=now,
        merged_by=entry.enqueuer,
        merge_commit_sha=entry.head_sha,
        updated_at=now,
    )
    records.pulls[pull.repository, pull.number] = done
    conversation.note(records, done, "merged", Actor(entry.enqueuer))
    hooks.pull_request(records, done, "closed", entry.enqueuer)
    branches.land(
        records,
        entry.repository,
        entry.branch,
        entry.base_sha,
        commits,
        entry.enqueuer,
        merged="merge_queue_merge",
    )
    _destroy(records, entry, entry.enqueuer, "merged")
