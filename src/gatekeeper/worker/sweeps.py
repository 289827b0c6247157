"""Passes that look at many things and touch the few that need it: a repository, an installation, a commit."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from gatekeeper.errors import GitHubRefusedError, NotFoundError
from gatekeeper.events.keys import Kind, WorkKey
from gatekeeper.events.triggers import Priority, Touch
from gatekeeper.worker.policy_pass import LOST
from gatekeeper.worker.pull_pass import FAN_OUT

GONE = frozenset({403, 404, 410})


class OpenPulls(Protocol):
    """The open pull requests on GitHub."""

    def open_pulls(self, repository: str) -> Iterator[tuple[int, str]]:
        """Number and fingerprint of each."""

    def pulls_of_commit(self, repository: str, sha: str) -> tuple[int, ...]:
        """Numbers of the open pull requests with this head."""


class Repositories(Protocol):
    """The repositories of an installation."""

    def repositories(self, installation: int) -> tuple[Sequence[str], Sequence[str]]:
        """Put the installation's repositories on record; the names of those it has, and of those it lost."""

    def forget(self, installation: int) -> Sequence[str]:
        """The installation is gone; the names of its repositories."""


class KnownPulls(Protocol):
    """What we remember of open pull requests."""

    def seen(self, repository: str) -> Mapping[int, str]:
        """By number, the fingerprint of each."""

    def with_head(self, repository: str, sha: str) -> Sequence[int]:
        """Numbers of those with this head."""


class Touching(Protocol):
    """Puts work in the queue."""

    def touch(self, touches: Sequence[Touch]) -> None:
        """Look at these."""


class RepositoryPass:
    """Finds the open pull requests that changed without our hearing of it."""

    def __init__(self, github: OpenPulls, known: KnownPulls, work: Touching) -> None:
        self._github = github
        self._known = known
        self._work = work

    def __call__(self, key: WorkKey, hints: Sequence[Mapping[str, Any]], now: datetime) -> Mapping[str, Any]:
        """Run the pass: after a change of policy all open pull requests are touched, else those that differ.

        Raises:
            GitHubError: GitHub failed; tried again later.
        """
        del now  # passes have one signature
        repository = key.name
        known = self._known.seen(repository)
        there = self._open(repository)
        missed = [number for number, seen in there.items() if known.get(number) != seen]
        missed += [number for number in known if number not in there]
        touches = [Touch(WorkKey.pull(repository, number), Priority.SWEEP) for number in sorted(missed)]
        if FAN_OUT in hints:
            others = sorted(set(there) - set(missed))
            touches += [Touch(WorkKey.pull(repository, one), Priority.SWEEP, FAN_OUT) for one in others]
        self._work.touch(touches)
        return {"open": len(there), "missed": len(missed), "touched": len(touches)}

    def _open(self, repository: str) -> Mapping[int, str]:
        try:
            return dict(self._github.open_pulls(repository))
        except NotFoundError:  # the App is not installed there any more
            return {}
        except GitHubRefusedError as error:
            if error.status in GONE:
                return {}
            raise


class InstallationPass:
    """Learns which repositories an installation has, and looks at their policies and pull requests."""

    def __init__(self, repositories: Repositories, work: Touching) -> None:
        self._repositories = repositories
        self._work = work

    def __call__(self, key: WorkKey, hints: Sequence[Mapping[str, Any]], now: datetime) -> Mapping[str, Any]:
        """Run the pass.

        Raises:
            GitHubError: GitHub failed; tried again later.
        """
        del hints, now
        installation = int(key.subject)
        try:
            names, lost = self._repositories.repositories(installation)
        except GitHubRefusedError as error:
            if error.status not in GONE:
                raise
            names, lost = (), self._repositories.forget(installation)
        kinds = (Kind.POLICIES, Kind.REPOSITORY)
        touches = [Touch(WorkKey(kind, name), Priority.SWEEP) for name in names for kind in kinds]
        touches += [Touch(WorkKey(Kind.POLICIES, name), Priority.SWEEP, LOST) for name in lost]
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
        touches = [
            Touch(WorkKey.pull(repository, number), Priority.PERSON, hint)
            for number in numbers
            for hint in asked
        ]
        self._work.touch(touches)
        return {"pulls": list(numbers)}
