"""One pull request as it is now: what it touches, what of ours is on it, who asks to override."""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Protocol

from gatekeeper.act.apply import Kind, essence_of, is_ours
from gatekeeper.act.plan import Actual, InDoubt, Nothing, Published
from gatekeeper.decide.desired import CHECK_NAME
from gatekeeper.decide.snapshot import OverrideRequest, Pull, Refusal, ServiceView, Snapshot
from gatekeeper.decide.standing import as_of, unseen
from gatekeeper.errors import GitHubRefusedError
from gatekeeper.events.commands import CommandName, parse_command
from gatekeeper.github.values import CheckRunData, CommentData, Files, LabelEvent, PullData
from gatekeeper.policy.covers import Everything, Touch, exempt_by_paths, touched
from gatekeeper.policy.model import Service

GONE = frozenset({404, 410})
MOST_FILES = 20
"""As many touched paths are kept with a decision; the text shows fewer."""


class Reader(Protocol):
    """What is read of a pull request. Strict subset of the GitHub client's methods."""

    @property
    def mode(self) -> str:
        """``app``, or ``token``: then there are no check runs."""

    def pull(self, repository: str, number: int) -> PullData:
        """The pull request."""

    def files(self, repository: str, number: int, *, changed_files: int | None) -> Files:
        """Its changed files, of which GitHub counts so many."""

    def check_runs(self, repository: str, sha: str, name: str) -> tuple[CheckRunData, ...]:
        """Our check runs on a commit."""

    def comments(self, repository: str, number: int) -> Iterator[CommentData]:
        """Its comments."""

    def last_labeled(self, repository: str, number: int, label: str) -> LabelEvent | None:
        """Who put a label on it last."""

    def is_active_member(self, team: str, user: str) -> bool:
        """Whether a user is an active member of ``@org/slug``."""

    def required_checks(self, repository: str, branch: str) -> frozenset[str]:
        """Names of the checks that a branch requires."""

    def login(self) -> str:
        """The login that our comments appear under."""


class Catalog(Protocol):
    """The policies in force."""

    def in_force(self, organization: str) -> tuple[tuple[Service, str | None], ...]:
        """An organisation's services, each with what is wrong with a newer version of its file."""

    def problems(self, repository: str) -> tuple[str, ...]:
        """What is wrong with a repository's policy files."""


class Gates(Protocol):
    """Where each service's gate stands."""

    def view(self, service: str) -> ServiceView | None:
        """The gate and its evidence; None before the first pass."""


class Memory(Protocol):
    """What is remembered of the pull request."""

    def paths(self, repository: str, number: int, of: str) -> tuple[str, ...] | Everything | None:
        """Its changed paths when head SHA and base are still ``of``; None when not known."""

    def published(self, repository: str, kind: Kind, subject: str) -> Published | Nothing | InDoubt:
        """What of ours is on GitHub, as far as we know."""

    def found_nothing(self, repository: str, kind: Kind, subject: str, now: datetime) -> None:
        """We looked, and there is nothing of ours."""

    def refusals(self, repository: str, number: int) -> tuple[Refusal, ...]:
        """Overrides refused on it."""


@dataclass(frozen=True)
class Observed:
    """A pull request, and the pieces to remember of it."""

    snapshot: Snapshot
    actual: Actual
    paths: tuple[str, ...] | Everything
    paths_of: str
    seen: str


def fingerprint(pull: PullData) -> str:
    """Changes with whatever a sweep can tell apart: commits, base, labels, open or not."""
    facts = [pull.head_sha, pull.base_ref, sorted(pull.labels), pull.open, pull.draft]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]


