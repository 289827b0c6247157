"""The drawings: a bar that knows overspending, a chart that breaks where nothing was measured."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.availability.incidents import Incident
from gatekeeper.policy.gate import Gate
from gatekeeper.web.cards import Bar, bar
from gatekeeper.web.chart import HEIGHT, LEAST_SHADE, WIDTH, Mark, Moment, chart

START = datetime(2026, 11, 1, tzinfo=UTC)
DAY = timedelta(days=1)
GATE = Gate()
SHARES = st.floats(-50, 1, allow_nan=False)


def drawn(start: float, width: float, *, over: bool, beyond: bool) -> Bar:
    return Bar(start, width, over, beyond, marks=(50, 75))


@pytest.mark.parametrize(
    ("remaining", "expected"),
    [
        pytest.param(
            1.0, drawn(50, 100, over=False, beyond=False), id="the whole budget fills the right side"
        ),
        pytest.param(0.25, drawn(50, 25, over=False, beyond=False), id="a quarter ends at the caution mark"),
        pytest.param(0.0, drawn(50, 0, over=False, beyond=False), id="nothing left fills nothing"),
        pytest.param(-0.25, drawn(25, 25, over=True, beyond=False), id="overspending grows to the left"),
        pytest.param(-0.5, drawn(0, 50, over=True, beyond=False), id="half a budget over just fits"),
        pytest.param(-3.0, drawn(0, 50, over=True, beyond=True), id="more than fits is marked"),
    ],
)
def test_the_bar(remaining: float, expected: Bar) -> None:
    assert bar(remaining, GATE) == expected


@given(SHARES)
def test_a_bar_stays_on_its_line_and_touches_zero(remaining: float) -> None:
    found = bar(remaining, GATE)
    assert 0 <= found.start <= 50
    assert found.width <= 100
    assert found.start == 50 or found.start + found.width == pytest.approx(50)


def every_day(*shares: float | None) -> list[tuple[datetime, float | None]]:
    return [(START + (day + 1) * DAY, share) for day, share in enumerate(shares)]


@given(st.lists(st.none() | SHARES, min_size=1, max_size=60))
def test_everything_is_picture_inside_and_every_measured_point_once(shares: list[float | None]) -> None:
    picture = chart(every_day(*shares), START, (), (("caution", 0.25),))
    if all(share is None for share in shares):
        assert picture is None
        return
    assert picture is not None
    found = [(float(x), float(y)) for x, y in re.findall(r"[ML]([\d.e+-]+) ([\d.e+-]+)", picture.line)]
    assert len(found) == 1 + sum(share is not None for share in shares)
    assert all(0 <= x <= WIDTH and -0.1 <= y <= HEIGHT + 0.1 for x, y in [*found, picture.end])
    assert [x for x, _ in found] == sorted(x for x, _ in found)
    assert 0 <= picture.zero <= HEIGHT
    assert 2 <= len(picture.levels) <= 12


def test_the_line_breaks_where_nothing_was_measured() -> None:
    picture = chart(every_day(0.9, None, 0.8, 0.7), START, (), ())
    assert picture is not None
    assert re.sub(r"[\d. ]+", " ", picture.line).split() == ["M", "L", "M", "L"]


def test_less_budget_is_lower_and_later_is_further_right() -> None:
    picture = chart(every_day(0.5, -0.5), START, (), ())
    assert picture is not None
    (x1, y1), (x2, y2) = re.findall(r"L([\d.]+) ([\d.]+)", picture.line)
    assert float(x1) < float(x2) == WIDTH
    assert float(y1) < picture.zero < float(y2)


def test_an_incident_is_shaded_from_its_start_to_its_end_and_can_always_be_seen() -> None:
    long = Incident(START + DAY, START + 2 * DAY, 10, 20, 0.4)
    short = Incident(START + 3 * DAY, START + 3 * DAY + timedelta(minutes=1), 10, 20, 0.1)
    lasting = Incident(START + 3.5 * DAY, None, 10, 20, 0.1)
    picture = chart(every_day(0.9, 0.5, 0.5, 0.3), START, (long, short, lasting), ())
    assert picture is not None
    first, second, third = picture.shades
    assert (first.x, first.width) == (WIDTH / 4, WIDTH / 4)
    assert second.width == LEAST_SHADE
    assert third.x + third.width == WIDTH
    assert "40.0 % of the budget" in first.label
    assert "still going on" in third.label


def test_the_same_is_said_in_words() -> None:
    picture = chart(every_day(0.9, -0.284), START, (), ())
    assert picture is not None
    assert picture.description.startswith("28.4 % over the budget at 2026-11-03 00:00 UTC")
    assert [text for _, text in picture.rows] == ["90.0 % of the budget left", "28.4 % over the budget"]


def test_moments_are_marked_where_they_are_on_the_chart() -> None:
    within = Moment(START + DAY, "b", grave=True)
    outside = [Moment(START - DAY, "a", grave=False), Moment(START + 9 * DAY, "c", grave=False)]
    picture = chart(every_day(0.9, 0.5, 0.5, 0.3), START, (), (), [within, *outside])
    assert picture is not None
    assert picture.marks == (Mark(WIDTH / 4, "b", grave=True),)
