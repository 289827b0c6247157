"""Sentences about what a gate means for one change: what may pass, who can let it through, what is only advice."""

from gatekeeper.decide.evaluate import ServiceRuling
from gatekeeper.decide.markdown import code, listed
from gatekeeper.decide.phrases import instant
from gatekeeper.decide.snapshot import ServiceView
from gatekeeper.decide.verdict import Verdict, Why
from gatekeeper.policy.model import Mode
from gatekeeper.policy.units import format_duration


def passes(view: ServiceView) -> str:
    """What still may pass a frozen gate."""
    exempt = view.service.gate.exempt
    ways = []
    if exempt.labels:
        ways.append(f"changes labelled {listed(exempt.labels, ' or ')}")
    if exempt.paths:
        ways.append(f"changes to {listed(exempt.paths, ' and ')} only")
    return "; ".join(ways) or "nothing: this policy has no exemptions"


def overriders(view: ServiceView) -> str:
    """Who can let a change through a frozen gate, and how."""
    override = view.service.gate.override
    if not override.teams:
        return "nobody: this policy names no team"
    who, label = listed(override.teams, " or "), code(override.label)
    return (
        f"an active member of {who}, by the label {label}; it holds for {format_duration(override.lasts)}. "
        "Please say why with `/gatekeeper override <reason>`"
    )


def mode_note(view: ServiceView, ruling: ServiceRuling) -> str:
    """What the policy's mode made of the verdict, when it made less of it."""
    if ruling.effective == ruling.verdict:
        return ""
    would = "block" if ruling.verdict is Verdict.BLOCK else "warn about"
    does = "observes" if view.service.gate.mode is Mode.OBSERVE else "advises"
    return f"The policy only {does}: with `mode: enforce` this gate would {would} the change."


def unknown_note(view: ServiceView, ruling: ServiceRuling) -> str:
    """What not knowing means for the change."""
    memory, unknown = view.memory, view.service.gate.unknown
    match ruling.why:
        case Why.FROZEN:
            return "The freeze is held: it does not end on a guess."
        case Why.UNKNOWN_HELD if unknown.then == "block" and memory.unknown_since is not None:
            turn = instant(memory.unknown_since + unknown.hold)
            return f"Missing data are not 100 %. From {turn} on, changes wait (`unknown.then: block`)."
        case Why.UNKNOWN_HELD | Why.UNKNOWN_ADVISE:
            return "Missing data are not 100 %, so this is a warning; nothing waits for it (`unknown.then: advise`)."
        case Why.UNKNOWN_BLOCK:
            return "Changes wait until it is known again (`unknown.then: block`)."
    return ""
