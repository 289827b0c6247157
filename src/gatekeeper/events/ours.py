"""What events tell of checks and comments that look like ours: how a second one of the same is noticed.

Every check run and comment is announced, also our own. One that is not on record was written by a worker that died
before it could note it, by one that was overtaken, or by another Gatekeeper of the same App; GitHub is asked which.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from gatekeeper.events.commands import COMMENT_MARKERS

_GATE, _POLICY = COMMENT_MARKERS
CHECKS: Mapping[str, str] = {"gatekeeper": "check", "gatekeeper/policy": "policy check"}
"""By name of a check run, the kind of what we write."""
COMMENTS: Mapping[str, str] = {_GATE: "comment", _POLICY: "policy comment"}
"""By what a comment starts with."""


STATUSES: Mapping[str, str] = {**dict.fromkeys(CHECKS, "pull"), "gatekeeper/deployment": "head"}
"""By context of a commit status, whose pass writes it."""
REVIEWED: Mapping[str, str] = {"because": "review"}
"""The hint of a touch by a review: only then are they read again."""


WRITTEN = frozenset({"status", "check"})
"""What is in a hint that tells who wrote under our name."""


def made(kind: str, identity: int) -> dict[str, str | int | None]:
    """The hint of a touch by the creation of something of this kind."""
    return {"made": kind, "id": identity}


def comment_kind(body: str) -> str | None:
    """The kind of a comment that starts as ours do; anybody can write such a one."""
    return next((kind for marker, kind in COMMENTS.items() if body.startswith(marker)), None)


@dataclass(frozen=True)
class Heard:
    """What the hints of a piece of work tell of things like ours.

    Attributes:
        things: (kind, id) of each that was created.
        everything: somebody asks for a fresh look at all of it.
        reviewed: somebody reviewed the pull request.
    """

    things: frozenset[tuple[str, int]] = frozenset()
    everything: bool = False
    reviewed: bool = False

    @classmethod
    def of(cls, hints: Iterable[Mapping[str, Any]], *, everything: bool = False) -> Self:
        """Read the hints of a piece of work."""
        known = tuple(hints)
        things = frozenset((hint["made"], hint["id"]) for hint in known if "made" in hint)
        return cls(things, everything, reviewed=REVIEWED in known)

    def tells_of_more(self, kind: str, than: Collection[int]) -> bool:
        """Whether there may be others of a kind than those with these ids."""
        return self.everything or any(one == kind and identity not in than for one, identity in self.things)


def forged(hints: Iterable[Mapping[str, Any]], login: Callable[[], str]) -> list[Mapping[str, Any]]:
    """The statuses and check runs of our name by somebody else, of what the hints tell; ``login`` tells ours."""
    told = [hint for hint in hints if WRITTEN & hint.keys()]
    return [hint for hint in told if hint["actor"] != login()]
