"""Latency by native histograms: raw samples, each turned into two counters at the threshold."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from gatekeeper.availability.buckets import Buckets, course
from gatekeeper.availability.ledger import STEP
from gatekeeper.availability.series import RawSeries
from gatekeeper.errors import QueryRefusedError
from gatekeeper.policy import latency
from gatekeeper.policy.selector import BareSelector
from gatekeeper.sources.prometheus_api import PrometheusApi, Result
from gatekeeper.sources.prometheus_counters import series_key
from gatekeeper.sources.prometheus_flavour import Dialect, Flavour

PIECE = 3_600_000
"""Milliseconds asked for at once: a sample of some fifty buckets is 2 kB of JSON, and no server limits that."""
_DAY = 86_400


@dataclass(frozen=True)
class NativeHistograms:
    """The events of a native histogram, and those that took longer, as counters.

    A sample is compared with the one before it, bucket by bucket, so that restarts and merged buckets are seen. The
    newest sample of what was read before is asked for once more; the server has it for five minutes.
    """

    api: PrometheusApi
    dialect: Dialect
    histogram: BareSelector
    below: Decimal

    def read(self, after: int, until: int) -> Sequence[RawSeries]:
        """See ``CounterReader.read``."""
        self.dialect.confirm()
        if self.dialect.flavour is Flavour.VICTORIAMETRICS:
            raise QueryRefusedError(
                "VictoriaMetrics turns native histograms into buckets of its own, which are not read: "
                "let the service expose a classic histogram, and remove buckets: native"
            )
        threshold = float(latency.bound(self.histogram, self.below))
        before = {_name(item): _buckets(item["histogram"][1]) for item in self._newest(after)}
        found = self._samples(after, until)
        return [
            counter
            for name, samples in found.items()
            for counter in _counters(dict(name), samples, threshold, before.get(name))
        ]

    def criticism(self, stop: int) -> str | None:
        """See ``Critic.criticism``: there is no native histogram of this name, but a classic one."""
        if self._any(self.histogram, stop) or not self._any(latency.buckets(self.histogram), stop):
            return None
        return f"{self.histogram} is a classic histogram: remove buckets: native"

    def _any(self, selector: BareSelector, stop: int) -> bool:
        query = f"count(count_over_time({selector}[{_DAY}s]))"
        return bool(self.api.instant(query, (stop - 1) * STEP * 1000))

    def _newest(self, at: int) -> Result:
        return [item for item in self.api.instant(str(self.histogram), at) if "histogram" in item]

    def _samples(self, after: int, until: int) -> Mapping["_Name", "_Samples"]:
        """The samples in (after, until] of each histogram."""
        found: dict[_Name, _Samples] = {}
        for begin in range(after, until, PIECE):
            stop = min(begin + PIECE, until)
            # Prometheus 2 includes the beginning of a range, Prometheus 3 does not.
            for item in self.api.instant(f"{self.histogram}[{stop - begin}ms]", stop):
                if "values" in item:
                    raise QueryRefusedError(f"{self.histogram} selects plain numbers, no native histograms")
                samples = found.setdefault(_name(item), [])
                samples.extend(one for one in _read(item) if one[0] > begin)
        return found


_Name = tuple[tuple[str, str], ...]
_Samples = list[tuple[int, Buckets]]


def _name(item: Mapping[str, Any]) -> _Name:
    return tuple(sorted(item["metric"].items()))


def _read(item: Mapping[str, Any]) -> Iterator[tuple[int, Buckets]]:
    """(Unix milliseconds, sample) of a series, oldest first."""
    for time, body in item["histograms"]:
        yield round(float(time) * 1000), _buckets(body)


def _buckets(body: Mapping[str, Any]) -> Buckets:
    """A sample as JSON has it: a bucket is which of its bounds belong to it, the two bounds, and a count."""
    found = [float(text) for _, *row in body.get("buckets") or () for text in row]
    rows = np.array(found, dtype=np.float64).reshape(-1, 3)
    return Buckets(float(body["count"]), rows[:, 0], rows[:, 1], rows[:, 2])


def _counters(
    labels: Mapping[str, str], samples: _Samples, threshold: float, before: Buckets | None
) -> Iterator[RawSeries]:
    """All events as a counter, and those above the threshold as another of the same samples."""
    times = np.array([time for time, _ in samples], dtype=np.int64)
    found = course([one for _, one in samples], threshold, before)
    yield RawSeries(series_key("total", labels), 1, 0, times, found.count, before=found.count_before)
    yield RawSeries(
        series_key("bad", labels),
        0,
        1,
        times,
        found.over,
        before=found.over_before,
        approximate=found.approximate,
        part=True,
    )
