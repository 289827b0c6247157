"""Requests and failures of a service, and the processes that count them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np

from worlds.grid import DAY, TICK, in_ms
from worlds.spec import Traffic

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from worlds.grid import Grid
    from worlds.spec import Spec

HOUR = DAY // 24
MORNING, EVENING = 6, 22
DEPLOY_HOUR = 10
BAD = "500"


@dataclass(frozen=True, slots=True, eq=False)
class Process:
    """One instance name, alive in [born, dies). Its counters begin at each of `lives`, first at `born`."""

    name: str
    born: int
    dies: int
    lives: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Replica:
    """One place of a service's instances: its events of each tick by status code, and who counts them."""

    events: dict[str, NDArray[np.int64]]
    processes: tuple[Process, ...]


def replica(spec: Spec, rng: np.random.Generator, grid: Grid, place: int) -> Replica:
    """A share of the service's traffic. Poisson counts of each code add up to Poisson requests."""
    ratio, expected = failure_ratio(spec, grid), _requests_expected(spec, grid)
    passing = expected * (1 - ratio)
    events = {"200": rng.poisson(passing * (1 - spec.not_found)), BAD: rng.poisson(expected * ratio)}
    if spec.not_found:
        events["404"] = rng.poisson(passing * spec.not_found)
    processes = _deployed(spec, grid, place) if spec.daily_deploy else [_restarted(spec, rng, grid, place)]
    return Replica(events, tuple(processes))


def failure_ratio(spec: Spec, grid: Grid) -> NDArray[np.float64]:
    """Expected share of failures of each tick."""
    ratio = np.full(grid.ticks, spec.noise)
    for begin, end, fault in faults_in(spec, grid):
        ratio[(begin - grid.start) // TICK : (end - grid.start) // TICK] = fault
    return ratio


def faults_in(spec: Spec, grid: Grid) -> list[tuple[int, int, float]]:
    """(begin, end, ratio) of the faults that begin in the history."""
    placed = [(*grid.place(fault.span), fault.ratio) for fault in spec.faults]
    return [(begin, end, ratio) for begin, end, ratio in placed if begin >= grid.start]


def _requests_expected(spec: Spec, grid: Grid) -> NDArray[np.float64]:
    """Of one replica in each tick."""
    hour = (grid.middles() + _ahead_of_utc(spec.zone, grid)) % DAY / HOUR
    shape = {
        Traffic.FLAT: np.ones_like(hour),
        Traffic.DIURNAL: 1 + 0.6 * np.cos((hour - 15) * 2 * np.pi / 24),
        Traffic.DAYTIME: ((hour >= MORNING) & (hour < EVENING)).astype(np.float64),
    }[spec.traffic]
    return shape * (spec.rate / spec.instances * TICK / 1000)


def _ahead_of_utc(zone: str, grid: Grid) -> NDArray[np.int64]:
    """Milliseconds that the zone's clocks are ahead of UTC at each tick; they change on whole hours."""
    hours, clock = grid.middles() // HOUR, ZoneInfo(zone)
    each = range(int(hours[0]), int(hours[-1]) + 1)
    ahead = [datetime.fromtimestamp(hour * HOUR // 1000, clock).utcoffset() for hour in each]
    changes = np.array([in_ms(one) for one in ahead if one is not None], dtype=np.int64)
    return np.asarray(changes[hours - hours[0]], dtype=np.int64)


def _deployed(spec: Spec, grid: Grid, place: int) -> Iterator[Process]:
    """A new name a day."""
    first = grid.start // DAY * DAY + DEPLOY_HOUR * HOUR
    deploys = [at for at in range(first, grid.end, DAY) if at > grid.start]
    for born, dies in zip([grid.start, *deploys], [*deploys, grid.end + 1], strict=True):
        yield Process(f"{spec.name}-{born // DAY}-{place}:8080", born, dies, np.array([born], dtype=np.int64))


def _restarted(spec: Spec, rng: np.random.Generator, grid: Grid, place: int) -> Process:
    """One name, whose counters begin again at random ticks and at the planned ones."""
    count = rng.poisson(spec.restarts * (grid.end - grid.start) / DAY)
    planned = [grid.end - in_ms(ago) for ago in spec.restart_at]
    restarts = np.concatenate(
        [grid.start + TICK * rng.integers(1, grid.ticks, size=count), np.array(planned, dtype=np.int64)]
    )
    lives = np.unique(np.concatenate([[grid.start], restarts[restarts > grid.start]]))
    return Process(f"{spec.name}-{place}:8080", grid.start, grid.end + 1, lives)
