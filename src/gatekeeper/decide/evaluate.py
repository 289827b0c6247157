"""``decide``: the verdict on one change, with its reasons."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from gatekeeper.decide import pace
from gatekeeper.decide.exemptions import LabelRuling, RevertRuling, label_rulings, revert_ruling, unentitled
from gatekeeper.decide.markdown import code, listed
from gatekeeper.decide.phrases import instant
from gatekeeper.decide.snapshot import (
    COMMAND,
    REVOKE,
    OverrideRequest,
    Pull,
    Revocation,
    ServiceView,
    Snapshot,
)
from gatekeeper.decide.verdict import UNKNOWN, Memory, State, Verdict, Why
from gatekeeper.policy.gate import Gate, Mode

CEILING = {Mode.OBSERVE: Verdict.ALLOW, Mode.ADVISE: Verdict.WARN, Mode.ENFORCE: Verdict.BLOCK}
"""The strictest verdict that counts in each mode."""

WITHOUT_REASON = "it waits for a reason, in a comment: `/gatekeeper override <reason>`"
"""Why an override of somebody entitled does not count yet, where the policy wants a reason (Markdown)."""

_PACED = frozenset({Why.CAUTION, Why.PROBATION})


@dataclass(frozen=True)
class OverrideRuling:
    """What came of an override request: granted until ``until``, or not and ``why`` (Markdown).

    Attributes:
        waits: it is neither granted nor refused: its label stays on until there is a reason.
    """

    label: str
    actor: str
    granted: bool
    until: datetime
    why: str = ""
    reason: str | None = None
    waits: bool = False


@dataclass(frozen=True)
class ServiceRuling:
    """What one service's gate says to the change.

    Attributes:
        verdict: what the gate says, whatever the mode.
        effective: what counts after the policy's mode: ``observe`` lets pass, ``advise`` warns at most.
        detail: the exempting label, the changed lines or the end of the wait for the pace, where one decided.
        override: the override that lets it through, where one does.
        denied: why an override that counts for another service does not count for this one (Markdown).
        awaiting: the override that would let it through if there were a reason, where one would.
        by: login of whoever stands behind the exempting label, where one decided.
        unentitled: why an exempting label that counts for another service does not count for this one (Markdown).
        no_revert: why what the change says that it takes back does not let it through (Markdown).
    """

    service: str
    verdict: Verdict
    effective: Verdict
    why: Why
    mode: Mode
    detail: str = ""
    override: OverrideRuling | None = None
    denied: str = ""
    awaiting: OverrideRuling | None = None
    by: str = ""
    unentitled: str = ""
    no_revert: str = ""

    @property
    def undecided(self) -> bool:
        """Whether it says no more than that availability is not known."""
        return self.why in UNKNOWN and self.effective is Verdict.WARN


@dataclass(frozen=True)
class Decision:
    """The verdict on a change and all that led to it, one ruling a service, strictest first.

    Attributes:
        refused: override requests that count for no service.
        waiting: those that count for none as long as there is no reason.
        unentitled: exempting labels that count for no service.
    """

    verdict: Verdict
    rulings: tuple[ServiceRuling, ...]
    refused: tuple[OverrideRuling, ...] = ()
    granted: tuple[OverrideRuling, ...] = ()
    waiting: tuple[OverrideRuling, ...] = ()
    unentitled: tuple[LabelRuling, ...] = ()


def decide(snapshot: Snapshot) -> Decision:
    """Judge one pull request. Equal snapshots give equal decisions."""
    overrides = {view.service.key: _overrides(view, snapshot) for view in snapshot.services}
    labels = {view.service.key: _exempting(view, snapshot) for view in snapshot.services}
    vouched = [ruling for rulings in labels.values() for ruling in rulings]
    asked = [ruling for rulings in overrides.values() for ruling in rulings]
    granted = {ruling.label: ruling for ruling in asked if ruling.granted}
    waiting = {ruling.label: ruling for ruling in asked if ruling.waits and ruling.label not in granted}
    counting = frozenset(granted) | {ruling.label for ruling in vouched if ruling.counts}
    kept = counting | waiting.keys()
    rulings = sorted(
        (
            _rule(view, snapshot, overrides[view.service.key], labels[view.service.key], counting)
            for view in snapshot.services
        ),
        key=lambda ruling: (-ruling.effective, -ruling.verdict, ruling.service),
    )
    return Decision(
        verdict=max((ruling.effective for ruling in rulings), default=Verdict.ALLOW),
        rulings=tuple(rulings),
        refused=tuple(
            _refused([*(one for one in asked if one.label not in kept), *_without_right(snapshot)])
        ),
        granted=tuple(granted[label] for label in sorted(granted)),
        waiting=tuple(waiting[label] for label in sorted(waiting)),
        unentitled=unentitled(
            ruling
            for view in snapshot.services
            if view.service.gate.mode is not Mode.OBSERVE  # it blocks nothing, so it judges nobody
            for ruling in labels[view.service.key]
            if ruling.label not in kept
        ),
    )


def standing(memory: Memory, gate: Gate, now: datetime) -> tuple[Verdict, Why]:
    """What a gate says to a change that nothing exempts, before the policy's mode and pace."""
    if memory.state is State.FROZEN:  # held without evidence too: absence never thaws
        return Verdict.BLOCK, Why.FROZEN
    if memory.unknown_since is not None:
        if now - memory.unknown_since < gate.unknown.hold:
            return Verdict.WARN, Why.UNKNOWN_HELD
        if gate.unknown.then == "block":
            return Verdict.BLOCK, Why.UNKNOWN_BLOCK
        return Verdict.WARN, Why.UNKNOWN_ADVISE
    match memory.state:
        case State.CAUTION:
            return Verdict.WARN, Why.CAUTION
        case State.PROBATION:
            return Verdict.WARN, Why.PROBATION
    return Verdict.ALLOW, Why.OPEN


