"""What GitHub should say about a change: check, comment, labels. All texts of a decision are made here."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from gatekeeper.decide import explain
from gatekeeper.decide.chart import burn_down_chart
from gatekeeper.decide.evaluate import Decision, ServiceRuling
from gatekeeper.decide.phrases import code, instant, some
from gatekeeper.decide.snapshot import ServiceView, Snapshot
from gatekeeper.decide.verdict import State, Verdict, Why
from gatekeeper.policy.model import Mode

CHECK_NAME = "gatekeeper"
MARKER = "<!-- gatekeeper -->"
STATE_LABELS = {State.CAUTION: "slo:caution", State.FROZEN: "slo:frozen"}
OUR_LABELS = frozenset(STATE_LABELS.values())

OUTPUT_LIMIT = 65_535  # bytes: GitHub documents characters and enforces bytes
COMMENT_LIMIT = 65_000  # characters, below GitHub's 65,536

NOT_A_PUNISHMENT = (
    "A freeze is no punishment: it gives the service the quiet it needs to keep its promise again."
)


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
        essence: changes only when a person would want to read it again.
        needed: whether to write it where there is none yet; if not, it only replaces an earlier one.
    """

    conclusion: str
    title: str
    summary: str
    text: str
    essence: str
    verdict: Verdict
    needed: bool = True


@dataclass(frozen=True)
class Comment:
    """The one comment; ``needed`` when it should be written even if there is none yet."""

    body: str
    essence: str
    needed: bool


@dataclass(frozen=True)
class Desired:
    """What ought to be on GitHub. ``labels`` are those of ``OUR_LABELS``; ``strip`` are refused override labels."""

    check: Check
    comment: Comment
    labels: frozenset[str]
    strip: frozenset[str]


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
        strip=frozenset(ruling.label for ruling in decision.refused),
    )


Pairs = Sequence[tuple[ServiceView, ServiceRuling]]


def _check(snapshot: Snapshot, decision: Decision, pairs: Pairs, essence: str) -> Check:
    if not pairs:
        return _untouched(snapshot, essence)
    title = explain.headline(*pairs[0]) + (f" (and {len(pairs) - 1} more)" if len(pairs) > 1 else "")
    sections = [_section(view, ruling) for view, ruling in pairs]
    problems = [f"⚠️ {problem}" for problem in snapshot.policy_problems]
    details = [_numbers(view) for view, _ in pairs]
    return Check(
        conclusion=_conclusion(decision, pairs),
        title=title,
        summary=fit([*sections, *problems], OUTPUT_LIMIT),
        text=fit(["### The numbers", *details, f"Decided at {instant(snapshot.now)}."], OUTPUT_LIMIT),
        essence=essence,
        verdict=decision.verdict,
    )


def _untouched(snapshot: Snapshot, essence: str) -> Check:
    """No service is touched: no check, unless one is required (it would wait for ever) or a policy is broken."""
    if snapshot.policy_problems:
        summary = fit([f"⚠️ {problem}" for problem in snapshot.policy_problems], OUTPUT_LIMIT)
        return Check("neutral", "The policy files have mistakes", summary, "", essence, Verdict.WARN)
    text = "No service's policy covers the files of this change."
    needed = snapshot.check_required
    return Check("skipped", "No service is touched", text, "", essence, Verdict.ALLOW, needed=needed)


def _conclusion(decision: Decision, pairs: Pairs) -> str:
    if decision.verdict is Verdict.BLOCK:
        blocking = [view for view, ruling in pairs if ruling.effective is Verdict.BLOCK]
        overridable = all(view.service.gate.override.teams for view in blocking)
        return "action_required" if overridable else "failure"
    if decision.verdict is Verdict.WARN:
        caution_only = all(
            ruling.why is Why.CAUTION for _, ruling in pairs if ruling.effective is Verdict.WARN
        )
        return "success" if caution_only else "neutral"
    return "success"


def _section(view: ServiceView, ruling: ServiceRuling) -> str:
    lines = [f"### {_icon(ruling)} {explain.headline(view, ruling)}"]
    if view.service.description:
        lines.append(f"> {code(view.service.description)}")
    lines.extend(_facts(view, ruling))
    if note := explain.mode_note(view, ruling):
        lines.append(note)
    if view.policy_problem:
        lines.append(
            f"⚠️ A newer version of {code(view.service.origin.path)} is not in force: {view.policy_problem}"
        )
    return "\n\n".join(lines)


