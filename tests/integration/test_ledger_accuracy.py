"""The ledger against a world of known truth, through a real Prometheus."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest

from gatekeeper.availability.budget import remaining
from gatekeeper.availability.filling import TooManySamplesError
from gatekeeper.availability.ledger import Slices, Sums, ending_at
from gatekeeper.errors import QueryRefusedError, SourceError
from gatekeeper.policy.objective import Indicator, PrometheusIndicator
from gatekeeper.sources.prometheus import PrometheusSource
from gatekeeper.sources.prometheus_api import PrometheusApi
from gatekeeper.sources.prometheus_flavour import Flavour
from gatekeeper.store.engine import Database, create_store_engine
from gatekeeper.store.ledger import SqlLedger
from gatekeeper.store.tables import metadata
from gatekeeper.worker.refresh import SETTLE, refresh
from memory_ledger import MemoryLedger
from worlds.fixtures import END, SEED
from worlds.spec import STANDARD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path

    from gatekeeper.worker.fill_ports import Ledger
    from worlds import ServiceTruth
    from worlds.fixtures import StartPrometheus
    from worlds.prometheus import PrometheusServer
    from worlds.victoria_metrics import VictoriaMetricsServer
    from worlds.world import World

WINDOW = timedelta(days=28)
MINUTE = timedelta(minutes=1)
A_TENTH_OF_A_POINT = 0.001
A_FEW_SLICES_SHORT = 0.9999
"""Between one deploy's last scrape and the next one's first, and before the newest scrape, nobody knows."""
NAMES = [spec.name for spec in STANDARD]


@pytest.fixture
def prometheus_source(prometheus: PrometheusServer) -> Iterator[PrometheusSource]:
    source = PrometheusSource(PrometheusApi(prometheus.url))
    yield source
    source.close()


@pytest.fixture
def victoria_source(victoria_metrics: VictoriaMetricsServer) -> Iterator[PrometheusSource]:
    source = PrometheusSource(PrometheusApi(victoria_metrics.url), Flavour.VICTORIAMETRICS)
    yield source
    source.close()


@pytest.fixture(params=["prometheus_source", "victoria_source"])
def source(request: pytest.FixtureRequest) -> PrometheusSource:
    found: PrometheusSource = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = open_database(tmp_path / "gatekeeper.db")
    yield database
    database.close()


def open_database(file: Path) -> Database:
    database = Database(create_store_engine(f"sqlite:///{file}"))
    metadata.create_all(database.engine)
    return database


def bad_and_total(truth: ServiceTruth) -> Indicator:
    return Indicator(prometheus=PrometheusIndicator(bad=truth.bad_selector, total=truth.total_selector))


def good_and_total(truth: ServiceTruth) -> Indicator:
    good = truth.bad_selector.replace("=~", "!~")
    return Indicator(prometheus=PrometheusIndicator(good=good, total=truth.total_selector))


def good_from_another_request(truth: ServiceTruth) -> Indicator:
    """The same events, but named so that only Prometheus can tell that they are a part of the total."""
    good = truth.bad_selector.replace('job="', 'job=~"').replace('=~"5..', '!~"5..')
    return Indicator(prometheus=PrometheusIndicator(good=good, total=truth.total_selector))


def window(ledger: Ledger, indicator: Indicator, end: datetime) -> Slices:
    return ledger.read(indicator.id, ending_at(end - WINDOW) + 1, ending_at(end) + 1)


def assert_true(slices: Slices, truth: ServiceTruth, end: datetime) -> None:
    bad, total = truth.observable_slices(end - WINDOW, end)
    # Inside a gap the truth is fractional; the ledger keeps a series' whole events whole.
    assert np.abs(slices.bad - bad).max() <= 1
    assert np.abs(slices.total - total).max() <= 2
    sums = slices.sums()
    error = remaining(sums.bad, sums.total, 1 - truth.target) - truth.remaining(end, WINDOW)
    assert abs(error) <= A_TENTH_OF_A_POINT
    assert sums.coverage >= A_FEW_SLICES_SHORT


@pytest.mark.parametrize(
    ("form", "name"),
    [
        *((bad_and_total, name) for name in NAMES),
        *((good_and_total, name) for name in ("errborn", "gapincident")),
        *((good_from_another_request, name) for name in ("restarts", "podchurn", "missed")),
    ],
)
def test_a_backfilled_budget_is_what_the_samples_can_show(
    form: Callable[[ServiceTruth], Indicator], name: str, world: World, source: PrometheusSource
) -> None:
    truth, ledger = world.services[name], MemoryLedger()
    indicator = form(truth)
    done = refresh(indicator, needed_since=END - WINDOW, now=END + SETTLE, source=source, ledger=ledger)
    assert done.status.problem is None
    assert_true(window(ledger, indicator, END), truth, END)


@pytest.mark.parametrize("name", ["steady", "restarts", "missed", "brownout"])
def test_a_free_query_comes_close_and_says_that_it_is_approximate(
    name: str, world: World, prometheus_source: PrometheusSource
) -> None:
    sums = of_a_free_query(world.services[name], prometheus_source)
    assert abs(error_of(sums, world.services[name])) <= A_TENTH_OF_A_POINT
    assert sums.approximate == sums.measured > 0.99 * sums.expected


@pytest.mark.parametrize("name", NAMES)
def test_victoria_metrics_answers_a_free_query_as_its_samples_can_show(
    name: str, world: World, victoria_source: PrometheusSource
) -> None:
    """Births, resets and gaps too: its ranges begin at the last sample before them, so nothing is widened."""
    sums = of_a_free_query(world.services[name], victoria_source)
    assert abs(error_of(sums, world.services[name])) <= A_TENTH_OF_A_POINT


@pytest.mark.parametrize(
    ("server", "flavour", "why"),
    [
        pytest.param(
            "prometheus", Flavour.VICTORIAMETRICS, "says it is Prometheus", id="Prometheus for another"
        ),
        pytest.param("prometheus", Flavour.ANCHORED, "does not know it", id="an old one for an anchored one"),
        pytest.param(
            "victoria_metrics", Flavour.PROMETHEUS, "set victoriametrics", id="VictoriaMetrics for Prometheus"
        ),
    ],
)
def test_a_server_that_is_another_than_configured_is_not_asked_free_queries(
    server: str, flavour: Flavour, why: str, world: World, request: pytest.FixtureRequest
) -> None:
    api, ledger = PrometheusApi(request.getfixturevalue(server).url), MemoryLedger()
    source, indicator = PrometheusSource(api, flavour), free_query(world.services["steady"])
    for _ in range(2):
        with pytest.raises(QueryRefusedError, match=why):
            refresh(indicator, needed_since=END - WINDOW, now=END + SETTLE, source=source, ledger=ledger)
    assert "GATEKEEPER_PROMETHEUS_FLAVOUR" in str(ledger.status(indicator.id).error)
    source.close()


def free_query(truth: ServiceTruth) -> Indicator:
    bad, total = (f"sum(increase({one}[$window]))" for one in (truth.bad_selector, truth.total_selector))
    return Indicator(prometheus=PrometheusIndicator(bad=bad, total=total))


def of_a_free_query(truth: ServiceTruth, source: PrometheusSource) -> Sums:
    indicator, ledger = free_query(truth), MemoryLedger()
    refresh(indicator, needed_since=END - WINDOW, now=END + SETTLE, source=source, ledger=ledger)
    return window(ledger, indicator, END).sums()


def error_of(sums: Sums, truth: ServiceTruth) -> float:
    return remaining(sums.bad, sums.total, 1 - truth.target) - truth.remaining(END, WINDOW)


@pytest.mark.parametrize("server", ["prometheus", "victoria_metrics"])
def test_answers_too_long_to_read_are_asked_for_in_shorter_stretches(
    server: str, world: World, request: pytest.FixtureRequest
) -> None:
    url, ledger = request.getfixturevalue(server).url, MemoryLedger()
    source, truth = PrometheusSource(PrometheusApi(url, most_bytes=100_000)), world.services["restarts"]
    with pytest.raises(TooManySamplesError, match="longer than"):
        PrometheusApi(url, most_bytes=100_000).instant(
            f"{truth.total_selector}[1d]", int(END.timestamp()) * 1000
        )
    refresh(bad_and_total(truth), needed_since=END - WINDOW, now=END + SETTLE, source=source, ledger=ledger)
    assert_true(window(ledger, bad_and_total(truth), END), truth, END)
    source.close()


def test_a_live_budget_is_what_the_samples_can_show(
    world: World, start_prometheus: StartPrometheus, database: Database, tmp_path: Path
) -> None:
    """Samples come by remote write minute after minute, one service's 12 minutes late.

    Meanwhile Prometheus goes away for a while, and Gatekeeper is restarted.
    """
    names = ["late", "restarts", "errborn", "missed", "brownout"]
    begin = END - timedelta(minutes=150)
    server = start_prometheus(world.arrived(begin))
    source, ledger = PrometheusSource(PrometheusApi(server.url, timeout=5)), SqlLedger(database)
    indicators = {name: bad_and_total(world.services[name]) for name in names}

    def pass_over_all(now: datetime) -> None:
        for indicator in indicators.values():
            refresh(indicator, needed_since=END - WINDOW, now=now, source=source, ledger=ledger)

    for minute in range(152):
        now = begin + minute * MINUTE
        server.write(world.arriving(now - MINUTE, now) if minute else [])
        if minute == 60:
            with server.down(), pytest.raises(SourceError):
                pass_over_all(now)
            assert ledger.status(indicators["late"].id).error is not None
        elif minute not in range(61, 75):
            pass_over_all(now)
        if minute == 100:
            database.close()
            ledger = SqlLedger(Database(create_store_engine(f"sqlite:///{tmp_path}/gatekeeper.db")))
            source = PrometheusSource(PrometheusApi(server.url))
    for name, indicator in indicators.items():
        assert_true(window(ledger, indicator, END), world.services[name], END)
        assert ledger.status(indicator.id).error is None


BACKFILL = """
import sys
from datetime import datetime
from gatekeeper.policy.objective import Indicator
from gatekeeper.sources.prometheus import PrometheusSource
from gatekeeper.sources.prometheus_api import PrometheusApi
from gatekeeper.store.engine import Database, create_store_engine
from gatekeeper.store.ledger import SqlLedger
from gatekeeper.worker.refresh import refresh

