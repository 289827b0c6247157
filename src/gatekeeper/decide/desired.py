"""What GitHub should say about a change: check, comment, labels."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from gatekeeper.decide import corrections, explain, pace
from gatekeeper.decide.chart import burn_down_chart
from gatekeeper.decide.evaluate import Decision, ServiceRuling
from gatekeeper.decide.markdown import clip, code, fit, prose
from gatekeeper.decide.numbers import numbers
from gatekeeper.decide.opening import CLOSE, OPEN
from gatekeeper.decide.phrases import instant
from gatekeeper.decide.sections import NOT_A_PUNISHMENT, section
from gatekeeper.decide.snapshot import COMMAND, RECHECK, REVOKE, ServiceView, Snapshot
from gatekeeper.decide.verdict import Doubt, State, Verdict, Why
from gatekeeper.policy.gate import Mode
from gatekeeper.policy.problem import Problem

CHECK_NAME = "gatekeeper"
MARKER = "<!-- gatekeeper -->"
STATE_LABELS = {State.FROZEN: "slo:frozen", State.PROBATION: "slo:caution", State.CAUTION: "slo:caution"}
"""The strictest first. In probation a change goes on with care, as in caution: a third label would say no more."""
COMMANDS = (COMMAND, REVOKE, RECHECK, OPEN, CLOSE)
"""Stand for a label where something was asked for in a comment."""
OUR_LABELS = frozenset(STATE_LABELS.values())

HELP = """\
<details><summary>Commands</summary>

Written in a comment, on a line of their own:

| command | does |
|---|---|
| `/gatekeeper status`, `/gatekeeper explain` | shows every number behind the verdict, here |
| `/gatekeeper recheck` | looks again now |
| `/gatekeeper override <reason>` | lets these commits through, if you are entitled, for as long as the policy says |
| `/gatekeeper revoke` | takes back what you let through, or anybody of an entitled team did |
| `/gatekeeper open <service> <reason>` | opens its gate to every change, if you are entitled: in an incident |
| `/gatekeeper close <service>` | ends that |

</details>"""

_GOES_ON = frozenset({Why.CAUTION, Why.PROBATION})

TITLE_LIMIT = 120  # characters that GitHub's list of checks shows; a commit status takes 140
OUTPUT_LIMIT = 65_535  # bytes: GitHub documents characters and enforces bytes
COMMENT_LIMIT = 65_000  # bytes, below GitHub's 65,536 characters, with room for the signature


@dataclass(frozen=True)
class Action:
    """A button of a check run."""

    label: str
    description: str
    identifier: str


BUTTONS = (
    Action("Re-evaluate", "Look at this change again now", "recheck"),
    Action("Explain", "Post every number behind the verdict", "explain"),
)


@dataclass(frozen=True)
class Check:
    """The check run on a head SHA.

    Attributes:
        title: plain text; the others are Markdown.
        essence: changes only when a person would want to read it again.
        needed: whether to write it where there is none yet; if not, it only replaces an earlier one.
        annotations: what to show on lines of files. Where a check has such, its essence ends with a dot and a hash
            of them (``plan`` says why).
    """

    conclusion: str | None
    title: str
    summary: str
    text: str
    essence: str
    verdict: Verdict
    needed: bool = True
    annotations: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class Comment:
    """The one comment; ``needed`` when it should be written even if there is none yet."""

    body: str
    essence: str
    needed: bool


@dataclass(frozen=True)
class Desired:
    """What ought to be on GitHub. ``labels`` are those of ``OUR_LABELS``; ``strip`` are refused labels of others."""

    check: Check
    comment: Comment
    labels: frozenset[str]
    strip: frozenset[str]

    def with_check(self, check: Check) -> "Desired":
        """The same with another check: a check belongs to a commit, which pull requests can share."""
        return replace(self, check=check)


Pairs = Sequence[tuple[ServiceView, ServiceRuling]]


def desire(snapshot: Snapshot, decision: Decision, *, explained: bool = False) -> Desired:
    """The state of GitHub that follows from a decision.

    Args:
        snapshot: what the decision was made from.
        decision: the verdict and its rulings.
        explained: whether somebody asked for every number in the comment.
    """
    views = {view.service.key: view for view in snapshot.services}
    pairs = [(views[ruling.service], ruling) for ruling in decision.rulings]
    essence = _essence(snapshot, pairs)
    return Desired(
        check=_check(snapshot, decision, pairs, essence),
        comment=_comment(snapshot, decision, pairs, essence, explained=explained),
        labels=_labels(pairs),
        strip=frozenset(label for label, _ in _refused_now(decision)),
    )


def _check(snapshot: Snapshot, decision: Decision, pairs: Pairs, essence: str) -> Check:
    if not pairs:
        return _untouched(snapshot, essence)
    details = [
        "### The numbers",
        *(numbers(view) for view, _ in pairs),
        f"Decided at {instant(snapshot.now)}.",
    ]
    return Check(
        conclusion=_conclusion(decision, pairs),
        title=_title(pairs),
        summary=fit([*(section(*pair, snapshot.now) for pair in pairs), *_problems(snapshot)], OUTPUT_LIMIT),
        text=fit(details, OUTPUT_LIMIT),
        essence=essence,
        verdict=decision.verdict,
    )


def _title(pairs: Pairs) -> str:
    """The strictest ruling's headline; the others that stand in the way too are counted."""
    (view, ruling), *others = pairs
    more = sum(other.effective is not Verdict.ALLOW for _, other in others)
    suffix = f" (and {more} more service{'s' if more > 1 else ''})" if more else ""
    return clip(explain.headline(view, ruling), TITLE_LIMIT - len(suffix)) + suffix


