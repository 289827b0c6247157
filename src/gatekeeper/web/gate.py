"""What a gate says to a deployment into an environment, as the API tells it. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from gatekeeper.availability.deployments import Deployed
from gatekeeper.decide import explain
from gatekeeper.decide.environment import EnvironmentSnapshot, counted, rule_on
from gatekeeper.decide.evaluate import ServiceRuling
from gatekeeper.decide.verdict import Verdict
from gatekeeper.web.models import GateReport
from gatekeeper.web.standing import Standing
from gatekeeper.web.views import VERDICTS, plain, reasons


@dataclass(frozen=True)
class Answer:
    """What a pipeline is told, and what that was decided from."""

    snapshot: EnvironmentSnapshot
    report: GateReport


def answer(seen: Standing, environment: str, deployed: Iterable[Deployed]) -> Answer:
    """The answer on one service and one environment.

    Args:
        seen: the service.
        environment: where to.
        deployed: what was deployed of the service's repositories; only asked about where the pace counts.
    """
    snapshot = EnvironmentSnapshot(seen.now, environment, seen.view, counted(deployed, environment, seen.now))
    return Answer(snapshot, _report(seen, environment, rule_on(snapshot)))


def _report(seen: Standing, environment: str, ruling: ServiceRuling) -> GateReport:
    memory, service = seen.view.memory, seen.service
    return GateReport(
        service=service.name,
        organization=service.organization,
        environment=environment,
        at=seen.now,
        allowed=ruling.effective is not Verdict.BLOCK,
        known=not ruling.undecided,
        verdict=VERDICTS[ruling.verdict],
        effective=VERDICTS[ruling.effective],
        why=ruling.why,
        mode=ruling.mode,
        treated=service.treats(environment),
        sentence=plain(explain.headline(seen.view, ruling)),
        state=memory.state,
        since=memory.since if seen.looked_at is not None else None,
        expected_end=seen.expected_end,
        reasons=[plain(sentence) for sentence in reasons(seen)],
    )
