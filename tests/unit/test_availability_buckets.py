"""Native histograms at a threshold: what is above it, what a restart is, and what merged buckets mean."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.availability.buckets import Buckets, Split, course
from gatekeeper.availability.ledger import Flag
from gatekeeper.availability.series import Cursor, RawSeries, differences, increments
from worlds.native import ZERO_THRESHOLD, Histogram

if TYPE_CHECKING:
    from collections.abc import Sequence

INF = float("inf")
MINUTE = 60_000


def buckets(*rows: tuple[float, float, float], count: float | None = None) -> Buckets:
    low, high, number = (np.array([row[place] for row in rows], dtype=np.float64) for place in range(3))
    return Buckets(float(number.sum()) if count is None else count, low, high, number)


def sample(process: Histogram) -> Buckets:
    """A process's histogram as the server tells it."""
    width = 2.0**-process.schema
    rows = [
        (2.0 ** ((place - 1) * width), 2.0 ** (place * width), float(number))
        for place, number in sorted(process.buckets.items())
    ]
    zero = [(-ZERO_THRESHOLD, ZERO_THRESHOLD, float(process.zeros))] if process.zeros else []
    return buckets(*zero, *rows, count=process.count)


HALF_TO_FOUR = buckets((0.5, 1, 10), (1, 2, 20), (2, 4, 5))


@pytest.mark.parametrize(
    ("given_buckets", "threshold", "expected"),
    [
        pytest.param(
            HALF_TO_FOUR, 1.0, Split(35, 25, 0), id="a boundary is exact: it belongs to the bucket below"
        ),
        pytest.param(HALF_TO_FOUR, 0.3, Split(35, 35, 0), id="below all of them"),
        pytest.param(HALF_TO_FOUR, 4.0, Split(35, 0, 0), id="at the end of all of them"),
        pytest.param(
            HALF_TO_FOUR, 2**0.5, Split(35, 15, 20), id="the middle of a bucket is its geometric mean"
        ),
        pytest.param(
            buckets((0.5, 1, 10), (4, 8, 5)), 2.0, Split(15, 5, 0), id="where no bucket is populated"
        ),
        pytest.param(
            buckets((-0.25, 0.25, 8)), 0.0625, Split(8, 6, 8), id="around zero it is linear from zero"
        ),
        pytest.param(buckets((2, INF, 3)), 8.0, Split(3, 3, 3), id="without an end all are above"),
        pytest.param(buckets((1, 2, 3), count=5), 2.0, Split(5, 2, 0), id="what is not a number is not fast"),
        pytest.param(buckets(), 1.0, Split(0, 0, 0), id="nothing yet"),
    ],
)
def test_a_threshold_splits_the_events(given_buckets: Buckets, threshold: float, expected: Split) -> None:
    found = given_buckets.split(threshold)
    assert (found.count, found.unclear) == (expected.count, expected.unclear)
    assert found.over == pytest.approx(expected.over, rel=1e-12)


FINE = buckets((1, 2**0.5, 4), (2**0.5, 2, 6))


@pytest.mark.parametrize(
    ("before", "after", "number"),
    [
        pytest.param(FINE, FINE, [4, 6], id="nothing happened"),
        pytest.param(
            FINE, buckets((0.5, 2**-0.5, 1), (1, 2**0.5, 4), (2**0.5, 2, 7)), [0, 4, 6], id="events"
        ),
        pytest.param(FINE, buckets((1, 2, 11)), [10], id="buckets were merged"),
        pytest.param(
            buckets((-0.5, 0.5, 1), (0.5, 1, 2)), buckets((-1, 1, 3)), [3], id="the zero bucket grew"
        ),
        pytest.param(buckets(), FINE, [0, 0], id="the first events"),
        pytest.param(FINE, buckets((1, 2**0.5, 3), (2**0.5, 2, 90)), None, id="one bucket fell"),
        pytest.param(FINE, buckets((2**0.5, 2, 90)), None, id="one bucket is gone"),
        pytest.param(FINE, buckets((2, 4, 90)), None, id="all are gone"),
        pytest.param(FINE, buckets(count=20), None, id="no bucket is left"),
        pytest.param(buckets((1, 2, 10)), FINE, None, id="a finer resolution is a new beginning"),
        pytest.param(buckets((1, 2, 1), count=9), buckets((1, 2, 1), count=8), None, id="the count fell"),
    ],
)
def test_what_was_before_in_terms_of_what_is_now(
    before: Buckets, after: Buckets, number: list[float] | None
) -> None:
    found = after.since(before)
    assert (None if found is None else found.number.tolist()) == number
    assert found is None or found.count == before.count


durations = st.lists(st.floats(0, 60, width=32), max_size=40).map(
    lambda found: np.array(found, dtype=np.float64)
)
thresholds = st.floats(1e-6, 100)


def observed(found: np.ndarray, schema: int = 3) -> Histogram:
    process = Histogram(schema)
    process.observe(found)
    return process


@given(durations, thresholds, thresholds, st.integers(-2, 8))
def test_a_larger_threshold_never_has_more_above_it(
    found: np.ndarray, one: float, other: float, schema: int
) -> None:
    given_buckets = sample(observed(found, schema))
    low, high = (given_buckets.split(threshold) for threshold in sorted((one, other)))
    assert 0 <= high.over <= low.over * (1 + 1e-12) <= low.count * (1 + 1e-12)


