"""The evidence: all that a decision needs to know about an objective, read off the ledger once."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import numpy as np

from gatekeeper.availability import budget, incidents
from gatekeeper.availability.burn import SPANS, burn_rate
from gatekeeper.availability.incidents import Incident, Reliability
from gatekeeper.availability.ledger import STEP, Cumulative, Flag, Slices, Sums, end_of, ending_at, steps_in
from gatekeeper.availability.remaining import WEEK, remaining_at, to_come
from gatekeeper.availability.window import Rolling, Window

MOST_WORST = 3
LEAST_COVERED = steps_in(3600)
"""Slices. The coverage of a period that began only now is that of the last hour: its first minutes say little."""


@dataclass(frozen=True)
class Measured:
    """What an objective's window holds. Plain values: they are stored with each decision and replayed.

    Attributes:
        window_start: the window is (window_start, window_end].
        window_end: the evaluation's instant, the end of a slice.
        good: good events.
        bad: bad events.
        total: events; 0 only before the first ones of a calendar period.
        availability: good / total; None without events.
        remaining: the share of the error budget left, never clamped.
        coverage: measured slices / expected slices of the window (of the last hour, in a period's first).
        watermark: the end of the last measured slice.
        partial_since: where the ledger begins, if it is younger than the window.
        interpolated: slices of the window spread over a gap.
        approximate: some numbers come from a query that extrapolates, or from a divided bucket of a histogram.
        burn: burn rates by span in seconds, ascending; None without events.
        positive_since: since when more than ``floor`` of the budget was left without a break, at most ``quiet_s``
            back; None if no more is left.
        incidents: the window's incidents, in order of time.
        reliability: MTBF and MTTR over the window.
        worst: the costliest incidents, costliest first.
        to_come: events expected until the period's end, which the budget counts on; 0 for a rolling window.
        resets_at: the period's end, at which the budget starts anew; None for a rolling window.
    """

    window_start: datetime
    window_end: datetime
    good: float
    bad: float
    total: float
    availability: float | None
    remaining: float
    coverage: float
    watermark: datetime
    partial_since: datetime | None
    interpolated: int
    approximate: bool
    burn: tuple[tuple[int, float | None], ...]
    positive_since: datetime | None
    incidents: tuple[Incident, ...]
    reliability: Reliability
    worst: tuple[Incident, ...]
    to_come: float = 0.0
    resets_at: datetime | None = None


@dataclass(frozen=True)
class Unmeasured:
    """Nothing can be said about the window: nobody measured, or nobody came.

    Attributes:
        window_start: the window is (window_start, window_end].
        window_end: the evaluation's instant.
        reason: nothing was measured, or what was measured were no events.
        coverage: measured slices / expected slices of the window.
        watermark: the end of the last measured slice, which may lie before the window.
    """

    window_start: datetime
    window_end: datetime
    reason: Literal["no data", "no traffic"]
    coverage: float
    watermark: datetime | None


Evidence = Measured | Unmeasured


def reach(window: Window, quiet_s: int, now: datetime) -> timedelta:
    """How far back of ``now`` the ledger is read: for the window, the quiet time, burn rates and traffic to come."""
    quiet, period = timedelta(seconds=quiet_s), window.at(now)
    if isinstance(window, Rolling):
        back = period.end - period.start + quiet
    else:
        back = max(now - period.start, timedelta(seconds=WEEK * STEP) + quiet)
    return max(back, timedelta(seconds=SPANS[-1]))


def measure(
    slices: Slices,
    *,
    allowed: float,
    window: Window,
    now: datetime,
    history_start: datetime | None,
    quiet_s: int,
    floor: float = 0.0,
    fewest: int = incidents.FEWEST_FAILURES,
) -> Evidence:
    """Measure an objective's window.

    Args:
        slices: at least as far back as ``reach`` says; what they lack counts as unknown.
        allowed: 1 - target, in (0, 1].
        window: the objective's window, of whole slices.
        now: its end, or an instant in its period; the end of a slice.
        history_start: where the ledger begins; None if it is older than anything asked for.
        quiet_s: how far back ``positive_since`` looks, in seconds; in a period, never beyond its start.
        floor: the share of the budget that ``positive_since`` is measured against: where changes wait.
        fewest: an incident has at least so many bad events.

    Raises:
        ValueError: ``now`` or a span does not fit the slices, or ``allowed`` leaves no budget.
    """
    period, last, quiet = window.at(now), ending_at(now), steps_in(quiet_s)
    known = slices.between(last + 1 - int(reach(window, quiet_s, now).total_seconds()) // STEP, last + 1)
    inside, watermark = known.latest(last - ending_at(period.start)), known.watermark
    sums, coverage = inside.sums(), _covered(known, window, len(inside))
    ahead = float(to_come(known, last, last + 1, ending_at(period.end))[0]) if period.end > now else 0.0
    if watermark is None or not sums.total + ahead:
        return Unmeasured(period.start, now, _silence(sums), coverage, watermark)
    found = incidents.find(inside, allowed, ahead, fewest)
    left = budget.remaining(sums.bad, sums.total + ahead, allowed)
    return Measured(
        window_start=period.start,
        window_end=now,
        good=sums.total - sums.bad,
        bad=sums.bad,
        total=sums.total,
        availability=budget.availability(sums.bad, sums.total) if sums.total else None,
        remaining=left,
        coverage=coverage,
        watermark=watermark,
        partial_since=history_start if history_start and history_start > period.start else None,
        interpolated=sums.interpolated,
        approximate=sums.approximate > 0,
        burn=_burns(known, last, allowed),
        positive_since=_above_since(known, window, last, quiet, allowed, floor) if left > floor else None,
        incidents=found,
        reliability=incidents.reliability(inside, found),
        worst=tuple(sorted(found, key=lambda one: (-one.bad, one.start))[:MOST_WORST]),
        to_come=ahead,
        resets_at=None if isinstance(window, Rolling) else period.end,
    )


def burn_down(
    slices: Slices, allowed: float, start: datetime, now: datetime, points: int, *, ahead: float = 0.0
) -> tuple[tuple[datetime, float | None], ...]:
    """How the window's budget was spent, from 1 at its start to what is left now: a chart's points.

    Each is 1 - (bad events from the window's start to there) / (the whole window's budget), so a point says what the
    stretch before it cost. None where nothing was measured since the point before, and where there were no events.

    Args:
        slices: at least (start, now].
        allowed: 1 - target, in (0, 1].
        start: the beginning of the window, which is the end of a slice.
        now: the end of the window, which is the end of a slice.
        points: how many, at even distances; the last is at ``now``.
        ahead: events to come that the budget counts on.

    Raises:
        ValueError: as ``measure``.
    """
    last, length = ending_at(now), ending_at(now) - ending_at(start)
    window = slices.between(last + 1 - length, last + 1)
    stops = np.arange(1, points + 1) * length // points
    bad = Cumulative.of(window).bad[stops]
    left = budget.remaining_each(bad, np.full(points, window.total.sum() + ahead), allowed)
    measured = np.concatenate(([0], np.cumsum(window.having(Flag.MEASURED))))[stops]
    known = (np.diff(measured, prepend=0) > 0) & ~np.isnan(left)
    return tuple(
        (end_of(window.first + int(stop) - 1), float(value) if seen else None)
        for stop, value, seen in zip(stops, left, known, strict=True)
    )


def _covered(known: Slices, window: Window, length: int) -> float:
    least = 0 if isinstance(window, Rolling) else LEAST_COVERED
    return known.latest(max(length, least)).sums().coverage


def _silence(sums: Sums) -> Literal["no data", "no traffic"]:
    return "no traffic" if sums.measured else "no data"


def _burns(known: Slices, last: int, allowed: float) -> tuple[tuple[int, float | None], ...]:
    running = Cumulative.of(known)
    sums = ((span, running.ending(last, last + 1, steps_in(span))) for span in SPANS)
    return tuple((span, burn_rate(float(bad[0]), float(total[0]), allowed)) for span, (bad, total) in sums)


def _above_since(
    known: Slices, window: Window, last: int, quiet: int, allowed: float, floor: float
) -> datetime:
    """The end of the first slice since which more than that was left without a break; the last one is known to have."""
    left = remaining_at(known, window, allowed, last - quiet, last + 1)[:-1]
    without = np.flatnonzero(~(left > floor))
    return end_of(last - quiet + (int(without[-1]) + 1 if len(without) else 0))
