"""Prometheus: bare counters as raw samples, each read once; any other query as approximate slices."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gatekeeper.availability.filling import CounterReader, SliceReader
from gatekeeper.availability.series import RawSeries
from gatekeeper.errors import QueryRefusedError
from gatekeeper.policy.model import Indicator
from gatekeeper.policy.selector import BareSelector, Matcher, WindowQuery, classify
from gatekeeper.settings import Settings
from gatekeeper.sources.prometheus_api import PrometheusApi
from gatekeeper.sources.prometheus_flavour import Dialect, Flavour
from gatekeeper.sources.prometheus_windows import Scrapes, Windows


class PrometheusSource:
    """A Prometheus, or what speaks its HTTP API."""

    def __init__(self, api: PrometheusApi, flavour: Flavour = Flavour.PROMETHEUS) -> None:
        self._api = api
        self._dialect = Dialect(api, flavour)
        self._scrapes = Scrapes(api)

    def reader(self, indicator: Indicator) -> CounterReader | SliceReader:
        """Raw samples of bare counters, slices of queries with ``$window``. Asks nothing yet.

        Raises:
            QueryRefusedError: one of each; policy files with such an indicator are refused before.
        """
        queries = indicator.prometheus
        good = queries.good is not None
        match classify(queries.total), classify(queries.part):
            case BareSelector() as total, BareSelector() as part:
                return Counters(self._api, _requests(total, part, good=good))
            case WindowQuery() as total, WindowQuery() as part:
                return Windows(self._api, self._dialect, self._scrapes, total, part, good)
        raise QueryRefusedError(
            f"one of {queries.total} and {queries.part} is a bare counter, the other is not"
        )

    def close(self) -> None:
        """Close the connections."""
        self._api.close()


def from_settings(settings: Settings) -> PrometheusSource | None:
    """The Prometheus that the settings name, None if they name none."""
    if settings.prometheus_url is None:
        return None
    return PrometheusSource(
        PrometheusApi(
            settings.prometheus_url, headers=settings.prometheus_header_map, ca=settings.prometheus_ca
        ),
        Flavour(settings.prometheus_flavour),
    )


@dataclass(frozen=True)
class _Request:
    """One selector to ask for, and how its series count.

    Attributes:
        role: tells apart the same series asked for twice.
        total: 1 if its increments are events.
        bad: what a series counts as bad.
        narrow: conditions under which it counts as ``bad_where`` instead.
    """

    selector: str
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
            key=_key(self.role, labels),
            total=self.total,
            bad=self.bad_where if narrowed else self.bad,
            times=np.rint(np.array([time for time, _ in item["values"]]) * 1000).astype(np.int64),
            values=np.array([value for _, value in item["values"]], dtype=np.float64),
        )


def _requests(total: BareSelector, part: BareSelector, *, good: bool) -> tuple[_Request, ...]:
    """One request if the part's series are all among the total's, told apart here; otherwise one each."""
    narrow = part.narrows(total)
    if narrow is not None:
        return (_Request(str(total), "total", 1, int(good), narrow, int(not good)),)
    return (
        _Request(str(total), "total", 1, int(good)),
        _Request(str(part), "good" if good else "bad", 0, -1 if good else 1),
    )


def _key(role: str, labels: Mapping[str, str]) -> int:
    text = json.dumps([role, sorted(labels.items())])
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), signed=True)


@dataclass(frozen=True)
class Counters:
    """Raw samples by range selectors: each stored sample is read once."""

    api: PrometheusApi
    requests: tuple[_Request, ...]

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
