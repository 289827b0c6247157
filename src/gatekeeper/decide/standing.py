"""A service's standing between two of its own passes: what was evidence then may be too old by now."""

from dataclasses import replace
from datetime import datetime

from gatekeeper.availability.measure import Unmeasured
from gatekeeper.decide.gate_state import step
from gatekeeper.decide.snapshot import ObjectiveEvidence, ServiceView
from gatekeeper.decide.verdict import Memory, State
from gatekeeper.policy.model import Service


def as_of(view: ServiceView, now: datetime) -> ServiceView:
    """The view with its gaps as they are at ``now``. The state moves in the service's own pass only."""
    aged = step(view.memory, view.pairs, view.service.gate, now)
    return replace(view, memory=replace(view.memory, unknown_since=aged.unknown_since, gaps=aged.gaps))


def unseen(service: Service, now: datetime) -> ServiceView:
    """The view of a service that no pass has looked at yet: open, and nothing known."""
    evidence = tuple(
        ObjectiveEvidence(
            objective.name,
            Unmeasured(objective.window.at(now).start, now, reason="no data", coverage=0.0, watermark=None),
            progress=0.0,
        )
        for objective in service.objectives
    )
    blank = ServiceView(service, Memory(State.OPEN, now), evidence, expected_end=None)
    return as_of(blank, now)
