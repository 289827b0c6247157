"""The evidence: all that a decision needs to know about an objective, read off the ledger once."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import numpy as np

from gatekeeper.availability import budget, incidents
from gatekeeper.availability.burn import SPANS, burn_rate
from gatekeeper.availability.incidents import Incident, Reliability
from gatekeeper.availability.ledger import Cumulative, Flag, Slices, Sums, end_of, ending_at, steps_in

MOST_WORST = 3


@dataclass(frozen=True)
class Measured:
    """What an objective's window holds. Plain values: they are stored with each decision and replayed.

    Attributes:
        window_start: the window is (window_start, window_end].
        window_end: the evaluation's instant, the end of a slice.
        good: good events.
        bad: bad events.
        total: events, above 0.
        availability: good / total.
        remaining: the share of the error budget left, never clamped.
        coverage: measured slices / expected slices of the window.
        watermark: the end of the last measured slice.
        partial_since: where the ledger begins, if it is younger than the window.
        interpolated: slices of the window spread over a gap.
        approximate: some numbers come from a query that extrapolates.
        burn: burn rates by span in seconds, ascending; None without events.
        positive_since: since when budget was left without a break, at most ``quiet_s`` back; None if none is left.
        incidents: the window's incidents, in order of time.
        reliability: MTBF and MTTR over the window.
        worst: the costliest incidents, costliest first.
    """

    window_start: datetime
    window_end: datetime
    good: float
    bad: float
    total: float
    availability: float
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


def measure(
    slices: Slices,
    *,
    allowed: float,
    window_s: int,
    now: datetime,
    history_start: datetime | None,
    quiet_s: int,
) -> Evidence:
    """Measure an objective's window.

    Args:
        slices: at least (now - window - quiet, now]; what it lacks counts as unknown.
        allowed: 1 - target, in (0, 1].
        window_s: the window, in seconds.
        now: the end of the window, which is the end of a slice.
        history_start: where the ledger begins; None if it is older than anything asked for.
        quiet_s: how far back ``positive_since`` looks, in seconds.

    Raises:
        ValueError: ``now`` or a span does not fit the slices, or ``allowed`` leaves no budget.
    """
    last, length, quiet = ending_at(now), steps_in(window_s), steps_in(quiet_s)
    known = slices.between(last + 1 - max(length + quiet, steps_in(SPANS[-1])), last + 1)
    window = known.latest(length)
    window_start, watermark, sums = end_of(last - length), known.watermark, window.sums()
    if watermark is None or not sums.total:
        return Unmeasured(window_start, now, _silence(sums), sums.coverage, watermark)
    running = Cumulative.of(known)
    found = incidents.find(window, allowed)
    left = budget.remaining(sums.bad, sums.total, allowed)
    return Measured(
        window_start=window_start,
        window_end=now,
        good=sums.total - sums.bad,
        bad=sums.bad,
        total=sums.total,
        availability=budget.availability(sums.bad, sums.total),
        remaining=left,
        coverage=sums.coverage,
        watermark=watermark,
        partial_since=history_start if history_start and history_start > window_start else None,
        interpolated=sums.interpolated,
        approximate=sums.approximate > 0,
        burn=_burns(running, last, allowed),
        positive_since=_positive_since(running, last, quiet, length, allowed) if left > 0 else None,
        incidents=found,
        reliability=incidents.reliability(window, found),
        worst=tuple(sorted(found, key=lambda one: (-one.bad, one.start))[:MOST_WORST]),
    )


def burn_down(
    slices: Slices, allowed: float, window_s: int, now: datetime, points: int
) -> tuple[tuple[datetime, float | None], ...]:
    """How the window's budget was spent, from 1 at its start to what is left now: a chart's points.

    Each is 1 - (bad events from the window's start to there) / (the whole window's budget), so a point says what the
    stretch before it cost. None where nothing was measured since the point before, and where there were no events.

    Args:
        slices: at least (now - window, now].
        allowed: 1 - target, in (0, 1].
        window_s: the window, in seconds.
        now: the end of the window, which is the end of a slice.
        points: how many, at even distances; the last is at ``now``.

    Raises:
        ValueError: as ``measure``.
    """
    last, length = ending_at(now), steps_in(window_s)
    window = slices.between(last + 1 - length, last + 1)
    stops = np.arange(1, points + 1) * length // points
    bad = Cumulative.of(window).bad[stops]
    left = budget.remaining_each(bad, np.full(points, window.total.sum()), allowed)
    measured = np.concatenate(([0], np.cumsum(window.having(Flag.MEASURED))))[stops]
    known = (np.diff(measured, prepend=0) > 0) & ~np.isnan(left)
    return tuple(
        (end_of(window.first + int(stop) - 1), float(value) if seen else None)
        for stop, value, seen in zip(stops, left, known, strict=True)
    )


def _silence(sums: Sums) -> Literal["no data", "no traffic"]:
    return "no traffic" if sums.measured else "no data"


def _burns(running: Cumulative, last: int, allowed: float) -> tuple[tuple[int, float | None], ...]:
    sums = ((span, running.ending(last, last + 1, steps_in(span))) for span in SPANS)
    return tuple((span, burn_rate(float(bad[0]), float(total[0]), allowed)) for span, (bad, total) in sums)


def _positive_since(running: Cumulative, last: int, quiet: int, length: int, allowed: float) -> datetime:
    """The end of the first slice since which every window had budget left; the last one is known to."""
    left = budget.remaining_each(*running.ending(last - quiet, last, length), allowed)
    without = np.flatnonzero(~(left > 0))
    return end_of(last - quiet + (int(without[-1]) + 1 if len(without) else 0))
