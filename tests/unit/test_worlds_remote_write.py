"""Remote write bodies against a slow decoder written from the formats' descriptions."""

from __future__ import annotations

import struct
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from worlds import Series, remote_write
from worlds.series import STALE

if TYPE_CHECKING:
    from collections.abc import Iterator

times = st.integers(1 << 35, (1 << 42) - 1)
names = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=200)
columns = st.lists(st.tuples(times, st.floats(allow_nan=False)), min_size=1, max_size=20)


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        number |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
        if data[at - 1] < 0x80:
            return number, at


def unsnap(body: bytes) -> bytes:
    """Block format; literals with a four byte length only."""
    size, at = read_varint(body, 0)
    message = b""
    while at < len(body):
        assert body[at] == 0b111111_00
        length = int.from_bytes(body[at + 1 : at + 5], "little") + 1
        message += body[at + 5 : at + 5 + length]
        at += 5 + length
    assert len(message) == size
    return message


def fields(message: bytes) -> Iterator[tuple[int, Any]]:
    """(number, value) of varint, 64 bit and length-delimited fields."""
    at = 0
    while at < len(message):
        key, at = read_varint(message, at)
        if key & 7 == 0:
            value, at = read_varint(message, at)
            yield key >> 3, value
        elif key & 7 == 1:
            yield key >> 3, struct.unpack("<d", message[at : at + 8])[0]
            at += 8
        else:
            assert key & 7 == 2
            length, at = read_varint(message, at)
            yield key >> 3, message[at : at + length]
            at += length


def decode(body: bytes) -> list[tuple[list[tuple[str, str]], list[tuple[int, float]]]]:
    """(labels, samples) of each TimeSeries."""
    series = []
    for _, one in fields(unsnap(body)):
        parts = list(fields(one))
        labels = [dict(fields(part)) for number, part in parts if number == 1]
        samples = [dict(fields(part)) for number, part in parts if number == 2]
        series.append(
            (
                [(label[1].decode(), label[2].decode()) for label in labels],
                [(sample[2], sample[1]) for sample in samples],
            )
        )
    return series


def a_series(job: str, samples: list[tuple[int, float]]) -> Series:
    at = np.array([time for time, _ in samples], dtype=np.int64)
    return Series((("__name__", "m"), ("job", job)), at, np.array([value for _, value in samples]), at)


@given(st.lists(st.tuples(names, columns), min_size=1, max_size=5), st.integers(1, 30))
def test_what_is_encoded_is_decoded(
    content: list[tuple[str, list[tuple[int, float]]]], samples_each: int
) -> None:
    bodies = list(remote_write.requests((a_series(*one) for one in content), samples_each))
    decoded = [series for body in bodies for series in decode(body)]
    assert decoded == [([("__name__", "m"), ("job", job)], samples) for job, samples in content]


def test_requests_end_after_the_wished_number_of_samples() -> None:
    series = [a_series(str(number), [(1 << 40, 1.0), (1 << 41, 2.0)]) for number in range(5)]
    assert [len(decode(body)) for body in remote_write.requests(series, samples_each=4)] == [2, 2, 1]


def test_nothing_to_write_is_no_request() -> None:
    assert list(remote_write.requests([])) == []


def test_a_stale_marker_keeps_its_bits() -> None:
    series = Series.of(
        job="j", instance="i", code="200", samples=[(datetime(2026, 11, 2, tzinfo=UTC), STALE)]
    )
    (body,) = remote_write.requests([series])
    assert (0x7FF0000000000002).to_bytes(8, "little") in body


@pytest.mark.parametrize(
    ("number", "encoded"),
    [
        pytest.param(0, b"\x00", id="zero is one byte"),
        pytest.param(127, b"\x7f", id="the last one-byte number"),
        pytest.param(150, b"\x96\x01", id="the example of protobuf's encoding guide"),
    ],
)
def test_varints_are_low_groups_first(number: int, encoded: bytes) -> None:
    assert remote_write.varint(number) == encoded


def test_an_empty_message_is_its_length_alone() -> None:
    assert remote_write.snappy(b"") == b"\x00"


@pytest.mark.parametrize("time", [(1 << 35) - 1, 1 << 42])
def test_a_time_of_another_width_is_refused(time: int) -> None:
    with pytest.raises(ValueError, match="1971"):
        list(remote_write.requests([a_series("j", [(time, 1.0)])]))
