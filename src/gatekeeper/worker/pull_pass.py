"""The pass over one pull request: observe, decide, plan, apply."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from gatekeeper.act.apply import Target
from gatekeeper.act.plan import Actual, AlignCheck, PutCheck, Write, plan
from gatekeeper.decide.desired import Desired, desire
from gatekeeper.decide.evaluate import Decision, decide
from gatekeeper.decide.opening import OpeningRequest
from gatekeeper.decide.snapshot import Closed, Pull, Snapshot
from gatekeeper.errors import GitHubRefusedError, PermanentError, TemporaryError
from gatekeeper.events.commands import CommandName
from gatekeeper.events.keys import Kind, WorkKey
from gatekeeper.events.ours import REVIEWED, WRITTEN, Heard, forged
from gatekeeper.events.triggers import Priority, Touch
from gatekeeper.policy.covers import Everything
from gatekeeper.policy.proposal import policy_paths

FAN_OUT: Mapping[str, str] = {"because": "transition"}
"""The hint of a touch that comes from a gate or a policy that moved, not from the pull request."""
TIDY: Mapping[str, str] = {"because": "its check was written"}
"""The hint of the pass that comes after that: comment and labels keep no other check waiting."""
_QUIET = (FAN_OUT, TIDY)

_OF_POLICIES = frozenset({None, "policy check", "policy comment"})
_EXPLAIN = frozenset({CommandName.EXPLAIN, CommandName.STATUS, CommandName.HELP, CommandName.UNKNOWN})
"""What is answered in the comment, which has the commands too."""
_OF_SERVICES = frozenset({CommandName.OPEN, CommandName.CLOSE})
_REFUSED_OUTSIDE = (
    "`@{actor}` may not ask for it: whoever may write here can, and who wrote this change. It is looked at by itself "
    "whenever something changes"
)
_ON_RECORD = frozenset({CommandName.OVERRIDE, CommandName.REVOKE})


class Seen(Protocol):
    """An open pull request as it was observed; ``gatekeeper.observe.pulls.Observed`` is the real one."""

    @property
    def snapshot(self) -> Snapshot:
        """What to decide from."""

    @property
    def actual(self) -> Actual:
        """What of ours is there."""

    @property
    def seen(self) -> str:
        """Fingerprint of what a sweep can tell apart; empty when it is to be looked at again."""

    @property
    def paths(self) -> tuple[str, ...] | Everything:
        """What it changes."""

    @property
    def policies_here(self) -> bool:
        """Whether policies in force were read from its repository."""

    @property
    def unread(self) -> Sequence[str]:
        """What GitHub would not show, and why."""


class Observer(Protocol):
    """Reads a pull request."""

    def observe(self, repository: str, number: int, now: datetime, heard: Heard) -> Seen | Closed:
        """As it is now, with what was heard of things like ours."""

    def login(self) -> str:
        """The login that we write under."""

    def may_write(self, repository: str, login: str) -> bool:
        """Whether a user may write to the repository."""

    def opening(self, repository: str, hint: Mapping[str, Any]) -> OpeningRequest:
        """What somebody asks for of a whole service."""


class Known(Protocol):
    """What is remembered of a pull request; ``gatekeeper.store.pulls.KnownPull`` is the real one."""

    @property
    def seen(self) -> str:
        """Its fingerprint when a pass last brought GitHub in line."""

    @property
    def asked(self) -> bool:
        """Whether somebody asked for every number."""

    @property
    def head_sha(self) -> str:
        """Its newest commit then."""

    @property
    def paths(self) -> tuple[str, ...] | None:
        """What it changed then; None when that could not be listed."""


class Record(Protocol):
    """Where a pass leaves what it found, before anything is written on GitHub."""

    def knows_policies(self, repository: str) -> bool:
        """Whether the policy files that may cover a repository were read."""

    def known(self, repository: str, number: int) -> Known | None:
        """What is remembered; None when it was never decided on, or was closed."""

    def close(
        self, repository: str, number: int, now: datetime, *, merged_at: datetime | None = None
    ) -> None:
        """It is closed or gone; others with the same head are looked at again, and if it landed the services."""

    def command(self, repository: str, number: int, hint: Mapping[str, Any], now: datetime) -> None:
        """Put an override on record that somebody asked for in a comment, or took back there."""

    def refused(self, repository: str, number: int, hint: Mapping[str, Any], why: str, now: datetime) -> None:
        """It was refused to look at everything anew, for this reason."""

    def forged(self, repository: str, number: int, forgery: Mapping[str, Any], now: datetime) -> None:
        """Somebody else set a commit status of our name."""

    def opened(self, repository: str, number: int, request: OpeningRequest, now: datetime) -> None:
        """Rule on what somebody asks for of a whole service, put it on record, and look at the service."""

    def rulings(self, snapshot: Snapshot, decision: Decision) -> None:
        """What came of override requests."""

    def decided(self, seen: Any, decision: Decision, essence: str, *, asked: bool, known: Any) -> str:
        """The decision; its id, an earlier one's when nothing that matters changed.

        Raises:
            TemporaryError: what was ``known`` before the look is not what is known now.
        """

    def in_line(self, seen: Any, identity: str) -> bool:
        """GitHub says what was decided; False when another pass has decided anew meanwhile."""

    def has_moved(self, snapshot: Snapshot) -> bool:
        """Whether a gate stands elsewhere than where it was met."""

    def rivals(self, repository: str, number: int, sha: str) -> Iterable[tuple[Snapshot, Decision]]:
        """What was decided for other open pull requests with the same head."""

    def deploying(self, repository: str) -> Sequence[int]:
        """The workflow runs of a repository that wait for our answer."""

    def groups(self, repository: str) -> Mapping[str, Sequence[int]]:
        """By head SHA, the pull requests of each merge group that is known to be there."""

    def touch(self, touches: Sequence[Touch]) -> None:
        """Look at these too."""


class Actor(Protocol):
    """Writes on GitHub."""

    def apply(self, writes: Sequence[Write], target: Target) -> None:
        """Send the writes."""


@dataclass(frozen=True)
class Asked:
    """What people asked of this pass.

    Attributes:
        again: write even what has not changed.
        later: leave all but the check for later: it keeps many others waiting.
        explain: put every number into the comment.
        may_comment: somebody looks at this pull request, so a first comment is no noise.
        heard: what events told of things like ours.
    """

    again: bool
    later: bool
    explain: bool
    may_comment: bool
    heard: Heard

    @classmethod
    def of(cls, hints: Sequence[Mapping[str, Any]], *, forged: bool = False) -> "Asked":
        """Read the hints of a piece of work; a plain event leaves none.

        Args:
            hints: what the events said.
            forged: whether somebody else set a status under our name, behind which ours counts no more.
        """
        commands = {hint.get("command") for hint in hints}
        buttons = {hint.get("button") for hint in hints} - {None}
        # What strangers ask is answered where the answer is another one than before: not as often as they like.
        again = forged or bool(
            buttons or {one.get("command") for one in hints if "outside" not in one} - {None}
        )
        return cls(
            again=again,
            later=bool(hints) and all(hint == FAN_OUT for hint in hints),
            explain=bool(commands & _EXPLAIN) or "explain" in buttons,
            may_comment=not hints
            or any(hint not in _QUIET and not {"made", *WRITTEN} & hint.keys() for hint in hints),
            heard=Heard.of(hints, everything=again),
        )


class PullPass:
    """Brings one pull request's check, comment and labels in line with the gates it touches.

    Args:
        link: makes the URL of a decision's page from its id; None when nobody can reach this server.
        policy_repository: name of the organisation's policy repository.
    """

    def __init__(
        self,
        observer: Observer,
        record: Record,
        actor: Actor,
        link: Callable[[str], str | None],
        policy_repository: str = ".github",
    ) -> None:
        self._policy_repository = policy_repository
        self._observer = observer
        self._record = record
        self._actor = actor
        self._link = link

    def __call__(self, key: WorkKey, hints: Sequence[Mapping[str, Any]], now: datetime) -> Mapping[str, Any]:
        """Run the pass; what it did, for the log.

        Raises:
            GitHubError: GitHub failed; tried again later.
            GitHubRefusedError: GitHub will not show the pull request; parked.
            PermanentError: GitHub refused a part; all the rest was done, and the refusal is put where people see it.
            TemporaryError: somebody asked for something, and the policies were not read yet; or another worker was
                faster.
        """
        repository, number = key.name, int(key.detail)
        forgeries = forged(hints, self._observer.login)
        if not self._record.knows_policies(repository):
            return self._read_policies_first(repository, Asked.of(hints, forged=bool(forgeries)))
        hints = [one for one in hints if self._heeds(repository, number, one, now)]
        asked = Asked.of(hints, forged=any("status" in one for one in forgeries))
        self._take(repository, number, hints, now)
        for forgery in forgeries:
            self._record.forged(repository, number, forgery, now)
        known = self._record.known(repository, number)
        seen = self._observer.observe(repository, number, now, asked.heard)
        if isinstance(seen, Closed):
            if known is not None and _touches_policies(known.paths):
                self._propose(repository, number, ())
            self._record.close(repository, number, now, merged_at=seen.merged_at)
            self._touch_runs(repository)
            return {"verdict": "closed"}
        if seen.snapshot.pull.repository != repository:
            return self._moved(repository, seen.snapshot.pull, now)
        if _may_propose(seen, known, again=asked.again) or repository.endswith(f"/{self._policy_repository}"):
            self._propose(repository, number, hints)
        return self._judge(seen, known, asked, now)

    def _take(self, repository: str, number: int, hints: Sequence[Mapping[str, Any]], now: datetime) -> None:
        """Put on record what was asked for in comments."""
        for hint in hints:
            if hint.get("command") in _ON_RECORD:
                self._record.command(repository, number, hint, now)
            if hint.get("command") in _OF_SERVICES:
                self._record.opened(repository, number, self._observer.opening(repository, hint), now)

    def _heeds(self, repository: str, number: int, hint: Mapping[str, Any], now: datetime) -> bool:
        """Whether what somebody asks for is done: to look at everything anew costs many requests and queries."""
        if "outside" not in hint or hint.get("command") != CommandName.RECHECK:
            return True
        if self._observer.may_write(repository, hint["actor"]):
            return True
        self._record.refused(repository, number, hint, _REFUSED_OUTSIDE.format(actor=hint["actor"]), now)
        return False

    def _propose(self, repository: str, number: int, hints: Sequence[Mapping[str, Any]]) -> None:
        """Have its policy files looked at, as often as somebody asked for it."""
        quiet = (*_QUIET, REVIEWED)
        silent = {*WRITTEN, "outside"}
        told = [hint for hint in hints if hint and hint not in quiet and not silent & hint.keys()]
        asked = [hint for hint in told if hint.get("made") in _OF_POLICIES] or [{}]
        key = WorkKey.proposal(repository, number)
        self._record.touch([Touch(key, Priority.EVENT, hint) for hint in asked])

    def _read_policies_first(self, repository: str, asked: Asked) -> Mapping[str, Any]:
        """The pass over the policies touches the repository's pull requests when it is done."""
        self._record.touch([Touch(WorkKey(Kind.POLICIES, repository), Priority.PERSON)])
        if asked.again:  # a finished pass forgets what was asked of it
            raise TemporaryError(f"the policies of {repository} are not read yet")
        return {"verdict": "waiting for the policies"}

    def _moved(self, repository: str, pull: Pull, now: datetime) -> Mapping[str, Any]:
        """The repository has another name by now, under which GitHub has answered."""
        self._record.close(repository, pull.number, now)
        self._record.touch([Touch(WorkKey.pull(pull.repository, pull.number))])
        return {"verdict": "moved", "repository": pull.repository}

    def _judge(self, seen: Seen, known: Known | None, asked: Asked, now: datetime) -> Mapping[str, Any]:
        snapshot, pull = seen.snapshot, seen.snapshot.pull
        explained = asked.explain or (known is not None and known.asked)
        decision = decide(snapshot)
        own = desire(snapshot, decision, explained=explained)
        identity = self._record.decided(seen, decision, own.check.essence, asked=explained, known=known)
        self._record.rulings(snapshot, decision)
        desired = self._strictest(own, pull)
        # An event leaves no hint, so a fan-out that came with it would hide it: the pull request itself tells.
        changed = known is None or known.seen != seen.seen
        writes = plan(desired, seen.actual, may_comment=asked.may_comment or changed, again=asked.again)
        if asked.later and not changed:
            writes = self._check_first(writes, pull)
        target = Target(pull.repository, pull.number, pull.head_sha, self._link(identity), now)
        if refused := [*seen.unread, *self._apply(writes, target)]:
            raise PermanentError("; ".join(refused))
        if writes and known is not None and asked.may_comment:  # a gate that moved has told the groups itself
            self._touch_groups(pull)
        # Nobody could touch what was not on record when a gate moved. Once for each head: it is on record now.
        fresh = known is None or known.head_sha != pull.head_sha
        missed = fresh and self._record.has_moved(snapshot)
        stale = writes and self._strictest(own, pull) != desired
        if not self._record.in_line(seen, identity) or missed or stale:
            self._record.touch([Touch(WorkKey.pull(pull.repository, pull.number), hint=FAN_OUT)])
        return {
            "verdict": decision.verdict.name.lower(),
            "services": [ruling.service for ruling in decision.rulings],
            "decision": identity,
            "writes": [type(write).__name__ for write in writes],
        }

    def _check_first(self, writes: Sequence[Write], pull: Pull) -> tuple[Write, ...]:
        """The writes without those that block nobody and let nobody pass, which come when all checks are written."""
        checks = tuple(one for one in writes if isinstance(one, PutCheck | AlignCheck))
        if len(checks) < len(writes):
            self._record.touch([Touch(WorkKey.tidy(pull.repository, pull.number), Priority.SWEEP)])
        return checks

    def _touch_runs(self, repository: str) -> None:
        """A label that was put on after the merge may let a deployment go that brings it."""
        if runs := self._record.deploying(repository):
            self._record.touch([Touch(WorkKey.run(repository, run), Priority.DEPLOYING) for run in runs])

    def _touch_groups(self, pull: Pull) -> None:
        """What changed for it has changed for the merge groups that it is in."""
        groups = self._record.groups(pull.repository)
        queued = [sha for sha, numbers in groups.items() if pull.number in numbers]
        self._record.touch([Touch(WorkKey.group(pull.repository, sha), Priority.QUEUED) for sha in queued])

    def _apply(self, writes: Sequence[Write], target: Target) -> list[str]:
        """Send the writes; why those that GitHub refused were. One it refuses must not keep the others back."""
        refused = []
        for write in writes:
            try:
                self._actor.apply([write], target)
            except GitHubRefusedError as error:
                refused.append(str(error))
        return refused

    def _strictest(self, desired: Desired, pull: Pull) -> Desired:
        """A check belongs to a commit: of the pull requests that share one, the strictest is shown.

        Of equally strict ones the lowest number's, whoever looks, so that they do not write it in turns.
        """
        rivals = self._record.rivals(pull.repository, pull.number, pull.head_sha)
        checks = [(desired.check, pull.number)]
        checks += [(desire(*rival).check, rival[0].pull.number) for rival in rivals]
        strictest, _ = max(checks, key=lambda one: (one[0].verdict, one[0].needed, -one[1]))
        return desired.with_check(strictest)


@dataclass(frozen=True)
class TidyPass:
    """Brings what the check left for later in line; nobody waits for it."""

    pull: Callable[[WorkKey, Sequence[Mapping[str, Any]], datetime], Mapping[str, Any]]

    def __call__(self, key: WorkKey, hints: Sequence[Mapping[str, Any]], now: datetime) -> Mapping[str, Any]:
        """Run the pass over the pull request; raises what that raises."""
        del hints
        return self.pull(WorkKey.pull(key.name, int(key.detail)), [TIDY], now)


def _may_propose(seen: Seen, known: Known | None, *, again: bool) -> bool:
    """Whether it changes policy files, or did, or its branch may wait for a check that says that it does not.

    The latter is found out once for each head, and whenever somebody asks: a rule may have come since.
    """
    before = known.paths if known is not None else ()
    fresh = known is None or known.head_sha != seen.snapshot.pull.head_sha
    return (
        _touches_policies(None if isinstance(seen.paths, Everything) else seen.paths)
        or _touches_policies(before)
        or ((fresh or again) and seen.policies_here)
    )


def _touches_policies(paths: tuple[str, ...] | None) -> bool:
    return paths is None or bool(policy_paths(paths))
