"""The ledger: one-minute, UTC-aligned slices of (total, bad), each measured or not.

Slice ``i`` covers the interval ``((i - 1) · STEP, i · STEP]`` in Unix seconds, so ``i · STEP`` is its end.
What was not measured stays distinguishable from a measured zero by its flags; only sums are ever divided.
"""

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntFlag
from typing import Self

import numpy as np
import numpy.typing as npt

STEP = 60
"""Width of a slice, in seconds."""

Counts = npt.NDArray[np.float64]  # counters are floats; whole numbers stay exact up to 2**53
Flags = npt.NDArray[np.uint8]
Times = npt.NDArray[np.intp]  # indices of slices


class Flag(IntFlag):
    """How a slice's numbers came about; 0 is unknown."""

    MEASURED = 1
    INTERPOLATED = 2  # an increment over a scrape gap, spread in proportion
    APPROXIMATE = 4  # from a query that extrapolates, or a histogram's bucket that was divided
    EXCLUDED = 8  # left out by an adjustment; never stored, since the ledger keeps what was measured


def slice_of(instant: datetime | float) -> int:
    """The index of the slice that contains this instant (aware datetime, or Unix seconds)."""
    seconds = instant.timestamp() if isinstance(instant, datetime) else instant
    return math.ceil(seconds / STEP)


def end_of(index: int) -> datetime:
    """The end of a slice, as an aware datetime."""
    return datetime.fromtimestamp(index * STEP, UTC)


def ending_at(instant: datetime) -> int:
    """The index of the slice that ends at this instant.

    Raises:
        ValueError: no slice ends there.
    """
    index = slice_of(instant)
    if end_of(index) != instant:
        raise ValueError(f"{instant.isoformat()} is not the end of a slice of {STEP} s")
    return index


def steps_in(seconds: int) -> int:
    """How many slices a span has.

    Raises:
        ValueError: the span is not a whole number of slices.
    """
    count, rest = divmod(seconds, STEP)
    if rest or count < 0:
        raise ValueError(f"{seconds} s is not a whole number of slices of {STEP} s")
    return count


@dataclass(frozen=True)
class Sums:
    """What a stretch of the ledger adds up to.

    Attributes:
        total: events.
        bad: bad events.
        expected: slices in the stretch that are not left out by an adjustment.
        measured: slices of it that were measured (interpolated ones included).
        interpolated: slices of it spread over a gap.
        approximate: slices of it that come from an extrapolating query.
    """

    total: float
    bad: float
    expected: int
    measured: int
    interpolated: int
    approximate: int

    @property
    def coverage(self) -> float:
        """Measured slices / expected slices, in [0, 1]."""
        return self.measured / self.expected if self.expected else 0.0

    def __add__(self, other: Self) -> Self:
        return type(self)(
            self.total + other.total,
            self.bad + other.bad,
            self.expected + other.expected,
            self.measured + other.measured,
            self.interpolated + other.interpolated,
            self.approximate + other.approximate,
        )


