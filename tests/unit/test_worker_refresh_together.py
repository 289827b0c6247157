"""Many ledgers brought up to date at once are as if each had been brought up to date alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.availability.filling import LedgerUpdate
from gatekeeper.availability.ledger import slice_of
from gatekeeper.errors import QueryRefusedError, SourceError
from gatekeeper.policy.objective import Indicator, PrometheusIndicator
from gatekeeper.sources.prometheus_counters import AtHand
from gatekeeper.worker.refresh import SETTLE, refresh
from gatekeeper.worker.refresh_together import Due, refresh_together
from memory_ledger import MemoryLedger
from memory_source import DAY, MINUTE, NOON, Counter, MemorySource, regular

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from datetime import datetime

    from gatekeeper.availability.filling import CounterReader, Stretch

NAMES = ("a", "b", "c")
SINCE = NOON - DAY
BORN = 60
"""Minutes before that, at which the counters began."""
AT_NOON = 1440 + BORN
"""The place among a counter's samples."""
LATER = 240
"""Minutes of samples after noon."""
INDICATORS = {
    name: Indicator(prometheus=PrometheusIndicator(good=f"good_{name}", total=f"total_{name}"))
    for name in NAMES
}


@dataclass
class Fleet:
    """A source of several indicators, that reads them together two at a time."""

    counters: Mapping[str, MemorySource]
    refused: Collection[str] = ()
    fail_after: int | None = None
    requests: int = 0
    stretches: list[Mapping[str, Stretch]] = field(default_factory=list)

    def reader(self, indicator: Indicator) -> MemorySource:
        (name,) = (name for name, one in INDICATORS.items() if one == indicator)
        if name in self.refused:
            raise QueryRefusedError("no such query")
        return self.counters[name]

    def at_hand(self, wanted: Mapping[str, Stretch], until: int) -> Iterator[Mapping[str, CounterReader]]:
        self.stretches.append(wanted)
        names = list(wanted)
        for place in range(0, len(names), 2):
            if self.fail_after == self.requests:
                raise SourceError("connection refused")
            self.requests += 1
            yield {name: at_hand(wanted[name], until) for name in names[place : place + 2]}


def at_hand(one: Stretch, until: int) -> AtHand:
    assert isinstance(one.reader, MemorySource)
    return AtHand(one.reader, one.after, until, one.reader.read(one.after, until))


def fleet(**more: object) -> Fleet:
    """Counters that have run for a day and an hour, each at a pace of its own."""
    sources = {
        name: MemorySource(
            [
                Counter(
                    1, regular(SINCE - BORN * MINUTE, AT_NOON + LATER, rate=10 * (place + 1), first=1_000)
                ),
                Counter(
                    2, regular(SINCE - BORN * MINUTE, AT_NOON + LATER, rate=place, first=7), total=0, bad=1
                ),
            ]
        )
        for place, name in enumerate(NAMES)
    }
    return Fleet(sources, **more)  # type: ignore[arg-type]  # fields by name


def due() -> list[Due]:
    return [Due(one.id, one, SINCE) for one in INDICATORS.values()]


def alone(source: Fleet, ledger: MemoryLedger, now: datetime) -> None:
    for name, one in INDICATORS.items():
        source.counters[name].now = now
        refresh(one, needed_since=SINCE, now=now, source=source, ledger=ledger)


def at_once(source: Fleet, ledger: MemoryLedger, now: datetime) -> Collection[str]:
    for one in source.counters.values():
        one.now = now
    return refresh_together(due(), now=now, source=source, ledgers=ledger)


def kept(ledger: MemoryLedger, name: str) -> tuple[object, ...]:
    """Everything that is stored of a ledger."""
    one = INDICATORS[name].id
    slices = ledger.read(one, slice_of(SINCE), slice_of(NOON + DAY))
    arrays = (slices.total.tolist(), slices.bad.tolist(), slices.flags.tolist())
    return ledger.state(one), ledger.recent(one, 0), ledger.status(one), arrays


