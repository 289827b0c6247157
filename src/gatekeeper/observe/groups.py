"""A merge group as it is now: whether it is still there, and which pull requests are in it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gatekeeper.act.apply import Channel
from gatekeeper.act.plan import Actual
from gatekeeper.decide.snapshot import Closed
from gatekeeper.decide.study import Proposed
from gatekeeper.errors import GitHubRefusedError, TemporaryError
from gatekeeper.events.ours import Heard
from gatekeeper.github.values import GroupData, PolicyTree, QueueEntry
from gatekeeper.observe import ours
from gatekeeper.observe.ours import Ours
from gatekeeper.observe.proposals import differing
from gatekeeper.observe.pulls import NO_RULES, Observed, PullObserver
from gatekeeper.policy.covers import Everything

_SOON = 2.0
"""Seconds until a group that is built shows in its queue."""


class Reader(ours.Reader, Protocol):
    """What is read of a merge queue. Strict subset of the GitHub client's methods."""

    def open_groups(self, repository: str) -> tuple[GroupData, ...]:
        """The groups that are built at the moment."""

    def merge_queue(self, repository: str, branch: str) -> tuple[QueueEntry, ...]:
        """The entries of a branch's queue."""

    def required_checks(self, repository: str, branch: str) -> frozenset[str]:
        """Names of the checks that a branch requires."""

    def policy_tree(self, repository: str, *, ref: str) -> PolicyTree:
        """The files under ``policies/`` on a branch or at a commit."""


class Proposals(Protocol):
    """What pull requests do to policy files."""

    def observe(self, repository: str, number: int) -> Proposed | Closed:
        """One of them now."""


@dataclass(frozen=True)
class GroupObserver:
    """Reads a group, and its pull requests as their own passes do."""

    reader: Reader
    pulls: PullObserver
    proposals: Proposals
    memory: ours.Memory

    def branch(self, repository: str, sha: str) -> str | None:
        """The branch that a group would land on; None when the group is not there any more.

        Raises:
            GitHubError, GitHubRefusedError: as the client's.
        """
        found = (one.branch for one in self.reader.open_groups(repository) if one.head_sha == sha)
        return next(found, None)

    def entries(self, repository: str, branch: str, sha: str) -> tuple[QueueEntry, ...]:
        """What would land with it: all that are ahead of its own pull request, and that one last.

        Raises:
            TemporaryError: it does not show in its queue yet.
            GitHubError, GitHubRefusedError: as the client's.
        """
        queue = sorted(self.reader.merge_queue(repository, branch), key=lambda one: one.position)
        last = next((one.position for one in queue if one.head_sha == sha), None)
        if last is None:
            raise TemporaryError(
                f"the group {sha[:7]} does not show in the queue of {branch}", retry_after=_SOON
            )
        return tuple(one for one in queue if one.position <= last)

    def member(self, repository: str, number: int, now: datetime) -> Observed | Closed:
        """One of them as it is now."""
        return self.pulls.observe(repository, number, now)

    def required(self, repository: str, branch: str) -> frozenset[str]:
        """The checks that the branch requires; none where GitHub does not tell."""
        try:
            return self.reader.required_checks(repository, branch)
        except GitHubRefusedError as error:
            if error.status in NO_RULES:
                return frozenset()
            raise

    def otherwise(self, repository: str, branch: str, sha: str, numbers: Iterable[int]) -> tuple[str, ...]:
        """The policy files that a group leaves as none of its pull requests does alone, which is what was judged.

        Raises:
            GitHubError, GitHubRefusedError: as the client's; also while GitHub has not worked out how one merges.
        """
        base = self.reader.policy_tree(repository, ref=branch)
        together = self.reader.policy_tree(repository, ref=sha)
        changed = differing(base, together)
        if not changed:
            return ()
        proposed = [self.proposals.observe(repository, number) for number in numbers]
        if any(isinstance(one, Proposed) and not one.place.in_force for one in proposed):
            return ()  # policies count on another branch
        left, alone = dict(together.files), [_left_by(one, changed) for one in proposed]
        return tuple(
            path
            for path in sorted(changed)
            if path in together.left_out or left.get(path) not in [one[path] for one in alone if path in one]
        )

    def there(self, repository: str, sha: str, channel: Channel, now: datetime, heard: Heard) -> Actual:
        """Our check of a name on the group's commit."""
        check, spares = Ours(self.reader, self.memory, channel).check(repository, sha, now, heard)
        return Actual(check, None, frozenset(), spares)


def _left_by(one: Proposed | Closed, paths: Iterable[str]) -> Mapping[str, str | None]:
    """What a pull request alone leaves of those of these policy files that it changes; None for one that is gone."""
    if isinstance(one, Closed):
        return {}
    left = {file.path: file.text for file in one.head.files}
    known = (path for path in paths if isinstance(one.changed, Everything) or path in one.changed)
    return {path: left.get(path) for path in known if path not in one.head.left_out}
