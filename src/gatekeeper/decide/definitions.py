"""Changed definitions: numbers of an indicator that is not in force any more are never taken for those of another."""

from dataclasses import replace
from datetime import datetime

from gatekeeper.availability.measure import Unmeasured
from gatekeeper.decide.markdown import code
from gatekeeper.decide.phrases import instant
from gatekeeper.decide.snapshot import ObjectiveEvidence, ServiceView
from gatekeeper.policy.model import Service
from gatekeeper.policy.objective import Objective


def redefined(before: ServiceView | None, objective: Objective, now: datetime) -> datetime | None:
    """Since when an objective's numbers come from another indicator than before.

    Args:
        before: the service as its last pass left it; None before the first.
        objective: the objective as it is in force.
        now: the instant of the pass.

    Returns:
        ``now`` where the indicator was just replaced; None where it never was, or so long ago that no window from
        before the change reaches into the present one.
    """
    if before is None:
        return None
    pairs = zip(before.service.objectives, before.objectives, strict=True)
    for old, one in pairs:
        if old.name == objective.name:
            if old.indicator.id != objective.indicator.id:
                return now
            return one.redefined if _recent(one, now) else None
    return None


def in_force(view: ServiceView, service: Service, now: datetime) -> ServiceView:
    """The view without the numbers of indicators that ``service`` has replaced: the new ones are still being read.

    Between a change of policy and the service's next pass the old numbers are all there is, and decide nothing.
    """
    indicators = {one.name: one.indicator.id for one in service.objectives}
    pairs = zip(view.service.objectives, view.objectives, strict=True)
    evidence = tuple(
        one if indicators.get(old.name, old.indicator.id) == old.indicator.id else _unread(one, now)
        for old, one in pairs
    )
    return replace(view, objectives=evidence)


def notes(view: ServiceView) -> list[str]:
    """Which objectives count by a new definition, and since when, in Markdown."""
    return [
        f"{code(one.name)} counts by a new definition since {instant(one.redefined)}: all its numbers are of that one, "
        "and not to be compared with those told before"
        for one in view.objectives
        if one.redefined is not None
    ]


def _recent(one: ObjectiveEvidence, now: datetime) -> bool:
    length = one.evidence.window_end - one.evidence.window_start
    return one.redefined is not None and now - one.redefined < length


def _unread(one: ObjectiveEvidence, now: datetime) -> ObjectiveEvidence:
    length = one.evidence.window_end - one.evidence.window_start
    nothing = Unmeasured(now - length, now, reason="no data", coverage=0.0, watermark=None)
    return ObjectiveEvidence(one.name, nothing, progress=0.0, redefined=now)
