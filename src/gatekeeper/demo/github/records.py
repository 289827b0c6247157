"""Everything GitHub knows, under one lock, and how to find it. Acts that change it are in modules beside this one."""

from __future__ import annotations

import itertools
import threading
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from gatekeeper.demo.github.deliveries import Deliveries
from gatekeeper.demo.github.entities import ROLES, Account, AccountKind, Membership, Repository, Team
from gatekeeper.demo.github.errors import Refused, not_found
from gatekeeper.demo.github.git import Objects

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from gatekeeper.demo.github.deployment_entities import Deployment, DeploymentStatus, WorkflowRun
    from gatekeeper.demo.github.entities import (
        Activity,
        App,
        CheckRun,
        CheckSuite,
        Comment,
        Commit,
        Installation,
        InstallationToken,
        IssueEvent,
        Label,
        PreparedChange,
        PullRequest,
        QueueEntry,
        RequiredCheck,
        Review,
        Role,
        Status,
    )
    from gatekeeper.demo.github.registering import Credentials

PullKey = tuple[str, int]
K = TypeVar("K")
V = TypeVar("V")
R = TypeVar("R", "Comment", "CheckRun", "Deployment", "WorkflowRun")


@dataclass(slots=True)
class Records:
    """The state of the simulated GitHub.

    Attributes:
        clock: the present, aware UTC; GitHub's time stamps come from it.
        url: where this GitHub answers (API and pages), without a slash at the end; known once it listens.
        signing_clock: what tokens are held against where that is not ``clock``: somebody may move that one, while
            the App goes on signing by the real one.
        slow_merges: whether the first who asks if a pull request can be merged is told that it is not known yet.
        worked_out: the base and the head for which that is known, by pull request.
        lock: held by each act and each request, so that both see whole states.
    """

    clock: Callable[[], datetime]
    url: str = "http://127.0.0.1:0"
    lock: threading.RLock = field(default_factory=threading.RLock)
    accounts: dict[str, Account] = field(default_factory=dict)
    teams: dict[tuple[str, str], Team] = field(default_factory=dict)
    repositories: dict[str, Repository] = field(default_factory=dict)
    moved: dict[str, int] = field(default_factory=dict)
    roles: dict[tuple[str, str], Role] = field(default_factory=dict)
    objects: Objects = field(default_factory=Objects)
    branches: dict[tuple[str, str], str] = field(default_factory=dict)
    labels: dict[tuple[str, str], Label] = field(default_factory=dict)
    pulls: dict[PullKey, PullRequest] = field(default_factory=dict)
    slow_merges: bool = False
    worked_out: dict[PullKey, tuple[str, str]] = field(default_factory=dict)
    comments: dict[int, Comment] = field(default_factory=dict)
    reviews: list[Review] = field(default_factory=list)
    events: list[IssueEvent] = field(default_factory=list)
    suites: dict[int, CheckSuite] = field(default_factory=dict)
    checks: dict[int, CheckRun] = field(default_factory=dict)
    statuses: list[Status] = field(default_factory=list)
    required: list[RequiredCheck] = field(default_factory=list)
    activities: list[Activity] = field(default_factory=list)
    queued: set[tuple[str, str]] = field(default_factory=set)
    queues: dict[tuple[str, str], list[QueueEntry]] = field(default_factory=dict)
    deployments: dict[int, Deployment] = field(default_factory=dict)
    deployment_statuses: list[DeploymentStatus] = field(default_factory=list)
    protected: dict[tuple[str, str], frozenset[int]] = field(default_factory=dict)
    runs: dict[int, WorkflowRun] = field(default_factory=dict)
    apps: dict[int, App] = field(default_factory=dict)
    installations: dict[int, Installation] = field(default_factory=dict)
    tokens: dict[str, InstallationToken] = field(default_factory=dict)
    personal_tokens: dict[str, str] = field(default_factory=dict)
    codes: dict[str, Credentials] = field(default_factory=dict)
    prepared: list[PreparedChange] = field(default_factory=list)
    deliveries: Deliveries = field(default_factory=Deliveries)
    signing_clock: Callable[[], datetime] | None = None
    _ids: itertools.count[int] = field(default_factory=lambda: itertools.count(1001))

    def new_id(self) -> int:
        """An id nothing else has."""
        return next(self._ids)

    def now(self) -> datetime:
        """The present, in whole seconds as GitHub's time stamps are."""
        return self.clock().replace(microsecond=0)

    def signing_time(self) -> datetime:
        """The present as tokens see it, in whole seconds."""
        return (self.signing_clock or self.clock)().replace(microsecond=0)

    def account(self, login: str) -> Account:
        """The account of that login.

        Raises:
            Refused: 404.
        """
        return _known(self.accounts, login)

    def repository(self, full_name: str) -> Repository:
        """The repository ``owner/name``.

        Raises:
            Refused: 404.
        """
        return _known(self.repositories, full_name)

    def team(self, organization: str, slug: str) -> Team:
        """The team ``@organization/slug``.

        Raises:
            Refused: 404.
        """
        return _known(self.teams, (organization, slug))

    def pull(self, repository: str, number: int) -> PullRequest:
        """The pull request.

        Raises:
            Refused: 404.
        """
        return _known(self.pulls, (repository, number))

    def comment(self, repository: str, comment_id: int) -> Comment:
        """The comment, which must be in that repository.

        Raises:
            Refused: 404.
        """
        return _within(repository, _known(self.comments, comment_id))

    def check(self, repository: str, check_id: int) -> CheckRun:
        """The check run, which must be in that repository.

        Raises:
            Refused: 404.
        """
        return _within(repository, _known(self.checks, check_id))

    def deployment(self, repository: str, deployment_id: int) -> Deployment:
        """The deployment, which must be in that repository.

        Raises:
            Refused: 404.
        """
        return _within(repository, _known(self.deployments, deployment_id))

    def run(self, repository: str, run_id: int) -> WorkflowRun:
        """The workflow run, which must be in that repository.

        Raises:
            Refused: 404.
        """
        return _within(repository, _known(self.runs, run_id))

    def head(self, repository: str, branch: str) -> Commit:
        """The commit a branch points to.

        Raises:
            Refused: 404.
        """
        return self.objects.commits[_known(self.branches, (repository, branch))]

    def resolve(self, repository: str, ref: str) -> Commit:
        """The commit that a SHA, a branch name or ``heads/BRANCH`` means.

        Raises:
            Refused: 404 (for the API's 422 on commits see the caller).
        """
        name = ref.removeprefix("refs/").removeprefix("heads/")
        sha = self.branches.get((repository, name), ref)
        return _known(self.objects.commits, sha)

    def queue(self, repository: str, branch: str) -> list[QueueEntry]:
        """A branch's merge queue, the next to land first."""
        return self.queues.setdefault((repository, branch), [])

    def role(self, repository: str, login: str) -> Role:
        """What a person may do in a repository; ``none`` for a stranger."""
        return self.roles.get((repository, login), "none")

    def require_role(self, repository: str, login: str, least: Role) -> None:
        """Check that a person may act.

        Raises:
            Refused: 403, they hold less than ``least``.
        """
        if ROLES.index(self.role(repository, login)) < ROLES.index(least):
            raise Refused(403, f"Must have {least} rights to Repository.")

    def membership(self, team: Team, login: str) -> Membership | None:
        """The person's membership in a team or in one of its children; active wins over pending."""
        children = [
            one
            for one in self.teams.values()
            if (one.organization, one.parent) == (team.organization, team.slug)
        ]
        found = [team.members.get(login), *(self.membership(child, login) for child in children)]
        return max((one for one in found if one), key=lambda one: one.state == "active", default=None)

    def pulls_of(
        self, repository: str, *, head_sha: str | None = None, state: str | None = None
    ) -> list[PullRequest]:
        """The repository's pull requests by number, perhaps only those with this head or state."""
        return [
            pull
            for (name, _), pull in sorted(self.pulls.items())
            if name == repository and head_sha in {None, pull.head_sha} and state in {None, pull.state}
        ]

    def installation_of(self, full_name: str, app_id: int) -> Installation | None:
        """The App's installation that covers the repository, if there is one."""
        mine = (one for one in self.installations.values() if one.app_id == app_id)
        return next((one for one in mine if one.covers(full_name)), None)

    def add_account(self, login: str, kind: AccountKind = "User", *, name: str | None = None) -> Account:
        """Register a person, a bot or an organisation."""
        made = Account(self.new_id(), login, kind, name or login, self.now())
        self.accounts[login] = made
        return made

    def add_team(
        self, organization: str, slug: str, *, parent: str | None = None, members: Iterable[str] = ()
    ) -> Team:
        """Create a team with active members."""
        active = MappingProxyType(dict.fromkeys(members, Membership()))
        made = Team(self.new_id(), organization, slug, slug, self.now(), active, parent)
        self.teams[organization, slug] = made
        return made

    def set_membership(self, organization: str, slug: str, login: str, membership: Membership | None) -> None:
        """Let a person join a team, be invited (state ``pending``), or leave (None)."""
        team = self.team(organization, slug)
        members = {who: held for who, held in team.members.items() if who != login}
        if membership is not None:
            members[login] = membership
        self.teams[organization, slug] = replace(team, members=MappingProxyType(members))


def _known(table: Mapping[K, V], key: K) -> V:
    try:
        return table[key]
    except KeyError:
        raise not_found() from None


def _within(repository: str, found: R) -> R:
    if found.repository != repository:
        raise not_found()
    return found
