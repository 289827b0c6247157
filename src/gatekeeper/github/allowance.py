"""How much may be sent to GitHub, and when: the arithmetic of its limits. Pure; time is given.

Sources: GitHub's "Rate limits for the REST API" (points, content creation, the hour's quota) and "Best practices for
using the REST API" (at least one second between writes). Its windows are counted here as sliding ones, so that none
is exceeded wherever GitHub lets its own begin; a request counts from the moment its answer is here.

Content is what people are notified of: GitHub's pages on creating comments, issues, pull requests and reviews warn of
this limit, those on check runs, commit statuses, labels, deployments and on editing a comment do not.
"""

import math
import re
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

BETWEEN_WRITES = 1.0
"""Seconds, by GitHub's advice."""

RESERVE = 0.2
"""Share of every allowance that only urgent requests may use."""

_MINUTE, _HOUR = 60.0, 3600.0
_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_READ_POINTS, _WRITE_POINTS = 1, 5
_CONTENT = re.compile(r".*/(issues|pulls|comments|reviews|replies|releases|discussions)")


@dataclass(frozen=True)
class Cost:
    """What a request uses up.

    Attributes:
        points: of GitHub's points per minute.
        graphql: whether they are those of GraphQL, which are counted apart.
        write: whether it keeps its distance from other writes.
        content: whether it makes something that people are notified of.
    """

    points: int = _READ_POINTS
    graphql: bool = False
    write: bool = False
    content: bool = False

    @property
    def reads(self) -> bool:
        """Whether nothing is changed by it, so that it may be sent again."""
        return self.points == _READ_POINTS

    @property
    def resource(self) -> str:
        """Whose quota of the hour it is, as GitHub's headers name it."""
        return "graphql" if self.graphql else "core"


READ = Cost()
WRITE = Cost(_WRITE_POINTS, write=True)
CONTENT = Cost(_WRITE_POINTS, write=True, content=True)


def cost_of(verb: str, url: str, body: object = None) -> Cost:
    """What a request costs.

    A token is no content, so fifty of them at start-up need not take a minute.
    """
    path = url.partition("?")[0]
    if path.endswith("/graphql"):
        query = body.get("query") if isinstance(body, Mapping) else None
        changes = str(query or "").lstrip().startswith("mutation")
        return Cost(_WRITE_POINTS if changes else _READ_POINTS, graphql=True, write=changes, content=changes)
    if verb in _READS:
        return READ
    if path.endswith("/access_tokens"):
        return Cost(_WRITE_POINTS)
    return CONTENT if verb == "POST" and _CONTENT.fullmatch(path) else WRITE


@dataclass(frozen=True)
class Limits:
    """The limits of one installation. Infinite: there is none.

    Attributes:
        between_requests: seconds from the end of a request to the start of the next.
        between_writes: the same, between writes.
        points: of REST requests in a minute.
        graphql_points: of GraphQL's in a minute.
        content_minute: requests that create content, in a minute.
        content_hour: the same, in an hour.
        reserve: share of each window, and of the hour's quota, that is kept for what is urgent.
    """

    between_requests: float = 0.05
    between_writes: float = BETWEEN_WRITES
    points: float = 900
    graphql_points: float = 2000
    content_minute: float = 80
    content_hour: float = 500
    reserve: float = RESERVE


GITHUB = Limits()
UNLIMITED = Limits(0.0, 0.0, math.inf, math.inf, math.inf, math.inf, reserve=0.0)
"""For a GitHub of one's own."""


@dataclass(frozen=True)
class Quota:
    """What an answer says of the hour's quota.

    Attributes:
        resource: ``core`` or ``graphql``; others have no requests of ours.
        renewed_in: seconds until it is whole again.
    """

    resource: str
    limit: int
    remaining: int
    renewed_in: float


class Window:
    """The last so many seconds, in which no more than so much may happen."""

    def __init__(self, limit: float, seconds: float) -> None:
        self.limit = limit
        self._seconds = seconds
        self._past: deque[tuple[float, int]] = deque()
        self._used = 0

    def spend(self, amount: int, now: float) -> None:
        """It happened."""
        if amount and math.isfinite(self.limit):
            late = bool(self._past) and now < self._past[-1][0]
            self._past.append((now, amount))
            self._used += amount
            if late:  # another process's, of which we hear only now
                self._past = deque(sorted(self._past))

    def used(self, now: float) -> int:
        """How much of it is used up."""
        while self._past and self._past[0][0] + self._seconds <= now:
            self._used -= self._past.popleft()[1]
        return self._used

    def due(self, amount: int, now: float, share: float) -> float:
        """When there is room for so much within this share of the limit."""
        limit = _within(self.limit, share)
        over = self.used(now) + min(amount, limit) - limit if math.isfinite(limit) else 0
        for at, freed in self._past:
            if over <= 0:
                break
            over, now = over - freed, at + self._seconds
        return now


