"""What GitHub keeps: people, repositories, pull requests, checks, Apps. Frozen values; the records replace them."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

AccountKind = Literal["User", "Bot", "Organization"]
ChangeStatus = Literal["added", "removed", "modified", "renamed"]
ActivityKind = Literal["push", "force_push", "branch_creation", "pr_merge", "merge_queue_merge"]
ReviewState = Literal["APPROVED", "CHANGES_REQUESTED", "COMMENTED", "DISMISSED"]
Role = Literal["none", "read", "triage", "write", "maintain", "admin"]
ROLES: tuple[Role, ...] = ("none", "read", "triage", "write", "maintain", "admin")  # weakest first


@dataclass(frozen=True, slots=True)
class Account:
    """A person, a bot or an organisation: on GitHub they share one name space."""

    id: int
    login: str
    kind: AccountKind
    name: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Membership:
    """A person's place in a team; only ``active`` counts, ``pending`` is an unanswered invitation."""

    role: Literal["member", "maintainer"] = "member"
    state: Literal["active", "pending"] = "active"


@dataclass(frozen=True, slots=True)
class Team:
    """A team of an organisation; members of a child team are members of its parent."""

    id: int
    organization: str
    slug: str
    name: str
    created_at: datetime
    members: Mapping[str, Membership] = field(default_factory=lambda: MappingProxyType({}))
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository's settings; its branches and commits are kept beside it."""

    id: int
    owner: str
    name: str
    private: bool
    description: str | None
    default_branch: str
    created_at: datetime
    archived: bool = False

    @property
    def full_name(self) -> str:
        """``owner/name``."""
        return f"{self.owner}/{self.name}"


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit with every file of its tree (path → bytes)."""

    sha: str
    tree: str
    files: Mapping[str, bytes]
    message: str
    author: str
    date: datetime
    parents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file of a diff, with GitHub's words for what happened to it."""

    path: str
    status: ChangeStatus
    sha: str
    additions: int
    deletions: int
    patch: str
    previous_path: str | None = None


@dataclass(frozen=True, slots=True)
class Label:
    """A label a repository knows; issues carry labels by name."""

    id: int
    repository: str
    name: str
    color: str
    description: str | None = None


@dataclass(frozen=True, slots=True)
class PullRequest:
    """A pull request.

    Attributes:
        head_repository: the fork it comes from; None for a branch of the repository itself.
        auto_merge_by: who asked for it to be merged as soon as it can be; None when nobody did.
    """

    id: int
    repository: str
    number: int
    title: str
    body: str | None
    author: str
    head_ref: str
    head_sha: str
    base_ref: str
    base_sha: str
    created_at: datetime
    updated_at: datetime
    labels: tuple[str, ...] = ()
    draft: bool = False
    state: Literal["open", "closed"] = "open"
    closed_at: datetime | None = None
    merged_at: datetime | None = None
    merged_by: str | None = None
    merge_commit_sha: str | None = None
    head_repository: str | None = None
    auto_merge_by: str | None = None

    @property
    def source(self) -> str:
        """The repository that the head branch is in."""
        return self.head_repository or self.repository


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment in the conversation of a pull request."""

    id: int
    repository: str
    number: int
    author: str
    body: str
    created_at: datetime
    updated_at: datetime
    app_id: int | None = None


@dataclass(frozen=True, slots=True)
class Review:
    """A review, and the head it was given on."""

    id: int
    repository: str
    number: int
    author: str
    state: ReviewState
    commit: str
    body: str
    submitted_at: datetime


@dataclass(frozen=True, slots=True)
class IssueEvent:
    """An entry of a pull request's history: ``labeled``, ``unlabeled``, ``closed``, ``reopened``, ``merged``."""

    id: int
    repository: str
    number: int
    event: str
    actor: str
    created_at: datetime
    label: str | None = None
    app_id: int | None = None


@dataclass(frozen=True, slots=True)
class CheckAction:
    """A button under a completed check run."""

    label: str
    description: str
    identifier: str


