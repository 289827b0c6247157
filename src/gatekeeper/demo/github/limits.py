"""The primary rate limit: so many requests an hour for each caller."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

WINDOW = timedelta(hours=1)
LIMIT = 5000
ANONYMOUS_LIMIT = 60


@dataclass(frozen=True, slots=True)
class Quota:
    """What is left of a caller's hour."""

    limit: int
    used: int
    reset: datetime

    @property
    def remaining(self) -> int:
        """Requests that are still answered."""
        return max(0, self.limit - self.used)

    def headers(self) -> dict[str, str]:
        """The headers that every answer carries."""
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Used": str(self.used),
            "X-RateLimit-Reset": str(int(self.reset.timestamp())),
            "X-RateLimit-Resource": "core",
        }

    def shape(self) -> dict[str, int]:
        """``rate-limit``."""
        return {
            "limit": self.limit,
            "used": self.used,
            "remaining": self.remaining,
            "reset": int(self.reset.timestamp()),
        }


@dataclass(slots=True)
class Limits:
    """A quota a caller.

    Attributes:
        limit: requests an hour for whoever is signed in.
        window: how long that hour is.
    """

    limit: int = LIMIT
    window: timedelta = WINDOW
    _quotas: dict[str, Quota] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def quota(self, caller: str, now: datetime) -> Quota:
        """The caller's quota as it stands."""
        with self._lock:
            return self._current(caller, now)

    def charge(self, caller: str, now: datetime) -> Quota:
        """Count one request; with nothing left, the quota stays as it is."""
        with self._lock:
            current = self._current(caller, now)
            charged = replace(current, used=min(current.used + 1, current.limit))
            self._quotas[caller] = charged
            return charged

    def refund(self, caller: str, now: datetime) -> Quota:
        """Give one request back: "not modified" is free."""
        with self._lock:
            current = self._current(caller, now)
            self._quotas[caller] = replace(current, used=max(0, current.used - 1))
            return self._quotas[caller]

    def exhaust(self, caller: str, now: datetime) -> Quota:
        """Use up the rest of the caller's hour."""
        with self._lock:
            current = self._current(caller, now)
            self._quotas[caller] = replace(current, used=current.limit)
            return self._quotas[caller]

    def leave(self, remaining: int) -> None:
        """Let every caller so far have so many requests left of the hour."""
        with self._lock:
            for caller, known in self._quotas.items():
                self._quotas[caller] = replace(known, used=known.limit - remaining)

    def _current(self, caller: str, now: datetime) -> Quota:
        known = self._quotas.get(caller)
        if known is not None and now < known.reset:
            return known
        return Quota(ANONYMOUS_LIMIT if caller == "anonymous" else self.limit, 0, now + self.window)
