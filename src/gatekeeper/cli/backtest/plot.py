"""A backtest as geometry, for an SVG. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import floor

from gatekeeper.decide import phrases
from gatekeeper.decide.backtest.result import Backtest, Budget
from gatekeeper.policy.gate import Gate

LEFT, RIGHT, TOP = 72.0, 944.0, 76.0
BOTTOM = 356.0
STRIP, GAP = 18.0, 30.0
LEAST_WIDTH = 1.5
"""So wide is the shortest stretch drawn, else it could not be seen."""
DEEPEST = -1.0
"""The axis ends here; what was spent beyond it runs along the bottom."""
_STEPS = (0.25, 0.5)
_MOST_LINES = 6
_DAYS = (1, 2, 5, 7, 14, 28)
_MOST_DAYS = 10
_HOURS = 6
_MARGIN = 24.0
"""A label that is centred closer to the right edge would be cut off."""


@dataclass(frozen=True)
class Tick:
    """A line of the grid, or a threshold."""

    at: float
    label: str


@dataclass(frozen=True)
class Band:
    """A stretch of time in a state, or without evidence (``unknown``)."""

    x: float
    width: float
    kind: str
    label: str


@dataclass(frozen=True)
class Strip:
    """The states of one policy, one after the other."""

    name: str
    y: float
    bands: tuple[Band, ...]


@dataclass(frozen=True)
class Line:
    """The budget of one objective, an SVG path; it breaks where nothing was measured."""

    name: str
    path: str


@dataclass(frozen=True)
class Plot:
    """The drawing: budgets over time, the states behind them, and below them in strips."""

    height: float
    lines: tuple[Line, ...]
    bands: tuple[Band, ...]
    strips: tuple[Strip, ...]
    unknown: tuple[Band, ...]
    levels: tuple[Tick, ...]
    days: tuple[Tick, ...]
    thresholds: tuple[Tick, ...]
    zero: float
    clipped: bool


def plot(tested: Backtest, gate: Gate, beside: Backtest | None) -> Plot:
    """Draw a backtest, beside that of the policy in force where there is one."""
    lowest = min((value for _, value in _known(tested.budgets)), default=0.0)
    scale = _Scale(tested.start, tested.end, max(min(lowest, 0.0), DEEPEST))
    strips = [("this policy", tested), *([("in force", beside)] if beside else [])]
    return Plot(
        height=BOTTOM + GAP + len(strips) * (STRIP + 8) + 24,
        lines=tuple(Line(one.objective, scale.path(one)) for one in tested.budgets),
        bands=tuple(_bands(tested, scale)),
        strips=tuple(
            Strip(name, BOTTOM + GAP + place * (STRIP + 8), tuple(_bands(one, scale)))
            for place, (name, one) in enumerate(strips)
        ),
        unknown=tuple(
            scale.band(one.start, one.end, "unknown", ", ".join(one.doubts)) for one in tested.unknown
        ),
        levels=tuple(Tick(scale.y(level), phrases.percent(level, 0)) for level in scale.levels),
        days=tuple(day for day in scale.days() if day.at <= RIGHT - _MARGIN),
        thresholds=(
            Tick(scale.y(float(gate.caution.below)), "caution"),
            Tick(scale.y(float(gate.freeze.below)), "freeze"),
        ),
        zero=scale.y(0.0),
        clipped=lowest < DEEPEST,
    )


def _known(budgets: Sequence[Budget]) -> Iterator[tuple[datetime, float]]:
    return ((at, left) for one in budgets for at, left in one.points if left is not None)


def _bands(tested: Backtest, scale: "_Scale") -> Iterator[Band]:
    return (scale.band(span.start, span.end, span.state, span.state) for span in tested.spans)


@dataclass(frozen=True)
class _Scale:
    start: datetime
    end: datetime
    lowest: float

    @property
    def levels(self) -> list[float]:
        step = next((one for one in _STEPS if (1 - self.lowest) / one <= _MOST_LINES), _STEPS[-1])
        return [number * step for number in range(floor(self.lowest / step), floor(1 / step) + 1)]

    def x(self, at: datetime) -> float:
        share = (at - self.start) / (self.end - self.start)
        return round(LEFT + min(max(share, 0.0), 1.0) * (RIGHT - LEFT), 1)

    def y(self, share: float) -> float:
        bottom = self.levels[0]
        return round(TOP + (1.0 - max(share, bottom)) / (1.0 - bottom) * (BOTTOM - TOP), 1)

    def path(self, budget: Budget) -> str:
        steps, broken = [], True
        for at, left in budget.points:
            if left is not None:
                steps.append(f"{'M' if broken else 'L'}{self.x(at):g} {self.y(left):g}")
            broken = left is None
        return " ".join(steps)

    def band(self, start: datetime, end: datetime, kind: str, what: str) -> Band:
        x = self.x(start)
        width = round(max(self.x(end) - x, LEAST_WIDTH), 1)
        return Band(x, width, kind, f"{what}, {phrases.span(start, end)}")

    def days(self) -> Iterator[Tick]:
        """Midnights, or hours where there is at most a day."""
        length = self.end - self.start
        if length <= timedelta(days=1):
            step, at = timedelta(hours=_HOURS), self.start.replace(minute=0)
            while (at := at + step) < self.end:
                yield Tick(self.x(at), f"{at:%H:%M}")
            return
        days = next((one for one in _DAYS if length.days / one <= _MOST_DAYS), _DAYS[-1])
        at = self.start.replace(hour=0, minute=0)
        while (at := at + timedelta(days=days)) < self.end:
            yield Tick(self.x(at), phrases.day(at))
