"""When a freeze will end, and when a budget will be spent.

A rolling budget recovers by rolling off: what went bad leaves the window one window later. So, without a new incident,
the end of a freeze is known up to the everyday traffic to come, which is taken to repeat the last seven days.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, NamedTuple, Self

import numpy as np

from gatekeeper.availability import incidents
from gatekeeper.availability.budget import remaining_each
from gatekeeper.availability.burn import Row, burn_rate_each, threshold
from gatekeeper.availability.incidents import Incident
from gatekeeper.availability.ledger import (
    STEP,
    Counts,
    Cumulative,
    Slices,
    Times,
    end_of,
    ending_at,
    slice_of,
    steps_in,
)
from gatekeeper.availability.remaining import WEEK, remaining_at, to_come
from gatekeeper.availability.window import Rolling, Window

CALM_SPAN = 6 * 3600
"""The burn rate over so many seconds must be below 1 for a quiet budget to end a freeze."""
MOST_STRETCHES = 3
MOST_WEEKS = 4
"""The last weeks, as far as they were measured, that a forecast's spread compares."""


class Stretch(NamedTuple):
    """A stretch of the ledger and the bad events in it."""

    start: datetime
    end: datetime
    bad: float


@dataclass(frozen=True)
class Spread:
    """When the thaw rule will be met if the time to come is like one or another of the last weeks.

    Attributes:
        earliest: with the kindest of them; None if with none of them.
        latest: with the harshest of them; None if with that one not within what is looked ahead.
        weeks: how many there are, the last one included.
    """

    earliest: datetime | None
    latest: datetime | None
    weeks: int


@dataclass(frozen=True)
class Forecast:
    """When the thaw rule will be met.

    Attributes:
        at: the earliest end of a slice, from now on, at which it is met; None if not within a window and ``quiet_s``.
        by: which half of the rule is met first: enough budget, or a positive one kept quiet.
        frees: what costs most of what has to leave the window until then, in order of time; at most three.
        spread: how far that moves with everyday errors and traffic; None where only one week is known.
    """

    at: datetime | None
    by: Literal["above", "quiet"] | None
    frees: tuple[Stretch, ...]
    spread: Spread | None = None


def thaw(
    slices: Slices,
    allowed: float,
    window: Window,
    above: float,
    quiet_s: int,
    now: datetime,
    *,
    floor: float = 0.0,
    cooled: Sequence[Row] = (),
    fewest: int = incidents.FEWEST_FAILURES,
) -> Forecast:
    """The earliest t >= now with r(t) >= above, or r > floor from t - quiet to t and no 6 h burn of 1 or more at t.

    The forecast is that no new incident comes: each slice to come repeats the one a week before it, errors outside
    incidents included. What the last week lacks (gaps, what an adjustment leaves out, a ledger younger than that)
    comes at the mean rates of the rest. Where nothing went bad outside incidents nothing new does, and the forecast
    is exact up to the traffic.
    The budget of a calendar period starts anew with the next.

    Args:
        slices: at least as far back as ``measure.reach`` says; what they lack counts as unknown.
        allowed: 1 - target, in (0, 1].
        window: the objective's window, of whole slices.
        above: the share of budget that ends a freeze at once.
        quiet_s: how long a positive budget ends it too, in seconds.
        now: the end of a slice.
        floor: the share of the budget at which the freeze began.
        cooled: rows whose long span must not burn above its threshold at t either: those that can freeze.
        fewest: an incident has at least so many bad events.

    Raises:
        ValueError: ``now`` or a span does not fit the slices, or ``allowed`` leaves no budget.
    """
    rule = _Rule.of(slices, allowed, window, (above, floor), quiet_s, now, cooled)
    inside = rule.past.latest(rule.length)
    found = incidents.find(inside, allowed, fewest=fewest)
    met = rule.met(_expected(rule.past.latest(WEEK), found, rule.ahead))
    spread = _spread(rule, slices, met, fewest)
    if met is None:
        return Forecast(None, None, (), spread)
    turned = rule.last + met.after - (0 if met.by == "above" else rule.quiet)
    rolls = isinstance(window, Rolling)
    frees = _leaving(inside, found, turned + 1 - rule.length) if rolls else ()
    return Forecast(end_of(rule.last + met.after), met.by, frees, spread)


