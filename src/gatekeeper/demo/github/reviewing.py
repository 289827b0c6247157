"""Reviews of pull requests: who said what, on which commit."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gatekeeper.demo.github import hooks
from gatekeeper.demo.github.entities import Review
from gatekeeper.demo.github.errors import not_found, unprocessable

if TYPE_CHECKING:
    from gatekeeper.demo.github.entities import ReviewState
    from gatekeeper.demo.github.records import Records

EVENTS: dict[str, ReviewState] = {
    "APPROVE": "APPROVED",
    "REQUEST_CHANGES": "CHANGES_REQUESTED",
    "COMMENT": "COMMENTED",
}


def reviews_of(records: Records, full_name: str, number: int) -> list[Review]:
    """The pull request's reviews, oldest first.

    Raises:
        Refused: 404.
    """
    records.pull(full_name, number)
    return [one for one in records.reviews if (one.repository, one.number) == (full_name, number)]


def review(
    records: Records, full_name: str, number: int, state: ReviewState, *, by: str, body: str = ""
) -> Review:
    """Review the pull request's present head. Reviews of older heads stay as they are.

    Raises:
        Refused: 404; 403 for a stranger; 422 where somebody approves or rejects their own, or says nothing.
    """
    pull = records.pull(full_name, number)
    records.require_role(full_name, by, "read")
    if by == pull.author and state != "COMMENTED":
        verb = "approve" if state == "APPROVED" else "request changes on"
        raise unprocessable(f"Can not {verb} your own pull request")
    if state != "APPROVED" and not body.strip():
        raise unprocessable("Body can not be blank")
    made = Review(records.new_id(), full_name, number, by, state, pull.head_sha, body, records.now())
    records.reviews.append(made)
    hooks.pull_request_review(records, made, "submitted", by)
    return made


def dismiss(records: Records, full_name: str, number: int, review_id: int, *, by: str) -> Review:
    """Dismiss a review: it stands for nothing any more.

    Raises:
        Refused: 404; 403 without write access; 422 for a mere comment.
    """
    records.require_role(full_name, by, "write")
    for position, old in enumerate(records.reviews):
        if (old.repository, old.number, old.id) == (full_name, number, review_id):
            if old.state not in {"APPROVED", "CHANGES_REQUESTED"}:
                raise unprocessable("Can not dismiss a commented pull request review")
            made = replace(old, state="DISMISSED")
            records.reviews[position] = made
            hooks.pull_request_review(records, made, "dismissed", by)
            return made
    raise not_found()
