"""Adjusted slices: what counts, what does not, and that the ledger's own are left alone."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.availability.adjustment import Failure, adjust, effects, failures
from gatekeeper.availability.incidents import find, reliability
from gatekeeper.availability.ledger import STEP, Slices
from gatekeeper.availability.measure import Measured, Unmeasured, measure
from gatekeeper.availability.remaining import WEEK, to_come
from gatekeeper.availability.window import Rolling
from ledgers import EVENTS, MIDNIGHT, drawn, stretches

MINUTE = timedelta(minutes=1)
ALLOWED = 0.01


@dataclass(frozen=True)
class Adjustment:
    start: datetime
    end: datetime
    treatment: Literal["up", "excluded"] = "up"
    reason: str = "maintenance"


def minutes(first: int, stop: int, treatment: Literal["up", "excluded"] = "up") -> Adjustment:
    return Adjustment(MIDNIGHT + first * MINUTE, MIDNIGHT + stop * MINUTE, treatment)


@pytest.mark.parametrize(
    ("adjustment", "total", "bad", "expected", "measured"),
    [
        pytest.param(
            minutes(1, 3), 5 * EVENTS, 100, 6, 5, id="what is up keeps its events, all of them good"
        ),
        pytest.param(
            minutes(1, 3, "excluded"), 3 * EVENTS, 100, 4, 3, id="what is excluded is not looked for"
        ),
        pytest.param(minutes(3, 4, "excluded"), 5 * EVENTS, 300, 5, 5, id="a gap that is excluded is no gap"),
        pytest.param(minutes(3, 4), 5 * EVENTS, 300, 6, 5, id="a gap that is up stays unknown"),
        pytest.param(minutes(6, 9, "excluded"), 5 * EVENTS, 300, 6, 5, id="what lies behind touches nothing"),
        pytest.param(minutes(-3, 0, "excluded"), 5 * EVENTS, 300, 6, 5, id="nor what lies before"),
        pytest.param(
            minutes(-9, 2), 5 * EVENTS, 200, 6, 5, id="one that began before counts as far as it goes"
        ),
        pytest.param(minutes(5, 99), 5 * EVENTS, 200, 6, 5, id="and one that goes on"),
    ],
)
def test_the_sums(adjustment: Adjustment, total: float, bad: float, expected: int, measured: int) -> None:
    found = adjust(drawn(".xx?.x"), [adjustment]).sums()
    assert (found.total, found.bad, found.expected, found.measured) == (total, bad, expected, measured)


@given(stretches(min_size=1), st.integers(-5, 70), st.integers(1, 70), st.sampled_from(["up", "excluded"]))
def test_nothing_but_the_stretch_changes(
    slices: Slices, first: int, length: int, treatment: Literal["up", "excluded"]
) -> None:
    kept = arrays(slices)
    found = adjust(slices, [minutes(first, first + length, treatment)])
    outside = np.ones(len(slices), dtype=bool)
    outside[max(first, 0) : max(first + length, 0)] = False
    assert np.array_equal(arrays(slices)[:, outside], arrays(found)[:, outside])
    assert not found.bad[~outside].any()
    assert found.sums().bad <= slices.sums().bad
    assert found.watermark == slices.watermark
    assert np.array_equal(arrays(slices), kept)
    again = adjust(found, [minutes(first, first + length, treatment)])
    assert np.array_equal(arrays(again), arrays(found))


def arrays(slices: Slices) -> npt.NDArray[np.float64]:
    """A copy of total, bad and flags, a row each."""
    return np.array([slices.total, slices.bad, slices.flags], dtype=np.float64)


def evidence(slices: Slices, *adjustments: Adjustment) -> Measured | Unmeasured:
    adjusted = adjust(slices, adjustments)
    return measure(
        adjusted,
        allowed=ALLOWED,
        window=Rolling(len(slices) * MINUTE),
        now=MIDNIGHT + len(slices) * MINUTE,
        history_start=None,
        quiet_s=0,
    )


def test_counting_as_up_leaves_the_budget_as_large_and_excluding_shrinks_it() -> None:
    """Datadog's example: 60 of 10,080 minutes down, in a week of which a day is adjusted."""
    week = drawn("x" * 60 + "." * (10_080 - 60))
    day = (5_000, 5_000 + 1_440)
    found = [evidence(week, *each) for each in ((), (minutes(*day),), (minutes(*day, "excluded"),))]
    bad = [one.bad / one.total for one in found if isinstance(one, Measured)]
    assert bad[0] == bad[1] == pytest.approx(0.1 * 60 / 10_080)
    assert bad[2] == pytest.approx(0.1 * 60 / 8_640)


