"""``decide_deployment``: the verdict on a deployment, by what it brings to an environment that is not there yet."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from gatekeeper.decide.desired import first_measured
from gatekeeper.decide.environment import EnvironmentSnapshot, rule_on
from gatekeeper.decide.evaluate import Decision, OverrideRuling, ServiceRuling, decide, overriding
from gatekeeper.decide.snapshot import ExemptLabel, OverrideRequest, Pull, Revocation, ServiceView, Snapshot
from gatekeeper.decide.verdict import Verdict, Why


@dataclass(frozen=True)
class Deployment:
    """A deployment that somebody asks for.

    Attributes:
        ref: the branch, tag or SHA that was asked for.
        actor: login of whoever asks.
    """

    repository: str
    environment: str
    sha: str
    ref: str
    actor: str


@dataclass(frozen=True)
class Touching:
    """How a pull request touches a service.

    Attributes:
        paths: those of its paths that are the service's (a few of them, for the text).
        all_exempt: whether every one of them matches the policy's exempt paths.
    """

    service: str
    paths: tuple[str, ...] = ()
    all_exempt: bool = False


@dataclass(frozen=True)
class Brought:
    """A pull request that a deployment brings, as it is now.

    Attributes:
        takes_back: whether it was let through before because it takes back a merged change and does nothing else.
    """

    pull: Pull
    touches: tuple[Touching, ...] = ()
    requests: tuple[OverrideRequest, ...] = ()
    exempting: tuple[ExemptLabel, ...] = ()
    revocations: tuple[Revocation, ...] = ()
    takes_back: bool = False


@dataclass(frozen=True)
class Content:
    """What a deployment brings that its environment was not let have yet.

    Attributes:
        since: the commit that was let go there last: what came before it met the gate then.
        pulls: by number; none where it brings nothing, as a rollback does.
    """

    since: str
    pulls: tuple[Brought, ...] = ()


@dataclass(frozen=True)
class DeploymentSnapshot:
    """All that the verdict on a deployment depends on.

    Attributes:
        services: those of its repository.
        deployed: by service, when the deployments of the last day into the environment began.
        content: what it brings; None when that is not known: then it may touch every service, and nothing exempts it.
    """

    now: datetime
    deployment: Deployment
    services: tuple[ServiceView, ...]
    deployed: dict[str, tuple[datetime, ...]]
    content: Content | None = None

    @property
    def pairs(self) -> dict[str, ServiceView]:
        """The services by key."""
        return {view.service.key: view for view in self.services}


def decide_deployment(snapshot: DeploymentSnapshot) -> Decision:
    """Judge one deployment; equal snapshots give equal decisions.

    A service that nothing in it touches has no say. Where a gate is shut, it passes if each of its pull requests that
    touches the service is exempt or overridden.
    """
    found = (_rule(view, snapshot) for view in snapshot.services)
    rulings = sorted(
        (ruling for ruling in found if ruling is not None),
        key=lambda ruling: (-ruling.effective, -ruling.verdict, ruling.service),
    )
    granted = {one.override.label: one.override for one in rulings if one.override is not None}
    return Decision(
        verdict=max((ruling.effective for ruling in rulings), default=Verdict.ALLOW),
        rulings=tuple(rulings),
        granted=tuple(granted[label] for label in sorted(granted)),
    )


def waits(snapshot: DeploymentSnapshot, decision: Decision) -> bool:
    """Whether the deployment has to wait: for a gate that is shut, or for the first measurement of one."""
    if decision.verdict is Verdict.BLOCK:
        return True
    views = snapshot.pairs
    return any(first_measured(views[ruling.service], ruling) for ruling in decision.rulings)


def rejected_from(snapshot: DeploymentSnapshot, decision: Decision, since: datetime) -> datetime | None:
    """From when a deployment that waits since then is rejected: the first of what holds it; None where nothing does.

    What waits for a first measurement only is never rejected: no gate has said anything yet.
    """
    gates = snapshot.pairs
    lengths = (
        gates[ruling.service].service.gate.deployments.reject_after
        for ruling in decision.rulings
        if ruling.effective is Verdict.BLOCK
    )
    return min((since + length for length in lengths if length is not None), default=None)


def held_by(snapshot: DeploymentSnapshot, view: ServiceView) -> tuple[Pull, ...]:
    """The pull requests in it that a gate which is shut does not let pass; none where its content is not known."""
    met = _met(view, snapshot.content)
    return tuple(one.pull for one, touch in met if _passing(one, touch, view, snapshot.now) is None)


def on_landed(snapshot: DeploymentSnapshot) -> Iterator[tuple[Snapshot, Decision]]:
    """What is asked for on each pull request in it that is closed: nothing else judges that one any more."""
    for one in snapshot.content.pulls if snapshot.content is not None else ():
        if not one.pull.open:
            met = [_touched(snapshot.pairs[touch.service], touch) for touch in one.touches]
            asked = _asked(one, met, snapshot.now)
            yield asked, decide(asked)


def _rule(view: ServiceView, snapshot: DeploymentSnapshot) -> ServiceRuling | None:
    key = view.service.key
    met = _met(view, snapshot.content)
    if snapshot.content is not None and not met:
        return None
    ruling = rule_on(
        EnvironmentSnapshot(
            snapshot.now, snapshot.deployment.environment, view, snapshot.deployed.get(key, ())
        )
    )
    if ruling.verdict is not Verdict.BLOCK or not met:
        return ruling
    passes = [_passing(one, touch, view, snapshot.now) for one, touch in met]
    if any(one is None for one in passes):
        return ruling
    deciding = min((one for one in passes if one is not None), key=_soonest_over)
    return replace(
        ruling,
        verdict=Verdict.ALLOW,
        effective=Verdict.ALLOW,
        why=deciding.why,
        detail=deciding.detail,
        by=deciding.by,
        override=deciding.override,
    )


def _met(view: ServiceView, content: Content | None) -> list[tuple[Brought, Touching]]:
    if content is None:
        return []
    return [
        (one, touch) for one in content.pulls for touch in one.touches if touch.service == view.service.key
    ]


def _passing(one: Brought, touch: Touching, view: ServiceView, now: datetime) -> ServiceRuling | None:
    """The ruling that lets a pull request through a gate that is shut; None where none does."""
    met = _touched(view, touch)
    asked = _asked(one, [met], now)
    (ruling,) = decide(asked).rulings
    if ruling.verdict is Verdict.ALLOW:
        return ruling
    # The gate may let the change itself pass, and hold only the deployment.
    if (granted := overriding(met, asked)) is not None:
        return replace(ruling, verdict=Verdict.ALLOW, why=Why.OVERRIDDEN, override=granted)
    if one.takes_back and view.service.gate.exempt.reverts:
        return replace(ruling, verdict=Verdict.ALLOW, why=Why.EXEMPT_REVERT, detail="a merged change")
    return None


def _touched(view: ServiceView, touch: Touching) -> ServiceView:
    return replace(view, files=touch.paths, all_exempt=touch.all_exempt)


def _asked(one: Brought, met: Sequence[ServiceView], now: datetime) -> Snapshot:
    return Snapshot(
        now, one.pull, tuple(met), one.requests, exempting=one.exempting, revocations=one.revocations
    )


def _soonest_over(ruling: ServiceRuling) -> tuple[bool, datetime | None]:
    """Overrides before exemptions, and of those the first that ends: it says how long the deployment may go."""
    override: OverrideRuling | None = ruling.override
    return (override is None, override.until if override is not None else None)