def exhaustion(remaining: float, burn: float | None, window_s: float) -> float | None:
    """Seconds until the budget is spent at this burn rate, r · W / b: 0 if it is spent, None if it never will be."""
    if remaining <= 0:
        return 0.0
    return remaining * window_s / burn if burn is not None and burn > 0 else None


class _Met(NamedTuple):
    """How many slices after now the thaw rule is met first, and which half of it."""

    after: int
    by: Literal["above", "quiet"]


@dataclass(frozen=True)
class _Rule:
    """The thaw rule at one instant, to be held against one future or another. Lengths are in slices.

    Attributes:
        past: all that the rule looks back on, up to now.
        last: the slice that ends now.
        length: how much of the window has passed.
        ahead: how far to look.
        window_s: the whole window, in seconds.
    """

    past: Slices
    window: Window
    allowed: float
    above: float
    floor: float
    quiet: int
    cooled: Sequence[Row]
    last: int
    length: int
    ahead: int
    window_s: float

    @classmethod
    def of(
        cls,
        slices: Slices,
        allowed: float,
        window: Window,
        lines: tuple[float, float],
        quiet_s: int,
        now: datetime,
        cooled: Sequence[Row],
    ) -> Self:
        """The rule now; the arguments are those of ``thaw``, its lines ``above`` and ``floor``."""
        period, last = window.at(now), ending_at(now)
        length, quiet = last - ending_at(period.start), steps_in(quiet_s)
        ahead = quiet + (length if isinstance(window, Rolling) else ending_at(period.end) - last)
        back = max(length, WEEK, steps_in(CALM_SPAN), *(steps_in(row.long_s) for row in cooled)) + quiet
        past = slices.between(last + 1 - back, last + 1)
        return cls(past, window, allowed, *lines, quiet, cooled, last, length, ahead, period.seconds)

    def met(self, future: tuple[Counts, Counts]) -> _Met | None:
        """When the rule is met first if the (bad, total) of ``future`` follow; None if not within them."""
        course = _with_future(self.past, future)
        left = _left(course, self.past, self.window, self.allowed, self.last - self.quiet)
        enough = left[self.quiet :] >= self.above
        kept = _points_above(left, self.floor)[self.quiet :] > self.quiet
        burns = _Burns(Cumulative.of(course), self.last, course.stop, self.allowed)
        hot = [burns.over(row.long_s) > threshold(row, self.window_s) for row in self.cooled]
        met = np.flatnonzero(
            (enough | kept & ~(burns.over(CALM_SPAN) >= 1)) & ~np.any([np.zeros_like(enough), *hot], axis=0)
        )
        return _Met(int(met[0]), "above" if enough[met[0]] else "quiet") if len(met) else None


def _spread(rule: _Rule, slices: Slices, central: _Met | None, fewest: int) -> Spread | None:
    """The rule held against each of the weeks before the last one, too; None where there is none to compare with."""
    others = [
        rule.met(_expected(week, incidents.find(week, rule.allowed, fewest=fewest), rule.ahead))
        for week in _earlier_weeks(slices, rule.last)
    ]
    if not others:
        return None
    foreseen = [met.after for met in (central, *others) if met is not None]
    return Spread(
        earliest=end_of(rule.last + min(foreseen)) if foreseen else None,
        latest=end_of(rule.last + max(foreseen)) if len(foreseen) == len(others) + 1 else None,
        weeks=len(others) + 1,
    )


