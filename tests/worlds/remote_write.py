"""Prometheus remote write 1.0 without a protobuf or snappy library.

A sample with a time between 1971 and 2109 is always 18 bytes, so numpy writes all of a series' at once, and
snappy allows a message of literals only. Sources: https://prometheus.io/docs/specs/prw/remote_write_spec/ and
https://github.com/google/snappy/blob/main/format_description.txt
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from worlds.series import Series

HEADERS = {
    "Content-Encoding": "snappy",
    "Content-Type": "application/x-protobuf",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
}
_SAMPLE = np.dtype([("head", "V3"), ("value", "<f8"), ("tag", "u1"), ("time", "u1", 6)])
_TIME_BYTES = 6
_EARLIEST, _LATEST = 1 << 35, 1 << 42


def requests(series: Iterable[Series], samples_each: int = 100_000) -> Iterator[bytes]:
    """Bodies for POST /api/v1/write, each of about `samples_each` samples; a series stays in one of them."""
    batch: list[bytes] = []
    size = 0
    for one in series:
        batch.append(message(1, _timeseries(one)))
        size += len(one.times)
        if size >= samples_each:
            yield snappy(b"".join(batch))
            batch, size = [], 0
    if batch:
        yield snappy(b"".join(batch))


def snappy(body: bytes) -> bytes:
    """The body as one literal of snappy's block format."""
    if not body:
        return varint(0)
    return varint(len(body)) + b"\xfc" + (len(body) - 1).to_bytes(4, "little") + body


def varint(number: int) -> bytes:
    """Protobuf's base 128, low groups first."""
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*encoded, number])


def message(number: int, payload: bytes) -> bytes:
    """A length-delimited field of a message."""
    return bytes([number << 3 | 2]) + varint(len(payload)) + payload


def samples(times: NDArray[np.int64], values: NDArray[np.float64]) -> bytes:
    """The `samples` fields of a TimeSeries message.

    Raises:
        ValueError: a time before 1971 or after 2109, whose varint has another width.
    """
    if len(times) and (times.min() < _EARLIEST or times.max() >= _LATEST):
        raise ValueError("sample times must be between 1971 and 2109")
    rows = np.empty(len(times), dtype=_SAMPLE)
    rows["head"] = np.frombuffer(b"\x12\x10\x09", dtype="V3")[0]
    rows["value"] = values
    rows["tag"] = 0x10
    groups = times[:, None] >> (7 * np.arange(_TIME_BYTES)) & 0x7F
    groups[:, :-1] |= 0x80
    rows["time"] = groups
    return rows.tobytes()


def _timeseries(series: Series) -> bytes:
    labels = (message(1, name.encode()) + message(2, value.encode()) for name, value in series.labels)
    return b"".join(message(1, label) for label in labels) + samples(series.times, series.values)
