"""Passes that look at many things and touch the few that need it: a repository, an installation, a commit."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from gatekeeper.errors import GitHubRefusedError, NotFoundError
from gatekeeper.events.keys import Kind, WorkKey
from gatekeeper.events.triggers import Priority, Touch
from gatekeeper.worker.policy_pass import LOST, NOT_THERE
from gatekeeper.worker.pull_pass import FAN_OUT


class OpenPulls(Protocol):
    """The open pull requests on GitHub."""

    def open_pulls(self, repository: str) -> Iterable[tuple[str, int, str]]:
        """Repository (as it is named by now), number and fingerprint of each."""

    def pulls_of_commit(self, repository: str, sha: str) -> tuple[int, ...]:
        """Numbers of the open pull requests with this head."""

    def groups(self, repository: str) -> Iterable[str]:
        """The head SHAs of the merge groups that are there."""


class Repositories(Protocol):
    """The repositories of an installation."""

    def repositories(
        self, installation: int, now: datetime
    ) -> tuple[Sequence[str], Sequence[str], Sequence[str]]:
        """Put its repositories on record; the names of those it has, of archived ones, and of those it lost."""

    def forget(self, installation: int) -> Sequence[str]:
        """The installation is gone; the names of its repositories."""


class KnownPull(Protocol):
    """What we remember of an open pull request; ``gatekeeper.store.pulls.KnownPull`` is the real one."""

    @property
    def seen(self) -> str:
        """Its fingerprint when a pass last brought GitHub in line."""

    @property
    def priority(self) -> Priority:
        """How soon it is looked at when a gate moves."""


class KnownPulls(Protocol):
    """What we remember of open pull requests."""

    def open(self, repository: str) -> Mapping[int, KnownPull]:
        """By number, what is remembered of each."""

    def groups(self, repository: str) -> Mapping[str, Sequence[int]]:
        """By head SHA, the pull requests of each merge group that was there when last looked at."""

    def with_head(self, repository: str, sha: str) -> Sequence[int]:
        """Numbers of those with this head."""

    def close(self, repository: str, number: int, now: datetime) -> None:
        """One is closed or gone."""


class Touching(Protocol):
    """Puts work in the queue."""

    def touch(self, touches: Sequence[Touch]) -> None:
        """Look at these."""


class Queue(Touching, Protocol):
    """The queue, and what was given up there."""

    def parked(self) -> Sequence[WorkKey]:
        """Work that waits for a person."""


def again(parked: Iterable[WorkKey]) -> list[Touch]:
    """What was given up, to be tried again with all that was asked of it; a pull request as if its gate had moved."""
    return [Touch(one, Priority.SWEEP, FAN_OUT if one.kind is Kind.PULL else {}) for one in parked]


class RepositoryPass:
    """Finds the open pull requests that changed without our hearing of it.

    Args:
        archived: whether a repository is known to be archived. Its pull requests can neither be merged nor written to,
            so they count as closed until it is opened again.
    """

    def __init__(
        self, github: OpenPulls, known: KnownPulls, work: Touching, archived: Callable[[str], bool]
    ) -> None:
        self._github = github
        self._known = known
        self._work = work
        self._archived = archived

    def __call__(self, key: WorkKey, hints: Sequence[Mapping[str, Any]], now: datetime) -> Mapping[str, Any]:
        """Run the pass: after a change of policy all open pull requests are touched, else those that differ.

        Raises:
            GitHubError: GitHub failed; tried again later.
            GitHubRefusedError: GitHub will not list them; parked.
        """
        repository, fan_out = key.name, FAN_OUT in hints
        known = self._known.open(repository)
        listed = None if self._archived(repository) else self._listed(repository)
        names = {name for name, _, _ in listed or ()} - {repository}
        if listed is None or names:
            return self._gone(repository, known, sorted(names), now, fan_out=fan_out)
        there = {number: seen for _, number, seen in listed}
        missed = {
            number for number, seen in there.items() if number not in known or known[number].seen != seen
        }
        missed |= known.keys() - there.keys()
        # What is not there any more too: its pass forgets it.
        groups = {*self._github.groups(repository), *self._known.groups(repository)}
        touches = [Touch(WorkKey.group(repository, sha), Priority.QUEUED) for sha in sorted(groups)]
        touches += [
            Touch(WorkKey.pull(repository, one), known[one].priority if one in known else Priority.OPEN)
            for one in sorted(missed)
        ]
        if fan_out:
            others = sorted(there.keys() - missed)
            touches += [Touch(WorkKey.pull(repository, one), known[one].priority, FAN_OUT) for one in others]
        self._work.touch(touches)
        return {"open": len(there), "missed": len(missed), "touched": len(touches)}

    def _listed(self, repository: str) -> Sequence[tuple[str, int, str]] | None:
        """The open ones; None when the repository is not there, or the App not installed on it any more."""
        try:
            return list(self._github.open_pulls(repository))
        except NotFoundError:
            return None
        except GitHubRefusedError as error:
            if error.status in NOT_THERE:
                return None
            raise

    def _gone(
        self, repository: str, known: Iterable[int], names: Iterable[str], now: datetime, *, fan_out: bool
    ) -> Mapping[str, Any]:
        """No such repository: nothing is open there; under its other name, if it has one, all is looked at."""
        for number in sorted(known):
            self._known.close(repository, number, now)
        hint = FAN_OUT if fan_out else {}
        self._work.touch([Touch(WorkKey(Kind.REPOSITORY, name), Priority.SWEEP, hint) for name in names])
        return {"open": 0, "moved": list(names)}


class InstallationPass:
    """Learns which repositories an installation has; their policies, pull requests and checks are looked at."""

    def __init__(self, repositories: Repositories, work: Queue) -> None:
        self._repositories = repositories
        self._work = work

    def __call__(self, key: WorkKey, hints: Sequence[Mapping[str, Any]], now: datetime) -> Mapping[str, Any]:
        """Run the pass. What was given up in these repositories is tried again: permissions may have come since.

        Raises:
            GitHubError: GitHub failed; tried again later.
            GitHubRefusedError: the installation is suspended, or GitHub does not let us in: nothing is forgotten.
        """
        del hints
        installation = int(key.subject)
        try:
            names, archived, lost = self._repositories.repositories(installation, now)
        except GitHubRefusedError as error:
            if error.status not in NOT_THERE:
                raise
            names, archived, lost = (), (), self._repositories.forget(installation)
        kinds = (Kind.POLICIES, Kind.REPOSITORY, Kind.ANNOUNCEMENT)
        touches = [Touch(WorkKey(kind, name), Priority.SWEEP) for name in names for kind in kinds]
        touches += [Touch(WorkKey(Kind.POLICIES, name), Priority.SWEEP, LOST) for name in lost]
        touches += [Touch(WorkKey(Kind.REPOSITORY, name), Priority.SWEEP) for name in (*lost, *archived)]
        # What waits there goes on under the new name, if it has one, or is forgotten.
        touches += [Touch(WorkKey(Kind.RUNS, name), Priority.EVENT) for name in lost]
        touches += again(parked for parked in self._work.parked() if parked.name in {*names})
        self._work.touch(touches)
        return {"repositories": len(names), "lost": len(lost)}


class CommitPass:
    """Finds the pull requests of a commit, where an event names only the commit (pushes in forks)."""

    def __init__(self, github: OpenPulls, known: KnownPulls, work: Touching) -> None:
        self._github = github
        self._known = known
        self._work = work

    def __call__(self, key: WorkKey, hints: Sequence[Mapping[str, Any]], now: datetime) -> Mapping[str, Any]:
        """Run the pass; what was asked of the commit is asked of its pull requests.

        Raises:
            GitHubError: GitHub failed; tried again later.
            GitHubRefusedError: GitHub will not do it.
        """
        del now
        repository, sha = key.name, key.detail
        numbers = self._known.with_head(repository, sha) or self._github.pulls_of_commit(repository, sha)
        asked = hints or [{}]
        keys = [WorkKey.pull(repository, number) for number in numbers]
        if not keys and sha in self._known.groups(repository):
            keys = [WorkKey.group(repository, sha)]
        touches = [Touch(key, Priority.PERSON, hint) for key in keys for hint in asked]
        self._work.touch(touches)
        return {"found": [str(key) for key in keys]}
