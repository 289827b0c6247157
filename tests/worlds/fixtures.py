"""Pytest fixtures: the standard world, a Prometheus that serves it, and servers of one's own."""

from __future__ import annotations

import time
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

import pytest

from worlds.prometheus import PrometheusServer
from worlds.victoria_metrics import VictoriaMetricsServer
from worlds.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from worlds.series import Series

SEED = 7
END = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)


class StartPrometheus(Protocol):
    """Starts a server that lives until the end of the test."""

    def __call__(self, series: Iterable[Series] = ()) -> PrometheusServer: ...


@pytest.fixture(scope="session")
def world(say: Callable[[str], None]) -> World:
    """30 days of fourteen services, until 2026-11-02 12:00 UTC."""
    with _timed(say, "generated"):
        return World(SEED, END)


@pytest.fixture(scope="session")
def prometheus(
    world: World, tmp_path_factory: pytest.TempPathFactory, say: Callable[[str], None]
) -> Iterator[PrometheusServer]:
    """Serves the standard world to everybody: neither write to it nor stop it."""
    with _timed(say, f"{sum(len(one.times) for one in world.series):,} samples loaded"):
        server = PrometheusServer(tmp_path_factory.mktemp("prometheus"), world.series)
    with server:
        yield server


@pytest.fixture(scope="session")
def victoria_metrics(
    world: World, tmp_path_factory: pytest.TempPathFactory, say: Callable[[str], None]
) -> Iterator[VictoriaMetricsServer]:
    """Serves the standard world to everybody: neither write to it nor stop it."""
    with _timed(say, "loaded into VictoriaMetrics"):
        server = VictoriaMetricsServer(tmp_path_factory.mktemp("victoria-metrics"), world.series)
    with server:
        yield server


@pytest.fixture
def start_prometheus(tmp_path: Path) -> Iterator[StartPrometheus]:
    """For tests that write samples, take the server down, or need a world of their own."""
    with ExitStack() as servers:
        started = iter(range(1_000))

        def start(series: Iterable[Series] = ()) -> PrometheusServer:
            server = PrometheusServer(tmp_path / f"prometheus-{next(started)}", series)
            return servers.enter_context(server)

        yield start


@contextmanager
def _timed(say: Callable[[str], None], step: str) -> Iterator[None]:
    """Say how long a step towards the standard world took: every process that needs it pays for it."""
    began = time.perf_counter()
    yield
    say(f"standard world: {step} in {time.perf_counter() - began:.2f} s")
