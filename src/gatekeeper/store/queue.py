"""The work table as the other stores put work into it: in their own transactions, by real time."""

from collections.abc import Callable, Iterable
from datetime import datetime

from sqlalchemy import Connection

from gatekeeper.events.keys import WorkKey
from gatekeeper.events.triggers import Touch
from gatekeeper.store.work import Work


class Queue:
    """Puts work in the queue.

    Args:
        clock: real time, by which debounce and leases go, whatever the passes take for the present.
    """

    def __init__(self, work: Work, clock: Callable[[], datetime]) -> None:
        self._work = work
        self._clock = clock

    def touch(self, connection: Connection, touches: Iterable[Touch]) -> None:
        """Look at these, if the transaction commits."""
        self._work.touch(connection, touches, self._clock())

    def add(self, touches: Iterable[Touch]) -> None:
        """Look at these."""
        self._work.add(touches, self._clock())

    def parked(self) -> tuple[WorkKey, ...]:
        """Work that waits for a person."""
        return tuple(one.key for one in self._work.parked())
