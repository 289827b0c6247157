"""A burn-down chart as geometry, for an SVG. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gatekeeper.availability.incidents import Incident
from gatekeeper.decide import phrases
from gatekeeper.decide.axes import Axes, Frame, Points, Tick

WIDTH, HEIGHT = 720.0, 200.0
LEAST_SHADE = 2.0
_FRAME = Frame(0.0, 0.0, WIDTH, HEIGHT)
_DAYS = 5


@dataclass(frozen=True)
class Shade:
    """An incident: from where to where."""

    x: float
    width: float
    label: str


@dataclass(frozen=True)
class Moment:
    """Something that happened, to be marked under the curve; ``grave`` stands out."""

    at: datetime
    label: str
    grave: bool


@dataclass(frozen=True)
class Mark:
    """A moment, where it is drawn."""

    x: float
    label: str
    grave: bool


@dataclass(frozen=True)
class Chart:
    """The drawing: x from 0 to ``WIDTH``, y from 0 (top) to ``HEIGHT``.

    Attributes:
        line: an SVG path; it breaks where nothing was measured.
        zero: y of an empty budget.
        end: where the line ends.
        description: the same in a sentence.
        rows: (instant, text), a few of the points.
    """

    line: str
    zero: float
    end: tuple[float, float]
    levels: tuple[Tick, ...]
    days: tuple[Tick, ...]
    thresholds: tuple[Tick, ...]
    shades: tuple[Shade, ...]
    marks: tuple[Mark, ...]
    description: str
    rows: tuple[tuple[datetime, str], ...]


def chart(
    points: Points,
    start: datetime,
    incidents: Sequence[Incident],
    thresholds: Sequence[tuple[str, float]],
    moments: Sequence[Moment] = (),
) -> Chart | None:
    """Draw how a window's budget was spent; None when there is nothing to draw.

    Args:
        points: (instant, share of budget left) at even distances; None is not measured.
        start: of the window, where all of the budget is left.
        incidents: to shade.
        thresholds: (name, share) of the gate.
        moments: to mark; those outside of the chart are left out.
    """
    known = [(at, left) for at, left in points if left is not None]
    if not known:
        return None
    axes = Axes(_FRAME, start, points[-1][0], min(0.0, *(value for _, value in known)))
    last_at, last = known[-1]
    return Chart(
        line=axes.path([(start, 1.0), *points]),
        zero=axes.y(0.0),
        end=(axes.x(last_at), axes.y(last)),
        levels=axes.grid,
        days=tuple(_days(axes)),
        thresholds=tuple(Tick(axes.y(share), name) for name, share in thresholds),
        shades=tuple(_shade(one, axes) for one in incidents),
        marks=tuple(
            Mark(axes.x(one.at), one.label, one.grave) for one in moments if axes.start <= one.at <= axes.end
        ),
        description=f"{_left(last)} at {phrases.instant(last_at)}; "
        f"the window began at {phrases.instant(start)} with the whole budget.",
        rows=tuple((at, _left(share)) for at, share in _some(known)),
    )


def _left(share: float) -> str:
    if share < 0:
        return f"{phrases.overspent(share)} over the budget"
    return f"{phrases.percent(share)} of the budget left"


def _shade(one: Incident, axes: Axes) -> Shade:
    start, end = axes.x(one.start), axes.x(one.end or axes.end)
    label = f"{phrases.span(one.start, one.end)}: {phrases.percent(one.budget_share)} of the budget"
    return Shade(start, max(end - start, LEAST_SHADE), label)


def _days(axes: Axes) -> list[Tick]:
    step = max((axes.end - axes.start) / _DAYS, timedelta(hours=1))
    at = (axes.start + step / 2).replace(minute=0, second=0, microsecond=0)
    long = step >= timedelta(days=1)
    ticks = []
    while at < axes.end:
        ticks.append(Tick(axes.x(at), phrases.day(at) if long else f"{at:%H:%M}"))
        at += step
    return ticks


def _some(known: Sequence[tuple[datetime, float]], most: int = 15) -> Sequence[tuple[datetime, float]]:
    step = -(-len(known) // most)
    return list(known[::-step])[::-1]
