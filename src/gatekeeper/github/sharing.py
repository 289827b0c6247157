"""What several processes that speak for one installation tell each other, so that together they keep its limits."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from gatekeeper.github.allowance import Cost


@dataclass(frozen=True)
class Spent:
    """A request that changed something; ``ago``: seconds since it was begun."""

    cost: Cost
    ago: float


@dataclass(frozen=True)
class News:
    """What others did since they were last asked about.

    Attributes:
        spent: what they sent that changes something, in order of time.
        silence: seconds of silence left that GitHub asked any of us for.
    """

    spent: Sequence[Spent] = ()
    silence: float = 0.0


class Others(Protocol):
    """The other processes of an installation, and those that were there before us."""

    def news(self) -> News:
        """What they did since they were last asked about; at first, in the last hour."""

    def take(self, cost: Cost) -> bool:
        """We begin a request that changes something; False, and nothing is noted, where others began one since."""

    def keep_silent(self, seconds: float) -> None:
        """GitHub asked us all to send nothing for so long."""
