"""The demo's clock: begins at the real present, runs as fast as it is told, and jumps ahead."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta


def real_time() -> datetime:
    """The present, aware UTC."""
    return datetime.now(UTC)  # noqa: TID251 (the demo is an edge: its own clock begins here)


class DemoClock:
    """The present as simulated GitHub, simulated Prometheus and Gatekeeper see it. Never runs back.

    Args:
        start: the present at first.
        monotonic: seconds that never run backwards.
    """

    def __init__(self, start: datetime, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._from, self._since, self._speed = start, monotonic(), 1.0

    def __call__(self) -> datetime:
        """The present."""
        with self._lock:
            return self._now()

    @property
    def speed(self) -> float:
        """Demo seconds a real second."""
        with self._lock:
            return self._speed

    def run(self, speed: float) -> None:
        """Go on at this speed.

        Raises:
            ValueError: it is not positive.
        """
        if speed <= 0:
            raise ValueError(f"a clock cannot run at {speed}")
        with self._lock:
            self._from, self._since, self._speed = self._now(), self._monotonic(), speed

    def jump(self, to: datetime) -> None:
        """Be at ``to`` now, unless that is past."""
        with self._lock:
            self._from, self._since = max(self._now(), to), self._monotonic()

    def _now(self) -> datetime:
        return self._from + timedelta(seconds=(self._monotonic() - self._since) * self._speed)
