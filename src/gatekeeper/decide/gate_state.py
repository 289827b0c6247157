"""The gate of a service: a state machine with hysteresis and memory (design: The gate).

Budget below a threshold shuts at once; opening again takes the thaw rule, so a budget that trembles around zero
does not make the gate flap. What is not known never moves the gate: it neither freezes nor thaws.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gatekeeper.availability.burn import PAGE_ROWS, TICKET_ROWS, Row, firing, threshold
from gatekeeper.availability.measure import Measured, Unmeasured
from gatekeeper.decide.snapshot import ObjectiveEvidence
from gatekeeper.decide.verdict import Doubt, Gap, Memory, Reason, Rule, State
from gatekeeper.policy.model import Gate, Objective

STALE_AFTER = timedelta(minutes=15)
"""Evidence older than this does not count: a frozen picture of the past is no picture of the present."""

COVERAGE_FLOOR = 0.8
"""Share of the slices since the ledger's start that must be measured."""

SHORTEST_HISTORY = timedelta(hours=1)
"""A ledger younger than this says nothing yet."""

RECOVERY_BAND = 0.02
"""Caution ends this much above where it began, or two standard deviations of the count above, if that is more."""


@dataclass(frozen=True)
class Known:
    """An objective whose evidence counts."""

    objective: Objective
    measured: Measured

    @property
    def window_s(self) -> float:
        """The objective's window, in seconds."""
        return self.objective.window.total_seconds()

    @property
    def burn(self) -> dict[int, float | None]:
        """Burn rate by window length in seconds; None where nothing happened."""
        return dict(self.measured.burn)


def step(
    memory: Memory | None,
    objectives: Sequence[tuple[Objective, ObjectiveEvidence]],
    gate: Gate,
    now: datetime,
) -> Memory:
    """The gate one pass later. Equal memory means nothing moved; a new ``state`` is a transition.

    Args:
        memory: the gate so far; None for a service seen for the first time, which starts open.
        objectives: the policy's objectives with their evidence; the worst decides.
        gate: the rules.
        now: the instant of the pass.
    """
    memory = memory or Memory(State.OPEN, now)
    known, gaps = _sort(objectives, now)
    unknown_since = (memory.unknown_since or now) if gaps else None
    state, reasons = _next(memory.state, known, gate, settled=not gaps)
    if state is memory.state:
        return replace(memory, unknown_since=unknown_since, gaps=gaps)
    return Memory(state, now, reasons, unknown_since, gaps)


def _next(
    state: State, known: Sequence[Known], gate: Gate, *, settled: bool
) -> tuple[State, tuple[Reason, ...]]:
    if freezing := tuple(_freezing(known, gate)):
        return State.FROZEN, freezing
    if state is State.FROZEN:
        thawing = tuple(_thawing(known, gate)) if settled else ()
        if not thawing:
            return State.FROZEN, ()
        return (State.CAUTION if tuple(_cautioning(known, gate)) else State.OPEN), thawing
    if cautioning := tuple(_cautioning(known, gate)):
        return State.CAUTION, cautioning
    if state is State.CAUTION and not (settled and _recovered(known, gate)):
        return State.CAUTION, ()
    if state is State.CAUTION:
        return State.OPEN, tuple(_recoveries(known, gate))
    return State.OPEN, ()


def _freezing(known: Iterable[Known], gate: Gate) -> Iterable[Reason]:
    for one in known:
        if one.measured.remaining <= gate.freeze.below:
            yield _by_share(Rule.FREEZE_BELOW, one, float(gate.freeze.below))
        if gate.freeze.burn == "fast":
            yield from _burning(Rule.FREEZE_BURN, one, PAGE_ROWS)


def _cautioning(known: Iterable[Known], gate: Gate) -> Iterable[Reason]:
    for one in known:
        if one.measured.remaining < gate.caution.below:
            yield _by_share(Rule.CAUTION_BELOW, one, float(gate.caution.below))
        yield from _burning(Rule.CAUTION_BURN, one, TICKET_ROWS)


def _thawing(known: Sequence[Known], gate: Gate) -> Iterable[Reason]:
    """Why the freeze may end: one reason for each objective, or nothing at all."""
    reasons = [_thaw_reason(one, gate) for one in known]
    if all(reason is not None for reason in reasons):
        yield from (reason for reason in reasons if reason is not None)


