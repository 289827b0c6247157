"""The simulated Prometheus answers as a real one does that holds the same samples, field by field."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import requests

from gatekeeper.demo.history import History, Outage, Workload
from gatekeeper.demo.prometheus import create_prometheus
from gatekeeper.demo.site import Site
from gatekeeper.sources.prometheus_api import PrometheusApi
from worlds.prometheus import PrometheusServer
from worlds.series import Series

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask.testing import FlaskClient

BEGIN = datetime(2026, 10, 30, 12, 30, tzinfo=UTC)
NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
DAY_MS, HOUR_MS = 86_400_000, 3_600_000
SHOP = 'http_requests_total{job="shop"}'
SAMPLED = 7  # the first instance of each service is scraped 7 s past the minute


def history() -> History:
    outage = Outage(NOON - timedelta(hours=5), NOON - timedelta(hours=4), 0.4)
    return History(
        (Workload("shop", 600, 0.001, instances=2, outages=(outage,)), Workload("mail", 3, 0.01)),
        BEGIN,
        busiest=NOON,
    )


@pytest.fixture(scope="module")
def simulated() -> FlaskClient:
    return create_prometheus(history(), lambda: NOON).test_client()


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrometheusServer]:
    series = [Series(one.labels, one.times, one.values, one.times) for one in history().counters(NOON)]
    with PrometheusServer(tmp_path_factory.mktemp("prometheus"), series) as server:
        yield server


def both(
    simulated: FlaskClient, real: PrometheusServer, page: str, parameters: dict[str, str]
) -> tuple[tuple[int, Any], tuple[int, Any]]:
    """(status, JSON) of the simulated one and of the real one; series in any order."""
    ours = simulated.get(f"/api/v1/{page}", query_string=parameters)
    theirs = requests.get(f"{real.url}/api/v1/{page}", params=parameters, timeout=30)
    return (ours.status_code, in_order(ours.get_json())), (theirs.status_code, in_order(theirs.json()))


def in_order(answer: dict[str, Any]) -> dict[str, Any]:
    if answer["status"] == "success":
        answer["data"]["result"].sort(key=lambda one: json.dumps(one["metric"], sort_keys=True))
    return answer


def seconds(moment: datetime) -> str:
    return f"{moment.timestamp():.3f}"


@pytest.mark.parametrize(
    ("query", "at", "found"),
    [
        pytest.param(f"{SHOP}[{DAY_MS - 1}ms]", NOON, 4, id="a day, as the backfill asks"),
        pytest.param(f"{SHOP}[{HOUR_MS - 1}ms]", NOON, 4, id="an hour, as the first look asks"),
        pytest.param(f"{SHOP}[59999ms]", NOON - timedelta(minutes=1), 4, id="a minute, as a refresh asks"),
        pytest.param(f"{SHOP}[10ms]", NOON, 0, id="a range without a sample"),
        pytest.param(f"{SHOP}[30d]", NOON, 4, id="longer than the history"),
        pytest.param(f"{SHOP}[1h]", BEGIN, 0, id="before the history"),
        pytest.param(f"{SHOP}[1h]", NOON + timedelta(hours=2), 0, id="after the history"),
        pytest.param('http_requests_total{job="shop",code=~"5.."}[1h]', NOON, 2, id="a regular expression"),
        pytest.param('http_requests_total{job!="shop"}[1h]', NOON, 2, id="everybody else"),
        pytest.param('http_requests_total{job=~"shop|mail",zone=""}[1h]', NOON, 6, id="a label nobody has"),
        pytest.param('{__name__="http_requests_total"}[5m]', NOON, 6, id="the name as a matcher"),
        pytest.param("nothing_total[1h]", NOON, 0, id="a counter nobody has"),
        pytest.param(
            f"{SHOP}[1m]",
            NOON - timedelta(minutes=9) + timedelta(seconds=SAMPLED),
            4,
            id="samples on both ends of the range",
        ),
    ],
)
def test_ranges_of_samples(
    simulated: FlaskClient, real: PrometheusServer, query: str, at: datetime, found: int
) -> None:
    parameters = {"query": query, "time": seconds(at), "timeout": "29s"}
    ours, theirs = both(simulated, real, "query", parameters)
    assert ours == theirs
    assert len(ours[1]["data"]["result"]) == found


@pytest.mark.parametrize(
    "at",
    [
        pytest.param(NOON, id="now"),
        pytest.param(NOON - timedelta(seconds=53), id="on the sample"),
        pytest.param(NOON + timedelta(minutes=4, seconds=SAMPLED), id="a last sample is as old as may be"),
        pytest.param(NOON + timedelta(minutes=4, seconds=SAMPLED + 1), id="a last sample is just too old"),
        pytest.param(NOON + timedelta(minutes=9), id="every sample is too old"),
        pytest.param(BEGIN, id="before the first sample"),
    ],
)
def test_instants(simulated: FlaskClient, real: PrometheusServer, at: datetime) -> None:
    ours, theirs = both(simulated, real, "query", {"query": SHOP, "time": seconds(at)})
    assert ours == theirs


@pytest.mark.parametrize(
    ("begin", "step"),
    [
        pytest.param(NOON - timedelta(hours=6), "60", id="a step a sample"),
        pytest.param(NOON - timedelta(days=3), "3600", id="hours"),
        pytest.param(BEGIN - timedelta(hours=1), "937.5", id="odd steps from before the beginning"),
    ],
)
def test_steps(simulated: FlaskClient, real: PrometheusServer, begin: datetime, step: str) -> None:
    parameters = {"query": SHOP, "start": seconds(begin), "end": seconds(NOON), "step": step}
    ours, theirs = both(simulated, real, "query_range", parameters)
    assert ours == theirs
    assert ours[1]["data"]["result"]


@pytest.mark.parametrize(
    ("page", "parameters"),
    [
        pytest.param("query", {"query": "http_requests_total{"}, id="no PromQL"),
        pytest.param("query", {"query": SHOP, "time": "noon"}, id="no time"),
        pytest.param(
            "query_range", {"query": SHOP, "start": "0", "end": "99999", "step": "1"}, id="too many points"
        ),
        pytest.param("query_range", {"query": SHOP, "start": "0", "end": "9", "step": "0"}, id="no step"),
        pytest.param(
            "query_range",
            {"query": f"{SHOP}[1m]", "start": "0", "end": "9", "step": "1"},
            id="a range of ranges",
        ),
    ],
)
def test_refusals_have_the_same_form(
    simulated: FlaskClient, real: PrometheusServer, page: str, parameters: dict[str, str]
) -> None:
    answers = both(simulated, real, page, parameters)
    kinds = [(status, told["status"], told["errorType"], set(told)) for status, told in answers]
    assert kinds[0] == kinds[1]


def test_it_is_the_version_it_says_it_is(simulated: FlaskClient, real: PrometheusServer) -> None:
    theirs = requests.get(f"{real.url}/api/v1/status/buildinfo", timeout=30).json()
    ours = simulated.get("/api/v1/status/buildinfo").get_json()
    assert set(ours["data"]) <= set(theirs["data"])
    assert ours["data"]["version"].split(".")[0] == theirs["data"]["version"].split(".")[0]


def test_our_client_reads_the_same_from_both(real: PrometheusServer) -> None:
    """Over HTTP, with the very requests that Gatekeeper sends."""
    site = Site().start(create_prometheus(history(), lambda: NOON))
    apis = [PrometheusApi(site.url), PrometheusApi(real.url)]
    try:
        at = int(NOON.timestamp() * 1000)
        ours, theirs = (
            sorted(api.instant(f"{SHOP}[{DAY_MS - 1}ms]", at), key=lambda one: json.dumps(one["metric"]))
            for api in apis
        )
        assert ours == theirs
        assert sum(len(one["values"]) for one in ours) == 4 * 1440
    finally:
        for api in apis:
            api.close()
        site.stop()
