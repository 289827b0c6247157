"""What is to come, in words: when a budget is spent, when a freeze ends, how sure that is, and what decides it."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from gatekeeper.availability.forecast import Forecast, Spread, Stretch, exhaustion
from gatekeeper.availability.measure import Measured
from gatekeeper.decide import phrases
from gatekeeper.decide.evidence import Known
from gatekeeper.decide.markdown import code
from gatekeeper.decide.phrases import count, instant, pace, pair
from gatekeeper.decide.snapshot import ObjectiveEvidence, ServiceView
from gatekeeper.policy.objective import Objective

PLANNING_SPAN = 21600
"""Seconds: the span at whose burn rate the end of a budget is foretold."""

_BY = {"above": "enough of the budget is back", "quiet": "some budget has been left for long enough"}


def exhausted_at(objective: Objective, found: Measured) -> datetime | None:
    """When the budget is spent at the pace of the last hours; None if never.

    That is: within a window's length. By then all that was bad before has left a rolling window, and what goes on at
    this pace alone never fills it; and a calendar period has ended.
    """
    window_s = Known(objective, found).window_s
    left = exhaustion(found.remaining, dict(found.burn)[PLANNING_SPAN], window_s)
    if left is None or left > window_s:
        return None
    spent = found.window_end + timedelta(seconds=left)
    return None if found.resets_at and spent > found.resets_at else spent


def rolls_off(stretch: Stretch, found: Measured) -> tuple[datetime, datetime]:
    """From when to when the bad events of a stretch leave a rolling window."""
    length = found.window_end - found.window_start
    return stretch.start + length, stretch.end + length


def notes(objective: Objective, one: ObjectiveEvidence) -> Iterator[str]:
    """An objective's outlook and the stretches that decide it, in Markdown."""
    found, name = one.evidence, code(objective.name)
    if not isinstance(found, Measured):
        return
    spent = exhausted_at(objective, found)
    if found.remaining > 0 and spent is not None:
        since = found.window_end - timedelta(seconds=PLANNING_SPAN)
        burn = pace(dict(found.burn)[PLANNING_SPAN] or 0.0)
        when = f"{phrases.span(since, found.window_end)}, which was {burn}"
        yield f"{name} spends the rest of its budget by {instant(spent)} at the pace of {when}"
    if one.thaw is not None:
        yield f"{name} {_thaw(one.thaw)}"
        yield from (f"{name} loses {_rolling(stretch, found)}" for stretch in one.thaw.frees)


def between(view: ServiceView) -> str:
    """How far the expected end may be off, in brackets; nothing where that is not known, or not at all."""
    forecasts = [one.thaw for one in view.objectives if one.thaw is not None]
    spreads = [one.spread for one in forecasts if one.spread is not None]
    if view.expected_end is None or not spreads:
        return ""
    earliest = [one.spread.earliest if one.spread else one.at for one in forecasts]
    latest = [one.spread.latest if one.spread else one.at for one in forecasts]
    first = max((at for at in earliest if at is not None), default=None)
    last = None if None in latest else max(at for at in latest if at is not None)
    if first == last:
        return ""
    weeks = max(one.weeks for one in spreads)
    return f" ({_range(Spread(first, last, weeks))})"


def _thaw(forecast: Forecast) -> str:
    end = "is not foreseen to meet the thaw rule"
    if forecast.at is not None and forecast.by is not None:
        end = f"meets the thaw rule at {instant(forecast.at)}, when {_BY[forecast.by]}"
    return f"{end}; {_range(forecast.spread)}" if forecast.spread else end


def _range(spread: Spread) -> str:
    like = f"as one or another of the last {spread.weeks} weeks went"
    if spread.earliest is None:
        return f"not within a whole window, {like}"
    if spread.latest is None:
        return f"{instant(spread.earliest)} at the earliest, perhaps not within a whole window, {like}"
    if spread.earliest == spread.latest:
        return f"the same {like}"
    return f"{pair(spread.earliest, spread.latest)}, {like}"


def _rolling(stretch: Stretch, found: Measured) -> str:
    first, last = rolls_off(stretch, found)
    went = f"the {count(stretch.bad)} bad events of {phrases.span(stretch.start, stretch.end)}"
    return f"{went} from its window between {pair(first, last, 'and')}"
