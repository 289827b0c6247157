"""What the pages show of a service, as values: every text is made here, none in a template. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from gatekeeper.availability.incidents import Reliability
from gatekeeper.availability.measure import Measured
from gatekeeper.decide import corrections, explain, phrases, windows
from gatekeeper.decide.evaluate import opened
from gatekeeper.decide.markdown import code
from gatekeeper.decide.snapshot import ObjectiveEvidence
from gatekeeper.decide.verdict import Doubt, State
from gatekeeper.policy.gate import Gate, Mode
from gatekeeper.policy.objective import Objective
from gatekeeper.policy.units import format_share
from gatekeeper.web.audits import AuditLine, lines
from gatekeeper.web.standing import Standing
from gatekeeper.web.views import pairs

NOTHING = "–"


class Status(StrEnum):
    """How a service is shown, the most urgent first."""

    FROZEN = "frozen"
    PROBATION = "probation"
    CAUTION = "caution"
    UNKNOWN = "unknown"
    OPEN = "open"


WORDS = {
    Status.FROZEN: "Frozen",
    Status.PROBATION: "Probation",
    Status.CAUTION: "Caution",
    Status.UNKNOWN: "Not measured",
    Status.OPEN: "Open",
}
_URGENCY = list(Status)


@dataclass(frozen=True)
class Bar:
    """The budget left, drawn on a line from half a budget overspent (0) over nothing left (50) to all of it (150).

    Attributes:
        start: where the filled part begins.
        width: how long it is.
        beyond: more is overspent than the line can show.
        marks: where the gate moves: its freeze and caution thresholds.
    """

    start: float
    width: float
    over: bool
    beyond: bool
    marks: tuple[float, ...]


@dataclass(frozen=True)
class ObjectiveCard:
    """One objective in words."""

    name: str
    target: str
    window: str
    counts: str
    availability: str
    left: str
    bar: Bar | None
    mtbf: str
    mttr: str
    notes: tuple[str, ...]
    progress: float | None
    audits: tuple[AuditLine, ...]


@dataclass(frozen=True)
class Card:
    """One service in words.

    Attributes:
        story: what an operator asks first: (Corrected, Ignored, How far, Why, Cause, Ends; a sentence in Markdown).
        doubt: what is not known; empty when everything is.
        chips: what qualifies the state, in a few words each.
    """

    seen: Standing
    status: Status
    word: str
    since: datetime | None
    until: datetime | None
    story: tuple[tuple[str, str], ...]
    doubt: str
    chips: tuple[str, ...]
    objectives: tuple[ObjectiveCard, ...]


def cards(services: tuple[Standing, ...]) -> tuple[Card, ...]:
    """All services, the most urgent first, and among equals the one with the least budget left."""
    return tuple(sorted((card(seen) for seen in services), key=_urgency))


def card(seen: Standing) -> Card:
    """One service."""
    status = _status(seen)
    return Card(
        seen=seen,
        status=status,
        word=_word(seen, status),
        since=seen.view.memory.since if seen.looked_at else None,
        until=seen.expected_end,
        story=tuple(_story(seen)),
        doubt=explain.doubts(seen.view),
        chips=tuple(_chips(seen, status)),
        objectives=tuple(_objective(objective, one, seen) for objective, one in pairs(seen.view)),
    )


def bar(remaining: float, gate: Gate) -> Bar:
    """The budget left as a drawing."""
    percent = remaining * 100
    width = min(abs(percent), 100.0 if percent > 0 else 50.0)
    marks = sorted({float(gate.freeze.below) * 100 + 50, float(gate.caution.below) * 100 + 50})
    return Bar(
        start=50.0 if percent > 0 else 50.0 - width,
        width=width,
        over=percent < 0,
        beyond=percent < -50,  # noqa: PLR2004 (the left end of the line)
        marks=tuple(mark for mark in marks if 0 <= mark <= 150),  # noqa: PLR2004 (both ends of the line)
    )


def left(found: Measured) -> str:
    """The budget left: ``62.1 % left``, ``28.4 % over``."""
    about = "≈ " if found.approximate else ""
    if found.remaining < 0:
        return f"{about}{phrases.overspent(found.remaining)} over"
    return f"{about}{phrases.percent(found.remaining)} left"


def _urgency(one: Card) -> tuple[int, float, str]:
    worst = explain.worst_measured(one.seen.view)
    return (
        _URGENCY.index(one.status),
        worst[1].remaining if worst else 1.0,
        one.seen.service.key,
    )


def _status(seen: Standing) -> Status:
    state = seen.view.memory.state
    if seen.view.memory.gaps and state is not State.FROZEN:
        return Status.UNKNOWN
    return Status(state)


def _word(seen: Standing, status: Status) -> str:
    doubts = {gap.doubt for gap in seen.view.memory.gaps}
    return "Reading history" if status is Status.UNKNOWN and doubts == {Doubt.BACKFILLING} else WORDS[status]


def _story(seen: Standing) -> Iterator[tuple[str, str]]:
    view = seen.view
    if view.opening is not None and opened(view, seen.now):
        until, reason = phrases.instant(view.opening.until), code(view.opening.reason, 300)
        yield "Opened", f"every change passes until {until}, by {code('@' + view.opening.actor)}: {reason}"
    yield from (("Corrected", sentence) for sentence in corrections.corrections(view))
    if over := corrections.over(view, seen.now):
        yield "Ignored", over
    if view.memory.state is State.OPEN:
        return
    if balance := explain.balance(view):
        yield "How far", balance
    yield from (("Why", explain.because(reason)) for reason in view.memory.reasons)
    yield from (("Cause", cause) for cause in explain.causes(view))
    if chance := explain.noise(view):
        yield "Why changes do not wait", chance
    match view.memory.state:
        case State.FROZEN:
            yield from (("Missing postmortem", missing) for missing in explain.postmortems(view))
            yield "Ends", explain.until(view, seen.now)
        case State.PROBATION:
            yield "Ends", explain.probation_ends(view)
        case _:
            yield "Ends", explain.caution_ends(view)


def _chips(seen: Standing, status: Status) -> Iterator[str]:
    less = {Mode.OBSERVE: "only observes", Mode.ADVISE: "only advises"}
    if chip := less.get(seen.service.gate.mode):
        yield chip
    if opened(seen.view, seen.now):
        yield "open to every change"
    if seen.view.memory.gaps and status is Status.FROZEN:
        yield "held: availability is not known"
    if seen.view.policy_problem:
        yield "policy has mistakes"
    if seen.looked_at is not None and seen.policy_changed:
        yield "policy just changed"
    if any(ledger.error for ledger in seen.ledgers.values()):
        yield "source does not answer"


def _objective(objective: Objective, one: ObjectiveEvidence, seen: Standing) -> ObjectiveCard:
    found = one.evidence if isinstance(one.evidence, Measured) else None
    return ObjectiveCard(
        name=objective.name,
        target=format_share(objective.target),
        window=windows.length(objective.window),
        counts=objective.counts,
        availability=_availability(objective, found),
        left=left(found) if found else NOTHING,
        bar=bar(found.remaining, seen.view.service.gate) if found else None,
        mtbf=_mtbf(found.reliability) if found else NOTHING,
        mttr=_mttr(found.reliability) if found else NOTHING,
        notes=tuple(_notes(objective, one)),
        progress=one.progress,
        audits=tuple(lines(seen.audits.get(objective.name, ()), objective)),
    )


def _availability(objective: Objective, found: Measured | None) -> str:
    if found is None:
        return NOTHING
    return ("≈ " if found.approximate else "") + phrases.availability(found.availability, objective.target)


def _mtbf(found: Reliability) -> str:
    if found.mtbf_s is None:
        return NOTHING
    return phrases.bound(found.mtbf_s, found.mtbf_is_lower_bound)


def _mttr(found: Reliability) -> str:
    if found.mttr_s is None:
        return NOTHING
    return phrases.bound(found.mttr_s, found.mttr_is_lower_bound)


def _notes(objective: Objective, one: ObjectiveEvidence) -> Iterator[str]:
    """What qualifies the numbers; what makes them unknown is the service's ``doubt``."""
    evidence = one.evidence
    if isinstance(evidence, Measured):
        if evidence.approximate:
            yield "approximate"
        if one.adjusted:
            yield "adjusted"
        if one.exception is not None:
            yield f"target by exception until {phrases.instant(one.exception.end)}"
        if evidence.partial_since is not None:
            yield f"partial window: since {phrases.instant(evidence.partial_since)}, {phrases.part(evidence)}"
        if one.source_short:
            yield "the source has nothing older"
        if evidence.resets_at is not None:
            yield f"resets {windows.renewal(objective.window, evidence.resets_at)}"
    if one.redefined is not None:
        yield f"new definition since {phrases.instant(one.redefined)}"
