"""One pull request as it is now: what it touches, what of ours is on it, who asks to override."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

from gatekeeper.act.apply import GATE
from gatekeeper.act.plan import Actual
from gatekeeper.decide.desired import CHECK_NAME
from gatekeeper.decide.opening import OpeningRequest
from gatekeeper.decide.snapshot import Closed, Past, Pull, ServiceView, Snapshot
from gatekeeper.errors import GitHubError, GitHubRefusedError
from gatekeeper.events.ours import Heard
from gatekeeper.github.values import Files, GroupData, PullData
from gatekeeper.observe import comments, exempting, ours, overrides, reverts, reviews
from gatekeeper.observe.comments import Comments
from gatekeeper.observe.exempting import Exempting
from gatekeeper.observe.openings import Openings
from gatekeeper.observe.ours import Ours
from gatekeeper.observe.overrides import Overrides
from gatekeeper.observe.reverts import Reverts
from gatekeeper.observe.reviews import is_approved
from gatekeeper.observe.views import Gates, current
from gatekeeper.policy.covers import Everything, Touch, exempt_by_paths, touched
from gatekeeper.policy.model import Service

NOTHING_HEARD = Heard()
GONE = frozenset({404, 410})
NO_RULES = frozenset({403, 404})
"""GitHub's answers where a plan or a version has no rulesets: private repositories of free plans, old servers."""
MOST_FILES = 20
"""As many touched paths are kept with a decision; the text shows fewer."""


class Reader(
    comments.Reader,
    overrides.Reader,
    exempting.Reader,
    reverts.Reader,
    reviews.Reader,
    ours.Reader,
    Protocol,
):
    """What is read of a pull request. Strict subset of the GitHub client's methods."""

    def pull(self, repository: str, number: int) -> PullData:
        """The pull request."""

    def files(self, repository: str, number: int, *, changed_files: int | None) -> Files:
        """Its changed files, of which GitHub counts so many."""

    def required_checks(self, repository: str, branch: str) -> frozenset[str]:
        """Names of the checks that a branch requires."""


class Catalog(Protocol):
    """The policies in force."""

    def in_force(self, organization: str) -> tuple[tuple[Service, str | None], ...]:
        """An organisation's services, each with what is wrong with a newer version of its file."""

    def problems(self, repository: str) -> tuple[str, ...]:
        """What is wrong with a repository's policy files."""


class Memory(reverts.Memory, ours.Memory, Protocol):
    """What is remembered of the pull request."""

    def paths(self, repository: str, number: int, of: str) -> tuple[str, ...] | Everything | None:
        """Its changed paths when head SHA and base are still ``of``; None when not known."""

    def past(self, repository: str, number: int) -> Past:
        """What is on record of its overrides."""


@dataclass(frozen=True)
class Observed:
    """A pull request, and the pieces to remember of it.

    Attributes:
        paths_of: what ``paths`` belong to; while it is the same, they are not listed again.
        seen: fingerprint of what a sweep can tell apart; empty when it is to be looked at again.
        policies_here: whether policies in force were read from its repository.
        unread: what GitHub would not show, and why.
        auto_merge: whether it is to land by itself as soon as it may.
        approved: whether those who reviewed it agree; None where nobody was asked, and what was known holds.
    """

    snapshot: Snapshot
    actual: Actual
    paths: tuple[str, ...] | Everything
    paths_of: str
    seen: str
    policies_here: bool = False
    unread: tuple[str, ...] = ()
    auto_merge: bool = False
    approved: bool | None = None


def fingerprint(pull: PullData) -> str:
    """Changes with whatever a sweep can tell apart: commits, base, default branch, labels, open or not, auto-merge."""
    facts = [
        pull.head_sha,
        pull.base_ref,
        pull.default_branch,
        sorted(pull.labels),
        pull.open,
        pull.draft,
        pull.auto_merge,
    ]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]


