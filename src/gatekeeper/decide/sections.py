"""What a check and a comment say about one service, put together from the sentences of ``explain``."""

from collections.abc import Iterator
from datetime import datetime

from gatekeeper.decide import explain
from gatekeeper.decide.evaluate import ServiceRuling
from gatekeeper.decide.markdown import bullets, code, listed, prose
from gatekeeper.decide.phrases import instant
from gatekeeper.decide.snapshot import ServiceView
from gatekeeper.decide.verdict import State, Verdict

NOT_A_PUNISHMENT = (
    "A freeze is no punishment: it gives the service the quiet it needs to keep its promise again."
)

_ICONS = {Verdict.ALLOW: "🟢", Verdict.WARN: "🟡", Verdict.BLOCK: "🔴"}


def section(view: ServiceView, ruling: ServiceRuling, now: datetime) -> str:
    """One service's part of the text: headline, facts, and what they mean for this change."""
    parts = [f"### {_ICONS[ruling.effective]} {prose(explain.headline(view, ruling))}"]
    if view.service.description:
        parts.append(f"*{prose(view.service.description)}*")
    if facts := bullets(_facts(view, now)):
        parts.append(facts)
    return "\n\n".join([*parts, *_notes(view, ruling)])


def _facts(view: ServiceView, now: datetime) -> Iterator[tuple[str, str]]:
    if worst := explain.worst_measured(view):
        yield "How far", explain.balance(*worst)
    if view.memory.state is State.OPEN:
        return
    yield "Since", explain.since(view)
    if cause := explain.cause(view):
        yield "Cause", cause
    if view.memory.state is State.CAUTION:
        yield "What now", "this change may go on; small ones that are easy to take back are safest"
        yield "Ends", explain.caution_ends(view)
        return
    yield "What may pass", explain.passes(view)
    yield "Who can let this through", explain.overriders(view)
    yield "Expected end", explain.until(view, now)


def _notes(view: ServiceView, ruling: ServiceRuling) -> Iterator[str]:
    if view.memory.gaps:
        note = explain.unknown_note(view, ruling)
        yield f"⚠️ Availability is not known at the moment: {prose(explain.doubts(view))}. {note}".rstrip()
    if ruling.override is not None:
        reason = ruling.override.reason
        why = code(reason, 300) if reason else "not given yet, write `/gatekeeper override <reason>`"
        until = instant(ruling.override.until)
        yield f"🔑 {code('@' + ruling.override.actor)} lets this change through until {until}. Reason: {why}"
    if ruling.denied:
        yield f"🚫 The override does not count for {view.service.name}: {ruling.denied}."
    if note := explain.mode_note(view, ruling):
        yield note
    if view.policy_problem:
        path, problem = code(view.service.origin.path), prose(view.policy_problem, 1_000)
        yield f"⚠️ A newer version of {path} is not in force: {problem}"
    if view.files and view.memory.state is not State.OPEN:
        yield f"This change touches it with {listed(view.files, ', ', most=3)}."