class PullObserver:
    """Reads as little as possible: files are remembered by head SHA, what we wrote by its id."""

    def __init__(self, reader: Reader, catalog: Catalog, gates: Gates, memory: Memory) -> None:
        self._reader = reader
        self._catalog = catalog
        self._gates = gates
        self._memory = memory

    def observe(self, repository: str, number: int, now: datetime) -> Observed | None:
        """The pull request now; None when it is closed or gone.

        Raises:
            GitHubError: GitHub failed.
            GitHubRefusedError: GitHub will not show it.
        """
        pull = self._pull(repository, number)
        if pull is None or not pull.open:
            return None
        paths_of = f"{pull.head_sha} {pull.base_ref}"
        paths = self._paths(pull, paths_of)
        views = self._views(pull, paths, now)
        comments = _Comments(self._reader, repository, number)
        snapshot = Snapshot(
            now=now,
            pull=_pull(pull),
            services=views,
            requests=tuple(self._requests(pull, views, comments)),
            refusals=self._memory.refusals(repository, number),
            check_required=not views
            and CHECK_NAME in self._reader.required_checks(repository, pull.base_ref),
            policy_problems=self._catalog.problems(repository),
        )
        return Observed(snapshot, self._actual(snapshot, comments), paths, paths_of, fingerprint(pull))

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
        return files.paths if files.complete else Everything()

    def _views(
        self, pull: PullData, paths: tuple[str, ...] | Everything, now: datetime
    ) -> tuple[ServiceView, ...]:
        in_force = {
            service.key: (service, problem)
            for service, problem in self._catalog.in_force(pull.repository.split("/")[0])
        }
        found = touched(
            [service for service, _ in in_force.values()],
            repository=pull.repository,
            base_branch=pull.base_ref,
            default_branch=pull.default_branch,
            paths=paths,
        )
        return tuple(self._view(touch, in_force[touch.service.key][1], now) for touch in found)

    def _view(self, touch: Touch, problem: str | None, now: datetime) -> ServiceView:
        view = self._gates.view(touch.service.key)
        current = as_of(view, now) if view is not None else unseen(touch.service, now)
        exempt = bool(touch.paths) and exempt_by_paths(touch.service, touch.paths)
        return replace(current, files=touch.paths[:MOST_FILES], all_exempt=exempt, policy_problem=problem)

    def _requests(
        self, pull: PullData, views: Sequence[ServiceView], comments: "_Comments"
    ) -> Iterator[OverrideRequest]:
        gates = [view.service.gate.override for view in views]
        wanted = {
            gate.label.casefold() for gate in gates
        }  # to GitHub, labels that differ in case are the same
        for label in sorted(one for one in pull.labels if one.casefold() in wanted):
            event = self._reader.last_labeled(pull.repository, pull.number, label)
            if event is None:  # GitHub shows the label before its event: nobody stands behind it yet
                continue
            teams = sorted(
                {team for gate in gates if gate.label.casefold() == label.casefold() for team in gate.teams}
            )
            active = [
                team for team in teams if event.human and self._reader.is_active_member(team, event.actor)
            ]
            reason = comments.reason_of(event.actor) if active else None
            yield OverrideRequest(label, event.actor, event.human, event.at, tuple(active), reason)

    def _actual(self, snapshot: Snapshot, comments: "_Comments") -> Actual:
        pull = snapshot.pull
        # Where nothing would be written, nothing needs to be looked for.
        look = bool(snapshot.services or snapshot.check_required or snapshot.policy_problems)
        finders = {
            Kind.CHECK: (pull.head_sha, self._find_check),
            Kind.COMMENT: (str(pull.number), comments.ours),
        }
        found = {
            kind: self._published(kind, pull, subject, find if look else None, snapshot.now)
            for kind, (subject, find) in finders.items()
        }
        return Actual(found[Kind.CHECK], found[Kind.COMMENT], frozenset(pull.labels))

    def _published(
        self,
        kind: Kind,
        pull: Pull,
        subject: str,
        look: Callable[[Pull], Published | None] | None,
        now: datetime,
    ) -> Published | None:
        """What is there: as remembered, or as GitHub shows it where we are in doubt."""
        known = self._memory.published(pull.repository, kind, subject)
        match known:
            case Published():
                return known
            case Nothing():
                return None
        if look is None:
            return None
        found = look(pull)
        if found is None:
            self._memory.found_nothing(pull.repository, kind, subject, now)
        return found

    def _find_check(self, pull: Pull) -> Published | None:
        if self._reader.mode == "token":
            return None
        runs = self._reader.check_runs(pull.repository, pull.head_sha, CHECK_NAME)
        newest = max(runs, key=lambda run: run.id, default=None)
        return None if newest is None else Published(newest.id, newest.external_id)


class _Comments:
    """A pull request's comments, read at most once in a pass."""

    def __init__(self, reader: Reader, repository: str, number: int) -> None:
        self._reader = reader
        self._repository = repository
        self._number = number

    @cached_property
    def _all(self) -> tuple[CommentData, ...]:
        return tuple(self._reader.comments(self._repository, self._number))

    def ours(self, _pull: Pull) -> Published | None:
        """Our own comment, the oldest if there are several."""
        marked = [one for one in self._all if is_ours(one.body)]
        ours = [one for one in marked if one.author == self._reader.login()]  # anybody can write the marker
        return Published(ours[0].id, essence_of(ours[0].body)) if ours else None

    def reason_of(self, actor: str) -> str | None:
        """The reason for an override that its actor gave last."""
        commands = (parse_command(one.body) for one in self._all if one.author == actor)
        reasons = [one.argument for one in commands if one is not None and one.name is CommandName.OVERRIDE]
        return next((reason for reason in reversed(reasons) if reason), None)


def _pull(pull: PullData) -> Pull:
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
    )


class Listing(Protocol):
    """What is read of many pull requests at once. Strict subset of the GitHub client's methods."""

    def open_pulls(self, repository: str) -> Iterator[PullData]:
        """The open pull requests."""

    def pulls_of_commit(self, repository: str, sha: str) -> tuple[int, ...]:
        """Numbers of the open ones with this head."""


class OpenPulls:
    """The open pull requests of a repository, as a sweep compares them."""

    def __init__(self, listing: Listing) -> None:
        self._listing = listing

    def open_pulls(self, repository: str) -> Iterator[tuple[int, str]]:
        """Number and fingerprint of each."""
        return ((one.number, fingerprint(one)) for one in self._listing.open_pulls(repository))

    def pulls_of_commit(self, repository: str, sha: str) -> tuple[int, ...]:
        """Numbers of the open pull requests with this head."""
        return self._listing.pulls_of_commit(repository, sha)
