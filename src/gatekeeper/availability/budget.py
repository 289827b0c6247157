"""The error budget: what a target allows to go bad, and how much of that is left.

With T the target, N events, B bad ones: the budget is E = (1 - T) · N events, the remaining share r = 1 - B / E.
"""

from fractions import Fraction
from functools import lru_cache

import numpy as np

from gatekeeper.availability.ledger import Counts


@lru_cache(maxsize=1024)
def exact(allowed: float) -> tuple[float, float]:
    """The share that may be bad as numerator and denominator of the decimal that was written (0.0005 is 1 / 2000).

    Multiplying whole counts by these two loses nothing below 2**53, so a budget spent to the last event
    leaves exactly 0; ``allowed * total`` misses that by a rounding step for many targets.

    Raises:
        ValueError: the share is not above 0 and at most 1: such a target leaves no budget, or is none.
    """
    if not 0 < allowed <= 1:
        raise ValueError(f"the share allowed to be bad must be above 0 and at most 1, not {allowed}")
    share = Fraction(str(float(allowed)))
    return float(share.numerator), float(share.denominator)


def availability(bad: float, total: float) -> float:
    """The share of good events, (N - B) / N.

    Raises:
        ValueError: there were no events.
    """
    _refuse_nothing(total)
    return (total - bad) / total


def remaining(bad: float, total: float, allowed: float) -> float:
    """The share of the error budget left, 1 - B / ((1 - T) · N): 1 is untouched, below 0 overspent, never clamped.

    Args:
        bad: bad events.
        total: all events, above 0.
        allowed: 1 - target, in (0, 1].

    Raises:
        ValueError: there were no events, or ``allowed`` leaves no budget.
    """
    _refuse_nothing(total)
    numerator, denominator = exact(allowed)
    budget = numerator * total
    return (budget - denominator * bad) / budget


def remaining_each(bad: Counts, total: Counts, allowed: float) -> Counts:
    """``remaining`` of many stretches at once, shape (n,), bit for bit the same; NaN where there were no events."""
    numerator, denominator = exact(allowed)
    budget = numerator * total
    left: Counts = np.full(len(total), np.nan)
    np.divide(budget - denominator * bad, budget, out=left, where=total > 0)
    return left


def _refuse_nothing(total: float) -> None:
    if not total > 0:
        raise ValueError(f"there is no share of {total} events")
