"""Latency by native histograms: raw samples, each turned into two counters at the threshold."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from gatekeeper.availability.buckets import Buckets, Course, course, joined
from gatekeeper.availability.ledger import STEP
from gatekeeper.availability.series import Instants, RawSeries
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
        self._confirm()
        last = {_name(item): _buckets(item["histogram"][1]) for item in self._newest(after)}
        found: dict[_Name, list[_Part]] = {}
        for begin in range(after, until, PIECE):
            for item in self._items(begin, min(begin + PIECE, until)):
                name, (times, samples) = _name(item), _samples(item, begin)
                if samples:
                    part = course(samples, self._threshold, last.get(name))
                    found.setdefault(name, []).append((times, part))
                    last[name] = samples[-1]
        return [counter for name, parts in found.items() for counter in _counters(dict(name), parts)]

    def criticism(self, stop: int) -> str | None:
        """See ``Critic.criticism``: there is no native histogram of this name, but a classic one."""
        if self._any(self.histogram, stop) or not self._any(latency.buckets(self.histogram), stop):
            return None
        return f"{self.histogram} is a classic histogram: remove buckets: native"

    def _confirm(self) -> None:
        self.dialect.confirm()
        if self.dialect.flavour is Flavour.VICTORIAMETRICS:
            raise QueryRefusedError(
                "VictoriaMetrics turns native histograms into buckets of its own, which are not read: "
                "let the service expose a classic histogram, and remove buckets: native"
            )

    def _any(self, selector: BareSelector, stop: int) -> bool:
        query = f"count(count_over_time({selector}[{_DAY}s]))"
        return bool(self.api.instant(query, (stop - 1) * STEP * 1000))

    def _newest(self, at: int) -> Result:
        return [item for item in self.api.instant(str(self.histogram), at) if "histogram" in item]

    def _items(self, begin: int, stop: int) -> Iterator[Mapping[str, Any]]:
        for item in self.api.instant(f"{self.histogram}[{stop - begin}ms]", stop):
            if "values" in item:
                raise QueryRefusedError(f"{self.histogram} selects plain numbers, no native histograms")
            yield item

    @property
    def _threshold(self) -> float:
        return float(latency.bound(self.histogram, self.below))


_Name = tuple[tuple[str, str], ...]
_Part = tuple[Instants, Course]


def _name(item: Mapping[str, Any]) -> _Name:
    return tuple(sorted(item["metric"].items()))


def _samples(item: Mapping[str, Any], after: int) -> tuple[Instants, list[Buckets]]:
    """Times and samples of a series after a time, Unix milliseconds, oldest first.

    Prometheus 2 includes the beginning of a range, Prometheus 3 does not.
    """
    rows = [(round(float(time) * 1000), body) for time, body in item["histograms"]]
    later = [(time, _buckets(body)) for time, body in rows if time > after]
    return np.array([time for time, _ in later], dtype=np.int64), [one for _, one in later]


def _buckets(body: Mapping[str, Any]) -> Buckets:
    """A sample as JSON has it: a bucket is which of its bounds belong to it, the two bounds, and a count."""
    found = [float(text) for _, *row in body.get("buckets") or () for text in row]
    low, high, number = np.array(found, dtype=np.float64).reshape(-1, 3).T
    populated = number > 0
    return Buckets(float(body["count"]), low[populated], high[populated], number[populated])


def _counters(labels: Mapping[str, str], parts: Sequence[_Part]) -> Iterator[RawSeries]:
    """All events as a counter, and those above the threshold as another of the same samples."""
    times = np.concatenate([times for times, _ in parts])
    found = joined([one for _, one in parts])
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
