"""What a service's gate says to a deployment into one environment, whoever deploys: no pull request is needed."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from gatekeeper.availability.deployments import Deployed, taken_back
from gatekeeper.decide import pace
from gatekeeper.decide.evaluate import CEILING, Decision, ServiceRuling, opened, standing
from gatekeeper.decide.phrases import instant
from gatekeeper.decide.snapshot import ServiceView
from gatekeeper.decide.verdict import State, Verdict, Why
from gatekeeper.policy.gate import EnvironmentMode, Mode

_MOST = {
    EnvironmentMode.FREE: Mode.OBSERVE,
    EnvironmentMode.ADVISE: Mode.ADVISE,
    EnvironmentMode.ENFORCE: Mode.ENFORCE,
}
_BY_STRENGTH = list(Mode)


@dataclass(frozen=True)
class EnvironmentSnapshot:
    """All that the verdict on a deployment into an environment depends on.

    Attributes:
        view: the service as the deployment meets it.
        deployed: when the deployments of the last day into this environment began, rollbacks left out.
    """

    now: datetime
    environment: str
    view: ServiceView
    deployed: tuple[datetime, ...] = ()

    @property
    def services(self) -> tuple[ServiceView, ...]:
        """The one service that was asked about."""
        return (self.view,)


def decide_environment(snapshot: EnvironmentSnapshot) -> Decision:
    """The verdict on a deployment that only its environment is known of. Equal snapshots give equal decisions."""
    ruling = rule_on(snapshot)
    return Decision(verdict=ruling.effective, rulings=(ruling,), granted=())


def rule_on(snapshot: EnvironmentSnapshot) -> ServiceRuling:
    """The service's ruling. Equal snapshots give equal rulings.

    An environment makes a gate milder and never stricter: it counts as much as the policy's ``environments`` and
    the gate's own mode both allow.
    """
    service = snapshot.view.service
    treated = service.treats(snapshot.environment)
    mode = min(service.gate.mode, _MOST[treated], key=_BY_STRENGTH.index)
    if treated is EnvironmentMode.FREE:
        return ServiceRuling(
            service.key, Verdict.ALLOW, Verdict.ALLOW, Why.FREE, mode, detail=snapshot.environment
        )
    verdict, why, detail = _by_gate(snapshot)
    return ServiceRuling(service.key, verdict, min(verdict, CEILING[mode]), why, mode, detail)


def is_paced(view: ServiceView) -> bool:
    """Whether it matters to the service's ruling what was deployed before."""
    if view.memory.state is State.PROBATION:
        return True
    return view.memory.state in pace.PACED and view.service.gate.caution.pace.deployments is not None


def counted(deployed: Iterable[Deployed], environment: str, now: datetime) -> tuple[datetime, ...]:
    """Of all deployments of a service, the starts of those that count for an environment's pace, in order of time.

    A rollback does not: it takes back what counted already.
    """
    known = tuple(deployed)
    rollbacks = {rollback for rollback, _ in taken_back(known)}
    return tuple(
        sorted(
            one.start
            for one in known
            if one.environment.casefold() == environment.casefold()
            and one.start > now - pace.DAY
            and one.id not in rollbacks
        )
    )


def _by_gate(snapshot: EnvironmentSnapshot) -> tuple[Verdict, Why, str]:
    view, now = snapshot.view, snapshot.now
    verdict, why = standing(view.memory, view.service.gate, now)
    if opened(view, now):
        return (Verdict.ALLOW, Why.OPENED, "") if verdict is Verdict.BLOCK else (verdict, why, "")
    if verdict is Verdict.BLOCK:
        return verdict, why, ""
    if why in {Why.CAUTION, Why.PROBATION}:
        until = pace.free_from(snapshot.deployed, view.service.gate.caution.pace.deployments, now)
        if until is not None:
            return Verdict.BLOCK, Why.TOO_MANY, instant(until)
    # Also where nothing is known for the moment: a silent source, or one more objective, ends no probation.
    if (until := pace.settled_from(view, snapshot.deployed, now)) is not None:
        return Verdict.BLOCK, Why.TOO_SOON, instant(until)
    return verdict, why, ""
