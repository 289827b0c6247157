"""The fast walk over the past gives what one pass a minute gives, to the bit."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
from hypothesis import event, given, settings
from hypothesis import strategies as st

from builders import MINUTE, a_gate, an_objective
from gatekeeper.availability.adjustment import adjust
from gatekeeper.availability.ledger import Slices, end_of
from gatekeeper.availability.measure import measure
from gatekeeper.availability.window import Rolling
from gatekeeper.decide.backtest.history import Past
from gatekeeper.decide.backtest.result import Backtest, Move
from gatekeeper.decide.backtest.simulate import simulate
from gatekeeper.decide.gate_state import step
from gatekeeper.decide.snapshot import ObjectiveEvidence
from gatekeeper.decide.verdict import Doubt, Memory, State
from gatekeeper.policy.dated import exception_for
from gatekeeper.policy.gate import Gate
from gatekeeper.policy.model import Adjustment
from gatekeeper.policy.objective import ByTimeslices, CalendarWindow, Objective, TargetException
from ledgers import FIRST

KINDS = {"calm": 0.0, "near": 0.0005, "slow": 0.002, "bad": 0.02, "worse": 0.3, "dead": 1.0}
OF_THE_WEEK = CalendarWindow(calendar="week", timezone="Pacific/Honolulu")
"""A new one begins ten hours after the first slice."""
WINDOWS = [*(Rolling(timedelta(hours=hours)) for hours in (1, 3, 24, 240)), OF_THE_WEEK]
"""With ten days, both rows of the fast burn can fire."""
LONGEST = 240
"""Minutes of a walk."""
TIMESLICES = ByTimeslices.model_validate({"timeslices": {"target": "99%"}})
EACH = settings(max_examples=120, deadline=None)

minutes = st.integers(0, 2 * LONGEST).map(lambda count: end_of(FIRST) + count * MINUTE)


@st.composite
def ledgers(draw: st.DrawFn) -> Slices:
    """Hours of stretches of any kind: quiet, failing, silent or unmeasured, with many events or few."""
    kinds = st.sampled_from([*KINDS, "silent", "gap"])
    runs = draw(st.lists(st.tuples(kinds, st.integers(1, 90)), min_size=3, max_size=8))
    rate, seed = draw(st.sampled_from([0.2, 20, 2000])), draw(st.integers(0, 2**16))
    scale = draw(st.sampled_from([1.0, 1.0, 0.37]))
    total, bad, flags = _drawn(runs, rate, np.random.default_rng(seed))
    return Slices(FIRST, scale * total, scale * bad, flags)


def _drawn(
    runs: Sequence[tuple[str, int]], rate: float, chance: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    kinds = np.repeat([kind for kind, _ in runs], [length for _, length in runs])
    total = chance.poisson(rate, len(kinds)) * np.isin(kinds, list(KINDS))
    share = np.array([KINDS.get(str(kind), 0.0) for kind in kinds])
    return total * 1.0, chance.binomial(total, share) * 1.0, (kinds != "gap").astype(np.uint8)


@st.composite
def objectives(draw: st.DrawFn) -> Objective:
    objective = an_objective(target=draw(st.sampled_from(["0.95", "0.99", "0.9995"])))
    window = draw(st.sampled_from(WINDOWS))
    method = draw(st.sampled_from(["occurrences", "occurrences", TIMESLICES]))
    return objective.model_copy(update={"window": window, "method": method})


@st.composite
def exceptions(draw: st.DrawFn) -> tuple[TargetException, ...]:
    """At most two, one after the other, which may begin and end within a minute."""
    seconds = st.integers(0, LONGEST * 60).map(lambda count: end_of(FIRST) + timedelta(seconds=count))
    edges = sorted(draw(st.sets(seconds, max_size=4)))
    targets = st.sampled_from(["90%", "99.9%"])
    return tuple(
        TargetException.model_validate(
            {"target": draw(targets), "from": start, "until": end, "reason": "agreed"}
        )
        for start, end in zip(edges[::2], edges[1::2], strict=False)
    )


@st.composite
def adjustments(draw: st.DrawFn) -> tuple[Adjustment, ...]:
    edges = sorted(draw(st.sets(minutes, max_size=4)))
    treatments = st.sampled_from(["up", "excluded"])
    return tuple(
        Adjustment.model_validate({"from": start, "to": end, "as": draw(treatments), "reason": "maintenance"})
        for start, end in zip(edges[::2], edges[1::2], strict=False)
    )


@st.composite
def pasts(draw: st.DrawFn) -> Past:
    objective, stored = draw(objectives()), draw(ledgers())
    since = draw(st.sampled_from([end_of(FIRST - 1), end_of(FIRST + 60), None]))
    problem = draw(st.sampled_from([*[None] * 9, "no such metric"]))
    slices = adjust(objective.judged(stored), draw(adjustments()))
    return Past(objective, slices, since, problem, draw(exceptions()))


def shares(*written: str) -> st.SearchStrategy[str]:
    return st.sampled_from(written)


@st.composite
def gates(draw: st.DrawFn) -> Gate:
    incidents = [
        {"incident": at, "link": "https://wiki.example/1"} for at in draw(st.lists(minutes, max_size=3))
    ]
    return a_gate(
        caution={"below": draw(shares("25%", "60%"))},
        freeze={
            "below": draw(shares("0%", "5%")),
            "burn": draw(shares("fast", "off")),
            "incident_over": draw(shares("off", "1%", "20%", "90%")),
            "at_most": draw(shares("off", "20m", "90m")),
        },
        thaw={"above": draw(shares("10%", "50%")), "or_quiet_for": draw(shares("15m", "3h", "72h"))},
        probation={"for": draw(shares("off", "10m", "2h"))},
        postmortems=incidents,
    )


@dataclass(frozen=True)
class Naive:
    """What a pass a minute gives, as the service's pass measures and steps."""

    moves: list[Move]
    doubts: list[tuple[Doubt, ...]]
    memories: list[Memory]


