"""Refusals, with the status and the words GitHub answers with."""

from __future__ import annotations

from typing import Any

DOCS = "https://docs.github.com/rest"


class Refused(Exception):  # noqa: N818 - GitHub refuses; it is an answer, not a fault of the simulation
    """GitHub says no.

    Attributes:
        status: the HTTP status it answers with.
        message: the ``message`` of the JSON body.
        errors: the ``errors`` of a 422, or None.
    """

    def __init__(self, status: int, message: str, *, errors: list[dict[str, Any]] | None = None) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status
        self.message = message
        self.errors = errors

    def body(self) -> dict[str, Any]:
        """The JSON body of the answer."""
        extra = {} if self.errors is None else {"errors": self.errors}
        return {"message": self.message, **extra, "documentation_url": DOCS, "status": str(self.status)}


def not_found() -> Refused:
    """What GitHub answers for anything absent, and for anything one may not see."""
    return Refused(404, "Not Found")


def invalid(resource: str, field: str, code: str, message: str | None = None) -> Refused:
    """A 422 about one field; ``code`` is GitHub's word: missing_field, invalid, already_exists, custom."""
    error = {"resource": resource, "field": field, "code": code}
    return Refused(422, "Validation Failed", errors=[error | ({"message": message} if message else {})])


def unprocessable(message: str) -> Refused:
    """A 422 in GitHub's short form (schema violations)."""
    return Refused(422, f"Invalid request.\n\n{message}", errors=[])
