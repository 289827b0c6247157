"""Which deployment an incident is laid to, where there is no doubt about it."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from gatekeeper.availability.attribution import Cost, Unpriced
from gatekeeper.availability.deployments import Deployed
from gatekeeper.availability.incidents import Incident
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

    Only where more went bad after it than chance explains, and no other commit was deployed shortly before it.
    """
    known = {one.deployed.id: one.deployed for one in deployments}
    for objective, one in objectives:
        for incident in one.evidence.worst if isinstance(one.evidence, Measured) else ():
            for priced in deployments:
                if _is_to_blame(priced, dict(priced.costs).get(objective.name), incident.start, known):
                    yield _culprit(objective, incident, priced, known)


def _is_to_blame(
    one: Priced, cost: Cost | Unpriced | None, incident: datetime, known: Mapping[str, Deployed]
) -> bool:
    if not isinstance(cost, Cost) or not cost.certain:
        return False
    # What began after it is observed for itself from there on.
    before = [known[other] for other in cost.ambiguous_with if known[other].start <= one.deployed.start]
    if any(other.commit != one.deployed.commit for other in before):
        return False
    # An incident begins with a slice, and the deployment may begin within that one.
    return cost.since - _SLICE < incident < min(cost.since + SOON, cost.until)


def _culprit(objective: Objective, incident: Incident, one: Priced, known: Mapping[str, Deployed]) -> Culprit:
    back = [known[other].start for other in one.rolled_back_by if other in known]
    return Culprit(
        objective=objective.name,
        incident=incident.start,
        repository=one.deployed.repository,
        sha=one.deployed.sha,
        at=one.deployed.start,
        rolled_back_at=min(back, default=None),
    )
