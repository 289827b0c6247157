"""The pass over a merge group: what its pull requests come to together, on the commit that would land."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from gatekeeper.act.apply import GATE, POLICY, Channel, Target
from gatekeeper.act.plan import Actual, Write, checks
from gatekeeper.decide.desired import Check, digest
from gatekeeper.decide.group import (
    Member,
    combined_group_check,
    group_check,
    judge_members,
    policy_group_check,
    strictest,
    waiting_group_check,
)
from gatekeeper.decide.snapshot import Closed, Snapshot
from gatekeeper.decide.verdict import Verdict
from gatekeeper.errors import GitHubRefusedError, PermanentError, TemporaryError
from gatekeeper.events.keys import Kind, WorkKey
from gatekeeper.events.ours import Heard
from gatekeeper.events.triggers import Priority, Touch

_FIRST = 1.0
"""Seconds to wait for policies that were never read: a queue is waiting."""


AHEAD = timedelta(seconds=30)
"""How long GitHub has to take out a pull request whose own group failed, before the groups behind it fail as well."""


class Entry(Protocol):
    """A pull request in the queue."""

    @property
    def number(self) -> int:
        """Its number."""

    @property
    def head_sha(self) -> str | None:
        """The commit of its own group, once that is built."""


class Seen(Protocol):
    """A pull request of the group."""

    @property
    def snapshot(self) -> Snapshot:
        """What to decide from."""


class Observer(Protocol):
    """Reads a group."""

    def branch(self, repository: str, sha: str) -> str | None:
        """The branch that it would land on; None when it is not there any more."""

    def entries(self, repository: str, branch: str, sha: str) -> Sequence[Entry]:
        """What would land with it, in order; its own pull request is the last."""

    def member(self, repository: str, number: int, now: datetime) -> Seen | Closed:
        """One of them as it is now."""

    def required(self, repository: str, branch: str) -> frozenset[str]:
        """The checks that the branch requires."""

    def otherwise(self, repository: str, branch: str, sha: str, numbers: Sequence[int]) -> Sequence[str]:
        """The policy files that landing it leaves as none of these pull requests does alone."""

    def there(self, repository: str, sha: str, channel: Channel, now: datetime, heard: Heard) -> Actual:
        """Our check on the group's commit."""


class Record(Protocol):
    """Where a pass leaves what it found, before anything is written on GitHub."""

    def knows_policies(self, repository: str) -> bool:
        """Whether the policy files that may cover a repository were read."""

    def save(
        self, repository: str, sha: str, branch: str, members: Sequence[Member], essence: str, now: datetime
    ) -> str:
        """Remember the group and the decision on its strictest member; that decision's id."""

    def failed_at(self, repository: str, sha: str) -> datetime | None:
        """When a group was told that it is blocked; None when it was not."""

    def forget(self, repository: str, sha: str) -> None:
        """The group landed, or is gone."""

    def policy_check(self, repository: str, number: int, sha: str) -> Check | None:
        """What was said last of the policy files of a pull request with this head."""

    def touch(self, touches: Sequence[Touch]) -> None:
        """Look at these too."""


class Actor(Protocol):
    """Writes on GitHub."""

    def apply(self, writes: Sequence[Write], target: Target) -> None:
        """Send the writes."""


