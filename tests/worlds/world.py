"""The whole world: every service's samples and truth, reproducible from a seed and an end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from worlds.generator import generate
from worlds.grid import SLICE, Grid
from worlds.series import milliseconds
from worlds.spec import STANDARD

if TYPE_CHECKING:
    from collections.abc import Sequence

    from worlds.series import Series
    from worlds.spec import Spec
    from worlds.truth import ServiceTruth


class World:
    """Services with `days` of history until `end`; equal arguments give equal worlds.

    Faults that would begin before the history are left out.

    Attributes:
        start: Beginning of the history.
        end: End of the history; every sample's time is in [start, end].
        services: Truth by service name.
        series: All samples, also those that arrive after their time.

    Raises:
        ValueError: `end` is naive or not a whole minute.
    """

    def __init__(self, seed: int, end: datetime, *, days: int = 30, specs: Sequence[Spec] = STANDARD) -> None:
        if end.tzinfo is None or milliseconds(end) % SLICE:
            raise ValueError(f"{end}: the end must be an aware, whole minute")
        self.end = end.astimezone(UTC)
        self.start = self.end - timedelta(days=days)
        grid = Grid(milliseconds(self.start), milliseconds(self.end))
        self.services: dict[str, ServiceTruth] = {}
        self.series: tuple[Series, ...] = ()
        for spec in specs:
            truth, series = generate(spec, seed, grid)
            self.services[spec.name] = truth
            self.series += series

    def arrived(self, by: datetime) -> list[Series]:
        """What a server holds at a moment."""
        return self.arriving(datetime.fromtimestamp(0, UTC), by)

    def arriving(self, after: datetime, until: datetime) -> list[Series]:
        """What reaches a server in (after, until]: to deliver before a simulated clock moves to `until`."""
        first, last = milliseconds(after), milliseconds(until)
        chosen = (series.arriving(first, last) for series in self.series)
        return [series for series in chosen if len(series.times)]
