"""The demo's clock: real time, fast, ahead, and never back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.demo.clock import DemoClock, real_time

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


class Seconds:
    """Real seconds that a test lets pass."""

    passed = 0.0

    def __call__(self) -> float:
        return self.passed


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def clock(seconds: Seconds) -> DemoClock:
    return DemoClock(NOON, monotonic=seconds)


def test_it_begins_in_real_time(clock: DemoClock, seconds: Seconds) -> None:
    seconds.passed += 90
    assert (clock(), clock.speed) == (NOON + timedelta(seconds=90), 1)


def test_what_passed_stays_when_the_speed_changes(clock: DemoClock, seconds: Seconds) -> None:
    seconds.passed += 10
    clock.run(60)
    seconds.passed += 10
    clock.run(1)
    seconds.passed += 10
    assert clock() == NOON + timedelta(seconds=10 + 600 + 10)


def test_a_jump_keeps_the_speed(clock: DemoClock, seconds: Seconds) -> None:
    clock.run(60)
    clock.jump(NOON + timedelta(days=3))
    seconds.passed += 1
    assert clock() == NOON + timedelta(days=3, minutes=1)


@pytest.mark.parametrize(
    "speed", [pytest.param(0, id="it cannot stand"), pytest.param(-1, id="it cannot run back")]
)
def test_it_only_goes_forward(clock: DemoClock, speed: float) -> None:
    with pytest.raises(ValueError, match="cannot run"):
        clock.run(speed)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["wait", "run", "jump"]),
            st.floats(min_value=0.01, max_value=1e5, allow_nan=False),
        )
    )
)
def test_it_never_runs_back(acts: list[tuple[str, float]]) -> None:
    seconds = Seconds()
    clock = DemoClock(NOON, monotonic=seconds)
    last = clock()
    for act, amount in acts:
        if act == "wait":
            seconds.passed += amount
        elif act == "run":
            clock.run(amount)
        else:
            clock.jump(NOON + timedelta(seconds=amount))
        assert clock() >= last
        last = clock()


def test_real_time_is_aware() -> None:
    assert real_time().tzinfo is UTC
