"""What an answer of GitHub means: fine, wait, later, or never. Pure.

Sources: GitHub's "Rate limits for the REST API" and "Best practices for using the REST API": obey
``Retry-After``; else with ``x-ratelimit-remaining: 0`` wait until ``x-ratelimit-reset``; else at least a minute,
then exponentially longer.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from github.Requester import Requester

from gatekeeper.errors import GitHubError, GitHubRefusedError, RateLimitedError
from gatekeeper.github.allowance import Quota

SHORTEST_WAIT = 60.0
LONGEST_WAIT = 3600.0  # the primary limit starts anew after an hour; nothing else asks for more

_OK, _REDIRECT, _BAD, _SERVER = 200, 300, 400, 500
_UNAUTHORIZED, _FORBIDDEN, _NOT_MODIFIED, _TOO_MANY = 401, 403, 304, 429

_HINTS = {
    _UNAUTHORIZED: "is the token valid, the private key this App's, and this machine's clock right?",
    _FORBIDDEN: "has every permission that Gatekeeper asks for been accepted? `gatekeeper doctor` lists them",
}


@dataclass(frozen=True)
class Answer:
    """One HTTP answer; header names in lower case."""

    verb: str
    path: str
    status: int
    headers: Mapping[str, str]
    body: str

    @property
    def message(self) -> str:
        """What GitHub says is wrong, with the details of a failed validation; empty when it says nothing."""
        told = _object(self.body)
        errors = told.get("errors")
        details = [_detail(one) for one in errors] if isinstance(errors, list) else []
        return "; ".join(part for part in (str(told.get("message") or ""), *details) if part)

    @property
    def is_limit(self) -> bool:
        """Whether the request was refused because of a rate limit, primary or secondary."""
        if self.status == _TOO_MANY:
            return True
        return self.status == _FORBIDDEN and (
            "retry-after" in self.headers
            or self.headers.get("x-ratelimit-remaining") == "0"
            or Requester.isRateLimitError(self.message)
        )

    @property
    def is_unauthorized(self) -> bool:
        """Whether GitHub does not know the token (any more)."""
        return self.status == _UNAUTHORIZED

    def until_reset(self) -> float | None:
        """Seconds until the hour's quota is renewed, None while some of it is left.

        Both instants are GitHub's own, so that a wrong clock here does no harm.
        """
        if self.headers.get("x-ratelimit-remaining") != "0":
            return None
        return self._renewed_in()

    def quota(self) -> Quota | None:
        """What is left of the hour's quota, None where nothing is said of it."""
        limit, remaining = (self.headers.get(f"x-ratelimit-{name}", "") for name in ("limit", "remaining"))
        if not remaining.isdecimal():
            return None
        resource = self.headers.get("x-ratelimit-resource", "core")
        return Quota(resource, int(limit) if limit.isdecimal() else 0, int(remaining), self._renewed_in())

    def _renewed_in(self) -> float:
        reset, date = self.headers.get("x-ratelimit-reset", ""), self.headers.get("date", "")
        try:
            left = float(reset) - parsedate_to_datetime(date).timestamp()
        except ValueError:
            return SHORTEST_WAIT
        return min(max(left, 0.0) + 1.0, LONGEST_WAIT)  # the header Date has whole seconds

    def wait_asked(self, refused_before: int) -> float | None:
        """Seconds before the next request may be sent, None when this one was not refused by a limit.

        Args:
            refused_before: how many answers in a row were refused by a limit until now.
        """
        if not self.is_limit:
            return None
        if (told := self._retry_after()) is not None:
            return told
        if (reset := self.until_reset()) is not None:
            return reset
        return float(min(SHORTEST_WAIT * 2**refused_before, LONGEST_WAIT))

    def _retry_after(self) -> float | None:
        given = self.headers.get("retry-after", "")
        return float(given) if given.isdecimal() else None

    def error(self, *, wait: float) -> GitHubError | GitHubRefusedError | None:
        """The error that this answer is, None for success.

        Args:
            wait: seconds to wait if it is a rate limit.
        """
        said = f"{self.verb} {self.path}: {self.status}" + (f" {self.message}" if self.message else "")
        if self.is_limit:
            return RateLimitedError(said, retry_after=wait)
        if self.status >= _SERVER:
            return GitHubError(said, retry_after=self._retry_after())
        if self.status >= _BAD:
            hint = _HINTS.get(self.status)
            return GitHubRefusedError(f"{said} ({hint})" if hint else said, status=self.status)
        if self.status >= _REDIRECT and self.status != _NOT_MODIFIED:
            return GitHubRefusedError(f"{said} (moved: renamed or transferred?)", status=self.status)
        return self._unreadable(said)

    def _unreadable(self, said: str) -> GitHubError | None:
        kind = self.headers.get("content-type", "")
        if not self.body or "json" in kind:
            return None
        return GitHubError(f"{said}: {kind or 'no content type'} instead of JSON (a proxy on the way?)")


def lost(verb: str, path: str, error: Exception) -> GitHubError:
    """The error that a connection without an answer is; whether the request was carried out is not known."""
    return GitHubError(f"{verb} {path}: no answer ({type(error).__name__})")


def _object(body: str) -> Mapping[str, Any]:
    try:
        told = json.loads(body)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _detail(one: Any) -> str:
    if not isinstance(one, dict):
        return str(one)
    place = ".".join(str(one[key]) for key in ("resource", "field") if one.get(key))
    return " ".join(part for part in (place, str(one.get("message") or one.get("code") or "")) if part)
