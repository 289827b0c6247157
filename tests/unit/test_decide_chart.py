import re
from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import DAY, HOUR, NOW, a_gate, a_service, a_view
from gatekeeper.decide.chart import burn_down_chart
from gatekeeper.decide.verdict import State


def chart(*left: float | None, step: timedelta = DAY, below: str = "0%") -> str | None:
    points = tuple((NOW - (len(left) - 1 - i) * step, one) for i, one in enumerate(left))
    service = a_service(gate=a_gate(freeze={"below": below}))
    return burn_down_chart(a_view(State.FROZEN, -0.2, service=service, burn_down=points))


def lines(text: str | None) -> list[list[str]]:
    return [found.split(", ") for found in re.findall(r"line \[(.*)\]", text or "")]


def test_the_chart_is_this_text() -> None:
    """Rendered with Mermaid 11.17 in Chromium: every label legible, both lines in colour."""
    assert chart(1.0, 0.65, -0.19, -0.2841) == (
        "```mermaid\n"
        '%%{init: {"themeVariables": {"xyChart": {"plotColorPalette": "#1f6feb, #cf222e"}}}}%%\n'
        "xychart-beta\n"
        '    title "Error budget left (%), changes wait at 0"\n'
        '    x-axis "days ago" 3 --> 0\n'
        '    y-axis "%" -28.4 --> 100\n'
        "    line [100, 65, -19, -28.4]\n"
        "    line [0, 0, 0, 0]\n"
        "```"
    )


@pytest.mark.parametrize(
    "left",
    [
        pytest.param((), id="nothing"),
        pytest.param((None, None), id="nothing measured"),
        pytest.param((None, 0.5), id="a single point"),
    ],
)
def test_too_little_is_not_drawn(left: Sequence[float | None]) -> None:
    assert chart(*left) is None


def test_what_was_not_measured_at_first_is_left_out_and_later_carried_on() -> None:
    text = chart(None, None, 0.9, None, 0.5, None)
    assert lines(text)[0] == ["90", "90", "50", "50"]
    assert '"days ago" 3 --> 0' in str(text)


def test_a_short_window_counts_in_hours() -> None:
    assert '"hours ago" 27 --> 0' in str(chart(*[0.5] * 28, step=HOUR))


def test_the_line_is_where_this_policy_freezes() -> None:
    text = chart(0.5, 0.04, below="5%")
    assert lines(text)[1] == ["5", "5"]
    assert "changes wait at 5" in str(text)


@given(st.lists(st.floats(-1e9, 1) | st.none(), max_size=120))
def test_whatever_was_measured_the_template_holds_plain_numbers(left: list[float | None]) -> None:
    text = chart(*left)
    if text is None:
        return
    numbers = [number for line in lines(text) for number in line]
    assert all(re.fullmatch(r"-?\d+(\.\d)?", number) and number != "-0" for number in numbers)
    (first, second) = lines(text)
    assert len(first) == len(second)
    floor = re.search(r'"%" (\S+) --> (\S+)', text)
    assert floor is not None
    assert float(floor[1]) <= min(map(float, first)) <= max(map(float, first)) <= float(floor[2])
