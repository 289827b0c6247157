"""What Prometheus stores of a process, and what a perfect reader can count from it.

The second is derived from the events, not by differencing the samples: the process' true count at each
scrape, less what the lives before took with them unseen.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from worlds.grid import TICK, Grid, in_ms, running
from worlds.series import STALE, Series, labels_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from worlds.spec import Spec
    from worlds.traffic import Process, Replica

EARLIER = 1_000_000
"""Upper bound of what a process had counted when the history began."""
LONG_GAP = 3
"""Scrapes; the increase across a longer gap is spread over it."""


@dataclass(frozen=True, slots=True, eq=False)
class Observed:
    """A series, and what a reader has counted of it at each slice edge of the history."""

    series: Series
    code: str
    counted: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class _Scrapes:
    """The moments at which Prometheus tried, and whether the process answered."""

    times: NDArray[np.int64]
    answered: NDArray[np.bool_]


def observe(spec: Spec, rng: np.random.Generator, grid: Grid, replica: Replica) -> Iterator[Observed]:
    """Every series of a replica that has at least one sample."""
    for process in replica.processes:
        scrapes = _scrapes(spec, rng, grid, process)
        for code, events in replica.events.items():
            earlier = 0 if spec.lazy or process.born > grid.start else int(rng.integers(EARLIER))
            one = _Counter(spec, grid, process, running(events), earlier)
            if (seen := one.observed(scrapes, code)) is not None:
                yield from _relabelled(spec, grid, seen)


def _relabelled(spec: Spec, grid: Grid, whole: Observed) -> Iterator[Observed]:
    """The same samples under other labels from each change on; what a reader counts of them does not change."""
    changes = sorted(grid.end - in_ms(ago) for ago in spec.relabelled)
    series, counted = whole.series, whole.counted
    edges = [0, *np.searchsorted(series.times, changes), len(series.times)]
    for version, (first, last) in enumerate(pairwise(edges)):
        if first == last:
            continue
        labels = (*series.labels, ("version", str(version))) if changes else series.labels
        part = slice(first, last)
        yield Observed(
            Series(labels, series.times[part], series.values[part], series.arrivals[part]),
            whole.code,
            counted,
        )
        counted = np.zeros_like(counted)


def _scrapes(spec: Spec, rng: np.random.Generator, grid: Grid, process: Process) -> _Scrapes:
    """Regular moments from birth to one scrape after death; Prometheus' own absences are left out."""
    every = in_ms(spec.scrape)
    offset = 0 if spec.aligned else int(rng.integers(every))
    offset += offset % TICK == TICK // 2
    first = process.born + (offset - process.born) % every
    times = np.arange(first, min(process.dies + every, grid.end + 1), every, dtype=np.int64)
    answered = (times < process.dies) & (rng.random(len(times)) >= spec.missed)
    answered[:1] = True
    watched = np.ones(len(times), dtype=np.bool_)
    for begin, end in map(grid.place, spec.gaps):
        watched &= (times <= begin) | (times > end)
    return _Scrapes(times[watched], answered[watched])


@dataclass(frozen=True, slots=True, eq=False)
class _Counter:
    """One counter of one process. `running` counts the replica's events since the history began."""

    spec: Spec
    grid: Grid
    process: Process
    running: NDArray[np.int64]
    earlier: int

    def observed(self, scrapes: _Scrapes, code: str) -> Observed | None:
        exposed = self._exposed(scrapes.times)
        present = scrapes.answered & ((exposed > 0) | (not self.spec.lazy))
        if not present.any():
            return None
        vanished = ~present & np.concatenate([[False], present[:-1]])
        stored = present | vanished
        times, values = scrapes.times[stored], np.where(present, exposed, STALE)[stored]
        labels = labels_of(job=self.spec.name, instance=self.process.name, code=code)
        series = Series(labels, times, values, self._arrivals(times))
        return Observed(
            series, code, self._counted(scrapes.times[present], exposed[present], scrapes.times[0])
        )

    def _life(self, times: NDArray[np.int64]) -> NDArray[np.intp]:
        return np.searchsorted(self.process.lives, times, side="right") - 1

    def _exposed(self, times: NDArray[np.int64]) -> NDArray[np.int64]:
        """The counter's value: events since its present life began."""
        life = self._life(times)
        since = self.grid.count_until(self.running, self.process.lives)[life]
        return self.grid.count_until(self.running, times) - since + np.where(life == 0, self.earlier, 0)

    def _arrivals(self, times: NDArray[np.int64]) -> NDArray[np.int64]:
        """Late in the span of lateness; where a queue keeps the order, what follows waits too."""
        if self.spec.late is None:
            return times
        begin, end = self.grid.place(self.spec.late.span)
        delay = np.where((times > begin) & (times <= end), in_ms(self.spec.late.delay), 0)
        return np.maximum.accumulate(times + delay) if self.spec.late.queued else times + delay

    def _counted(
        self, times: NDArray[np.int64], values: NDArray[np.int64], first_scrape: int
    ) -> NDArray[np.float64]:
        """A reader's count at each slice edge."""
        true, life = self.grid.count_until(self.running, times), self._life(times)
        begun = self.grid.count_until(self.running, self.process.lives)
        was_there = self.process.born == self.grid.start and times[0] == first_scrape
        lost = np.zeros_like(true)
        lost[0] = true[0] if was_there else begun[life[0]]
        new = np.flatnonzero(np.diff(life)) + 1
        unnoticed = np.where(values[new] >= values[new - 1], values[new - 1], 0)
        lost[new] = begun[life[new]] - true[new - 1] + unnoticed
        return _at_edges(self.grid, times, true - np.cumsum(lost), LONG_GAP * in_ms(self.spec.scrape))


def _at_edges(
    grid: Grid, times: NDArray[np.int64], counted: NDArray[np.int64], long_gap: int
) -> NDArray[np.float64]:
    """The count of the last sample before each edge; inside a long gap, the line between its two samples."""
    every = grid.slice_edges()
    from_here, until_here = np.searchsorted(every, [times[0], times[-1]])
    edges = every[from_here:until_here]
    before = np.searchsorted(times, edges, side="right") - 1
    here, then = np.maximum(before, 0), np.minimum(before + 1, len(times) - 1)
    width = times[then] - times[here]
    share = np.where(width > long_gap, (edges - times[here]) / np.maximum(width, 1), 0.0)
    alive = counted[here] + share * (counted[then] - counted[here])
    return np.concatenate([np.zeros(from_here), alive, np.full(len(every) - until_here, float(counted[-1]))])