@dataclass(frozen=True, eq=False)
class Slices:
    """A contiguous stretch: slices ``first`` to ``first + len - 1``, as three arrays of one shape (n,)."""

    first: int
    total: Counts
    bad: Counts
    flags: Flags

    @classmethod
    def unknown(cls, first: int, count: int) -> Self:
        """A stretch of which nothing is known yet."""
        return cls(first, np.zeros(count), np.zeros(count), np.zeros(count, dtype=np.uint8))

    def __len__(self) -> int:
        return len(self.total)

    @property
    def stop(self) -> int:
        """One past the last index."""
        return self.first + len(self)

    @property
    def watermark(self) -> datetime | None:
        """The end of the last measured slice; None if none is."""
        measured = self.having(Flag.MEASURED)
        return end_of(self.stop - 1 - int(measured[::-1].argmax())) if measured.any() else None

    def having(self, flag: Flag) -> npt.NDArray[np.bool_]:
        """Which slices have this flag, shape (n,)."""
        having: npt.NDArray[np.bool_] = (self.flags & np.uint8(flag)) != 0
        return having

    @property
    def counting(self) -> npt.NDArray[np.bool_]:
        """Which slices were measured and are not left out by an adjustment, shape (n,)."""
        return self.having(Flag.MEASURED) & ~self.having(Flag.EXCLUDED)

    def latest(self, count: int) -> Self:
        """The last ``count`` slices of this stretch, which has as many; the arrays are shared, not copied."""
        start = len(self) - count
        return type(self)(self.first + start, self.total[start:], self.bad[start:], self.flags[start:])

    def between(self, first: int, stop: int) -> Self:
        """The slices with ``first <= index < stop``; what lies outside this stretch is unknown."""
        result = type(self).unknown(first, max(stop - first, 0))
        low, high = max(first, self.first), min(stop, self.stop)
        if low < high:
            here, there = slice(low - self.first, high - self.first), slice(low - first, high - first)
            result.total[there], result.bad[there], result.flags[there] = (
                self.total[here],
                self.bad[here],
                self.flags[here],
            )
        return result

    def over(self, before: Self) -> Self:
        """The stretch ``before`` with these slices in their places, as far as it has these."""
        result = before.between(before.first, before.stop)
        low, high = max(self.first, before.first), min(self.stop, before.stop)
        if low < high:
            here, there = (
                slice(low - self.first, high - self.first),
                slice(low - before.first, high - before.first),
            )
            result.total[there], result.bad[there], result.flags[there] = (
                self.total[here],
                self.bad[here],
                self.flags[here],
            )
        return result

    def sums(self) -> Sums:
        """Everything in this stretch, added up; slices that an adjustment excludes are not looked for."""
        return Sums(
            total=float(self.total.sum()),
            bad=float(self.bad.sum()),
            expected=int(np.count_nonzero(~self.having(Flag.EXCLUDED))),
            measured=int(np.count_nonzero(self.counting)),
            interpolated=int(np.count_nonzero(self.having(Flag.INTERPOLATED))),
            approximate=int(np.count_nonzero(self.having(Flag.APPROXIMATE))),
        )


@dataclass(frozen=True, eq=False)
class Cumulative:
    """Running sums over a stretch: what any part of it adds up to is two reads and a difference.

    Sums of whole counts are exact below 2**53. No part is below zero: rounding keeps running sums in order.

    Attributes:
        first: the index of the stretch's first slice.
        total: events up to each slice's beginning, shape (n + 1,), from 0.
        bad: bad events likewise.
    """

    first: int
    total: Counts
    bad: Counts

    @classmethod
    def of(cls, slices: Slices) -> Self:
        """The running sums of a stretch."""
        return cls(slices.first, _running(slices.total), _running(slices.bad))

    def ending(self, first: int, stop: int, length: int) -> tuple[Counts, Counts]:
        """(bad, total) of the ``length`` slices that end with each of ``first <= index < stop``.

        They must lie inside the stretch; both arrays have shape (stop - first,).
        """
        until = slice(first + 1 - self.first, stop + 1 - self.first)
        since = slice(until.start - length, until.stop - length)
        return self.bad[until] - self.bad[since], self.total[until] - self.total[since]

    def since(self, start: int, first: int, stop: int) -> tuple[Counts, Counts]:
        """(bad, total) of the slices after ``start``, up to each of ``first <= index < stop``.

        They must lie inside the stretch; both arrays have shape (stop - first,).
        """
        until, begin = slice(first + 1 - self.first, stop + 1 - self.first), start + 1 - self.first
        return self.bad[until] - self.bad[begin], self.total[until] - self.total[begin]


def _running(values: Counts) -> Counts:
    running = np.zeros(len(values) + 1)
    np.cumsum(values, out=running[1:])
    return running
