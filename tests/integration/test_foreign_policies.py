"""Files of other tools on a real Prometheus: each gives the number that the truth has, as it is and written anew."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from gatekeeper.availability.budget import remaining
from gatekeeper.availability.ledger import ending_at
from gatekeeper.policy.foreign.native import rewritten
from gatekeeper.policy.loader import PolicyFile, load
from gatekeeper.sources.prometheus import PrometheusSource
from gatekeeper.sources.prometheus_api import PrometheusApi
from gatekeeper.worker.refresh import SETTLE, refresh
from memory_ledger import MemoryLedger

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import timedelta

    from gatekeeper.policy.objective import Objective
    from worlds import ServiceTruth
    from worlds.prometheus import PrometheusServer
    from worlds.world import World

EXAMPLES = sorted((Path(__file__).parents[1] / "foreign").glob("*.yaml"))
A_TENTH_OF_A_POINT = 0.001


@pytest.fixture
def source(prometheus: PrometheusServer) -> Iterator[PrometheusSource]:
    source = PrometheusSource(PrometheusApi(prometheus.url))
    yield source
    source.close()


@pytest.mark.parametrize("how", ["as it is", "written anew"])
@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_a_file_of_another_tool_gives_the_right_number(
    file: Path, how: str, source: PrometheusSource, world: World
) -> None:
    files = [PolicyFile(file.name, file.read_text())]
    if how == "written anew":
        files = [PolicyFile("ours.yaml", one.text) for one in rewritten(files)]
    (service,) = load(files).services
    for objective in service.objectives:
        width = objective.window.longest
        bad, total = true_counts(objective, world.services["spent"], world, width)
        ledger = MemoryLedger()
        done = refresh(
            objective.indicator,
            needed_since=world.end - width,
            now=world.end + SETTLE,
            source=source,
            ledger=ledger,
        )
        assert done.status.problem is None
        first, stop = ending_at(world.end - width) + 1, ending_at(world.end) + 1
        sums = objective.judged(ledger.read(objective.indicator.id, first, stop)).sums()
        found = remaining(sums.bad, sums.total, objective.allowed)
        assert abs(found - remaining(bad, total, objective.allowed)) <= A_TENTH_OF_A_POINT


def true_counts(
    objective: Objective, truth: ServiceTruth, world: World, width: timedelta
) -> tuple[float, float]:
    """(bad, total) events, or minutes, of the window that ends with the world."""
    bad, total = truth.observable_slices(world.end - width, world.end)
    if objective.method == "occurrences":
        return float(bad.sum()), float(total.sum())
    least = float(objective.method.timeslices.target)
    seen = total > 0
    return float(np.count_nonzero((1 - bad[seen] / total[seen]) < least)), float(np.count_nonzero(seen))
