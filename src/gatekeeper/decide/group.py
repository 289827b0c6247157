"""What a merge queue is told of a group: each pull request in it is judged as if those ahead of it had landed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gatekeeper.decide.desired import OUTPUT_LIMIT, TITLE_LIMIT, Check, desire, digest
from gatekeeper.decide.evaluate import Decision, decide
from gatekeeper.decide.markdown import clip, code, fit, listed, table
from gatekeeper.decide.snapshot import Landed, ServiceView, Snapshot
from gatekeeper.decide.verdict import Verdict

_WORDS = {
    Verdict.ALLOW: "🟢 may land",
    Verdict.WARN: "🟡 may land, with a warning",
    Verdict.BLOCK: "🔴 blocked",
}
_OTHERS = (
    "Take the blocked ones out of the queue, or have them overridden; the others can be queued again at once."
)


@dataclass(frozen=True)
class Member:
    """A pull request of a group, and the verdict on it there."""

    snapshot: Snapshot
    decision: Decision

    @property
    def check(self) -> Check:
        """What its own check would say."""
        return desire(self.snapshot, self.decision).check


def judge_members(snapshots: Sequence[Snapshot]) -> tuple[Member, ...]:
    """Judge the pull requests of a group, given in the order in which they will land."""
    members: list[Member] = []
    for snapshot in snapshots:
        ahead = [one.snapshot for one in members]
        met = replace(snapshot, services=tuple(_after(view, ahead) for view in snapshot.services))
        members.append(Member(met, decide(met)))
    return tuple(members)


def _after(view: ServiceView, ahead: Sequence[Snapshot]) -> ServiceView:
    """A service with the changes of it that will have landed by then: they count for its pace."""
    landed = [
        Landed(one.pull.repository, one.pull.number, one.now)
        for one in ahead
        if any(other.service.key == view.service.key for other in one.services)
    ]
    return replace(view, landed=(*view.landed, *landed)) if landed else view


def strictest(members: Sequence[Member]) -> Member:
    """The member that decides: of equally strict ones the first to land."""
    return max(members, key=lambda one: (one.check.verdict, one.check.needed, -members.index(one)))


def group_check(members: Sequence[Member]) -> Check:
    """The check of a group, which is as strict as the strictest of its members.

    A queue does not wait for people: where a pull request would be told that somebody has to act, the group fails.
    """
    deciding = strictest(members)
    check = deciding.check
    conclusion = "failure" if check.conclusion == "action_required" else check.conclusion
    blocked = check.verdict is Verdict.BLOCK
    number = deciding.snapshot.pull.number
    title = f"#{number}: {check.title}" if check.verdict is not Verdict.ALLOW else check.title
    parts = [_listed(members), *([_OTHERS] if blocked and len(members) > 1 else []), check.summary]
    return replace(
        check,
        conclusion=conclusion,
        title=clip(title, TITLE_LIMIT),
        summary=fit(parts, OUTPUT_LIMIT),
        essence=digest(["group", *([one.snapshot.pull.number, one.check.essence] for one in members)]),
    )


def waiting_group_check(number: int) -> Check:
    """The check of a group behind a blocked pull request, which falls first with its own group."""
    title = f"Waits until #{number}, which is blocked, has left the queue"
    said = "GitHub then builds this group anew without it. Nobody has to do anything."
    return Check(None, title, said, "", digest(["group waits", number]), Verdict.BLOCK)


def policy_group_check(checks: Sequence[tuple[int, Check | None]]) -> Check:
    """The policy check of a group, from those of its pull requests; None where one has none yet: it is waited for."""
    failing = [
        (number, check) for number, check in checks if check is not None and check.verdict is Verdict.BLOCK
    ]
    essence = digest(["group", *([number, check.essence if check else None] for number, check in checks)])
    if failing:
        number, check = failing[0]
        return Check(
            "failure",
            clip(f"#{number}: {check.title}", TITLE_LIMIT),
            check.summary,
            "",
            essence,
            Verdict.BLOCK,
        )
    if any(check is None or check.conclusion is None for _, check in checks):
        said = "The policy files of a pull request in this group are still being looked at."
        return Check(None, "Looking at policy files", said, "", essence, Verdict.WARN)
    said = "No pull request in this group has a mistake in its policy files or lacks an owner's approval."
    return Check("success", "The policy files are fine", said, "", essence, Verdict.ALLOW)


def combined_group_check(branch: str, paths: Sequence[str]) -> Check:
    """The policy check of a group that together does to policy files what no pull request in it does alone."""
    named = listed(paths, " and ")
    said = (
        f"Landing together on {code(branch)}, the pull requests of this group leave {named} as none of them does "
        "alone, and it is alone that owners have looked at them. Land them one after the other: take the last one out "
        "of the queue until those ahead of it have landed."
    )
    title = clip(f"Together they change {', '.join(paths)} otherwise than alone", TITLE_LIMIT)
    return Check("failure", title, said, "", digest(["group", "together", *paths]), Verdict.BLOCK)


def _listed(members: Sequence[Member]) -> str:
    rows = [
        (f"#{one.snapshot.pull.number}", _WORDS[one.check.verdict], _cell(one.check.title)) for one in members
    ]
    return table(("pull request", "", "why"), rows)


def _cell(title: str) -> str:
    return clip(title, TITLE_LIMIT).replace("<", "&lt;")
