from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import DAY, MINUTE, NOW
from gatekeeper.decide.phrases import availability, count, day, instant, overspent, pace, percent, span

SHARES = st.floats(-50, 50, allow_nan=False).filter(lambda share: share != 0)


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        pytest.param(1.0, "100 %", id="a whole is 100 %"),
        pytest.param(0.0, "0 %", id="nothing is 0 %"),
        pytest.param(0.9999999, "99.9 %", id="not quite a whole is not 100 %"),
        pytest.param(1e-9, "less than 0.1 %", id="a crumb is not nothing"),
        pytest.param(-1e-9, "−0.1 %", id="a hair over is over"),
        pytest.param(0.2499999, "24.9 %", id="just below a threshold reads as below it"),
        pytest.param(0.25, "25.0 %", id="at the threshold reads as at it"),
        pytest.param(0.29, "29.0 %", id="a float is cut as it is written, not as it is stored"),
        pytest.param(-12.345, "−1,234.5 %", id="far over"),
    ],
)
def test_a_share_is_cut_never_flattered(share: float, expected: str) -> None:
    assert percent(share) == expected


@given(SHARES)
def test_no_share_reads_as_more_than_it_is(share: float) -> None:
    text = percent(share).removesuffix(" %").replace("−", "-").replace(",", "").removeprefix("less than ")
    assert percent(share).startswith("less than") or Decimal(text) / 100 <= Decimal(repr(share))
    assert text not in {"0.0", "-0.0"}
    assert share == 1 or text != "100.0" or share > 1


@pytest.mark.parametrize(
    ("remaining", "expected"),
    [(-0.284, "28.4 %"), (-1e-9, "0.1 %"), (-0.28401, "28.5 %"), (-12.5, "1,250.0 %")],
)
def test_what_is_overspent_is_rounded_up(remaining: float, expected: str) -> None:
    assert overspent(remaining) == expected


@pytest.mark.parametrize(
    ("share", "target", "expected"),
    [
        ("0.99949999", "0.9995", "99.9499 %"),
        ("0.9995", "0.9995", "99.9500 %"),
        ("0.9999999999", "0.999", "99.9999 %"),
        ("0.99999899", "0.999999", "99.999899 %"),
        ("1", "0.999", "100 %"),
    ],
)
def test_an_availability_shows_more_digits_than_its_target(share: str, target: str, expected: str) -> None:
    assert availability(float(share), Decimal(target)) == expected


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        (0.0, "0"),
        (0.04, "less than 0.1"),
        (0.5, "0.5"),
        (974.9999999, "975"),
        (1_234_567.0, "1,234,567"),
        (1_234.56, "1,234.6"),
    ],
)
def test_events_are_counted(events: float, expected: str) -> None:
    assert count(events) == expected


@pytest.mark.parametrize(
    ("burn", "limit", "expected"),
    [
        pytest.param(31.24, None, "31.2×", id="alone"),
        pytest.param(31.24, 13.44, "31.2×", id="far from its limit"),
        pytest.param(13.4401, 13.44, "13.4401×", id="as many digits as it takes to tell it from its limit"),
        pytest.param(13.44, 13.44, "13.4×", id="equal to its limit"),
        pytest.param(2000.0, 13.44, "2,000.0×", id="a total outage"),
    ],
)
def test_a_pace_never_reads_like_the_limit_it_passed(burn: float, limit: float | None, expected: str) -> None:
    assert pace(burn, limit) == expected


def test_times_are_said_in_utc_to_the_minute() -> None:
    assert instant(NOW) == "2026-11-22 12:00 UTC"
    assert day(NOW - 20 * DAY) == "2 Nov"
    assert span(NOW, NOW + 30 * MINUTE) == "2026-11-22 12:00 to 12:30 UTC (30 min)"
    assert span(NOW, NOW + timedelta(hours=13)) == "2026-11-22 12:00 to 2026-11-23 01:00 UTC (13 h)"
    assert span(NOW, None) == "since 2026-11-22 12:00 UTC, still going on"
