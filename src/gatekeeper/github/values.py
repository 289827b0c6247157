"""What the client hands out: plain frozen values, so that nobody else needs to know PyGithub."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypedDict


@dataclass(frozen=True)
class PullData:
    """A pull request.

    Attributes:
        repository: the one it asks to change, as ``owner/name``.
        author: login; ``ghost`` when the account is gone.
        head_repository: where the change comes from; None when that fork is deleted.
        labels: names, sorted.
        default_branch: of ``repository``.
        body: the text under the title.
        merge_commit: what the merge left on the base branch; None unless merged.
        auto_merge: whether it is to land by itself as soon as it may.
        mergeable: whether it merges without conflicts; None while GitHub has not worked that out, and from lists.
        test_merge: the commit that GitHub made to find that out; None unless it merges.
        changed_files: how many GitHub counts; None from lists, which do not tell.
        changed_lines: lines added and lines deleted, together; None from lists.
    """

    repository: str
    number: int
    title: str
    author: str
    head_sha: str
    head_ref: str
    head_repository: str | None
    base_ref: str
    labels: tuple[str, ...]
    open: bool
    merged_at: datetime | None
    draft: bool
    updated_at: datetime
    default_branch: str
    changed_files: int | None = None
    changed_lines: int | None = None
    body: str = ""
    merge_commit: str | None = None
    auto_merge: bool = False
    mergeable: bool | None = None
    test_merge: str | None = None


@dataclass(frozen=True)
class Update:
    """A branch moved from one commit to another."""

    before: str
    after: str


@dataclass(frozen=True)
class Files:
    """The paths that a pull request touches, sorted; a rename counts with both its paths.

    Attributes:
        complete: False when GitHub lists fewer files than were changed (it stops at 3,000).
        heads: the commits whose files GitHub says these are; a list of removed files only does not tell.
    """

    paths: tuple[str, ...]
    complete: bool
    heads: frozenset[str] = frozenset()


@dataclass(frozen=True)
class CheckRunData:
    """A check run of ours; ``conclusion`` is None until ``status`` is ``completed``."""

    id: int
    name: str
    head_sha: str
    external_id: str
    status: str
    conclusion: str | None


Level = Literal["notice", "warning", "failure"]


@dataclass(frozen=True)
class Annotation:
    """A remark of a check run on one line of a file; lines and columns count from 1."""

    path: str
    line: int
    column: int
    level: Level
    title: str
    message: str


class CheckContent(TypedDict):
    """What a check run says.

    Attributes:
        external_id: ours, to find it again.
        conclusion: None while it is in progress.
        title: one line.
        summary: Markdown, at most 65,535 bytes.
        text: Markdown, at most 65,535 bytes; may be empty.
        details_url: where "Details" leads; None to GitHub's own page.
        actions: at most 3 buttons: (label ≤ 20, description ≤ 40, identifier ≤ 20 characters).
        annotations: added to those that the check run has.
        now: when it began or, with a conclusion, was completed.
    """

    external_id: str
    conclusion: str | None
    title: str
    summary: str
    text: str
    details_url: str | None
    actions: Sequence[tuple[str, str, str]]
    annotations: Sequence[Annotation]
    now: datetime


@dataclass(frozen=True)
class CommentData:
    """A comment in a pull request's conversation."""

    id: int
    author: str
    body: str


@dataclass(frozen=True)
class ReviewData:
    """A review of a pull request.

    Attributes:
        state: ``APPROVED``, ``CHANGES_REQUESTED``, ``COMMENTED``, ``DISMISSED`` or ``PENDING``.
        commit: the head it was given on; pushing another one changes nothing about that.
        at: when it was given; None for one that is still being written.
    """

    author: str
    state: str
    commit: str
    at: datetime | None


@dataclass(frozen=True)
class LabelEvent:
    """Who put a label there, and when; ``human`` is False for bots and for what came through an App."""

    actor: str
    human: bool
    at: datetime


@dataclass(frozen=True)
class DeliveryAttempt:
    """An attempt to deliver an event to the App's webhook; one that was repeated has several, with one ``guid``.

    Attributes:
        status_code: what the receiver answered; GitHub's own, such as 502, when it gave none.
    """

    id: int
    guid: str
    event: str
    action: str | None
    delivered_at: datetime
    status_code: int


@dataclass(frozen=True)
class DeliveryPage:
    """Attempts, newest first; ``following`` is the cursor of the older ones, None when there are none."""

    attempts: tuple[DeliveryAttempt, ...]
    following: str | None


@dataclass(frozen=True)
class QueueEntry:
    """A pull request in a merge queue.

    Attributes:
        position: from 1, the next to be merged.
        number: of the pull request.
        head_sha: the commit of the group that ends with it: the branch, all entries ahead of it, and it; None until
            GitHub has built that.
    """

    position: int
    number: int
    head_sha: str | None


@dataclass(frozen=True)
class GroupData:
    """A merge group that GitHub has built: the commit that would become ``branch``."""

    branch: str
    head_sha: str


@dataclass(frozen=True)
class HeadData:
    """The newest commit of a repository's default branch."""

    branch: str
    sha: str


@dataclass(frozen=True)
class DeploymentData:
    """A deployment that was asked for by the API.

    Attributes:
        creator: login of whoever asked.
        told: the states that it was told so far, newest first, each with the login of whoever told it.
    """

    repository: str
    environment: str
    sha: str
    ref: str
    creator: str
    told: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Comparison:
    """The commits, by SHA, that one has and another has not; ``complete`` is False when GitHub lists only a part."""

    commits: tuple[str, ...]
    complete: bool


RuleAnswer = Literal["approved", "rejected"]
"""What ends the wait for a deployment protection rule; a rejection fails the whole run for good."""


@dataclass(frozen=True)
class RunData:
    """A workflow run.

    Attributes:
        head_branch: the branch it runs for; the SHA where it runs for a tag.
        actor: login of whoever started it, or started it again.
        completed: whether it has ended, however.
    """

    repository: str
    number: int
    head_sha: str
    head_branch: str
    actor: str
    completed: bool


@dataclass(frozen=True)
class PolicyTree:
    """The policy files of one commit.

    Attributes:
        commit: the SHA; empty for a repository without commits.
        files: (path, text), sorted by path.
        left_out: paths of files too large to be a policy file, or beyond the most that are read.
    """

    commit: str
    files: tuple[tuple[str, str], ...]
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class RepositoryData:
    """A repository; ``installation_id`` is None when a token is used instead of an App."""

    full_name: str
    default_branch: str
    archived: bool
    installation_id: int | None


@dataclass(frozen=True)
class Rate:
    """What the last answer said of the hour's quota of requests."""

    limit: int
    remaining: int
    reset_at: datetime
