"""What a check and a comment say about one service, put together from the sentences of ``explain``."""

from collections.abc import Iterator
from datetime import datetime

from gatekeeper.decide import advice, corrections, definitions, explain
from gatekeeper.decide.evaluate import ServiceRuling
from gatekeeper.decide.markdown import bullets, code, listed, prose
from gatekeeper.decide.phrases import instant
from gatekeeper.decide.snapshot import ServiceView
from gatekeeper.decide.verdict import State, Verdict, Why

NOT_A_PUNISHMENT = (
    "A freeze is no punishment: it gives the service the quiet it needs to keep its promise again."
)

ICONS = {Verdict.ALLOW: "🟢", Verdict.WARN: "🟡", Verdict.BLOCK: "🔴"}


def section(view: ServiceView, ruling: ServiceRuling, now: datetime) -> str:
    """One service's part of the text: headline, what it means for this change, the facts."""
    parts = [f"### {ICONS[ruling.effective]} {prose(explain.headline(view, ruling))}"]
    if view.service.description:
        parts.append(f"*{prose(view.service.description)}*")
    parts += _notes(view, ruling, now)
    if facts := bullets(_facts(view, ruling, now)):
        parts.append(facts)
    if view.files and view.memory.state is not State.OPEN:
        parts.append(f"This change touches it with {listed(view.files, ', ', most=3)}.")
    return "\n\n".join(parts)


def _notes(view: ServiceView, ruling: ServiceRuling, now: datetime) -> Iterator[str]:
    yield from _let_through(view, ruling)
    if ruling.denied:
        yield f"🚫 The override does not count for {view.service.name}: {ruling.denied}."
    if ruling.unentitled:
        yield f"🚫 The label does not exempt it from the gate of {view.service.name}: {ruling.unentitled}."
    if ruling.no_revert:
        yield f"↩️ It says that it takes back a change, but {ruling.no_revert}."
    if note := advice.mode_note(view, ruling):
        yield f"👀 {note}"
    if view.memory.gaps:
        note = advice.unknown_note(view, ruling)
        yield f"⚠️ Availability is not known at the moment: {prose(explain.doubts(view))}. {note}".rstrip()
    yield from (f"📐 {note}." for note in definitions.notes(view))
    if over := corrections.over(view, now):
        yield f"⌛ The policy has an exception that is ignored: {over}."
    if view.policy_problem:
        path, problem = code(view.service.origin.path), prose(view.policy_problem, 1_000)
        yield f"⚠️ A newer version of {path} is not in force: {problem}"


def _let_through(view: ServiceView, ruling: ServiceRuling) -> Iterator[str]:
    if ruling.override is not None:
        reason = ruling.override.reason
        why = code(reason, 300) if reason else "not given yet, write `/gatekeeper override <reason>`"
        until = instant(ruling.override.until)
        yield f"🔑 {code('@' + ruling.override.actor)} lets this change through until {until}. Reason: {why}"
    if ruling.why is Why.OPENED:
        yield from _opening(view)
    if ruling.awaiting is not None:
        who = code("@" + ruling.awaiting.actor)
        yield f"🔑 {who} asks to let this change through: {ruling.awaiting.why}"


def _opening(view: ServiceView) -> Iterator[str]:
    if view.opening is not None:
        who, name = code(f"@{view.opening.actor}"), code(f"/gatekeeper close {view.service.name}")
        yield f"🔓 {who} opened the gate to every change. Reason: {code(view.opening.reason, 300)}. {name} ends that."


def _facts(view: ServiceView, ruling: ServiceRuling, now: datetime) -> Iterator[tuple[str, list[str]]]:
    if balance := explain.balance(view):
        yield "How far", [balance]
    if corrected := corrections.corrections(view):
        yield "Corrected", corrected
    if view.memory.state is State.OPEN:
        return
    yield "Since", [instant(view.memory.since)]
    if view.memory.reasons:
        yield "Why", [explain.because(reason) for reason in view.memory.reasons]
    if causes := explain.causes(view):
        yield "Cause", causes
    if chance := explain.noise(view):
        yield "Why changes do not wait", [chance]
    if view.memory.state is not State.FROZEN:
        yield "What now", [advice.what_now(view, ruling, now)]
    if ruling.effective is Verdict.BLOCK:
        yield "What may pass", [advice.passes(view)]
        yield "Who can let this through", [advice.overriders(view)]
    if view.memory.state is State.FROZEN and (missing := explain.postmortems(view)):
        yield "Missing postmortem", missing
    yield _end(view, now)


def _end(view: ServiceView, now: datetime) -> tuple[str, list[str]]:
    match view.memory.state:
        case State.FROZEN:
            return "Expected end", [explain.until(view, now)]
        case State.PROBATION:
            return "Ends", [explain.probation_ends(view)]
    return "Ends", [explain.caution_ends(view)]