@dataclass(frozen=True, slots=True)
class Annotation:
    """A remark of a check run on lines of a file."""

    path: str
    start_line: int
    end_line: int
    annotation_level: str
    message: str
    title: str | None = None


@dataclass(frozen=True, slots=True)
class CheckOutput:
    """The text of a check run, Markdown in ``summary`` and ``text``."""

    title: str | None = None
    summary: str | None = None
    text: str | None = None
    annotations: tuple[Annotation, ...] = ()


@dataclass(frozen=True, slots=True)
class CheckSuite:
    """All check runs of one App on one commit."""

    id: int
    repository: str
    head_sha: str
    app_id: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class CheckRun:
    """A check run; ``conclusion`` is set exactly when ``status`` is ``completed``."""

    id: int
    repository: str
    suite_id: int
    app_id: int
    name: str
    head_sha: str
    status: str
    started_at: datetime
    conclusion: str | None = None
    completed_at: datetime | None = None
    details_url: str | None = None
    external_id: str = ""
    output: CheckOutput = CheckOutput()
    actions: tuple[CheckAction, ...] = ()


@dataclass(frozen=True, slots=True)
class Status:
    """A commit status; the newest of a context counts."""

    id: int
    repository: str
    sha: str
    context: str
    state: Literal["error", "failure", "pending", "success"]
    description: str | None
    target_url: str | None
    creator: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class RequiredCheck:
    """A ruleset's demand on a branch: ``context`` must succeed, from ``app_id`` when a source is pinned."""

    repository: str
    branch: str
    context: str
    app_id: int | None = None


@dataclass(frozen=True, slots=True)
class Activity:
    """One update of a branch; ``before`` is all zeros for a new one."""

    id: int
    repository: str
    branch: str
    before: str
    after: str
    kind: ActivityKind
    actor: str
    at: datetime


@dataclass(frozen=True, slots=True)
class QueueEntry:
    """A pull request in a branch's merge queue, and the group that was built for it.

    Attributes:
        base_sha: what its group was merged onto: the group ahead of it, or the branch.
        head_sha: its group's commit.
    """

    id: int
    repository: str
    branch: str
    number: int
    enqueuer: str
    enqueued_at: datetime
    base_sha: str = ""
    head_sha: str = ""

    @property
    def ref(self) -> str:
        """The branch that holds the group."""
        return f"gh-readonly-queue/{self.branch}/pr-{self.number}-{self.base_sha}"


@dataclass(frozen=True, slots=True)
class PreparedChange:
    """A change to open pull requests with at a click: a line added to a file, numbered to differ each time.

    Attributes:
        line: ``{number}`` in it becomes the number of this opening.
    """

    repository: str
    title: str
    path: str
    line: str
    body: str = ""


@dataclass(frozen=True, slots=True)
class App:
    """A registered GitHub App and the PEM public key its JSON Web Tokens are checked with."""

    id: int
    slug: str
    name: str
    owner: str
    public_key: str
    permissions: Mapping[str, str]
    events: tuple[str, ...]
    created_at: datetime

    @property
    def bot(self) -> str:
        """The login its writes appear under."""
        return f"{self.slug}[bot]"


@dataclass(frozen=True, slots=True)
class Installation:
    """An App on an account; ``repositories`` is None when it may see all, ``suspended`` is when and by whom."""

    id: int
    app_id: int
    account: str
    permissions: Mapping[str, str]
    events: tuple[str, ...]
    created_at: datetime
    repositories: frozenset[str] | None = None
    suspended: tuple[datetime, str] | None = None

    def covers(self, full_name: str) -> bool:
        """Whether the repository ``owner/name`` belongs to this installation."""
        if self.repositories is None:
            return full_name.partition("/")[0] == self.account
        return full_name in self.repositories


@dataclass(frozen=True, slots=True)
class InstallationToken:
    """A token an App minted for an installation, perhaps for less than all of it."""

    token: str
    installation_id: int
    expires_at: datetime
    permissions: Mapping[str, str]
    repositories: frozenset[str] | None = None
