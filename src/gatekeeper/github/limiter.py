"""One request at a time, writes apart, and silence for as long as GitHub asked for it.

Sources: GitHub's "Best practices for using the REST API": serial requests, at least one second between writes; an
App that goes on while limited may be banned. PyGithub's own client is not safe between threads either.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from gatekeeper.errors import GitHubError, RateLimitedError
from gatekeeper.github.answers import Answer

BETWEEN_WRITES = 1.0
"""Seconds, by GitHub's advice."""


class Limiter:
    """Gives turns to the threads that share one installation (and so one quota).

    Args:
        between_requests: seconds from the end of a request to the start of the next.
        between_writes: the same, between writes.
        patience: seconds a thread waits for its turn at most; then the work is better retried later.
        monotonic: seconds that never run backwards.
        sleep: waits for some seconds.
    """

    def __init__(
        self,
        *,
        between_requests: float = 0.05,
        between_writes: float = BETWEEN_WRITES,
        patience: float = 10.0,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._between_requests = between_requests
        self._between_writes = between_writes
        self._patience = patience
        self._monotonic = monotonic
        self._sleep = sleep
        self._serial = threading.Lock()
        self._booking = threading.Lock()
        self._next_request = self._next_write = self._next_slot = self._limited_until = monotonic()
        self._refused_in_a_row = 0

    @contextmanager
    def turn(self, *, write: bool) -> Iterator[None]:
        """Wait for one's turn and hold it.

        Raises:
            RateLimitedError: GitHub asked for silence (nothing is sent), or too many writes wait already.
            GitHubError: the request before takes too long.
        """
        self._refuse_while_limited()
        if write:
            self._sleep(self._book_write())  # outside of the lock: reads go on meanwhile
        if not self._serial.acquire(timeout=self._patience):
            raise GitHubError("GitHub is slow: the request before ours takes too long")
        try:
            self._refuse_while_limited()
            self._pause(write=write)
            try:
                yield
            finally:
                self._note_end(write=write)
        finally:
            self._serial.release()

    def heed(self, answer: Answer) -> None:
        """Remember what an answer (to the request whose turn it is) asks of the next requests."""
        wait = answer.wait_asked(self._refused_in_a_row)
        self._refused_in_a_row = self._refused_in_a_row + 1 if answer.is_limit else 0
        if wait is not None:
            self._limited_until = self._monotonic() + wait

    def limited_for(self) -> float:
        """Seconds of silence left that GitHub asked for; 0 when there are none."""
        return max(0.0, self._limited_until - self._monotonic())

    def _refuse_while_limited(self) -> None:
        if left := self.limited_for():
            raise RateLimitedError("GitHub asked us to wait; nothing is sent until then", retry_after=left)

    def _book_write(self) -> float:
        """Book the next free slot for a write; seconds until then."""
        with self._booking:
            now = self._monotonic()
            slot = max(now, self._next_slot)
            if slot - now > self._patience:
                raise RateLimitedError("too many writes are waiting already", retry_after=slot - now)
            self._next_slot = slot + self._between_writes
            return slot - now

    def _note_end(self, *, write: bool) -> None:
        now = self._monotonic()
        self._next_request = now + self._between_requests
        if write:
            self._next_write = now + self._between_writes

    def _pause(self, *, write: bool) -> None:
        due = max(self._next_request, self._next_write) if write else self._next_request
        if (wait := due - self._monotonic()) > 0:
            self._sleep(wait)