def _earlier_weeks(slices: Slices, last: int) -> Iterator[Slices]:
    """The weeks before the last one, the newest first, as far as at least half of each was measured."""
    for back in range(1, MOST_WEEKS):
        stop = last + 1 - back * WEEK
        week = slices.between(stop - WEEK, stop)
        if np.count_nonzero(week.counting) * 2 >= WEEK:
            yield week


@dataclass(frozen=True)
class _Burns:
    """Burn rates at the end of each slice from ``first`` to the one before ``stop``."""

    running: Cumulative
    first: int
    stop: int
    allowed: float

    def over(self, span_s: int) -> Counts:
        return burn_rate_each(*self.running.ending(self.first, self.stop, steps_in(span_s)), self.allowed)


def _with_future(past: Slices, future: tuple[Counts, Counts]) -> Slices:
    bad, total = (np.concatenate(parts) for parts in zip((past.bad, past.total), future, strict=True))
    flags = np.concatenate((past.flags, np.zeros(len(future[0]), dtype=np.uint8)))
    return Slices(past.first, total, bad, flags)


def _left(course: Slices, past: Slices, window: Window, allowed: float, first: int) -> Counts:
    """The share left at the end of each slice from ``first`` to the course's last, the past judged as it was then."""
    if isinstance(window, Rolling):
        return remaining_at(course, window, allowed, first, course.stop)
    stop, period = past.stop, window.at(end_of(past.stop - 1))
    following = window.at(period.end + timedelta(seconds=STEP))
    start, end, after = (ending_at(edge) for edge in (period.start, period.end, following.end))
    running, until = (
        Cumulative.of(course),
        [float(to_come(past, stop - 1, stop, one)[0]) for one in (end, after)],
    )
    events = float(running.since(start, stop - 1, stop)[1][0])
    still, then = running.since(start, stop, end + 1)[0], running.since(end, end + 1, course.stop)[0]
    return np.concatenate(
        (
            remaining_at(past, window, allowed, first, stop),
            remaining_each(still, np.full(len(still), events + until[0]), allowed),
            remaining_each(then, np.full(len(then), until[1] - until[0]), allowed),
        )
    )


def _expected(week: Slices, found: Sequence[Incident], ahead: int) -> tuple[Counts, Counts]:
    """(bad, total) of the slices to come: the week again, at the rates of the rest where it says nothing of them."""
    measured = week.counting
    calm = measured & ~incidents.inside(week, found)
    rate = float(week.total[measured].mean()) if measured.any() else 0.0
    events = float(week.total[calm].sum())
    ratio = float(week.bad[calm].sum()) / events if events else 0.0
    total = np.where(measured, week.total, rate)
    return np.resize(np.where(calm, week.bad, ratio * total), ahead), np.resize(total, ahead)


def _points_above(left: Counts, floor: float) -> Times:
    """How many points in a row, up to and including each, have more budget left than that."""
    points = np.arange(len(left))
    last_without = np.maximum.accumulate(np.where(left > floor, -1, points))
    return points - last_without


def _leaving(window: Slices, found: Sequence[Incident], stop: int) -> tuple[Stretch, ...]:
    """The costliest incidents of the window, as far as they lie before ``stop``; else all that went bad there."""
    leaving = window.between(window.first, max(stop, window.first))
    spans = [
        (slice_of(one.start) + 1, leaving.stop if one.end is None else slice_of(one.end) + 1) for one in found
    ]
    bad = np.flatnonzero(leaving.bad)
    if len(bad) and not any(start < leaving.stop for start, _ in spans):
        spans = [(leaving.first + int(bad[0]), leaving.first + int(bad[-1]) + 1)]
    stretches = [
        _stretch(leaving, start, min(end, leaving.stop)) for start, end in spans if start < leaving.stop
    ]
    return tuple(sorted(sorted(stretches, key=lambda one: -one.bad)[:MOST_STRETCHES]))


def _stretch(slices: Slices, start: int, stop: int) -> Stretch:
    return Stretch(end_of(start - 1), end_of(stop - 1), float(slices.between(start, stop).bad.sum()))