def lets_pass(view: ServiceView, now: datetime) -> bool:
    """Whether a gate lets every change pass as it stands, so that nothing has to be exempt from it."""
    verdict, _ = standing(view.memory, view.service.gate, now)
    return verdict is Verdict.ALLOW


def _rule(
    view: ServiceView,
    snapshot: Snapshot,
    overrides: Sequence[OverrideRuling],
    labels: Sequence[LabelRuling],
    counting: frozenset[str],
) -> ServiceRuling:
    """What one gate says; ``counting`` are the labels that count for some service, so that they stay on."""
    gate = view.service.gate
    vouched = next((one for one in labels if one.counts), None)
    revert = revert_ruling(view, snapshot)
    verdict, why, detail = _by_gate(view, snapshot, vouched, revert)
    override = awaiting = None
    denied = elsewhere = ""
    if verdict is Verdict.BLOCK and _opened_to(view, snapshot.pull, snapshot.now):
        verdict, why, detail = Verdict.ALLOW, Why.OPENED, ""
    if verdict is Verdict.BLOCK:
        override = next((one for one in overrides if one.granted), None)
        awaiting = next((one for one in overrides if one.waits), None)
        denied = next(
            (one.why for one in overrides if not (one.granted or one.waits) and one.label in counting), ""
        )
        elsewhere = next((one.why for one in labels if one.label in counting), "")
    if override is not None:
        verdict, why = Verdict.ALLOW, Why.OVERRIDDEN
    effective = min(verdict, CEILING[gate.mode])
    return ServiceRuling(
        service=view.service.key,
        verdict=verdict,
        effective=effective,
        why=why,
        mode=gate.mode,
        detail=detail,
        override=override,
        denied=denied,
        awaiting=awaiting,
        by=vouched.actor if vouched is not None and why is Why.EXEMPT_LABEL else "",
        unentitled=elsewhere,
        no_revert=revert.why if revert is not None and verdict is Verdict.BLOCK else "",
    )


def overriding(view: ServiceView, snapshot: Snapshot) -> OverrideRuling | None:
    """The override that lets a change through a gate if that has to be, whatever the gate says to the change itself."""
    return next((one for one in _overrides(view, snapshot) if one.granted), None)


def opened(view: ServiceView, now: datetime) -> bool:
    """Whether somebody has opened the gate to every change."""
    return view.opening is not None and now < view.opening.until


def _opened_to(view: ServiceView, pull: Pull, now: datetime) -> bool:
    """As ``opened``; where the policy wants somebody else than the author, nobody opens it to their own change."""
    if view.opening is None or not opened(view, now):
        return False
    own = view.opening.actor.casefold() == pull.author.casefold()
    return view.service.gate.override.by_author or not own


def _exempting(view: ServiceView, snapshot: Snapshot) -> tuple[LabelRuling, ...]:
    """Rulings on the exempting labels where they are needed: where the gate lets pass, they judge nobody."""
    return () if lets_pass(view, snapshot.now) else label_rulings(view, snapshot)