def _facts(view: ServiceView, ruling: ServiceRuling) -> Iterable[str]:
    if view.memory.state is not State.OPEN:
        rows = [("Since", explain.since(view))]
        rows += [("Why", explain.because(reason)) for reason in view.memory.reasons]
        rows += [("Cause", cause)] if (cause := explain.cause(view)) else []
        if view.memory.state is State.FROZEN:
            rows += [("Way out", line) for line in explain.way_out(view)]
            rows += [("Expected end", explain.until(view))]
        yield "| | |\n|---|---|\n" + "\n".join(f"| {name} | {value} |" for name, value in rows)
    if view.memory.gaps:
        held = (
            "The last state is held" if view.memory.state is State.FROZEN else "Absence of data is not 100 %"
        )
        yield f"⚠️ Availability is not known at the moment: {explain.doubts(view)}. {held}."
    if ruling.override is not None:
        reason = (
            code(ruling.override.reason)
            if ruling.override.reason
            else "not given yet: `/gatekeeper override <reason>`"
        )
        yield (
            f"Overridden by @{ruling.override.actor} until {instant(ruling.override.until)}. Reason: {reason}."
        )
    if view.files and view.memory.state is not State.OPEN:
        yield f"Touched by {some(view.files, ', ', most=3)}."


def _icon(ruling: ServiceRuling) -> str:
    return {Verdict.ALLOW: "🟢", Verdict.WARN: "🟡", Verdict.BLOCK: "🔴"}[ruling.effective]


def _numbers(view: ServiceView) -> str:
    lines = [f"**{view.service.name}**, policy {code(view.service.origin.path)}"]
    lines += [
        explain.numbers(objective, one)
        for objective, one in zip(view.service.objectives, view.objectives, strict=True)
    ]
    return "\n".join(lines)


def _comment(
    snapshot: Snapshot, decision: Decision, pairs: Pairs, essence: str, *, explained: bool
) -> Comment:
    refused = _refused(snapshot, decision)
    said = decision.verdict is not Verdict.ALLOW or bool(refused) or explained
    parts = [MARKER]
    if not pairs:
        parts.append("No service's gate applies to this pull request any more.")
    for view, ruling in pairs:
        parts.append(_section(view, ruling))
        if ruling.verdict is not Verdict.ALLOW and (chart := burn_down_chart(view)):
            parts.append(chart)
    parts += [f"🚫 The label {code(label)} was removed: {why}." for label, why in refused]
    if explained:
        parts += ["#### The numbers", *(_numbers(view) for view, _ in pairs)]
    if decision.verdict is Verdict.BLOCK:
        parts.append(f"*{NOT_A_PUNISHMENT}*")
    parts.append("<sub>`/gatekeeper status`, `explain` or `recheck` in a comment asks again.</sub>")
    return Comment(fit(parts, COMMENT_LIMIT), _hash([essence, explained, refused]), said)


def _refused(snapshot: Snapshot, decision: Decision) -> list[tuple[str, str]]:
    """Refused labels and why, the same before and after the refusal was recorded and the label removed."""
    told = [(refusal.label, refusal.why) for refusal in snapshot.refusals]
    return told + [(one.label, one.why) for one in decision.refused if (one.label, one.why) not in told]


def _labels(pairs: Pairs) -> frozenset[str]:
    states = {
        view.memory.state
        for view, ruling in pairs
        if view.service.gate.mode is not Mode.OBSERVE
        and (ruling.verdict is not Verdict.ALLOW or ruling.why is Why.OVERRIDDEN)
    }
    worst = next((state for state in (State.FROZEN, State.CAUTION) if state in states), None)
    return frozenset({STATE_LABELS[worst]} if worst else ())


def _essence(snapshot: Snapshot, pairs: Pairs) -> str:
    """A hash of what matters: numbers that only tremble do not make a new text.

    The budget left counts in tenths and the expected end in days; everything else to the letter.
    """
    facts: list[Any] = [list(snapshot.policy_problems), snapshot.check_required]
    for view, ruling in pairs:
        worst = explain.worst_measured(view)
        tenth = None if worst is None else int(worst[1].remaining * 10 // 1)
        end = view.expected_end.date().isoformat() if view.expected_end else None
        gaps = [[gap.objective, gap.doubt] for gap in view.memory.gaps]
        override = ruling.override and [
            ruling.override.actor,
            ruling.override.until.isoformat(),
            ruling.override.reason,
        ]
        facts.append(
            [ruling.service, ruling.why, ruling.effective, ruling.detail, view.memory.since.isoformat()]
        )
        facts.append([tenth, end, gaps, override, view.policy_problem, ruling.mode, view.service.description])
    return _hash(facts)


def _hash(facts: Any) -> str:
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]


def fit(parts: Sequence[str], limit: int) -> str:
    """Join parts by blank lines; whole parts are left out at the end when the UTF-8 length would pass ``limit``."""
    note = "*Cut here: the text was longer than GitHub takes.*"
    room = limit - len(note.encode()) - 2
    kept: list[str] = []
    used = 0
    for part in parts:
        size = len(part.encode()) + 2
        if used + size > room:
            return "\n\n".join([*kept, note])
        kept.append(part)
        used += size
    return "\n\n".join(kept)
