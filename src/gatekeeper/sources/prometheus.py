"""Prometheus: counters, gauges and native histograms as raw samples; any other query as slices."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from gatekeeper.availability.audit import Recount, Unaudited, Why
from gatekeeper.availability.filling import CounterReader, SliceReader, Stretch
from gatekeeper.errors import QueryRefusedError
from gatekeeper.policy import latency
from gatekeeper.policy.counting import EventQueries
from gatekeeper.policy.latency import histogram
from gatekeeper.policy.objective import Indicator, Latency
from gatekeeper.policy.selector import BareSelector, WindowQuery, classify, gauge
from gatekeeper.settings import Settings
from gatekeeper.sources.prometheus_api import PrometheusApi
from gatekeeper.sources.prometheus_counters import AtHand, Counters, requests
from gatekeeper.sources.prometheus_flavour import Dialect, Flavour
from gatekeeper.sources.prometheus_gauges import Gauges
from gatekeeper.sources.prometheus_histograms import NativeHistograms
from gatekeeper.sources.prometheus_latency import LatencyCounters
from gatekeeper.sources.prometheus_recount import Recounts
from gatekeeper.sources.prometheus_together import read, together
from gatekeeper.sources.prometheus_windows import Scrapes, Windows


class PrometheusSource:
    """A Prometheus, or what speaks its HTTP API."""

    def __init__(self, api: PrometheusApi, flavour: Flavour = Flavour.PROMETHEUS) -> None:
        self._api = api
        self._dialect = Dialect(api, flavour)
        self._scrapes = Scrapes(api)
        self._recounts = Recounts(api, self._dialect, self._scrapes)

    def reader(self, indicator: Indicator) -> CounterReader | SliceReader:
        """Raw samples of bare counters, slices of queries with ``$window``. Asks nothing yet.

        Raises:
            QueryRefusedError: one of each; policy files with such an indicator are refused before.
        """
        queries = indicator.prometheus
        if queries.latency is not None:
            return self._latency(queries.latency)
        if queries.events is None:
            return Gauges(self._api, gauge(queries.up or ""))
        return self._counted(queries.events)

    def recount(self, indicator: Indicator, first: int, stop: int) -> Recount | Unaudited:
        """See ``Recounting.recount``: of counters, and of free queries; not of gauges and native histograms."""
        reader = self.reader(indicator)
        if isinstance(reader, Windows):
            return self._recounts.windows(reader, first, stop)
        if (counters := _counters(reader)) is None:
            return Unaudited(Why.UNSUPPORTED)
        return self._recounts.counters(counters.requests, first, stop)

    def _latency(self, found: Latency) -> CounterReader:
        named = histogram(found.histogram)
        if found.buckets == "native":
            return NativeHistograms(self._api, self._dialect, named, found.below)
        asked = requests(latency.total(named), latency.good(named, found.below), good=True)
        return LatencyCounters(self._api, Counters(self._api, asked), named, found.below)

    def at_hand(self, wanted: Mapping[str, Stretch], until: int) -> Iterator[Mapping[str, CounterReader]]:
        """See ``Together.at_hand``: indicators of counters that differ in the value of one label."""
        readers = {name: one.reader for name, one in wanted.items()}
        counters = {name: found for name, one in readers.items() if (found := _counters(one)) is not None}
        for label, members in together({name: (one, wanted[name]) for name, one in counters.items()}):
            try:
                answer = read(self._api, label, members, until)
            except QueryRefusedError:
                continue
            given = {
                one.name: AtHand(one.counters, one.stretch.after, until, answer[one.name])
                for one in members
                if one.name in answer
            }
            yield {name: _reading(readers[name], one) for name, one in given.items()}

    def _counted(self, queries: EventQueries) -> Counters | Windows:
        match classify(queries.total), classify(queries.part):
            case BareSelector() as total, BareSelector() as part:
                return Counters(self._api, requests(total, part, good=queries.good))
            case WindowQuery() as total, WindowQuery() as part:
                return Windows(self._api, self._dialect, self._scrapes, total, part, queries.good)
        raise QueryRefusedError(
            f"one of {queries.total} and {queries.part} is a bare counter, the other is not"
        )

    def close(self) -> None:
        """Close the connections."""
        self._api.close()


def _counters(reader: CounterReader | SliceReader) -> Counters | None:
    counters = reader.counters if isinstance(reader, LatencyCounters) else reader
    return counters if isinstance(counters, Counters) else None


def _reading(reader: CounterReader | SliceReader, given: AtHand) -> CounterReader:
    return replace(reader, counters=given) if isinstance(reader, LatencyCounters) else given


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
