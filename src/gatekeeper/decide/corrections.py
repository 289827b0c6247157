"""Sentences about what makes a number differ from the ledger or from the promise: adjustments and exceptions.

Markdown. Each names its reason, and what the number would be without.
"""

from collections.abc import Iterator
from datetime import datetime

from gatekeeper.availability.adjustment import Adjusted
from gatekeeper.decide import phrases
from gatekeeper.decide.markdown import code
from gatekeeper.decide.phrases import count, instant, overspent, percent
from gatekeeper.decide.snapshot import ObjectiveEvidence, Raw, ServiceView
from gatekeeper.policy.dated import ended, phase
from gatekeeper.policy.model import Service
from gatekeeper.policy.objective import Objective, TargetException
from gatekeeper.policy.units import format_share

MOST_ADJUSTMENTS = 3
_TREATED = {"up": "counts as good", "excluded": "is left out"}


def corrections(view: ServiceView) -> list[str]:
    """What was adjusted, which exceptions counted, and how much budget would be left without them."""
    return [
        sentence
        for objective, (_, one) in zip(view.service.objectives, view.pairs, strict=True)
        for sentence in _of(objective, one)
    ]


def essence(view: ServiceView) -> list[list[str | None]]:
    """Which corrections there are, for each objective: a text is worth reading again when that changes."""
    return [
        [one.exception.end.isoformat() if one.exception else None]
        + [adjusted.start.isoformat() for adjusted in one.adjusted]
        for one in view.objectives
    ]


def over(view: ServiceView, now: datetime) -> str:
    """Which exceptions are over, and therefore ignored; empty when none is."""
    return "; ".join(f"{_exception(one)}, ended at {instant(one.end)}" for one in ended(view.service, now))


def raw(objective: Objective, found: Raw) -> str:
    """An objective's figures without corrections, for the table of numbers."""
    share = phrases.availability(found.availability, objective.target)
    return (
        f"without adjustments and exceptions {share} of {count(found.total)} events were good, "
        f"{count(found.bad)} bad; {_left(found.remaining)}, at the target of {format_share(objective.target)}"
    )


def dated(service: Service, now: datetime) -> Iterator[str]:
    """All that a policy says for a stated time only, and whether that time has come."""
    for adjustment in sorted(service.adjustments, key=lambda one: one.start):
        treated = _TREATED[adjustment.treatment]
        span = phrases.span(adjustment.start, adjustment.end)
        yield f"{span} {treated} ({phase(adjustment, now)}): {code(adjustment.reason, 300)}"
    for exception in sorted(service.exceptions, key=lambda one: one.end):
        begins = f"from {instant(exception.start)} " if exception.start else ""
        yield f"{begins}until {instant(exception.end)} ({phase(exception, now)}): {_exception(exception)}"


def _of(written: Objective, one: ObjectiveEvidence) -> Iterator[str]:
    name = code(written.name)
    if one.exception is not None:
        target, until = format_share(one.exception.target), instant(one.exception.end)
        yield (
            f"the target of {name} is {target} instead of {format_share(written.target)} until {until}: "
            f"{code(one.exception.reason, 300)}"
        )
    most = sorted(one.adjusted, key=lambda each: (-each.bad, each.start))
    yield from (f"{name}: {_adjusted(each)}" for each in most[:MOST_ADJUSTMENTS])
    if more := most[MOST_ADJUSTMENTS:]:
        bad = count(sum(each.bad for each in more))
        yield f"{name}: {len(more)} more adjustment{'s' if len(more) > 1 else ''}, of {bad} bad events"
    if one.raw is not None:
        yield f"{name} as it was measured, against its own target: {_left(one.raw.remaining)}"


def _adjusted(one: Adjusted) -> str:
    found = f"{count(one.bad)} bad of {count(one.total)} events"
    if one.incidents:
        found += f", in {len(one.incidents)} incident{'s' if len(one.incidents) > 1 else ''}"
    span = phrases.span(one.start, one.end)
    return f"{span} {_TREATED[one.treatment]}, {code(one.reason, 300)}: {found}"


def _left(remaining: float) -> str:
    if remaining < 0:
        return f"{overspent(remaining)} over the budget"
    return f"{percent(remaining)} of the budget left"


def _exception(one: TargetException) -> str:
    of = f" of {code(one.objective)}" if one.objective else ""
    return f"a target{of} of {format_share(one.target)}, {code(one.reason, 300)}"
