"""Latency by native histograms in a real Prometheus: what was true is what is counted."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest
import requests
from sqlalchemy import select

from gatekeeper.availability.ledger import Flag, slice_of
from gatekeeper.errors import QueryRefusedError
from gatekeeper.policy.objective import Indicator
from gatekeeper.sources.prometheus import PrometheusSource
from gatekeeper.sources.prometheus_api import PrometheusApi
from gatekeeper.sources.prometheus_flavour import Flavour
from gatekeeper.store.tables import decision
from gatekeeper.web.app import create_app
from gatekeeper.worker.refresh import refresh
from memory_ledger import MemoryLedger
from staging import Stage
from worlds import native, remote_write
from worlds.prometheus import PrometheusServer
from worlds.series import Series
from worlds.victoria_metrics import VictoriaMetricsServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from gatekeeper.availability.ledger import Slices

START = datetime(2026, 11, 2, tzinfo=UTC)
BEFORE = START - timedelta(hours=1)
HOURS = 6
SCRAPE = 15
NOW = START + timedelta(hours=HOURS, minutes=1)
FIRST = slice_of(START) + 1
SCRAPES = (HOURS + 1) * 3600 // SCRAPE
BOUNDARY, INSIDE = 0.25, 0.3
NAME = "http_request_duration_seconds"


@dataclass
class Told:
    """What a process did, and what the server was told of it.

    Attributes:
        durations: of the requests that a stored sample shows, with the slice of that sample.
        samples: remote write messages.
    """

    durations: list[tuple[int, NDArray[np.float64]]] = field(default_factory=list)
    samples: list[bytes] = field(default_factory=list)


def scraped(
    seed: int,
    *,
    begin: int = 0,
    stop: int = SCRAPES,
    restarts: frozenset[int] = frozenset(),
    coarser: frozenset[int] = frozenset(),
    missed: range = range(0),
    often: float = 8.0,
) -> Told:
    """A process's life in scrapes of 15 s, from an hour before the ledger begins."""
    random, told, process = np.random.default_rng(seed), Told(), native.Histogram()
    unseen: list[NDArray[np.float64]] = []
    for place in range(begin, stop):
        if place in restarts:  # right after a scrape, so that nothing is lost that could have been known
            process = native.Histogram()
        if place in coarser:
            process.coarsen()
        found = random.lognormal(-1.6, 0.7, random.poisson(often))
        process.observe(found)
        unseen.append(found)
        if place not in missed:
            seconds = int(BEFORE.timestamp()) + place * SCRAPE + 1
            told.durations.append((slice_of(seconds), np.concatenate(unseen)))
            told.samples.append(process.sample(seconds * 1000))
            unseen = []
    return told