def _by_gate(
    view: ServiceView, snapshot: Snapshot, vouched: LabelRuling | None, revert: RevertRuling | None
) -> tuple[Verdict, Why, str]:
    verdict, why, detail = _paced(view, snapshot)
    if verdict is Verdict.ALLOW:
        return verdict, why, ""
    if vouched is not None:
        return Verdict.ALLOW, Why.EXEMPT_LABEL, vouched.label
    if view.all_exempt:
        return Verdict.ALLOW, Why.EXEMPT_PATHS, ""
    if revert is not None and revert.counts:
        return Verdict.ALLOW, Why.EXEMPT_REVERT, f"#{revert.number}"
    return verdict, why, detail


def _paced(view: ServiceView, snapshot: Snapshot) -> tuple[Verdict, Why, str]:
    """What the gate says once the pace is looked at, which counts while it is known how the service is."""
    verdict, why = standing(view.memory, view.service.gate, snapshot.now)
    if why not in _PACED:
        return verdict, why, ""
    if pace.too_large(view, snapshot.pull):
        return Verdict.BLOCK, Why.TOO_LARGE, f"{snapshot.pull.changed_lines:,}"
    if (until := pace.full_until(view, snapshot.now)) is not None:
        return Verdict.BLOCK, Why.TOO_MANY, instant(until)
    return verdict, why, ""


def _overrides(view: ServiceView, snapshot: Snapshot) -> tuple[OverrideRuling, ...]:
    """Rulings on the requests for this gate. One that only observes blocks nothing, so it judges nobody."""
    gate = view.service.gate
    label = gate.override.label.casefold()
    asked = [one for one in snapshot.requests if one.label.casefold() in {label, COMMAND}]
    return tuple(_judge(request, gate, snapshot) for request in asked if gate.mode is not Mode.OBSERVE)


def _judge(request: OverrideRequest, gate: Gate, snapshot: Snapshot) -> OverrideRuling:
    """Whether the person behind an override request lets a change through this gate, and until when."""
    until = request.labeled_at + gate.override.lasts
    if why := _objection(request, gate, snapshot, until):
        return OverrideRuling(request.label, request.actor, granted=False, until=until, why=why)
    if gate.override.reason == "required" and not request.reason:
        return OverrideRuling(
            request.label, request.actor, granted=False, until=until, why=WITHOUT_REASON, waits=True
        )
    return OverrideRuling(request.label, request.actor, granted=True, until=until, reason=request.reason)


def _objection(request: OverrideRequest, gate: Gate, snapshot: Snapshot, until: datetime) -> str:
    who = code(f"@{request.actor}") if request.actor else "whoever applied it"
    teams = gate.override.teams
    if not teams:
        return "the policy names no team that may override"
    if not request.human:
        return f"{who} is a bot, and only people can override"
    if not set(teams) & set(request.teams):
        return f"{who} is not an active member of {listed(teams, ' or ')}"
    if not gate.override.by_author and request.actor.casefold() == snapshot.pull.author.casefold():
        return f"{who} wrote this change, and this policy wants somebody else to let it through"
    if request.given_for not in {None, snapshot.pull.head_sha}:
        return f"{who} let {code(str(request.given_for)[:7])} through, and there are other commits by now: ask anew"
    if by := next((one for one in snapshot.revocations if _revokes(one, request, gate)), None):
        return f"{code(f'@{by.actor}')} took it back at {instant(by.at)}"
    if snapshot.now >= until:
        return f"the override of {who} ended at {instant(until)}"
    return ""


def _without_right(snapshot: Snapshot) -> Iterable[OverrideRuling]:
    """Revocations by people who may take nothing back of what is asked for here."""
    gates = [view.service.gate for view in snapshot.services]
    for one in snapshot.revocations:
        if not any(_revokes(one, request, gate) for request in snapshot.requests for gate in gates):
            why = f"{code(f'@{one.actor}')} may not take back what others let through"
            yield OverrideRuling(REVOKE, one.actor, granted=False, until=one.at, why=why)


def _revokes(one: Revocation, request: OverrideRequest, gate: Gate) -> bool:
    """Whether a revocation ends an override here: by who asked for it, or by who may override this gate."""
    entitled = one.actor == request.actor or bool(set(gate.override.teams) & set(one.teams))
    return entitled and one.at >= request.labeled_at


def _refused(rulings: Iterable[OverrideRuling]) -> Iterable[OverrideRuling]:
    """One refusal a label and person, with every service's objection: a label cannot be half removed."""
    asked: dict[tuple[str, str], list[OverrideRuling]] = {}
    for ruling in rulings:
        asked.setdefault((ruling.label, ruling.actor), []).append(ruling)
    for (label, _), group in sorted(asked.items()):
        whys = "; ".join(sorted({ruling.why for ruling in group}))
        last = max(group, key=lambda ruling: ruling.until)
        yield OverrideRuling(label, last.actor, granted=False, until=last.until, why=whys)
