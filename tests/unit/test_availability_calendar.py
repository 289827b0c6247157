"""The budget of a calendar period: divided by what the whole period will bring, and new with the next."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekeeper.availability.burn import PAGE_ROWS
from gatekeeper.availability.forecast import Forecast, thaw
from gatekeeper.availability.ledger import Flag, Slices, end_of, ending_at
from gatekeeper.availability.measure import Evidence, Measured, Unmeasured, measure, reach
from gatekeeper.availability.remaining import WEEK, remaining_at, to_come
from gatekeeper.policy.objective import CalendarWindow
from ledgers import drawn, followed

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
MONTH = CalendarWindow(calendar="month")
PARIS = CalendarWindow(calendar="month", timezone="Europe/Paris")
NOVEMBER, DECEMBER = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
ALLOWED = 0.001
MINUTES = 30 * 1440
"""Of November in UTC."""


def constant(start: datetime, end: datetime, total: float = 100.0, bad: float = 0.0) -> Slices:
    first, stop = ending_at(start) + 1, ending_at(end) + 1
    count = stop - first
    return Slices(first, np.full(count, total), np.full(count, bad), np.full(count, 1, dtype=np.uint8))


def with_bad(slices: Slices, at: datetime, bad: float) -> Slices:
    """The same with bad events in the slice that begins at an instant."""
    slices.bad[ending_at(at) + 1 - slices.first] = bad
    return slices


def evidence(
    slices: Slices, now: datetime, window: CalendarWindow = MONTH, quiet: timedelta = 72 * HOUR
) -> Evidence:
    return measure(
        slices,
        allowed=ALLOWED,
        window=window,
        now=now,
        history_start=None,
        quiet_s=int(quiet.total_seconds()),
    )


def measured(slices: Slices, now: datetime, window: CalendarWindow = MONTH) -> Measured:
    found = evidence(slices, now, window)
    assert isinstance(found, Measured)
    return found


def test_three_errors_on_the_first_of_the_month_are_not_most_of_its_budget() -> None:
    """4,000 events are over of 4,320,000: 3 bad ones are 75 % of the budget so far, and 0.07 % of the month's."""
    now = NOVEMBER + 40 * MINUTE
    found = measured(with_bad(constant(NOVEMBER - 10 * DAY, now), NOVEMBER + 5 * MINUTE, 3), now)
    assert (found.window_start, found.window_end, found.resets_at) == (NOVEMBER, now, DECEMBER)
    assert (found.total, found.bad, found.to_come) == (4_000, 3, 100 * MINUTES - 4_000)
    assert found.remaining == pytest.approx(1 - 3 / (0.001 * 100 * MINUTES), abs=1e-12)
    assert found.availability == 1 - 3 / 4_000


def test_the_budget_is_new_with_the_next_period() -> None:
    slices = with_bad(constant(NOVEMBER, DECEMBER + 2 * DAY), NOVEMBER + DAY, 5_000)
    last, first = measured(slices, DECEMBER), measured(slices, DECEMBER + MINUTE)
    assert last.remaining == pytest.approx(1 - 5_000 / 4_320, abs=1e-12)
    assert (last.window_start, last.resets_at, last.to_come) == (NOVEMBER, DECEMBER, 0)
    assert first.remaining == 1
    assert (first.window_start, first.bad) == (DECEMBER, 0)
    assert first.incidents == ()
    assert first.positive_since == DECEMBER


def test_a_period_is_that_of_its_time_zone() -> None:
    now = datetime(2026, 11, 30, 23, 30, tzinfo=UTC)
    slices = constant(NOVEMBER, now)
    assert measured(slices, now).window_start == NOVEMBER
    found = measured(slices, now, PARIS)
    assert found.window_start == datetime(2026, 11, 30, 23, tzinfo=UTC)
    assert found.resets_at == datetime(2026, 12, 31, 23, tzinfo=UTC)


