"""Attribution: what a deployment cost in error budget, above what would have gone bad anyway.

A deployment is observed until the next one, a day at most. What went bad in that time, beyond the error ratio of the
same time before, is its cost. A rollback is part of the deployment that it takes back.
"""

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gatekeeper.availability.budget import exact
from gatekeeper.availability.ledger import Slices, Sums, slice_of

LONGEST = timedelta(hours=24)
"""What shows up later is no longer laid at a deployment's door."""
SETTLED = timedelta(hours=1)
"""Deployments that follow each other within this time cannot be told apart."""
SIGNIFICANCE = 3.0
"""A cost counts as certain from so many standard deviations on: by chance, one in 700 deployments gets there."""


@dataclass(frozen=True)
class Deployment:
    """A change of what runs in an environment.

    Attributes:
        id: its name, unique among those looked at.
        start: when it began to take effect.
        rollback_of: the deployment that it takes back, or None.
    """

    id: str
    start: datetime
    rollback_of: str | None = None


@dataclass(frozen=True)
class Cost:
    """What a deployment cost.

    Attributes:
        deployment: its id.
        since: its start; observed is what ended after that.
        until: the end of its observation.
        bad: bad events beyond what the ratio before would have brought; below 0 when it went better.
        sigma: the standard deviation of ``bad``.
        budget_share: the share of the window's error budget, ``bad`` / ((1 - T) · N), never below 0.
        certain: whether ``bad`` is beyond chance.
        ambiguous_with: ids of deployments so close that what went bad may be their fault, if they began before, or
            what went bad after them this one's; empty when it was alone.
        rollbacks: ids of what took it back, which its cost includes.
    """

    deployment: str
    since: datetime
    until: datetime
    bad: float
    sigma: float
    budget_share: float
    certain: bool
    ambiguous_with: tuple[str, ...]
    rollbacks: tuple[str, ...]


@dataclass(frozen=True)
class Unpriced:
    """A deployment whose cost cannot be told: nothing happened, or was measured, before or after it."""

    deployment: str
    since: datetime


@dataclass(frozen=True)
class _Charged:
    """A deployment with what took it back, in order of time."""

    deployment: Deployment
    rollbacks: tuple[Deployment, ...]

    @property
    def start(self) -> datetime:
        return self.deployment.start

    @property
    def starts(self) -> list[datetime]:
        return [self.start, *(one.start for one in self.rollbacks)]


def costs(
    slices: Slices, deployments: Sequence[Deployment], *, allowed: float, events: float, now: datetime
) -> Iterator[Cost | Unpriced]:
    """What each deployment cost, in order of time; rollbacks of one that is here have no cost of their own.

    Args:
        slices: at least from a day before the first deployment to ``now``; what they lack counts as unknown.
        deployments: of one service, to its users.
        allowed: 1 - target, in (0, 1].
        events: N of the window, above 0: shares are of its budget.
        now: nothing later is looked at.

    Raises:
        ValueError: ``allowed`` leaves no budget, or there are no events to allow any of.
    """
    if not events > 0:
        raise ValueError(f"there is no budget in {events} events")
    charged = _charged(deployments)
    close = _close(charged)
    for position, one in enumerate(charged):
        following = charged[position + 1].start if position + 1 < len(charged) else now
        until = min(following, max(one.starts) + LONGEST, now)
        near = tuple(charged[other].deployment.id for other in sorted(close[position]))
        yield _cost(slices, one, until, near, budget=_budget(allowed, events))


def _charged(deployments: Sequence[Deployment]) -> list[_Charged]:
    """The deployments that answer for themselves, each with its rollbacks, in order of time."""
    known = {one.id: one for one in deployments}
    ordered = sorted(deployments, key=lambda one: (one.start, one.id))
    roots = {one.id: _root(one, known) for one in ordered}
    rollbacks: defaultdict[str, list[Deployment]] = defaultdict(list)
    for one in ordered:
        if roots[one.id] != one.id:
            rollbacks[roots[one.id]].append(one)
    return [_Charged(one, tuple(rollbacks[one.id])) for one in ordered if roots[one.id] == one.id]


def _root(one: Deployment, known: dict[str, Deployment]) -> str:
    """What a rollback takes back in the end; a circle of rollbacks, which takes back nothing, ends where it began."""
    seen = {one.id}
    while (
        one.rollback_of in known and one.rollback_of not in seen and known[one.rollback_of].start <= one.start
    ):
        one = known[one.rollback_of]
        seen.add(one.id)
    return one.id


def _close(charged: Sequence[_Charged]) -> list[set[int]]:
    """By place, the places of those that cannot be told apart from it: something began shortly before or after."""
    found: list[set[int]] = [set() for _ in charged]
    begun = sorted((start, place) for place, one in enumerate(charged) for start in one.starts)
    for at, (start, place) in enumerate(begun):
        stop = bisect_left(begun, (start + SETTLED, 0))
        for _, other in begun[at + 1 : stop]:
            if other != place:
                found[place].add(other)
                found[other].add(place)
    return found


def _budget(allowed: float, events: float) -> float:
    numerator, denominator = exact(allowed)
    return numerator * events / denominator


def _cost(
    slices: Slices, one: _Charged, until: datetime, near: tuple[str, ...], *, budget: float
) -> Cost | Unpriced:
    start, stop = slice_of(one.start), slice_of(until)
    before = slices.between(2 * start - stop + 1, start + 1).sums()
    after = slices.between(start + 1, stop + 1).sums()
    if not before.total or not after.total:
        return Unpriced(one.deployment.id, one.start)
    bad, sigma = _excess(before, after)
    return Cost(
        deployment=one.deployment.id,
        since=one.start,
        until=until,
        bad=bad,
        sigma=sigma,
        budget_share=max(bad, 0.0) / budget,
        certain=bad > SIGNIFICANCE * sigma,
        ambiguous_with=near,
        rollbacks=tuple(rollback.id for rollback in one.rollbacks),
    )


def _excess(before: Sums, after: Sums) -> tuple[float, float]:
    """Bad events beyond the ratio before, and their standard deviation: counts scatter by their square roots."""
    scale = after.total / before.total
    return after.bad - before.bad * scale, math.sqrt(after.bad + before.bad * scale**2)
