"""What a change of policies would do: to the past, to the gates as they stand, and to the changes that are open."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gatekeeper.decide.backtest.held import held_back
from gatekeeper.decide.backtest.history import Past
from gatekeeper.decide.backtest.result import Backtest
from gatekeeper.decide.backtest.simulate import simulate
from gatekeeper.decide.backtest.waiting import Outcome, Recorded, unproven, waiting
from gatekeeper.decide.deployment import (
    Brought,
    Deployment,
    DeploymentSnapshot,
    Touching,
    decide_deployment,
    waits,
)
from gatekeeper.decide.environment import is_paced
from gatekeeper.decide.evaluate import decide
from gatekeeper.decide.exemptions import on_trust, trusted
from gatekeeper.decide.snapshot import ServiceView, Snapshot
from gatekeeper.decide.verdict import State, Verdict
from gatekeeper.policy.covers import Everything, exempt_by_paths, repositories, touched, touched_anywhere
from gatekeeper.policy.model import Service

MOST_FILES = 20


@dataclass(frozen=True)
class Trial:
    """One version of a service's policy over the past.

    Attributes:
        waited: how many of the changes on record would have waited: in a freeze, for want of evidence, or for the pace.
    """

    result: Backtest
    waited: int

    @property
    def frozen(self) -> timedelta:
        """How long it would have been frozen."""
        return self.result.time_in(State.FROZEN)

    @property
    def freezes(self) -> int:
        """How often it would have frozen."""
        return sum(move.after is State.FROZEN for move in self.result.moves)

    @property
    def known(self) -> bool:
        """Whether anything at all was measured."""
        return self.result.time_unknown < self.result.end - self.result.start


@dataclass(frozen=True)
class ServiceEffect:
    """What becomes of one service.

    Attributes:
        before: the policy in force over the past; None where there is none, or nothing can be said.
        after: the proposed one.
        now: the gate as it stands; None before its first pass.
        then: as it would stand right after the merge; None for a service that would be gone.
        notes: what cannot be said, and why (plain text).
    """

    name: str
    before: Trial | None = None
    after: Trial | None = None
    now: ServiceView | None = None
    then: ServiceView | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class OpenChange:
    """An open pull request as it was decided on last.

    Attributes:
        paths: all that it changes.
        default_branch: of its repository.
    """

    snapshot: Snapshot
    paths: tuple[str, ...] | Everything
    default_branch: str


@dataclass(frozen=True)
class VerdictChange:
    """An open pull request of which something else would be said."""

    repository: str
    number: int
    title: str
    before: Verdict
    after: Verdict


@dataclass(frozen=True)
class WaitingDeployment:
    """A deployment that waits for us, as it was decided on last.

    Attributes:
        run: the id of its workflow run.
        paths: by number, all that a pull request changes that it brings; one that is not in it may change anything.
    """

    run: int
    snapshot: DeploymentSnapshot
    paths: Mapping[int, tuple[str, ...]]


@dataclass(frozen=True)
class HoldChange:
    """A waiting deployment that would be let go, or held, where it is not so as things are."""

    run: int
    deployment: Deployment
    held: bool


@dataclass(frozen=True)
class Effect:
    """What a change of policies would do.

    Attributes:
        length: how far back the past was gone through.
        beyond: how many services change beside these, and were not gone through.
        changes: how many open pull requests were decided on again.
        waiting: how many waiting deployments were decided on again.
        failed: why it has to be looked at again soon; None where all could be read.
    """

    length: timedelta
    services: tuple[ServiceEffect, ...] = ()
    verdicts: tuple[VerdictChange, ...] = ()
    changes: int = 0
    holds: tuple[HoldChange, ...] = ()
    waiting: int = 0
    failed: str | None = None
    beyond: int = 0


def trial(
    service: Service,
    pasts: Sequence[Past],
    pulls: Sequence[Recorded],
    between: tuple[datetime, datetime],
    lag: timedelta,
) -> Trial:
    """Go through the past with one version of a policy.

    Args:
        service: the policy.
        pasts: its objectives with their ledgers.
        pulls: the changes of the service on record.
        between: start and end, whole minutes.
        lag: how long before a pass its newest slice ends.
    """
    start, end = between
    result = simulate(pasts, service.gate, start, end, lag=lag)
    stopped = {
        one.subject for one in waiting(pulls, service.gate, result) if one.outcome is not Outcome.ABANDONED
    }
    stopped |= {one.subject for one in unproven(pulls, service.gate, result)}
    stopped |= {one.subject for one in held_back(pulls, service.gate, result)}
    return Trial(result, len(stopped))


def verdict_changes(
    changes: Iterable[OpenChange],
    now: Mapping[str, ServiceView],
    then: Mapping[str, ServiceView],
    at: datetime,
) -> Iterator[VerdictChange]:
    """The open changes of which something else would be said, decided on just as their own pass does.

    Args:
        changes: the open ones.
        now: by key, the services as they stand.
        then: by key, the services as they would stand.
        at: the present.
    """
    for change in changes:
        before, after = (decide(_under(change, views, at)).verdict for views in (now, then))
        if before is not after:
            pull = change.snapshot.pull
            yield VerdictChange(pull.repository, pull.number, pull.title, before, after)


def hold_changes(
    waiting: Iterable[WaitingDeployment],
    now: Mapping[str, ServiceView],
    then: Mapping[str, ServiceView],
    at: datetime,
    deployed: Mapping[tuple[str, str], tuple[datetime, ...]],
) -> Iterator[HoldChange]:
    """The waiting deployments that would be held or let go otherwise, decided on just as their own pass does.

    Args:
        waiting: those that wait.
        now: by key, the services as they stand.
        then: by key, the services as they would stand.
        at: the present.
        deployed: by service and environment, when the deployments of the last day began that count for its pace.
    """
    for one in waiting:
        before, after = (_held(one, views, at, deployed) for views in (now, then))
        if before is not after:
            yield HoldChange(one.run, one.snapshot.deployment, held=after)


def _held(
    one: WaitingDeployment,
    views: Mapping[str, ServiceView],
    at: datetime,
    deployed: Mapping[tuple[str, str], tuple[datetime, ...]],
) -> bool:
    about, content = one.snapshot.deployment, one.snapshot.content
    named = about.repository.casefold()
    met = tuple(
        view
        for _, view in sorted(views.items())
        if named in {name.casefold() for name in repositories(view.service)}
    )
    if content is not None:
        pulls = tuple(_brought(brought, one, met, at) for brought in content.pulls)
        content = replace(content, pulls=pulls)
    paced = {
        view.service.key: deployed.get((view.service.key, about.environment), ())
        for view in met
        if is_paced(view)
    }
    snapshot = DeploymentSnapshot(at, about, met, paced, content)
    return waits(snapshot, decide_deployment(snapshot))


def _brought(brought: Brought, one: WaitingDeployment, views: Sequence[ServiceView], at: datetime) -> Brought:
    """A pull request in a deployment, as it touches these services."""
    pull = brought.pull
    found = touched_anywhere(
        (view.service for view in views), pull.repository, one.paths.get(pull.number, Everything())
    )
    touches = tuple(
        Touching(
            touch.service.key,
            touch.paths[:MOST_FILES],
            bool(touch.paths) and exempt_by_paths(touch.service, touch.paths),
        )
        for touch in found
    )
    keys = {touch.service for touch in touches}
    met = [view for view in views if view.service.key in keys]
    return replace(brought, touches=touches, exempting=trusted(pull, brought.exempting, met, at))


def _under(change: OpenChange, views: Mapping[str, ServiceView], at: datetime) -> Snapshot:
    """The change as it meets these services."""
    pull = change.snapshot.pull
    found = touched(
        [view.service for view in views.values()],
        repository=pull.repository,
        base_branch=pull.base_ref,
        default_branch=change.default_branch,
        paths=change.paths,
    )
    met = tuple(
        replace(
            views[touch.service.key],
            files=touch.paths[:MOST_FILES],
            all_exempt=bool(touch.paths) and exempt_by_paths(touch.service, touch.paths),
        )
        for touch in found
    )
    # Who stands behind a label was not asked for the sake of a policy that is only proposed, or of an open gate.
    return on_trust(replace(change.snapshot, now=at, services=met))
