"""Stored samples of one time series, as columns."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from datetime import datetime

    from numpy.typing import NDArray

METRIC = "http_requests_total"
STALE: float = struct.unpack("<d", struct.pack("<Q", 0x7FF0000000000002))[0]
"""Prometheus' stale marker: one NaN among many, known by its bits (`model/value/value.go`)."""


def milliseconds(moment: datetime) -> int:
    """Unix milliseconds, exact for whole milliseconds (a float's 53 bits hold them until the year 287396)."""
    return round(moment.timestamp() * 1000)


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """Samples in time order; `arrivals` says when each reaches the server, never before its time."""

    labels: tuple[tuple[str, str], ...]
    times: NDArray[np.int64]
    values: NDArray[np.float64]
    arrivals: NDArray[np.int64]

    @classmethod
    def of(cls, *, job: str, instance: str, code: str, samples: list[tuple[datetime, float]]) -> Series:
        """A hand-written series whose samples arrive at once."""
        times = np.array([milliseconds(moment) for moment, _ in samples], dtype=np.int64)
        values = np.array([value for _, value in samples], dtype=np.float64)
        return cls(labels_of(job=job, instance=instance, code=code), times, values, times)

    def arriving(self, after: int, until: int) -> Series:
        """The samples that arrive in (after, until], Unix milliseconds."""
        chosen = (self.arrivals > after) & (self.arrivals <= until)
        return Series(self.labels, self.times[chosen], self.values[chosen], self.arrivals[chosen])


def labels_of(*, job: str, instance: str, code: str) -> tuple[tuple[str, str], ...]:
    """The labels in the order of their names, as remote write wants them."""
    return (("__name__", METRIC), ("code", code), ("instance", instance), ("job", job))
