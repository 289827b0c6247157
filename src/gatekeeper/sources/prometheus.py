"""Prometheus: counters, gauges and native histograms as raw samples; any other query as slices."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from gatekeeper.availability.audit import Recount, Unaudited, Why
from gatekeeper.availability.filling import CounterReader, Critic, SliceReader, Stretch
from gatekeeper.availability.ledger import slice_of
from gatekeeper.errors import QueryRefusedError
from gatekeeper.policy import latency
from gatekeeper.policy.counting import EventQueries
from gatekeeper.policy.finding import Finding
from gatekeeper.policy.first import Candidate
from gatekeeper.policy.latency import histogram
from gatekeeper.policy.objective import Indicator, Latency
from gatekeeper.policy.selector import BareSelector, WindowQuery, classify, gauge
from gatekeeper.settings import Settings
from gatekeeper.sources.prometheus_api import PrometheusApi
from gatekeeper.sources.prometheus_candidates import candidates
from gatekeeper.sources.prometheus_counters import AtHand, Counters, requests
from gatekeeper.sources.prometheus_flavour import Dialect, Flavour
from gatekeeper.sources.prometheus_gauges import Gauges
from gatekeeper.sources.prometheus_histograms import NativeHistograms
from gatekeeper.sources.prometheus_latency import LatencyCounters
from gatekeeper.sources.prometheus_probe import PrometheusProbe, distinct
from gatekeeper.sources.prometheus_recount import Recounts
from gatekeeper.sources.prometheus_size import Criticised, counted, too_large
from gatekeeper.sources.prometheus_together import read, together
from gatekeeper.sources.prometheus_windows import Scrapes, Windows


class PrometheusSource:
    """A Prometheus, or what speaks its HTTP API.

    Args:
        flavour: which of them.
        raw_samples: samples a day up to which counters are read sample by sample; 0: however many.
    """

    def __init__(
        self, api: PrometheusApi, flavour: Flavour = Flavour.PROMETHEUS, *, raw_samples: int = 0
    ) -> None:
        self._api = api
        self._raw_samples = raw_samples
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

    def too_large(self, indicator: Indicator, stop: int) -> str | None:
        """See ``Sizing.too_large``: counters alone have another way."""
        counters = _counters(self.reader(indicator))
        if counters is None or not self._raw_samples:
            return None
        return too_large(self._api, counters.requests, stop, self._raw_samples)

    def by_slices(self, indicator: Indicator) -> SliceReader:
        """See ``Sizing.by_slices``."""
        reader, queries = self.reader(indicator), indicator.prometheus
        events, counters = queries.events, queries.counters
        if events is None or counters is None:
            raise QueryRefusedError("only counters can be counted by Prometheus")
        total, part = map(counted, counters)
        slices = self._windows(total, part, good=events.good)
        return Criticised(slices, reader) if isinstance(reader, Critic) else slices

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
            if given:
                yield {name: _reading(readers[name], one) for name, one in given.items()}

    def probe(self, indicator: Indicator, now: datetime) -> tuple[Finding, ...]:
        """See ``Probing.probe``."""
        reader = self.reader(indicator)
        critic = reader if isinstance(reader, Critic) else None
        try:
            large = self.too_large(indicator, slice_of(now))
        except QueryRefusedError:  # said of the query itself
            large = None
        return distinct(PrometheusProbe(self._api, critic, large).findings(indicator, now))

    def candidates(self, now: datetime) -> list[Candidate]:
        """What of this server's data could be promised, the best first."""
        return candidates(self._api, now)

    def _counted(self, queries: EventQueries) -> Counters | Windows:
        match classify(queries.total), classify(queries.part):
            case BareSelector() as total, BareSelector() as part:
                return Counters(self._api, requests(total, part, good=queries.good))
            case WindowQuery() as total, WindowQuery() as part:
                return self._windows(total, part, good=queries.good)
        raise QueryRefusedError(
            f"one of {queries.total} and {queries.part} is a bare counter, the other is not"
        )

    def _windows(self, total: WindowQuery, part: WindowQuery, *, good: bool) -> Windows:
        return Windows(self._api, self._dialect, self._scrapes, total, part, good)

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
        raw_samples=settings.prometheus_raw_samples,
    )
