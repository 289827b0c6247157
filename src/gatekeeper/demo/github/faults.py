"""Faults to inject into the API: errors, rate limits, lost answers, delays; one by one, or at random."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping

Kind = Literal["error", "reset", "secondary", "primary", "lost", "delay", "late"]


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong with a call.

    Attributes:
        kind: ``error`` answers ``status`` and does nothing; ``reset`` cuts the connection and does nothing;
            ``secondary`` and ``primary`` answer that a rate limit is exceeded; ``lost`` does the act and closes the
            connection without an answer; ``delay`` waits first, ``late`` between the act and its answer.
        retry_after: seconds for the header Retry-After, None leaves it out.
        seconds: how long ``delay`` and ``late`` wait.
    """

    kind: Kind
    status: int = 500
    retry_after: int | None = None
    seconds: float = 0.0


@dataclass(slots=True)
class _Armed:
    method: str
    path: re.Pattern[str]
    fault: Fault
    times: int


@dataclass(frozen=True, slots=True)
class _Storm:
    share: float
    faults: Mapping[Fault, float]
    dice: random.Random


@dataclass(slots=True)
class Faults:
    """The armed faults; each call takes the first that matches it, and in a storm perhaps another."""

    _armed: list[_Armed] = field(default_factory=list)
    _storm: _Storm | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def fail(self, method: str, path: str, *, status: int = 500, times: int = 1) -> None:
        """Answer the next calls with this status; ``path`` is a regular expression searched in the path."""
        self._arm(method, path, Fault("error", status), times)

    def secondary_limit(
        self, method: str, path: str, *, retry_after: int | None = None, status: int = 403, times: int = 1
    ) -> None:
        """Answer the next calls with GitHub's secondary rate limit: 403 (or 429), with or without Retry-After."""
        self._arm(method, path, Fault("secondary", status, retry_after), times)

    def primary_limit(self, method: str, path: str, *, status: int = 403, times: int = 1) -> None:
        """Answer the next calls as if the hour's quota were used up: remaining 0, and when it is reset."""
        self._arm(method, path, Fault("primary", status), times)

    def lose_answer(self, method: str, path: str, *, times: int = 1) -> None:
        """Do what the next calls ask, and close the connection instead of answering."""
        self._arm(method, path, Fault("lost"), times)

    def delay(self, method: str, path: str, seconds: float, *, times: int = 1) -> None:
        """Let the next calls wait."""
        self._arm(method, path, Fault("delay", seconds=seconds), times)

    def answer_late(self, method: str, path: str, seconds: float, *, times: int = 1) -> None:
        """Do what the next calls ask, and wait before answering."""
        self._arm(method, path, Fault("late", seconds=seconds), times)

    def reset(self, method: str, path: str, *, times: int = 1) -> None:
        """Cut the connection of the next calls, and do nothing of what they ask."""
        self._arm(method, path, Fault("reset"), times)

    def storm(self, share: float, faults: Mapping[Fault, float], dice: random.Random) -> None:
        """Strike this share of all calls with faults drawn by their weights, until ``clear``."""
        with self._lock:
            self._storm = _Storm(share, faults, dice)

    def clear(self) -> None:
        """Disarm everything."""
        with self._lock:
            self._armed.clear()
            self._storm = None

    def pending(self) -> int:
        """How many faults have not struck yet."""
        with self._lock:
            return sum(one.times for one in self._armed)

    def take(self, method: str, path: str) -> Fault | None:
        """The fault for this call, used up by asking."""
        with self._lock:
            for one in self._armed:
                if one.times and one.method in {method, "*"} and one.path.search(path):
                    one.times -= 1
                    return one.fault
            storm = self._storm
            if storm is not None and storm.dice.random() < storm.share:
                return storm.dice.choices([*storm.faults], [*storm.faults.values()])[0]
        return None

    def _arm(self, method: str, path: str, fault: Fault, times: int) -> None:
        with self._lock:
            self._armed.append(_Armed(method.upper(), re.compile(path), fault, times))
