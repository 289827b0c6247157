"""What is true of a service: the events themselves, and what a perfect reader of the samples can count."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from worlds.grid import SLICE
from worlds.series import METRIC, milliseconds

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Counts:
    """Failed and all requests; in fractions where an edge cuts a gap, whose increase is spread."""

    bad: float
    total: float

    def remaining(self, target: float) -> float:
        """Share of the error budget left, 1 - bad / ((1 - target) total): never clamped, may be negative."""
        return 1 - self.bad / ((1 - target) * self.total)


@dataclass(frozen=True, slots=True)
class Incident:
    """A true fault: requests failed from `start` until `end`, `bad` of them."""

    start: datetime
    end: datetime
    bad: int


@dataclass(frozen=True, slots=True)
class Crossing:
    """The first whole minute at which the remaining budget is at least (rising) or below (falling) a share."""

    at: datetime
    rising: bool


@dataclass(frozen=True, slots=True, eq=False)
class Cumulative:
    """Failed and all requests up to regular moments `start + k * step` (Unix milliseconds)."""

    start: int
    step: int
    bad: NDArray[np.float64]
    total: NDArray[np.float64]

    def between(self, first: int, last: int) -> Counts:
        """Counts of (first, last], as indices of moments."""
        return Counts(float(self.bad[last] - self.bad[first]), float(self.total[last] - self.total[first]))


@dataclass(frozen=True, slots=True, eq=False)
class ServiceTruth:
    """One service. Windows are (start, end], both aware and inside the history."""

    name: str
    target: float
    scrape: timedelta
    incidents: tuple[Incident, ...]
    stored: Cumulative
    happened: Cumulative

    @property
    def total_selector(self) -> str:
        """PromQL selector of all requests."""
        return f'{METRIC}{{job="{self.name}"}}'

    @property
    def bad_selector(self) -> str:
        """PromQL selector of the failed requests: the same metric and one more matcher."""
        return f'{METRIC}{{job="{self.name}",code=~"5.."}}'

    def observable(self, start: datetime, end: datetime) -> Counts:
        """What a perfect reader of the samples counts in (start, end].

        An increase belongs to the time of the sample that shows it; across a gap of more than three scrapes
        it is spread evenly over the gap. A series' first sample counts from zero, unless the series was there
        when the history began. What a process counted after its last scrape before a restart is in no sample.

        Raises:
            ValueError: an edge is not a whole minute, or outside the history.
        """
        return self.stored.between(self._slice_edge(start), self._slice_edge(end))

    def observable_slices(self, start: datetime, end: datetime) -> tuple[NDArray[np.float64], ...]:
        """(bad, total) of each minute of the window, oldest first; errors as `observable`."""
        first, last = self._slice_edge(start), self._slice_edge(end)
        return np.diff(self.stored.bad[first : last + 1]), np.diff(self.stored.total[first : last + 1])

    def events(self, start: datetime, end: datetime) -> Counts:
        """What really happened in (start, end], at any edges."""
        return self.happened.between(self._events_until(start), self._events_until(end))

    def remaining(self, at: datetime, window: timedelta) -> float:
        """Observable share of the error budget left at a whole minute."""
        return self.observable(at - window, at).remaining(self.target)

    def crossings(self, share: float, window: timedelta) -> tuple[Crossing, ...]:
        """When the observable remaining budget crosses `share`, wherever the window lies in the history."""
        width = window // timedelta(milliseconds=SLICE)
        bad = self.stored.bad[width:] - self.stored.bad[:-width]
        total = self.stored.total[width:] - self.stored.total[:-width]
        above = 1 - bad / ((1 - self.target) * total) >= share
        return tuple(
            Crossing(self._moment(width + int(index)), rising=bool(above[index]))
            for index in np.flatnonzero(above[1:] != above[:-1]) + 1
        )

    def _slice_edge(self, moment: datetime) -> int:
        index, off = divmod(milliseconds(moment) - self.stored.start, SLICE)
        if off or not 0 <= index < len(self.stored.bad):
            raise ValueError(f"{self.name}: {moment} is not a whole minute of the history")
        return index

    def _events_until(self, moment: datetime) -> int:
        step = self.happened.step
        index = (milliseconds(moment) - self.happened.start + step // 2) // step
        if not 0 <= index < len(self.happened.bad):
            raise ValueError(f"{self.name}: {moment} is outside the history")
        return index

    def _moment(self, index: int) -> datetime:
        return datetime.fromtimestamp((self.stored.start + index * SLICE) / 1000, UTC)
