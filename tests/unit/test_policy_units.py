from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekeeper.policy.mistake import MistakeError
from gatekeeper.policy.units import (
    format_duration,
    format_share,
    parse_duration,
    parse_lines,
    parse_per_day,
    parse_share,
    write_duration,
    write_per_day,
    write_share,
)

UNTIMED = settings(deadline=None)
"""A busy machine is no counter-example."""

SHARES = st.decimals(min_value=-100, max_value=100, places=14)
DURATIONS = st.integers(min_value=0, max_value=3650 * 86_400).map(lambda seconds: timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("written", "share"),
    [
        pytest.param("99.95%", "0.9995", id="a percentage"),
        pytest.param(" 99.95 % ", "0.9995", id="with the space that typography asks for"),
        pytest.param("-10%", "-0.10", id="a negative budget"),
        pytest.param(0, "0", id="zero needs no unit"),
        pytest.param(0.0, "0", id="nor does zero as a float"),
        pytest.param(Decimal("0.9995"), "0.9995", id="a decimal is a share already"),
    ],
)
def test_a_share_is_read_exactly(written: Any, share: str) -> None:
    assert parse_share(written) == Decimal(share)


@pytest.mark.parametrize(
    ("written", "suggestion"),
    [
        pytest.param(0.9995, "write 99.95%", id="a fraction"),
        pytest.param("0.9995", "write 99.95%", id="a fraction in quotes"),
        pytest.param(99.95, "write 99.95%", id="a percentage without its sign"),
        pytest.param("99,95%", "write 99.95%", id="a decimal comma"),
        pytest.param(1, "write 1% or 100%, whichever you mean", id="one may mean either"),
        pytest.param(True, "write a percentage, such as 99.95%", id="a boolean is no number"),
        pytest.param(float("nan"), "write a percentage, such as 99.95%", id="not a number"),
        pytest.param(1e300, "write a percentage, such as 99.95%", id="an absurd number"),
        pytest.param(None, "write a percentage, such as 99.95%", id="nothing"),
        pytest.param([25], "write a percentage, such as 99.95%", id="a list"),
        pytest.param(Decimal("NaN"), "write a percentage, such as 99.95%", id="a decimal that is no number"),
    ],
)
def test_a_wrong_share_says_what_to_write(written: Any, suggestion: str) -> None:
    with pytest.raises(MistakeError) as caught:
        parse_share(written)
    assert caught.value.suggestion == suggestion


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        pytest.param("28d", 2_419_200, id="days"),
        pytest.param("4w", 2_419_200, id="weeks"),
        pytest.param("72h", 259_200, id="hours"),
        pytest.param("30m", 1_800, id="minutes"),
        pytest.param("30min", 1_800, id="minutes, spelt as texts do"),
        pytest.param("90s", 90, id="seconds"),
        pytest.param("1d12h", 129_600, id="days and hours"),
        pytest.param("1 d 12 h", 129_600, id="with spaces"),
        pytest.param(0, 0, id="zero needs no unit"),
        pytest.param(timedelta(hours=1), 3_600, id="a timedelta is a duration already"),
    ],
)
def test_a_duration_is_read_in_seconds(written: Any, seconds: int) -> None:
    assert parse_duration(written) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("written", "suggestion"),
    [
        pytest.param(28, "add a unit: 28d for days", id="a number without a unit"),
        pytest.param("28", "add a unit: 28d for days", id="the same in quotes"),
        pytest.param("28 days", "write 28d", id="a unit written out"),
        pytest.param("12h1d", "write 1d12h", id="units in the wrong order"),
        pytest.param("1.5h", "write 1h30m", id="a fraction of an hour"),
        pytest.param("1 hour, 30 minutes", "write 1h30m", id="two units written out"),
        pytest.param("P1DT12H", "write 1d12h", id="as ISO 8601 writes it"),
        pytest.param("P", "such as 28d, 72h or 1d12h", id="nothing in ISO 8601"),
        pytest.param("-1h", "write 1h", id="less than nothing"),
        pytest.param("0.1s", "such as 28d, 72h or 1d12h", id="less than a second"),
        pytest.param("3 moons", "such as 28d, 72h or 1d12h", id="another unit"),
        pytest.param("9999w 5 d x", "such as 28d, 72h or 1d12h", id="something left over"),
        pytest.param("1 month", "write days, such as 30d", id="a month"),
        pytest.param("2M", "write days, such as 30d", id="a capital for months"),
        pytest.param("1y", "write days, such as 30d", id="a year"),
        pytest.param("", "such as 28d, 72h or 1d12h", id="an empty text"),
        pytest.param(True, "such as 28d, 72h or 1d12h", id="a boolean"),
        pytest.param("999999w", "write a shorter duration", id="longer than a timedelta can be"),
        pytest.param(timedelta(milliseconds=1), "round it to seconds", id="a fraction of a second"),
    ],
)
def test_a_wrong_duration_says_what_to_write(written: Any, suggestion: str) -> None:
    with pytest.raises(MistakeError) as caught:
        parse_duration(written)
    assert suggestion in caught.value.suggestion


