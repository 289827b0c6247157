"""The pass over one pull request: observe, decide, plan, apply."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

from gatekeeper.act.apply import Target
from gatekeeper.act.plan import Actual, Write, plan
from gatekeeper.decide.desired import Check, Desired, desire
from gatekeeper.decide.evaluate import Decision, decide
from gatekeeper.decide.snapshot import Snapshot
from gatekeeper.decide.verdict import Verdict
from gatekeeper.events.commands import CommandName
from gatekeeper.events.keys import Kind, WorkKey
from gatekeeper.events.triggers import Priority, Touch

FAN_OUT: Mapping[str, str] = {"because": "transition"}
"""The hint of a touch that comes from a gate or a policy that moved, not from the pull request."""

_EXPLAIN = frozenset({CommandName.EXPLAIN, CommandName.STATUS})


class Seen(Protocol):
    """An open pull request as it was observed; ``gatekeeper.observe.pulls.Observed`` is the real one."""

    @property
    def snapshot(self) -> Snapshot:
        """What to decide from."""

    @property
    def actual(self) -> Actual:
        """What of ours is there."""


class Observer(Protocol):
    """Reads a pull request."""

    def observe(self, repository: str, number: int, now: datetime) -> Seen | None:
        """As it is now; None when it is closed or gone."""


class Record(Protocol):
    """Where a pass leaves what it found, before anything is written on GitHub."""

    def knows_policies(self, repository: str) -> bool:
        """Whether the policy files that may cover a repository were read."""

    def close(self, repository: str, number: int, now: datetime) -> tuple[int, ...]:
        """It is closed; the numbers of other open pull requests with the same head."""

    def rulings(self, snapshot: Snapshot, decision: Decision) -> None:
        """What came of override requests."""

    def asked(self, repository: str, number: int) -> bool:
        """Whether somebody asked for every number before."""

    def decided(self, seen: Any, decision: Decision, essence: str, *, asked: bool) -> str:
        """The decision; its id, an earlier one's when nothing that matters changed."""

    def rivals(self, repository: str, number: int, sha: str) -> Iterable[tuple[Snapshot, Decision]]:
        """What was decided for other open pull requests with the same head."""

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
        explain: put every number into the comment.
        may_comment: somebody looks at this pull request, so a first comment is no noise.
    """

    again: bool
    explain: bool
    may_comment: bool

    @classmethod
    def of(cls, hints: Sequence[Mapping[str, Any]]) -> "Asked":
        """Read the hints of a piece of work; a plain event leaves none."""
        commands = {hint.get("command") for hint in hints}
        buttons = {hint.get("button") for hint in hints} - {None}
        return cls(
            again=bool(buttons or commands - {None}),
            explain=bool(commands & _EXPLAIN) or "explain" in buttons,
            may_comment=not hints or any(hint != FAN_OUT for hint in hints),
        )


class PullPass:
    """Brings one pull request's check, comment and labels in line with the gates it touches.

    Args:
        link: makes the URL of a decision's page from its id; None when nobody can reach this server.
    """

    def __init__(
        self, observer: Observer, record: Record, actor: Actor, link: Callable[[str], str | None]
    ) -> None:
        self._observer = observer
        self._record = record
        self._actor = actor
        self._link = link

    def __call__(self, key: WorkKey, hints: Sequence[Mapping[str, Any]], now: datetime) -> Mapping[str, Any]:
        """Run the pass; what it did, for the log.

        Raises:
            GitHubError: GitHub failed; tried again later.
            GitHubRefusedError: GitHub will not do it; parked.
        """
        repository, number = key.name, int(key.detail)
        if not self._record.knows_policies(repository):
            self._read_policies_first(repository)
            return {"verdict": "waiting for the policies"}
        seen = self._observer.observe(repository, number, now)
        if seen is None:
            return self._closed(repository, number, now)
        return self._judge(seen, Asked.of(hints), now)

    def _read_policies_first(self, repository: str) -> None:
        """The pass over the policies touches the repository's pull requests when it is done."""
        self._record.touch([Touch(WorkKey(Kind.POLICIES, repository), Priority.PERSON)])

    def _closed(self, repository: str, number: int, now: datetime) -> Mapping[str, Any]:
        neighbours = self._record.close(repository, number, now)
        self._record.touch([Touch(WorkKey.pull(repository, other)) for other in neighbours])
        return {"verdict": "closed"}

    def _judge(self, seen: Seen, asked: Asked, now: datetime) -> Mapping[str, Any]:
        snapshot, pull = seen.snapshot, seen.snapshot.pull
        explained = asked.explain or self._record.asked(pull.repository, pull.number)
        decision = decide(snapshot)
        self._record.rulings(snapshot, decision)
        desired = desire(snapshot, decision, explained=explained)
        identity = self._record.decided(seen, decision, desired.check.essence, asked=explained)
        desired = self._strictest(desired, snapshot)
        writes = plan(desired, seen.actual, may_comment=asked.may_comment, again=asked.again)
        target = Target(pull.repository, pull.number, pull.head_sha, self._link(identity), now)
        self._actor.apply(writes, target)
        return {
            "verdict": decision.verdict.name.lower(),
            "services": [ruling.service for ruling in decision.rulings],
            "decision": identity,
            "writes": [type(write).__name__ for write in writes],
        }

    def _strictest(self, desired: Desired, snapshot: Snapshot) -> Desired:
        """A check belongs to a commit: of the pull requests that share one, the strictest is shown."""
        pull = snapshot.pull
        rivals = self._record.rivals(pull.repository, pull.number, pull.head_sha)
        checks = [desired.check, *(desire(*rival).check for rival in rivals)]
        return replace(desired, check=max(checks, key=_strictness))


def _strictness(check: Check) -> tuple[Verdict, bool]:
    return check.verdict, check.needed
