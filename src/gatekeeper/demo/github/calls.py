"""What the API was asked and what it answered, for tests to look at and to hold against GitHub's description."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gatekeeper.demo.github.faults import Kind

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Call:
    """One request and its answer.

    Attributes:
        path: as sent, without the query string.
        request: the parsed JSON body, or None.
        response: the parsed JSON answer, or None.
        caller: who asked: ``app``, ``installation:ID``, ``user:LOGIN`` or ``anonymous``.
        lost: the act was done and the answer never arrived (an injected fault).
        faulted: the answer is an injected fault, and nothing was done.
        fault: the injected fault, None without one.
        came: when it came in, in seconds of a clock that never runs backwards.
        answered: when its answer was ready, by the same clock.
        silence: for how many seconds from then on the caller was told to send nothing.
    """

    method: str
    path: str
    query: Mapping[str, str]
    request: Any
    status: int
    response: Any
    caller: str
    headers: Mapping[str, str]
    lost: bool = False
    faulted: bool = False
    fault: Kind | None = None
    came: float = 0.0
    answered: float = 0.0
    silence: float = 0.0

    def __str__(self) -> str:
        return f"{self.method} {self.path} → {self.status}"


@dataclass(slots=True)
class Calls:
    """All calls so far, oldest first."""

    _made: list[Call] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, call: Call) -> None:
        """Remember a call."""
        with self._lock:
            self._made.append(call)

    def clear(self) -> None:
        """Forget everything; what is made from now on can be counted."""
        with self._lock:
            self._made.clear()

    def all(self) -> list[Call]:
        """A copy of all calls."""
        with self._lock:
            return list(self._made)

    def reads(self) -> list[Call]:
        """Calls that changed nothing on GitHub: GET, GraphQL's queries, and the minting of tokens."""
        return [call for call in self.all() if not _writes(call)]

    def writes(self) -> list[Call]:
        """Calls that could change something a person sees."""
        return [call for call in self.all() if _writes(call)]

    def __iter__(self) -> Iterator[Call]:
        return iter(self.all())

    def __len__(self) -> int:
        return len(self.all())


def _writes(call: Call) -> bool:
    return call.method not in SAFE and not call.path.endswith(("/access_tokens", "/graphql"))
