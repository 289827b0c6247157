"""The client: everything that Gatekeeper reads from and writes to GitHub."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC
from typing import Any, Unpack
from urllib.parse import quote

from gatekeeper.errors import GitHubRefusedError
from gatekeeper.github.reader import Reader
from gatekeeper.github.values import Annotation, CheckContent, RuleAnswer

ANNOTATIONS_A_REQUEST = 50
TITLE_LIMIT = 255  # characters of an annotation's title
MESSAGE_LIMIT = 64_000  # bytes of its message; GitHub takes 64 KB
STATUS_LIMIT = 140  # characters of a commit status's description
_NOT_FOUND = 404
_ACTION = ("label", "description", "identifier")


class GitHub(Reader):
    """GitHub as Gatekeeper reads and writes it; errors as for reading. Nothing is sent twice by itself."""

    def create_check(self, repository: str, *, sha: str, name: str, **content: Unpack[CheckContent]) -> int:
        """Make a check run named ``name`` on a commit; its id. More requests for more than 50 annotations."""
        first, *more = _requests(content)
        made = self._repository(repository).create_check_run(name, sha, **first)
        for fields in more:
            made.edit(name=name, **fields)
        return made.id

    def update_check(
        self, repository: str, check_id: int, *, sha: str, name: str, **content: Unpack[CheckContent]
    ) -> None:
        """Change a check run of ours; its commit stays what it is."""
        del sha
        found = self._repository(repository).get_check_run(check_id)
        for fields in _requests(content):
            found.edit(name=name, **fields)

    def redeliver(self, attempt: int) -> None:
        """Have the delivery of an attempt sent again, under its guid.

        Raises:
            ConfigurationError: there is no App.
        """
        self._connections.app.requestJsonAndCheck("POST", f"/app/hook/deliveries/{attempt}/attempts")

    def set_status(
        self,
        repository: str,
        sha: str,
        *,
        context: str,
        state: str,
        description: str,
        target_url: str | None = None,
    ) -> None:
        """Set a commit status: ``success`` passes, ``failure`` and ``pending`` block.

        Descriptions are cut to 140 characters.
        """
        found = self._repository(repository)
        body = {"state": state, "context": context, "description": _cut(description, STATUS_LIMIT)}
        if target_url is not None:
            body["target_url"] = target_url
        # Not PyGithub's create_status, which reads the commit first.
        found.requester.requestJsonAndCheck("POST", f"{found.url}/statuses/{quote(sha)}", input=body)

    def create_comment(self, repository: str, number: int, body: str) -> int:
        """Write a comment; its id."""
        return self._issue(repository, number).create_comment(body).id

    def edit_comment(self, repository: str, comment_id: int, body: str) -> None:
        """Change a comment."""
        found = self._repository(repository)
        found.requester.requestJsonAndCheck(
            "PATCH", f"{found.url}/issues/comments/{comment_id}", input={"body": body}
        )

    def delete_comment(self, repository: str, comment_id: int) -> None:
        """Remove a comment; already gone is fine."""
        found = self._repository(repository)
        with _gone_is_fine():
            found.requester.requestJsonAndCheck("DELETE", f"{found.url}/issues/comments/{comment_id}")

    def add_labels(self, repository: str, number: int, labels: Iterable[str]) -> None:
        """Add labels; the repository learns those it does not know."""
        self._issue(repository, number).add_to_labels(*labels)

    def remove_label(self, repository: str, number: int, label: str) -> None:
        """Take a label away; already gone is fine."""
        issue = self._issue(repository, number)
        with _gone_is_fine():
            # Not PyGithub's remove_from_labels, which leaves a slash in the name as it is.
            issue.requester.requestJsonAndCheck("DELETE", f"{issue.url}/labels/{quote(label, safe='')}")

    def tell_deployment(
        self, repository: str, number: int, state: str, description: str, log_url: str | None
    ) -> None:
        """Give a deployment a status; descriptions are cut to 140 characters."""
        found = self._repository(repository)
        body = {"state": state, "description": _cut(description, STATUS_LIMIT)}
        if log_url is not None:
            body["log_url"] = log_url
        url = f"{found.url}/deployments/{number}/statuses"
        found.requester.requestJsonAndCheck("POST", url, input=body)

    def answer_rule(
        self, repository: str, run: int, environment: str, comment: str, answer: RuleAnswer | None
    ) -> None:
        """Let a job go that our protection rule holds, or end its run; None says why it waits, ten times at most."""
        found = self._repository(repository)
        body = {"environment_name": environment, "comment": comment}
        if answer is not None:
            body["state"] = answer
        url = f"{found.url}/actions/runs/{run}/deployment_protection_rule"
        found.requester.requestJsonAndCheck("POST", url, input=body)


@contextmanager
def _gone_is_fine() -> Iterator[None]:
    try:
        yield
    except GitHubRefusedError as error:
        if error.status != _NOT_FOUND:
            raise


def _requests(content: CheckContent) -> Iterator[dict[str, Any]]:
    """The fields of each request: GitHub takes so many annotations at once, and adds those of later ones."""
    annotations = content["annotations"]
    for first in range(0, max(len(annotations), 1), ANNOTATIONS_A_REQUEST):
        fields = _fields(content)
        if batch := annotations[first : first + ANNOTATIONS_A_REQUEST]:
            fields["output"]["annotations"] = [_annotation(one) for one in batch]
        yield fields


def _annotation(one: Annotation) -> dict[str, Any]:
    return {
        "path": one.path,
        "start_line": one.line,
        "end_line": one.line,
        "start_column": one.column,
        "end_column": one.column,
        "annotation_level": one.level,
        "title": _cut(one.title, TITLE_LIMIT),
        "message": one.message.encode()[:MESSAGE_LIMIT].decode(errors="ignore"),
    }


def _fields(content: CheckContent) -> dict[str, Any]:
    """A check run's fields as PyGithub takes them; times must be UTC, as it writes ``Z`` behind any."""
    at = content["now"].astimezone(UTC)
    fields: dict[str, Any] = {"external_id": content["external_id"]}
    if content["conclusion"] is None:
        fields |= {"status": "in_progress", "started_at": at}
    else:
        fields |= {"status": "completed", "conclusion": content["conclusion"], "completed_at": at}
    fields["output"] = {"title": content["title"], "summary": content["summary"]}
    if content["text"]:
        fields["output"]["text"] = content["text"]
    fields["actions"] = [dict(zip(_ACTION, action, strict=True)) for action in content["actions"]]
    if content["details_url"] is not None:
        fields["details_url"] = content["details_url"]
    return fields


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