def test_before_its_first_event_a_period_has_a_budget_and_no_availability() -> None:
    now = NOVEMBER + 3 * MINUTE
    slices = followed(constant(NOVEMBER - 10 * DAY, NOVEMBER), drawn("_??"))
    found = measured(slices, now)
    assert (found.availability, found.total, found.remaining) == (None, 0, 1)
    assert found.coverage == pytest.approx(58 / 60), "its first minutes are judged with the hour before"
    assert (found.watermark, found.partial_since) == (NOVEMBER + MINUTE, None)


def test_silence_is_still_no_number() -> None:
    nothing = Slices.unknown(ending_at(NOVEMBER) + 1, 3)
    assert isinstance(evidence(nothing, NOVEMBER + 3 * MINUTE), Unmeasured)
    idle = constant(NOVEMBER - 10 * DAY, NOVEMBER + 3 * MINUTE, total=0.0)
    found = evidence(idle, NOVEMBER + 3 * MINUTE)
    assert isinstance(found, Unmeasured)
    assert found.reason == "no traffic"


def test_an_incident_costs_a_share_of_the_whole_periods_budget() -> None:
    now = NOVEMBER + 2 * HOUR
    found = measured(with_bad(constant(NOVEMBER - 10 * DAY, now), NOVEMBER + HOUR, 100), now)
    (incident,) = found.incidents
    assert incident.budget_share == pytest.approx(100 / 4_320)


@settings(deadline=None, max_examples=30)
@given(
    seed=st.integers(0, 2**32 - 1),
    unmeasured=st.floats(0, 0.9),
    ahead=st.integers(0, 5 * WEEK),
)
def test_what_is_to_come_repeats_the_week_before(seed: int, unmeasured: float, ahead: int) -> None:
    rng = np.random.default_rng(seed)
    flags = (rng.random(WEEK + 40) >= unmeasured).astype(np.uint8)
    total = rng.integers(0, 50, WEEK + 40).astype(np.float64) * flags
    slices = Slices(7, total, np.zeros(WEEK + 40), flags)
    stop = slices.stop
    found = to_come(slices, stop - 3, stop, stop - 1 + ahead)
    for place, after in enumerate(range(stop - 3, stop)):
        week = slices.between(after + 1 - WEEK, after + 1)
        mean = week.total.sum() / max(week.flags.sum(), 1)
        repeated = np.resize(np.where(week.having(Flag.MEASURED), week.total, mean), stop - 1 + ahead - after)
        assert found[place] == pytest.approx(repeated.sum(), rel=1e-9)


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 2**32 - 1), hours=st.integers(1, 29 * 24))
def test_what_was_left_at_an_instant_is_what_was_measured_then(seed: int, hours: int) -> None:
    rng = np.random.default_rng(seed)
    slices = constant(NOVEMBER - 10 * DAY, DECEMBER)
    slices.total[:] = rng.integers(0, 50, len(slices))
    slices.bad[:] = np.minimum(slices.total, rng.poisson(0.02, len(slices)))
    now = NOVEMBER + hours * HOUR
    last = ending_at(now)
    left = remaining_at(slices, MONTH, ALLOWED, last - 70, last + 1)
    for place, index in enumerate(range(last - 70, last + 1)):
        if end_of(index) <= NOVEMBER:
            assert np.isnan(left[place]) or left[place] == 1
        else:
            assert left[place] == measured(slices.between(slices.first, index + 1), end_of(index)).remaining


@settings(deadline=None, max_examples=30)
@given(bad=st.integers(0, 400), more=st.integers(1, 400), hours=st.integers(1, 29 * 24))
def test_more_bad_events_never_leave_more_of_a_period(bad: int, more: int, hours: int) -> None:
    now = NOVEMBER + hours * HOUR
    one = measured(with_bad(constant(NOVEMBER - 10 * DAY, now), now - MINUTE, bad), now)
    two = measured(with_bad(constant(NOVEMBER - 10 * DAY, now), now - MINUTE, bad + more), now)
    assert two.remaining < one.remaining
    exact = 1 - Fraction(bad) / (Fraction(1, 1000) * 100 * MINUTES)
    assert Fraction(one.remaining) == pytest.approx(exact, abs=1e-12)


