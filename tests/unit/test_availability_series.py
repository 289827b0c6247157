from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.availability.ledger import Flag, Slices
from gatekeeper.availability.series import (
    Cursor,
    RawSeries,
    differences,
    increments,
    joined,
    repay,
)

MINUTE = 60_000
START = 29_000_000 * MINUTE
M, MI = Flag.MEASURED, Flag.MEASURED | Flag.INTERPOLATED
FIRST_SLICE = START // MINUTE + 1


def series(*samples: tuple[float, float], key: int = 1, total: int = 1, bad: int = 0) -> RawSeries:
    """Samples as (minutes after START, value)."""
    times = np.array([START + round(minute * MINUTE) for minute, _ in samples], dtype=np.int64)
    return RawSeries(key, total, bad, times, np.array([value for _, value in samples], dtype=np.float64))


def cursor(minute: float, value: float) -> Cursor:
    return Cursor(START + round(minute * MINUTE), value)


def gain(
    *given: RawSeries,
    cursors: Mapping[int, Cursor] | None = None,
    born_after: float = 0,
    scrape: int = MINUTE,
) -> Slices:
    found = differences(given, cursors or {})
    return increments(found, scrape=scrape, born_after=START + round(born_after * MINUTE))


def by_minute(slices: Slices) -> dict[int, float]:
    """Events by slice, 1 being the one that begins at START; without the empty ones."""
    return {
        int(i) + slices.first - FIRST_SLICE + 1: float(slices.total[i]) for i in np.flatnonzero(slices.total)
    }


def flags_by_minute(slices: Slices) -> dict[int, int]:
    return {
        int(i) + slices.first - FIRST_SLICE + 1: int(slices.flags[i]) for i in np.flatnonzero(slices.flags)
    }


@pytest.mark.parametrize(
    ("samples", "known", "expected"),
    [
        pytest.param(
            [(1, 5), (2, 7), (3, 7)], (0, 3), {1: 2, 2: 2}, id="differences belong to the later sample"
        ),
        pytest.param([(0.5, 4), (1.5, 9)], (-0.5, 4), {2: 5}, id="a sample inside a slice counts there"),
        pytest.param(
            [(1, 2), (2, 3)], (0, 100), {1: 2, 2: 1}, id="after a reset the value is what was gained"
        ),
        pytest.param([(1, 8), (2, 9)], (1, 8), {2: 1}, id="what the cursor has seen is not counted again"),
        pytest.param(
            [(1, 9), (2, 9), (3, 10)], (2, 9), {3: 1}, id="late samples behind the cursor change nothing"
        ),
        pytest.param([(1, 8), (2, 9)], None, {1: 8, 2: 1}, id="a series that is born counts from zero"),
        pytest.param([(1, 4), (2, float("nan")), (3, 6)], (0, 4), {3: 2}, id="a stale marker is no sample"),
        pytest.param([(1, 4), (2, float("inf")), (3, 6)], (0, 4), {3: 2}, id="an overflow is no sample"),
        pytest.param([(4, 12)], (0, 0), {1: 3, 2: 3, 3: 3, 4: 3}, id="an increment over a gap is spread"),
        pytest.param([(4, 2)], (0, 9), {1: 1, 3: 1}, id="a reset in a gap is spread, in whole events"),
        pytest.param(
            [(5.5, 10)], (1.5, 0), {2: 1, 3: 3, 4: 2, 5: 3, 6: 1}, id="a gap begins and ends inside slices"
        ),
        pytest.param([(3, 9)], (0, 0), {3: 9}, id="three scrapes are no gap"),
        pytest.param([], (0, 0), {}, id="nothing comes of nothing"),
    ],
)
def test_increments(
    samples: list[tuple[float, float]], known: tuple[float, float] | None, expected: dict[int, float]
) -> None:
    cursors = {} if known is None else {1: cursor(*known)}
    assert by_minute(gain(series(*samples), cursors=cursors)) == expected


def test_a_series_that_was_there_before_us_begins_at_its_first_sample() -> None:
    assert by_minute(gain(series((1, 1_000_000), (2, 1_000_003)), born_after=1)) == {2: 3}


