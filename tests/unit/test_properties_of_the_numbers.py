"""What has to hold of the numbers whatever was measured. One more is kept where its strategies are: replay equals the
original, ``test_what_is_stored_replays_bit_for_bit`` in ``test_decide_properties``.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from builders import a_gate, an_objective, evidence
from gatekeeper.availability.filling import LedgerUpdate
from gatekeeper.availability.forecast import thaw
from gatekeeper.availability.ledger import Slices, end_of, slice_of
from gatekeeper.availability.measure import Measured, measure
from gatekeeper.availability.series import RawSeries
from gatekeeper.availability.window import Rolling
from gatekeeper.decide.gate_state import step
from gatekeeper.decide.verdict import Memory, State
from gatekeeper.policy.objective import Indicator, PrometheusIndicator
from gatekeeper.worker.refresh import SETTLE, refresh
from ledgers import FIRST, stretches
from memory_ledger import MemoryLedger

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
BEGIN, LENGTH = NOON - 6 * HOUR, 6 * 60
ALLOWED = 0.01


def same(one: Slices, other: Slices) -> bool:
    pairs = ((one.total, other.total), (one.bad, other.bad), (one.flags, other.flags))
    return one.first == other.first and all(np.array_equal(a, b) for a, b in pairs)


# Ledger sums


@given(stretches(), st.integers(0, 120), st.integers(0, 120))
def test_ledger_sums_are_associative(slices: Slices, one: int, other: int) -> None:
    low, high = sorted(min(cut, len(slices)) for cut in (one, other))
    edges = (FIRST, FIRST + low, FIRST + high, slices.stop)
    a, b, c = (slices.between(*edge).sums() for edge in pairwise(edges))
    assert (a + b) + c == a + (b + c) == slices.sums()


@dataclass(frozen=True)
class Counters:
    """A source of two counters, all events and the bad ones, with a sample a minute.

    Attributes:
        gained: events, and bad ones, of each minute.
        resets: minutes in which both begin anew.
        lazy: the bad ones' series is born with its first error.
        missed: minutes whose scrape failed.
    """

    gained: tuple[tuple[int, int], ...]
    resets: frozenset[int] = frozenset()
    lazy: bool = False
    missed: frozenset[int] = frozenset()

    def reader(self, indicator: Indicator) -> "Counters":
        return self

    def read(self, after: int, until: int) -> Sequence[RawSeries]:
        times = int(BEGIN.timestamp()) * 1000 + 60_000 * np.arange(len(self.gained) + 1)
        scraped = ~np.isin(np.arange(len(times)), list(self.missed))
        chosen = (times > after) & (times <= until) & scraped
        counted = self.counted()
        born = np.cumsum(counted[:, 1]) > 0
        bad = chosen & born if self.lazy else chosen
        found = [
            RawSeries(1, 1, 0, times[chosen], counted[chosen, 0]),
            RawSeries(2, 0, 1, times[bad], counted[bad, 1]),
        ]
        return [one for one in found if len(one.times)]

    def counted(self) -> NDArray[np.float64]:
        counted = np.concatenate(([[0, 0]], np.cumsum(self.gained, axis=0))).astype(np.float64)
        for minute in sorted(self.resets):
            counted[minute:] -= counted[minute - 1]
        return counted


INDICATORS = tuple(
    Indicator(prometheus=PrometheusIndicator(bad=f"bad_{name}", total=f"all_{name}")) for name in "ab"
)
SOURCES = st.lists(
    st.integers(0, 50).flatmap(lambda total: st.tuples(st.just(total), st.integers(0, total))),
    min_size=LENGTH,
    max_size=LENGTH,
).map(lambda gained: Counters(tuple(gained)))
MINUTES = st.frozensets(st.integers(1, LENGTH), max_size=6)
RESTLESS = st.builds(replace, SOURCES, resets=MINUTES, lazy=st.booleans(), missed=MINUTES)
REFRESHES = st.lists(st.tuples(st.sampled_from(INDICATORS), st.integers(1, LENGTH)), max_size=8)


def refreshed(source: Counters, runs: Sequence[tuple[Indicator, int]]) -> MemoryLedger:
    """Ledgers after refreshes so many minutes after the beginning, in this order."""
    ledger = MemoryLedger()
    for indicator, minutes in runs:
        now = BEGIN + minutes * MINUTE + SETTLE
        refresh(indicator, needed_since=BEGIN, now=now, source=source, ledger=ledger)
    return ledger


def read(ledger: MemoryLedger, indicator: Indicator) -> Slices:
    return ledger.read(indicator.id, slice_of(BEGIN) + 1, slice_of(NOON) + 1)


@settings(max_examples=30, deadline=None)
@given(RESTLESS, REFRESHES)
def test_ledger_sums_do_not_depend_on_how_often_and_in_which_order_ledgers_are_refreshed(
    source: Counters, runs: list[tuple[Indicator, int]]
) -> None:
    """Whatever resets, is born with errors or misses scrapes meanwhile."""
    last = [(indicator, LENGTH) for indicator in INDICATORS]
    often, once = refreshed(source, [*runs, *last]), refreshed(source, last[::-1])
    for indicator in INDICATORS:
        assert same(read(often, indicator), read(once, indicator))
        if not source.resets and not source.missed:
            assert read(once, indicator).total.sum() == sum(total for total, _ in source.gained)
            # A series that is there in the first scrape of all is taken for an old one.
            old = source.gained[0][1] if source.lazy else 0
            assert read(once, indicator).bad.sum() == sum(bad for _, bad in source.gained) - old


@settings(max_examples=30, deadline=None)
@given(RESTLESS, st.integers(1, LENGTH), st.integers(0, LENGTH), st.integers(0, LENGTH))
def test_reading_slices_again_is_idempotent(source: Counters, until: int, one: int, other: int) -> None:
    """A refresh that finds nothing new, one with an older clock, and slices that are written as they were read."""
    indicator = INDICATORS[0]
    ledger = refreshed(source, [(indicator, until)])
    before, state = read(ledger, indicator), ledger.state(indicator.id)
    assert state is not None
    for minutes in (until, max(until - 7, 1)):
        now = BEGIN + minutes * MINUTE + SETTLE
        refresh(indicator, needed_since=BEGIN, now=now, source=source, ledger=ledger)
    first, stop = sorted((before.first + one, before.first + other))
    state = ledger.state(indicator.id)
    assert state is not None
    ledger.commit(indicator.id, LedgerUpdate(state, ledger.read(indicator.id, first, stop)))
    assert same(read(ledger, indicator), before)


# The budget


@given(stretches(min_size=60, max_size=60), st.integers(0, 59), st.integers(1, 500))
def test_remaining_budget_is_monotone_in_bad_events(slices: Slices, place: int, more: int) -> None:
    """Events that turn out bad, in whichever slice, always leave strictly less."""
    look = partial(measure, allowed=ALLOWED, window=Rolling(HOUR), history_start=None, quiet_s=0)
    now = end_of(slices.stop - 1)
    bad = slices.bad.copy()
    bad[place] += min(more, slices.total[place] - bad[place])
    before, after = (
        look(slices, now=now),
        look(Slices(slices.first, slices.total, bad, slices.flags), now=now),
    )
    assert isinstance(before, Measured) is isinstance(after, Measured)
    if isinstance(before, Measured) and isinstance(after, Measured):
        worse = after.bad > before.bad
        assert after.remaining < before.remaining if worse else after.remaining == before.remaining


# The forecast


GATE = a_gate(freeze={"burn": "off"}, thaw={"above": "40%", "or_quiet_for": "30m"})
WINDOW = Rolling(2 * HOUR)
QUIET_S, PAST = 1800, 300


def flowing(minutes: int, bad: dict[int, float]) -> Slices:
    """A thousand events in each of the minutes, with some bad ones."""
    slices = Slices(FIRST, np.full(minutes, 1000.0), np.zeros(minutes), np.ones(minutes, dtype=np.uint8))
    for place, count in bad.items():
        slices.bad[place] = count
    return slices


@settings(max_examples=15, deadline=None)
@given(
    st.dictionaries(st.integers(0, 119), st.integers(1, 1000), min_size=1, max_size=12),
    st.sampled_from(["0%", "20%"]),
)
def test_the_forecast_thaw_is_the_later_actual_thaw_when_nothing_new_goes_bad(
    faults: dict[int, int], below: str
) -> None:
    """The gate, minute by minute through what then comes, ends its freeze at the minute that was foretold."""
    gate = GATE.model_copy(update={"freeze": GATE.freeze.model_validate({"below": below, "burn": "off"})})
    floor = float(gate.freeze.below)
    bad = {PAST - 1 - ago: float(count) for ago, count in faults.items()}
    objective = an_objective(target="0.99").model_copy(update={"window": WINDOW})
    course, now = flowing(PAST + 200, bad), end_of(FIRST + PAST - 1)

    def at(minute: datetime) -> Measured:
        found = measure(
            course.between(FIRST, slice_of(minute) + 1),
            allowed=ALLOWED,
            window=WINDOW,
            now=minute,
            history_start=None,
            quiet_s=QUIET_S,
            floor=floor,
        )
        assert isinstance(found, Measured)
        return found

    past = course.between(FIRST, FIRST + PAST)
    foretold = thaw(past, ALLOWED, WINDOW, float(gate.thaw.above), QUIET_S, now, floor=floor)
    memory = Memory(State.FROZEN, now - HOUR)
    for minutes in range(200):
        minute = now + minutes * MINUTE
        memory = step(memory, [(objective, evidence(at(minute), name=objective.name))], gate, minute)
        if memory.state is not State.FROZEN:
            assert foretold.at == minute
            return
    assert foretold.at is None
