"""The deployments of a service as its page shows them. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from gatekeeper.decide import phrases
from gatekeeper.decide.explain import SHORT_SHA
from gatekeeper.web.chart import Moment
from gatekeeper.web.models import CostReport, DeploymentReport

LATEST = 20
"""So many are shown whatever they cost; of the older ones, those that certainly cost something."""
CONFIDENT = 1.96
"""Standard deviations on either side of a number that it is within in 95 of 100 cases."""


@dataclass(frozen=True)
class Line:
    """What a deployment cost one objective.

    Attributes:
        share: of the budget, as ``12.3 %``; a dash where nobody can tell.
        remark: how sure that is.
        certain: whether it is beyond chance.
        suspects: of a certain cost, the deployments shortly before that it may be the fault of.
        suspected: the deployments shortly after whose certain cost may be this one's fault.
    """

    objective: str
    share: str
    remark: str
    certain: bool
    suspects: tuple["Name", ...]
    suspected: tuple["Name", ...]


@dataclass(frozen=True)
class Name:
    """Another deployment: its short SHA, and its id where the page shows it."""

    text: str
    id: str | None


@dataclass(frozen=True)
class Row:
    """One deployment in words."""

    report: DeploymentReport
    sha: str
    lines: tuple[Line, ...]
    takes_back: Name | None
    taken_back_by: tuple[Name, ...]


@dataclass(frozen=True)
class Table:
    """What is shown, newest first, what all come to, and how many are left out."""

    lead: str
    rows: tuple[Row, ...]
    left_out: int


def table(deployments: Sequence[DeploymentReport]) -> Table:
    """The table of these, which come newest first."""
    shown = [one for at, one in enumerate(deployments) if at < LATEST or _is_costly(one)]
    all_of_them = _All({one.id: one for one in deployments}, frozenset(one.id for one in shown))
    rows = tuple(_row(one, all_of_them) for one in shown)
    return Table(_lead(deployments), rows, len(deployments) - len(shown))


def moments(shown: Table, objective: str) -> Iterator[Moment]:
    """What is shown, as marks under the chart of an objective; the certain costs last, so that they lie on top."""
    found = [_moment(row, objective) for row in shown.rows]
    yield from sorted(found, key=lambda one: (one.grave, one.at))


def _moment(row: Row, objective: str) -> Moment:
    line = next((one for one in row.lines if one.objective == objective), None)
    label = f"{row.sha} at {phrases.instant(row.report.start)}"
    if row.takes_back:
        return Moment(row.report.start, f"{label}: takes back {row.takes_back.text}", grave=False)
    cost = f": {line.share} of the budget, {line.remark}" if line else ""
    return Moment(row.report.start, f"{label}{cost}", grave=line is not None and line.certain)


def _is_costly(one: DeploymentReport) -> bool:
    return any(cost.certain for cost in one.costs)


def _lead(deployments: Sequence[DeploymentReport]) -> str:
    count = f"{len(deployments)} deployment{'s' if len(deployments) != 1 else ''}"
    costly = [one for one in deployments if _is_costly(one)]
    if not costly:
        return f"{count}: nothing went bad after them beyond chance."
    costs = (cost for one in costly for cost in one.costs if cost.certain)
    share, objective = max((cost.budget_share or 0.0, cost.objective) for cost in costs)
    return (
        f"{count}: after {len(costly)} of them more went bad than chance explains. "
        f"The costliest took {phrases.percent(share)} of the budget of {objective}."
    )


@dataclass(frozen=True)
class _All:
    """All deployments by id, and the ids of those that are shown."""

    known: Mapping[str, DeploymentReport]
    shown: AbstractSet[str]

    def name(self, identity: str) -> Name:
        one = self.known.get(identity)
        text = one.sha[:SHORT_SHA] if one else f"deployment {identity}"
        return Name(text, identity if identity in self.shown else None)

    def near(self, one: DeploymentReport, cost: CostReport) -> list[DeploymentReport]:
        """Deployments of other commits that cannot be told apart from this one."""
        found = [self.known[other] for other in cost.ambiguous_with if other in self.known]
        return [other for other in found if (other.repository, other.sha) != (one.repository, one.sha)]


def _row(one: DeploymentReport, others: _All) -> Row:
    return Row(
        report=one,
        sha=one.sha[:SHORT_SHA],
        lines=tuple(_line(one, cost, others) for cost in one.costs),
        takes_back=others.name(one.rollback_of) if one.rollback_of else None,
        taken_back_by=tuple(others.name(other) for other in one.rolled_back_by),
    )


def _line(one: DeploymentReport, cost: CostReport, others: _All) -> Line:
    near = others.near(one, cost)
    before = [other for other in near if other.start <= one.start]
    after = [other for other in near if other.start > one.start and _is_certain(other, cost.objective)]
    return Line(
        objective=cost.objective,
        share="–" if cost.budget_share is None else phrases.percent(cost.budget_share),
        remark=_remark(one, cost),
        certain=bool(cost.certain),
        suspects=tuple(others.name(other.id) for other in before if cost.certain),
        suspected=tuple(others.name(other.id) for other in after),
    )


def _is_certain(one: DeploymentReport, objective: str) -> bool:
    return any(cost.certain for cost in one.costs if cost.objective == objective)


def _remark(one: DeploymentReport, cost: CostReport) -> str:
    if cost.bad is None or cost.sigma is None or cost.until is None:
        return "not known: nothing was measured before it, or after it"
    if not cost.certain:
        return "within chance" if cost.bad > 0 else "nothing beyond the everyday"
    length = phrases.seconds((cost.until - one.start).total_seconds())
    return f"{round(cost.bad):,} ± {round(CONFIDENT * cost.sigma):,} bad beyond the everyday, in {length}"