def test_a_gap_of_fractions_keeps_its_sum() -> None:
    gained = gain(series((7, 1.7)), cursors={1: cursor(0, 0.3)})
    assert gained.total.sum() == pytest.approx(1.4, abs=1e-15)
    assert len(by_minute(gained)) == 7


@pytest.mark.parametrize(
    ("samples", "scrape", "expected"),
    [
        pytest.param([(0.5, 1), (1.5, 1)], MINUTE, {1: M, 2: M}, id="no traffic is measured"),
        pytest.param([(0.5, 1), (3.5, 1)], MINUTE, {1: M, 2: M, 3: M, 4: M}, id="missed scrapes are no gap"),
        pytest.param(
            [(0, 1), (5, 2)],
            5 * MINUTE,
            dict.fromkeys(range(6), M),
            id="scrapes wider than slices leave no hole",
        ),
        pytest.param(
            [(0.5, 1), (5, 2)],
            MINUTE,
            {1: MI, 2: MI, 3: MI, 4: MI, 5: MI},
            id="a gap is measured and interpolated",
        ),
        pytest.param(
            [(1, 1), (5, 1)],
            MINUTE,
            {1: M, 2: MI, 3: MI, 4: MI, 5: MI},
            id="a gap begins after its first sample's slice",
        ),
        pytest.param([(0.5, 1)], MINUTE, {1: M}, id="a first sample measures its slice"),
    ],
)
def test_flags(samples: list[tuple[float, float]], scrape: int, expected: dict[int, int]) -> None:
    assert flags_by_minute(gain(series(*samples), born_after=9, scrape=scrape)) == expected


def test_one_series_gap_does_not_hide_that_another_was_measured() -> None:
    gained = gain(series((1, 0), (6, 5), key=1), series((1, 0), (2, 1), (3, 1), key=2), born_after=9)
    assert flags_by_minute(gained) == {1: M, 2: MI, 3: MI, 4: MI, 5: MI, 6: MI}
    assert gained.total.sum() == 6


def test_weights_say_how_a_series_counts() -> None:
    total, good = series((1, 10), key=1, total=1, bad=1), series((1, 7), key=2, total=0, bad=-1)
    gained = gain(total, good, cursors={1: cursor(0, 0), 2: cursor(0, 0)})
    assert (gained.total.tolist(), gained.bad.tolist()) == ([0, 10], [0, 3])


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        pytest.param([[0, 0.5, 1, 9, 9.5]], 30_000, id="the median of what lies between samples"),
        pytest.param([[0, 0.25, 0.5, 0.75, 1, 1.25], [0, 1], [0, 1]], 60_000, id="each series has one vote"),
        pytest.param([[0], [0, 2]], 120_000, id="a series with one sample has none"),
        pytest.param([[0], []], None, id="nothing to tell from"),
    ],
)
def test_the_scrape_interval(given_: list[list[float]], expected: int | None) -> None:
    one_each = [series(*((at, 1) for at in times), key=key) for key, times in enumerate(given_)]
    assert differences(one_each, {}).spacing == expected


def test_cursors_are_the_newest_samples() -> None:
    found = differences([series((1, 5), (2, float("nan")), key=1), series((3, 4), key=2), series(key=3)], {})
    assert found.cursors == {1: cursor(1, 5), 2: cursor(3, 4)}


@pytest.mark.parametrize(
    ("bad", "deficit", "expected", "left"),
    [
        pytest.param([1, 0, 2], 0, [1, 0, 2], 0, id="nothing to repay"),
        pytest.param(
            [0, -3, 5, 1], 0, [0, 0, 2, 1], 0, id="a surplus of good events is owed by what follows"
        ),
        pytest.param([4, -3, 0, 1], 0, [4, 0, 0, 0], 2, id="what cannot be repaid stays owed"),
        pytest.param([2, 2], 3, [0, 1], 0, id="an old debt comes first"),
        pytest.param([], 3, [], 3, id="no slices, the same debt"),
    ],
)
def test_repaying(bad: list[float], deficit: float, expected: list[float], left: float) -> None:
    repaid, owed = repay(np.array(bad, dtype=np.float64), deficit)
    assert (repaid.tolist(), owed) == (expected, left)


