"""What a service document says, held against where it was found and against good sense."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from gatekeeper.availability.burn import PAGE_ROWS, reachable, threshold
from gatekeeper.policy.dated import Phase, phase
from gatekeeper.policy.document import Node, Scalar
from gatekeeper.policy.findings import locate
from gatekeeper.policy.gate import Mode
from gatekeeper.policy.native import ServiceFile, ServiceSpec
from gatekeeper.policy.objective import Objective, PrometheusIndicator
from gatekeeper.policy.problem import Problem, Severity
from gatekeeper.policy.selector import BareSelector, classify
from gatekeeper.policy.units import format_duration

STALE = timedelta(days=90)
"""A policy that was not reviewed for longer is said to be old."""


def strangers(file: ServiceFile, root: Node, organization: str) -> Iterator[Problem]:
    """Teams and repositories that are not the organisation's: Gatekeeper could not see them."""
    if not organization:
        return
    spec = file.spec
    places = (
        *(
            (("spec", "gate", "override", "teams", at), one)
            for at, one in enumerate(spec.gate.override.teams)
        ),
        *((("metadata", "owners", at), one) for at, one in enumerate(file.metadata.owners) if "/" in one),
    )
    for place, team in places:
        owner, slug = team.removeprefix("@").split("/")
        if owner.casefold() != organization.casefold():
            node, _ = locate(root, place)
            yield Problem.at(
                node.mark, f'the team "{team}" is not in {organization}', f'write "@{organization}/{slug}"'
            )
    for position, change in enumerate(spec.changes):
        owner, _, name = (change.repository or organization).partition("/")
        if owner.casefold() != organization.casefold():
            node, _ = locate(root, ("spec", "changes", position, "repository"))
            message = f'the repository "{change.repository}" is not in {organization}'
            yield Problem.at(node.mark, message, f"write {organization}/{name}")


def beyond_reach(spec: ServiceSpec, root: Node) -> Iterator[Problem]:
    """A fast burn that no outage could be for any of the objectives: a mistake where this file asks for it.

    The defaults ask for one too, but of every service: there it is a warning, and the gate asks for nothing.
    """
    reasons = [_never_fast(objective) for objective in spec.objectives]
    if spec.gate.freeze.burn != "fast" or not all(reasons):
        return
    node, _ = locate(root, ("spec", "gate", "freeze", "burn"))
    if isinstance(node, Scalar) and node.mark.path == root.mark.path:
        message = f"a burn can never be fast here: {reasons[0]}"
        yield Problem.at(node.mark, message, "write burn: off; a spent budget freezes all the same")
        return
    _, place = locate(root, ("spec", "objectives"))
    message = f"only a spent budget freezes here, for a burn can never be fast: {reasons[0]}"
    yield Problem.at(place, message, "write burn: off in gate.freeze to say so", Severity.WARNING)


def _never_fast(objective: Objective) -> str:
    """Why no row of the burn rates that freeze can fire for an objective; nothing where one can."""
    window_s = objective.window.longest.total_seconds()
    usable = [row for row in PAGE_ROWS if threshold(row, window_s) >= 1]
    if any(reachable(row, window_s, objective.allowed) for row in usable):
        return ""
    if not usable:
        return (
            f'over a window of {format_duration(objective.window.longest)}, "{objective.name}" keeps its promise at '
            "every pace that would count as fast"
        )
    least = min(threshold(row, window_s) for row in usable)
    return (
        f'"{objective.name}" burns at {1 / objective.allowed:.3g}× the pace allowed in a total outage, and only more '
        f"than {least:.3g}× is fast"
    )


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


def elapsed(file: ServiceFile, root: Node, now: datetime) -> Iterator[Problem]:
    """Warnings: exceptions that are over, and therefore ignored; a policy that nobody has looked at for long."""
    spec, reviewed = file.spec, file.metadata.reviewed
    if reviewed is not None and now.date() - reviewed > STALE:
        node, _ = locate(root, ("metadata", "reviewed"))
        message = (
            f"nobody has reviewed this policy for {(now.date() - reviewed).days} days; it stays in force"
        )
        yield Problem.at(
            node.mark, message, "look whether it is still what you want, and write today", Severity.WARNING
        )
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
