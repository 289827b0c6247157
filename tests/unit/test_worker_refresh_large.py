"""Which way a ledger is filled: asked once, when it begins, and kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest

from gatekeeper.availability.filling import LedgerConflictError, Totals
from gatekeeper.availability.ledger import Flag, Slices
from gatekeeper.errors import SourceError
from gatekeeper.policy.objective import Indicator, PrometheusIndicator
from gatekeeper.worker.refresh import SETTLE, refresh
from gatekeeper.worker.refresh_together import Due, refresh_together
from memory_ledger import MemoryLedger
from memory_source import DAY, MINUTE, NOON, Counter, MemorySource, regular

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from gatekeeper.availability.filling import CounterReader, Stretch

INDICATOR = Indicator(prometheus=PrometheusIndicator(good="good", total="total"))
WHY = "it has about 40,000,000 samples a day"
HOUR = timedelta(hours=1)


@dataclass
class Counted:
    """Every minute of the counters' ten events, as the server counts them."""

    def read(self, first: int, stop: int) -> Slices:
        flags = np.full(stop - first, Flag.MEASURED | Flag.APPROXIMATE, dtype=np.uint8)
        return Slices(first, np.full(stop - first, 10.0), np.zeros(stop - first), flags)

    def whole(self, first: int, stop: int) -> Totals | None:
        return None


@dataclass
class SizedSource(MemorySource):
    """Has the counters and the count of them; says ``why`` they are too large to read, if they are."""

    why: str | None = None
    failing: bool = False
    sized: int = 0
    together: list[Mapping[str, Stretch]] = field(default_factory=list)

    def too_large(self, indicator: Indicator, stop: int) -> str | None:
        self.sized += 1
        if self.failing:
            raise SourceError("connection refused")
        return self.why

    def by_slices(self, indicator: Indicator) -> Counted:
        return Counted()

    def at_hand(self, wanted: Mapping[str, Stretch], until: int) -> Iterator[Mapping[str, CounterReader]]:
        self.together.append(wanted)
        yield from ()


def a_source(why: str | None = None) -> SizedSource:
    start = NOON - 4 * DAY
    return SizedSource([Counter(1, regular(start, 5 * 1440, first=1_000_000))], why=why)


def fill(source: SizedSource, ledger: MemoryLedger, now: datetime = NOON) -> None:
    source.now = now + SETTLE
    refresh(INDICATOR, needed_since=NOON - 2 * DAY, now=now + SETTLE, source=source, ledger=ledger)


def approximate(ledger: MemoryLedger) -> float:
    """The share of approximate slices among the measured ones."""
    state = ledger.state(INDICATOR.id)
    assert state is not None
    sums = ledger.sums(INDICATOR.id, state.since, state.filled_until)
    return sums.approximate / sums.measured


@pytest.mark.parametrize(
    ("first", "then", "share"),
    [
        pytest.param(None, None, 0, id="small, and small"),
        pytest.param(None, WHY, 0, id="small, and then too large"),
        pytest.param(WHY, WHY, 1, id="too large, and too large"),
        pytest.param(WHY, None, 1, id="too large, and then small"),
    ],
)
def test_a_ledger_is_filled_in_the_way_in_which_it_began(
    first: str | None, then: str | None, share: float
) -> None:
    source, ledger = a_source(first), MemoryLedger()
    fill(source, ledger)
    source.why = then
    fill(source, ledger, NOON + HOUR)
    assert approximate(ledger) == share
    assert ledger.status(INDICATOR.id).too_large == first
    assert source.sized == 1, "asked when the ledger began, and never again"


def test_a_source_that_does_not_tell_the_size_begins_no_ledger() -> None:
    source, ledger = a_source(WHY), MemoryLedger()
    source.failing = True
    with pytest.raises(SourceError):
        fill(source, ledger)
    assert ledger.state(INDICATOR.id) is None
    assert ledger.status(INDICATOR.id).error == "connection refused"
    source.failing = False
    fill(source, ledger)
    assert approximate(ledger) == 1


def test_a_counter_that_was_not_there_is_asked_about_until_it_is() -> None:
    source, ledger = SizedSource([]), MemoryLedger()
    fill(source, ledger)
    source.why = WHY
    fill(source, ledger, NOON + HOUR)
    assert (approximate(ledger), ledger.status(INDICATOR.id).too_large, source.sized) == (1, WHY, 2)


def test_two_that_begin_a_ledger_in_two_ways_do_not_mix_them() -> None:
    ledger, outer = MemoryLedger(), a_source(WHY)

    class Overtaken(SizedSource):
        def by_slices(self, indicator: Indicator) -> Counted:
            fill(a_source(None), ledger)
            return Counted()

    with pytest.raises(LedgerConflictError):
        fill(Overtaken(outer.counters, why=WHY), ledger)
    assert approximate(ledger) == 0


@pytest.mark.parametrize(
    ("why", "read"),
    [
        pytest.param(None, {INDICATOR.id}, id="sample by sample: with others"),
        pytest.param(WHY, set(), id="counted by the server: by itself"),
    ],
)
def test_only_what_is_read_sample_by_sample_is_read_with_others(why: str | None, read: set[str]) -> None:
    source, ledger = a_source(why), MemoryLedger()
    fill(source, ledger)
    now = NOON + SETTLE + 2 * MINUTE
    due = [Due(INDICATOR.id, INDICATOR, NOON - 2 * DAY)]
    refresh_together(due, now=now, source=source, ledgers=ledger)
    assert {name for wanted in source.together for name in wanted} == read
