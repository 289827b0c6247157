"""Counters with too many samples to read each, through real servers: near the truth, and in one way for good."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest

from gatekeeper.availability.budget import remaining
from gatekeeper.availability.ledger import Sums, ending_at, slice_of
from gatekeeper.policy.objective import Indicator, PrometheusIndicator
from gatekeeper.sources.prometheus import PrometheusSource
from gatekeeper.sources.prometheus_api import PrometheusApi
from gatekeeper.sources.prometheus_flavour import Flavour
from gatekeeper.store.engine import Database, create_store_engine
from gatekeeper.store.ledger import SqlLedger
from gatekeeper.store.tables import metadata
from gatekeeper.worker.refresh import SETTLE, refresh
from memory_ledger import MemoryLedger
from worlds.fixtures import END
from worlds.series import Series

if TYPE_CHECKING:
    from pathlib import Path

    from gatekeeper.worker.fill_ports import Ledger
    from worlds import ServiceTruth
    from worlds.fixtures import StartPrometheus
    from worlds.prometheus import PrometheusServer
    from worlds.world import World

WINDOW, DAY, HOUR = timedelta(days=28), timedelta(days=1), timedelta(hours=1)
EVERYTHING_IS_TOO_LARGE, NOTHING_IS = 1, 10**9
A_TENTH_OF_A_POINT = 0.001
OF_A_BIRTH = 0.04
"""What increase() does not see of error series that are born in an incident: 3.9 points where it was measured."""


def counters(truth: ServiceTruth) -> Indicator:
    return Indicator(prometheus=PrometheusIndicator(bad=truth.bad_selector, total=truth.total_selector))


def filled(
    indicator: Indicator,
    ledger: Ledger,
    url: str,
    most: int,
    *,
    flavour: Flavour = Flavour.PROMETHEUS,
    since: datetime = END - WINDOW,
    until: datetime = END,
) -> Sums:
    """The slices so far, by a process of its own with this limit."""
    source = PrometheusSource(PrometheusApi(url), flavour, raw_samples=most)
    refresh(indicator, needed_since=since, now=until + SETTLE, source=source, ledger=ledger)
    source.close()
    return ledger.sums(indicator.id, ending_at(since) + 1, ending_at(until) + 1)


@pytest.mark.parametrize(
    ("name", "server", "within"),
    [
        pytest.param("steady", "prometheus", A_TENTH_OF_A_POINT, id="a steady one in Prometheus"),
        pytest.param("restarts", "prometheus", A_TENTH_OF_A_POINT, id="one that restarts in Prometheus"),
        pytest.param("missed", "prometheus", A_TENTH_OF_A_POINT, id="failed scrapes in Prometheus"),
        pytest.param("errborn", "prometheus", OF_A_BIRTH, id="errors born in an incident in Prometheus"),
        pytest.param("restarts", "victoria_metrics", A_TENTH_OF_A_POINT, id="restarts in VictoriaMetrics"),
        pytest.param("errborn", "victoria_metrics", A_TENTH_OF_A_POINT, id="births in VictoriaMetrics"),
    ],
)
def test_a_large_counter_is_counted_by_the_server_near_the_truth(
    name: str, server: str, within: float, world: World, request: pytest.FixtureRequest
) -> None:
    truth, ledger = world.services[name], MemoryLedger()
    flavour = Flavour(server.replace("_", ""))
    url = request.getfixturevalue(server).url
    sums = filled(counters(truth), ledger, url, EVERYTHING_IS_TOO_LARGE, flavour=flavour)
    assert abs(remaining(sums.bad, sums.total, 1 - truth.target) - truth.remaining(END, WINDOW)) <= within
    assert sums.approximate == sums.measured > 0.99 * sums.expected
    assert "samples a day, and GATEKEEPER_PROMETHEUS_RAW_SAMPLES allows 1" in str(
        ledger.status(counters(truth).id).too_large
    )


@pytest.mark.parametrize("server", ["prometheus", "victoria_metrics"])
def test_the_size_is_the_samples_of_a_day(server: str, world: World, request: pytest.FixtureRequest) -> None:
    truth = world.services["steady"]
    series = [one for one in world.series if ("job", "steady") in one.labels]
    day = [int(((one.times > in_ms(END - DAY)) & (one.times <= in_ms(END))).sum()) for one in series]
    url, flavour = request.getfixturevalue(server).url, Flavour(server.replace("_", ""))
    most = [sum(day) * 95 // 100, sum(day) * 105 // 100]
    sizes = [
        PrometheusSource(PrometheusApi(url), flavour, raw_samples=one).too_large(
            counters(truth), slice_of(END) + 1
        )
        for one in most
    ]
    assert [size is not None for size in sizes] == [True, False]


def in_ms(instant: datetime) -> int:
    return int(instant.timestamp() * 1000)


@pytest.mark.parametrize(
    ("first", "then", "approximate"),
    [
        pytest.param(NOTHING_IS, NOTHING_IS, False, id="a small one is read sample by sample"),
        pytest.param(
            NOTHING_IS, EVERYTHING_IS_TOO_LARGE, False, id="and still is when it outgrows the limit"
        ),
        pytest.param(EVERYTHING_IS_TOO_LARGE, EVERYTHING_IS_TOO_LARGE, True, id="a large one is not"),
        pytest.param(EVERYTHING_IS_TOO_LARGE, NOTHING_IS, True, id="nor is it when the limit is raised"),
    ],
)
def test_a_ledger_goes_on_in_the_way_it_began(
    first: int, then: int, *, approximate: bool, world: World, prometheus: PrometheusServer, tmp_path: Path
) -> None:
    indicator, url = counters(world.services["steady"]), prometheus.url
    since, file = END - 3 * DAY, f"sqlite:///{tmp_path}/ledger.db"
    for limit, until in ((first, END - 2 * DAY), (then, END - DAY), (then, END)):
        database = Database(create_store_engine(file))
        metadata.create_all(database.engine)
        sums = filled(indicator, SqlLedger(database), url, limit, since=since, until=until)
        database.close()
    assert sums.approximate == (sums.measured if approximate else 0)
    assert sums.measured > 0.99 * sums.expected


START = datetime(2026, 11, 2, tzinfo=UTC)


def a_histogram(bounds: tuple[str, ...]) -> list[Series]:
    """Six hours at a scrape every 15 s: ten requests each, nine of them in every bucket."""
    times = (np.arange(6 * 240) * 15 + 1 + int(START.timestamp())) * 1000
    counted = np.arange(1, len(times) + 1) * 10.0

    def one(name: str, values: np.ndarray, **labels: str) -> Series:
        named = {"__name__": f"http_request_duration_seconds_{name}", "job": "checkout", **labels}
        return Series(tuple(sorted(named.items())), times, values, times)

    return [one("count", counted), *(one("bucket", counted * 0.9, le=bound) for bound in bounds)]


@pytest.mark.parametrize(
    ("bounds", "share", "problem"),
    [
        pytest.param(("0.3",), 0.1, None, id="its bucket is counted"),
        pytest.param(("0.1", "1.0"), None, "write below: 100ms or 1s", id="a bucket that is missing is said"),
    ],
)
def test_a_large_classic_histogram_is_counted_by_the_server_too(
    bounds: tuple[str, ...], share: float | None, problem: str | None, start_prometheus: StartPrometheus
) -> None:
    latency = {"histogram": 'http_request_duration_seconds{job="checkout"}', "below": "300ms"}
    indicator, ledger = Indicator.model_validate({"prometheus": {"latency": latency}}), MemoryLedger()
    url = start_prometheus(a_histogram(bounds)).url
    sums = filled(indicator, ledger, url, EVERYTHING_IS_TOO_LARGE, since=START, until=START + 6 * HOUR)
    assert ledger.status(indicator.id).too_large is not None
    assert (problem or "None") in str(ledger.status(indicator.id).problem)
    if share is not None:
        assert sums.bad == pytest.approx(share * sums.total, rel=0.01)
        assert sums.total == pytest.approx(6 * 2400, rel=0.01)
