"""One request at a time, as many as GitHub's limits allow, the most urgent first, and silence when GitHub asks for it.

Sources: GitHub's "Best practices for using the REST API": serial requests; an App that goes on while limited may be
banned. PyGithub's own client is not safe between threads either. The numbers are in ``allowance``.
"""

import itertools
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from gatekeeper.errors import GitHubError, RateLimitedError
from gatekeeper.github import urgency
from gatekeeper.github.allowance import GITHUB, UNLIMITED, Allowance, Cost, Limits
from gatekeeper.github.answers import Answer
from gatekeeper.github.sharing import Others


@dataclass(frozen=True)
class Load:
    """How busy the way to an installation is.

    Attributes:
        waiting: requests that wait for their turn.
        put_off: how many were ever sent back to be tried later.
        remaining: by window, how much is left of it, the reserve included.
    """

    waiting: int
    put_off: int
    remaining: Mapping[str, float]


@dataclass(frozen=True, order=True)
class _Waiting:
    """Someone who waits for a turn; the smallest goes first."""

    rank: tuple[int, int]
    cost: Cost = field(compare=False)
    urgent: bool = field(compare=False)
    until: float = field(compare=False)
    """Then it gives up."""


class Limiter:
    """Gives turns to the threads that share one installation (and so one quota).

    Args:
        limits: of the installation.
        patience: seconds a thread waits for its turn at most; then the work is better retried later.
        monotonic: seconds that never run backwards.
        sleep: waits for some seconds; else as long, or until somebody else's turn ended.
    """

    def __init__(
        self,
        limits: Limits = GITHUB,
        *,
        patience: float = 10.0,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        self._limits = limits
        self._patience = patience
        self._monotonic = monotonic
        self._sleep = sleep
        self._changed = threading.Condition()
        self._allowance = Allowance(limits, monotonic())
        self._waiting: list[_Waiting] = []
        self._numbers = itertools.count()
        self._busy_since: float | None = None
        self._limited_until = monotonic()
        self._refused_in_a_row = 0
        self._put_off = 0
        self._others: Others | None = None

    def share(self, others: Others) -> None:
        """Keep the limits together with other processes. Where there are no limits, there is nothing to share."""
        if self._limits != UNLIMITED:
            self._others = others

    @contextmanager
    def turn(self, cost: Cost) -> Iterator[None]:
        """Wait for one's turn and hold it.

        Raises:
            RateLimitedError: it would take too long (nothing is sent): GitHub asked for silence, what may be used of
                a limit is used up, or too many wait already.
            GitHubError: the request before takes too long.
        """
        priority = urgency.present()
        urgent = priority >= urgency.RESERVED_FOR
        until = self._monotonic() + self._patience
        me = _Waiting((-priority, next(self._numbers)), cost, urgent, until)
        with self._changed:
            self._waiting.append(me)
            try:
                self._wait(me)
                self._busy_since = self._monotonic()
            except RateLimitedError:
                self._put_off += 1
                raise
            finally:
                self._waiting.remove(me)
                self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._allowance.spend(cost, self._monotonic())
                self._busy_since = None
                self._changed.notify_all()

    def heed(self, answer: Answer) -> None:
        """Remember what an answer (to the request whose turn it is) asks of the next requests."""
        with self._changed:
            now = self._monotonic()
            if (quota := answer.quota()) is not None:
                self._allowance.heed(quota, now)
            if (wait := answer.wait_asked(self._refused_in_a_row)) is not None:
                self._limited_until = now + wait
                if self._others is not None:
                    self._others.keep_silent(wait)
            self._refused_in_a_row = self._refused_in_a_row + 1 if answer.is_limit else 0

    def limited_for(self) -> float:
        """Seconds of silence left that GitHub asked for; 0 when there are none."""
        return max(0.0, self._limited_until - self._monotonic())

    def load(self) -> Load:
        """How busy it is."""
        with self._changed:
            remaining = self._allowance.remaining(self._monotonic())
            return Load(len(self._waiting), self._put_off, remaining)

    def _wait(self, me: _Waiting) -> None:
        """Until it is one's turn."""
        while True:
            self._learn()
            self._refuse_while_limited(me)
            now = self._monotonic()
            if self._busy_since is not None:
                self._let_go_on(me.until - now, held=now - self._busy_since)
                continue
            due, first = self._due(me, now)
            if due > me.until:
                raise RateLimitedError("GitHub's limits are reached for now", retry_after=due - now)
            if due > now:
                self._pause(due - now)
            elif first and self._taken(me.cost):
                return
            elif not first:
                self._let_go_on(me.until - now, held=0.0)

    def _learn(self) -> None:
        """Count what other processes have sent."""
        if self._others is None:
            return
        news, now = self._others.news(), self._monotonic()
        for one in news.spent:
            self._allowance.spend(one.cost, now - one.ago)
        self._limited_until = max(self._limited_until, now + news.silence if news.silence else 0.0)

    def _taken(self, cost: Cost) -> bool:
        """Whether nobody elsewhere has begun a request that changes something since we learned of the last one."""
        return self._others is None or not cost.write or self._others.take(cost)

    def _refuse_while_limited(self, me: _Waiting) -> None:
        if left := self.limited_for():
            raise RateLimitedError("GitHub asked us to wait; nothing is sent until then", retry_after=left)
        now = self._monotonic()
        renewed = self._allowance.renewal(me.cost, now, urgent=me.urgent)
        if renewed is not None:
            said = "the hour's quota is used up" + ("" if me.urgent else ", but for what is urgent")
            raise RateLimitedError(said, retry_after=renewed - now)

    def _due(self, me: _Waiting, now: float) -> tuple[float, bool]:
        """When it is one's turn, and whether nobody goes before if that is now."""
        ahead: list[Cost] = []
        first = True
        for one in sorted(one for one in self._waiting if one < me):
            due = self._allowance.due(one.cost, now, urgent=one.urgent, ahead=ahead)
            if due <= one.until:  # else it gives up, and takes nothing
                ahead.append(one.cost)
                first &= due > now
        return self._allowance.due(me.cost, now, urgent=me.urgent, ahead=ahead), first

    def _let_go_on(self, left: float, *, held: float) -> None:
        """Wait for whoever has the turn or is to take it next."""
        if left > 0:
            self._changed.wait(left)
        elif held >= self._patience:
            raise GitHubError("GitHub is slow: the request before ours takes too long")
        else:
            raise RateLimitedError("too many requests are waiting already", retry_after=self._patience)

    def _pause(self, seconds: float) -> None:
        if self._sleep is None:
            self._changed.wait(seconds)
            return
        self._changed.release()
        try:
            self._sleep(seconds)
        finally:
            self._changed.acquire()
