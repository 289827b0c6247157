"""Minutes instead of events: each slice is good or bad as a whole (OpenSLO's budgeting method ``Timeslices``)."""

from dataclasses import replace
from decimal import Decimal

import numpy as np

from gatekeeper.availability.ledger import Slices


def judged(slices: Slices, target: Decimal) -> Slices:
    """The same stretch with one event a slice: a bad one where good / total is below the target.

    A slice without events stays without: where nobody came or nobody measured, nothing was good or bad. The comparison
    is exact for whole counts below 2**53.

    Args:
        slices: the stretch.
        target: the share of a slice's events that must be good, in (0, 1].
    """
    numerator, denominator = target.as_integer_ratio()
    active = slices.total > 0
    bad = active & ((slices.total - slices.bad) * denominator < numerator * slices.total)
    return replace(slices, total=active.astype(np.float64), bad=bad.astype(np.float64))
