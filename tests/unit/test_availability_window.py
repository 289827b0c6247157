"""Calendar periods against the calendar itself: contiguous, from midnight to midnight, also where clocks move."""

import zoneinfo
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.availability.window import Period, Rolling, Unit, calendar_period, longest_period

UNITS: tuple[Unit, ...] = ("week", "month", "quarter")
ZONES = sorted(zoneinfo.available_timezones() - {"Factory", "localtime"})
TICK = timedelta(microseconds=1)

instants = st.integers(0, 3_600 * 24 * 36_500).map(
    lambda seconds: datetime(1980, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)


def at(text: str, zone: str = "UTC") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


@given(instants, st.sampled_from(UNITS), st.sampled_from(ZONES))
def test_every_instant_lies_in_one_period_and_periods_leave_no_gap(
    instant: datetime, unit: Unit, zone: str
) -> None:
    period = calendar_period(unit, zone, instant)
    assert period.start < instant <= period.end
    assert calendar_period(unit, zone, period.end) == period
    assert calendar_period(unit, zone, period.start + TICK) == period
    assert calendar_period(unit, zone, period.end + TICK).start == period.end
    assert calendar_period(unit, zone, period.start).end == period.start
    assert period.end - period.start <= longest_period(unit)


@given(instants, st.sampled_from(UNITS), st.sampled_from(ZONES))
def test_a_period_begins_with_its_first_day(instant: datetime, unit: Unit, zone: str) -> None:
    begin = (calendar_period(unit, zone, instant).start + TICK).astimezone(ZoneInfo(zone))
    if unit == "week":
        assert begin.weekday() == 0
    else:
        assert begin.day == 1
    if unit == "quarter":
        assert begin.month in {1, 4, 7, 10}


@given(instants, st.sampled_from(UNITS), st.sampled_from(ZONES))
def test_a_period_fits_the_slices_of_the_ledger(instant: datetime, unit: Unit, zone: str) -> None:
    period = calendar_period(unit, zone, instant)
    assert period.start.timestamp() % 60 == 0
    assert period.seconds % 60 == 0


@pytest.mark.parametrize(
    ("unit", "zone", "now", "start", "end", "hours"),
    [
        pytest.param(
            *("month", "Europe/Paris", "2026-03-15T12:00", "2026-03-01T00:00", "2026-04-01T00:00"),
            31 * 24 - 1,
            id="a March in Paris is an hour short",
        ),
        pytest.param(
            *("month", "Europe/Paris", "2026-10-15T12:00", "2026-10-01T00:00", "2026-11-01T00:00"),
            31 * 24 + 1,
            id="an October there has one more",
        ),
        pytest.param(
            *("month", "UTC", "2026-03-15T12:00", "2026-03-01T00:00", "2026-04-01T00:00"),
            31 * 24,
            id="in UTC no clock moves",
        ),
        pytest.param(
            *("month", "America/New_York", "2028-02-29T23:59", "2028-02-01T00:00", "2028-03-01T00:00"),
            29 * 24,
            id="the last minute of a leap February",
        ),
        pytest.param(
            *("quarter", "Europe/Paris", "2026-12-31T12:00", "2026-10-01T00:00", "2027-01-01T00:00"),
            92 * 24 + 1,
            id="the last quarter, into the next year",
        ),
        pytest.param(
            *("week", "Europe/Paris", "2026-03-29T12:00", "2026-03-23T00:00", "2026-03-30T00:00"),
            7 * 24 - 1,
            id="a week from Monday to Sunday, in which clocks go forward",
        ),
        pytest.param(
            *("week", "Asia/Kathmandu", "2026-11-23T00:00", "2026-11-16T00:00", "2026-11-23T00:00"),
            7 * 24,
            id="midnight is the end of the week before",
        ),
        pytest.param(
            *("month", "America/Asuncion", "2023-10-20T12:00", "2023-10-01T01:00", "2023-11-01T00:00"),
            31 * 24 - 1,
            id="where clocks skip the month's first midnight, it begins at one",
        ),
    ],
)
def test_a_period(unit: Unit, zone: str, now: str, start: str, end: str, hours: int) -> None:
    period = calendar_period(unit, zone, at(now, zone))
    assert period == Period(at(start, zone), at(end, zone))
    assert period.seconds == hours * 3600


def test_a_rolling_window_ends_now() -> None:
    now = at("2026-11-22T12:00")
    assert Rolling(timedelta(days=28)).at(now) == Period(at("2026-10-25T12:00"), now)