class Allowance:
    """What one installation has sent of late, and so when it may send more. Not safe between threads.

    Args:
        limits: of the installation.
        now: seconds that never run backwards, as in every method.
    """

    def __init__(self, limits: Limits, now: float) -> None:
        self._limits = limits
        self._next_request = self._next_write = now
        self._windows = {
            "points_minute": Window(limits.points, _MINUTE),
            "graphql_points_minute": Window(limits.graphql_points, _MINUTE),
            "content_minute": Window(limits.content_minute, _MINUTE),
            "content_hour": Window(limits.content_hour, _HOUR),
        }
        self._quotas: dict[str, tuple[Quota, float]] = {}

    def due(self, cost: Cost, now: float, *, urgent: bool = False, ahead: Sequence[Cost] = ()) -> float:
        """When such a request may be sent, at the earliest; ``now`` when at once.

        Args:
            cost: of the request.
            now: the present.
            urgent: whether the reserve may be used.
            ahead: requests that wait already and are sent first.
        """
        times = [now, self._next_request]
        if cost.write:
            writes = sum(one.write for one in ahead)
            times.append(max(now, self._next_write) + writes * self._limits.between_writes)
        share = 1 if urgent else 1 - self._limits.reserve
        amounts, before = _amounts(cost), [_amounts(one) for one in ahead]
        times += [
            window.due(amounts[name] + sum(one[name] for one in before), now, share)
            for name, window in self._windows.items()
            if amounts[name]
        ]
        return max(times)

    def spend(self, cost: Cost, now: float) -> None:
        """A request ended."""
        self._next_request = max(self._next_request, now + self._limits.between_requests)
        if cost.write:
            self._next_write = max(self._next_write, now + self._limits.between_writes)
        for name, amount in _amounts(cost).items():
            self._windows[name].spend(amount, now)

    def heed(self, quota: Quota, now: float) -> None:
        """An answer said so of the hour's quota."""
        self._quotas[quota.resource] = quota, now + quota.renewed_in

    def renewal(self, cost: Cost, now: float, *, urgent: bool = False) -> float | None:
        """When the hour's quota is renewed, if what may be used of it is used up; else None."""
        quota, renewed = self._quotas.get(cost.resource, (None, now))
        if quota is None or renewed <= now:
            return None
        kept = 0.0 if urgent else _within(quota.limit, self._limits.reserve)
        return renewed if quota.remaining <= kept else None

    def remaining(self, now: float) -> Mapping[str, float]:
        """By window, how much is left of it, the reserve included; none without a limit."""
        return {
            name: window.limit - window.used(now)
            for name, window in self._windows.items()
            if math.isfinite(window.limit)
        }


def floor(
    *, writes: int = 0, reads: int = 0, content: int = 0, urgent: bool = False, limits: Limits = GITHUB
) -> float:
    """Seconds from the first of these requests to the last that the limits cost at least, with answers in no time.

    Args:
        writes: how many change something, those that create content left out.
        reads: how many do not.
        content: how many create content.
        urgent: whether the reserve may be used.
        limits: of the installation.
    """
    share = 1 if urgent else 1 - limits.reserve
    changes = writes + content
    per_minute, in_minute, in_hour = (
        _within(limit, share) for limit in (limits.points, limits.content_minute, limits.content_hour)
    )
    points = reads * _READ_POINTS + changes * _WRITE_POINTS
    return max(
        max(reads + changes - 1, 0) * limits.between_requests,
        (max(math.ceil(points / per_minute), 1) - 1) * _MINUTE,
        _last(reads, limits.between_requests, (per_minute, _MINUTE)),
        _last(changes, limits.between_writes, (per_minute / _WRITE_POINTS, _MINUTE)),
        _last(content, limits.between_writes, (in_minute, _MINUTE), (in_hour, _HOUR)),
    )


def _last(count: int, between: float, *windows: tuple[float, float]) -> float:
    """When the last of so many like requests may be sent, the first being sent at 0."""
    times: list[float] = []
    for number in range(count):
        earliest = [times[-1] + between] if times else [0.0]
        earliest += [times[number - int(most)] + seconds for most, seconds in windows if number >= int(most)]
        times.append(max(earliest))
    return times[-1] if times else 0.0


def _within(limit: float, share: float) -> float:
    """The whole number that a share of a limit is."""
    return math.floor(limit * share) if math.isfinite(limit) else limit


def _amounts(cost: Cost) -> Mapping[str, int]:
    return {
        "points_minute": 0 if cost.graphql else cost.points,
        "graphql_points_minute": cost.points if cost.graphql else 0,
        "content_minute": int(cost.content),
        "content_hour": int(cost.content),
    }
