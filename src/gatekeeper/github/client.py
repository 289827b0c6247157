"""The client: everything that Gatekeeper reads from and writes to GitHub."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from gatekeeper.errors import GitHubRefusedError
from gatekeeper.github.reader import Reader

STATUS_LIMIT = 140  # characters of a commit status's description
_NOT_FOUND = 404


class GitHub(Reader):
    """GitHub as Gatekeeper reads and writes it; errors as for reading. Nothing is sent twice by itself."""

    def create_check(
        self,
        repository: str,
        *,
        sha: str,
        name: str,
        external_id: str,
        conclusion: str | None,
        title: str,
        summary: str,
        text: str = "",
        details_url: str | None = None,
        actions: Sequence[tuple[str, str, str]] = (),
        now: datetime,
    ) -> int:
        """Make a check run; its id.

        Args:
            repository: ``owner/name``.
            sha: the commit it is about.
            name: as rules require it.
            external_id: ours, to find it again.
            conclusion: None while it is in progress.
            title: one line.
            summary: Markdown, at most 65,535 bytes.
            text: Markdown, at most 65,535 bytes.
            details_url: where "Details" leads.
            actions: at most 3 buttons: (label ≤ 20, description ≤ 40, identifier ≤ 20 characters).
            now: when it began, or was completed.
        """
        said = _check(external_id, conclusion, title, summary, text, details_url, actions, now)
        return self._repository(repository).create_check_run(name, sha, **said).id

    def update_check(
        self,
        repository: str,
        check_id: int,
        *,
        external_id: str,
        conclusion: str | None,
        title: str,
        summary: str,
        text: str = "",
        details_url: str | None = None,
        actions: Sequence[tuple[str, str, str]] = (),
        now: datetime,
    ) -> None:
        """Change a check run of ours; the arguments are those of ``create_check``."""
        said = _check(external_id, conclusion, title, summary, text, details_url, actions, now)
        self._repository(repository).get_check_run(check_id).edit(**said)

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

    def add_labels(self, repository: str, number: int, labels: Iterable[str]) -> None:
        """Add labels; the repository learns those it does not know."""
        self._issue(repository, number).add_to_labels(*labels)

    def remove_label(self, repository: str, number: int, label: str) -> None:
        """Take a label away; already gone is fine."""
        issue = self._issue(repository, number)
        try:
            # Not PyGithub's remove_from_labels, which leaves a slash in the name as it is.
            issue.requester.requestJsonAndCheck("DELETE", f"{issue.url}/labels/{quote(label, safe='')}")
        except GitHubRefusedError as error:
            if error.status != _NOT_FOUND:
                raise


def _check(
    external_id: str,
    conclusion: str | None,
    title: str,
    summary: str,
    text: str,
    details_url: str | None,
    actions: Sequence[tuple[str, str, str]],
    now: datetime,
) -> dict[str, Any]:
    """A check run's fields as PyGithub takes them; times must be UTC, as it writes ``Z`` behind any."""
    at = now.astimezone(UTC)
    timing = (
        {"status": "in_progress", "started_at": at}
        if conclusion is None
        else {"status": "completed", "conclusion": conclusion, "completed_at": at}
    )
    output = {"title": title, "summary": summary} | ({"text": text} if text else {})
    buttons = [dict(zip(("label", "description", "identifier"), action, strict=True)) for action in actions]
    said = timing | {"external_id": external_id, "output": output, "actions": buttons}
    return said if details_url is None else said | {"details_url": details_url}


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
