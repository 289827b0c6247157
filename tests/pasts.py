"""The past of a service, drawn by hand."""

from datetime import timedelta

import numpy as np

from builders import DAY, MINUTE, NOW, an_objective
from gatekeeper.availability.ledger import Slices, ending_at
from gatekeeper.decide.backtest.history import Past

RATE = 1_000
START, LENGTH = NOW - 10 * DAY, 10 * DAY


def a_past(
    *outages: tuple[timedelta, timedelta, float], days: int = 12, gap: timedelta | None = None
) -> Past:
    """Requests at an even rate for days; outages as (how long after the start, length, share); a gap an hour long."""
    minutes = days * 1440
    first = ending_at(NOW) + 1 - minutes
    total, bad, flags = np.full(minutes, float(RATE)), np.zeros(minutes), np.ones(minutes, np.uint8)
    for after, length, share in outages:
        begin = (START + after - (NOW - days * DAY)) // MINUTE
        bad[begin : begin + length // MINUTE] = RATE * share
    if gap is not None:
        begin = (START + gap - (NOW - days * DAY)) // MINUTE
        for values in (total, bad, flags):
            values[begin : begin + 60] = 0
    return Past(an_objective(days=1), Slices(first, total, bad, flags))