url, database, indicator, since, now = sys.argv[1:]
print("ready", flush=True)
refresh(
    Indicator.model_validate_json(indicator),
    needed_since=datetime.fromisoformat(since),
    now=datetime.fromisoformat(now),
    source=PrometheusSource(PrometheusApi(url)),
    ledger=SqlLedger(Database(create_store_engine(database))),
)
"""


def test_killed_at_any_moment_a_backfill_neither_doubles_nor_loses(
    world: World, prometheus: PrometheusServer, tmp_path: Path
) -> None:
    truth = world.services["podchurn"]
    indicator, ledger = bad_and_total(truth), SqlLedger(open_database(tmp_path / "gatekeeper.db"))
    where = [prometheus.url, f"sqlite:///{tmp_path}/gatekeeper.db", indicator.model_dump_json()]
    command = [sys.executable, "-c", BACKFILL, *where, str(END - WINDOW), str(END + SETTLE)]
    moments, kills = random.Random(SEED), 0  # noqa: S311 (no secret)
    while True:
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            time.sleep(moments.uniform(0.1, 0.3) * (1 + kills))
            process.kill()
        if process.returncode == 0:
            break
        kills += 1
        assert kills < 100
    assert kills >= 2
    assert_true(window(ledger, indicator, END), truth, END)