class PullObserver:
    """Reads as little as possible: files are remembered by head SHA, what we wrote by its id."""

    def __init__(self, reader: Reader, catalog: Catalog, gates: Gates, memory: Memory) -> None:
        self._reader = reader
        self._catalog = catalog
        self._gates = gates
        self._memory = memory
        self._ours = Ours(reader, memory, GATE)
        self._openings = Openings(reader, catalog)

    def login(self) -> str:
        """The login that we write under."""
        return self._reader.login()

    def may_write(self, repository: str, login: str) -> bool:
        """Whether a user may write to the repository."""
        return self._reader.may_write(repository, login)

    def opening(self, repository: str, hint: Mapping[str, Any]) -> OpeningRequest:
        """What somebody asks for of a whole service in a comment; raises as ``Openings.asked``."""
        return self._openings.asked(repository, hint)

    def observe(
        self, repository: str, number: int, now: datetime, heard: Heard = NOTHING_HEARD
    ) -> Observed | Closed:
        """The pull request now.

        Args:
            repository: ``owner/name``.
            number: of the pull request.
            now: the present.
            heard: what events told of things like ours.

        Raises:
            GitHubError: GitHub failed, or the pull request was pushed to between two reads.
            GitHubRefusedError: GitHub will not show it.
        """
        pull = self._pull(repository, number)
        if pull is None or not pull.open:
            return Closed(pull.merged_at if pull is not None else None)
        paths_of = f"{pull.head_sha} {pull.base_ref} {pull.changed_files}"
        paths = self._paths(pull, paths_of)
        standing = self._catalog.in_force(pull.repository.split("/")[0])
        views = self._views(pull, paths, standing, now)
        comments = Comments(self._reader, repository, number)
        past = self._memory.past(repository, number)
        asked = Overrides(self._reader, comments).on(pull, views, past)
        behind = Exempting(self._reader).on(pull, views, now)
        snapshot = Snapshot(
            now=now,
            pull=pull_of(pull),
            services=views,
            requests=asked.requests,
            refusals=past.refusals,
            check_required=not views and self._requires_check(pull),
            policy_problems=self._catalog.problems(repository),
            exempting=behind.labels,
            reverts=Reverts(self._reader, self._memory).on(pull, views, now),
            revocations=asked.revocations,
        )
        # Where nothing would be written, nothing needs to be looked for.
        look = bool(views or snapshot.check_required or snapshot.policy_problems)
        return Observed(
            snapshot,
            self._ours.on(snapshot.pull, comments, now, look=look, heard=heard),
            paths,
            paths_of,
            seen=fingerprint(pull) if asked.complete and behind.complete else "",
            policies_here=any(one.origin.repository == pull.repository for one, _ in standing),
            unread=(*asked.unread, *behind.unread),
            auto_merge=pull.auto_merge,
            approved=is_approved(self._reader, pull) if heard.reviewed else None,
        )

    def _pull(self, repository: str, number: int) -> PullData | None:
        try:
            return self._reader.pull(repository, number)
        except GitHubRefusedError as error:
            if error.status in GONE:
                return None
            raise

    def _paths(self, pull: PullData, of: str) -> tuple[str, ...] | Everything:
        known = self._memory.paths(pull.repository, pull.number, of)
        if known is not None:
            return known
        files = self._reader.files(pull.repository, pull.number, changed_files=pull.changed_files)
        if others := files.heads - {
            pull.head_sha
        }:  # remembered as this head's, they would exempt it by another's
            raise GitHubError(f"{pull.repository}#{pull.number} went on to {min(others)} meanwhile")
        return files.paths if files.complete else Everything()

    def _views(
        self,
        pull: PullData,
        paths: tuple[str, ...] | Everything,
        standing: Sequence[tuple[Service, str | None]],
        now: datetime,
    ) -> tuple[ServiceView, ...]:
        problems = {service.key: problem for service, problem in standing}
        found = touched(
            [service for service, _ in standing],
            repository=pull.repository,
            base_branch=pull.base_ref,
            default_branch=pull.default_branch,
            paths=paths,
        )
        return tuple(self._view(touch, problems[touch.service.key], now) for touch in found)

    def _view(self, touch: Touch, problem: str | None, now: datetime) -> ServiceView:
        exempt = bool(touch.paths) and exempt_by_paths(touch.service, touch.paths)
        view = current(self._gates, touch.service, problem, now)
        return replace(view, files=touch.paths[:MOST_FILES], all_exempt=exempt)

    def _requires_check(self, pull: PullData) -> bool:
        """Whether the target branch waits for our check; where GitHub does not tell, it has no rules to ask about."""
        try:
            return CHECK_NAME in self._reader.required_checks(pull.repository, pull.base_ref)
        except GitHubRefusedError as error:
            if error.status in NO_RULES:
                return False
            raise


def pull_of(pull: PullData) -> Pull:
    """A pull request as decisions are made from it."""
    return Pull(
        repository=pull.repository,
        number=pull.number,
        title=pull.title,
        author=pull.author,
        head_sha=pull.head_sha,
        base_ref=pull.base_ref,
        labels=tuple(sorted(pull.labels)),
        open=pull.open,
        draft=pull.draft,
        changed_lines=pull.changed_lines,
    )


class Listing(Protocol):
    """What is read of many pull requests at once. Strict subset of the GitHub client's methods."""

    def open_pulls(self, repository: str) -> Iterator[PullData]:
        """The open pull requests."""

    def pulls_of_commit(self, repository: str, sha: str) -> tuple[int, ...]:
        """Numbers of the open ones with this head."""

    def open_groups(self, repository: str) -> tuple[GroupData, ...]:
        """The merge groups that are there."""


class OpenPulls:
    """The open pull requests of a repository, as a sweep compares them."""

    def __init__(self, listing: Listing) -> None:
        self._listing = listing

    def open_pulls(self, repository: str) -> Iterator[tuple[str, int, str]]:
        """Repository (as it is named by now), number and fingerprint of each."""
        listed = self._listing.open_pulls(repository)
        return ((one.repository, one.number, fingerprint(one)) for one in listed)

    def pulls_of_commit(self, repository: str, sha: str) -> tuple[int, ...]:
        """Numbers of the open pull requests with this head."""
        return self._listing.pulls_of_commit(repository, sha)

    def groups(self, repository: str) -> tuple[str, ...]:
        """The head SHAs of the merge groups that are there."""
        return tuple(one.head_sha for one in self._listing.open_groups(repository))