def test_how_far_back_the_ledger_is_read() -> None:
    quiet = 72 * 3600
    assert reach(MONTH, quiet, NOVEMBER + HOUR) == 10 * DAY, "a week of traffic and the quiet time"
    assert reach(MONTH, quiet, NOVEMBER + 20 * DAY) == 20 * DAY
    assert reach(CalendarWindow(calendar="week"), 0, NOVEMBER + 20 * DAY) == 7 * DAY


def forecast(slices: Slices, now: datetime, window: CalendarWindow = MONTH, above: float = 0.1) -> Forecast:
    """Without its spread."""
    return replace(thaw(slices, ALLOWED, window, above, 72 * 3600, now, cooled=PAGE_ROWS), spread=None)


def test_a_freeze_of_a_spent_period_ends_with_it() -> None:
    now = NOVEMBER + 10 * DAY
    slices = with_bad(constant(NOVEMBER - 10 * DAY, now), now - 2 * DAY, 5_000)
    assert forecast(slices, now) == Forecast(DECEMBER + MINUTE, "above", ())


def test_the_reset_is_that_of_the_time_zone() -> None:
    now = NOVEMBER + 10 * DAY
    slices = with_bad(constant(NOVEMBER - 10 * DAY, now), now - 2 * DAY, 5_000)
    assert forecast(slices, now, PARIS).at == datetime(2026, 11, 30, 23, 1, tzinfo=UTC)


def test_a_burn_outlasts_the_reset_until_it_has_cooled() -> None:
    """100 bad events in the hour before midnight burn at 16.7, and the month's threshold is 14.4."""
    slices = with_bad(constant(NOVEMBER, DECEMBER - 30 * MINUTE), DECEMBER - HOUR, 100)
    found = forecast(slices, DECEMBER - 30 * MINUTE, above=0.99)
    assert found.at == DECEMBER + MINUTE


def test_a_fast_burn_alone_ends_when_it_has_cooled() -> None:
    now = NOVEMBER + 10 * DAY
    slices = with_bad(constant(NOVEMBER - 10 * DAY, now), now - 30 * MINUTE, 100)
    assert forecast(slices, now) == Forecast(now + 31 * MINUTE, "above", ())


def test_a_little_budget_kept_for_long_enough_ends_a_freeze_within_the_period() -> None:
    """5 % are left since the third, and the six hours after the incident are calm by then."""
    slices = with_bad(constant(NOVEMBER - 10 * DAY, NOVEMBER + 40 * HOUR), NOVEMBER + 39 * HOUR, 4_104)
    found = forecast(slices, NOVEMBER + 40 * HOUR)
    assert found == Forecast(NOVEMBER + 72 * HOUR, "quiet", ())


@settings(deadline=None, max_examples=20)
@given(
    day=st.integers(1, 28),
    spent=st.floats(1.01, 3),
    above=st.sampled_from([0.1, 0.5, 0.9]),
    zone=st.sampled_from(["UTC", "Europe/Paris", "America/New_York"]),
)
def test_the_forecast_is_what_measuring_says_later(day: int, spent: float, above: float, zone: str) -> None:
    """Traffic that repeats, nothing new that goes bad: the first end of a slice at which enough is left."""
    window = CalendarWindow(calendar="month", timezone=zone)
    now = datetime(2026, 10, day, 12, tzinfo=UTC)
    slices = with_bad(constant(now - 60 * DAY, now), now - 3 * HOUR, np.floor(spent * 0.1 * 31 * 1440))
    found = thaw(slices, ALLOWED, window, above, 72 * 3600, now)
    assert found.at is not None
    future = followed(slices, constant(now, now + 40 * DAY))
    later = measured(future.between(slices.first, ending_at(found.at) + 1), found.at, window)
    assert later.remaining >= above
    if found.at > now:
        before = measured(future.between(slices.first, ending_at(found.at)), found.at - MINUTE, window)
        assert before.remaining < above
