"""The evidence at many instants in a row, measured at once, and its extremes over any aligned part of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from gatekeeper.availability.budget import remaining_each
from gatekeeper.availability.burn import SPANS, burn_rate_each
from gatekeeper.availability.incidents import turns
from gatekeeper.availability.ledger import STEP, Counts, Cumulative, Flag, Slices, end_of, ending_at, steps_in
from gatekeeper.availability.measure import LEAST_COVERED, reach
from gatekeeper.availability.remaining import to_come
from gatekeeper.availability.window import Rolling, Window

Bools = npt.NDArray[np.bool_]

EXACT = float(2**53)
"""Whole counts below this add up without rounding, in whatever order."""
ROUNDING = 1e-9
"""Sums of fractions in another order differ by less than this share of them: a bound with room to spare."""


class Extremes(NamedTuple):
    """The least and the greatest of some numbers; ``holes``: some are missing; all are where ``low`` is NaN."""

    low: float
    high: float
    holes: bool


@dataclass(frozen=True, eq=False)
class Series:
    """One number at each instant, shape (n,), NaN where there is none."""

    values: Counts

    @cached_property
    def _levels(self) -> list[tuple[Counts, Counts, Bools]]:
        """(low, high, holes) of every 2**k numbers, k = 0, 1, ...; the last number is repeated to fill up."""
        size = 1 << max(len(self.values) - 1, 0).bit_length()
        low = high = np.pad(self.values, (0, size - len(self.values)), mode="edge")
        holes = np.isnan(low)
        levels = [(low, high, holes)]
        while len(low) > 1:
            low, high = np.fmin(low[::2], low[1::2]), np.fmax(high[::2], high[1::2])
            holes = holes[::2] | holes[1::2]
            levels.append((low, high, holes))
        return levels

    def extremes(self, level: int, index: int) -> Extremes:
        """Of the numbers from ``index * 2**level`` to before ``(index + 1) * 2**level``."""
        low, high, holes = self._levels[level]
        return Extremes(float(low[index]), float(high[index]), bool(holes[index]))


@dataclass(frozen=True, eq=False)
class Course:
    """What ``measure`` says at the end of each slice from ``first`` on; NaN where it says nothing.

    Attributes:
        first: the slice of the first instant.
        rounding: the share by which sums may differ from those that ``measure`` makes; 0 for whole counts.
        length: slices since the window's start.
        left_over: slices until the end of a calendar period; 0 for a rolling window.
        total: events of the window.
        to_come: events expected until the period's end.
        bad: bad events of the window.
        remaining: the share of budget left; NaN without events.
        measured: measured slices of the window.
        coverage: measured slices / expected slices.
        age: slices since the last measured one; NaN before the first.
        quiet: for how many slices more than ``floor`` was left without a break; 0 where no more is left.
        burn: burn rates by span in seconds.
        turns: how often the window's incidents may have changed; between two turns only their shares do.
    """

    first: int
    rounding: float
    length: Series
    left_over: Series
    total: Series
    to_come: Series
    bad: Series
    remaining: Series
    measured: Series
    coverage: Series
    age: Series
    quiet: Series
    burn: Mapping[int, Series]
    turns: Series

    @classmethod
    def of(
        cls,
        slices: Slices,
        *,
        allowed: float,
        window: Window,
        first: int,
        stop: int,
        quiet_s: int,
        floor: float,
    ) -> Self:
        """Measure a window at the end of each slice with ``first <= index < stop``.

        Args:
            slices: the ledger; what it lacks counts as unknown.
            allowed: 1 - target, in (0, 1].
            window: the objective's window, of whole slices.
            first: the first instant's slice.
            stop: one past the last instant's slice.
            quiet_s: how far back ``quiet`` looks, in seconds.
            floor: the share of budget that ``quiet`` is measured against.

        Raises:
            ValueError: a span does not fit the slices, or ``allowed`` leaves no budget.
        """
        now = end_of(first)
        known = slices.between(first + 1 - int(reach(window, quiet_s, now).total_seconds()) // STEP, stop)
        bounds = list(_periods(window, first, stop))
        pieces = [_piece(known, window, allowed, one, steps_in(quiet_s), floor) for one in bounds]
        length, left_over, total, to_come, bad, remaining, quiet = map(
            np.concatenate, zip(*pieces, strict=True)
        )
        rolling_and_whole = isinstance(window, Rolling) and _whole(known)
        return cls(
            first=first,
            rounding=0.0 if rolling_and_whole else ROUNDING,
            length=Series(length),
            left_over=Series(left_over),
            total=Series(total),
            to_come=Series(to_come),
            bad=Series(bad),
            remaining=Series(remaining),
            measured=Series(_measured(known, length)),
            coverage=Series(_covered(known, window, length)),
            age=Series(_age(known.having(Flag.MEASURED))[-(stop - first) :]),
            quiet=Series(quiet),
            burn=_burns(known, first, stop, allowed),
            turns=Series(_turns(known, allowed, length)),
        )


class _Period(NamedTuple):
    """The instants with ``first <= index < stop`` of one period, which lasts from slice ``start`` to ``end``."""

    first: int
    stop: int
    start: int
    end: int


def _periods(window: Window, first: int, stop: int) -> Iterator[_Period]:
    """The periods that the instants lie in; one for a rolling window, whose start moves with each of them."""
    while first < stop:
        period = window.at(end_of(first))
        start, end = ending_at(period.start), ending_at(period.end)
        until = stop if isinstance(window, Rolling) else min(stop, end + 1)
        yield _Period(first, until, start, end)
        first = until


def _piece(
    known: Slices, window: Window, allowed: float, period: _Period, quiet: int, floor: float
) -> tuple[Counts, ...]:
    """(length, left_over, total, to_come, bad, remaining, quiet) of one period's instants."""
    first, stop, start, end = period
    running, count = Cumulative.of(known), stop - first
    if isinstance(window, Rolling):
        begin, nothing = first - quiet, np.zeros(count)
        bad, total = running.ending(begin, stop, first - start)
        left = remaining_each(bad, total, allowed)
        lengths, left_over, ahead = np.full(count, float(first - start)), nothing, nothing
    else:
        begin = max(first - quiet, start)
        bad, total = running.since(start, begin, stop)
        coming = to_come(known, begin, stop, end)
        left = remaining_each(bad, total + coming, allowed)
        places = np.arange(first, stop, dtype=np.float64)
        lengths, left_over, ahead = places - start, end - places, coming[-count:]
    return (
        lengths,
        left_over,
        total[-count:],
        ahead,
        bad[-count:],
        left[-count:],
        _quiet(left, count, quiet, floor),
    )


