"""Whether a pull request can be merged, and in which words the merge box says so. Pure reading of the records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from gatekeeper.demo.github.git import Merge, merge_files

if TYPE_CHECKING:
    from gatekeeper.demo.github.entities import (
        CheckRun,
        CheckSuite,
        Commit,
        FileChange,
        PullRequest,
        RequiredCheck,
        Status,
    )
    from gatekeeper.demo.github.records import Records

PASSING = frozenset({"success", "skipped", "neutral"})  # about status checks: what satisfies a required check
WORST_FIRST = (
    "failure",
    "timed_out",
    "action_required",
    "cancelled",
    "stale",
    "neutral",
    "skipped",
    "success",
)
Progress = Literal["passing", "failing", "waiting", "expected"]


def changes(records: Records, pull: PullRequest) -> tuple[FileChange, ...]:
    """The files the pull request changes."""
    return records.objects.diff(pull.base_sha, pull.head_sha)


def commits(records: Records, pull: PullRequest) -> list[Commit]:
    """The commits the pull request would add, oldest first."""
    known = set(records.objects.ancestors(pull.base_sha))
    new = [sha for sha in records.objects.ancestors(pull.head_sha) if sha not in known]
    return [records.objects.commits[sha] for sha in reversed(new)]


def mergeable(records: Records, pull: PullRequest) -> bool | None:
    """Whether git could merge it: no file was changed on both sides; None once it is merged."""
    if pull.merged_at is not None:
        return None
    return not _merge(records, pull, records.objects.commits[_tip(records, pull)]).conflicts


def trial(records: Records, pull: PullRequest) -> Commit | None:
    """The commit under ``refs/pull/N/merge``: what merging it now would give; None where that conflicts.

    Like the check of mergeability itself it is made of the present base and head, and moves no branch.
    """
    base, head = records.objects.commits[_tip(records, pull)], records.objects.commits[pull.head_sha]
    merge = _merge(records, pull, base)
    if merge.conflicts:
        return None
    return records.objects.commit(
        merge.files,
        message=f"Merge {head.sha} into {base.sha}",
        author=pull.author,
        date=max(base.date, head.date),
        parents=(base.sha, head.sha),
    )


def work_out(records: Records, pull: PullRequest) -> None:
    """Somebody asked: from the next time on it is known whether it merges, until one of its sides moves."""
    records.worked_out[pull.repository, pull.number] = sides(records, pull)


def sides(records: Records, pull: PullRequest) -> tuple[str, str]:
    """The commits that a merge would be made of."""
    return _tip(records, pull), pull.head_sha


def _tip(records: Records, pull: PullRequest) -> str:
    return records.branches.get((pull.repository, pull.base_ref), pull.base_sha)


def _merge(records: Records, pull: PullRequest, base: Commit) -> Merge:
    fork = records.objects.merge_base(base.sha, pull.head_sha)
    commits = records.objects.commits
    return merge_files(commits[fork].files, base.files, commits[pull.head_sha].files)


def latest_runs(records: Records, full_name: str, sha: str) -> dict[tuple[str, int], CheckRun]:
    """The newest check run of each name and App on a commit."""
    runs = (run for run in sorted(records.checks.values(), key=lambda run: run.id) if run.head_sha == sha)
    return {(run.name, run.app_id): run for run in runs if run.repository == full_name}


def latest_statuses(records: Records, full_name: str, sha: str) -> dict[str, Status]:
    """The newest status of each context on a commit."""
    return {one.context: one for one in records.statuses if (one.repository, one.sha) == (full_name, sha)}


@dataclass(frozen=True, slots=True)
class Requirement:
    """A required check as it stands on the head."""

    rule: RequiredCheck
    progress: Progress


def requirements(records: Records, pull: PullRequest) -> list[Requirement]:
    """Each required check of the base branch, with its progress on the head SHA."""
    return required_on(records, pull.repository, pull.base_ref, pull.head_sha)


def required_on(records: Records, full_name: str, branch: str, sha: str) -> list[Requirement]:
    """Each required check of a branch, with its progress on a commit that would become it."""
    rules = [one for one in records.required if (one.repository, one.branch) == (full_name, branch)]
    return [
        Requirement(rule, _progress(records, full_name, sha, rule))
        for rule in sorted(rules, key=lambda rule: rule.context)
    ]


def merged_files(records: Records, pull: PullRequest, base: Commit) -> dict[str, bytes]:
    """The files of a commit with the pull request merged into it."""
    return _merge(records, pull, base).files


def _progress(records: Records, full_name: str, sha: str, rule: RequiredCheck) -> Progress:
    """A check and a status of the same name must both pass; nothing reported means "expected"."""
    found: list[Progress] = [
        _of_run(run)
        for (name, app_id), run in latest_runs(records, full_name, sha).items()
        if name == rule.context and rule.app_id in {None, app_id}
    ]
    status = latest_statuses(records, full_name, sha).get(rule.context)
    if status is not None and rule.app_id is None:
        found.append({"success": "passing", "pending": "waiting"}.get(status.state, "failing"))  # type: ignore[arg-type] # three literals
    order: tuple[Progress, ...] = ("failing", "waiting", "passing")
    return min(found, key=order.index, default="expected")


def _of_run(run: CheckRun) -> Progress:
    if run.status != "completed":
        return "waiting"
    return "passing" if run.conclusion in PASSING else "failing"


def refusal(records: Records, pull: PullRequest) -> str | None:
    """Why GitHub would not merge it now, in its words; None when it would."""
    if pull.merged_at is not None or pull.state == "closed":
        return "Pull Request is not mergeable"
    if pull.draft:
        return "Pull Request is still a draft"
    if not mergeable(records, pull):
        return "Pull Request is not mergeable"
    for one in requirements(records, pull):
        if one.progress != "passing":
            word = {"failing": "is failing", "waiting": "is in progress"}.get(one.progress, "is expected")
            return f'Repository rule violations found\n\nRequired status check "{one.rule.context}" {word}.'
    return None


def mergeable_state(records: Records, pull: PullRequest) -> str:
    """GitHub's ``mergeable_state``."""
    if pull.merged_at is not None or pull.state == "closed":
        return "unknown"
    if pull.draft:
        return "draft"
    if not mergeable(records, pull):
        return "dirty"
    if refusal(records, pull) is not None:
        return "blocked"
    runs = latest_runs(records, pull.repository, pull.head_sha).values()
    return "clean" if all(_of_run(run) == "passing" for run in runs) else "unstable"


def suite_state(records: Records, suite: CheckSuite) -> tuple[str, str | None]:
    """Status and conclusion of a suite: its worst run's, once all are completed."""
    runs = [run for run in records.checks.values() if run.suite_id == suite.id]
    if not runs:
        return "queued", None
    if any(run.status != "completed" for run in runs):
        return "in_progress", None
    worst = min((run.conclusion or "neutral" for run in runs), key=WORST_FIRST.index)
    return "completed", "neutral" if worst == "skipped" else worst
