"""What was observed in one pass, frozen: the whole input of a decision, stored with it."""

from dataclasses import dataclass
from datetime import datetime

from gatekeeper.availability.adjustment import Adjusted
from gatekeeper.availability.forecast import Forecast
from gatekeeper.availability.measure import Evidence
from gatekeeper.decide.verdict import Memory
from gatekeeper.policy.model import Service
from gatekeeper.policy.objective import Objective, TargetException
from gatekeeper.policy.revert import FileChange


@dataclass(frozen=True)
class Raw:
    """A window without adjustments, against the target without an exception: it is shown, and decides nothing.

    Attributes:
        availability: good / total; None without events.
        remaining: the share of the error budget left, never clamped.
    """

    good: float
    bad: float
    total: float
    availability: float | None
    remaining: float


@dataclass(frozen=True)
class ObjectiveEvidence:
    """What the ledger says of one objective.

    Attributes:
        progress: share of the first backfill that is done, None when there is none under way.
        problem: what its policy's author has to mend before it can be measured, or None.
        thaw: when the thaw rule will be met if nothing new goes bad; None when it is met or cannot be told.
        redefined: since when its numbers come from another indicator than before; None if they always did.
        source_short: whether the source was asked for the whole window, and had nothing older than
            ``evidence.partial_since``.
        exception: sets the target that counted; None when the objective's own did.
        adjusted: what the policy's adjustments did to the window, in order of time.
        raw: the window without them and without the exception; None when there are none, or nothing was measured.
    """

    name: str
    evidence: Evidence
    progress: float | None = None
    problem: str | None = None
    thaw: Forecast | None = None
    redefined: datetime | None = None
    source_short: bool = False
    exception: TargetException | None = None
    adjusted: tuple[Adjusted, ...] = ()
    raw: Raw | None = None


@dataclass(frozen=True)
class Landed:
    """A change of the service that was merged, as far as we had seen it open."""

    repository: str
    number: int
    at: datetime


@dataclass(frozen=True)
class Culprit:
    """The one deployment that an incident is laid to.

    Attributes:
        objective: whose incident.
        incident: its start.
        at: when the deployment began to take effect.
        rolled_back_at: when a rollback of it did; None without one.
    """

    objective: str
    incident: datetime
    repository: str
    sha: str
    at: datetime
    rolled_back_at: datetime | None = None


@dataclass(frozen=True)
class Opening:
    """An override of a whole service, as in an incident in which every fix has to get through.

    Attributes:
        actor: login of who opened it.
        at: when.
        until: when its gate holds again.
        reason: what they gave as reason.
    """

    actor: str
    at: datetime
    until: datetime
    reason: str


@dataclass(frozen=True)
class ServiceView:
    """One service as a change meets it.

    Attributes:
        service: the policy in force.
        memory: its gate.
        objectives: the evidence, in the order of the policy's objectives.
        expected_end: when the freeze is expected to end; None when not frozen or not foreseeable.
        files: paths of the change that touch the service (a few of them, for the text).
        all_exempt: whether every one of them matches the policy's exempt paths.
        policy_problem: what is wrong with a newer version of the policy file that is therefore not in force.
        burn_down: (instant, remaining budget) of the worst objective over its window; None is not measured.
        landed: its changes of the last day, oldest first, where the state makes them count.
        culprits: the deployments that its costliest incidents are laid to, where there is no doubt; none while open.
        opening: the override of the whole service, where there is one.
    """

    service: Service
    memory: Memory
    objectives: tuple[ObjectiveEvidence, ...]
    expected_end: datetime | None
    files: tuple[str, ...] = ()
    all_exempt: bool = False
    policy_problem: str | None = None
    burn_down: tuple[tuple[datetime, float | None], ...] = ()
    landed: tuple[Landed, ...] = ()
    culprits: tuple[Culprit, ...] = ()
    opening: Opening | None = None

    @property
    def pairs(self) -> tuple[tuple[Objective, ObjectiveEvidence], ...]:
        """The objectives with the targets that counted, each with its evidence."""
        pairs = zip(self.service.objectives, self.objectives, strict=True)
        return tuple((objective.aiming_at(one.exception), one) for objective, one in pairs)


