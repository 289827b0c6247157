"""What is looked at on a timer: at start, then each so often. A timer only touches keys, so twice does no harm."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gatekeeper.events.triggers import Touch


@dataclass(frozen=True)
class Routine:
    """Something that comes up again and again.

    Attributes:
        name: for the log.
        every: the time between two, at least.
        touches: what to look at; called with now.
        at_start: whether a start looks at it however recently somebody else did.
    """

    name: str
    every: timedelta
    touches: Callable[[datetime], Iterable[Touch]]
    at_start: bool = False


class Schedule:
    """Routines, and when each last was. All are due at first, so that a start heals what was missed."""

    def __init__(self, routines: Sequence[Routine]) -> None:
        self._last: dict[Routine, datetime | None] = dict.fromkeys(routines)

    def due(self, now: datetime) -> list[Routine]:
        """The routines whose time has come: each once, however late we are, and again until it is ``done``."""
        return [one for one, last in self._last.items() if last is None or now - last >= one.every]

    def stale(self, routine: Routine, now: datetime) -> datetime:
        """What was looked at since then is left: the timer of another process may just have been here."""
        starting = self._last[routine] is None
        return now if routine.at_start and starting else now - routine.every / 2

    def done(self, routine: Routine, now: datetime) -> None:
        """It went well; its next time is a period from now."""
        self._last[routine] = now
