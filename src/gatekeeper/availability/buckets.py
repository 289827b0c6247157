"""Native histograms: how many events took longer than a threshold, and what two samples have in common. Pure.

Sources: https://prometheus.io/docs/specs/native_histograms/ (buckets, resets, interpolation) and Prometheus's
``promql/quantile.go`` (``histogram_fraction``) and ``model/histogram`` (``DetectReset``).
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Self

import numpy as np

from gatekeeper.availability.ledger import Counts
from gatekeeper.availability.series import Mask


@dataclass(frozen=True)
class Split:
    """A histogram's events on both sides of a threshold.

    Attributes:
        count: all of them.
        over: those above it; of the events in a bucket that holds it, the share that lies above.
        unclear: the events in such a bucket, 0 where the threshold is a boundary.
    """

    count: float
    over: float
    unclear: float


@dataclass(frozen=True, eq=False)
class Buckets:
    """One sample of a native histogram: the populated buckets in ascending order, shape (n,) each.

    Attributes:
        count: all events; those that are not a number are in no bucket.
        low: the buckets' lower bounds.
        high: their upper bounds; a positive bucket is (low, high].
        number: the events in each.
    """

    count: float
    low: Counts
    high: Counts
    number: Counts

    def split(self, threshold: float) -> Split:
        """Events up to a positive threshold, and above it."""
        holds = (self.low < threshold) & (threshold < self.high)
        unclear = float(self.number[holds].sum())
        nowhere = max(self.count - float(self.number.sum()), 0.0)
        above = nowhere + float(self.number[self.low >= threshold].sum())
        share = [_share_above(self.low[at], self.high[at], threshold) for at in np.flatnonzero(holds)]
        return Split(self.count, above + float(np.dot(self.number[holds], share)), unclear)

    def since(self, before: Self) -> Self | None:
        """An earlier sample in this one's buckets; None if the process restarted between the two.

        It is the earlier one itself where the buckets are the same. A process only ever adds events and merges buckets.
        So a count that is lower, and a bucket that lies in none of the later ones, which is a finer resolution among
        other things, show a new beginning.
        """
        if np.array_equal(self.low, before.low) and np.array_equal(self.high, before.high):
            fell = self.count < before.count or (self.number < before.number).any()
            return None if fell else before
        place = np.searchsorted(self.high, before.high)
        inside = place < len(self.high)
        if self.count < before.count or not inside.all() or (self.low[place] > before.low).any():
            return None
        merged = np.bincount(place, weights=before.number, minlength=len(self.high)).astype(np.float64)
        return None if (merged > self.number).any() else replace(self, count=before.count, number=merged)


def _share_above(low: float, high: float, threshold: float) -> float:
    """The share of a bucket's events above a threshold inside it.

    Exponential, as the buckets are, and as ``histogram_fraction`` has it since Prometheus 3. In the bucket around zero
    it is linear from zero: a delay is never negative. In one without an upper end all are above.
    """
    if np.isinf(high):
        return 1.0
    if low <= 0:
        return 1.0 - threshold / high
    return float(np.log(high / threshold) / np.log(high / low))


@dataclass(frozen=True, eq=False)
class Course:
    """A histogram's samples as two counters, of all events and of those above a threshold; shape (n,) each.

    Attributes:
        count: all events.
        over: those above the threshold.
        count_before: what the sample before amounts to in terms of this one, where that is not simply its own value:
            0 after a restart; otherwise NaN.
        over_before: likewise; after buckets were merged, what the earlier events count in the wider ones.
        approximate: where events were added to a bucket that holds the threshold.
    """

    count: Counts
    over: Counts
    count_before: Counts
    over_before: Counts
    approximate: Mask


def course(samples: Sequence[Buckets], threshold: float, before: Buckets | None) -> Course:
    """Consecutive samples of one histogram, after an earlier one if there is any."""
    own = [one.split(threshold) for one in samples]
    past = zip([before, *samples], [before.split(threshold) if before else None, *own], strict=True)
    earlier = [_earlier(*known, one, threshold) for known, one in zip(past, samples, strict=False)]
    return Course(
        count=np.array([one.count for one in own], dtype=np.float64),
        over=np.array([one.over for one in own], dtype=np.float64),
        count_before=np.array([count for count, _, _ in earlier], dtype=np.float64),
        over_before=np.array([over for _, over, _ in earlier], dtype=np.float64),
        approximate=np.array(
            [one.unclear > unclear for one, (_, _, unclear) in zip(own, earlier, strict=True)], dtype=np.bool_
        ),
    )


def joined(parts: Sequence[Course]) -> Course:
    """One course of several that follow each other; at least one."""
    return Course(*(np.concatenate([getattr(one, each.name) for one in parts]) for each in fields(Course)))


def _earlier(
    before: Buckets | None, past: Split | None, sample: Buckets, threshold: float
) -> tuple[float, float, float]:
    """(count, over, unclear) of the sample before in terms of this one; NaN where its own value serves."""
    if before is None or past is None:
        return np.nan, np.nan, 0.0
    known = sample.since(before)
    if known is None:
        return 0.0, 0.0, 0.0
    there = past if known is before else known.split(threshold)
    return np.nan, there.over if there.over != past.over else np.nan, there.unclear
