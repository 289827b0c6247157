"""A real Prometheus holds exactly what was generated, as it arrives, through outages."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import requests

from worlds import Series, World
from worlds.prometheus import PrometheusServer
from worlds.spec import STANDARD

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from worlds.fixtures import StartPrometheus

Labels = tuple[tuple[str, str], ...]

END = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
EVERYTHING = '{__name__="http_requests_total"}'


def query(server: PrometheusServer, promql: str, at: datetime) -> list[dict[str, Any]]:
    answer = requests.get(
        f"{server.url}/api/v1/query", params={"query": promql, "time": str(at.timestamp())}, timeout=30
    )
    answer.raise_for_status()
    result: list[dict[str, Any]] = answer.json()["data"]["result"]
    return result


def values(server: PrometheusServer, promql: str, at: datetime) -> dict[Labels, float]:
    return {labels(one): float(one["value"][1]) for one in query(server, promql, at)}


def samples(server: PrometheusServer, selector: str, at: datetime) -> dict[Labels, list[tuple[int, float]]]:
    return {
        labels(one): [(round(time * 1000), float(value)) for time, value in one["values"]]
        for one in query(server, selector + "[31d]", at)
    }


def labels(result: dict[str, Any]) -> Labels:
    return tuple(sorted(result["metric"].items()))


def real(series: Iterable[Series], job: str) -> dict[Labels, list[tuple[int, float]]]:
    """Generated samples without stale markers, which no query shows."""
    return {
        one.labels: [
            (int(t), float(v)) for t, v in zip(one.times, one.values, strict=True) if not np.isnan(v)
        ]
        for one in series
        if ("job", job) in one.labels
    }


@pytest.mark.parametrize("job", ["missed", "podchurn"])
def test_every_stored_sample_is_the_generated_one(
    world: World, prometheus: PrometheusServer, job: str
) -> None:
    held = samples(prometheus, world.services[job].total_selector, world.end)
    assert held == real(world.series, job)


def test_every_series_has_the_number_of_samples_generated(world: World, prometheus: PrometheusServer) -> None:
    counts = {
        tuple(pair for pair in one.labels if pair[0] != "__name__"): float(np.sum(~np.isnan(one.values)))
        for one in world.series
    }
    assert values(prometheus, f"count_over_time({EVERYTHING}[31d])", world.end) == counts


def test_every_series_ends_with_the_value_generated(world: World, prometheus: PrometheusServer) -> None:
    last = {one.labels: float(one.values[~np.isnan(one.values)][-1]) for one in world.series}
    assert values(prometheus, f"last_over_time({EVERYTHING}[31d])", world.end) == last


def test_the_selectors_choose_failures_and_all_requests(world: World, prometheus: PrometheusServer) -> None:
    truth = world.services["steady"]
    chosen = [
        Counter(dict(series)["code"] for series in values(prometheus, selector, world.end))
        for selector in (truth.total_selector, truth.bad_selector)
    ]
    assert chosen == [{"200": 1, "404": 1, "500": 1}, {"500": 1}]


def test_a_failed_scrape_hides_a_series_at_once(world: World, prometheus: PrometheusServer) -> None:
    series = next(one for one in world.series if ("job", "missed") in one.labels)
    failed = datetime.fromtimestamp(series.times[np.isnan(series.values)][0] / 1000, UTC)
    selector = world.services["missed"].total_selector
    before = failed - timedelta(seconds=1)
    assert (len(values(prometheus, selector, before)), len(values(prometheus, selector, failed))) == (2, 0)


def test_a_gap_leaves_no_marker_so_the_last_value_stays_for_a_while(
    world: World, prometheus: PrometheusServer
) -> None:
    begins = world.end - timedelta(days=10, minutes=6)
    selector = world.services["gapincident"].total_selector
    asked = [begins + timedelta(minutes=3), begins + timedelta(minutes=8)]
    assert [len(values(prometheus, selector, at)) for at in asked] == [2, 0]


def test_late_samples_are_withheld_and_then_taken(start_prometheus: StartPrometheus) -> None:
    specs = [spec for spec in STANDARD if spec.name in {"late", "steady"}]
    small = World(seed=3, end=END, days=1, specs=specs)
    clock = small.end - timedelta(hours=6)
    server = start_prometheus(small.arrived(clock))
    assert newest_age(server, small, "late", clock) > timedelta(minutes=11)
    assert newest_age(server, small, "steady", clock) <= timedelta(minutes=1)
    while clock < small.end:
        server.write(small.arriving(clock, clock + timedelta(minutes=30)))
        clock += timedelta(minutes=30)
    for job, truth in small.services.items():
        assert samples(server, truth.total_selector, clock) == real(small.series, job)


def newest_age(server: PrometheusServer, small: World, job: str, clock: datetime) -> timedelta:
    newest = f"max(max_over_time(timestamp({small.services[job].total_selector})[30m:10s]))"
    (result,) = query(server, newest, clock)
    return clock - datetime.fromtimestamp(float(result["value"][1]), UTC)


def one_sample(at: datetime, value: float) -> Series:
    return Series.of(job="hand", instance="a", code="200", samples=[(at, value)])


def test_what_was_written_outlives_an_outage(start_prometheus: StartPrometheus) -> None:
    later = END + timedelta(minutes=1)
    server = start_prometheus([one_sample(END, 1.0)])
    server.write([one_sample(later, 2.0)])
    with server.down(), pytest.raises(requests.ConnectionError):
        query(server, EVERYTHING, later)
    (held,) = samples(server, EVERYTHING, later).values()
    assert [value for _, value in held] == [1.0, 2.0]


def test_a_hung_server_accepts_and_never_answers(start_prometheus: StartPrometheus) -> None:
    server = start_prometheus([one_sample(END, 1.0)])
    with server.hung(), pytest.raises(requests.ReadTimeout):
        requests.get(f"{server.url}/-/ready", timeout=0.2)
    assert len(query(server, EVERYTHING, END)) == 1


def test_a_refused_write_is_an_error_with_its_reason(start_prometheus: StartPrometheus) -> None:
    server = start_prometheus([one_sample(END, 1.0)])
    with pytest.raises(requests.HTTPError, match=r"out of bounds|too old"):
        server.write([one_sample(END - timedelta(days=40), 1.0)])


def test_a_missing_prometheus_is_an_error_not_a_skip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RuntimeError, match="no prometheus on PATH"):
        PrometheusServer(tmp_path / "server")


def test_a_failing_start_shows_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "prometheus"
    broken.write_text("#!/bin/sh\necho no disk left >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RuntimeError, match="no disk left"):
        PrometheusServer(tmp_path / "server")
