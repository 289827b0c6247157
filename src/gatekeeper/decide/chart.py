"""The burn-down chart of a comment: Mermaid from one fixed template, numbers only, so that it always renders."""

from datetime import timedelta

from gatekeeper.decide.snapshot import ServiceView

POINTS_AT_LEAST = 2
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
SHORTEST_IN_DAYS = 3 * DAY


def burn_down_chart(view: ServiceView) -> str | None:
    """The remaining budget (percent) over the window, and where changes wait; None when there is nothing to draw.

    What lies before the first measurement is left out; a later gap repeats the last value: Mermaid knows no missing
    point. The axis counts back in numbers, since Mermaid prints dates over each other; the colours are set, since a
    line has nearly that of the background otherwise.
    """
    values = _carried_on([remaining for _, remaining in view.burn_down])
    if len(values) < POINTS_AT_LEAST:
        return None
    drawn = view.burn_down[-len(values) :]
    length = drawn[-1][0] - drawn[0][0]
    unit, name = (DAY, "days") if length >= SHORTEST_IN_DAYS else (HOUR, "hours")
    line = float(view.service.gate.freeze.below)
    floor, top = min(0.0, line, *values), max(1.0, *values)
    return (
        "```mermaid\n"
        '%%{init: {"themeVariables": {"xyChart": {"plotColorPalette": "#1f6feb, #cf222e"}}}}%%\n'
        "xychart-beta\n"
        f'    title "Error budget left (%), changes wait at {_number(line)}"\n'
        f'    x-axis "{name} ago" {_plain(length / unit)} --> 0\n'
        f'    y-axis "%" {_number(floor)} --> {_number(top)}\n'
        f"    line [{', '.join(_number(value) for value in values)}]\n"
        f"    line [{', '.join([_number(line)] * len(values))}]\n"
        "```"
    )


def _carried_on(points: list[float | None]) -> list[float]:
    values: list[float] = []
    for point in points:
        if point is not None:
            values.append(point)
        elif values:
            values.append(values[-1])
    return values


def _number(share: float) -> str:
    return _plain(share * 100)


def _plain(number: float) -> str:
    """At most one decimal, never an exponent or a negative zero: Mermaid's grammar knows neither."""
    text = f"{number:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text
