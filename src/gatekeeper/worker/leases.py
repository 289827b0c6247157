"""The claims that this process holds, and their heartbeat."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Generic

from gatekeeper.worker.ports import Claimed, Work


class Leases(Generic[Claimed]):
    """Extends the leases of passes that are still running, so that nobody takes them for dead.

    Args:
        longest: a pass that runs longer is taken for stuck and left to whoever claims it next.
    """

    def __init__(self, work: Work[Claimed], *, lease: timedelta, longest: timedelta) -> None:
        self._work = work
        self._lease = lease
        self._longest = longest
        self._held: dict[str, tuple[Claimed, datetime]] = {}
        self._lock = threading.Lock()

    @contextmanager
    def held(self, claim: Claimed, since: datetime) -> Iterator[None]:
        """Keep the claim while its pass runs."""
        with self._lock:
            self._held[claim.token] = (claim, since)
        try:
            yield
        finally:
            with self._lock:
                del self._held[claim.token]

    def extend(self, now: datetime) -> None:
        """The heartbeat: call it several times in a lease."""
        with self._lock:
            held = list(self._held.values())
        for claim, since in held:
            if now - since < self._longest:
                self._work.extend(claim, now + self._lease)
