"""A day of slices as bytes: each array in the narrowest type that holds it exactly, compressed together. Pure.

A day is packed in two halves, so that what a window's edge cuts off costs the unpacking of one of them.
"""

import zlib
from collections.abc import Iterable, Sequence
from itertools import groupby

import numpy as np
import numpy.typing as npt

from gatekeeper.availability.ledger import Flag, Slices

DAY = 1440
"""Slices."""
HALF = DAY // 2

_TYPES = {b"B": "<u1", b"H": "<u2", b"I": "<u4", b"d": "<f8"}
_HEAD = 3
"""Bytes before what is compressed: the types of total, bad and flags."""
_FAST = 1  # nine tenths of what level 9 saves, in a fifth of its time
_COUNTED = (Flag.MEASURED, Flag.INTERPOLATED, Flag.APPROXIMATE)

Halves = tuple[bytes, bytes]


def day_of(index: int) -> int:
    """The UTC day of a slice, counted from 1970."""
    return (index - 1) // DAY


def first_of(day: int) -> int:
    """The first slice of a UTC day."""
    return day * DAY + 1


def pack(slices: Slices) -> Halves:
    """The three arrays of one day, until noon and after."""
    arrays = (slices.total, slices.bad, slices.flags)
    return _pack([one[:HALF] for one in arrays]), _pack([one[HALF:] for one in arrays])


def unpack(packed: Halves, day: int) -> Slices:
    """The day that ``pack`` was given."""
    halves = (_arrays(half, zlib.decompress(half[_HEAD:])) for half in packed)
    total, bad, flags = (np.concatenate(pair, axis=None) for pair in zip(*halves, strict=True))
    return Slices(first_of(day), total.astype(np.float64), bad.astype(np.float64), flags.astype(np.uint8))


def added_up(halves: Sequence[bytes], begin: int, end: int) -> npt.NDArray[np.float64]:
    """What the places ``begin`` to ``end - 1`` of each half add up to.

    Returns:
        Rows of (total, bad, measured, interpolated, approximate), shape (n, 5). Many take little more than their
        decompression: those of the same types are added up together.
    """
    result = np.zeros((len(halves), 2 + len(_COUNTED)))
    types = [half[:_HEAD] for half in halves]
    for head, places in groupby(sorted(range(len(halves)), key=types.__getitem__), key=types.__getitem__):
        these = list(places)
        content = b"".join(zlib.decompress(halves[place][_HEAD:]) for place in these)
        total, bad, kinds = (one[:, begin:end] for one in _arrays(head, content))
        sums, flags = [one.sum(axis=1, dtype=np.float64) for one in (total, bad)], kinds.astype(np.uint8)
        counts = [np.count_nonzero(flags & np.uint8(flag), axis=1) for flag in _COUNTED]
        result[these] = np.stack(sums + counts, axis=1)
    return result


def _pack(arrays: Iterable[npt.NDArray[np.generic]]) -> bytes:
    narrowed = [_narrowed(array) for array in arrays]
    head, content = (b"".join(parts) for parts in zip(*narrowed, strict=True))
    return head + zlib.compress(content, _FAST)


def _narrowed(values: npt.NDArray[np.generic]) -> tuple[bytes, bytes]:
    with np.errstate(invalid="ignore"):  # a value too large for a type is no error: the next one is tried
        narrowed = ((code, values.astype(kind)) for code, kind in _TYPES.items())
        return next((code, narrow.tobytes()) for code, narrow in narrowed if np.array_equal(narrow, values))


def _arrays(half: bytes, content: bytes) -> list[npt.NDArray[np.generic]]:
    """The three arrays of the halves whose content this is, one after another, each of shape (n, HALF)."""
    kinds = (_TYPES[half[place : place + 1]] for place in range(_HEAD))
    rows = np.frombuffer(content, dtype=[(str(place), kind, (HALF,)) for place, kind in enumerate(kinds)])
    return [rows[str(place)] for place in range(_HEAD)]