@UNTIMED
@given(SHARES)
def test_a_share_survives_being_written(share: Decimal) -> None:
    assert parse_share(write_share(share)) == share


@UNTIMED
@given(DURATIONS)
def test_a_duration_survives_being_written(duration: timedelta) -> None:
    assert parse_duration(write_duration(duration)) == duration


def test_a_negative_duration_cannot_be_written() -> None:
    with pytest.raises(MistakeError, match="negative"):
        write_duration(timedelta(days=-1))


@pytest.mark.parametrize(
    ("share", "text"),
    [
        pytest.param(Decimal("0.9995"), "99.95 %", id="a target as it was written"),
        pytest.param(0.9995, "99.95 %", id="a float without its binary tail"),
        pytest.param(-0.0712345, "-7.12 %", id="a spent budget"),
        pytest.param(-3.4567, "-345.67 %", id="a budget spent several times over"),
        pytest.param(1.0, "100 %", id="all"),
        pytest.param(0.0, "0 %", id="none"),
        pytest.param(0.999999, "99.9999 %", id="almost all is not all"),
        pytest.param(0.00001, "0.001 %", id="almost none is not none"),
        pytest.param(1 - 1e-16, "100 %", id="float noise is not shown"),
    ],
)
def test_a_share_reads_well(share: Decimal | float, text: str) -> None:
    assert format_share(share) == text


@UNTIMED
@given(st.floats(min_value=1e-8, max_value=1 - 1e-8))
def test_only_all_reads_as_all_and_only_none_as_none(share: float) -> None:
    assert format_share(share) not in {"0 %", "100 %"}


@pytest.mark.parametrize(
    ("duration", "text"),
    [
        pytest.param(timedelta(days=28), "28 d", id="days alone"),
        pytest.param(timedelta(days=3, hours=4), "3 d 4 h", id="two units"),
        pytest.param(timedelta(days=3, minutes=29), "3 d", id="what is small beside days is left out"),
        pytest.param(timedelta(minutes=12), "12 min", id="minutes"),
        pytest.param(timedelta(seconds=90), "1 min 30 s", id="minutes and seconds"),
        pytest.param(timedelta(hours=23, minutes=59, seconds=59), "1 d", id="rounding carries over"),
        pytest.param(timedelta(0), "0 s", id="nothing"),
        pytest.param(timedelta(hours=-2), "-2 h", id="in the past"),
    ],
)
def test_a_duration_reads_well(duration: timedelta, text: str) -> None:
    assert format_duration(duration) == text


@given(st.integers(min_value=1, max_value=999_999))
def test_a_pace_is_read_as_it_is_written(number: int) -> None:
    assert parse_per_day(write_per_day(number)) == number


@pytest.mark.parametrize(
    ("written", "suggestion"),
    [
        pytest.param(2, "write 2/day", id="a bare number"),
        pytest.param("3 / week", "write 2/day", id="another span"),
        pytest.param("0/day", "write 2/day", id="none at all would be a freeze"),
        pytest.param(0, "write 2/day", id="nor as a number"),
        pytest.param(None, "write 2/day", id="nothing"),
    ],
)
def test_what_is_no_pace_is_refused(written: Any, suggestion: str) -> None:
    with pytest.raises(MistakeError) as caught:
        parse_per_day(written)
    assert caught.value.suggestion == suggestion


@pytest.mark.parametrize("written", [0, -1, True, 1.5, "400", None])
def test_what_is_no_number_of_lines_is_refused(written: Any) -> None:
    assert parse_lines(400) == 400
    with pytest.raises(MistakeError):
        parse_lines(written)
