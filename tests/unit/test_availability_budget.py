"""The error budget: exact where it decides, never clamped, never a number for nothing."""

import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.availability.budget import availability, remaining, remaining_each

SHARES = st.integers(1, 9999).map(lambda parts: Decimal(parts) / 10**4) | st.integers(1, 10**5 - 1).map(
    lambda parts: Decimal(parts) / 10**5
)


@pytest.mark.parametrize(
    ("bad", "total", "allowed", "left"),
    [
        pytest.param(0, 1_000_000, 0.001, 1.0, id="nothing bad leaves all of it"),
        pytest.param(250, 1_000_000, 0.001, 0.75, id="a quarter spent"),
        pytest.param(1000, 1_000_000, 0.001, 0.0, id="spent to the last event is exactly nothing"),
        pytest.param(1049, 1_000_000, 0.001, -0.049, id="just over is not rounded to nothing"),
        pytest.param(1_000_000, 1_000_000, 0.001, -999.0, id="a total outage is not clamped"),
        pytest.param(4, 10_000_000, 0.00001, 0.96, id="four of ten million count at five nines"),
    ],
)
def test_the_share_left(bad: float, total: float, allowed: float, left: float) -> None:
    assert remaining(bad, total, allowed) == left


@given(SHARES, st.integers(1, 10**6))
def test_whatever_the_target_a_spent_budget_is_exactly_nothing(share: Decimal, times: int) -> None:
    spent, total = (float(part * times) for part in share.as_integer_ratio())
    assert remaining(spent, total, float(share)) == 0
    assert remaining(spent + 1, total, float(share)) < 0 < remaining(spent - 1, total, float(share))


@given(SHARES, st.integers(1, 10**9), st.integers(0, 10**9))
def test_it_is_the_exact_share_rounded_once(share: Decimal, total: int, bad: int) -> None:
    exact = 1 - Fraction(bad) / (Fraction(share) * total)
    assert remaining(bad, total, float(share)) == float(exact)


@given(SHARES, st.floats(1, 1e12), st.floats(0, 1e12), st.floats(0, 1e12))
def test_more_bad_events_never_leave_more(share: Decimal, total: float, bad: float, more: float) -> None:
    assert remaining(bad + more, total, float(share)) <= remaining(bad, total, float(share))


@given(SHARES, st.lists(st.tuples(st.floats(0, 1e9), st.just(0.0) | st.floats(1e-6, 1e9)), max_size=20))
def test_many_at_once_are_bit_for_bit_the_same(share: Decimal, counts: list[tuple[float, float]]) -> None:
    bad, total = (np.array([pair[side] for pair in counts], dtype=np.float64) for side in (0, 1))
    for left, each_bad, each_total in zip(remaining_each(bad, total, float(share)), bad, total, strict=True):
        if each_total > 0:
            assert left == remaining(float(each_bad), float(each_total), float(share))
        else:
            assert math.isnan(left)


@pytest.mark.parametrize(
    ("total", "allowed", "message"),
    [
        pytest.param(0.0, 0.001, "no share of 0.0 events", id="no events have no share"),
        pytest.param(-1.0, 0.001, "no share of -1.0 events", id="fewer than none neither"),
        pytest.param(math.nan, 0.001, "no share of nan events", id="not a number neither"),
        pytest.param(10.0, 0.0, "above 0 and at most 1", id="a target of 100 % leaves no budget"),
        pytest.param(10.0, -0.1, "above 0 and at most 1", id="a target above 100 % leaves none"),
        pytest.param(10.0, 1.1, "above 0 and at most 1", id="a target below 0 is none"),
    ],
)
def test_what_has_no_budget_is_refused(total: float, allowed: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        remaining(0.0, total, allowed)


def test_availability_is_the_share_of_good_events() -> None:
    assert availability(1, 4) == 0.75
    with pytest.raises(ValueError, match="no share"):
        availability(0, 0)
