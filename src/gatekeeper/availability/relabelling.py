"""Counters that go on under other labels: no births, though they look like ones. Pure.

Renaming a label of all targets, or adding one, makes Prometheus end every series and begin another with the value the
old one had. Counted from zero, the lifetimes of all processes would be events of one minute.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from gatekeeper.availability.series import Cursor, Differences

NEAR = 900_000
"""Milliseconds between a series' end and the beginning of what may continue it."""
EXPLAINED = 0.9
"""Share of the newcomers' counts that series which have just ended must account for."""

Samples = npt.NDArray[np.intp]  # places in ``Differences``


def births(found: Differences, born_after: int) -> Iterator[Samples]:
    """First samples of series that were not there when the ledger began, those near each other in time together."""
    born = np.flatnonzero(found.first & (found.times > born_after) & (found.values > 0))
    born = born[np.argsort(found.times[born], kind="stable")]
    if len(born):
        yield from np.split(born, np.flatnonzero(np.diff(found.times[born]) > NEAR) + 1)


def continued(found: Differences, born: Samples, known: Mapping[int, Cursor]) -> Differences:
    """The same differences, with those first samples that continue a series which has just ended set beside its end.

    Only if the ends account for nearly all that the newcomers say: a deployment's newcomers begin near zero, however
    much the old ones had counted.

    Args:
        found: samples and those before them.
        born: first samples, as ``births`` gives them.
        known: cursors of series that may have ended.
    """
    begin = int(found.times[born].min())
    ended = [one for one in (dict(known) | found.cursors).values() if begin - NEAR <= one.time < begin]
    pairs = _paired(found, born, ended)
    explained = sum(end.value for _, end in pairs)
    if explained < EXPLAINED * found.values[born].sum():
        return found
    first, before_times, before_values = (
        found.first.copy(),
        found.before_times.copy(),
        found.before_values.copy(),
    )
    for place, end in pairs:
        first[place], before_times[place], before_values[place] = False, end.time, end.value
    return replace(found, first=first, before_times=before_times, before_values=before_values)


def _paired(found: Differences, born: Samples, ended: list[Cursor]) -> list[tuple[int, Cursor]]:
    """Each newcomer with the end of the largest count that it can continue, none used twice; largest first."""
    left = sorted(ended, key=lambda one: (one.value, one.time))
    pairs = []
    for place in sorted(born.tolist(), key=lambda place: -found.values[place]):
        while left and left[-1].value > found.values[place]:
            left.pop()  # too large for this one, and so for all that follow
        if left:
            pairs.append((place, left.pop()))
    return pairs
