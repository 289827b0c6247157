"""Refreshing against counters in memory, whose samples arrive when a test says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekeeper.availability.filling import LedgerConflictError, LedgerUpdate
from gatekeeper.availability.ledger import Flag, Slices, slice_of
from gatekeeper.errors import QueryRefusedError, SourceError
from gatekeeper.policy.objective import Indicator, PrometheusIndicator
from gatekeeper.worker.refresh import SETTLE, Refreshed, refresh
from memory_ledger import MemoryLedger
from memory_source import DAY, MINUTE, NOON, Counter, MemorySource, regular

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from gatekeeper.availability.series import RawSeries


INDICATOR = Indicator(prometheus=PrometheusIndicator(good="good", total="total"))


def fill(
    source: MemorySource,
    ledger: MemoryLedger,
    *,
    since: datetime = NOON - 2 * DAY,
    now: datetime = NOON + SETTLE,
    indicator: Indicator = INDICATOR,
) -> Refreshed:
    source.now = now
    return refresh(indicator, needed_since=since, now=now, source=source, ledger=ledger)


def window(ledger: MemoryLedger, since: datetime, until: datetime = NOON) -> Slices:
    return ledger.read(INDICATOR.id, slice_of(since) + 1, slice_of(until) + 1)


def steady(days: float = 4, key: int = 1, bad: int = 0) -> Counter:
    start = NOON - days * DAY
    return Counter(key, regular(start, round(days * 1440), first=1_000_000), bad=bad)


def test_a_backfill_reads_what_was_there_as_a_baseline() -> None:
    ledger = MemoryLedger()
    done = fill(MemorySource([steady()]), ledger)
    sums = window(ledger, NOON - 2 * DAY).sums()
    assert (sums.total, sums.coverage) == (2 * 1440 * 10, 1)
    assert done.status.progress is None
    assert done.status.filled_until == NOON
    assert done.status.history_start == NOON - 3 * DAY + MINUTE


def test_a_backfill_says_where_history_begins() -> None:
    ledger = MemoryLedger()
    done = fill(MemorySource([steady(days=0.5)]), ledger)
    assert done.status.history_start == NOON - DAY / 2
    assert window(ledger, NOON - 2 * DAY).sums().total == 720 * 10
    assert window(ledger, NOON - 2 * DAY).sums().measured == 721


def test_a_series_born_later_counts_from_zero() -> None:
    ledger = MemoryLedger()
    late = Counter(2, regular(NOON - DAY, 60, first=7))
    fill(MemorySource([steady(), late]), ledger)
    assert window(ledger, NOON - 2 * DAY).sums().total == 2 * 1440 * 10 + 7 + 600


def test_each_sample_is_received_once() -> None:
    source, ledger = MemorySource([steady(), steady(key=2)]), MemoryLedger()
    fill(source, ledger, now=NOON - 60 * MINUTE + SETTLE)
    before = source.samples
    for minute in range(-59, 1):
        fill(source, ledger, now=NOON + minute * MINUTE + SETTLE)
    assert source.samples - before == 2 * 60
    assert window(ledger, NOON - 2 * DAY).sums().total == 2 * 2 * 1440 * 10


def test_twice_in_a_minute_asks_once() -> None:
    source, ledger = MemorySource([steady()]), MemoryLedger()
    fill(source, ledger)
    asked = len(source.asked)
    assert fill(source, ledger, now=NOON + SETTLE + MINUTE / 2).samples == 0
    assert len(source.asked) == asked


@pytest.mark.parametrize("failing", range(4))
def test_a_backfill_goes_on_where_it_was_cut_off(failing: int) -> None:
    source, ledger, whole = MemorySource([steady()]), MemoryLedger(), MemoryLedger()
    source.fail_at = failing
    with pytest.raises(SourceError, match="refused"):
        fill(source, ledger)
    status = ledger.status(INDICATOR.id)
    assert (status.error, status.error_since) == ("connection refused", NOON + SETTLE)
    assert (status.progress or 0) == pytest.approx([0, 1 / 72, 25 / 72, 49 / 72][failing])
    done = fill(source, ledger)
    fill(MemorySource([steady()]), whole)
    assert done.status.error is None
    assert window(ledger, NOON - 2 * DAY).total.tolist() == window(whole, NOON - 2 * DAY).total.tolist()


def test_too_many_samples_are_asked_for_in_shorter_stretches() -> None:
    source, ledger = MemorySource([steady()], most=45), MemoryLedger()
    fill(source, ledger)
    assert window(ledger, NOON - 2 * DAY).sums().total == 2 * 1440 * 10
    assert source.refused == 1
    source.most = -1
    with pytest.raises(QueryRefusedError, match="too many"):
        fill(source, ledger, now=NOON + SETTLE + 5 * MINUTE)


def test_many_series_are_asked_for_in_shorter_stretches_before_anybody_complains() -> None:
    samples = regular(NOON - 2 * DAY, 2 * 1440)
    crowd = [Counter(key, samples) for key in range(600)]
    source = MemorySource(crowd)
    fill(source, MemoryLedger(), since=NOON - DAY)
    widths = {(until - after) // 60_000 for after, until in source.asked}
    assert max(widths) == 500_000 // 600


def test_late_samples_are_read_when_they_come() -> None:
    source, ledger = MemorySource([steady()]), MemoryLedger()
    source.counters[0].delay = 12 * MINUTE
    for minute in range(30):
        fill(source, ledger, since=NOON - DAY, now=NOON - 30 * MINUTE + minute * MINUTE)
    fill(source, ledger, since=NOON - DAY, now=NOON + 12 * MINUTE)
    whole = window(ledger, NOON - DAY)
    assert set(whole.total.tolist()) == {10}
    assert whole.sums().interpolated == 0


@pytest.mark.parametrize(
    "most", [1_000_000, 10], ids=["in one answer", "in answers as long as the source gives"]
)
def test_a_series_that_fell_behind_the_others_is_read_again(most: int) -> None:
    """Its late samples hold a reset, which the difference over its gap would have hidden."""
    slow = Counter(2, regular(NOON - 4 * DAY, 4 * 1440 - 20, 10, first=100))
    restarted = [(NOON - (19 - i) * MINUTE, 50_000.0 + 30 * i) for i in range(20)]
    slow.samples += restarted
    source, ledger = MemorySource([steady(), slow]), MemoryLedger()
    slow.samples, held_back = slow.samples[:-19], slow.samples[-19:]
    for minute in range(-15, 1):
        fill(source, ledger, since=NOON - DAY, now=NOON + SETTLE + minute * MINUTE)
    slow.samples += held_back
    asked, source.most = len(source.asked), most
    slow.samples.append((NOON + MINUTE, 50_000.0 + 600))
    fill(source, ledger, since=NOON - DAY, now=NOON + SETTLE + MINUTE)
    assert (len(source.asked) == asked + 2) is (not source.refused)
    slices = window(ledger, NOON - 15 * MINUTE, NOON + MINUTE)
    assert slices.total[-2:].tolist() == [40, 30]
    assert slices.sums().interpolated == 0


def test_a_longer_window_fills_what_lies_before() -> None:
    source, ledger, whole = MemorySource([steady(days=6)]), MemoryLedger(), MemoryLedger()
    fill(source, ledger, since=NOON - DAY, now=NOON - 60 * MINUTE)
    fill(source, ledger, since=NOON - 4 * DAY)
    fill(MemorySource([steady(days=6)]), whole, since=NOON - 4 * DAY)
    mine, other = window(ledger, NOON - 4 * DAY), window(whole, NOON - 4 * DAY)
    assert (mine.total.tolist(), mine.flags.tolist()) == (other.total.tolist(), other.flags.tolist())
    assert ledger.status(INDICATOR.id).history_start == NOON - 5 * DAY + MINUTE


def test_two_at_a_time_do_not_double() -> None:
    """A second refresh that read the same state stores nothing once the first has."""
    source, ledger = MemorySource([steady()]), MemoryLedger()
    fill(source, ledger, now=NOON - 10 * MINUTE)

    @dataclass
    class Overtaken(MemorySource):
        def read(self, after: int, until: int) -> Sequence[RawSeries]:
            found = super().read(after, until)
            fill(source, ledger)
            return found

    with pytest.raises(LedgerConflictError):
        fill(Overtaken(source.counters), ledger)
    assert window(ledger, NOON - 2 * DAY).sums().total == 2 * 1440 * 10


def test_the_scrape_interval_follows_a_change() -> None:
    slow = Counter(1, regular(NOON - 4 * DAY, 4 * 1440, every=0.25))
    slow.samples += regular(NOON + 2 * MINUTE, 600, every=2, first=4 * 14_400)
    source, ledger = MemorySource([slow]), MemoryLedger()
    for minute in range(0, 60, 2):
        fill(source, ledger, since=NOON - DAY, now=NOON + SETTLE + minute * MINUTE)
    state = ledger.state(INDICATOR.id)
    assert state is not None
    assert state.scrape == 120_000
    flags = window(ledger, NOON, NOON + 58 * MINUTE).flags.tolist()
    assert set(flags[8:]) == {Flag.MEASURED}


def test_one_long_gap_does_not_pass_for_a_scrape_interval() -> None:
    one = steady()
    one.samples = [
        (at, value) for at, value in one.samples if not NOON - 40 * MINUTE < at < NOON - 10 * MINUTE
    ]
    source, ledger = MemorySource([one]), MemoryLedger()
    for minute in range(-60, 1):
        fill(source, ledger, since=NOON - DAY, now=NOON + SETTLE + minute * MINUTE)
    assert window(ledger, NOON - DAY).sums().interpolated == 30
    assert set(window(ledger, NOON - DAY).total.tolist()) == {10}


def relabelled(old: Counter, at: datetime, key: int) -> list[Counter]:
    """The same counter, going on under another name from a moment on."""
    before = [(time, value) for time, value in old.samples if time < at]
    after = [(time, value) for time, value in old.samples if time >= at]
    return [
        Counter(old.key, before, old.total, old.bad, old.delay),
        Counter(key, after, old.total, old.bad, old.delay),
    ]


@pytest.mark.parametrize("refreshes", [1, 61])
def test_counters_under_new_labels_go_on(refreshes: int) -> None:
    """All targets got another label half an hour ago: seen minute by minute, or in one backfill."""
    failing = Counter(3, [(at, value // 100) for at, value in steady(key=3).samples], 1, 1)
    source, ledger = MemorySource([]), MemoryLedger()
    for key, one in enumerate([steady(key=1), steady(key=2), failing]):
        source.counters += relabelled(one, NOON - 30 * MINUTE, key + 100)
    for minute in range(1 - refreshes, 1):
        fill(source, ledger, now=NOON + SETTLE + minute * MINUTE)
    slices = window(ledger, NOON - 2 * DAY)
    assert set(slices.total.tolist()) == {20, 21}
    assert (slices.total.sum(), slices.bad.sum()) == (2 * 28_800 + 288, 288)
    assert slices.sums().interpolated == 0


def test_a_longer_window_knows_new_labels_too() -> None:
    source, ledger = MemorySource(relabelled(steady(days=6), NOON - 3 * DAY, 2)), MemoryLedger()
    fill(source, ledger, since=NOON - DAY)
    fill(source, ledger, since=NOON - 4 * DAY)
    assert set(window(ledger, NOON - 4 * DAY).total.tolist()) == {10}


def test_a_deployment_is_a_birth_however_much_the_old_processes_had_counted() -> None:
    deployed = [Counter(key, regular(NOON - 30 * MINUTE, 60, first=900)) for key in (101, 102)]
    old = [relabelled(steady(key=key), NOON - 30 * MINUTE, 0)[0] for key in (1, 2)]
    source, ledger = MemorySource([*old, *deployed]), MemoryLedger()
    for minute in range(-60, 1):
        fill(source, ledger, now=NOON + SETTLE + minute * MINUTE)
    assert window(ledger, NOON - 31 * MINUTE).sums().total == 2 * (900 + 300)


def test_short_jobs_count_in_full() -> None:
    """Each lives for one scrape, and ends having counted about what the one before it had."""
    jobs = [Counter(10 + i, [(NOON - i * MINUTE, 5_000.0 - i)]) for i in range(240)]
    source, ledger = MemorySource([steady(), *jobs]), MemoryLedger()
    fill(source, ledger, now=NOON - 120 * MINUTE)
    for minute in range(-119, 1):
        fill(source, ledger, now=NOON + SETTLE + minute * MINUTE)
    assert window(ledger, NOON - 60 * MINUTE).sums().total == sum(5_010 - i for i in range(60))


def test_a_job_after_a_long_silence_counts_in_full() -> None:
    jobs = [Counter(10, [(NOON - 300 * MINUTE, 5_000)]), Counter(11, [(NOON - MINUTE, 6_000)])]
    ledger = MemoryLedger()
    fill(MemorySource([Counter(1, regular(NOON - 4 * DAY, 4 * 1440, 0)), *jobs]), ledger)
    assert window(ledger, NOON - 2 * DAY).sums().total == 11_000


GOOD_AND_TOTAL = [
    pytest.param([], "no data was ever found for total: total", id="nothing matches"),
    pytest.param(
        [steady(bad=1)], "every event ever found is bad: is good what was meant?", id="no good series"
    ),
    pytest.param(
        [steady(bad=1), Counter(2, regular(NOON - 4 * DAY, 4 * 1440, 11), 0, -1)],
        "there are more good events than events: good counts some that total does not",
        id="good counts more than total",
    ),
    pytest.param(
        [steady(bad=1), Counter(2, regular(NOON - 4 * DAY, 4 * 1440, 10), 0, -1)], None, id="all good"
    ),
]


@pytest.mark.parametrize(("counters", "problem"), GOOD_AND_TOTAL)
def test_a_mistaken_indicator_is_said(counters: list[Counter], problem: str | None) -> None:
    ledger = MemoryLedger()
    assert fill(MemorySource(counters), ledger).status.problem == problem
    assert ledger.status(INDICATOR.id).problem == problem


def test_more_bad_events_than_events_is_said() -> None:
    bad = Indicator(prometheus=PrometheusIndicator(bad="bad", total="total"))
    counters = [steady(), Counter(2, regular(NOON - 4 * DAY, 4 * 1440, 11), 0, 1)]
    done = fill(MemorySource(counters), MemoryLedger(), indicator=bad)
    assert done.status.problem == "there are more bad events than events: bad counts some that total does not"


def test_a_problem_is_over_once_data_come() -> None:
    source, ledger = MemorySource([]), MemoryLedger()
    assert fill(source, ledger, now=NOON - 60 * MINUTE).status.problem is not None
    source.counters = [Counter(1, regular(NOON - 30 * MINUTE, 60, first=5_000))]
    assert fill(source, ledger).status.problem is None
    assert window(ledger, NOON - DAY).sums().total == 300


def test_good_counted_a_little_before_total_never_shows_as_negative_bad() -> None:
    total = steady(bad=1)
    good = Counter(2, [(at - MINUTE / 2, value) for at, value in total.samples], 0, -1)
    ahead = [(at, value + 5) for at, value in good.samples[1::2]]
    good.samples[1::2] = ahead
    source, ledger = MemorySource([total, good]), MemoryLedger()
    for minute in range(-30, 1):
        fill(source, ledger, now=NOON + SETTLE + minute * MINUTE)
    bad = window(ledger, NOON - 2 * DAY).bad
    assert bad.min() >= 0
    assert bad.sum() <= 15


@settings(max_examples=25, deadline=None)
@given(
    pauses=st.lists(st.integers(1, 300), min_size=1, max_size=6),
    delay=st.integers(0, 20),
    every=st.sampled_from([0.5, 1, 2]),
    born=st.integers(1, 300),
)
def test_however_often_it_runs_the_ledger_is_the_same(
    pauses: list[int], delay: int, every: float, born: int
) -> None:
    start, minutes = NOON - 1.5 * DAY, 2160 + sum(pauses)
    counters = [
        Counter(key, regular(start, minutes, rate, every=every, first=key), delay=delay * MINUTE)
        for key, rate in enumerate([4, 8, 2])
    ]
    newcomer = regular(NOON + born * MINUTE, 60, 2, every=every, first=2)
    counters.append(Counter(9, newcomer, delay=delay * MINUTE))
    source, ledger, at_once = MemorySource(counters), MemoryLedger(), MemoryLedger()
    now = NOON
    for pause in [*pauses, 400]:
        now += pause * MINUTE
        fill(source, ledger, since=NOON - DAY, now=now)
    fill(source, at_once, since=NOON - DAY, now=now)
    mine, other = (window(one, NOON - DAY, now) for one in (ledger, at_once))
    assert mine.total.tolist() == other.total.tolist()
    assert mine.flags.tolist() == other.flags.tolist()


def test_a_ledger_that_changed_hands_is_a_conflict() -> None:
    ledger = MemoryLedger()
    fill(MemorySource([steady()]), ledger)
    state = ledger.state(INDICATOR.id)
    assert state is not None
    ledger.commit(INDICATOR.id, LedgerUpdate(state))
    with pytest.raises(LedgerConflictError):
        ledger.commit(INDICATOR.id, LedgerUpdate(state))
