"""The deployments of one service with what each cost its objectives. Pure."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from gatekeeper.availability.attribution import Cost, Deployment, Unpriced, costs
from gatekeeper.availability.deployments import Deployed, taken_back
from gatekeeper.availability.ledger import Slices
from gatekeeper.availability.measure import Measured
from gatekeeper.decide.snapshot import ObjectiveEvidence
from gatekeeper.policy.objective import Objective


@dataclass(frozen=True)
class Priced:
    """A deployment that users met.

    Attributes:
        rollback_of: id of what it takes back, or None.
        rolled_back_by: ids of what takes it back, in order of time.
        costs: by objective whose window it is in, in the policy's order; none for a rollback of one that is in
            the window too: its cost is that one's.
    """

    deployed: Deployed
    rollback_of: str | None
    rolled_back_by: tuple[str, ...]
    costs: tuple[tuple[str, Cost | Unpriced], ...]


def priced(
    deployed: Sequence[Deployed],
    objectives: Sequence[tuple[Objective, ObjectiveEvidence]],
    counted: Callable[[Objective, Measured], Slices],
    now: datetime,
) -> tuple[Priced, ...]:
    """Those of the longest window, newest first.

    Args:
        deployed: from the service's repositories, in order of time, far enough back to know what was there before.
        objectives: the service's, with the evidence of their windows.
        counted: the slices that count for an objective, from a day before its window.
        now: what began later is left out.
    """
    met = [one for one in deployed if one.met_by_users and one.start <= now]
    back = dict(taken_back(met))
    taken = defaultdict(list)
    for rollback, other in back.items():
        taken[other].append(rollback)
    by_objective = [
        (objective.name, dict(_costs(met, back, objective, one, counted))) for objective, one in objectives
    ]
    since = min(one.evidence.window_start for _, one in objectives)
    return tuple(
        Priced(
            deployed=one,
            rollback_of=back.get(one.id),
            rolled_back_by=tuple(taken[one.id]),
            costs=tuple((name, found[one.id]) for name, found in by_objective if one.id in found),
        )
        for one in reversed(met)
        if one.start > since
    )


def _costs(
    met: Iterable[Deployed],
    back: dict[str, str],
    objective: Objective,
    one: ObjectiveEvidence,
    counted: Callable[[Objective, Measured], Slices],
) -> Iterator[tuple[str, Cost | Unpriced]]:
    found = one.evidence
    inside = [
        Deployment(each.id, each.start, back.get(each.id)) for each in met if each.start > found.window_start
    ]
    measured = [each for each in inside if each.start < found.window_end]
    if not isinstance(found, Measured) or not measured:
        yield from ((each.id, Unpriced(each.id, each.start)) for each in inside)
        return
    events, end = found.total + found.to_come, found.window_end
    slices = counted(objective, found)
    for cost in costs(slices, measured, allowed=objective.allowed, events=events, now=end):
        yield cost.deployment, cost
    yield from ((each.id, Unpriced(each.id, each.start)) for each in inside if each.start >= end)
