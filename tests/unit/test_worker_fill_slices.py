"""Refreshing from a system that answers whole slices only."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from gatekeeper.availability.filling import QueryTimeoutError, TooManySamplesError, Totals
from gatekeeper.availability.ledger import Flag, Slices, slice_of
from gatekeeper.errors import QueryRefusedError, SourceError
from gatekeeper.policy.objective import Indicator, PrometheusIndicator
from gatekeeper.worker.fill_slices import trued_up
from gatekeeper.worker.refresh import SETTLE, Refreshed, refresh
from memory_ledger import MemoryLedger

INDICATOR = Indicator(
    prometheus=PrometheusIndicator(good="sum(increase(g[$window]))", total="sum(increase(t[$window]))")
)
NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
KNOWN = Flag.MEASURED | Flag.APPROXIMATE
FOREVER = slice_of(NOON) + 10_000


@dataclass
class SliceSource:
    """Every minute has 10 events and 1 bad one between `begins` and `ends`, but for the `silent` ones."""

    begins: int = 0
    ends: int = FOREVER
    bad: float = 1
    silent: set[int] = field(default_factory=set)
    totals: Totals | None = None
    fail_at: int | None = None
    most: int = FOREVER
    refusal: Exception = field(default_factory=lambda: TooManySamplesError("too many samples"))
    untold: SourceError | QueryRefusedError | None = None
    unreadable: set[int] = field(default_factory=set)
    asked: list[tuple[int, int]] = field(default_factory=list)
    refused: int = 0
    asked_whole: list[int] = field(default_factory=list)

    def reader(self, indicator: Indicator) -> SliceSource:
        return self

    def read(self, first: int, stop: int) -> Slices:
        if self.fail_at == len(self.asked):
            self.fail_at = None
            raise SourceError("no answer")
        if self.unreadable.intersection(range(first, stop)):
            raise SourceError("no answer about these")
        if stop - first > self.most:
            self.refused += 1
            raise self.refusal
        self.asked.append((first, stop))
        index = np.arange(first, stop)
        known = (index >= self.begins) & (index < self.ends) & ~np.isin(index, sorted(self.silent))
        flags = np.where(known, KNOWN, 0).astype(np.uint8)
        return Slices(first, np.where(known, 10.0, 0.0), np.where(known, float(self.bad), 0.0), flags)

    def whole(self, first: int, stop: int) -> Totals | None:
        self.asked_whole.append(stop - first)
        if self.untold is not None:
            raise self.untold
        if stop - first > self.most:
            self.refused += 1
            raise self.refusal
        if self.totals is None:
            return None
        share = (stop - first) / 1440
        return Totals(self.totals.total * share, self.totals.bad * share)


def fill(
    source: SliceSource,
    ledger: MemoryLedger,
    *,
    since: datetime = NOON - 2 * DAY,
    now: datetime = NOON + SETTLE,
) -> Refreshed:
    return refresh(INDICATOR, needed_since=since, now=now, source=source, ledger=ledger)


def window(ledger: MemoryLedger, since: datetime = NOON - 2 * DAY, until: datetime = NOON) -> Slices:
    return ledger.read(INDICATOR.id, slice_of(since) + 1, slice_of(until) + 1)


def test_a_backfill_asks_for_a_day_at_a_time() -> None:
    source, ledger = SliceSource(), MemoryLedger()
    done = fill(source, ledger)
    assert [stop - first for first, stop in source.asked] == [720, 1440, 720]
    assert set(window(ledger).flags.tolist()) == {KNOWN}
    assert (window(ledger).sums().total, window(ledger).sums().bad) == (28_800, 2_880)
    assert (done.status.history_start, done.status.filled_until) == (NOON - 2 * DAY, NOON)


def test_then_it_asks_for_what_is_new() -> None:
    source, ledger = SliceSource(), MemoryLedger()
    fill(source, ledger)
    source.asked.clear()
    fill(source, ledger, now=NOON + SETTLE + 3 * MINUTE)
    assert source.asked == [(slice_of(NOON) + 1, slice_of(NOON) + 4)]


def test_a_silence_stays_unknown_and_is_asked_about_again() -> None:
    source, ledger = SliceSource(ends=slice_of(NOON) - 11), MemoryLedger()
    fill(source, ledger)
    assert window(ledger).sums().measured == 2880 - 12
    source.ends = FOREVER
    fill(source, ledger, now=NOON + SETTLE + MINUTE)
    assert window(ledger, until=NOON + MINUTE).sums().coverage == 1


def test_a_backfill_goes_on_where_it_was_cut_off() -> None:
    source, ledger = SliceSource(fail_at=2), MemoryLedger()
    with pytest.raises(SourceError):
        fill(source, ledger)
    assert ledger.status(INDICATOR.id).progress == 0.75
    done = fill(source, ledger)
    assert (done.status.progress, done.status.error) == (None, None)
    assert [stop - first for first, stop in source.asked] == [720, 1440, 720]


def test_a_closed_day_is_trued_up() -> None:
    source, ledger = SliceSource(totals=Totals(14_500, 1_450)), MemoryLedger()
    fill(source, ledger, since=NOON - 1.5 * DAY)
    day = window(ledger, NOON - 1.5 * DAY, NOON - DAY / 2).sums()
    assert (day.total, day.bad) == pytest.approx((14_500, 1_450))
    assert window(ledger, NOON - DAY / 2).sums().total == 7_200


def test_a_day_that_closes_while_running_is_trued_up_whole() -> None:
    midnight = NOON + DAY / 2
    source, ledger = SliceSource(), MemoryLedger()
    fill(source, ledger, since=NOON - DAY / 2, now=midnight)
    source.totals = Totals(15_000, 1_500)
    fill(source, ledger, since=NOON - DAY / 2, now=midnight + SETTLE + MINUTE)
    day = window(ledger, NOON - DAY / 2, midnight).sums()
    assert (day.total, day.bad) == pytest.approx((15_000, 1_500))
    assert window(ledger, midnight, midnight + MINUTE).sums().total == 10


def test_a_day_that_cannot_be_trued_up_yet_is_stored_and_tried_again_each_hour() -> None:
    midnight, ledger = NOON + DAY / 2, MemoryLedger()
    source = SliceSource(totals=Totals(15_000, 1_500))
    fill(source, ledger, since=NOON - DAY / 2, now=midnight)
    source.untold = SourceError("no answer")
    with pytest.raises(SourceError):
        fill(source, ledger, since=NOON - DAY / 2, now=midnight + SETTLE + MINUTE)
    assert window(ledger, NOON - DAY / 2, midnight + MINUTE).sums().total == 14_410, "what was read is there"
    assert ledger.status(INDICATOR.id).error == "no answer"
    source.untold = None
    for minute in (2, 3, 59):
        fill(source, ledger, since=NOON - DAY / 2, now=midnight + SETTLE + minute * MINUTE)
    assert source.asked_whole == [1440], "it was asked once"
    fill(source, ledger, since=NOON - DAY / 2, now=midnight + SETTLE + 60 * MINUTE)
    assert window(ledger, NOON - DAY / 2, midnight).sums().total == pytest.approx(15_000)
    assert window(ledger, midnight, midnight + 60 * MINUTE).sums().total == 600


def test_a_backfill_is_stored_whole_though_no_day_can_be_trued_up_yet() -> None:
    source, ledger = (
        SliceSource(totals=Totals(14_500, 1_450), untold=SourceError("no answer")),
        MemoryLedger(),
    )
    with pytest.raises(SourceError):
        fill(source, ledger)
    assert (window(ledger).sums().coverage, window(ledger).sums().total) == (1, 28_800)
    source.untold = None
    fill(source, ledger, now=NOON + SETTLE + 60 * MINUTE)
    assert window(ledger, NOON - 1.5 * DAY, NOON - DAY / 2).sums().total == pytest.approx(14_500)


def test_where_the_source_never_counts_a_day_its_minutes_stand() -> None:
    source, ledger = SliceSource(untold=QueryRefusedError("not in one piece")), MemoryLedger()
    done = fill(source, ledger)
    assert (window(ledger).sums().total, done.status.error) == (28_800, None)
    fill(source, ledger, now=NOON + SETTLE + 60 * MINUTE)
    assert source.asked_whole == [720, 1440]


@pytest.mark.parametrize("refusal", [TooManySamplesError("too many"), QueryTimeoutError("gave up")])
@pytest.mark.parametrize("most", [700, 60])
def test_what_is_too_much_at_once_is_asked_for_in_parts(most: int, refusal: Exception) -> None:
    source, ledger = SliceSource(totals=Totals(14_500, 1_450), most=most, refusal=refusal), MemoryLedger()
    fill(source, ledger)
    assert window(ledger, NOON - 1.5 * DAY, NOON - DAY / 2).sums().total == pytest.approx(14_500)
    assert window(ledger).sums().coverage == 1
    assert max(stop - first for first, stop in source.asked) <= most


def test_a_source_that_always_gives_up_is_asked_few_times_and_left() -> None:
    source, ledger = SliceSource(most=0, refusal=QueryTimeoutError("gave up")), MemoryLedger()
    with pytest.raises(SourceError, match="gave up"):
        fill(source, ledger)
    assert source.refused == 5
    assert ledger.status(INDICATOR.id).error == "gave up"


def test_what_arrives_late_in_a_hole_is_found_within_the_hour() -> None:
    hole = set(range(slice_of(NOON) - 50, slice_of(NOON) - 30))
    source, ledger = SliceSource(silent=hole), MemoryLedger()
    fill(source, ledger)
    source.asked.clear()
    fill(source, ledger, now=NOON + SETTLE + 60 * MINUTE)
    assert source.asked[1:] == [(min(hole), max(hole) + 1)], "it is asked about alone"
    assert window(ledger).sums().measured == 2880 - 20
    source.silent.clear()
    for minute in range(61, 121):
        fill(source, ledger, now=NOON + SETTLE + minute * MINUTE)
    assert window(ledger).sums().coverage == 1
    assert len(source.asked) == 2 + 60 + 1, "the hole is asked about once an hour"


def test_a_day_is_trued_up_again_when_late_data_fill_a_hole_in_it() -> None:
    hole = set(range(slice_of(NOON - DAY / 2) - 50, slice_of(NOON - DAY / 2) - 30))
    source, ledger = SliceSource(silent=set(hole), totals=Totals(14_200, 1_420)), MemoryLedger()
    fill(source, ledger)
    source.silent, source.totals = set(), Totals(14_400, 1_440)
    fill(source, ledger, now=NOON + SETTLE + 60 * MINUTE)
    day = window(ledger, NOON - 1.5 * DAY, NOON - DAY / 2).sums()
    assert day.total == pytest.approx(14_400)
    assert day.coverage == 1


def test_a_hole_about_which_there_is_no_answer_holds_up_nothing_new() -> None:
    hole = set(range(slice_of(NOON) - 50, slice_of(NOON) - 30))
    source, ledger = SliceSource(silent=hole), MemoryLedger()
    fill(source, ledger)
    source.unreadable = hole
    with pytest.raises(SourceError):
        fill(source, ledger, now=NOON + SETTLE + 60 * MINUTE)
    fill(source, ledger, now=NOON + SETTLE + 61 * MINUTE)
    assert window(ledger, NOON, NOON + 61 * MINUTE).sums().coverage == 1


def test_a_longer_window_changes_no_day_that_the_source_has_forgotten_in_part() -> None:
    source, ledger = SliceSource(totals=Totals(14_400, 1_440)), MemoryLedger()
    fill(source, ledger, since=NOON - 3 * DAY)
    source.begins, source.totals = slice_of(NOON - 2 * DAY) + 1, Totals(7_200, 720)
    fill(source, ledger, since=NOON - 4 * DAY)
    fill(source, ledger, since=NOON - 4 * DAY, now=NOON + SETTLE + 60 * MINUTE)
    day = window(ledger, NOON - 2.5 * DAY, NOON - 1.5 * DAY).sums()
    assert (day.total, day.bad) == pytest.approx((14_400, 1_440))


def test_a_longer_window_fills_what_lies_before() -> None:
    source, ledger = SliceSource(), MemoryLedger()
    fill(source, ledger, since=NOON - DAY)
    source.asked.clear()
    done = fill(source, ledger, since=NOON - 3 * DAY)
    assert [stop - first for first, stop in source.asked] == [720, 1440, 720]
    assert window(ledger, NOON - 3 * DAY).sums().coverage == 1
    assert done.status.history_start == NOON - 3 * DAY


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        pytest.param(
            SliceSource(begins=FOREVER),
            "no data was ever found for total: sum(increase(t[$window]))",
            id="silence",
        ),
        pytest.param(
            SliceSource(bad=10),
            "every event ever found is bad: is sum(increase(g[$window])) what was meant?",
            id="all bad",
        ),
        pytest.param(
            SliceSource(bad=-1, totals=Totals(14_400, -1_440)),
            "there are more good events than events: "
            "sum(increase(g[$window])) counts some that sum(increase(t[$window])) does not",
            id="more good than total",
        ),
        pytest.param(SliceSource(bad=0, totals=Totals(14_400, -10)), None, id="a little noise"),
    ],
)
def test_a_mistaken_indicator_is_said(source: SliceSource, problem: str | None) -> None:
    ledger = MemoryLedger()
    assert fill(source, ledger).status.problem == problem
    assert window(ledger).bad.min() >= 0


@pytest.mark.parametrize(
    ("total", "bad", "whole", "expected"),
    [
        pytest.param([10, 30], [1, 3], Totals(80, 8), ([20, 60], [2, 6]), id="in proportion"),
        pytest.param(
            [10, 30], [0, 0], Totals(40, 4), ([10, 30], [1, 3]), id="bad ones no slice saw, by traffic"
        ),
        pytest.param([0, 0], [0, 0], Totals(4, 2), ([2, 2], [1, 1]), id="events no slice saw, evenly"),
        pytest.param([10, 30], [1, 3], Totals(0, 0), ([0, 0], [0, 0]), id="nothing at all"),
    ],
)
def test_truing_up(
    total: list[float], bad: list[float], whole: Totals, expected: tuple[list[float], list[float]]
) -> None:
    slices = Slices(
        5, np.array([*total, 0.0]), np.array([*bad, 0.0]), np.array([KNOWN, KNOWN, 0], dtype=np.uint8)
    )
    found = trued_up(slices, whole)
    assert (found.total.tolist(), found.bad.tolist()) == tuple([*one, 0] for one in expected)


def test_a_day_nobody_knows_stays_unknown() -> None:
    assert trued_up(Slices.unknown(5, 3), Totals(9, 9)).total.sum() == 0
