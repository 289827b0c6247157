"""The gate of a service: a state machine with hysteresis and memory (design: The gate).

A budget below a threshold shuts the gate at once; opening again takes the thaw rule, so a budget that trembles around
zero does not make the gate flap. What is not known never moves the gate: it neither freezes nor thaws.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from gatekeeper.decide import burning
from gatekeeper.decide.evidence import Known, sift
from gatekeeper.decide.snapshot import ObjectiveEvidence
from gatekeeper.decide.told import follow
from gatekeeper.decide.verdict import Memory, Reason, Rule, State
from gatekeeper.policy.model import Gate, Objective

RECOVERY_BAND = 0.02
"""Caution ends this much above where it began, or two standard deviations of the count above, if that is more."""

CALM_SPAN_S = 6 * 3600
"""The burn rate over this span has to be below 1 for a quiet budget to end a freeze."""


def step(
    memory: Memory | None,
    objectives: Sequence[tuple[Objective, ObjectiveEvidence]],
    gate: Gate,
    now: datetime,
) -> Memory:
    """The gate one pass later. A new ``state`` is a transition.

    Args:
        memory: the gate so far; None for a service seen for the first time, which starts open.
        objectives: the policy's objectives with their evidence; the worst decides.
        gate: the rules.
        now: the instant of the pass.
    """
    memory = memory or Memory(State.OPEN, now)
    known, gaps = sift(objectives, now)
    state, reasons = _next(memory.state, known, gate, settled=not gaps)
    told = follow(memory.told, state, [evidence for _, evidence in objectives])
    unknown_since = (memory.unknown_since or now) if gaps else None
    if state is memory.state:
        return replace(memory, unknown_since=unknown_since, gaps=gaps, told=told)
    return Memory(state, now, reasons, unknown_since, gaps, told)


def _next(
    state: State, known: Sequence[Known], gate: Gate, *, settled: bool
) -> tuple[State, tuple[Reason, ...]]:
    """Where the gate goes and why; no reasons when it stays."""
    if freezing := tuple(_freezing(known, gate)):
        return State.FROZEN, freezing
    cautioning = tuple(_cautioning(known, gate))
    match state:
        case State.OPEN:
            return (State.CAUTION, cautioning) if cautioning else (state, ())
        case State.CAUTION if settled and not cautioning and _recovered(known, gate):
            return State.OPEN, tuple(_recoveries(known, gate))
        case State.FROZEN if settled and (thawing := _thawing(known, gate)):
            return (State.CAUTION if cautioning else State.OPEN), thawing
    return state, ()


def _freezing(known: Iterable[Known], gate: Gate) -> Iterator[Reason]:
    limit = float(gate.freeze.below)
    for one in known:
        if one.measured.remaining <= limit:
            yield _by_share(Rule.FREEZE_BELOW, one, limit)
        yield from burning.fast(one, gate)


def _cautioning(known: Iterable[Known], gate: Gate) -> Iterator[Reason]:
    limit = float(gate.caution.below)
    for one in known:
        if one.measured.remaining < limit:
            yield _by_share(Rule.CAUTION_BELOW, one, limit)
        yield from burning.slow(one)


def _thawing(known: Sequence[Known], gate: Gate) -> tuple[Reason, ...]:
    """Why the freeze may end: one reason for each objective, or none at all."""
    reasons = [reason for one in known if (reason := _thaw_reason(one, gate))]
    return tuple(reasons) if len(reasons) == len(known) else ()


def _thaw_reason(one: Known, gate: Gate) -> Reason | None:
    if any(burning.hot(Rule.FREEZE_BURN, one, burning.freezing_rows(one.window_s, gate))):
        return None
    above = float(gate.thaw.above)
    if one.measured.remaining >= above:
        return _by_share(Rule.THAW_ABOVE, one, above)
    quiet, calm = _quiet(one, gate), one.burn[CALM_SPAN_S]
    if quiet >= gate.thaw.or_quiet_for and calm is not None and calm < 1:
        asked = gate.thaw.or_quiet_for.total_seconds()
        return Reason(Rule.THAW_QUIET, one.objective.name, quiet.total_seconds(), asked)
    return None


def _quiet(one: Known, gate: Gate) -> timedelta:
    """How long budget has been left without a break; nothing where it is measured against another line than 0."""
    since = one.measured.positive_since
    return one.measured.window_end - since if since is not None and not gate.freeze.below else timedelta(0)


def _recovered(known: Iterable[Known], gate: Gate) -> bool:
    return all(
        one.measured.remaining >= recovery_level(one, gate)
        and not any(burning.hot(Rule.CAUTION_BURN, one, burning.cautioning_rows(one.window_s)))
        for one in known
    )


def _recoveries(known: Iterable[Known], gate: Gate) -> Iterator[Reason]:
    return (_by_share(Rule.RECOVERED, one, recovery_level(one, gate)) for one in known)


def recovery_level(one: Known, gate: Gate) -> float:
    """Where caution ends: a band above its threshold, wide enough for the noise of counting, never out of reach.

    The noise of the consumed share is sqrt(B)/E (B bad events, E the budget in events); two of it, at most half way up.
    """
    below = float(gate.caution.below)
    noise = 2 * math.sqrt(one.measured.bad) / one.budget
    return below + min(max(RECOVERY_BAND, noise), (1 - below) / 2)


def _by_share(rule: Rule, one: Known, limit: float) -> Reason:
    return Reason(rule, one.objective.name, one.measured.remaining, limit)
