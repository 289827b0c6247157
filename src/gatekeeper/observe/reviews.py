"""What reviewers have last said of a pull request."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from gatekeeper.errors import GitHubRefusedError
from gatekeeper.github.values import PullData, ReviewData

_STANDING = frozenset({"APPROVED", "CHANGES_REQUESTED", "DISMISSED"})


class Reader(Protocol):
    """What is read of reviews. Strict subset of the GitHub client's methods."""

    def reviews(self, repository: str, number: int) -> Iterator[ReviewData]:
        """The reviews, oldest first."""


def standing(reviews: Iterable[ReviewData], author: str) -> Sequence[ReviewData]:
    """The last word of each but the author; a comment takes nothing back."""
    last = {one.author: one for one in reviews if one.state in _STANDING and one.author != author}
    return [*last.values()]


def is_approved(reader: Reader, pull: PullData) -> bool:
    """Whether somebody agrees and nobody asks for changes: then little else may keep it from landing.

    It only says how soon it is looked at, so where GitHub will not show the reviews it is not.

    Raises:
        GitHubError: as the client's.
    """
    try:
        words = {one.state for one in standing(reader.reviews(pull.repository, pull.number), pull.author)}
    except GitHubRefusedError:
        return False
    return "APPROVED" in words and "CHANGES_REQUESTED" not in words
