"""The past of an objective as a gate would have seen it: exact at one instant, or bounds for a whole stretch."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal, cast

import numpy as np

from gatekeeper.availability.course import Course, Series
from gatekeeper.availability.incidents import Incident, budget_share, find
from gatekeeper.availability.ledger import STEP, Counts, Slices, end_of
from gatekeeper.availability.measure import Evidence, Measured, Unmeasured, measure
from gatekeeper.availability.window import Rolling
from gatekeeper.decide.backtest.interval import Fixed, Interval, Unbounded, UndecidedError, between
from gatekeeper.decide.backtest.result import Budget
from gatekeeper.decide.snapshot import ObjectiveEvidence
from gatekeeper.policy.dated import exception_for
from gatekeeper.policy.gate import Gate
from gatekeeper.policy.objective import Objective, TargetException

UNBOUNDED = Unbounded()
UNTOLD: Any = UNBOUNDED
"""Where a stretch has no bounds for a field: a rule that asks for it is answered instant by instant."""


@dataclass(frozen=True, eq=False)
class Past:
    """An objective and its ledger.

    Attributes:
        slices: as the objective counts them, adjusted; at least as far before the first instant as ``reach`` says.
        history_start: where the ledger begins; None if it is older than anything asked for.
        problem: what is wrong with the indicator: then nothing it says counts.
        exceptions: the policy's, which may set another target for a time.
    """

    objective: Objective
    slices: Slices
    history_start: datetime | None = None
    problem: str | None = None
    exceptions: tuple[TargetException, ...] = ()

    def at(self, now: datetime) -> "Past":
        """The same with the target that counts at this instant."""
        exception = exception_for(self.objective, self.exceptions, now)
        return replace(self, objective=self.objective.aiming_at(exception), exceptions=())


@dataclass(frozen=True, eq=False)
class Stretch:
    """The instants of ``index * 2**level`` to before ``(index + 1) * 2**level``, all taken as the first of them.

    What stands still in the meantime (the beginning of the ledger, the gate's last move) then lies up to ``length``
    further back: it becomes an interval, and so does whatever was measured.
    """

    level: int
    index: int

    @property
    def first(self) -> int:
        """The first of its instants, counted from 0."""
        return self.index << self.level

    @property
    def size(self) -> int:
        """How many instants there are."""
        return 1 << self.level

    @property
    def length(self) -> timedelta:
        """From the first to the last instant."""
        return timedelta(seconds=(self.size - 1) * STEP)

    def fixed(self, instant: datetime) -> Any:
        """An instant that stands still, as seen from the first."""
        return Fixed(instant, self.length) if self.level else instant

    def bounds(self, series: Series, rounding: float = 0.0) -> Any:
        """All values of a series; None where there are none."""
        low, high, holes = series.extremes(self.level, self.index)
        if low != low:  # noqa: PLR0124 (NaN: nothing anywhere)
            return None
        if holes:
            return UNBOUNDED
        slack = rounding * max(1.0, abs(low), abs(high))
        return between(low - slack, high + slack)


class Failures(Unbounded):
    """The incidents of every window of a stretch, looked for only when a rule asks for them."""

    __slots__ = ("_find",)

    def __init__(self, find: Callable[[], tuple[Incident, ...]]) -> None:
        self._find = find

    def __iter__(self) -> Iterator[Incident]:
        return iter(self._find())


class Seen:
    """The evidence of one objective at the end of each slice with ``first <= index < stop``."""

    def __init__(self, past: Past, gate: Gate, first: int, stop: int) -> None:
        self._past = past
        self._first = first
        self._quiet_s = int(gate.thaw.or_quiet_for.total_seconds())
        self._floor = float(gate.freeze.below)
        self._course = Course.of(
            past.slices,
            allowed=past.objective.allowed,
            window=past.objective.window,
            first=first,
            stop=stop,
            quiet_s=self._quiet_s,
            floor=self._floor,
        )
        self._found: dict[int, tuple[Incident, ...]] = {}

    @property
    def objective(self) -> Objective:
        """What is measured."""
        return self._past.objective

    def budget(self, points: int) -> Budget:
        """The course of the budget, in at most so many points."""
        left = self._course.remaining.values
        size = -(-len(left) // points)
        stops = [min(stop, len(left)) for stop in range(size, len(left) + size, size)]
        least = [_least(left[max(stop - size, 0) : stop]) for stop in stops]
        ends = [end_of(self._first + stop - 1) for stop in stops]
        return Budget(self.objective.name, tuple(zip(ends, least, strict=True)))

    def at(self, instant: int) -> ObjectiveEvidence:
        """What a pass would have measured."""
        return self._evidence(
            measure(
                self._past.slices,
                allowed=self.objective.allowed,
                window=self.objective.window,
                now=end_of(self._first + instant),
                history_start=self._past.history_start,
                quiet_s=self._quiet_s,
                floor=self._floor,
                fewest=self.objective.fewest,
            )
        )

    def over(self, stretch: Stretch) -> ObjectiveEvidence:
        """What all passes of a stretch would have measured, as intervals.

        Raises:
            UndecidedError: some would have measured something and others nothing.
        """
        course, end = self._course, end_of(self._first + stretch.first)
        left, measured = stretch.bounds(course.remaining), stretch.bounds(course.measured)
        if left is UNBOUNDED:
            raise UndecidedError
        if left is None:
            reason: Literal["no data", "no traffic"] = "no traffic" if measured else "no data"
            return self._evidence(Unmeasured(UNTOLD, end, reason, UNTOLD, UNTOLD))
        return self._evidence(self._bounded(stretch, end))

    def _evidence(self, evidence: Evidence) -> ObjectiveEvidence:
        return ObjectiveEvidence(self.objective.name, evidence, problem=self._past.problem)

    def _bounded(self, stretch: Stretch, end: datetime) -> Measured:
        course, rounding = self._course, self._course.rounding
        window_start, resets_at = self._window(stretch, end)
        return Measured(
            window_start=window_start,
            window_end=end,
            good=UNTOLD,
            bad=stretch.bounds(course.bad, rounding),
            total=stretch.bounds(course.total, rounding),
            availability=UNTOLD,
            remaining=stretch.bounds(course.remaining, rounding),
            coverage=stretch.bounds(course.coverage),
            watermark=_back(end, stretch.bounds(course.age)),
            partial_since=self._partial_since(stretch, window_start),
            interpolated=UNTOLD,
            approximate=UNTOLD,
            burn=tuple((span, stretch.bounds(one, rounding)) for span, one in course.burn.items()),
            positive_since=_back(end, stretch.bounds(course.quiet)),
            incidents=cast("Any", Failures(lambda: self._incidents(stretch))),
            reliability=UNTOLD,
            worst=UNTOLD,
            to_come=stretch.bounds(course.to_come, rounding),
            resets_at=resets_at,
        )

    def _window(self, stretch: Stretch, end: datetime) -> tuple[Any, Any]:
        """(window_start, resets_at) of a stretch, which must lie in one calendar period if those are counted."""
        course = self._course
        if isinstance(self.objective.window, Rolling):
            return _back(end, stretch.bounds(course.length)), None
        shortest, longest, _ = course.length.extremes(stretch.level, stretch.index)
        if longest - shortest != stretch.size - 1:
            raise UndecidedError
        left_over = course.left_over.extremes(stretch.level, stretch.index).high
        return stretch.fixed(_back(end, shortest)), stretch.fixed(_back(end, -left_over))

    def _incidents(self, stretch: Stretch) -> tuple[Incident, ...]:
        """Those of every window of a stretch, their shares as intervals.

        Raises:
            UndecidedError: some windows have others, or other parts of them.
        """
        course, rounding = self._course, self._course.rounding
        first, last, _ = course.turns.extremes(stretch.level, stretch.index)
        found = self._after(int(first))
        if any(self._after(turn) != found for turn in range(int(first) + 1, int(last) + 1)):
            raise UndecidedError
        events = stretch.bounds(course.total, rounding) + stretch.bounds(course.to_come, rounding)
        return tuple(
            replace(
                one,
                start=stretch.fixed(one.start),
                end=None if one.end is None else stretch.fixed(one.end),
                budget_share=budget_share(one.bad, events, self.objective.allowed),
            )
            for one in found
        )

    def _after(self, turn: int) -> tuple[Incident, ...]:
        """The incidents after so many turns, without their shares. Many a turn is of what is dropped as chance."""
        if turn not in self._found:
            instant = int(np.searchsorted(self._course.turns.values, turn))
            length, stop = int(self._course.length.values[instant]), self._first + instant + 1
            window = self._past.slices.between(stop - length, stop)
            found = find(window, self.objective.allowed, fewest=self.objective.fewest)
            self._found[turn] = tuple(replace(one, budget_share=0.0) for one in found)
        return self._found[turn]

    def _partial_since(self, stretch: Stretch, window_start: Any) -> Any:
        if self._past.history_start is None:
            return None
        since = stretch.fixed(self._past.history_start)
        return since if since > window_start else None


def _least(left: Counts) -> float | None:
    known = left[~np.isnan(left)]
    return float(known.min()) if len(known) else None


def _back(end: datetime, slices: Any) -> Any:
    """So many slices before."""
    if slices is None or slices is UNBOUNDED:
        return slices
    if isinstance(slices, Interval):
        return between(_back(end, slices.high), _back(end, slices.low))
    return end - timedelta(seconds=slices * STEP)
