"""The gate of a service: a state machine with hysteresis and memory (design: The gate).

A budget below a threshold shuts the gate at once; opening again takes the thaw rule and a time of probation, so a
budget that trembles around zero does not make the gate flap. What is not known never moves the gate.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import takewhile

from gatekeeper.decide import burning, followups, lines
from gatekeeper.decide.evidence import Known, sift
from gatekeeper.decide.snapshot import ObjectiveEvidence
from gatekeeper.decide.told import follow
from gatekeeper.decide.verdict import Memory, Owed, Reason, Rule, State
from gatekeeper.policy.gate import Gate
from gatekeeper.policy.objective import Objective

CALM_SPAN_S = 6 * 3600
"""The burn rate over this span has to be below 1 for a quiet budget to end a freeze."""

Move = tuple[State, tuple[Reason, ...]]
"""Where the gate goes and why; no reasons when it stays."""


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
    after = move(memory, objectives, gate, now)
    evidence = [found for _, found in objectives]
    return replace(after, told=follow(after.told, after.state, evidence, ends_by(after, gate)))


def move(
    memory: Memory | None,
    objectives: Sequence[tuple[Objective, ObjectiveEvidence]],
    gate: Gate,
    now: datetime,
) -> Memory:
    """``step`` but for what is told: the rules alone, which also judge a whole stretch of time (``backtest``)."""
    known, gaps = sift(objectives, now)
    before = _followed(memory or Memory(State.OPEN, now), known, gate)
    state, reasons = _next(before, known, gate, now, settled=not gaps)
    after = before if state is before.state else _moved(before, state, reasons, known, gate, now)
    return replace(after, unknown_since=(before.unknown_since or now) if gaps else None, gaps=gaps)


def ends_by(memory: Memory, gate: Gate) -> datetime | None:
    """When a freeze has lasted as long as the policy allows; None when not frozen, or without such a rule."""
    longest = gate.freeze.at_most
    return memory.since + longest if longest and memory.state is State.FROZEN else None


def _followed(memory: Memory, known: Sequence[Known], gate: Gate) -> Memory:
    """The memory with what it keeps of the evidence brought up to date."""
    owed = followups.owed(memory.owed, known, gate) if memory.state is State.FROZEN else ()
    return replace(memory, spared=lines.still_spared(memory.spared, known, gate), owed=owed)


def _moved(
    before: Memory,
    state: State,
    reasons: tuple[Reason, ...],
    known: Sequence[Known],
    gate: Gate,
    now: datetime,
) -> Memory:
    spared, owed = before.spared, tuple[Owed, ...]()
    if before.state is State.FROZEN:
        spared = lines.spare(known, gate)
    elif state is State.FROZEN:
        spared, owed = (), followups.owed((), known, gate)
    return replace(before, state=state, since=now, reasons=reasons, spared=spared, owed=owed)


def _next(before: Memory, known: Sequence[Known], gate: Gate, now: datetime, *, settled: bool) -> Move:
    freezing = () if before.state is State.FROZEN else tuple(_freezing(before, known, gate))
    if freezing:
        return State.FROZEN, freezing
    match before.state:
        case State.OPEN if cautioning := _cautioning(known, gate):
            return State.CAUTION, cautioning
        case State.CAUTION if settled and _recovered(known, gate) and not _cautioning(known, gate):
            return State.OPEN, tuple(_recoveries(known, gate))
        case State.FROZEN if settled and (ending := _ending(before, known, gate, now)):
            return _released(known, gate), ending
        case State.PROBATION if settled and (served := _served(before, known, gate, now)):
            cautioning = _cautioning(known, gate)
            return (State.CAUTION if cautioning else State.OPEN), (*served, *cautioning)
    return before.state, ()


def _released(known: Sequence[Known], gate: Gate) -> State:
    if gate.probation.lasts:
        return State.PROBATION
    return State.CAUTION if _cautioning(known, gate) else State.OPEN


def _freezing(before: Memory, known: Iterable[Known], gate: Gate) -> Iterator[Reason]:
    for one in known:
        line = lines.relapse_line(one, gate, before.spared)
        if one.measured.remaining <= line:
            yield _by_share(Rule.FREEZE_BELOW, one, line)
        yield from burning.fast(one, gate)


def _cautioning(known: Iterable[Known], gate: Gate) -> tuple[Reason, ...]:
    limit = float(gate.caution.below)
    return tuple(reason for one in known for reason in _warnings(one, limit))


def _warnings(one: Known, limit: float) -> Iterator[Reason]:
    if one.measured.remaining < limit:
        yield _by_share(Rule.CAUTION_BELOW, one, limit)
    yield from burning.slow(one)


def _ending(before: Memory, known: Sequence[Known], gate: Gate, now: datetime) -> tuple[Reason, ...]:
    """Why the freeze may end: one reason for each objective, or none at all."""
    latest, lasted = ends_by(before, gate), (now - before.since).total_seconds()
    reasons: Iterable[Reason | None]
    if latest is not None and latest <= now:
        longest = (latest - before.since).total_seconds()
        reasons = (Reason(Rule.FREEZE_AT_MOST, one.objective.name, lasted, longest) for one in known)
    elif before.owed:
        return ()
    else:
        reasons = (_thaw_reason(one, gate) for one in known)
    found = tuple(takewhile(bool, reasons))
    if len(found) < len(known) or any(True for one in known for _ in burning.fast(one, gate)):
        return ()
    return tuple(reason for reason in found if reason)


def _thaw_reason(one: Known, gate: Gate) -> Reason | None:
    """Why the freeze may end as far as this objective goes. What rules most of them out is asked first."""
    reason = _recovery(one, gate)
    if reason is None or one.measured.remaining <= float(gate.freeze.below):
        return None
    rows = burning.freezing_rows(one.window_s, one.objective.allowed, gate)
    return None if any(burning.hot(Rule.FREEZE_BURN, one, rows)) else reason


def _recovery(one: Known, gate: Gate) -> Reason | None:
    above = float(gate.thaw.above)
    if one.measured.remaining >= above:
        return _by_share(Rule.THAW_ABOVE, one, above)
    quiet, asked = _quiet(one), gate.thaw.or_quiet_for
    if quiet >= asked and (calm := one.burn[CALM_SPAN_S]) is not None and calm < 1:
        return Reason(Rule.THAW_QUIET, one.objective.name, quiet.total_seconds(), asked.total_seconds())
    return None


def _quiet(one: Known) -> timedelta:
    """How long more budget than freezes has been left without a break."""
    since = one.measured.positive_since
    return one.measured.window_end - since if since is not None else timedelta(0)


def _served(before: Memory, known: Iterable[Known], gate: Gate, now: datetime) -> tuple[Reason, ...]:
    """Why probation may end: it has lasted, and nothing has frozen the gate again."""
    asked, lasted = gate.probation.lasts or timedelta(0), now - before.since
    if lasted < asked:
        return ()
    spans = lasted.total_seconds(), asked.total_seconds()
    return tuple(Reason(Rule.PROBATION_FOR, one.objective.name, *spans) for one in known)


def _recovered(known: Iterable[Known], gate: Gate) -> bool:
    return all(
        one.measured.remaining >= lines.recovery_level(one, gate)
        and not any(burning.hot(Rule.CAUTION_BURN, one, burning.cautioning_rows(one.window_s)))
        for one in known
    )


def _recoveries(known: Iterable[Known], gate: Gate) -> Iterator[Reason]:
    return (_by_share(Rule.RECOVERED, one, lines.recovery_level(one, gate)) for one in known)


def _by_share(rule: Rule, one: Known, limit: float) -> Reason:
    return Reason(rule, one.objective.name, one.measured.remaining, limit)
