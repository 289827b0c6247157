"""Incidents: stretches of the ledger in which the service failed; how often, and for how long.

A slice fails when its error ratio is far above what is allowed. A failure is a maximal run of failing slices; short
recoveries in between do not split it. Slices without events say nothing: they neither begin nor end a failure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from gatekeeper.availability.budget import exact
from gatekeeper.availability.ledger import STEP, Counts, Slices, Times, end_of, slice_of

FAILING_RATIO = 0.025
"""A slice with this share of bad events fails, even where the objective allows nearly as much."""
FAILING_BURN = 14.4
"""A slice that burns this fast fails too, however small the ratio: a 30 day budget would last 50 hours."""
LEAST_BURN = 2.0
"""A slice that burns slower than this never fails: errors near the allowed ratio are what was promised."""
MERGED_GAP = 2
"""So many good slices in a row do not end a failure: it was not over yet."""
FEWEST_FAILURES = 10
"""A run with fewer bad events is dropped: at low traffic a single error is a whole bad slice."""
FEWEST_MINUTES = 3
"""The same where minutes are counted: each has been judged already."""
SIGNIFICANCE = 6.0
"""A run is dropped as chance unless its bad events exceed the allowed ones by so many standard deviations."""
RULE_OF_THREE = 3.0
"""With no failure seen in a time U, the mean time between failures is above U / 3 with 95 % confidence."""


@dataclass(frozen=True)
class Incident:
    """A failure of the service.

    Attributes:
        start: the beginning of its first failing slice.
        end: the end of its last failing slice; None while it is open.
        bad: bad events in it.
        total: events in it.
        budget_share: the share of the whole window's error budget that it spent.
    """

    start: datetime
    end: datetime | None
    bad: float
    total: float
    budget_share: float


@dataclass(frozen=True)
class Reliability:
    """How often the service fails and how fast it is restored.

    Attributes:
        incidents: failures, an open one included.
        mtbf_s: mean up-time between failures, in seconds; None if nothing was measured.
        mttr_s: mean time to restore, in seconds; None without failures.
        mtbf_is_lower_bound: no failure was seen: the true value is above ``mtbf_s`` with 95 % confidence.
        mttr_is_lower_bound: an open failure outlasts the mean of the closed ones: it will grow.
    """

    incidents: int
    mtbf_s: float | None
    mttr_s: float | None
    mtbf_is_lower_bound: bool
    mttr_is_lower_bound: bool

    @property
    def time_up(self) -> float | None:
        """A = MTBF / (MTBF + MTTR), the share of time without failure; None while either is missing or a bound."""
        if self.mtbf_s is None or self.mttr_s is None or self.mtbf_is_lower_bound or self.mttr_is_lower_bound:
            return None
        return self.mtbf_s / (self.mtbf_s + self.mttr_s)


def failing_ratio(allowed: float) -> float:
    """The error ratio from which a slice counts as failing, given what is allowed."""
    return max(LEAST_BURN * allowed, min(FAILING_BURN * allowed, FAILING_RATIO))


def failing(slices: Slices, allowed: float) -> Times:
    """Positions of the failing slices of a stretch, in order."""
    candidates = np.flatnonzero((slices.bad > 0) & (slices.total > 0))
    return candidates[slices.bad[candidates] / slices.total[candidates] >= failing_ratio(allowed)]


def budget_share(bad: Any, total: Any, allowed: float) -> Any:
    """The share of the error budget of so many events that so many bad ones spend: bad / ((1 - T) · N)."""
    numerator, denominator = exact(allowed)
    return denominator * bad / (numerator * total)


def find(
    slices: Slices, allowed: float, to_come: float = 0.0, fewest: int = FEWEST_FAILURES
) -> tuple[Incident, ...]:
    """The incidents in a stretch of the ledger, in order of time.

    The last one is open until more good slices have followed than a merge would bridge: a closed one stays as it is.

    Args:
        slices: the stretch, usually a whole window; shares are of its budget.
        allowed: 1 - target, in (0, 1].
        to_come: events that the budget counts on beside those of the stretch.
        fewest: a run with fewer bad events is dropped.

    Raises:
        ValueError: ``allowed`` leaves no budget.
    """
    firsts, stops, is_open = _runs(slices, failing(slices, allowed))
    if not len(firsts):
        return ()
    bad, total = _each_sum(slices.bad, firsts, stops), _each_sum(slices.total, firsts, stops)
    shares = budget_share(bad, float(slices.total.sum()) + to_come, allowed)
    return tuple(
        Incident(
            start=end_of(slices.first + int(firsts[i]) - 1),
            end=None if is_open and i == len(firsts) - 1 else end_of(slices.first + int(stops[i]) - 1),
            bad=float(bad[i]),
            total=float(total[i]),
            budget_share=float(shares[i]),
        )
        for i in np.flatnonzero(_beyond_chance(bad, allowed * total, fewest)).tolist()
    )


def turns(slices: Slices, allowed: float, starts: Times, stops: Times) -> Times:
    """How often the incidents of a window may have changed as it moves on, shape (n,): equal numbers, equal incidents.

    Between two turns only their shares of the budget change.

    Args:
        slices: all that the window passes over.
        allowed: 1 - target, in (0, 1].
        starts: the window's first slice at each instant, a position in ``slices``, shape (n,), ascending.
        stops: one past its last slice, likewise.

    Raises:
        ValueError: ``allowed`` leaves no budget.
    """
    fails = np.zeros(len(slices), dtype=np.bool_)
    fails[failing(slices, allowed)] = True
    failures, eventful = _running(fails), _running(slices.total != 0)
    until_failing = np.maximum.accumulate(np.concatenate(([0], np.where(fails, eventful[1:], 0))))
    oldest, newest = failures[starts], failures[stops]
    is_open = (oldest < newest) & (eventful[stops] - until_failing[stops] <= MERGED_GAP)
    changed = np.zeros(len(stops), dtype=np.bool_)
    for one in (oldest, newest, is_open):
        changed[1:] |= one[1:] != one[:-1]
    return np.cumsum(changed)


def inside(slices: Slices, incidents: Sequence[Incident]) -> npt.NDArray[np.bool_]:
    """Which slices of a stretch lie inside one of these incidents, shape (n,); an open one lasts to the end."""
    covered = np.zeros(len(slices), dtype=np.bool_)
    for incident in incidents:
        start = slice_of(incident.start) + 1 - slices.first
        stop = len(slices) if incident.end is None else slice_of(incident.end) + 1 - slices.first
        covered[max(start, 0) : max(stop, 0)] = True
    return covered


def reliability(slices: Slices, incidents: Sequence[Incident]) -> Reliability:
    """MTBF and MTTR of a stretch of the ledger.

    Up-time is what was measured outside incidents; unmeasured and excluded time is neither. With every failure closed,
    MTBF / (MTBF + MTTR) is exactly up-time / (up-time + down-time).

    Args:
        slices: the stretch.
        incidents: what ``find`` found in it.
    """
    up_s = float(np.count_nonzero(slices.counting & ~inside(slices, incidents)) * STEP)
    mttr_s, grows = _time_to_restore(incidents, slices.watermark)
    divisor = len(incidents) or RULE_OF_THREE
    return Reliability(
        incidents=len(incidents),
        mtbf_s=up_s / divisor if up_s or incidents else None,
        mttr_s=mttr_s,
        mtbf_is_lower_bound=not incidents,
        mttr_is_lower_bound=grows,
    )


def _runs(slices: Slices, failures: Times) -> tuple[Times, Times, bool]:
    """Positions of the first slice of each run and one past its last, and whether the last run is open."""
    if not len(failures):
        return failures, failures, False
    silent = np.flatnonzero(slices.total == 0)
    rank = failures - np.searchsorted(silent, failures)  # among the slices with events
    breaks = np.flatnonzero(np.diff(rank) > MERGED_GAP + 1)
    firsts = failures[np.concatenate(([0], breaks + 1))]
    stops = failures[np.concatenate((breaks, [-1]))] + 1
    good_since = len(slices) - len(silent) - int(rank[-1]) - 1
    return firsts, stops, good_since <= MERGED_GAP


def _running(seen: npt.NDArray[np.bool_]) -> Times:
    return np.concatenate(([0], np.cumsum(seen)))


def _each_sum(values: Counts, firsts: Times, stops: Times) -> Counts:
    """Sums over [first, stop) of each run; the runs are disjoint and in order."""
    edges = np.column_stack((firsts, stops)).ravel()
    if edges[-1] == len(values):
        edges = edges[:-1]
    sums: Counts = np.add.reduceat(values, edges)[::2]
    return sums


def _beyond_chance(bad: Counts, expected: Counts, fewest: int) -> npt.NDArray[np.bool_]:
    """Which counts are too many for a service that just keeps its promise: errors then scatter by √expected."""
    kept: npt.NDArray[np.bool_] = bad >= np.maximum(fewest, expected + SIGNIFICANCE * np.sqrt(expected))
    return kept


def _time_to_restore(incidents: Sequence[Incident], watermark: datetime | None) -> tuple[float | None, bool]:
    """The mean over closed failures; an open one joins as soon as it can only raise the mean."""
    closed = [(one.end - one.start).total_seconds() for one in incidents if one.end is not None]
    mean = sum(closed) / len(closed) if closed else None
    if not incidents or incidents[-1].end is not None or watermark is None:
        return mean, False
    elapsed = (watermark - incidents[-1].start).total_seconds()
    if mean is not None and elapsed <= mean:
        return mean, False
    return (sum(closed) + elapsed) / (len(closed) + 1), True
