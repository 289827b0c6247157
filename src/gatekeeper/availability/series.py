"""From raw counter samples to increments of the ledger: differences, resets, births and gaps. Pure.

A cursor a series (its last time and value) makes the sums telescope: whatever samples were late, lost or read
twice, the increments of a series add up to its last value minus its first, plus what it had counted at each reset.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from gatekeeper.availability.ledger import STEP, Counts, Flag, Slices

MILLISECOND_STEP = STEP * 1000
LONG_GAP = 3
"""Scrapes. Across a longer gap nobody knows when an increment happened: it is spread and flagged."""

Instants = npt.NDArray[np.int64]  # Unix milliseconds
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Cursor:
    """The newest sample of a series that was counted: its time (Unix milliseconds) and value."""

    time: int
    value: float


@dataclass(frozen=True, eq=False)
class RawSeries:
    """Stored samples of one counter, oldest first.

    Attributes:
        key: names the series for good: a hash of its labels.
        total: how its increments count as events: 1 or 0.
        bad: how they count as bad events: 1, 0, or -1 (good ones, where bad = total - good).
        times: Unix milliseconds, shape (n,).
        values: the counter, shape (n,); what is not finite is no sample (a stale marker).
        before: where it is finite, what counts as the value of the sample before; shape (n,).
        approximate: samples whose increments are an estimate, shape (n,).
        part: it counts some of what the series before it counts, in the same samples, and never gains more.
    """

    key: int
    total: int
    bad: int
    times: Instants
    values: Counts
    before: Counts | None = None
    approximate: Mask | None = None
    part: bool = False


@dataclass(frozen=True, eq=False)
class Differences:
    """Samples not counted yet, each beside the one before it in its series; all arrays have one shape (n,).

    Attributes:
        keys: of the series that have any.
        owner: which of ``keys`` a sample belongs to.
        times: Unix milliseconds.
        values: the counter.
        before_times: of the sample before; a first sample's own time.
        before_values: of the sample before; a first sample's own value.
        first: samples of series never seen before that have none before them.
        total: as ``RawSeries.total``, a sample each.
        bad: as ``RawSeries.bad``, a sample each.
        whole: the sample that says how much this one can gain at most: its own place where none does.
        approximate: as ``RawSeries.approximate``.
    """

    keys: tuple[int, ...]
    owner: npt.NDArray[np.intp]
    times: Instants
    values: Counts
    before_times: Instants
    before_values: Counts
    first: Mask
    total: Counts
    bad: Counts
    whole: npt.NDArray[np.intp]
    approximate: Mask

    def __len__(self) -> int:
        return len(self.times)

    @property
    def spacing(self) -> int | None:
        """The scrape interval as seen here, in milliseconds: the median over series of the median in each."""
        spaces, owner = (self.times - self.before_times)[~self.first], self.owner[~self.first]
        if not len(spaces):
            return None
        ordered, counts = spaces[np.lexsort((spaces, owner))], np.bincount(owner)
        middle = np.cumsum(counts) - counts + (counts - 1) // 2
        medians = np.sort(ordered[middle[counts > 0]])
        return int(medians[(len(medians) - 1) // 2])

    @property
    def cursors(self) -> dict[int, Cursor]:
        """The newest sample of each series."""
        last = np.flatnonzero(np.diff(self.owner, append=-1))
        found = zip(self.owner[last], self.times[last], self.values[last], strict=True)
        return {self.keys[int(owner)]: Cursor(int(time), float(value)) for owner, time, value in found}

    def gained(self, born_after: int) -> Counts:
        """What each sample adds: the difference, or the value itself after a reset or a birth (see ``increments``)."""
        before = np.where(self.first & (self.times > born_after), 0.0, self.before_values)
        gained = np.where(self.values < before, self.values, self.values - before)
        return np.minimum(gained, gained[self.whole])


def differences(series: Sequence[RawSeries], cursors: Mapping[int, Cursor]) -> Differences:
    """Put each sample later than its series' cursor beside the one before it."""
    known = [cursors.get(one.key) for one in series]
    owner = np.repeat(np.arange(len(series)), [len(one.times) for one in series])
    times = np.concatenate([np.empty(0, dtype=np.int64), *(one.times for one in series)])
    values = np.concatenate([np.empty(0), *(one.values for one in series)])
    seen = np.array([np.iinfo(np.int64).min if one is None else one.time for one in known], dtype=np.int64)
    fresh = np.isfinite(values) & (times > seen[owner])
    owner, times, values = owner[fresh], times[fresh], values[fresh]

    head = np.diff(owner, prepend=-1) != 0
    first = head & np.array([one is None for one in known], dtype=np.bool_)[owner]
    start = head & ~first
    before_times, before_values = np.roll(times, 1), np.roll(values, 1)
    before_times[first], before_values[first] = times[first], values[first]
    before_times[start] = seen[owner[start]]
    before_values[start] = np.array([0.0 if one is None else one.value for one in known])[owner[start]]
    told = np.concatenate([np.empty(0), *(_told(one) for one in series)])[fresh]
    before_values = np.where(np.isfinite(told) & ~first, told, before_values)
    return Differences(
        keys=tuple(one.key for one in series),
        owner=owner,
        times=times,
        values=values,
        before_times=before_times,
        before_values=before_values,
        first=first,
        total=np.array([one.total for one in series], dtype=np.float64)[owner],
        bad=np.array([one.bad for one in series], dtype=np.float64)[owner],
        whole=_wholes(series, owner, times),
        approximate=np.concatenate([np.empty(0, dtype=np.bool_), *(_estimated(one) for one in series)])[
            fresh
        ],
    )


