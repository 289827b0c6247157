"""``decide``: the verdict on one change, with its reasons."""

from dataclasses import dataclass
from datetime import datetime

from gatekeeper.decide.snapshot import OverrideRequest, ServiceView, Snapshot
from gatekeeper.decide.verdict import State, Verdict, Why
from gatekeeper.policy.model import Gate, Mode


@dataclass(frozen=True)
class OverrideRuling:
    """What came of an override request for one service: granted until ``until``, or refused and why."""

    label: str
    actor: str
    granted: bool
    until: datetime
    why: str = ""
    reason: str | None = None


@dataclass(frozen=True)
class ServiceRuling:
    """What one service's gate says to the change.

    Attributes:
        verdict: what the gate says, whatever the mode.
        effective: what counts after the policy's mode: ``observe`` lets pass, ``advise`` warns at most.
        detail: the exempting label, where one decided.
        override: the override that lets it through, where one does.
    """

    service: str
    verdict: Verdict
    effective: Verdict
    why: Why
    mode: Mode
    detail: str = ""
    override: OverrideRuling | None = None


@dataclass(frozen=True)
class Decision:
    """The verdict on a change and all that led to it, one ruling a service, strictest first."""

    verdict: Verdict
    rulings: tuple[ServiceRuling, ...]
    refused: tuple[OverrideRuling, ...] = ()
    granted: tuple[OverrideRuling, ...] = ()


def decide(snapshot: Snapshot) -> Decision:
    """Judge one pull request. Equal snapshots give equal decisions."""
    overrides = {
        (view.service.key, request.label): _judge(request, view.service.gate, snapshot.now)
        for view in snapshot.services
        for request in snapshot.requests
        if request.label == view.service.gate.override.label
    }
    rulings = sorted(
        (_rule(view, snapshot, overrides) for view in snapshot.services),
        key=lambda ruling: (-ruling.effective, -ruling.verdict, ruling.service),
    )
    verdict = max((ruling.effective for ruling in rulings), default=Verdict.ALLOW)
    return Decision(verdict, tuple(rulings), *_outcomes(tuple(overrides.values())))


def _outcomes(
    rulings: tuple[OverrideRuling, ...],
) -> tuple[tuple[OverrideRuling, ...], tuple[OverrideRuling, ...]]:
    """One ruling a label: refused only if no service grants it, since a label cannot be half removed."""
    granted = {ruling.label: ruling for ruling in rulings if ruling.granted}
    refused = {ruling.label: ruling for ruling in rulings if ruling.label not in granted}
    return (
        tuple(refused[label] for label in sorted(refused)),
        tuple(granted[label] for label in sorted(granted)),
    )


def _rule(
    view: ServiceView, snapshot: Snapshot, overrides: dict[tuple[str, str], OverrideRuling]
) -> ServiceRuling:
    gate = view.service.gate
    verdict, why, detail = _by_gate(view, snapshot)
    override = None
    if verdict is Verdict.BLOCK:
        override = overrides.get((view.service.key, gate.override.label))
        if override is not None and override.granted:
            verdict, why = Verdict.ALLOW, Why.OVERRIDDEN
        else:
            override = None
    return ServiceRuling(
        view.service.key, verdict, _in_mode(verdict, gate.mode), why, gate.mode, detail, override
    )


def _by_gate(view: ServiceView, snapshot: Snapshot) -> tuple[Verdict, Why, str]:
    gate = view.service.gate
    verdict, why = _by_state(view, snapshot.now)
    if verdict is Verdict.ALLOW:
        return verdict, why, ""
    if exempting := sorted(set(gate.exempt.labels) & set(snapshot.pull.labels)):
        return Verdict.ALLOW, Why.EXEMPT_LABEL, exempting[0]
    if view.all_exempt:
        return Verdict.ALLOW, Why.EXEMPT_PATHS, ""
    return verdict, why, ""


def _by_state(view: ServiceView, now: datetime) -> tuple[Verdict, Why]:
    memory, unknown = view.memory, view.service.gate.unknown
    if memory.state is State.FROZEN:  # held without evidence too: absence never thaws
        return Verdict.BLOCK, Why.FROZEN
    if memory.unknown_since is not None:
        if now - memory.unknown_since < unknown.hold:
            return Verdict.WARN, Why.UNKNOWN_HELD
        if unknown.then == "block":
            return Verdict.BLOCK, Why.UNKNOWN_BLOCK
        return Verdict.WARN, Why.UNKNOWN_ADVISE
    return (Verdict.WARN, Why.CAUTION) if memory.state is State.CAUTION else (Verdict.ALLOW, Why.OPEN)


def _in_mode(verdict: Verdict, mode: Mode) -> Verdict:
    ceiling = {Mode.OBSERVE: Verdict.ALLOW, Mode.ADVISE: Verdict.WARN, Mode.ENFORCE: Verdict.BLOCK}
    return min(verdict, ceiling[mode])


def _judge(request: OverrideRequest, gate: Gate, now: datetime) -> OverrideRuling:
    """Whether the person behind an override label may let a change through this gate, and until when."""
    until = request.labeled_at + gate.override.lasts
    who = f"@{request.actor}" if request.actor else "whoever applied it"
    entitled = sorted(set(gate.override.teams) & set(request.teams))
    if not gate.override.teams:
        why = "the policy names no team that may override"
    elif not request.human:
        why = f"{who} is a bot, and only people can override"
    elif not entitled:
        why = f"{who} is not an active member of {' or '.join(gate.override.teams)}"
    elif now >= until:
        why = f"the override of {who} ended at {until:%Y-%m-%d %H:%M} UTC"
    else:
        return OverrideRuling(request.label, request.actor, True, until, "", request.reason)  # noqa: FBT003 (a field)
    return OverrideRuling(request.label, request.actor, granted=False, until=until, why=why)
