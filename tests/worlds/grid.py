"""The fixed moments of a world, in Unix milliseconds.

Events happen in the middle of ticks; faults, restarts, deploys and slices begin on tick edges; no scrape
meets an event. So the count of any window can be exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from worlds.spec import Span

TICK = 20_000
SLICE = 60_000
"""The grain of what is observable: a slice of the ledger."""
DAY = 86_400_000


def in_ms(length: timedelta) -> int:
    return length // timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Grid:
    """The history [start, end], both on whole minutes."""

    start: int
    end: int

    @property
    def ticks(self) -> int:
        return (self.end - self.start) // TICK

    def middles(self) -> NDArray[np.int64]:
        """When the events of each tick happen."""
        return self.start + TICK // 2 + TICK * np.arange(self.ticks, dtype=np.int64)

    def slice_edges(self) -> NDArray[np.int64]:
        return np.arange(self.start, self.end + 1, SLICE, dtype=np.int64)

    def place(self, span: Span) -> tuple[int, int]:
        """Beginning and end of a span that is given from the end of the history."""
        begin = self.end - in_ms(span.ago)
        return begin, begin + in_ms(span.length)

    def count_until(self, running: NDArray[np.int64], moments: NDArray[np.int64]) -> NDArray[np.int64]:
        """Events up to each moment; `running[k]` are those of the first k ticks."""
        return running[(moments - self.start + TICK // 2) // TICK]


def running(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sums of the first 0, 1, ... n counts."""
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(counts)])
