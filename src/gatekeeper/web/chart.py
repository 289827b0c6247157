"""A burn-down chart as geometry, for an SVG. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from math import floor

from gatekeeper.availability.incidents import Incident
from gatekeeper.decide import phrases

WIDTH, HEIGHT = 720.0, 200.0
LEAST_SHADE = 2.0
_STEPS = (0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0)
_MOST_LINES = 6
_DAYS = 5

Points = Sequence[tuple[datetime, float | None]]


@dataclass(frozen=True)
class Tick:
    """A line of the grid."""

    at: float
    label: str


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
    scale = _Scale(start, points[-1][0], min(0.0, *(value for _, value in known)))
    last_at, last = known[-1]
    return Chart(
        line=_line([(start, 1.0), *points], scale),
        zero=scale.y(0.0),
        end=(scale.x(last_at), scale.y(last)),
        levels=tuple(Tick(scale.y(level), phrases.percent(level, 0)) for level in scale.levels),
        days=tuple(_days(scale)),
        thresholds=tuple(Tick(scale.y(share), name) for name, share in thresholds),
        shades=tuple(_shade(one, scale) for one in incidents),
        marks=tuple(
            Mark(scale.x(one.at), one.label, one.grave)
            for one in moments
            if scale.start <= one.at <= scale.end
        ),
        description=f"{_left(last)} at {phrases.instant(last_at)}; "
        f"the window began at {phrases.instant(start)} with the whole budget.",
        rows=tuple((at, _left(share)) for at, share in _some(known)),
    )


@dataclass(frozen=True)
class _Scale:
    start: datetime
    end: datetime
    lowest: float

    @cached_property
    def levels(self) -> list[float]:
        """Multiples of a step that leave the grid readable, from above the top to below the lowest point."""
        step = next((one for one in _STEPS if (1 - self.lowest) / one <= _MOST_LINES), _STEPS[-1])
        return [number * step for number in range(floor(self.lowest / step), floor(1 / step) + 1)]

    @property
    def bottom(self) -> float:
        return self.levels[0]

    def x(self, at: datetime) -> float:
        return round(min(max((at - self.start) / (self.end - self.start), 0.0), 1.0) * WIDTH, 1)

    def y(self, share: float) -> float:
        return round((1.0 - share) / (1.0 - self.bottom) * HEIGHT, 1)


def _left(share: float) -> str:
    if share < 0:
        return f"{phrases.overspent(share)} over the budget"
    return f"{phrases.percent(share)} of the budget left"


def _line(points: Points, scale: _Scale) -> str:
    steps, broken = [], True
    for at, left in points:
        if left is not None:
            steps.append(f"{'M' if broken else 'L'}{scale.x(at):g} {scale.y(left):g}")
        broken = left is None
    return " ".join(steps)


def _shade(one: Incident, scale: _Scale) -> Shade:
    start, end = scale.x(one.start), scale.x(one.end or scale.end)
    label = f"{phrases.span(one.start, one.end)}: {phrases.percent(one.budget_share)} of the budget"
    return Shade(start, max(end - start, LEAST_SHADE), label)


def _days(scale: _Scale) -> list[Tick]:
    step = max((scale.end - scale.start) / _DAYS, timedelta(hours=1))
    at = (scale.start + step / 2).replace(minute=0, second=0, microsecond=0)
    long = step >= timedelta(days=1)
    ticks = []
    while at < scale.end:
        ticks.append(Tick(scale.x(at), phrases.day(at) if long else f"{at:%H:%M}"))
        at += step
    return ticks


def _some(known: Sequence[tuple[datetime, float]], most: int = 15) -> Sequence[tuple[datetime, float]]:
    step = -(-len(known) // most)
    return list(known[::-step])[::-1]