def test_excluded_time_is_neither_up_nor_down() -> None:
    slices = drawn("." * 40 + "x" * 10 + "." * 50)
    plain, adjusted = slices, adjust(slices, [minutes(30, 60, "excluded")])
    assert reliability(plain, find(plain, ALLOWED)).mtbf_s == 90 * STEP
    assert find(adjusted, ALLOWED) == ()
    assert reliability(adjusted, ()).mtbf_s == 70 * STEP / 3


def test_a_window_with_nothing_else_in_it_is_unmeasured() -> None:
    assert isinstance(evidence(drawn("x" * 10), minutes(0, 10, "excluded")), Unmeasured)


def test_an_excluded_present_is_not_stale() -> None:
    found = evidence(drawn("." * 10 + "x" * 5), minutes(10, 15, "excluded"))
    assert isinstance(found, Measured)
    assert found.watermark == MIDNIGHT + 15 * MINUTE
    assert (found.bad, found.total, found.coverage) == (0, 10 * EVENTS, 1.0)


EXCLUDED_DAY = (5_000, 5_000 + 1_440)


def test_traffic_to_come_is_that_of_the_time_that_counted() -> None:
    week = drawn("." * WEEK)
    adjusted = adjust(week, [minutes(*EXCLUDED_DAY, "excluded")])
    at = (week.stop - 1, week.stop, week.stop - 1 + 3 * WEEK)
    assert to_come(adjusted, *at) == to_come(week, *at) == 3 * WEEK * EVENTS


def test_incidents_are_named_by_what_covers_them() -> None:
    slices = drawn("." * 10 + "x" * 5 + "." * 10 + "x" * 5 + "." * 10)
    incidents = find(slices, ALLOWED)
    later, first, before = minutes(27, 50, "excluded"), minutes(5, 20), minutes(-9, 0)
    found = list(effects(slices, [later, first, before], incidents))
    assert [one.start for one in found] == [first.start, later.start]
    assert [one.incidents for one in found] == [incidents[:1], incidents[1:]]
    assert [(one.bad, one.total) for one in found] == [(500, 15 * EVENTS), (300, 13 * EVENTS)]


@pytest.mark.parametrize(
    ("stretches", "left"),
    [
        pytest.param([minutes(5, 20)], [5], id="one that ends in the middle of it"),
        pytest.param([minutes(20, 40)], [10], id="one that begins in the middle of it"),
        pytest.param([minutes(14, 21)], [4, 4], id="one inside it, so that two incidents are left"),
        pytest.param([minutes(5, 30)], [], id="one that covers it"),
        pytest.param([minutes(5, 14), minutes(20, 40)], [6], id="two that cover a part each"),
    ],
)
def test_an_incident_that_an_adjustment_covers_in_part_is_one(
    stretches: list[Adjustment], left: list[int]
) -> None:
    slices = drawn("." * 10 + "x" * 15 + "." * 15 + "x" * 5)
    whole, other = find(slices, ALLOWED)
    counted = find(adjust(slices, stretches), ALLOWED)
    found, later = failures(counted, list(effects(slices, stretches, (whole, other))))
    assert (found.incident, found.reasons) == (whole, ("maintenance",))
    assert [one.bad for one in found.counted] == [100 * length for length in left]
    assert later == Failure(other, (counted[-1],), ())
