"""Native histograms as an instrumented process counts them, and their remote write messages.

Source: https://github.com/prometheus/prometheus/blob/v2.42.0/prompb/types.proto (Histogram, BucketSpan). Bucket i of
schema s covers (base^(i-1), base^i] with base = 2^(2^-s).
"""

from __future__ import annotations

import struct
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from worlds.remote_write import message, snappy, varint

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

ZERO_THRESHOLD = 2.0**-128
"""Observations up to this are in the zero bucket: the default of Prometheus's own library."""


@dataclass
class Histogram:
    """A process's native histogram of durations; its schema may only get coarser while the process lives."""

    schema: int = 3
    count: int = 0
    total: float = 0.0
    zeros: int = 0
    buckets: Counter[int] = field(default_factory=Counter)

    def observe(self, durations: NDArray[np.float64]) -> None:
        """Count some requests; what is not a number is in no bucket."""
        self.count += len(durations)
        self.total += float(np.nansum(durations))
        self.zeros += int((durations <= ZERO_THRESHOLD).sum())
        inside = durations[durations > ZERO_THRESHOLD]
        places = np.ceil(np.log2(inside) * 2.0**self.schema).astype(int)
        self.buckets.update(places.tolist())

    def coarsen(self) -> None:
        """Merge neighbours, as a process does that has too many buckets."""
        merged: Counter[int] = Counter()
        for place, number in self.buckets.items():
            merged[-(-place // 2)] += number
        self.schema, self.buckets = self.schema - 1, merged

    def sample(self, time: int) -> bytes:
        """The message of a sample at a Unix time in milliseconds."""
        return b"".join(
            (
                _number(1, self.count),
                _double(3, self.total),
                _number(4, _zigzag(self.schema)),
                _double(5, ZERO_THRESHOLD),
                _number(6, self.zeros),
                *self._positive(),
                _number(15, time),
            )
        )

    def _positive(self) -> Iterable[bytes]:
        """A span for each bucket: legal, if not the shortest."""
        end = last = 0
        deltas = b""
        for place, number in sorted(self.buckets.items()):
            yield message(11, _number(1, _zigzag(place - end)) + _number(2, 1))
            deltas += varint(_zigzag(number - last))
            end, last = place + 1, number
        if deltas:
            yield message(12, deltas)


def request(series: Iterable[tuple[Mapping[str, str], Iterable[bytes]]]) -> bytes:
    """A body for POST /api/v1/write with the labels of each series and its samples in order."""
    return snappy(b"".join(message(1, _timeseries(labels, samples)) for labels, samples in series))


def _timeseries(labels: Mapping[str, str], samples: Iterable[bytes]) -> bytes:
    named = (message(1, name.encode()) + message(2, value.encode()) for name, value in sorted(labels.items()))
    return b"".join([*(message(1, one) for one in named), *(message(4, one) for one in samples)])


def _number(at: int, value: int) -> bytes:
    return varint(at << 3) + varint(value)


def _double(at: int, value: float) -> bytes:
    return varint(at << 3 | 1) + struct.pack("<d", value)


def _zigzag(number: int) -> int:
    return number * 2 if number >= 0 else -number * 2 - 1
