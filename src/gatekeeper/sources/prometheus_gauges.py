"""Up or down: a query that is 1 when up, as slices of one event each, bad in the share that was down."""

from dataclasses import dataclass

import numpy as np

from gatekeeper.availability.filling import Totals
from gatekeeper.availability.ledger import STEP, Counts, Flag, Slices
from gatekeeper.availability.series import LONG_GAP
from gatekeeper.policy.selector import BareSelector
from gatekeeper.sources.prometheus_api import PrometheusApi, Result
from gatekeeper.sources.prometheus_windows import MOST_POINTS

BEFORE = 10
"""Slices read before those that are wanted: a sample among them may have one of these as its successor."""
_HOUR = 3600


@dataclass(frozen=True)
class Gauges:
    """Slices of a query's values: each slice is the mean of its samples, and of the series that have any.

    A bare gauge is read sample by sample, and a slice between two samples of a series at most three scrapes apart has
    the value of the later one. Any other query is asked once a minute. Where there is no value, nothing is known: a
    series that ends is missing, not down.
    """

    api: PrometheusApi
    query: BareSelector | str

    def read(self, first: int, stop: int) -> Slices:
        """See ``SliceReader.read``."""
        begin = first - BEFORE
        values = [_filled(one, begin, stop) for one in self._series(begin, stop)]
        result = Slices.unknown(first, stop - first)
        if not values:
            return result
        stacked = np.vstack(values)[:, BEFORE:]
        seen = np.count_nonzero(~np.isnan(stacked), axis=0)
        up = np.divide(np.nansum(stacked, axis=0), seen, out=np.zeros(len(result)), where=seen > 0)
        result.flags[seen > 0] = Flag.MEASURED
        result.total[seen > 0] = 1.0
        result.bad[seen > 0] = 1.0 - np.clip(up, 0.0, 1.0)[seen > 0]
        return result

    def whole(self, first: int, stop: int) -> Totals | None:
        """Nothing is more exact than the slices."""
        del first, stop
        return None

    def criticism(self, stop: int) -> str | None:
        """See ``Critic.criticism``: values beyond 0 and 1."""
        values = [value for _, found in self._asked(stop - _HOUR // STEP, stop) for value in found]
        beyond = [value for value in values if not 0 <= value <= 1]
        if not beyond:
            return None
        return f"up has to be between 0 and 1, and {self.query} was {beyond[0]:g}: compare it, with == bool 1"

    def _series(self, first: int, stop: int) -> list[tuple[Counts, Counts]]:
        """(slice, value) of the samples of each series, in order of time; what is not a number is left out."""
        found = []
        for times, values in self._asked(first, stop):
            finite = np.isfinite(values)
            found.append((np.ceil(times[finite] / STEP), values[finite]))
        return [one for one in found if len(one[0])]

    def _asked(self, first: int, stop: int) -> list[tuple[Counts, Counts]]:
        if isinstance(self.query, BareSelector):
            width = (stop - first) * STEP * 1000 - 1
            answers = [self.api.instant(f"{self.query}[{width}ms]", (stop - 1) * STEP * 1000)]
        else:
            answers = [
                self.api.range(self.query, begin * STEP, min(begin + MOST_POINTS, stop) * STEP - STEP, STEP)
                for begin in range(first, stop, MOST_POINTS)
            ]
        return [pair for answer in answers for pair in _pairs(answer)]


def _pairs(answer: Result) -> list[tuple[Counts, Counts]]:
    """(Unix seconds, value) of the samples of each series; a native histogram has none."""
    found = []
    for item in answer:
        samples = np.array(item.get("values", []), dtype=np.float64).reshape(-1, 2)
        found.append((samples[:, 0], samples[:, 1]))
    return found


def _filled(samples: tuple[Counts, Counts], first: int, stop: int) -> Counts:
    """A series' value in each slice: the mean of its samples; in a short gap, that of the sample after it."""
    places, values = samples[0].astype(np.intp) - first, samples[1]
    inside = (places >= 0) & (places < stop - first)
    places, values = places[inside], values[inside]
    counts = np.bincount(places, minlength=stop - first)
    sums = np.bincount(places, weights=values, minlength=stop - first)
    result: Counts = np.full(stop - first, np.nan)
    np.divide(sums, counts, out=result, where=counts > 0)
    known = np.flatnonzero(counts)
    gaps = np.diff(known)
    usual = max(int(np.median(gaps)), 1) if len(gaps) else 1
    for place in np.flatnonzero((gaps > 1) & (gaps <= LONG_GAP * usual)):
        result[known[place] + 1 : known[place + 1]] = result[known[place + 1]]
    return result
