"""The burn-down chart of a comment: Mermaid from one fixed template, numbers only, so that it always renders."""

from gatekeeper.decide.snapshot import ServiceView

POINTS_AT_LEAST = 2


def burn_down_chart(view: ServiceView) -> str | None:
    """The remaining budget (percent) over the window, day by day; None when there is nothing to draw.

    Days before the first measurement are left out; a later gap repeats the last value: Mermaid knows no missing point.
    """
    points: list[tuple[str, float]] = []
    for at, remaining in view.burn_down:
        if remaining is not None:
            points.append((f"{at:%d %b}", round(remaining * 100, 1)))
        elif points:
            points.append((f"{at:%d %b}", points[-1][1]))
    if len(points) < POINTS_AT_LEAST:
        return None
    days = ", ".join(f'"{day}"' for day, _ in points)
    values = ", ".join(f"{value:g}" for _, value in points)
    floor = min(0.0, *(value for _, value in points))
    return (
        "```mermaid\n"
        "xychart-beta\n"
        '    title "Error budget left (%)"\n'
        f"    x-axis [{days}]\n"
        f'    y-axis "%" {floor:g} --> 100\n'
        f"    line [{values}]\n"
        "```"
    )
