"""A real Prometheus holds exactly what was generated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import requests

if TYPE_CHECKING:
    from datetime import datetime

    from worlds import World
    from worlds.prometheus import PrometheusServer
    from worlds.series import Series


def query(server: PrometheusServer, promql: str, at: datetime) -> list[dict[str, Any]]:
    answer = requests.get(
        f"{server.url}/api/v1/query", params={"query": promql, "time": str(at.timestamp())}, timeout=30
    )
    answer.raise_for_status()
    result: list[dict[str, Any]] = answer.json()["data"]["result"]
    return result


def samples(
    server: PrometheusServer, promql: str, at: datetime
) -> dict[tuple[tuple[str, str], ...], list[tuple[float, float]]]:
    return {
        tuple(sorted(one["metric"].items())): [(round(t * 1000), float(v)) for t, v in one["values"]]
        for one in query(server, promql, at)
    }


def expected(
    series: tuple[Series, ...], job: str
) -> dict[tuple[tuple[str, str], ...], list[tuple[float, float]]]:
    return {
        one.labels: [
            (int(t), float(v)) for t, v in zip(one.times, one.values, strict=True) if not np.isnan(v)
        ]
        for one in series
        if ("job", job) in one.labels
    }


@pytest.mark.parametrize("job", ["steady", "missed", "podchurn", "gapincident"])
def test_every_stored_sample_is_the_generated_one(
    world: World, prometheus: PrometheusServer, job: str
) -> None:
    held = samples(prometheus, world.services[job].total_selector + "[31d]", world.end)
    assert held == expected(world.series, job)
