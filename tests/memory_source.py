"""Counters in memory, whose samples arrive when a test says so."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from gatekeeper.availability.filling import TooManySamplesError
from gatekeeper.availability.series import RawSeries
from gatekeeper.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from gatekeeper.policy.objective import Indicator

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


def in_ms(instant: datetime) -> int:
    return round(instant.timestamp() * 1000)


@dataclass
class Counter:
    """A counter's samples (time, value), each arriving at its time plus `delay`."""

    key: int
    samples: list[tuple[datetime, float]]
    total: int = 1
    bad: int = 0
    delay: timedelta = timedelta()

    @property
    def times(self) -> NDArray[np.int64]:
        return np.array([in_ms(at) for at, _ in self.samples], dtype=np.int64)

    @property
    def values(self) -> NDArray[np.float64]:
        return np.array([value for _, value in self.samples], dtype=np.float64)


@dataclass
class MemorySource:
    """Serves counters; remembers what was asked and received; fails when told to."""

    counters: list[Counter]
    now: datetime = NOON + DAY
    fail_at: int | None = None
    most: int = 1_000_000
    refused: int = 0
    asked: list[tuple[int, int]] = field(default_factory=list)
    samples: int = 0
    known: dict[int, tuple[NDArray[np.int64], NDArray[np.float64]]] = field(default_factory=dict)

    def reader(self, indicator: Indicator) -> MemorySource:
        return self

    def read(self, after: int, until: int) -> Sequence[RawSeries]:
        if self.fail_at == len(self.asked):
            self.fail_at = None
            raise SourceError("connection refused")
        found = [raw for one in self.counters if len((raw := self.raw(one, after, until)).times)]
        if (samples := sum(len(one.times) for one in found)) > self.most:
            self.refused += 1
            raise TooManySamplesError("too many samples")
        self.asked.append((after, until))
        self.samples += samples
        return found

    def raw(self, one: Counter, after: int, until: int) -> RawSeries:
        if (times := self.known.get(id(one.samples))) is None or len(times[0]) != len(one.samples):
            times = self.known[id(one.samples)] = (one.times, one.values)
        arrived = times[0] <= in_ms(self.now - one.delay)
        chosen = arrived & (times[0] > after) & (times[0] <= until)
        return RawSeries(one.key, one.total, one.bad, times[0][chosen], times[1][chosen])


def regular(
    start: datetime,
    minutes: int,
    rate: int = 10,
    *,
    every: float = 1,
    first: float = 0,
    until: int | None = None,
) -> list[tuple[datetime, float]]:
    """A sample `every` minutes, `rate` events in each minute, beginning at `first` events."""
    count = int(minutes / every)
    return [(start + i * every * MINUTE, first + rate * i * every) for i in range(count + 1)]
