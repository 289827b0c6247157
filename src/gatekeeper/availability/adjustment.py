"""Adjustments: stretches of the ledger whose events do not count as they were measured. The ledger keeps them.

Announced maintenance and load tests go bad on purpose. What of it counts is said in the policy, with a reason.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

import numpy as np

from gatekeeper.availability.incidents import Incident
from gatekeeper.availability.ledger import Flag, Slices, slice_of


class Adjusting(Protocol):
    """A stretch of time, of whole slices, and what becomes of its events."""

    @property
    def start(self) -> datetime:
        """Where it begins."""

    @property
    def end(self) -> datetime:
        """Where it ends."""

    @property
    def reason(self) -> str:
        """Why, in the policy's words."""

    @property
    def treatment(self) -> Literal["up", "excluded"]:
        """``up`` counts all events as good, ``excluded`` leaves them out."""


@dataclass(frozen=True)
class Adjusted:
    """What an adjustment did to a window.

    Attributes:
        bad: bad events that the ledger has there.
        total: events that it has there.
        incidents: what the ledger, left as it is, shows as incidents and the adjustment covers at least in part.
    """

    start: datetime
    end: datetime
    reason: str
    treatment: Literal["up", "excluded"]
    bad: float
    total: float
    incidents: tuple[Incident, ...]


@dataclass(frozen=True)
class Failure:
    """An incident as the ledger has it, and what of it counts.

    Attributes:
        incident: whole, whatever adjustments say.
        counted: what is left of it as incidents once adjustments are laid over it; itself where none touches it.
        reasons: of the adjustments that cover some of it, in order of time.
    """

    incident: Incident
    counted: tuple[Incident, ...]
    reasons: tuple[str, ...]


def adjust(slices: Slices, adjustments: Sequence[Adjusting]) -> Slices:
    """The slices as they count. What was not measured stays unknown: nobody saw it up.

    Args:
        slices: as the ledger has them; they are not changed.
        adjustments: of whole slices, none over another.
    """
    touching = [(one, place) for one in adjustments if (place := _place(slices, one))]
    if not touching:
        return slices
    total, bad, flags = slices.total.copy(), slices.bad.copy(), slices.flags.copy()
    for one, place in touching:
        bad[place] = 0
        if one.treatment == "excluded":
            total[place] = 0
            flags[place] |= np.uint8(Flag.EXCLUDED)
    return Slices(slices.first, total, bad, flags)


def effects(
    window: Slices, adjustments: Sequence[Adjusting], incidents: Sequence[Incident]
) -> Iterator[Adjusted]:
    """What the adjustments did to a window, in order of time; those that lie outside did nothing.

    Args:
        window: as the ledger has it.
        adjustments: all of the policy's.
        incidents: those of the window as the ledger has it.
    """
    for one in sorted(adjustments, key=lambda each: each.start):
        if place := _place(window, one):
            covered = tuple(each for each in incidents if _covers(one, each))
            bad, total = float(window.bad[place].sum()), float(window.total[place].sum())
            yield Adjusted(one.start, one.end, one.reason, one.treatment, bad, total, covered)


def failures(counted: Sequence[Incident], adjusted: Sequence[Adjusted]) -> list[Failure]:
    """Every incident of a window once, in order of time, those that were adjusted away among them.

    Args:
        counted: the incidents that are left with all adjustments.
        adjusted: what each adjustment did.
    """
    covered = {each.start: each for one in adjusted for each in one.incidents}
    found = [
        Failure(
            whole,
            tuple(one for one in counted if _meet(one, whole)),
            tuple(dict.fromkeys(one.reason for one in adjusted if whole in one.incidents)),
        )
        for whole in covered.values()
    ]
    untouched = [one for one in counted if not any(_meet(one, whole) for whole in covered.values())]
    return sorted(
        [*found, *(Failure(one, (one,), ()) for one in untouched)], key=lambda one: one.incident.start
    )


def _meet(one: Incident, other: Incident) -> bool:
    """Whether they have a moment in common; an open one has no end."""
    return (other.end is None or one.start < other.end) and (one.end is None or other.start < one.end)


def _place(slices: Slices, one: Adjusting) -> slice | None:
    """Which positions of the slices an adjustment covers; None if it covers none."""
    start = max(slice_of(one.start) + 1 - slices.first, 0)
    stop = min(slice_of(one.end) + 1 - slices.first, len(slices))
    return slice(start, stop) if start < stop else None


def _covers(one: Adjusting, incident: Incident) -> bool:
    return incident.start < one.end and (incident.end is None or one.start < incident.end)
