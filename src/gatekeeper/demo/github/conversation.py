"""Labels and comments of pull requests, and the history they leave."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gatekeeper.demo.github import hooks
from gatekeeper.demo.github.entities import Comment, IssueEvent, Label
from gatekeeper.demo.github.errors import Refused, invalid

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gatekeeper.demo.github.entities import PullRequest
    from gatekeeper.demo.github.records import Records

COMMENT_CHARACTERS = 65_536
LABEL_CHARACTERS = 50
LABELS_AN_ISSUE = 100
NEW_LABEL_COLOR = "ededed"  # what GitHub gives to a label that adding it to an issue creates


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: an account, and the App it acts through if it does."""

    login: str
    app_id: int | None = None


def create_label(
    records: Records, full_name: str, name: str, color: str, description: str | None = None
) -> Label:
    """Add a label to those the repository knows.

    Raises:
        Refused: 422 for a name that is empty, too long or taken (whatever its case), or a colour that is none.
    """
    if not name:
        raise invalid("Label", "name", "missing_field")
    if len(name) > LABEL_CHARACTERS:
        raise invalid(
            "Label", "name", "custom", f"name is too long (maximum is {LABEL_CHARACTERS} characters)"
        )
    if known_label(records, full_name, name) is not None:
        raise invalid("Label", "name", "already_exists")
    if not re.fullmatch("[0-9a-fA-F]{6}", color):
        raise invalid("Label", "color", "invalid")
    made = Label(records.new_id(), full_name, name, color.lower(), description)
    records.labels[full_name, name] = made
    return made


def known_label(records: Records, full_name: str, name: str) -> Label | None:
    """The repository's label of that name; case makes no difference to GitHub."""
    for (repository, known), label in records.labels.items():
        if repository == full_name and known.casefold() == name.casefold():
            return label
    return None


def add_labels(records: Records, full_name: str, number: int, names: Iterable[str], by: Actor) -> PullRequest:
    """Put labels on a pull request; one it has already makes no event, one the repository lacks is created.

    Raises:
        Refused: 404, or 422 for an impossible name.
    """
    pull = records.pull(full_name, number)
    for name in names:
        label = known_label(records, full_name, name)
        label = label or create_label(records, full_name, name, NEW_LABEL_COLOR)
        if label.name in pull.labels:
            continue
        if len(pull.labels) >= LABELS_AN_ISSUE:
            raise invalid("Issue", "labels", "custom", f"exceeds a maximum of {LABELS_AN_ISSUE} labels")
        pull = replace(pull, labels=(*pull.labels, label.name), updated_at=records.now())
        records.pulls[full_name, number] = pull
        note(records, pull, "labeled", by, label=label.name)
        hooks.pull_request(records, pull, "labeled", by.login, changed_label=label)
    return pull


def remove_label(records: Records, full_name: str, number: int, name: str, by: Actor) -> PullRequest:
    """Take a label off a pull request.

    Raises:
        Refused: 404, "Label does not exist", when it is not there.
    """
    pull = records.pull(full_name, number)
    label = known_label(records, full_name, name)
    if label is None or label.name not in pull.labels:
        raise Refused(404, "Label does not exist")
    left = tuple(one for one in pull.labels if one != label.name)
    pull = replace(pull, labels=left, updated_at=records.now())
    records.pulls[full_name, number] = pull
    note(records, pull, "unlabeled", by, label=label.name)
    hooks.pull_request(records, pull, "unlabeled", by.login, changed_label=label)
    return pull


def note(records: Records, pull: PullRequest, event: str, by: Actor, *, label: str | None = None) -> None:
    """Add a line to the pull request's history."""
    records.events.append(
        IssueEvent(
            records.new_id(), pull.repository, pull.number, event, by.login, records.now(), label, by.app_id
        )
    )


def comments_of(records: Records, full_name: str, number: int) -> list[Comment]:
    """The pull request's comments, oldest first.

    Raises:
        Refused: 404.
    """
    records.pull(full_name, number)
    found = (one for one in records.comments.values() if (one.repository, one.number) == (full_name, number))
    return sorted(found, key=lambda one: one.id)


def add_comment(records: Records, full_name: str, number: int, body: str, by: Actor) -> Comment:
    """Write a comment.

    Raises:
        Refused: 404, or 422 for an empty or over-long body.
    """
    records.pull(full_name, number)
    _check_body(body)
    now = records.now()
    made = Comment(records.new_id(), full_name, number, by.login, body, now, now, by.app_id)
    records.comments[made.id] = made
    hooks.issue_comment_event(records, made, "created", by.login)
    return made


def edit_comment(records: Records, full_name: str, comment_id: int, body: str, by: Actor) -> Comment:
    """Change a comment's text.

    Raises:
        Refused: 404, or 422 for an empty or over-long body.
    """
    old = records.comment(full_name, comment_id)
    _check_body(body)
    made = replace(old, body=body, updated_at=records.now())
    records.comments[comment_id] = made
    hooks.issue_comment_event(records, made, "edited", by.login, was=old.body)
    return made


def delete_comment(records: Records, full_name: str, comment_id: int, by: Actor) -> None:
    """Remove a comment.

    Raises:
        Refused: 404.
    """
    old = records.comment(full_name, comment_id)
    del records.comments[comment_id]
    hooks.issue_comment_event(records, old, "deleted", by.login)


def _check_body(body: str) -> None:
    if not body.strip():
        raise invalid("IssueComment", "body", "missing_field")
    if len(body) > COMMENT_CHARACTERS:
        message = f"body is too long (maximum is {COMMENT_CHARACTERS} characters)"
        raise invalid("IssueComment", "body", "unprocessable", message)
