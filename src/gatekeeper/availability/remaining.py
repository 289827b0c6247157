"""The share of budget left at one instant after the other, in a rolling window or a calendar period.

A rolling window's budget is that of the events in it. A period's is that of all its events, those to come included
(divided by the events so far, three errors among a month's first 4,000 requests would be most of a 99.9 % target's
budget). Traffic to come is taken to repeat the seven days before, minute by minute.
"""

import numpy as np

from gatekeeper.availability.budget import remaining_each
from gatekeeper.availability.ledger import Counts, Cumulative, Slices, end_of, ending_at, steps_in
from gatekeeper.availability.window import Rolling, Window

WEEK = steps_in(7 * 86400)


def remaining_at(slices: Slices, window: Window, allowed: float, first: int, stop: int) -> Counts:
    """The share left at the end of each slice with ``first <= index < stop``, shape (stop - first,).

    All instants are judged by the period that the last of them lies in: NaN before its start, and where there are
    no events. At its start, all of the budget is left.

    Args:
        slices: at least one window (for a period, what is over of it) and a week before each instant.
        window: the objective's window, of whole slices.
        allowed: 1 - target, in (0, 1].
        first: the first instant's slice.
        stop: one past the last instant's slice.

    Raises:
        ValueError: the window does not fit the slices, or ``allowed`` leaves no budget.
    """
    period = window.at(end_of(stop - 1))
    start, end = ending_at(period.start), ending_at(period.end)
    if isinstance(window, Rolling):
        return remaining_each(*Cumulative.of(slices).ending(first, stop, stop - 1 - start), allowed)
    left: Counts = np.full(stop - first, np.nan)
    begin = max(first, start)
    bad, total = Cumulative.of(slices).since(start, begin, stop)
    left[begin - first :] = remaining_each(bad, total + to_come(slices, begin, stop, end), allowed)
    return left


def to_come(slices: Slices, first: int, stop: int, until: int) -> Counts:
    """Events expected after each slice with ``first <= index < stop``, up to slice ``until``: shape (stop - first,).

    Each slice repeats the one a week before it. One of that week that was not measured, or that an adjustment leaves
    out, counts as the mean of the week's others; a ledger younger than a week has many of them. Nothing is expected
    of a week without measurements.
    """
    known = slices.between(first - WEEK + 1, stop)
    events, measured = _running(known.total), _running(known.counting.astype(np.float64))
    here = np.arange(first, stop) + 1 - known.first
    weeks, rest = np.divmod(until + 1 - known.first - here, WEEK)
    seen, found = measured[here] - measured[here - WEEK], events[here] - events[here - WEEK]
    rate = np.divide(found, seen, out=np.zeros(len(here)), where=seen > 0)
    part = events[here - WEEK + rest] - events[here - WEEK]
    unseen = rest - (measured[here - WEEK + rest] - measured[here - WEEK])
    expected: Counts = weeks * (found + (WEEK - seen) * rate) + part + unseen * rate
    return expected


def _running(values: Counts) -> Counts:
    return np.concatenate((np.zeros(1), np.cumsum(values)))
