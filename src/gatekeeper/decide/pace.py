"""How much change a service takes while its budget is low: so many changes a day, so large each; one after another."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from gatekeeper.decide.snapshot import Landed, Pull, ServiceView
from gatekeeper.decide.verdict import State

DAY = timedelta(days=1)
SETTLING = timedelta(hours=1)
"""In probation, a change is left alone for so long before the next one: what it costs has to show."""
PACED = frozenset({State.CAUTION, State.PROBATION})
"""States in which the pace counts."""


def full_until(view: ServiceView, now: datetime) -> datetime | None:
    """When the day's pace lets the next change go; None when one may go now."""
    if view.memory.state not in PACED:
        return None
    return free_from((one.at for one in view.landed), view.service.gate.caution.pace.deployments, now)


def free_from(landed: Iterable[datetime], most: int | None, now: datetime) -> datetime | None:
    """When so many changes a day let the next one go, after those that landed; None when one may go now."""
    lately = sorted(at for at in landed if at > now - DAY)
    if most is None or len(lately) < most:
        return None
    return lately[-most] + DAY


def settled_from(view: ServiceView, deployed: Iterable[datetime], now: datetime) -> datetime | None:
    """When a service in probation takes the next deployment, after those that began; None when it may go now."""
    if view.memory.state is not State.PROBATION:
        return None
    return max((at + SETTLING for at in deployed if at > now - SETTLING), default=None)


def too_large(view: ServiceView, pull: Pull) -> bool:
    """Whether a change has more changed lines than the pace allows; one whose lines nobody counted has not."""
    most = view.service.gate.caution.pace.changed_lines
    return view.memory.state in PACED and exceeds(pull.changed_lines, most)


def exceeds(lines: int | None, most: int | None) -> bool:
    """Whether there are more changed lines than a pace allows: not where nobody counted them, or it sets no limit."""
    return most is not None and lines is not None and lines > most


def settling(view: ServiceView, now: datetime) -> tuple[Landed, ...]:
    """What landed so lately that a service in probation should not take the next change yet; the newest first."""
    if view.memory.state is not State.PROBATION:
        return ()
    return tuple(sorted(landed_within(view, now, SETTLING), key=lambda one: one.at, reverse=True))


def landed_within(view: ServiceView, now: datetime, span: timedelta) -> tuple[Landed, ...]:
    """The changes of the service that landed since ``now - span``."""
    return tuple(one for one in view.landed if one.at > now - span)
