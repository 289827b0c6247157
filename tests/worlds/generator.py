"""From a service's description to its stored samples and its truth."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np

from worlds.grid import SLICE, TICK, Grid, running
from worlds.scraping import observe
from worlds.traffic import BAD, faults_in, replica
from worlds.truth import Cumulative, Incident, ServiceTruth

if TYPE_CHECKING:
    from collections.abc import Sequence

    from worlds.scraping import Observed
    from worlds.series import Series
    from worlds.spec import Spec
    from worlds.traffic import Replica


def generate(spec: Spec, seed: int, grid: Grid) -> tuple[ServiceTruth, tuple[Series, ...]]:
    """The service's truth and samples; a service does not depend on the others of its world."""
    rng = np.random.default_rng([seed, crc32(spec.name.encode())])
    replicas = [replica(spec, rng, grid, place) for place in range(spec.instances)]
    observed = [one for each in replicas for one in observe(spec, rng, grid, each)]
    happened = _happened(grid, replicas)
    truth = ServiceTruth(
        name=spec.name,
        target=spec.target,
        scrape=spec.scrape,
        incidents=tuple(_incident(grid, happened, begin, end) for begin, end, _ in faults_in(spec, grid)),
        stored=_stored(grid, observed),
        happened=happened,
    )
    return truth, tuple(one.series for one in observed)


def _happened(grid: Grid, replicas: Sequence[Replica]) -> Cumulative:
    bad = sum((each.events[BAD] for each in replicas), np.zeros(grid.ticks, dtype=np.int64))
    total = sum((counts for each in replicas for counts in each.events.values()), np.zeros_like(bad))
    return Cumulative(grid.start, TICK, running(bad).astype(np.float64), running(total).astype(np.float64))


def _stored(grid: Grid, observed: Sequence[Observed]) -> Cumulative:
    nothing = np.zeros(len(grid.slice_edges()))
    bad = sum((one.counted for one in observed if one.code == BAD), nothing)
    return Cumulative(grid.start, SLICE, bad, sum((one.counted for one in observed), nothing))


def _incident(grid: Grid, happened: Cumulative, begin: int, end: int) -> Incident:
    counts = happened.between((begin - grid.start) // TICK, (end - grid.start) // TICK)
    return Incident(
        datetime.fromtimestamp(begin / 1000, UTC), datetime.fromtimestamp(end / 1000, UTC), int(counts.bad)
    )
