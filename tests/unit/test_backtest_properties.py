"""The fast walk over the past gives what one pass a minute gives, to the bit."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
import pytest
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
from gatekeeper.decide.verdict import Doubt, Memory, Rule, State
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
LEAD = 720
"""Minutes of calm after which a burn can be fast while most of the budget is left."""
EACH = settings(max_examples=100, deadline=None)

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


@st.composite
def recoveries(draw: st.DrawFn) -> tuple[list[Past], Gate, int, int]:
    """An outage after long calm, then quiet for longer than the window or the thaw asks, and gates with those keys."""
    hours, outage = draw(
        st.sampled_from([(1, ("dead", 5)), (3, ("bad", 70)), (240, ("worse", 12)), (240, ("dead", 15))])
    )
    between = draw(st.integers(0, 40))
    runs = [("calm", LEAD), outage, ("calm", between), ("bad", draw(st.integers(1, 20))), ("calm", LONGEST)]
    quiet = draw(st.sampled_from([("90%", "15m", "50%"), ("10%", "72h", "0%"), ("50%", "40m", "5%")]))
    gate = a_gate(
        caution={"below": "95%"},
        freeze={"below": quiet[2], "burn": draw(shares("fast", "off"))},
        thaw={"above": quiet[0], "or_quiet_for": quiet[1]},
        probation={"for": draw(shares("off", "10m"))},
    )
    return [drawn_past(hours, *runs)], gate, draw(st.sampled_from([0, 1])), LEAD - draw(st.integers(1, 20))


def drawn_past(hours: int, *runs: tuple[str, int]) -> Past:
    """An objective of 99 % over so many hours, and a ledger of stretches of minutes that begins with it."""
    total, bad, flags = _drawn(runs, 2000, np.random.default_rng(1))
    objective = an_objective(target="0.99").model_copy(update={"window": Rolling(timedelta(hours=hours))})
    return Past(objective, Slices(FIRST, total, bad, flags), end_of(FIRST - 1))


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


@st.composite
def walks(draw: st.DrawFn) -> tuple[list[Past], Gate, int, int]:
    """(pasts, gate, minutes of lag, minutes before the first pass)."""
    drawn = draw(st.lists(pasts(), min_size=1, max_size=2))
    named = [
        replace(past, objective=past.objective.model_copy(update={"name": f"o{place}"}))
        for place, past in enumerate(drawn)
    ]
    return named, draw(gates()), draw(st.sampled_from([0, 1])), draw(st.integers(0, 120))


@EACH
@given(walks() | recoveries())
def test_the_fast_walk_is_the_naive_one(walk: tuple[list[Past], Gate, int, int]) -> None:
    _tell(_both(*walk))


OUTAGE = drawn_past(1, ("calm", 30), ("dead", 5), ("calm", 150))
TWO_OUTAGES = drawn_past(3, ("calm", 30), ("bad", 30), ("calm", 40), ("bad", 40), ("calm", 170))
SHORT = drawn_past(240, ("calm", 100), ("worse", 5), ("calm", 150))
FAST = drawn_past(240, ("calm", LEAD), ("worse", 12), ("calm", 100))
NO_BURN = {"below": "0%", "burn": "off"}
EARLY = {"below": "50%", "burn": "off"}


CASES: dict[str, tuple[Past, int, Gate, set[Rule]]] = {
    "an outage leaves the window": (
        OUTAGE,
        20,
        a_gate(freeze=NO_BURN, thaw={"above": "10%"}, probation={"for": "10m"}),
        {Rule.FREEZE_BELOW, Rule.THAW_ABOVE, Rule.PROBATION_FOR, Rule.CAUTION_BURN},
    ),
    "half the budget comes back and stays": (
        TWO_OUTAGES,
        20,
        a_gate(caution={"below": "95%"}, freeze=EARLY, thaw={"above": "90%", "or_quiet_for": "15m"}),
        {Rule.FREEZE_BELOW, Rule.THAW_QUIET},
    ),
    "the budget comes back as events come in": (
        SHORT,
        20,
        a_gate(thaw={"above": "10%", "or_quiet_for": "15m"}, probation={"for": "off"}),
        {Rule.CAUTION_BELOW, Rule.FREEZE_BELOW, Rule.THAW_QUIET, Rule.RECOVERED},
    ),
    "a fast burn, with half of the budget left": (
        FAST,
        LEAD - 20,
        a_gate(freeze={"burn": "fast"}, thaw={"above": "10%"}),
        {Rule.FREEZE_BURN, Rule.THAW_ABOVE},
    ),
    "a freeze lasts as long as it may": (
        OUTAGE,
        20,
        a_gate(freeze={**NO_BURN, "at_most": "20m"}, probation={"for": "10m"}),
        {Rule.FREEZE_AT_MOST, Rule.CAUTION_BELOW},
    ),
}
"""(past, minutes before the first pass, gate, what moves it)."""


@pytest.mark.parametrize(
    ("past", "skipped", "gate", "causes"), [pytest.param(*case, id=name) for name, case in CASES.items()]
)
def test_each_cause_of_a_transition_is_reached(
    past: Past, skipped: int, gate: Gate, causes: set[Rule]
) -> None:
    found = _both([past], gate, 1, skipped)
    assert causes <= _causes(found)


def test_the_cases_have_every_cause() -> None:
    assert set().union(*(causes for *_, causes in CASES.values())) == set(Rule)


def _both(pasts: Sequence[Past], gate: Gate, lag_minutes: int, skipped: int) -> Naive:
    """What the naive walk finds, and the fast one finds too."""
    lag, start = lag_minutes * MINUTE, end_of(FIRST + skipped)
    end = start + min(max(len(past.slices) for past in pasts), LONGEST) * MINUTE
    by_the_minute = naive(pasts, gate, start, end, lag)
    found = simulate(pasts, gate, start, end, lag=lag)
    assert list(found.moves) == by_the_minute.moves
    assert _doubts(found) == by_the_minute.doubts
    return by_the_minute


def _causes(found: Naive) -> set[Rule]:
    return {reason.rule for one in found.moves for reason in one.reasons}


def _tell(found: Naive) -> None:
    """What the examples reach, for ``--hypothesis-show-statistics``."""
    event(f"moves: {min(len(found.moves), 5)}")
    for rule in sorted(_causes(found)):
        event(f"moved by {rule}")
    if any(memory.owed for memory in found.memories):
        event("a postmortem was owed")


def _doubts(found: Backtest) -> list[tuple[Doubt, ...]]:
    instants = [found.start + count * MINUTE for count in range((found.end - found.start) // MINUTE)]
    return [next((one.doubts for one in found.unknown if one.start <= now < one.end), ()) for now in instants]