def _problems(snapshot: Snapshot) -> list[str]:
    if not snapshot.policy_problems:
        return []
    mistakes = "\n".join(f"- {prose(problem, 1_000)}" for problem in snapshot.policy_problems)
    return [
        f"⚠️ This repository's policy files have mistakes; the last good version stays in force.\n\n{mistakes}"
    ]


def _untouched(snapshot: Snapshot, essence: str) -> Check:
    """No service is touched: no check, unless one is required (it would wait for ever) or a policy is broken."""
    at = f"Decided at {instant(snapshot.now)}."
    if problems := _problems(snapshot):
        title = "The policy files of this repository have mistakes"
        return Check("neutral", title, fit(problems, OUTPUT_LIMIT), at, essence, Verdict.WARN)
    summary = "No service's policy covers the files of this change."
    needed = snapshot.check_required
    return Check("skipped", "No service is touched", summary, at, essence, Verdict.ALLOW, needed=needed)


def _conclusion(decision: Decision, pairs: Pairs) -> str | None:
    """One of GitHub's conclusions; success, neutral and skipped satisfy a required check, None is still at work."""
    counting = [(view, ruling) for view, ruling in pairs if ruling.effective is decision.verdict]
    match decision.verdict:
        case Verdict.BLOCK:
            overridable = all(view.service.gate.override.teams for view, _ in counting)
            return "action_required" if overridable else "failure"
        case Verdict.WARN if all(first_measured(*pair) for pair in counting):
            return None
        case Verdict.WARN:
            return "success" if all(ruling.why in _GOES_ON for _, ruling in counting) else "neutral"
        case Verdict.ALLOW:
            return "success"


def first_measured(view: ServiceView, ruling: ServiceRuling) -> bool:
    """Whether only the first backfill stands between an enforcing gate and its answer, and its time is not up."""
    measuring = all(gap.doubt is Doubt.BACKFILLING for gap in view.memory.gaps)
    return measuring and ruling.why is Why.UNKNOWN_HELD and ruling.mode is Mode.ENFORCE


