"""Up or down, and latency, from a real Prometheus into a ledger: what was true is what is counted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest

from gatekeeper.availability.ledger import Flag, slice_of
from gatekeeper.policy.objective import Indicator
from gatekeeper.sources.prometheus import PrometheusSource
from gatekeeper.sources.prometheus_api import PrometheusApi
from gatekeeper.worker.refresh import refresh
from memory_ledger import MemoryLedger
from worlds.series import STALE, Series

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatekeeper.availability.ledger import Slices
    from worlds.fixtures import StartPrometheus

START = datetime(2026, 11, 2, tzinfo=UTC)
SCRAPE = 15
HOURS = 6
NOW = START + timedelta(hours=HOURS, minutes=1)
COUNT = HOURS * 3600 // SCRAPE
FIRST = slice_of(START) + 1


def series(name: str, values: np.ndarray, *, every: int = SCRAPE, **labels: str) -> Series:
    """A series scraped so often from a second after the start; NaN is a missed scrape."""
    taken = ~np.isnan(values) | (values.view(np.int64) == np.float64(STALE).view(np.int64))
    times = (np.arange(len(values)) * every + 1 + int(START.timestamp())) * 1000
    named = tuple(sorted({"__name__": name, "job": "checkout", **labels}.items()))
    return Series(named, times[taken], values[taken], times[taken])


def ledger_of(
    server: str, prometheus: Mapping[str, object], *, now: datetime = NOW
) -> tuple[Slices, str | None]:
    """The slices of six hours, read by two refreshes, and what is wrong with the indicator."""
    indicator, ledger = Indicator.model_validate({"prometheus": prometheus}), MemoryLedger()
    source = PrometheusSource(PrometheusApi(server))
    for at in (START + timedelta(hours=2, minutes=7, seconds=11), now):
        refresh(indicator, needed_since=START, now=at, source=source, ledger=ledger)
    source.close()
    return ledger.read(indicator.id, FIRST, FIRST + HOURS * 60), ledger.status(indicator.id).problem


def minutes_of(values: np.ndarray) -> np.ndarray:
    """Scraped values a minute each."""
    return values.reshape(-1, 60 // SCRAPE)


def test_a_bare_gauge_is_read_sample_by_sample(start_prometheus: StartPrometheus) -> None:
    up = np.ones(COUNT)
    up[400:500] = 0
    up[801] = 0
    slices, problem = ledger_of(start_prometheus([series("up", up)]).url, {"up": 'up{job="checkout"}'})
    assert problem is None
    assert slices.flags.tolist() == [Flag.MEASURED] * HOURS * 60
    assert slices.total.tolist() == [1.0] * HOURS * 60
    assert slices.bad.tolist() == (1 - minutes_of(up).mean(axis=1)).tolist()
    assert slices.bad.sum() == 101 / 4


def test_what_vanishes_is_missing_and_never_down(start_prometheus: StartPrometheus) -> None:
    up = np.ones(COUNT)
    up[400:800] = np.nan
    up[400] = STALE
    slices, _ = ledger_of(start_prometheus([series("up", up)]).url, {"up": 'up{job="checkout"}'})
    assert slices.bad.sum() == 0
    assert int((slices.flags == 0).sum()) == 100


def test_a_slow_scrape_leaves_no_minute_out(start_prometheus: StartPrometheus) -> None:
    up = np.ones(COUNT * SCRAPE // 150)
    up[30:34] = 0
    server = start_prometheus([series("up", up, every=150)]).url
    slices, _ = ledger_of(server, {"up": 'up{job="checkout"}'})
    assert slices.sums().coverage > 0.99
    assert slices.bad.sum() == pytest.approx(10, abs=1)


def test_of_several_series_the_mean_counts(start_prometheus: StartPrometheus) -> None:
    up = [np.ones(COUNT) for _ in range(3)]
    up[1][400:440] = 0
    up[2][1200:] = np.nan
    server = start_prometheus([series("up", one, instance=str(place)) for place, one in enumerate(up)]).url
    slices, _ = ledger_of(server, {"up": 'up{job="checkout"}'})
    assert slices.bad.sum() == pytest.approx(10 / 3)
    assert slices.sums().measured == HOURS * 60


def test_an_expression_is_asked_once_a_minute(start_prometheus: StartPrometheus) -> None:
    up = [np.ones(COUNT) for _ in range(2)]
    up[1][400:440] = 0
    server = start_prometheus([series("up", one, instance=str(place)) for place, one in enumerate(up)]).url
    slices, problem = ledger_of(server, {"up": 'min(up{job="checkout"})'})
    assert problem is None
    assert (slices.bad.sum(), slices.sums().measured) == (10, HOURS * 60)


def test_a_number_of_instances_is_no_up_or_down(start_prometheus: StartPrometheus) -> None:
    server = start_prometheus([series("up", np.ones(COUNT), instance=one) for one in "ab"]).url
    _, problem = ledger_of(server, {"up": 'sum(up{job="checkout"})'})
    assert (
        problem
        == 'up has to be between 0 and 1, and sum(up{job="checkout"}) was 2: compare it, with == bool 1'
    )


def a_histogram(bounds: Mapping[str, float], requests: int = 10) -> list[Series]:
    """Ten requests a scrape; of each bound, the share that took no longer."""
    counted = np.arange(1, COUNT + 1) * float(requests)
    name = "http_request_duration_seconds"
    buckets = [series(f"{name}_bucket", np.floor(counted * share), le=le) for le, share in bounds.items()]
    return [*buckets, series(f"{name}_count", counted)]


LATENCY = {"histogram": 'http_request_duration_seconds{job="checkout"}'}
BOUNDS = {"0.1": 0.5, "0.3": 0.9, "1.0": 0.99, "2.5": 1.0, "+Inf": 1.0}


@pytest.mark.parametrize(
    ("below", "share"),
    [
        pytest.param("300ms", 0.1, id="a fraction of a second"),
        pytest.param("1s", 0.01, id="a whole second, which an exporter writes as 1.0"),
        pytest.param("2.5s", 0.0, id="all of them"),
    ],
)
def test_a_bucket_is_counted_exactly(below: str, share: float, start_prometheus: StartPrometheus) -> None:
    server = start_prometheus(a_histogram(BOUNDS)).url
    slices, problem = ledger_of(server, {"latency": {**LATENCY, "below": below}})
    assert problem is None
    assert slices.total.sum() == (COUNT - 1) * 10, "the first sample is where counting begins"
    assert slices.bad.sum() == pytest.approx(share * slices.total.sum(), abs=1)


def test_a_bucket_that_is_not_there_is_said_with_those_that_are_near(
    start_prometheus: StartPrometheus,
) -> None:
    server = start_prometheus(a_histogram(BOUNDS)).url
    _, problem = ledger_of(server, {"latency": {**LATENCY, "below": "400ms"}})
    assert problem == (
        'http_request_duration_seconds{job="checkout"} has no bucket that ends at 400ms; write below: 100ms or 300ms'
    )


def test_a_histogram_without_buckets_is_said(start_prometheus: StartPrometheus) -> None:
    server = start_prometheus(a_histogram({})).url
    _, problem = ledger_of(server, {"latency": {**LATENCY, "below": "300ms"}})
    assert problem == 'no buckets were found: http_request_duration_seconds_bucket{job="checkout"}'
