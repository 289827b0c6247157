"""Which deployment an incident is laid to, where there is no doubt about it."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from gatekeeper.availability.attribution import Cost
from gatekeeper.availability.ledger import STEP
from gatekeeper.availability.measure import Measured
from gatekeeper.decide.priced import Priced
from gatekeeper.decide.snapshot import Culprit, ObjectiveEvidence
from gatekeeper.policy.objective import Objective

SOON = timedelta(hours=1)
"""What begins later after a deployment may have begun without it."""
_SLICE = timedelta(seconds=STEP)


def culprits(
    deployments: Sequence[Priced], objectives: Sequence[tuple[Objective, ObjectiveEvidence]]
) -> Iterator[Culprit]:
    """Of each of an objective's costliest incidents, the deployment that it began soon after.

    Only where more went bad after it than chance explains, and no other one was near.
    """
    starts = {one.deployed.id: one.deployed.start for one in deployments}
    for objective, one in objectives:
        for incident in one.evidence.worst if isinstance(one.evidence, Measured) else ():
            for priced in deployments:
                if _is_to_blame(dict(priced.costs).get(objective.name), incident.start):
                    back = [starts[other] for other in priced.rolled_back_by if other in starts]
                    deployed = priced.deployed
                    yield Culprit(
                        objective=objective.name,
                        incident=incident.start,
                        repository=deployed.repository,
                        sha=deployed.sha,
                        at=deployed.start,
                        rolled_back_at=min(back, default=None),
                    )


def _is_to_blame(cost: object, incident: datetime) -> bool:
    if not isinstance(cost, Cost) or not cost.certain or cost.ambiguous_with:
        return False
    # An incident begins with a slice, and the deployment may begin within that one.
    return cost.since - _SLICE < incident < min(cost.since + SOON, cost.until)