@dataclass(frozen=True)
class History:
    """A counter's samples: increments, resets and scrape times as they come."""

    key: int
    samples: tuple[tuple[int, int], ...]

    def raw(self, after: int, until: int) -> RawSeries:
        chosen = [(time, value) for time, value in self.samples if after < time <= until]
        times, values = zip(*chosen, strict=True) if chosen else ((), ())
        return RawSeries(self.key, 1, 1, np.array(times, dtype=np.int64), np.array(values, dtype=np.float64))

    @property
    def gained(self) -> int:
        """By the definition: born at zero, and after a reset the value itself."""
        values = [0, *(value for _, value in self.samples)]
        return sum(now - before if now >= before else now for before, now in pairwise(values))


@st.composite
def histories(draw: st.DrawFn) -> list[History]:
    found = []
    for key in range(draw(st.integers(1, 3))):
        spaces = draw(st.lists(st.integers(1, 6 * MINUTE), min_size=1, max_size=25))
        values = draw(st.lists(st.integers(0, 50), min_size=len(spaces), max_size=len(spaces)))
        times = (START + np.cumsum(spaces)).tolist()
        found.append(History(key, tuple(zip(times, values, strict=True))))
    return found


def filled(steps: Sequence[Sequence[RawSeries]]) -> tuple[Slices, dict[int, Cursor]]:
    """The ledger after reading answers one after the other."""
    ledger, cursors = Slices.unknown(FIRST_SLICE, 200), dict[int, Cursor]()
    for answer in steps:
        found = differences(answer, cursors)
        gained = increments(found, scrape=MINUTE, born_after=START)
        ledger = joined(ledger, gained.between(ledger.first, ledger.stop))
        cursors |= found.cursors
    return ledger, cursors


def same(one: Slices, other: Slices) -> bool:
    pairs = ((one.total, other.total), (one.bad, other.bad), (one.flags, other.flags))
    return all(np.array_equal(a, b) for a, b in pairs)


CUTS = st.lists(st.integers(START, START + 150 * MINUTE), max_size=6).map(
    lambda cuts: [START, *sorted(cuts), START + 200 * MINUTE]
)


@given(histories(), CUTS)
def test_any_chunks_give_the_same_slices_and_the_exact_sum(given_: list[History], edges: list[int]) -> None:
    chunks = [[one.raw(*edge) for one in given_] for edge in pairwise(edges)]
    ledger, cursors = filled(chunks)
    at_once, all_cursors = filled([[one.raw(START, edges[-1]) for one in given_]])
    assert same(ledger, at_once)
    assert cursors == all_cursors
    assert ledger.total.sum() == sum(one.gained for one in given_)


@given(histories(), CUTS, st.lists(st.integers(0, 60 * MINUTE), min_size=8, max_size=8), st.randoms())
def test_overlaps_and_the_order_of_series_change_nothing(
    given_: list[History], edges: list[int], overlaps: list[int], random: Random
) -> None:
    answers = []
    for (after, until), overlap in zip(pairwise(edges), overlaps, strict=False):
        answers.append([one.raw(after - overlap, until) for one in random.sample(given_, len(given_))])
    assert same(filled(answers)[0], filled([[one.raw(START, edges[-1]) for one in given_]])[0])


@given(st.lists(st.integers(-9, 9)), st.integers(0, 9), st.integers(0, 30))
def test_repaying_keeps_the_sum_and_leaves_nothing_negative(bad: list[int], deficit: int, cut: int) -> None:
    given_ = np.array(bad, dtype=np.float64)
    repaid, left = repay(given_, deficit)
    assert repaid.sum() - left == sum(bad) - deficit
    assert left >= 0
    assert (repaid >= 0).all()
    early, owed = repay(given_[:cut], deficit)
    late, at_last = repay(given_[cut:], owed)
    assert [*early, *late] == repaid.tolist()
    assert at_last == left