HOUR = 3600 // SCRAPE
LIVES = {  # of the quiet one, some restarts show in no sample: it came back with all it had counted, and more
    "steady": scraped(1),
    "restarted": scraped(2, restarts=frozenset({HOUR + 100, HOUR + 101, HOUR + 700}), often=2),
    "quiet": scraped(3, restarts=frozenset(range(HOUR, SCRAPES, 7)), often=0.2),
    "born": scraped(4, begin=3 * HOUR),
    "gone": scraped(5, stop=4 * HOUR),
    "away": scraped(6, missed=range(2 * HOUR, 2 * HOUR + 40)),
    "coarser": scraped(7, coarser=frozenset({HOUR + 50, 2 * HOUR + 9, 5 * HOUR}), often=30),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with PrometheusServer(tmp_path_factory.mktemp("native")) as started:
        for pod, told in LIVES.items():
            labels = {"__name__": NAME, "job": "checkout", "pod": pod}
            body = native.request([(labels, told.samples)])
            started.post("/api/v1/write", body, remote_write.HEADERS)
        yield started.url


def indicator(below: str, pod: str = ".+", **more: str) -> Indicator:
    latency = {"histogram": f'{NAME}{{pod=~"{pod}"}}', "below": below, "buckets": "native", **more}
    return Indicator.model_validate({"prometheus": {"latency": latency}})


def filled(url: str, asked: Indicator, *refreshes: timedelta) -> tuple[Slices, str | None]:
    source, ledger = PrometheusSource(PrometheusApi(url)), MemoryLedger()
    for after in (*refreshes, NOW - START):
        refresh(asked, needed_since=START, now=START + after, source=source, ledger=ledger)
    source.close()
    return ledger.read(asked.id, FIRST, FIRST + HOURS * 60), ledger.status(asked.id).problem


def truth(pods: str, threshold: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(requests, slow ones) of each slice of the ledger."""
    total, slow = np.zeros(HOURS * 60), np.zeros(HOURS * 60)
    for place, found in (one for pod in pods.split("|") for one in LIVES[pod].durations):
        if 0 <= place - FIRST < len(total):
            total[place - FIRST] += len(found)
            slow[place - FIRST] += (found > threshold).sum()
    return total, slow


@pytest.mark.parametrize("pods", ["steady", "restarted", "steady|born", "gone", "coarser"])
def test_at_a_boundary_every_slice_is_the_truth(server: str, pods: str) -> None:
    slices, problem = filled(server, indicator("250ms", pods))
    total, slow = truth(pods, BOUNDARY)
    assert (slices.total.tolist(), slices.bad.tolist()) == (total.tolist(), slow.tolist())
    assert problem is None
    assert not (slices.flags & (Flag.APPROXIMATE | Flag.INTERPOLATED)).any()


@pytest.mark.parametrize("pod", ["restarted", "quiet", "born", "away", "coarser"])
def test_it_is_the_same_however_often_it_is_read(server: str, pod: str) -> None:
    at_once, _ = filled(server, indicator("300ms", pod))
    minutes = [timedelta(minutes=each) for each in range(3, HOURS * 60, 13)]
    step_by_step, _ = filled(server, indicator("300ms", pod), *minutes)
    assert step_by_step.total.tolist() == at_once.total.tolist()
    assert step_by_step.bad.tolist() == pytest.approx(at_once.bad.tolist(), abs=1e-9)
    assert step_by_step.flags.tolist() == at_once.flags.tolist()


def test_a_gap_is_spread_and_nothing_is_lost(server: str) -> None:
    slices, _ = filled(server, indicator("250ms", "away"))
    total, slow = truth("away", BOUNDARY)
    assert (slices.total.sum(), slices.bad.sum()) == (total.sum(), slow.sum())
    assert int((slices.flags & Flag.INTERPOLATED != 0).sum()) == pytest.approx(11, abs=1)


@pytest.mark.parametrize("pod", ["steady", "restarted", "gone", "away", "coarser"])
def test_inside_a_bucket_the_number_is_near_and_marked(server: str, pod: str) -> None:
    slices, _ = filled(server, indicator("300ms", pod))
    total, slow = truth(pod, INSIDE)
    bucket = 2**-1.75, 2**-1.625  # of schema 3
    within = float(truth(pod, bucket[0])[1].sum() - truth(pod, bucket[1])[1].sum())
    assert slices.total.sum() == total.sum()
    if pod != "coarser":  # its buckets are wider
        assert abs(slices.bad.sum() - slow.sum()) <= within
    assert slices.bad.sum() == pytest.approx(slow.sum(), rel=0.05)
    assert (slices.flags & Flag.APPROXIMATE).any()


def test_all_processes_together_are_the_truth(server: str) -> None:
    pods = "|".join(pod for pod in LIVES if pod != "quiet")
    slices, _ = filled(server, indicator("250ms", pods))
    total, slow = truth(pods, BOUNDARY)
    assert (slices.total.sum(), slices.bad.sum()) == (total.sum(), slow.sum())


@pytest.mark.parametrize(
    ("below", "error"),
    [
        pytest.param("250ms", 1e-9, id="at a boundary"),
        pytest.param("300ms", 0.02, id="inside a bucket, where Prometheus 2 divides it linearly"),
    ],
)
def test_the_server_says_the_same_of_one_life(server: str, below: str, error: float) -> None:
    slices, _ = filled(server, indicator(below, "steady"))
    queries = indicator(below, "steady").prometheus.queries

    def value(query: str, at: datetime) -> float:
        answer = requests.get(
            f"{server}/api/v1/query", {"query": query, "time": str(at.timestamp())}, timeout=30
        )
        return float(answer.json()["data"]["result"][0]["value"][1])

    end = START + timedelta(hours=HOURS)
    total, good = (value(queries[name], end) - value(queries[name], START) for name in ("total", "good"))
    assert slices.total.sum() == total
    assert slices.total.sum() - slices.bad.sum() == pytest.approx(good, rel=error)


def test_the_other_sort_of_histogram_is_said(tmp_path: Path, server: str) -> None:
    classic = indicator("250ms", buckets="classic")
    _, problem = filled(server, classic)
    assert problem == f'{NAME}{{pod=~".+"}} is a native histogram: add buckets: native'
    times = (np.arange(HOURS * 60) * 60 + int(START.timestamp())) * 1000
    bucket = Series(
        (("__name__", f"{NAME}_bucket"), ("le", "0.25"), ("pod", "a")), times, np.zeros(len(times)), times
    )
    with PrometheusServer(tmp_path, [bucket]) as other:
        _, problem = filled(other.url, indicator("250ms"))
    assert problem == f'{NAME}{{pod=~".+"}} is a classic histogram: remove buckets: native'


POLICY = f"""\
apiVersion: gatekeeper/v1
kind: Service
metadata:
  name: checkout
spec:
  objectives:
    - name: latency
      target: 99%
      window: {HOURS}h
      indicator:
        prometheus:
          latency: {{histogram: '{NAME}{{pod="steady"}}', below: BELOW, buckets: native}}
  changes:
    - repository: acme/shop
      paths: ["services/checkout/**"]
  gate:
    mode: enforce
    override: {{teams: ["@acme/sre"]}}
"""


@pytest.mark.parametrize(
    ("below", "approximate"),
    [pytest.param("250ms", False, id="at a boundary"), pytest.param("300ms", True, id="inside a bucket")],
)
def test_check_json_and_replay_have_the_ledgers_numbers(
    server: str, tmp_path: Path, below: str, *, approximate: bool
) -> None:
    end = START + timedelta(hours=HOURS)
    policies = {"policies/checkout.yaml": POLICY.replace("BELOW", below)}
    slices, _ = filled(server, indicator(below, "steady"))
    with Stage(tmp_path, prometheus=server, now=end + timedelta(minutes=1), policies=policies) as stage:
        check = stage.check(stage.open_pull())
        app = create_app(stage.gatekeeper).test_client()
        (service,) = app.get("/api/v1/services").get_json()["services"]
        with stage.gatekeeper.stores.database.read() as connection:
            (identity, *_) = connection.execute(select(decision.c.id)).scalars()
        environ = os.environ | stage.environ()  # noqa: TID251 (for a process of its own)
        command = [sys.executable, "-m", "gatekeeper", "replay", identity]
        replayed = subprocess.run(
            command, env=environ, capture_output=True, text=True, timeout=60, check=False
        )
    (objective,) = service["objectives"]
    assert (objective["total"], objective["approximate"]) == (slices.total.sum(), approximate)
    assert objective["bad"] == pytest.approx(slices.bad.sum(), rel=1e-12)
    assert f'histogram_count({NAME}{{pod="steady"}})' in objective["query"]
    assert f"{slices.total.sum():,.0f}" in (check.output.text or "")
    assert (f"{below} lies inside a bucket" in (check.output.text or "")) is approximate
    assert "the same to the bit (acme/shop#1, block)" in replayed.stdout, replayed.stderr


@pytest.mark.parametrize(
    ("flavour", "words"),
    [
        pytest.param(
            Flavour.PROMETHEUS, "if it is VictoriaMetrics, set victoriametrics", id="not configured"
        ),
        pytest.param(Flavour.VICTORIAMETRICS, "let the service expose a classic histogram", id="configured"),
    ],
)
def test_victoria_metrics_has_none(tmp_path: Path, flavour: Flavour, words: str) -> None:
    with VictoriaMetricsServer(tmp_path) as other:
        source, ledger, asked = (
            PrometheusSource(PrometheusApi(other.url), flavour),
            MemoryLedger(),
            indicator("1s"),
        )
        with pytest.raises(QueryRefusedError, match=words):
            refresh(asked, needed_since=START, now=NOW, source=source, ledger=ledger)
        source.close()
    assert words in str(ledger.status(asked.id).error)
