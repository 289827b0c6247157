"""What a deployment brings: the pull requests between the commit that was let go last and the one to be deployed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from gatekeeper.decide.deployment import Brought, Content, Touching
from gatekeeper.decide.snapshot import Past, ServiceView
from gatekeeper.errors import GitHubRefusedError
from gatekeeper.github.values import Comparison, Files, PullData
from gatekeeper.observe import comments, exempting, overrides
from gatekeeper.observe.comments import Comments
from gatekeeper.observe.exempting import Exempting
from gatekeeper.observe.overrides import Overrides
from gatekeeper.observe.pulls import MOST_FILES, pull_of
from gatekeeper.policy.covers import Everything, Touch, exempt_by_paths, touched, touched_anywhere

MOST_COMMITS = 50
"""Each costs a request once. What brings more is not looked into, and may touch everything."""
_REMEMBERED = 10_000


class Reader(comments.Reader, exempting.Reader, overrides.Reader, Protocol):
    """What is read of a deployment's content. Strict subset of the GitHub client's methods."""

    def compare(self, repository: str, base: str, head: str) -> Comparison:
        """What ``head`` has that ``base`` has not."""

    def pulls_with(self, repository: str, sha: str) -> tuple[int, ...]:
        """Numbers of the pull requests, open or merged, that a commit came with."""

    def pull(self, repository: str, number: int) -> PullData:
        """A pull request."""

    def files(self, repository: str, number: int, *, changed_files: int | None) -> Files:
        """Its changed files, of which GitHub counts so many."""


class Memory(Protocol):
    """What was decided on pull requests."""

    def past(self, repository: str, number: int) -> Past:
        """What is on record of one's overrides."""

    def took_back(self, repository: str, number: int, sha: str) -> bool:
        """Whether one with this head was let through because it takes back a merged change exactly."""


class Contents:
    """Reads contents. What can never change is remembered: what lies between two commits, and whence a commit came."""

    def __init__(self, reader: Reader, memory: Memory) -> None:
        self._reader = reader
        self._memory = memory
        self._spans: dict[tuple[str, str, str], Comparison] = {}
        self._origins: dict[tuple[str, str], tuple[int, ...]] = {}
        self._paths: dict[tuple[str, int, str], tuple[str, ...] | Everything] = {}

    def between(
        self, repository: str, since: str, sha: str, views: Sequence[ServiceView], now: datetime
    ) -> Content | None:
        """The pull requests that came after ``since``, as far as they touch these services.

        None when that cannot be told: too much, something that came without a pull request or is only a part of one
        (which another part may hide), or GitHub will not say.

        Raises:
            GitHubError: as the client's.
        """
        try:
            span = self._span(repository, since, sha)
            if not span.complete or len(span.commits) > MOST_COMMITS:
                return None
            if not span.commits:
                back = since == sha or self._has_landed(repository, sha, views)
                return Content(since) if back else None
            origins = [self._origin(repository, commit) for commit in span.commits]
            numbers = sorted({number for found in origins for number in found})
            pulls = {number: self._reader.pull(repository, number) for number in numbers}
            whole = {number for number, pull in pulls.items() if _tip(pull) in span.commits}
            if not all(whole.intersection(found) for found in origins):
                return None
            return Content(since, tuple(self._brought(pulls[number], views, now) for number in numbers))
        except GitHubRefusedError:  # the commit is gone, or we may not look: then it may bring anything
            return None

    def _has_landed(self, repository: str, sha: str, views: Sequence[ServiceView]) -> bool:
        """Whether a branch that a gate holds was at this commit, as far as pull requests tell.

        A commit in the middle of a pull request never ran: what came after it in there may have taken it back.
        """
        pulls = [self._reader.pull(repository, number) for number in self._origin(repository, sha)]
        return not pulls or any(pull.merge_commit == sha and _is_held(pull, views) for pull in pulls)

    def _span(self, repository: str, since: str, sha: str) -> Comparison:
        key = (repository, since, sha)
        if key not in self._spans:
            _make_room(self._spans)
            self._spans[key] = self._reader.compare(*key)
        return self._spans[key]

    def _origin(self, repository: str, commit: str) -> tuple[int, ...]:
        key = (repository, commit)
        found = self._origins.get(key) or self._reader.pulls_with(*key)
        _make_room(self._origins)
        self._origins[key] = found
        return found

    def _brought(self, pull: PullData, views: Sequence[ServiceView], now: datetime) -> Brought:
        repository, number = pull.repository, pull.number
        touches = touched_anywhere((view.service for view in views), repository, self._changed(pull))
        keys = {touch.service.key for touch in touches}
        met = [view for view in views if view.service.key in keys]
        conversation = Comments(self._reader, repository, number)
        asked = Overrides(self._reader, conversation).on(pull, met, self._memory.past(repository, number))
        behind = Exempting(self._reader).on(pull, met, now)
        return Brought(
            pull_of(pull),
            tuple(map(_touching, touches)),
            asked.requests,
            behind.labels,
            asked.revocations,
            takes_back=self._memory.took_back(repository, number, pull.head_sha),
        )

    def _changed(self, pull: PullData) -> tuple[str, ...] | Everything:
        key = (pull.repository, pull.number, pull.head_sha)
        if key not in self._paths:
            files = self._reader.files(pull.repository, pull.number, changed_files=pull.changed_files)
            _make_room(self._paths)
            self._paths[key] = files.paths if files.complete else Everything()
        return self._paths[key]


def _tip(pull: PullData) -> str | None:
    """The commit with which all of a pull request is there."""
    return pull.head_sha if pull.open else pull.merge_commit


def _is_held(pull: PullData, views: Sequence[ServiceView]) -> bool:
    """Whether a gate holds what goes to its branch; nobody needs more than the right to push to land it elsewhere."""
    about = {
        "repository": pull.repository,
        "base_branch": pull.base_ref,
        "default_branch": pull.default_branch,
    }
    services = (view.service for view in views)
    return pull.base_ref == pull.default_branch or bool(touched(services, paths=Everything(), **about))


def _touching(touch: Touch) -> Touching:
    exempt = bool(touch.paths) and exempt_by_paths(touch.service, touch.paths)
    return Touching(touch.service.key, touch.paths[:MOST_FILES], exempt)


def _make_room(remembered: dict[Any, Any]) -> None:
    if len(remembered) >= _REMEMBERED:
        remembered.clear()
