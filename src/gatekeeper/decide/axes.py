"""The axes of a drawing of error budgets: time to the right, the share that is left upwards. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from math import floor

from gatekeeper.decide import phrases

Points = Sequence[tuple[datetime, float | None]]
"""(instant, share of the budget left); None is not measured."""

_STEPS = (0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0)
_MOST_LINES = 6


@dataclass(frozen=True)
class Tick:
    """A line of the grid, or a threshold: where along its axis, in pixels."""

    at: float
    label: str


@dataclass(frozen=True)
class Frame:
    """Where the drawing lies, in pixels; y grows downwards."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True)
class Axes:
    """From instants and shares to pixels, to a tenth.

    Attributes:
        lowest: the least share that has to fit, at most 0; less than the last line of the grid runs along the bottom.
    """

    frame: Frame
    start: datetime
    end: datetime
    lowest: float

    @cached_property
    def levels(self) -> tuple[float, ...]:
        """Multiples of a step that leave the grid readable, from below the lowest point to all of the budget."""
        step = next((one for one in _STEPS if (1 - self.lowest) / one <= _MOST_LINES), _STEPS[-1])
        return tuple(number * step for number in range(floor(self.lowest / step), floor(1 / step) + 1))

    @property
    def grid(self) -> tuple[Tick, ...]:
        """The levels, drawn."""
        return tuple(Tick(self.y(level), phrases.percent(level, 0)) for level in self.levels)

    def x(self, at: datetime) -> float:
        """An instant; what lies outside of the time drawn is at its edge."""
        share = (at - self.start) / (self.end - self.start)
        left, right = self.frame.left, self.frame.right
        return round(left + min(max(share, 0.0), 1.0) * (right - left), 1)

    def y(self, share: float) -> float:
        """A share of the budget."""
        top, bottom, least = self.frame.top, self.frame.bottom, self.levels[0]
        return round(top + (1.0 - max(share, least)) / (1.0 - least) * (bottom - top), 1)

    def path(self, points: Points) -> str:
        """An SVG path; it breaks where nothing was measured."""
        steps, broken = [], True
        for at, left in points:
            if left is not None:
                steps.append(f"{'M' if broken else 'L'}{self.x(at):g} {self.y(left):g}")
            broken = left is None
        return " ".join(steps)
