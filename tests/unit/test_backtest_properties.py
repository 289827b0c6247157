"""The fast walk over the past gives what one pass a minute gives, to the bit."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
from hypothesis import event, given, settings
from hypothesis import strategies as st

from builders import MINUTE, a_gate, an_objective
from gatekeeper.availability.ledger import Slices, end_of
from gatekeeper.availability.measure import measure
from gatekeeper.decide.backtest.history import Past
from gatekeeper.decide.backtest.result import Move, Unknown
from gatekeeper.decide.backtest.simulate import simulate
from gatekeeper.decide.gate_state import step
from gatekeeper.decide.snapshot import ObjectiveEvidence
from gatekeeper.decide.verdict import Doubt, Memory, State
from gatekeeper.policy.gate import Gate
from gatekeeper.policy.objective import CalendarWindow
from ledgers import FIRST

KINDS = {"calm": 0.0, "near": 0.0005, "slow": 0.002, "bad": 0.02, "dead": 1.0}
OF_THE_WEEK = CalendarWindow(calendar="week", timezone="Pacific/Honolulu")
"""A new one begins ten hours after the first slice."""
EACH = settings(max_examples=100, deadline=None)


@st.composite
def pasts(draw: st.DrawFn) -> Past:
    """Days of stretches of any kind: quiet, failing, silent or unmeasured, with many events or few."""
    kinds = st.sampled_from([*KINDS, "silent", "gap"])
    runs = draw(st.lists(st.tuples(kinds, st.integers(1, 400)), min_size=3, max_size=10))
    rate, seed = draw(st.sampled_from([0.2, 20, 2000])), draw(st.integers(0, 2**16))
    scale = draw(st.sampled_from([1.0, 0.37]))
    total, bad, flags = _drawn(runs, rate, np.random.default_rng(seed))
    slices = Slices(FIRST, scale * total, scale * bad, flags)
    since = draw(st.sampled_from([end_of(FIRST - 1), end_of(FIRST + 300), None]))
    objective = an_objective(target=draw(st.sampled_from(["0.99", "0.9995"])), days=1)
    window = draw(st.sampled_from([objective.window, OF_THE_WEEK]))
    return Past(objective.model_copy(update={"window": window}), slices, since)


def _drawn(
    runs: Sequence[tuple[str, int]], rate: float, chance: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    kinds = np.repeat([kind for kind, _ in runs], [length for _, length in runs])
    total = chance.poisson(rate, len(kinds)) * np.isin(kinds, list(KINDS))
    share = np.array([KINDS.get(str(kind), 0.0) for kind in kinds])
    return total * 1.0, chance.binomial(total, share) * 1.0, (kinds != "gap").astype(np.uint8)


def naive(
    pasts: Sequence[Past], gate: Gate, start: datetime, end: datetime, lag: timedelta
) -> tuple[list[Move], list[tuple[Doubt, ...]]]:
    """A pass a minute, as the service's pass measures and steps."""
    memory: Memory | None = None
    moves: list[Move] = []
    doubts: list[tuple[Doubt, ...]] = []
    for minute in range((end - start) // MINUTE):
        now = start + minute * MINUTE
        pairs = [(past.objective, evidence(past, gate, now - lag)) for past in pasts]
        before, memory = memory.state if memory else State.OPEN, step(memory, pairs, gate, now)
        if memory.state is not before:
            moves.append(Move(now, before, memory.state, memory.reasons))
        doubts.append(tuple(sorted({gap.doubt for gap in memory.gaps})))
    return moves, doubts


def evidence(past: Past, gate: Gate, until: datetime) -> ObjectiveEvidence:
    found = measure(
        past.slices,
        allowed=past.objective.allowed,
        window=past.objective.window,
        now=until,
        history_start=past.history_start,
        quiet_s=int(gate.thaw.or_quiet_for.total_seconds()),
        floor=float(gate.freeze.below),
        fewest=past.objective.fewest,
    )
    return ObjectiveEvidence(past.objective.name, found, problem=past.problem)


GATES = st.builds(
    lambda quiet, below, burn, over, at_most, of: a_gate(
        thaw={"or_quiet_for": quiet},
        freeze={"below": below, "burn": burn, "incident_over": over, "at_most": at_most},
        caution={"below": "40%"},
        postmortems=[
            {"incident": end_of(FIRST + minute), "link": "https://wiki.example/1"} for minute in sorted(of)
        ],
    ),
    st.sampled_from(["30m", "3h", "72h"]),
    st.sampled_from(["0%", "5%"]),
    st.sampled_from(["fast", "off"]),
    st.sampled_from(["off", "20%", "60%"]),
    st.sampled_from(["off", "6h"]),
    st.sets(st.integers(0, 3000), max_size=6),
)


@EACH
@given(st.lists(pasts(), min_size=1, max_size=2), GATES, st.sampled_from([0, 1]), st.integers(0, 400))
def test_the_fast_walk_is_the_naive_one(
    drawn: list[Past], gate: Gate, lag_minutes: int, skipped: int
) -> None:
    named = [
        replace(past, objective=past.objective.model_copy(update={"name": f"o{place}"}))
        for place, past in enumerate(drawn)
    ]
    lag, start = lag_minutes * MINUTE, end_of(FIRST + skipped)
    end = start + min(max(len(past.slices) for past in named), 600) * MINUTE
    moves, doubts = naive(named, gate, start, end, lag)
    found = simulate(named, gate, start, end, lag=lag)
    event(f"moves: {min(len(moves), 5)}")
    assert list(found.moves) == moves
    assert [_doubts_at(found.unknown, start + n * MINUTE) for n in range(len(doubts))] == doubts


def _doubts_at(unknown: Sequence[Unknown], now: datetime) -> tuple[Doubt, ...]:
    return next((one.doubts for one in unknown if one.start <= now < one.end), ())