@dataclass(frozen=True)
class Pull:
    """A pull request as GitHub has it now.

    Attributes:
        changed_lines: lines added and lines deleted, together; None when GitHub did not tell.
    """

    repository: str
    number: int
    title: str
    author: str
    head_sha: str
    base_ref: str
    labels: tuple[str, ...] = ()
    open: bool = True
    draft: bool = False
    changed_lines: int | None = None


@dataclass(frozen=True)
class Closed:
    """A pull request that is closed, or gone; ``merged_at`` is None where it was not merged."""

    merged_at: datetime | None = None


COMMAND = "/gatekeeper override"
"""Stands for the label where an override was asked for in a comment."""
REVOKE = "/gatekeeper revoke"
"""The same where overrides were taken back."""
RECHECK = "/gatekeeper recheck"
"""The same where somebody may not have everything looked at anew."""


@dataclass(frozen=True)
class Command:
    """An override that somebody asked for, or took back, in a comment; whether they may is judged with each pass.

    Attributes:
        revokes: whether it takes back.
        reason: what they gave as reason, or None.
    """

    revokes: bool
    actor: str
    at: datetime
    reason: str | None = None


@dataclass(frozen=True)
class OverrideRequest:
    """An override label on the pull request, or a command for one, and who stands behind it.

    Attributes:
        label: ``COMMAND`` for a command.
        actor: login of whoever put it there last; empty when GitHub does not tell.
        human: False for bots and Apps.
        teams: of the teams that touched policies name, those with the actor as active member (``@org/slug``).
        reason: what the actor gave as reason, or None.
        given_for: the head SHA that it was granted for first; None when it never was.
    """

    label: str
    actor: str
    human: bool
    labeled_at: datetime
    teams: tuple[str, ...] = ()
    reason: str | None = None
    given_for: str | None = None


@dataclass(frozen=True)
class Revocation:
    """Somebody took back the overrides that were asked for until then.

    Attributes:
        teams: as an override request's.
    """

    actor: str
    at: datetime
    teams: tuple[str, ...] = ()


@dataclass(frozen=True)
class ExemptLabel:
    """An exempting label on the pull request, and who stands behind it.

    Attributes:
        actor: login of whoever put it there last; empty when GitHub does not tell.
        human: False for bots and Apps.
        teams: of the teams that may override where the label exempts, those with the actor as active member.
        writes: whether the actor may write to the repository; asked only where a policy names no such team.
        trusted: nobody looked into it, and it counts.
    """

    label: str
    actor: str
    human: bool
    labeled_at: datetime
    teams: tuple[str, ...] = ()
    writes: bool = False
    trusted: bool = False


@dataclass(frozen=True)
class Revert:
    """A merged change that the pull request says it takes back.

    Attributes:
        number: of the pull request that brought it.
        base_ref: the branch it went to.
        here: what the pull request changes, since it left the branch.
        there: what the merge changed on the branch.
        again: whether that one took back a change itself.
        problem: why they could not be compared (plain text); then ``here`` and ``there`` say nothing.
    """

    number: int
    base_ref: str
    here: tuple[FileChange, ...] = ()
    there: tuple[FileChange, ...] = ()
    again: bool = False
    problem: str = ""


@dataclass(frozen=True)
class Refusal:
    """A label that was refused on this pull request, an override's or an exempting one: kept in the comment."""

    label: str
    actor: str
    why: str
    at: datetime


@dataclass(frozen=True)
class Past:
    """What is on record of the overrides of a pull request.

    Attributes:
        refusals: each label's last ruling, where that was a refusal.
        commands: what was asked for in comments, oldest first.
        given_for: (label, when it was asked for, head SHA) of each override when it was granted first.
    """

    refusals: tuple[Refusal, ...] = ()
    commands: tuple[Command, ...] = ()
    given_for: tuple[tuple[str, datetime, str], ...] = ()


@dataclass(frozen=True)
class Snapshot:
    """All a decision depends on."""

    now: datetime
    pull: Pull
    services: tuple[ServiceView, ...]
    requests: tuple[OverrideRequest, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    check_required: bool = False
    policy_problems: tuple[str, ...] = ()
    exempting: tuple[ExemptLabel, ...] = ()
    reverts: tuple[Revert, ...] = ()
    revocations: tuple[Revocation, ...] = ()
