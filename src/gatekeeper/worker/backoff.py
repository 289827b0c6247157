"""How long failed work waits.

Source: "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015): full jitter spreads the most.
"""

from collections.abc import Callable
from datetime import timedelta

BASE = timedelta(seconds=2)
CAP = timedelta(minutes=5)


def backoff(attempt: int, jitter: Callable[[], float], *, at_least: float | None = None) -> timedelta:
    """The wait after a failed attempt: a random share of 2 s, 4 s, 8 s … 5 min.

    Args:
        attempt: its number, from 1.
        jitter: gives a share in [0, 1).
        at_least: seconds that the other side asked for (Retry-After). The random wait comes on top, so
            that everything that was refused together does not come back together.
    """
    longest = min(CAP, BASE * (1 << min(attempt - 1, 16)))
    return timedelta(seconds=at_least or 0) + longest * jitter()
