"""Pytest fixtures: the standard world, a Prometheus that serves it, and servers of one's own."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

import pytest

from worlds.prometheus import PrometheusServer
from worlds.world import World

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from worlds.series import Series

SEED = 7
END = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)


class StartPrometheus(Protocol):
    """Starts a server that lives until the end of the test."""

    def __call__(self, series: Iterable[Series] = ()) -> PrometheusServer: ...


@pytest.fixture(scope="session")
def world() -> World:
    """30 days of thirteen services, until 2026-11-02 12:00 UTC."""
    return World(SEED, END)


@pytest.fixture(scope="session")
def prometheus(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrometheusServer]:
    """Serves the standard world to everybody: neither write to it nor stop it."""
    with PrometheusServer(tmp_path_factory.mktemp("prometheus"), world.series) as server:
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
