"""Long polls: a request that is answered once what it asks about is so, as long as not too many of them wait."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

MOST_WAITING = 4
"""In one process: each holds one of its threads, and webhooks have to find one that is free."""
MOST_SECONDS = 25
"""Less than proxies wait for an answer."""
PAUSE = 1.0
"""Seconds between two looks."""

Found = TypeVar("Found")


class Waiting:
    """The requests that wait.

    Args:
        most: how many may at once; one more is answered without waiting.
        pause: seconds between two looks.
        stopping: whether the process is to stop; then nobody is kept waiting.
    """

    def __init__(
        self,
        most: int = MOST_WAITING,
        pause: float = PAUSE,
        stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        self._seats = threading.BoundedSemaphore(most)
        self._pause = pause
        self._stopping = stopping

    def until(self, look: Callable[[], Found], ended: Callable[[Found], bool], seconds: float) -> Found:
        """What is found once ``ended`` holds for it, or after so many seconds, or at once when too many wait.

        Whoever waits when the process is told to stop is answered too.
        """
        found = look()
        if ended(found) or seconds <= 0 or not self._seats.acquire(blocking=False):
            return found
        try:
            deadline = time.monotonic() + seconds
            while not (ended(found) or self._stopping()) and (left := deadline - time.monotonic()) > 0:
                time.sleep(min(self._pause, left))
                found = look()
        finally:
            self._seats.release()
        return found
