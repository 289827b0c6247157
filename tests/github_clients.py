"""The real client, pointed at the stand-in GitHub and in no hurry to wait."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from gatekeeper.github.allowance import UNLIMITED
from gatekeeper.github.client import GitHub
from gatekeeper.github.connections import AppConnections, TokenConnections
from gatekeeper.github.limiter import Limiter

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatekeeper.demo.github import StandIn

HURRIED = partial(Limiter, UNLIMITED)


class Clock:
    """The wall clock, which tests may put forward."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead  # noqa: TID251 - an edge: the stand-in lives in real time


class Time:
    """Monotonic seconds that pass only by sleeping."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def app_connections(
    github: StandIn,
    *,
    clock: Callable[[], datetime] | None = None,
    limiter: Callable[[], Limiter] = HURRIED,
    installation_of: Callable[[str], int | None] = lambda _: None,
    timeout: int = 5,
) -> AppConnections:
    """Connections as the stand-in's App."""
    return AppConnections(
        str(github.app_id),
        github.app_key.private,
        api_url=github.url,
        clock=clock or Clock(),
        installation_of=installation_of,
        limiter=limiter,
        timeout=timeout,
    )


def app_client(github: StandIn, *, limiter: Callable[[], Limiter] = HURRIED, timeout: int = 5) -> GitHub:
    """The client as the stand-in's App."""
    return GitHub(app_connections(github, limiter=limiter, timeout=timeout))


def token_client(github: StandIn, token: str) -> GitHub:
    """The client with somebody's token."""
    return GitHub(TokenConnections(token, api_url=github.url, limiter=HURRIED))
