"""Intervals answer what holds for all of their values, and nothing else."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from operator import add, ge, gt, le, lt, mul, sub, truediv
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.decide.backtest.interval import Interval, Unbounded, UndecidedError, between

NUMBERS = st.integers(-20, 20).map(float)


@st.composite
def values(draw: st.DrawFn) -> tuple[Any, list[float]]:
    """An interval or a number, and some values in it, the ends among them."""
    low, high = sorted((draw(NUMBERS), draw(NUMBERS)))
    inside = draw(st.lists(st.floats(low, high), max_size=3))
    return between(low, high), [low, high, *inside]


@given(values(), values(), st.sampled_from([lt, le, gt, ge]))
def test_a_comparison_that_is_answered_holds_for_all_values(
    one: tuple[Any, list[float]], two: tuple[Any, list[float]], compare: Callable[[Any, Any], bool]
) -> None:
    found = {compare(left, right) for left in one[1] for right in two[1]}
    try:
        answer = compare(one[0], two[0])
    except UndecidedError:
        assert found == {True, False}
    else:
        assert found == {answer}


@given(values(), values(), st.sampled_from([add, sub, mul, truediv]))
def test_a_result_holds_all_results(
    one: tuple[Any, list[float]], two: tuple[Any, list[float]], operate: Callable[[Any, Any], Any]
) -> None:
    try:
        found = operate(one[0], two[0])
    except (UndecidedError, ZeroDivisionError):
        assert operate is truediv
        assert min(two[1]) <= 0 <= max(two[1])
        return
    low, high = (found.low, found.high) if isinstance(found, Interval) else (found, found)
    assert all(low <= operate(left, right) <= high for left in one[1] for right in two[1])


@pytest.mark.parametrize(
    "ask",
    [
        pytest.param(lambda one: one == 2.0, id="equal to a value inside"),
        pytest.param(lambda one: one < 2.0, id="less than a value inside"),
        pytest.param(lambda one: max(one, 2.0), id="the greater of it and a value inside"),
        pytest.param(lambda one: f"{one:.1f}", id="its text"),
        pytest.param(float, id="as one number"),
        pytest.param(hash, id="its hash"),
        pytest.param(lambda one: bool(one - 2.0), id="whether it is nothing, when it may be"),
        pytest.param(lambda one: 1.0 / (one - 2.0), id="division by what may be nothing"),
        pytest.param(lambda one: (one - 2.0) ** 0.5, id="the root of what may be negative"),
    ],
)
def test_what_the_bounds_do_not_decide_is_refused(ask: Callable[[Any], Any]) -> None:
    with pytest.raises(UndecidedError):
        ask(Interval(1.0, 3.0))


@pytest.mark.parametrize(
    "ask",
    [
        pytest.param(bool, id="whether it is nothing"),
        pytest.param(list, id="what it holds"),
        pytest.param(lambda one: one.start, id="a part of it"),
        pytest.param(lambda one: one < 1, id="whether it is less"),
        pytest.param(lambda one: 1 - one, id="a difference"),
        pytest.param(str, id="its text"),
    ],
)
def test_nothing_is_known_of_the_unbounded(ask: Callable[[Any], Any]) -> None:
    with pytest.raises(UndecidedError):
        ask(Unbounded())


def test_instants_and_lengths_of_time_are_bounded_alike() -> None:
    noon, hour = datetime(2026, 11, 2, 12, tzinfo=UTC), timedelta(hours=1)
    since = Interval(noon - 2 * hour, noon - hour)
    length = noon - since
    assert (length.low, length.high) == (hour, 2 * hour)
    assert length >= hour
    assert length.total_seconds() > 3599
    assert since < noon
    assert bool(since)
    assert ((2 * hour) / length).high == 2


def test_an_interval_of_one_value_is_that_value() -> None:
    assert between(2.0, 2.0) == 2.0
    assert not isinstance(Interval(1.0, 3.0) - Interval(1.0, 3.0), float)
