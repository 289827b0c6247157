"""The source against a real Prometheus: each sample once, failures said in time."""

from __future__ import annotations

import time
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest

from gatekeeper.availability.filling import SliceReader
from gatekeeper.availability.ledger import ending_at
from gatekeeper.errors import QueryRefusedError, SourceError
from gatekeeper.policy.objective import Indicator, PrometheusIndicator
from gatekeeper.sources.prometheus import PrometheusSource
from gatekeeper.sources.prometheus_api import PrometheusApi
from worlds.series import Series, milliseconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from gatekeeper.availability.filling import CounterReader
    from worlds import World
    from worlds.fixtures import StartPrometheus
    from worlds.prometheus import PrometheusServer

HOUR = timedelta(hours=1)


@pytest.fixture
def api(prometheus: PrometheusServer) -> Iterator[PrometheusApi]:
    api = PrometheusApi(prometheus.url)
    yield api
    api.close()


def reader(api: PrometheusApi, world: World, name: str) -> CounterReader:
    truth = world.services[name]
    queries = PrometheusIndicator(bad=truth.bad_selector, total=truth.total_selector)
    found = PrometheusSource(api).reader(Indicator(prometheus=queries))
    assert not isinstance(found, SliceReader)
    return found


def stored(world: World, name: str, after: int, until: int) -> Counter[tuple[int, float]]:
    mine = [one for one in world.series if ("job", name) in one.labels]
    return Counter(
        (int(at), float(value))
        for one in mine
        for at, value in zip(one.times, one.values, strict=True)
        if after < at <= until and not np.isnan(value)
    )


@pytest.mark.parametrize("name", ["missed", "aligned", "podchurn", "brownout"])
@pytest.mark.parametrize("cut", [timedelta(), timedelta(minutes=1), timedelta(seconds=90, milliseconds=1)])
def test_adjoining_stretches_hold_each_stored_sample_once(
    name: str, cut: timedelta, world: World, api: PrometheusApi
) -> None:
    end = milliseconds(world.end - 26 * HOUR)
    begin, middle = end - milliseconds_of(2 * HOUR), end - milliseconds_of(cut)
    counters = reader(api, world, name)
    found = [*counters.read(begin, middle), *(counters.read(middle, end) if middle < end else ())]
    samples = Counter(
        (int(at), float(value)) for one in found for at, value in zip(one.times, one.values, strict=True)
    )
    assert samples == stored(world, name, begin, end)


def milliseconds_of(span: timedelta) -> int:
    return span // timedelta(milliseconds=1)


def test_weights_follow_the_labels(world: World, api: PrometheusApi) -> None:
    end = milliseconds(world.end)
    found = reader(api, world, "steady").read(end - 60_000, end)
    assert sorted((one.total, one.bad) for one in found) == [(1, 0), (1, 0), (1, 1)]


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("sum(", id="no PromQL"),
        pytest.param("http_requests_total * on () http_requests_total", id="cannot be executed"),
    ],
)
def test_a_query_that_prometheus_refuses(query: str, world: World, api: PrometheusApi) -> None:
    with pytest.raises(QueryRefusedError, match=r"^Prometheus refused the query: .+"):
        api.instant(query, milliseconds(world.end))


@pytest.mark.parametrize("trouble", ["down", "hung"])
def test_a_server_in_trouble_is_said_within_the_timeout(
    trouble: str, world: World, start_prometheus: StartPrometheus
) -> None:
    server = start_prometheus()
    api = PrometheusApi(server.url, timeout=1)
    contexts: dict[str, Callable[[], AbstractContextManager[None]]] = {
        "down": server.down,
        "hung": server.hung,
    }
    with contexts[trouble]():
        began = time.monotonic()
        with pytest.raises(SourceError, match="did not answer"):
            api.instant("up", milliseconds(world.end))
        assert time.monotonic() - began < 3
    assert api.instant("vector(1)", milliseconds(world.end))
    api.close()


def test_nothing_stored_is_an_empty_answer(world: World, start_prometheus: StartPrometheus) -> None:
    api = PrometheusApi(start_prometheus().url)
    assert reader(api, world, "steady").read(0, milliseconds(world.end)) == []
    api.close()


def test_a_day_of_slices_from_free_queries(world: World, api: PrometheusApi) -> None:
    truth = world.services["steady"]
    total, bad = (f"sum(increase({one}[$window]))" for one in (truth.total_selector, truth.bad_selector))
    found = PrometheusSource(api).reader(Indicator(prometheus=PrometheusIndicator(bad=bad, total=total)))
    assert isinstance(found, SliceReader)
    start = world.end.replace(hour=0) - timedelta(days=2)
    first, stop = ending_at(start) + 1, ending_at(start + timedelta(days=1)) + 1
    slices, whole = found.read(first, stop), found.whole(first, stop)
    assert whole is not None
    true = truth.observable(start, start + timedelta(days=1))
    assert slices.sums().coverage == 1
    assert slices.total.sum() == pytest.approx(true.total, rel=0.002)
    assert (whole.total, whole.bad) == pytest.approx((true.total, true.bad), rel=0.002)


def test_a_counter_of_another_world_is_not_read(world: World, start_prometheus: StartPrometheus) -> None:
    at = world.end - HOUR
    other = Series.of(job="steady-not", instance="a", code="200", samples=[(at, 1.0), (at + HOUR, 2.0)])
    api = PrometheusApi(start_prometheus([other]).url)
    assert reader(api, world, "steady").read(milliseconds(at) - 1, milliseconds(world.end)) == []
    api.close()
