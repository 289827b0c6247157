"""Sends a plan to GitHub. Before something is created, the intent is stored; afterwards its id.

A crash in between leaves an intent without id: the next pass looks on GitHub before it writes again.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal, Protocol, Unpack

from gatekeeper.act.plan import (
    AddLabels,
    AlignCheck,
    DeleteComment,
    PutCheck,
    PutComment,
    RemoveLabel,
    Spare,
    Write,
)
from gatekeeper.decide import desired, proposal
from gatekeeper.decide.desired import Action, Check, Comment
from gatekeeper.errors import GitHubRefusedError, TemporaryError
from gatekeeper.github.values import Annotation, CheckContent, Level
from gatekeeper.policy.problem import Problem, Severity

STATUS_STATES = {"success": "success", "neutral": "success", "skipped": "success"}
GONE = frozenset({404, 410})
_UNKNOWN = ""
"""The essence of what nobody knows the text of; no text has it."""


class Kind(StrEnum):
    """What we publish."""

    CHECK = "check"
    COMMENT = "comment"
    POLICY_CHECK = "policy check"
    POLICY_COMMENT = "policy comment"
    DEPLOYMENT_STATUS = "deployment status"
    ANNOUNCEMENT = "announcement"


@dataclass(frozen=True)
class Channel:
    """One check and one comment that we keep on pull requests.

    Attributes:
        name: of the check run, or the commit status's context.
        marker: what our comment's text starts with.
    """

    name: str
    marker: str
    check: Kind
    comment: Kind
    buttons: tuple[Action, ...] = ()


GATE = Channel(desired.CHECK_NAME, desired.MARKER, Kind.CHECK, Kind.COMMENT, desired.BUTTONS)
POLICY = Channel(
    proposal.CHECK_NAME, proposal.MARKER, Kind.POLICY_CHECK, Kind.POLICY_COMMENT, proposal.BUTTONS
)


class Publications(Protocol):
    """Remembers what was written, and where it is."""

    def intend(self, repository: str, kind: Kind, subject: str, now: datetime, *, by: str) -> None:
        """About to be created."""

    def record(
        self, repository: str, kind: Kind, subject: str, remote_id: int, essence: str, now: datetime
    ) -> None:
        """Created or updated."""

    def record_first(
        self, repository: str, kind: Kind, subject: str, remote_id: int, essence: str, now: datetime
    ) -> bool:
        """Created; False, and nothing is recorded, where another one was recorded meanwhile."""

    def forget(self, repository: str, kind: Kind, subject: str) -> None:
        """No longer there."""

    def spare(self, repository: str, kind: Kind, sha: str, spares: Iterable[Spare]) -> None:
        """These check runs are there beside the one that counts."""

    def forget_spare(self, repository: str, remote_id: int) -> None:
        """No longer there."""


class Writer(Protocol):
    """All that is ever written on GitHub. Strict subset of the GitHub client's methods."""

    @property
    def mode(self) -> Literal["app", "token"]:
        """Check runs need an App; with a token there are only commit statuses."""

    def create_check(self, repository: str, *, sha: str, name: str, **content: Unpack[CheckContent]) -> int:
        """Create a check run; its id."""

    def update_check(
        self, repository: str, check_id: int, *, sha: str, name: str, **content: Unpack[CheckContent]
    ) -> None:
        """Update a check run."""

    def set_status(
        self,
        repository: str,
        sha: str,
        *,
        context: str,
        state: str,
        description: str,
        target_url: str | None,
    ) -> None:
        """Set a commit status."""

    def create_comment(self, repository: str, number: int, body: str) -> int:
        """Write a comment; its id."""

    def edit_comment(self, repository: str, comment_id: int, body: str) -> None:
        """Replace a comment's text."""

    def delete_comment(self, repository: str, comment_id: int) -> None:
        """Remove a comment; one that is already gone is fine."""

    def add_labels(self, repository: str, number: int, labels: Sequence[str]) -> None:
        """Add labels."""

    def remove_label(self, repository: str, number: int, label: str) -> None:
        """Remove a label; one that is already gone is fine."""


@dataclass(frozen=True)
class Target:
    """Where the writes of one pass go, and what they point to."""

    repository: str
    number: int
    sha: str
    details_url: str | None
    now: datetime


