"""Pull requests as issues: comments, labels, history; and the labels a repository knows."""

from __future__ import annotations

from typing import Any

from flask import Blueprint

from gatekeeper.demo.github import conversation
from gatekeeper.demo.github.api.endpoint import Answer, Ask, endpoint
from gatekeeper.demo.github.entities import Comment, IssueEvent
from gatekeeper.demo.github.errors import not_found, unprocessable
from gatekeeper.demo.github.shapes import issues as shapes

blueprint = Blueprint("api_issues", __name__)
READ, WRITE = (
    ("pull_requests", "read"),
    ("pull_requests", "write"),
)  # enough for issues that are pull requests
ISSUE = "/repos/<owner>/<repo>/issues/<int:number>"
COMMENT = "/repos/<owner>/<repo>/issues/comments/<int:comment_id>"


@endpoint(blueprint, "GET", ISSUE, READ)
def show_issue(ask: Ask, number: int) -> Answer:
    """A pull request as an issue."""
    return shapes.issue(ask.world, ask.world.pull(ask.repository, number))


@endpoint(blueprint, "GET", f"{ISSUE}/comments", READ)
def list_comments(ask: Ask, number: int) -> Answer:
    """The conversation, oldest first."""
    found = conversation.comments_of(ask.world, ask.repository, number)
    return ask.page(found, lambda one: shapes.issue_comment(ask.world, one))


@endpoint(blueprint, "POST", f"{ISSUE}/comments", READ)
def create_comment(ask: Ask, number: int) -> Answer:
    """Write a comment; who reads may comment, an App needs to be allowed to write."""
    if ask.caller.token is not None:
        ask.require(*WRITE)
    made = conversation.add_comment(ask.world, ask.repository, number, ask.text("body"), ask.actor)
    return shapes.issue_comment(ask.world, made), 201


@endpoint(blueprint, "GET", COMMENT, READ)
def show_comment(ask: Ask, comment_id: int) -> Answer:
    """One comment."""
    return shapes.issue_comment(ask.world, ask.world.comment(ask.repository, comment_id))


@endpoint(blueprint, "PATCH", COMMENT, WRITE)
def edit_comment(ask: Ask, comment_id: int) -> Answer:
    """Change a comment."""
    made = conversation.edit_comment(ask.world, ask.repository, comment_id, ask.text("body"), ask.actor)
    return shapes.issue_comment(ask.world, made)


@endpoint(blueprint, "DELETE", COMMENT, WRITE)
def delete_comment(ask: Ask, comment_id: int) -> Answer:
    """Remove a comment."""
    conversation.delete_comment(ask.world, ask.repository, comment_id, ask.actor)
    return None, 204


def _labels(ask: Ask, names: tuple[str, ...]) -> list[dict[str, Any]]:
    known = [shapes.label_named(ask.world, ask.repository, name) for name in names]
    return ask.page(known, lambda one: shapes.label(ask.world, one))


@endpoint(blueprint, "GET", f"{ISSUE}/labels", READ)
def list_issue_labels(ask: Ask, number: int) -> Answer:
    """The labels on a pull request."""
    return _labels(ask, ask.world.pull(ask.repository, number).labels)


@endpoint(blueprint, "POST", f"{ISSUE}/labels", WRITE)
def add_labels(ask: Ask, number: int) -> Answer:
    """Add labels; those it has make no difference, those the repository lacks are created."""
    body = ask.json()
    given = (
        body.get("labels") if isinstance(body, dict) else body
    )  # PyGithub sends the bare list, an older form
    if not isinstance(given, list):
        raise unprocessable('"labels" wasn\'t supplied as a list.')
    names = [one["name"] if isinstance(one, dict) else str(one) for one in given]
    return _labels(ask, conversation.add_labels(ask.world, ask.repository, number, names, ask.actor).labels)


@endpoint(blueprint, "DELETE", f"{ISSUE}/labels/<path:name>", WRITE)
def remove_label(ask: Ask, number: int, name: str) -> Answer:
    """Remove one label; the answer lists those left."""
    return _labels(ask, conversation.remove_label(ask.world, ask.repository, number, name, ask.actor).labels)


@endpoint(blueprint, "GET", "/repos/<owner>/<repo>/labels", READ)
def list_labels(ask: Ask) -> Answer:
    """The labels the repository knows, by name."""
    found = [one for (repository, _), one in sorted(ask.world.labels.items()) if repository == ask.repository]
    return ask.page(found, lambda one: shapes.label(ask.world, one))


@endpoint(blueprint, "POST", "/repos/<owner>/<repo>/labels", WRITE)
def create_label(ask: Ask) -> Answer:
    """Create a label."""
    body = ask.body()
    color = body.get("color", conversation.NEW_LABEL_COLOR)
    made = conversation.create_label(
        ask.world, ask.repository, ask.text("name"), color, body.get("description")
    )
    return shapes.label(ask.world, made), 201


@endpoint(blueprint, "GET", "/repos/<owner>/<repo>/labels/<path:name>", READ)
def show_label(ask: Ask, name: str) -> Answer:
    """One label."""
    found = conversation.known_label(ask.world, ask.repository, name)
    if found is None:
        raise not_found()
    return shapes.label(ask.world, found)


def _history(ask: Ask, number: int) -> list[IssueEvent]:
    pull = ask.world.pull(ask.repository, number)
    return [one for one in ask.world.events if (one.repository, one.number) == (ask.repository, pull.number)]


@endpoint(blueprint, "GET", f"{ISSUE}/events", READ)
def list_events(ask: Ask, number: int) -> Answer:
    """The history without comments, oldest first."""
    return ask.page(_history(ask, number), lambda one: shapes.issue_event(ask.world, one))


@endpoint(blueprint, "GET", f"{ISSUE}/timeline", READ)
def list_timeline(ask: Ask, number: int) -> Answer:
    """The history with comments, oldest first."""
    comments = conversation.comments_of(ask.world, ask.repository, number)
    found: list[Comment | IssueEvent] = sorted([*comments, *_history(ask, number)], key=lambda one: one.id)

    def shape(one: Comment | IssueEvent) -> dict[str, Any]:
        if isinstance(one, Comment):
            return shapes.timeline_comment(ask.world, one)
        return shapes.issue_event(ask.world, one)

    return ask.page(found, shape)