@given(st.data())
def test_ledgers_filled_together_are_those_filled_alone(data: st.DataObject) -> None:
    """Whatever is late, dies, comes back or resets meanwhile, and however long a pass takes to come."""
    sources, ledgers = (fleet(), fleet()), (MemoryLedger(), MemoryLedger())
    for name in NAMES:
        for place, counter in enumerate(sources[0].counters[name].counters):
            samples = counter.samples
            hole = data.draw(st.integers(AT_NOON - 5, AT_NOON + 90))
            del samples[hole : hole + data.draw(st.integers(0, 12))]
            reset = data.draw(st.integers(AT_NOON, AT_NOON + 90))
            samples[reset:] = [(at, value - samples[reset][1]) for at, value in samples[reset:]]
            counter.delay = data.draw(st.sampled_from([0, 0, 30, 150])) * MINUTE / 60
            other = sources[1].counters[name].counters[place]
            other.samples, other.delay = samples, counter.delay
    now = NOON + SETTLE
    alone(sources[0], ledgers[0], now)
    alone(sources[1], ledgers[1], now)
    for _ in range(4):
        now += timedelta(seconds=data.draw(st.integers(1, 900)))
        alone(sources[0], ledgers[0], now)
        at_once(sources[1], ledgers[1], now)
        alone(sources[1], ledgers[1], now)
        assert [kept(ledgers[0], name) for name in NAMES] == [kept(ledgers[1], name) for name in NAMES]


def test_each_new_sample_is_received_once_and_a_pass_of_its_own_then_asks_nothing() -> None:
    source, ledger = fleet(), MemoryLedger()
    alone(source, ledger, NOON + SETTLE)
    before = {name: one.samples for name, one in source.counters.items()}
    done = at_once(source, ledger, NOON + SETTLE + 2 * MINUTE)
    assert done == {one.id for one in INDICATORS.values()}
    alone(source, ledger, NOON + SETTLE + 2 * MINUTE)
    assert {name: one.samples - before[name] for name, one in source.counters.items()} == dict.fromkeys(
        NAMES, 4
    )
    assert {one.series for one in source.stretches[0].values()} == {2}


def test_what_needs_more_than_its_last_slices_is_left_to_its_own_pass() -> None:
    source, ledger = fleet(), MemoryLedger()
    assert at_once(source, ledger, NOON + SETTLE) == set()
    alone(source, ledger, NOON + SETTLE)
    assert at_once(source, ledger, NOON + SETTLE) == set()
    assert at_once(source, ledger, NOON + SETTLE + 2 * 60 * MINUTE) == set()
    assert source.requests == 0


def test_what_the_source_refuses_is_left_out() -> None:
    source, ledger = fleet(), MemoryLedger()
    alone(source, ledger, NOON + SETTLE)
    source.refused = ["b"]
    done = at_once(source, ledger, NOON + SETTLE + MINUTE)
    assert done == {INDICATORS["a"].id, INDICATORS["c"].id}
    assert ledger.status(INDICATORS["b"].id).error is None


def test_what_was_filled_before_the_source_failed_stays() -> None:
    source, ledger = fleet(fail_after=1), MemoryLedger()
    alone(source, ledger, NOON + SETTLE)
    versions = {name: kept(ledger, name)[0] for name in NAMES}
    with pytest.raises(SourceError):
        at_once(source, ledger, NOON + SETTLE + MINUTE)
    moved = [name for name in NAMES if kept(ledger, name)[0] != versions[name]]
    assert moved == ["a", "b"]


def test_a_ledger_that_somebody_else_fills_meanwhile_is_theirs() -> None:
    source, ledger = fleet(), MemoryLedger()
    alone(source, ledger, NOON + SETTLE)
    name = INDICATORS["a"].id

    class Hasty(MemoryLedger):
        """Somebody else commits just before we do."""

        def commit_all(self, updates: Mapping[str, LedgerUpdate]) -> Collection[str]:
            state = self.state(name)
            assert state is not None
            self.commit(name, LedgerUpdate(state))
            return super().commit_all(updates)

    hasty = Hasty()
    hasty.__dict__ = ledger.__dict__
    before = kept(ledger, "a")[3]
    done = at_once(source, hasty, NOON + SETTLE + MINUTE)
    assert done == {INDICATORS["b"].id, INDICATORS["c"].id}
    assert kept(ledger, "a")[3] == before


def test_one_failure_is_its_own() -> None:
    source, ledger = fleet(), MemoryLedger()
    alone(source, ledger, NOON + SETTLE)
    late = source.counters["a"]
    late.counters[0].samples = [
        one for one in late.counters[0].samples if not NOON < one[0] < NOON + 9 * MINUTE
    ]
    for minute in (1, 8):
        alone(source, ledger, NOON + SETTLE + minute * MINUTE)
    late.fail_at = len(late.asked) + 1  # the series is back: what it had meanwhile is looked for again, alone
    done = at_once(source, ledger, NOON + SETTLE + 10 * MINUTE)
    assert done == {INDICATORS["b"].id, INDICATORS["c"].id}
    assert ledger.status(INDICATORS["a"].id).error == "connection refused"
    assert ledger.status(INDICATORS["b"].id).error is None
