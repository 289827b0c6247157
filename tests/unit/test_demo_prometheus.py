"""What the simulated Prometheus refuses, and what it says of itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from gatekeeper.demo.history import History, Workload
from gatekeeper.demo.prometheus import create_prometheus

if TYPE_CHECKING:
    from flask.testing import FlaskClient

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


class Clock:
    """A clock that a test moves."""

    now = NOON + timedelta(hours=1)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(clock: Clock) -> FlaskClient:
    history = History([Workload("shop", 600, 0.001)], NOON, busiest=NOON)
    return create_prometheus(history, clock).test_client()


@pytest.mark.parametrize(
    ("path", "says"),
    [
        pytest.param("query?query=sum(up)", "counters only", id="an expression"),
        pytest.param("query?query=up{", "invalid parameter", id="no PromQL"),
        pytest.param("query?query=up[", "invalid parameter", id="no PromQL with a range"),
        pytest.param("query?query=", "invalid parameter", id="nothing"),
        pytest.param("query?query=sum(increase(up[5m]))[1h:1m]", "counters only", id="a subquery"),
        pytest.param("query?query=up&time=soon", '"time"', id="no time"),
        pytest.param("query_range?query=up&start=1&end=2&step=0", '"step"', id="no step"),
        pytest.param("query_range?query=up&start=1&end=2&step=x", '"step"', id="a step that is no number"),
        pytest.param("query_range?query=up&end=2&step=1", '"start"', id="no start"),
        pytest.param("query_range?query=up&start=0&end=99999&step=1", "11,000 points", id="too many points"),
        pytest.param("query_range?query=up[5m]&start=1&end=2&step=1", "range vector", id="ranges in a range"),
    ],
)
def test_what_it_does_not_know_is_refused_with_the_reason(client: FlaskClient, path: str, says: str) -> None:
    answer = client.get(f"/api/v1/{path}")
    told = answer.get_json()
    assert (answer.status_code, told["status"], told["errorType"]) == (400, "error", "bad_data")
    assert says in told["error"]


def test_the_future_comes_when_the_clock_gets_there(client: FlaskClient, clock: Clock) -> None:
    def newest() -> float:
        at_the_end_of_time = {"query": "http_requests_total[60d]", "time": NOON.timestamp() + 50 * 86_400}
        answer = client.get("/api/v1/query", query_string=at_the_end_of_time)
        return max(float(one["values"][-1][0]) for one in answer.get_json()["data"]["result"])

    for passed in (timedelta(0), timedelta(minutes=1), timedelta(days=10)):
        clock.now += passed
        assert clock.now.timestamp() - 60 < newest() <= clock.now.timestamp()


@pytest.mark.parametrize("path", ["/-/ready", "/-/healthy", "/api/v1/status/buildinfo"])
def test_it_is_ready_and_has_a_version(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 200
