"""Sends a plan to GitHub. Before something is created, the intent is stored; afterwards its id.

A crash in between leaves an intent without id: the next pass looks on GitHub before it writes again.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal, Protocol, Unpack

from gatekeeper.act.plan import AddLabels, PutCheck, PutComment, RemoveLabel, Write
from gatekeeper.decide.desired import BUTTONS, CHECK_NAME, MARKER, Check, Comment
from gatekeeper.errors import GitHubRefusedError, TemporaryError
from gatekeeper.github.values import CheckContent

STATUS_STATES = {"success": "success", "neutral": "success", "skipped": "success"}
GONE = frozenset({404, 410})
_UNKNOWN = ""
"""The essence of what nobody knows the text of; no text has it."""


class Kind(StrEnum):
    """What we publish."""

    CHECK = "check"
    COMMENT = "comment"


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

    def __init__(self, writer: Writer, publications: Publications) -> None:
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
                case PutCheck(check, remote_id):
                    self._put_check(check, remote_id, target)
                case PutComment(comment, remote_id):
                    self._put_comment(comment, remote_id, target)
                case AddLabels(labels):
                    self._writer.add_labels(target.repository, target.number, labels)
                case RemoveLabel(label):
                    self._writer.remove_label(target.repository, target.number, label)

    def _put_check(self, check: Check, remote_id: int | None, target: Target) -> None:
        if self._writer.mode == "token":
            remote_id = 0
            self._doubt(Kind.CHECK, target.sha, remote_id, target)
            self._set_status(check, target)
        elif remote_id is None:
            self._publications.intend(
                target.repository, Kind.CHECK, target.sha, target.now, by=f"#{target.number}"
            )
            remote_id = self._writer.create_check(
                target.repository, sha=target.sha, name=CHECK_NAME, **_content(check, target)
            )
        else:
            self._doubt(Kind.CHECK, target.sha, remote_id, target)
            with self._forgotten_when_gone(target.repository, Kind.CHECK, target.sha):
                self._writer.update_check(
                    target.repository, remote_id, sha=target.sha, name=CHECK_NAME, **_content(check, target)
                )
        self._publications.record(
            target.repository, Kind.CHECK, target.sha, remote_id, check.essence, target.now
        )

    def _set_status(self, check: Check, target: Target) -> None:
        self._writer.set_status(
            target.repository,
            target.sha,
            context=CHECK_NAME,
            state="pending" if check.conclusion is None else STATUS_STATES.get(check.conclusion, "failure"),
            description=check.title,
            target_url=target.details_url,
        )

    def _put_comment(self, comment: Comment, remote_id: int | None, target: Target) -> None:
        subject, body = str(target.number), _signed(comment)
        if remote_id is None:
            self._create_comment(comment, body, target)
            return
        self._doubt(Kind.COMMENT, subject, remote_id, target)
        with self._forgotten_when_gone(target.repository, Kind.COMMENT, subject):
            self._writer.edit_comment(target.repository, remote_id, body)
        self._publications.record(
            target.repository, Kind.COMMENT, subject, remote_id, comment.essence, target.now
        )

    def _create_comment(self, comment: Comment, body: str, target: Target) -> None:
        place = (target.repository, Kind.COMMENT, str(target.number))
        self._publications.intend(*place, target.now, by=f"#{target.number}")
        made = self._writer.create_comment(target.repository, target.number, body)
        if not self._publications.record_first(*place, made, comment.essence, target.now):
            # GitHub was so slow that another worker took this pass for dead. Its comment is the known one.
            self._writer.delete_comment(target.repository, made)

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


def _content(check: Check, target: Target) -> CheckContent:
    """A check run's fields. Its external id is its essence, so that a lost id can be found with what it says."""
    return {
        "external_id": check.essence,
        "conclusion": check.conclusion,
        "title": check.title,
        "summary": check.summary,
        "text": check.text,
        "details_url": target.details_url,
        "actions": [(button.label, button.description, button.identifier) for button in BUTTONS],
        "now": target.now,
    }


def _signed(comment: Comment) -> str:
    """The text with its essence in a hidden line, so that a lost id can be found with what it says."""
    return f"{comment.body}\n<!-- essence {comment.essence} -->"


_ESSENCE = re.compile(r"<!-- essence (\w+) -->\s*$")


def is_ours(body: str) -> bool:
    """Whether a comment's text starts with our marker."""
    return body.startswith(MARKER)


def essence_of(body: str) -> str:
    """The essence a comment of ours was signed with; empty when somebody tampered with it."""
    found = _ESSENCE.search(body)
    return found[1] if found else ""