def _told(one: RawSeries) -> Counts:
    return np.full(len(one.times), np.nan) if one.before is None else one.before


def _estimated(one: RawSeries) -> Mask:
    return np.zeros(len(one.times), dtype=np.bool_) if one.approximate is None else one.approximate


def _wholes(
    series: Sequence[RawSeries], owner: npt.NDArray[np.intp], times: Instants
) -> npt.NDArray[np.intp]:
    """For each sample of a part the place of the same sample of its whole; for any other its own."""
    result = np.arange(len(owner))
    parts = [index for index, (_, one) in enumerate(pairwise(series), 1) if one.part]
    starts = np.searchsorted(owner, np.arange(len(series) + 1))
    for index in parts:
        whole, part = slice(*starts[index - 1 : index + 1]), slice(*starts[index : index + 2])
        if np.array_equal(times[whole], times[part]):
            result[part] = result[whole]
    return result


def increments(found: Differences, *, scrape: int, born_after: int) -> Slices:
    """What the slices gain from these samples: counts to be added, flags to be joined.

    An increment belongs to the slice of the sample that shows it. Across more than ``LONG_GAP`` scrapes it is
    spread in proportion to time. All slices between two samples closer than that are measured.

    Args:
        found: samples and those before them.
        scrape: the scrape interval, in milliseconds.
        born_after: a series whose first sample is later was born, and counts from zero; an earlier one was
            there before us, and its first sample is where counting begins. Unix milliseconds.
    """
    if not len(found):
        return Slices.unknown(0, 0)
    gained = found.gained(born_after)
    gap = found.times - found.before_times > LONG_GAP * scrape
    begin = np.where(gap, found.before_times // MILLISECOND_STEP + 1, _slices_of(found.before_times))
    end = _slices_of(found.times)
    first = int(begin.min())
    result = Slices.unknown(first, int(end.max()) - first + 1)
    result.total[:] += _at(end - first, (gained * found.total)[~gap], ~gap, len(result))
    result.bad[:] += _at(end - first, (gained * found.bad)[~gap], ~gap, len(result))
    for each in np.flatnonzero(gap & (gained > 0)):
        where = slice(int(begin[each]) - first, int(end[each]) - first + 1)
        parts = _spread(float(gained[each]), int(found.before_times[each]), int(found.times[each]))
        result.total[where] += parts * found.total[each]
        result.bad[where] += parts * found.bad[each]
    measured = _covered(begin - first, end - first, len(result))
    over_a_gap = _covered(begin[gap] - first, end[gap] - first, len(result))
    estimated = found.approximate & (gained > 0)
    since = np.where(gap, begin, end)[estimated]
    about = _covered(since - first, end[estimated] - first, len(result))
    flags = Flag.MEASURED * measured | Flag.INTERPOLATED * over_a_gap | Flag.APPROXIMATE * about
    return replace(result, flags=flags.astype(np.uint8))


def joined(stored: Slices, gained: Slices) -> Slices:
    """Slices with the increments of the same stretch added and the flags of both."""
    return Slices(
        stored.first,
        stored.total + gained.total,
        stored.bad + gained.bad,
        stored.flags | gained.flags,
    )


def repay(bad: Counts, deficit: float) -> tuple[Counts, float]:
    """Turn counts of bad events that may be negative into ones that are not, keeping their sum.

    Good and total counted by different processes, or asked for in two requests, do not move at the same
    instant: a slice can see more good events than events. Such a surplus is owed by the bad events that follow.

    Returns:
        The counts, none negative, and the deficit left. Exactly: sum(result) - left = sum(bad) - deficit.
    """
    if deficit == 0 and (len(bad) == 0 or bad.min() >= 0):
        return bad, 0.0
    true = np.cumsum(bad) - deficit
    reached = np.maximum(np.maximum.accumulate(true), 0.0)
    return np.diff(reached, prepend=0.0), float(reached[-1] - true[-1]) if len(bad) else deficit


def _slices_of(times: Instants) -> Instants:
    return -(-times // MILLISECOND_STEP)


def _at(index: Instants, weights: Counts, chosen: Mask, size: int) -> Counts:
    counts: Counts = np.bincount(index[chosen], weights=weights, minlength=size).astype(
        np.float64, copy=False
    )
    return counts


def _covered(begin: Instants, end: Instants, size: int) -> Mask:
    """Which of ``size`` places lie in any of the closed intervals [begin, end]."""
    edges = np.bincount(begin, minlength=size + 1) - np.bincount(end + 1, minlength=size + 1)
    covered: Mask = np.cumsum(edges)[:size] > 0
    return covered


def _spread(gained: float, before: int, time: int) -> Counts:
    """An increment over (before, time], a part for each slice; whole numbers stay whole and the sum is exact."""
    first, last = before // MILLISECOND_STEP + 1, -(-time // MILLISECOND_STEP)
    edges = np.minimum(np.arange(first, last + 1) * MILLISECOND_STEP, time)
    reached = gained * ((edges - before) / (time - before))
    if gained.is_integer():
        reached = np.floor(reached + 0.5)
    reached[-1] = gained
    return np.diff(reached, prepend=0.0)