def _whole(slices: Slices) -> bool:
    return all(
        bool((counts == np.floor(counts)).all()) and float(counts.sum()) < EXACT
        for counts in (slices.total, slices.bad)
    )


def _measured(known: Slices, lengths: Counts) -> Counts:
    return _count(known.having(Flag.MEASURED) & ~known.having(Flag.EXCLUDED), lengths)


def _covered(known: Slices, window: Window, lengths: Counts) -> Counts:
    reaching = np.maximum(lengths, 0 if isinstance(window, Rolling) else LEAST_COVERED)
    expected, found = _count(~known.having(Flag.EXCLUDED), reaching), _measured(known, reaching)
    return np.divide(found, expected, out=np.zeros(len(found)), where=expected > 0)


def _burns(known: Slices, first: int, stop: int, allowed: float) -> Mapping[int, Series]:
    running = Cumulative.of(known)
    sums = {span: running.ending(first, stop, steps_in(span)) for span in SPANS}
    return {span: Series(burn_rate_each(bad, total, allowed)) for span, (bad, total) in sums.items()}


def _count(seen: Bools, lengths: Counts) -> Counts:
    """How many of so many slices before and at each of the last instants are seen."""
    running = np.concatenate(([0.0], np.cumsum(seen)))
    ends = np.arange(len(running) - len(lengths), len(running))
    count: Counts = running[ends] - running[np.maximum(ends - lengths.astype(np.intp), 0)]
    return count


def _turns(known: Slices, allowed: float, lengths: Counts) -> Counts:
    stops = np.arange(len(known) - len(lengths), len(known)) + 1
    return turns(known, allowed, stops - lengths.astype(np.intp), stops).astype(np.float64)


def _age(seen: Bools) -> Counts:
    """How many slices ago the last seen one was, at each; NaN before the first."""
    places = np.arange(len(seen), dtype=np.float64)
    last = np.maximum.accumulate(np.where(seen, places, -np.inf))
    return np.where(np.isinf(last), np.nan, places - np.maximum(last, 0.0))


def _quiet(left: Counts, count: int, quiet: int, floor: float) -> Counts:
    """How many in a row before each of the last ``count`` had more left, at most ``quiet``; 0 where it has not."""
    above = left > floor
    places = np.arange(len(left))
    last_without = np.maximum.accumulate(np.where(above, -1, places))
    before = np.concatenate(([-1], last_without[:-1]))
    since = np.minimum(places - before - 1, quiet).astype(np.float64)
    return np.where(above, since, 0.0)[-count:]