def naive(pasts: Sequence[Past], gate: Gate, start: datetime, end: datetime, lag: timedelta) -> Naive:
    memory: Memory | None = None
    found = Naive([], [], [])
    for minute in range((end - start) // MINUTE):
        now = start + minute * MINUTE
        pairs = [evidence(past, gate, now, now - lag) for past in pasts]
        before, memory = memory.state if memory else State.OPEN, step(memory, pairs, gate, now)
        if memory.state is not before:
            found.moves.append(Move(now, before, memory.state, memory.reasons))
        found.doubts.append(tuple(sorted({gap.doubt for gap in memory.gaps})))
        found.memories.append(memory)
    return found


def evidence(past: Past, gate: Gate, now: datetime, until: datetime) -> tuple[Objective, ObjectiveEvidence]:
    exception = exception_for(past.objective, past.exceptions, now)
    objective = past.objective.aiming_at(exception)
    found = measure(
        past.slices,
        allowed=objective.allowed,
        window=objective.window,
        now=until,
        history_start=past.history_start,
        quiet_s=int(gate.thaw.or_quiet_for.total_seconds()),
        floor=float(gate.freeze.below),
        fewest=objective.fewest,
    )
    return objective, ObjectiveEvidence(objective.name, found, problem=past.problem)


@EACH
@given(st.lists(pasts(), min_size=1, max_size=2), gates(), st.sampled_from([0, 1]), st.integers(0, 120))
def test_the_fast_walk_is_the_naive_one(
    drawn: list[Past], gate: Gate, lag_minutes: int, skipped: int
) -> None:
    named = [
        replace(past, objective=past.objective.model_copy(update={"name": f"o{place}"}))
        for place, past in enumerate(drawn)
    ]
    lag, start = lag_minutes * MINUTE, end_of(FIRST + skipped)
    end = start + min(max(len(past.slices) for past in named), LONGEST) * MINUTE
    by_the_minute = naive(named, gate, start, end, lag)
    found = simulate(named, gate, start, end, lag=lag)
    _tell(by_the_minute)
    assert list(found.moves) == by_the_minute.moves
    assert _doubts(found) == by_the_minute.doubts


def _tell(found: Naive) -> None:
    """What the examples reach, for ``--hypothesis-show-statistics``."""
    event(f"moves: {min(len(found.moves), 5)}")
    for rule in sorted({reason.rule for one in found.moves for reason in one.reasons}):
        event(f"moved by {rule}")
    if any(memory.owed for memory in found.memories):
        event("a postmortem was owed")


def _doubts(found: Backtest) -> list[tuple[Doubt, ...]]:
    instants = [found.start + count * MINUTE for count in range((found.end - found.start) // MINUTE)]
    return [next((one.doubts for one in found.unknown if one.start <= now < one.end), ()) for now in instants]