def _thaw_reason(one: Known, gate: Gate) -> Reason | None:
    if gate.freeze.burn == "fast" and any(_hot(one, row) for row in PAGE_ROWS):
        return None
    if one.measured.remaining >= gate.thaw.above:
        return _by_share(Rule.THAW_ABOVE, one, float(gate.thaw.above))
    since, six_hours = one.measured.positive_since, one.burn.get(21600)
    quiet = one.measured.window_end - since if since is not None else timedelta(0)
    if quiet >= gate.thaw.or_quiet_for and (six_hours is None or six_hours < 1):
        limit = gate.thaw.or_quiet_for.total_seconds()
        return Reason(Rule.THAW_QUIET, one.objective.name, quiet.total_seconds(), limit)
    return None


def _recovered(known: Iterable[Known], gate: Gate) -> bool:
    return all(
        one.measured.remaining >= _recovery_level(one, gate)
        and not any(_hot(one, row) for row in TICKET_ROWS)
        for one in known
    )


def _recoveries(known: Iterable[Known], gate: Gate) -> Iterable[Reason]:
    for one in known:
        yield _by_share(Rule.RECOVERED, one, _recovery_level(one, gate))


def _recovery_level(one: Known, gate: Gate) -> float:
    """Where caution ends: a band above its threshold, wide enough for the noise of counting, never out of reach.

    The noise of the consumed share is sqrt(B)/E (B bad events, E the budget in events); two of it, at most half way up.
    """
    below = float(gate.caution.below)
    noise = 2 * math.sqrt(one.measured.bad) / (one.objective.allowed * one.measured.total)
    return below + min(max(RECOVERY_BAND, noise), (1 - below) / 2)


def _burning(rule: Rule, one: Known, rows: Iterable[Row]) -> Iterable[Reason]:
    for row in rows:
        found = one.burn.get(row.long_s)
        if found is not None and firing(row, one.burn, one.window_s):
            yield Reason(rule, one.objective.name, found, threshold(row, one.window_s), row.long_s)


def _hot(one: Known, row: Row) -> bool:
    """Whether the long window still burns too fast: what started with long and short ends with the long one."""
    found = one.burn.get(row.long_s)
    return found is not None and found > threshold(row, one.window_s)


def _by_share(rule: Rule, one: Known, limit: float) -> Reason:
    return Reason(rule, one.objective.name, one.measured.remaining, limit)


def _sort(
    objectives: Iterable[tuple[Objective, ObjectiveEvidence]], now: datetime
) -> tuple[list[Known], tuple[Gap, ...]]:
    known: list[Known] = []
    gaps: list[Gap] = []
    for objective, evidence in objectives:
        found = weigh(evidence, now)
        if isinstance(found, Measured):
            known.append(Known(objective, found))
        else:
            gaps.append(found)
    return known, tuple(gaps)


def weigh(one: ObjectiveEvidence, now: datetime) -> Measured | Gap:
    """The measurement if it counts as evidence at ``now``, or what is wrong with it."""
    if one.problem is not None:
        return Gap(one.name, Doubt.PROBLEM, one.problem)
    if one.progress is not None and one.progress < 1:
        return Gap(one.name, Doubt.BACKFILLING, f"{one.progress:.0%} of the history read")
    evidence = one.evidence
    if isinstance(evidence, Unmeasured):
        return Gap(one.name, Doubt.NO_TRAFFIC if evidence.reason == "no traffic" else Doubt.NO_DATA)
    if now - evidence.watermark > STALE_AFTER:
        return Gap(one.name, Doubt.STALE, f"newest data from {evidence.watermark:%Y-%m-%d %H:%M} UTC")
    return _thin(one.name, evidence) or evidence


def _thin(name: str, evidence: Measured) -> Gap | None:
    start = max(evidence.window_start, evidence.partial_since or evidence.window_start)
    if evidence.window_end - start < SHORTEST_HISTORY:
        return Gap(name, Doubt.THIN, f"measured only since {start:%Y-%m-%d %H:%M} UTC")
    seen = evidence.coverage * ((evidence.window_end - evidence.window_start) / (evidence.window_end - start))
    if seen < COVERAGE_FLOOR:
        return Gap(name, Doubt.THIN, f"only {seen:.0%} of the window was measured")
    return None