@dataclass(frozen=True)
class GroupPass:
    """Answers for one merge group, with the checks that its branch waits for.

    Attributes:
        link: makes the URL of a decision's page from its id; None when nobody can reach this server.
    """

    observer: Observer
    record: Record
    gate: Actor
    policy: Actor
    link: Callable[[str], str | None]

    def __call__(self, key: WorkKey, hints: Sequence[Mapping[str, Any]], now: datetime) -> Mapping[str, Any]:
        """Run the pass; what it did, for the log.

        Raises:
            GitHubError: GitHub failed; tried again later.
            GitHubRefusedError: GitHub will not show a pull request of it; parked.
            PermanentError: GitHub will not show the queue. The group was told so, and fails.
            TemporaryError: its queue does not show it yet, the policies were not read yet, or the group of one ahead
                of it has to fail first.
        """
        repository, sha = key.name, key.detail
        branch = self.observer.branch(repository, sha)
        if branch is None:
            self.record.forget(repository, sha)
            return {"verdict": "gone"}
        if not self.record.knows_policies(repository):
            self.record.touch([Touch(WorkKey(Kind.POLICIES, repository), Priority.PERSON)])
            raise TemporaryError(f"the policies of {repository} are not read yet", retry_after=_FIRST)
        required = self.observer.required(repository, branch)
        place = _Place(
            repository, sha, now, Heard.of(hints, everything=any(hint.get("button") for hint in hints))
        )
        try:
            entries = self.observer.entries(repository, branch, sha)
        except GitHubRefusedError as error:
            self._put(self.gate, GATE, _unreadable(error), place)
            raise PermanentError(f"the merge queue of {repository} cannot be read: {error}") from error
        return self._judge(place, branch, entries, required)

    def _judge(
        self, place: "_Place", branch: str, entries: Sequence[Entry], required: frozenset[str]
    ) -> Mapping[str, Any]:
        seen = [self.observer.member(place.repository, one.number, place.now) for one in entries]
        open_ones = [one.snapshot for one in seen if not isinstance(one, Closed)]
        if not open_ones:
            raise TemporaryError(f"all of the group {place.sha[:7]} is closed, and it is still there")
        members = judge_members(open_ones)
        self._wait_for_those_ahead(place, entries, members)
        check = group_check(members)
        identity = self.record.save(place.repository, place.sha, branch, members, check.essence, place.now)
        written = self._put(self.gate, GATE, check, place, self.link(identity))
        if POLICY.name in required:
            written += self._put(self.policy, POLICY, self._policy_check(place, branch, open_ones), place)
        return {
            "verdict": strictest(members).decision.verdict.name.lower(),
            "pulls": [one.number for one in entries],
            "decision": identity,
            "writes": written,
        }

    def _wait_for_those_ahead(
        self, place: "_Place", entries: Sequence[Entry], members: Sequence[Member]
    ) -> None:
        """One that is blocked falls with its own group, so that nobody behind it is taken out in its place.

        A queue that lands groups whole may keep it all the same: then the group as a whole has to fail. Until then it
        is in progress: what was said before the gate shut must not let it land.
        """
        blocked = {one.snapshot.pull.number for one in members if one.decision.verdict is Verdict.BLOCK}
        ahead = ((one.number, one.head_sha) for one in entries[:-1] if one.number in blocked)
        for number, sha in ahead:
            if sha is None:
                continue
            failed_at = self.record.failed_at(place.repository, sha)
            if failed_at is None:
                self.record.touch([Touch(WorkKey.group(place.repository, sha), Priority.QUEUED)])
            if failed_at is None or place.now - failed_at < AHEAD:
                self._put(self.gate, GATE, waiting_group_check(number), place)
                said = f"the group {sha[:7]} ahead of {place.sha[:7]} has to fail first"
                raise TemporaryError(said, retry_after=_FIRST)

    def _policy_check(self, place: "_Place", branch: str, members: Sequence[Snapshot]) -> Check:
        check = policy_group_check(self._of_policies(members))
        if check.verdict is not Verdict.ALLOW:
            return check
        numbers = [one.pull.number for one in members]
        together = self.observer.otherwise(place.repository, branch, place.sha, numbers)
        return combined_group_check(branch, together) if together else check

    def _of_policies(self, members: Iterable[Snapshot]) -> list[tuple[int, Check | None]]:
        pulls = (one.pull for one in members)
        return [
            (pull.number, self.record.policy_check(pull.repository, pull.number, pull.head_sha))
            for pull in pulls
        ]

    def _put(
        self, actor: Actor, channel: Channel, check: Check, place: "_Place", details_url: str | None = None
    ) -> list[str]:
        there = self.observer.there(place.repository, place.sha, channel, place.now, place.heard)
        writes = tuple(checks(check, there, again=place.heard.everything))
        # No pull request has the number 0: the group's checks are written on behalf of nobody else.
        actor.apply(writes, Target(place.repository, 0, place.sha, details_url, place.now))
        return [channel.name] if writes else []


@dataclass(frozen=True)
class _Place:
    """The commit that is answered for, and what was heard of checks like ours on it."""

    repository: str
    sha: str
    now: datetime
    heard: Heard


def _unreadable(error: GitHubRefusedError) -> Check:
    title = "Gatekeeper may not read the merge queue, so nobody knows what would land"
    summary = (
        f"GitHub answered: {error}\n\nThe App needs the permission *merge queues: read*, accepted by an owner of the "
        "organisation. `gatekeeper doctor` lists what is missing."
    )
    return Check("failure", title, summary, "", digest(["group", str(error.status)]), Verdict.BLOCK)
