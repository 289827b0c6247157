"""When a freeze will end, and when a budget will be spent.

A rolling budget recovers by rolling off: what went bad leaves the window one window later. So with nothing new going
bad the end of a freeze is known up to the traffic to come, which is taken to repeat the last seven days.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from gatekeeper.availability import incidents
from gatekeeper.availability.budget import exact, remaining_each
from gatekeeper.availability.ledger import (
    Counts,
    Cumulative,
    Flag,
    Slices,
    Times,
    end_of,
    ending_at,
    slice_of,
    steps_in,
)

WEEK = steps_in(7 * 86400)
CALM_SPAN = steps_in(6 * 3600)
"""The burn rate over this many slices has to be below 1 for a quiet budget to end a freeze."""
MOST_STRETCHES = 3


class Stretch(NamedTuple):
    """A stretch of the ledger and the bad events in it."""

    start: datetime
    end: datetime
    bad: float


@dataclass(frozen=True)
class Forecast:
    """When the thaw rule will be met.

    Attributes:
        at: the earliest end of a slice, from now on, at which it is met; None if not within one window.
        by: which half of the rule is met first: enough budget, or a positive one kept quiet.
        frees: what costs most of what has to leave the window until then, in order of time; at most three.
    """

    at: datetime | None
    by: Literal["above", "quiet"] | None
    frees: tuple[Stretch, ...]


def thaw(
    slices: Slices, allowed: float, window_s: int, above: float, quiet_s: int, now: datetime
) -> Forecast:
    """The earliest t >= now with r(t) >= above, or r > 0 from t - quiet to t and a 6 h burn below 1 at t.

    Nothing new goes bad. Future events repeat those of the same slice a week before, or, where the ledger is younger
    than a week, come at the mean rate.

    Args:
        slices: at least (now - window - quiet, now]; what it lacks counts as unknown.
        allowed: 1 - target, in (0, 1].
        window_s: the objective's window, in seconds.
        above: the share of budget that ends a freeze at once.
        quiet_s: how long a positive budget ends it too, in seconds.
        now: the end of a slice.

    Raises:
        ValueError: ``now`` or a span does not fit the slices, or ``allowed`` leaves no budget.
    """
    length, quiet, last = steps_in(window_s), steps_in(quiet_s), ending_at(now)
    running = Cumulative.of(_with_future(slices, last, back=max(length, CALM_SPAN) + quiet, ahead=length))
    times = np.arange(last - quiet, last + length + 1)
    left = remaining_each(*running.ending(times, length), allowed)
    enough = left[quiet:] >= above
    kept = (_positive_points(left) > quiet)[quiet:] & _calm(running, times[quiet:], allowed)
    met = np.flatnonzero(enough | kept)
    if not len(met):
        return Forecast(None, None, ())
    first = int(met[0])
    by: Literal["above", "quiet"] = "above" if enough[first] else "quiet"
    turned = last + first - (0 if by == "above" else quiet)
    window = slices.between(last + 1 - length, last + 1)
    return Forecast(end_of(last + first), by, _leaving(window, turned + 1 - length, allowed))


def exhaustion(remaining: float, burn: float | None, window_s: float) -> float | None:
    """Seconds until the budget is spent at this burn rate, r · W / b: 0 if it is spent, None if it never will be."""
    if remaining <= 0:
        return 0.0
    return remaining * window_s / burn if burn is not None and burn > 0 else None


def _with_future(slices: Slices, last: int, *, back: int, ahead: int) -> Slices:
    past = slices.between(last + 1 - back, last + 1)
    return Slices(
        past.first,
        np.concatenate((past.total, _expected(slices.between(slices.first, last + 1), ahead))),
        np.concatenate((past.bad, np.zeros(ahead))),
        np.concatenate((past.flags, np.full(ahead, Flag.MEASURED, dtype=np.uint8))),
    )


def _expected(past: Slices, ahead: int) -> Counts:
    """Events of the next slices; what was not measured last week is taken at the week's mean."""
    week = past.between(past.stop - WEEK, past.stop)
    measured = week.having(Flag.MEASURED)
    mean = float(week.total[measured].mean()) if measured.any() else 0.0
    whole_week = past.having(Flag.MEASURED)[: max(len(past) - WEEK + 1, 0)].any()
    if not whole_week:
        return np.full(ahead, mean)
    return np.resize(np.where(measured, week.total, mean), ahead)


def _positive_points(left: Counts) -> Times:
    """How many points in a row, up to and including each, have budget left."""
    points = np.arange(len(left))
    last_without = np.maximum.accumulate(np.where(left > 0, -1, points))
    return points - last_without


def _calm(running: Cumulative, times: Times, allowed: float) -> npt.NDArray[np.bool_]:
    numerator, denominator = exact(allowed)
    bad, total = running.ending(times, CALM_SPAN)
    return denominator * bad < numerator * total


def _leaving(window: Slices, stop: int, allowed: float) -> tuple[Stretch, ...]:
    """The costliest incidents of the window, as far as they lie before ``stop``; else all that went bad there."""
    leaving = window.between(window.first, stop)
    found = [
        (slice_of(one.start) + 1, min(stop if one.end is None else slice_of(one.end) + 1, stop))
        for one in incidents.find(window, allowed)
        if slice_of(one.start) + 1 < stop
    ]
    bad = np.flatnonzero(leaving.bad)
    if not found and len(bad):
        found = [(leaving.first + int(bad[0]), leaving.first + int(bad[-1]) + 1)]
    stretches = [
        Stretch(end_of(start - 1), end_of(end - 1), float(leaving.between(start, end).bad.sum()))
        for start, end in found
    ]
    return tuple(sorted(sorted(stretches, key=lambda one: -one.bad)[:MOST_STRETCHES]))