@given(durations, thresholds, st.integers(-2, 8))
def test_the_truth_lies_within_the_bucket_that_holds_the_threshold(
    found: np.ndarray, threshold: float, schema: int
) -> None:
    split = sample(observed(found, schema)).split(threshold)
    above = int((found > threshold).sum())
    assert abs(split.over - above) <= split.unclear * (1 + 1e-9) + 1e-9


@given(durations, st.integers(-4, 6), st.integers(0, 8))
def test_a_power_of_two_is_exact_at_any_resolution(found: np.ndarray, power: int, schema: int) -> None:
    split = sample(observed(found, schema)).split(2.0**power)
    assert (split.over, split.unclear) == ((found > 2.0**power).sum(), 0)


def counters(
    samples: Sequence[Buckets], threshold: float, begin: int, before: Buckets | None
) -> list[RawSeries]:
    found = course(list(samples), threshold, before)
    times = (np.arange(len(samples)) + begin) * MINUTE
    return [
        RawSeries(1, 1, 0, times, found.count, before=found.count_before),
        RawSeries(2, 0, 1, times, found.over, found.over_before, found.approximate, part=True),
    ]


def sums_of(samples: Sequence[Buckets], threshold: float, chunks: Sequence[int]) -> tuple[float, float]:
    """(events, above) after the first sample, read in chunks that begin at these places."""
    cursors: dict[int, Cursor] = {}
    total = bad = 0.0
    edges = [0, *chunks, len(samples)]
    for begin, stop in pairwise(edges):
        before = samples[begin - 1] if begin else None
        found = differences(counters(samples[begin:stop], threshold, begin, before), cursors)
        gained = increments(found, scrape=MINUTE, born_after=1 << 50)
        total, bad = total + gained.total.sum(), bad + gained.bad.sum()
        cursors |= found.cursors
    return total, bad


steps = st.tuples(durations, st.sampled_from(["on", "on", "on", "coarsen", "restart"]))


@given(st.lists(steps, min_size=2, max_size=8), thresholds, st.data())
def test_a_lifetime_adds_up_however_it_is_read(
    lifetime: list[tuple[np.ndarray, str]], threshold: float, data: st.DataObject
) -> None:
    process, samples, seen = Histogram(), [], []
    for found, what in lifetime:
        if what == "restart":
            process = Histogram()
        elif what == "coarsen" and process.schema > -2:
            process.coarsen()
        process.observe(found)
        samples.append(sample(process))
        seen.append(found)
    cuts = sorted(data.draw(st.sets(st.integers(1, len(samples) - 1))))
    whole = sums_of(samples, threshold, [])
    assert sums_of(samples, threshold, cuts) == pytest.approx(whole, abs=1e-9)
    assert 0 <= whole[1] <= whole[0] * (1 + 1e-12) + 1e-9


@given(st.lists(durations, min_size=2, max_size=8), st.integers(-4, 6), st.data())
def test_a_lifetime_at_a_boundary_is_the_truth(
    lifetime: list[np.ndarray], power: int, data: st.DataObject
) -> None:
    process, samples = Histogram(5), []
    for found in lifetime:
        if process.schema > 0 and data.draw(st.booleans()):
            process.coarsen()
        process.observe(found)
        samples.append(sample(process))
    after = np.concatenate(lifetime[1:])
    assert sums_of(samples, 2.0**power, []) == (len(after), (after > 2.0**power).sum())


def test_a_restart_that_one_bucket_shows_counts_for_both() -> None:
    before, after = buckets((0.5, 1, 2), (1, 2, 1)), buckets((0.5, 1, 1), (1, 2, 3))
    assert sums_of([before, after], 1.0, [1]) == (4, 3)


def test_merged_buckets_that_nobody_saw_cost_no_more_than_the_events_there_were() -> None:
    before, after = buckets((1, 2**0.5, 400), (2**0.5, 2, 600)), buckets((1, 2, 1003))
    first, second = (counters([one], 1.5, place, None) for place, one in enumerate((before, after)))
    cursors = differences(first, {}).cursors
    gained = increments(differences(second, cursors), scrape=MINUTE, born_after=1 << 50)
    assert (gained.total.sum(), 0 <= gained.bad.sum() <= 3) == (3, True)


@pytest.mark.parametrize(
    ("threshold", "flags"),
    [
        pytest.param(1.0, [1, 1, 1], id="a boundary is never approximate"),
        pytest.param(1.5, [1, 1, 5], id="only where events were added to the bucket that holds it"),
    ],
)
def test_what_was_divided_is_approximate(threshold: float, flags: list[int]) -> None:
    samples = [
        buckets((0.5, 1, 5), (1, 2, 5)),
        buckets((0.5, 1, 9), (1, 2, 5)),
        buckets((0.5, 1, 9), (1, 2, 6)),
    ]
    gained = increments(
        differences(counters(samples, threshold, 0, None), {}), scrape=MINUTE, born_after=1 << 50
    )
    assert gained.flags.tolist() == flags
    assert Flag.APPROXIMATE | Flag.MEASURED == 5
