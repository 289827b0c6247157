"""Bare counters of Prometheus as raw samples, each read once."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gatekeeper.availability.filling import CounterReader
from gatekeeper.availability.series import RawSeries
from gatekeeper.errors import QueryRefusedError
from gatekeeper.policy.selector import BareSelector, Matcher
from gatekeeper.sources.prometheus_api import PrometheusApi


@dataclass(frozen=True)
class Request:
    """One selector to ask for, and how its series count.

    Attributes:
        role: tells apart the same series asked for twice.
        total: 1 if its increments are events.
        bad: what a series counts as bad.
        narrow: conditions under which it counts as ``bad_where`` instead.
    """

    selector: BareSelector
    role: str
    total: int
    bad: int
    narrow: tuple[Matcher, ...] = ()
    bad_where: int = 0

    def series(self, item: Mapping[str, Any]) -> RawSeries:
        """One series of the answer.

        Raises:
            QueryRefusedError: it is a native histogram, no counter.
        """
        labels = item["metric"]
        if "values" not in item:
            raise QueryRefusedError(f"{self.selector} selects native histograms; counters are needed")
        narrowed = bool(self.narrow) and all(matcher.matches(labels) for matcher in self.narrow)
        return RawSeries(
            key=series_key(self.role, labels),
            total=self.total,
            bad=self.bad_where if narrowed else self.bad,
            times=np.rint(np.array([time for time, _ in item["values"]]) * 1000).astype(np.int64),
            values=np.array([value for _, value in item["values"]], dtype=np.float64),
        )


def requests(total: BareSelector, part: BareSelector, *, good: bool) -> tuple[Request, ...]:
    """One request if the part's series are all among the total's, told apart here; otherwise one each."""
    narrow = part.narrows(total)
    if narrow is not None:
        return (Request(total, "total", 1, int(good), narrow, int(not good)),)
    return (
        Request(total, "total", 1, int(good)),
        Request(part, "good" if good else "bad", 0, -1 if good else 1),
    )


def series_key(role: str, labels: Mapping[str, str]) -> int:
    """Names a series of the ledger for good: a hash of its labels and of what it counts."""
    text = json.dumps([role, sorted(labels.items())])
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), signed=True)


@dataclass(frozen=True)
class Counters:
    """Raw samples by range selectors: each stored sample is read once."""

    api: PrometheusApi
    requests: tuple[Request, ...]

    def read(self, after: int, until: int) -> Sequence[RawSeries]:
        """See ``CounterReader.read``."""
        # Prometheus 2 includes the beginning of a range, Prometheus 3 does not: a millisecond less reads
        # no sample twice on the one, and on the other leaves one to the next difference at worst.
        width = max(until - after - 1, 1)
        return [
            request.series(item)
            for request in self.requests
            for item in self.api.instant(f"{request.selector}[{width}ms]", until)
        ]


@dataclass(frozen=True)
class AtHand:
    """Counters of which one stretch was read already, together with others'."""

    counters: CounterReader
    after: int
    until: int
    series: Sequence[RawSeries]

    def read(self, after: int, until: int) -> Sequence[RawSeries]:
        """See ``CounterReader.read``."""
        same = (after, until) == (self.after, self.until)
        return self.series if same else self.counters.read(after, until)
