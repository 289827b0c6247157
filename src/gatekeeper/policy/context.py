"""What a service document says, held against where it was found and against good sense."""

from collections.abc import Iterator
from datetime import datetime

from gatekeeper.policy.dated import Phase, phase
from gatekeeper.policy.document import Node
from gatekeeper.policy.findings import locate
from gatekeeper.policy.model import Mode, PrometheusIndicator
from gatekeeper.policy.native import ServiceSpec
from gatekeeper.policy.problem import Problem, Severity
from gatekeeper.policy.selector import BareSelector, classify


def strangers(spec: ServiceSpec, root: Node, organization: str) -> Iterator[Problem]:
    """Teams and repositories that are not the organisation's: Gatekeeper could not see them."""
    if not organization:
        return
    for position, team in enumerate(spec.gate.override.teams):
        owner, slug = team.removeprefix("@").split("/")
        if owner.casefold() != organization.casefold():
            node, _ = locate(root, ("spec", "gate", "override", "teams", position))
            yield Problem.at(
                node.mark, f'the team "{team}" is not in {organization}', f'write "@{organization}/{slug}"'
            )
    for position, change in enumerate(spec.changes):
        owner, _, name = (change.repository or organization).partition("/")
        if owner.casefold() != organization.casefold():
            node, _ = locate(root, ("spec", "changes", position, "repository"))
            message = f'the repository "{change.repository}" is not in {organization}'
            yield Problem.at(node.mark, message, f"write {organization}/{name}")


def doubts(spec: ServiceSpec, root: Node) -> Iterator[Problem]:
    """Warnings: what is allowed and most likely not meant."""
    if spec.gate.mode is Mode.ENFORCE and not spec.gate.override.teams:
        node, _ = locate(root, ("spec", "gate", "mode"))
        yield Problem.at(
            node.mark,
            "nobody may override this gate",
            'name a team in gate.override.teams, such as "@acme/sre"',
            Severity.WARNING,
        )
    for position, objective in enumerate(spec.objectives):
        indicator = objective.indicator.prometheus
        for label in _labels_forgotten(indicator):
            name = "bad" if indicator.bad else "good"
            node, _ = locate(root, ("spec", "objectives", position, "indicator", "prometheus", name))
            message = f'{name} counts events that total leaves out: it has no condition on "{label}"'
            yield Problem.at(
                node.mark, message, f"give {name} the same conditions as total", Severity.WARNING
            )


def elapsed(spec: ServiceSpec, root: Node, now: datetime) -> Iterator[Problem]:
    """Warnings: exceptions that are over, and therefore ignored."""
    for position, one in enumerate(spec.exceptions):
        if phase(one, now) is Phase.OVER:
            node, _ = locate(root, ("spec", "exceptions", position))
            message = f"this exception is ignored: it ended at {one.end:%Y-%m-%d %H:%M} UTC"
            yield Problem.at(node.mark, message, "remove it, or agree on another one", Severity.WARNING)


def _labels_forgotten(indicator: PrometheusIndicator) -> list[str]:
    """Labels on which ``total`` has a condition and the other counter, of the same metric, has none."""
    if indicator.total is None or indicator.events is None:
        return []
    part, total = classify(indicator.events.part), classify(indicator.total)
    if not (
        isinstance(part, BareSelector) and isinstance(total, BareSelector) and part.metric == total.metric
    ):
        return []
    return sorted({one.name for one in total.matchers} - {one.name for one in part.matchers})