def _comment(
    snapshot: Snapshot, decision: Decision, pairs: Pairs, essence: str, *, explained: bool
) -> Comment:
    refused = _refused(snapshot, decision)
    judged = _conclusion(decision, pairs) is not None
    overridden = any(ruling.why is Why.OVERRIDDEN for _, ruling in pairs)
    parts = [MARKER, *(f"🚫 {_undone(label)}: {why}." for label, why in refused)]
    if not pairs:
        parts.append("No service's gate applies to this pull request.")
    for view, ruling in pairs:
        parts.append(section(view, ruling, snapshot.now))
        if ruling.verdict is not Verdict.ALLOW and (chart := burn_down_chart(view)):
            parts.append(chart)
    figures = "\n\n".join(numbers(view) for view, _ in pairs)
    if explained:
        parts += ["#### The numbers", figures]
    if any(view.memory.state is State.FROZEN and ruling.effective is Verdict.BLOCK for view, ruling in pairs):
        parts.append(f"*{NOT_A_PUNISHMENT}*")
    if pairs and not explained:
        parts.append(f"<details><summary>The numbers</summary>\n\n{figures}\n\n</details>")
    parts.append(HELP)
    return Comment(
        body=fit(parts, COMMENT_LIMIT),
        essence=digest([essence, explained, refused]),
        needed=(judged and decision.verdict is not Verdict.ALLOW) or overridden or bool(refused) or explained,
    )


def _undone(label: str) -> str:
    """What became of a refused label; a refused command leaves nothing to take away."""
    return (
        f"{code(label)} was refused" if label.startswith(COMMANDS) else f"The label {code(label)} was removed"
    )


def _refused(snapshot: Snapshot, decision: Decision) -> list[tuple[str, str]]:
    """Refused labels and why, the same before and after the refusal was recorded and the label removed."""
    told = {(one.label, one.why) for one in snapshot.refusals if one.label not in snapshot.pull.labels}
    return sorted(told | _refused_now(decision))


def _refused_now(decision: Decision) -> set[tuple[str, str]]:
    """Labels that count for nothing, and why: override labels, and exempting ones."""
    overrides = {(one.label, one.why) for one in decision.refused}
    return overrides | {(one.label, one.why) for one in decision.unentitled}


def _labels(pairs: Pairs) -> frozenset[str]:
    """The label of the strictest state that this change meets; an overridden one is still met."""
    states = {
        view.memory.state
        for view, ruling in pairs
        if ruling.mode is not Mode.OBSERVE
        and (ruling.verdict is not Verdict.ALLOW or ruling.why in {Why.OVERRIDDEN, Why.OPENED})
    }
    return frozenset([label for state, label in STATE_LABELS.items() if state in states][:1])


def _essence(snapshot: Snapshot, pairs: Pairs) -> str:
    """A hash of what matters: figures count as the gate's memory tells them, everything else to the letter."""
    matter: list[Any] = [list(snapshot.policy_problems), snapshot.check_required]
    matter += [facts(view, ruling, snapshot.now) for view, ruling in pairs]
    return digest(matter)


def facts(view: ServiceView, ruling: ServiceRuling, now: datetime) -> list[Any]:
    """What of a service and its ruling matters to a reader, JSON-able."""
    memory, override = view.memory, ruling.override
    return [
        *(ruling.service, ruling.mode, ruling.why, ruling.effective, ruling.detail, ruling.denied),
        *(memory.state, memory.since.isoformat() if memory.state is not State.OPEN else None),
        *(memory.told.remaining, memory.told.end.isoformat() if memory.told.end else None),
        [[gap.objective, gap.doubt] for gap in memory.gaps],
        [[one.name, one.redefined.isoformat()] for one in view.objectives if one.redefined],
        [[one.objective, one.start.isoformat()] for one in memory.owed],
        [[one.repository, one.number] for one in pace.settling(view, now)],
        override and [override.actor, override.until.isoformat(), override.reason],
        *(view.service.description, view.policy_problem),
        *(corrections.essence(view), bool(corrections.over(view, now))),
        *([["waits", ruling.awaiting.label, ruling.awaiting.actor]] if ruling.awaiting else []),
        *([["label", ruling.by, ruling.unentitled]] if ruling.by or ruling.unentitled else []),
        *([["revert", ruling.no_revert]] if ruling.no_revert else []),
        *(_opened_by(view) if ruling.why is Why.OPENED else []),
    ]


def _opened_by(view: ServiceView) -> list[Any]:
    one = view.opening
    return [["opened", one.actor, one.until.isoformat(), one.reason]] if one is not None else []


def digest(facts: Any) -> str:
    """A short hash of JSON-able facts: what a person would want to read again when it changes."""
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]
