"""Stretches of the ledger for tests: drawn by hand, or by Hypothesis."""

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
from hypothesis import strategies as st

from gatekeeper.availability.ledger import Flag, Slices, slice_of

MIDNIGHT = datetime(2026, 11, 2, tzinfo=UTC)
"""A Monday; the first slice of a drawn stretch begins here."""
FIRST = slice_of(MIDNIGHT) + 1

EVENTS = 1000
DRAWN = {
    ".": (EVENTS, 0, Flag.MEASURED),
    "x": (EVENTS, 100, Flag.MEASURED),
    "_": (0, 0, Flag.MEASURED),
    "?": (0, 0, 0),
    "-": (0, 0, Flag.MEASURED | Flag.EXCLUDED),
}

Minute = tuple[int, int, int]


def stretch(minutes: Sequence[Minute], first: int = FIRST) -> Slices:
    """A slice for each (total, bad, flags)."""
    total, bad, flags = zip(*minutes, strict=True) if minutes else ((), (), ())
    return Slices(
        first,
        np.array(total, dtype=np.float64),
        np.array(bad, dtype=np.float64),
        np.array(flags, dtype=np.uint8),
    )


def drawn(picture: str, first: int = FIRST) -> Slices:
    """A slice for each sign: "." good, "x" a tenth bad, "_" nobody came, "?" nobody measured, "-" left out."""
    return stretch([DRAWN[sign] for sign in picture], first)


def minutes(most_events: int = 2000) -> st.SearchStrategy[Minute]:
    """Any slice: mostly good ones, and each of the others."""
    counts = st.integers(1, most_events).flatmap(
        lambda total: st.tuples(st.just(total), st.integers(0, total))
    )
    flags = st.sampled_from([1, 3, 5, 7])
    return st.one_of(
        st.just(DRAWN["."]),
        st.just(DRAWN["x"]),
        st.just(DRAWN["_"]),
        st.just(DRAWN["?"]),
        st.tuples(counts, flags).map(lambda both: (*both[0], both[1])),
    )


def stretches(min_size: int = 0, max_size: int = 120) -> st.SearchStrategy[Slices]:
    """Stretches of any slices, all beginning at ``FIRST``."""
    return st.lists(minutes(), min_size=min_size, max_size=max_size).map(stretch)


def followed(before: Slices, after: Slices) -> Slices:
    """One stretch and then another, wherever that one said it begins."""
    return Slices(
        before.first,
        np.concatenate((before.total, after.total)),
        np.concatenate((before.bad, after.bad)),
        np.concatenate((before.flags, after.flags)),
    )