class Applier:
    """Applies plans to one pull request at a time."""

    def __init__(self, writer: Writer, publications: Publications, channel: Channel = GATE) -> None:
        self._channel = channel
        self._writer = writer
        self._publications = publications

    def apply(self, writes: Sequence[Write], target: Target) -> None:
        """Send the writes in order.

        Raises:
            GitHubError: GitHub failed or limits us; what was not sent is planned again by the next pass.
            GitHubRefusedError: GitHub will not do it.
        """
        for write in writes:
            match write:
                case PutCheck():
                    self._put_check(write, target)
                case AlignCheck(check, remote_id):
                    self._align(check, remote_id, target)
                case PutComment(comment, remote_id):
                    self._put_comment(comment, remote_id, target)
                case DeleteComment(remote_id):
                    self._writer.delete_comment(target.repository, remote_id)
                case AddLabels(labels):
                    self._writer.add_labels(target.repository, target.number, labels)
                case RemoveLabel(label):
                    self._writer.remove_label(target.repository, target.number, label)

    def _put_check(self, write: PutCheck, target: Target) -> None:
        if self._writer.mode == "token":
            self._set_status(write.check, target)
        elif write.remote_id is None:
            self._create_check(write, target)
        else:
            self._update_check(write, write.remote_id, target)

    def _create_check(self, write: PutCheck, target: Target) -> None:
        place = (target.repository, self._channel.check, target.sha)
        if write.replaces is not None:
            self._publications.spare(*place, [Spare(write.replaces, _UNKNOWN)])
            self._publications.forget(*place)
        self._publications.intend(*place, target.now, by=f"#{target.number}")
        made = self._writer.create_check(
            target.repository, sha=target.sha, name=self._channel.name, **self._content(write, target)
        )
        if not self._publications.record_first(*place, made, write.check.essence, target.now):
            # GitHub was so slow that another worker took this pass for dead. Its check is the known one.
            self._publications.spare(*place, [Spare(made, write.check.conclusion)])

    def _update_check(self, write: PutCheck, remote_id: int, target: Target) -> None:
        place = (target.repository, self._channel.check, target.sha)
        self._doubt(self._channel.check, target.sha, remote_id, target)
        with self._forgotten_when_gone(*place):
            self._send_check(write, remote_id, target)
        self._publications.record(*place, remote_id, write.check.essence, target.now)

    def _send_check(self, write: PutCheck, remote_id: int, target: Target) -> None:
        self._writer.update_check(
            target.repository,
            remote_id,
            sha=target.sha,
            name=self._channel.name,
            **self._content(write, target),
        )

    def _align(self, check: Check, remote_id: int, target: Target) -> None:
        """Have a spare check run say the same; gone is as well."""
        place = (target.repository, self._channel.check, target.sha)
        self._publications.spare(*place, [Spare(remote_id, _UNKNOWN)])
        try:
            self._send_check(PutCheck(check, remote_id), remote_id, target)
        except GitHubRefusedError as error:
            if error.status not in GONE:
                raise
            self._publications.forget_spare(target.repository, remote_id)
        else:
            self._publications.spare(*place, [Spare(remote_id, check.conclusion)])

    def _set_status(self, check: Check, target: Target) -> None:
        kind, nameless = self._channel.check, 0
        self._doubt(kind, target.sha, nameless, target)
        self._writer.set_status(
            target.repository,
            target.sha,
            context=self._channel.name,
            state="pending" if check.conclusion is None else STATUS_STATES.get(check.conclusion, "failure"),
            description=check.title,
            target_url=target.details_url,
        )
        self._publications.record(target.repository, kind, target.sha, nameless, check.essence, target.now)

    def _put_comment(self, comment: Comment, remote_id: int | None, target: Target) -> None:
        kind, subject, body = self._channel.comment, str(target.number), _signed(comment)
        if remote_id is None:
            self._create_comment(comment, body, target)
            return
        self._doubt(kind, subject, remote_id, target)
        with self._forgotten_when_gone(target.repository, kind, subject):
            self._writer.edit_comment(target.repository, remote_id, body)
        self._publications.record(target.repository, kind, subject, remote_id, comment.essence, target.now)

    def _create_comment(self, comment: Comment, body: str, target: Target) -> None:
        place = (target.repository, self._channel.comment, str(target.number))
        self._publications.intend(*place, target.now, by=f"#{target.number}")
        made = self._writer.create_comment(target.repository, target.number, body)
        if not self._publications.record_first(*place, made, comment.essence, target.now):
            # GitHub was so slow that another worker took this pass for dead. Its comment is the known one.
            self._writer.delete_comment(target.repository, made)

    def _content(self, write: PutCheck, target: Target) -> CheckContent:
        """A check run's fields. Its external id is its essence, so that a lost id can be found with what it says."""
        check = write.check
        return {
            "external_id": check.essence,
            "conclusion": check.conclusion,
            "title": check.title,
            "summary": check.summary,
            "text": check.text,
            "details_url": target.details_url,
            "actions": [(one.label, one.description, one.identifier) for one in self._channel.buttons],
            "annotations": [_annotation(one) for one in check.annotations] if write.annotate else [],
            "now": target.now,
        }

    def _doubt(self, kind: Kind, subject: str, remote_id: int, target: Target) -> None:
        """What it says is not known until the answer is recorded: killed between, the next pass writes it anew.

        Otherwise that pass, if by then it wants again what was there before, would find nothing to write.
        """
        self._publications.record(target.repository, kind, subject, remote_id, _UNKNOWN, target.now)

    @contextmanager
    def _forgotten_when_gone(self, repository: str, kind: Kind, subject: str) -> Iterator[None]:
        """What somebody deleted is forgotten, and the pass tried again: it then writes anew."""
        try:
            yield
        except GitHubRefusedError as error:
            if error.status not in GONE:
                raise
            self._publications.forget(repository, kind, subject)
            raise TemporaryError(f"the {kind} of {repository} {subject} is gone from GitHub") from error


def _annotation(problem: Problem) -> Annotation:
    level: Level = "failure" if problem.severity is Severity.ERROR else "warning"
    message = f"{problem.message}\n{problem.suggestion}".strip()
    return Annotation(problem.path, problem.line, problem.column, level, "Gatekeeper policy", message)


def _signed(comment: Comment) -> str:
    """The text with its essence in a hidden line, so that a lost id can be found with what it says."""
    return f"{comment.body}\n<!-- essence {comment.essence} -->"


_ESSENCE = re.compile(r"<!-- essence (\w+) -->\s*$")


def is_ours(body: str, channel: Channel = GATE) -> bool:
    """Whether a comment's text starts with our marker."""
    return body.startswith(channel.marker)


def essence_of(body: str) -> str:
    """The essence a comment of ours was signed with; empty when somebody tampered with it."""
    found = _ESSENCE.search(body)
    return found[1] if found else ""
