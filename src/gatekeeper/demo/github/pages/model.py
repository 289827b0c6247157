"""What the pages show, taken from the records: the checks of a pull request, the merge box, the conversation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from gatekeeper.demo.github import conversation, merging, reviewing
from gatekeeper.demo.github.entities import ROLES, Comment, Review
from gatekeeper.demo.github.pages.markdown import render

if TYPE_CHECKING:
    from datetime import datetime

    from markupsafe import Markup

    from gatekeeper.demo.github.entities import CheckAction, CheckRun, IssueEvent, PullRequest, Role, Status
    from gatekeeper.demo.github.world import World

Mood = Literal["good", "bad", "neutral", "waiting"]
MOODS: dict[str, Mood] = {"success": "good", "neutral": "neutral", "skipped": "neutral"}
WORDS = {
    "success": "Successful",
    "failure": "Failing",
    "neutral": "Neutral",
    "skipped": "Skipped",
    "cancelled": "Cancelled",
    "timed_out": "Timed out",
    "action_required": "Action required",
    "error": "Error",
    "pending": "Pending",
    "queued": "Queued",
    "in_progress": "In progress",
}


@dataclass(frozen=True, slots=True)
class CheckRow:
    """One line of the merge box's list of checks."""

    name: str
    mood: Mood
    words: str
    title: str
    required: bool
    details_url: str | None = None
    text: Markup | None = None
    run_id: int | None = None
    actions: tuple[CheckAction, ...] = ()
    app: str | None = None


def check_rows(world: World, pull: PullRequest) -> list[CheckRow]:
    """Every check and status of the head, required ones that nobody reported included; the worst first."""
    required = merging.requirements(world, pull)
    names = {one.rule.context for one in required}
    runs = merging.latest_runs(world, pull.repository, pull.head_sha).values()
    statuses = merging.latest_statuses(world, pull.repository, pull.head_sha).values()
    rows = [run_row(world, run, required=run.name in names) for run in runs]
    rows += [_of_status(one, required=one.context in names) for one in statuses]
    expected = "Expected — Waiting for status to be reported"
    rows += [
        CheckRow(one.rule.context, "waiting", expected, "", required=True)
        for one in required
        if one.progress == "expected"
    ]
    order: tuple[Mood, ...] = ("bad", "waiting", "neutral", "good")
    return sorted(rows, key=lambda row: (order.index(row.mood), row.name))


def run_row(world: World, run: CheckRun, *, required: bool = False) -> CheckRow:
    """A check run as a line."""
    done = run.status == "completed"
    texts = [text for text in (run.output.summary, run.output.text) if text]
    return CheckRow(
        name=run.name,
        mood=MOODS.get(run.conclusion or "", "bad") if done else "waiting",
        words=WORDS.get((run.conclusion or "") if done else run.status, run.status),
        title=run.output.title or "",
        required=required,
        details_url=run.details_url,
        text=render("\n\n".join(texts)) if texts else None,
        run_id=run.id,
        actions=run.actions if done else (),
        app=world.apps[run.app_id].name,
    )


def _of_status(status: Status, *, required: bool) -> CheckRow:
    moods: dict[str, Mood] = {"success": "good", "pending": "waiting"}
    return CheckRow(
        name=status.context,
        mood=moods.get(status.state, "bad"),
        words=WORDS.get(status.state, "Successful"),
        title=status.description or "",
        required=required,
        details_url=status.target_url,
    )


@dataclass(frozen=True, slots=True)
class MergeBox:
    """What the box says, and whether its button works."""

    headline: str
    mood: Mood
    says: str
    can_merge: bool


def merge_box(world: World, pull: PullRequest, login: str) -> MergeBox:
    """The box as ``login`` sees it."""
    rows = check_rows(world, pull)
    may = allowed(world, pull.repository, login, "write")
    if merging.refusal(world, pull) is None:
        says = "Merging can be performed automatically."
        if not may:
            says = "Only those with write access to this repository can merge pull requests."
        return MergeBox(_headline(rows), _worst(rows), says, can_merge=may)
    return MergeBox(_headline(rows), _worst(rows), _why_not(world, pull), can_merge=False)


def _why_not(world: World, pull: PullRequest) -> str:
    if pull.draft:
        return "This pull request is still a work in progress. Draft pull requests cannot be merged."
    if not merging.mergeable(world, pull):
        return "This branch has conflicts that must be resolved."
    return (
        "Merging is blocked. Required statuses must pass before merging: all required statuses and check runs "
        "on this pull request must run successfully to enable merging."
    )


def _worst(rows: list[CheckRow]) -> Mood:
    return rows[0].mood if rows else "good"


def _headline(rows: list[CheckRow]) -> str:
    if not rows:
        return "No checks on this pull request"
    said: dict[Mood, str] = {
        "bad": "Some checks were not successful",
        "waiting": "Some checks haven't completed yet",
    }
    return said.get(_worst(rows), "All checks have passed")


def allowed(world: World, repository: str, login: str, least: Role) -> bool:
    """Whether a person holds a role or more."""
    return ROLES.index(world.role(repository, login)) >= ROLES.index(least)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the conversation: a comment with its text, or an event in words."""

    id: int
    who: str
    when: datetime
    text: Markup | None = None
    bot: bool = False
    edited: bool = False
    verb: str = ""
    label: str | None = None


VERBS = {
    "labeled": "added the",
    "unlabeled": "removed the",
    "closed": "closed this",
    "reopened": "reopened this",
    "merged": "merged this",
}


def conversation_of(world: World, pull: PullRequest) -> list[Entry]:
    """Comments and events in their order."""
    key = (pull.repository, pull.number)
    found: list[Comment | IssueEvent | Review] = [*conversation.comments_of(world, *key)]
    found += reviewing.reviews_of(world, *key)
    found += [one for one in world.events if (one.repository, one.number) == key]
    return [_entry(world, one) for one in sorted(found, key=lambda one: one.id)]


REVIEWED = {
    "APPROVED": "approved",
    "CHANGES_REQUESTED": "requested changes to",
    "COMMENTED": "reviewed",
    "DISMISSED": "once reviewed (dismissed)",
}


def _entry(world: World, one: Comment | IssueEvent | Review) -> Entry:
    if isinstance(one, Review):
        return Entry(one.id, one.author, one.submitted_at, verb=f"{REVIEWED[one.state]} {one.commit[:7]}")
    if isinstance(one, Comment):
        bot = world.account(one.author).kind == "Bot"
        edited = one.updated_at != one.created_at
        return Entry(one.id, one.author, one.created_at, render(one.body), bot=bot, edited=edited)
    bot = world.account(one.actor).kind == "Bot"
    return Entry(
        one.id, one.actor, one.created_at, bot=bot, verb=VERBS.get(one.event, one.event), label=one.label
    )


def ago(moment: datetime, now: datetime) -> str:
    """How long ago, in GitHub's words."""
    seconds = (now - moment).total_seconds()
    for size, name in ((86_400, "day"), (3600, "hour"), (60, "minute")):
        count = int(seconds // size)
        if count:
            return f"{count} {name}{'' if count == 1 else 's'} ago"
    return "just now"
