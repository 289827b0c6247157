"""Sentences about what a gate means for one change: what may pass, who can let it through, what is only advice."""

from datetime import datetime

from gatekeeper.decide import pace
from gatekeeper.decide.evaluate import ServiceRuling
from gatekeeper.decide.markdown import code, listed
from gatekeeper.decide.phrases import instant
from gatekeeper.decide.snapshot import ServiceView
from gatekeeper.decide.verdict import State, Verdict, Why
from gatekeeper.policy.gate import Gate, Mode
from gatekeeper.policy.units import format_duration


def passes(view: ServiceView) -> str:
    """What still may pass a frozen gate."""
    exempt = view.service.gate.exempt
    ways = []
    if exempt.labels:
        ways.append(f"changes labelled {listed(exempt.labels, ' or ')} by {_vouching(view.service.gate)}")
    if exempt.paths:
        ways.append(f"changes to {listed(exempt.paths, ' and ')} only")
    if exempt.reverts:
        ways.append("changes that take back a merged one exactly")
    return "; ".join(ways) or "nothing: this policy has no exemptions"


def _vouching(gate: Gate) -> str:
    """Whose labels exempt."""
    teams = gate.override.teams
    return f"somebody of {listed(teams, ' or ')}" if teams else "somebody who may write to the repository"


def what_now(view: ServiceView, ruling: ServiceRuling, now: datetime) -> str:
    """What a gate that is neither open nor frozen means for this change."""
    limits = view.service.gate.caution.pace
    match ruling.why:
        case Why.TOO_LARGE:
            most = f"{limits.changed_lines:,}"
            return f"split it: a change has {most} changed lines at most, until the service is better (`caution.pace`)"
        case Why.TOO_MANY:
            return (
                f"wait until {ruling.detail}: {limits.deployments} changes a day land at most, until the service is "
                "better (`caution.pace`)"
            )
        case Why.TOO_SOON:
            return f"wait until {ruling.detail}: after a freeze, deployments go one at a time, to see what each costs"
    if view.memory.state is not State.PROBATION:
        return "this change may go on; small ones that are easy to take back are safest"
    return f"this change may go on, one at a time: its cost is watched{_settling(view, now)}"


def _settling(view: ServiceView, now: datetime) -> str:
    """Which change came just before, whose cost has not shown yet."""
    before = pace.settling(view, now)
    if not before:
        return ""
    latest, more = before[0], f" (and {len(before) - 1} more before it)" if len(before) > 1 else ""
    turn = instant(latest.at + pace.SETTLING)
    name = code(f"{latest.repository}#{latest.number}")
    return f". {name} landed at {instant(latest.at)}{more}; better wait until {turn}"


def overriders(view: ServiceView) -> str:
    """Who can let a change through a frozen gate, and how."""
    override = view.service.gate.override
    if not override.teams:
        return "nobody: this policy names no team"
    who, label = listed(override.teams, " or "), code(override.label)
    but = "" if override.by_author else ", but not who wrote this change"
    how = (
        f"an active member of {who}{but}, with a comment `/gatekeeper override <reason>` or the label {label}; it "
        f"holds for these commits and for {format_duration(override.lasts)}"
    )
    if override.reason == "required":
        return f"{how}. Without a reason it waits"
    return how


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
