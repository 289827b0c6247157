"""A backtest as geometry, for an SVG. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gatekeeper.decide import phrases
from gatekeeper.decide.axes import Axes, Frame, Tick
from gatekeeper.decide.backtest.result import Backtest, Budget
from gatekeeper.decide.verdict import State
from gatekeeper.policy.gate import Gate

WIDE, NARROW = 960.0, 400.0
"""Pixels: for a page, and for a phone, where the wide one would be too small to read."""
LEFT, SIDE, HEIGHT = 72.0, 16.0, 280.0
STRIP, GAP = 18.0, 30.0
LEAST_WIDTH = 1.5
"""So wide is the shortest stretch drawn, else it could not be seen."""
DEEPEST = -1.0
"""The axis ends here; what was spent beyond it runs along the bottom."""
_DAYS = (1, 2, 5, 7, 14, 28)
_MOST_DAYS, _PER_DAY = 10, 60.0
_HOURS = 6
_MARGIN = 24.0
"""A label that is centred closer to the right edge would be cut off."""
_TITLE, _ROW, _LETTER = 26.0, 22.0, 7.0


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
class Entry:
    """What a colour means: that of a line, counted from 1, or of a kind of band (``line`` is 0)."""

    x: float
    y: float
    kind: str
    line: int
    label: str


@dataclass(frozen=True)
class Plot:
    """The drawing: budgets over time, the states behind them, and below them in strips.

    Attributes:
        levels: the grid, from bottom to top; one that a threshold lies on has no line of its own.
        zero: y of an empty budget; None where a threshold lies on it.
        clipped: some of the budget lines run along the bottom.
    """

    frame: Frame
    width: float
    height: float
    title: tuple[Tick, ...]
    legend: tuple[Entry, ...]
    lines: tuple[Line, ...]
    bands: tuple[Band, ...]
    strips: tuple[Strip, ...]
    unknown: tuple[Band, ...]
    levels: tuple[Tick, ...]
    days: tuple[Tick, ...]
    thresholds: tuple[Tick, ...]
    zero: float | None
    clipped: bool


def plot(
    tested: Backtest, gate: Gate, beside: Backtest | None, title: Sequence[str], width: float = WIDE
) -> Plot:
    """Draw a backtest, beside that of the policy in force where there is one.

    Args:
        tested: what is drawn.
        gate: has the thresholds.
        beside: drawn as a strip.
        title: its parts, which stand in one line where there is room.
        width: pixels.
    """
    lowest = min((value for _, value in _known(tested.budgets)), default=0.0)
    heads = tuple(_heads(title, width))
    legend = tuple(_legend(tested, heads[-1].at + _ROW, width))
    top = legend[-1].y + 28
    frame = Frame(LEFT, top, width - SIDE, top + HEIGHT)
    axes = Axes(frame, tested.start, tested.end, max(min(lowest, 0.0), DEEPEST))
    strips = tuple(_strips(tested, beside, axes))
    thresholds = (
        Tick(axes.y(float(gate.caution.below)), "caution"),
        Tick(axes.y(float(gate.freeze.below)), "freeze"),
    )
    return Plot(
        frame=frame,
        width=width,
        height=strips[-1].y + STRIP + 32,
        title=heads,
        legend=legend,
        lines=tuple(Line(one.objective, axes.path(one.points)) for one in tested.budgets),
        bands=tuple(_bands(tested, axes)),
        strips=strips,
        unknown=tuple(
            _band(axes, one.start, one.end, "unknown", ", ".join(one.doubts)) for one in tested.unknown
        ),
        levels=axes.grid,
        days=tuple(day for day in _days(axes) if day.at <= frame.right - _MARGIN),
        thresholds=thresholds,
        zero=axes.y(0.0) if axes.y(0.0) not in {one.at for one in thresholds} else None,
        clipped=lowest < DEEPEST,
    )


def _known(budgets: Sequence[Budget]) -> Iterator[tuple[datetime, float]]:
    return ((at, left) for one in budgets for at, left in one.points if left is not None)


def _heads(title: Sequence[str], width: float) -> Iterator[Tick]:
    parts = [", ".join(title)] if width >= WIDE else title
    return (Tick(_TITLE + place * _ROW, part) for place, part in enumerate(parts))


def _legend(tested: Backtest, y: float, width: float) -> Iterator[Entry]:
    entries = [("", place + 1, one.objective) for place, one in enumerate(tested.budgets)]
    entries += [(str(state), 0, str(state)) for state in State]
    if tested.unknown:
        entries.append(("unknown", 0, "evidence missing"))
    left = LEFT if width >= WIDE else SIDE
    x = left
    for kind, line, label in entries:
        room = 48 + _LETTER * len(label)
        if x > left and x + room > width:
            x, y = left, y + _ROW
        yield Entry(x, y, kind, line, label)
        x += room


def _strips(tested: Backtest, beside: Backtest | None, axes: Axes) -> Iterator[Strip]:
    y = axes.frame.bottom + GAP
    yield Strip("this policy", y, tuple(_bands(tested, axes)))
    if beside is not None:
        yield Strip("in force", y + STRIP + 8, tuple(_bands(beside, axes)))


def _bands(tested: Backtest, axes: Axes) -> Iterator[Band]:
    return (_band(axes, span.start, span.end, span.state, span.state) for span in tested.spans)


def _band(axes: Axes, start: datetime, end: datetime, kind: str, what: str) -> Band:
    x = axes.x(start)
    width = round(max(axes.x(end) - x, LEAST_WIDTH), 1)
    return Band(x, width, kind, f"{what}, {phrases.span(start, end)}")


def _days(axes: Axes) -> Iterator[Tick]:
    """Midnights, or hours where there is at most a day."""
    length = axes.end - axes.start
    if length <= timedelta(days=1):
        step, at = timedelta(hours=_HOURS), axes.start.replace(minute=0)
        while (at := at + step) < axes.end:
            yield Tick(axes.x(at), f"{at:%H:%M}")
        return
    most = min(_MOST_DAYS, int((axes.frame.right - axes.frame.left) / _PER_DAY))
    days = next((one for one in _DAYS if length.days / one <= most), _DAYS[-1])
    at = axes.start.replace(hour=0, minute=0)
    while (at := at + timedelta(days=days)) < axes.end:
        yield Tick(axes.x(at), phrases.day(at))
