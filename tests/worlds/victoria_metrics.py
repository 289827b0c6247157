"""A real VictoriaMetrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from worlds.server import Server

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from worlds.series import Series

FLAGS = (
    "-retentionPeriod=100y",
    "-search.latencyOffset=0s",  # generated samples are complete, and asked for at their own time
    "-search.disableCache",
    "-memory.allowedBytes=512MB",
)


class VictoriaMetricsServer(Server):
    """VictoriaMetrics; what was written can be read at once."""

    PROGRAM: ClassVar[str] = "victoria-metrics"
    READY: ClassVar[str] = "/health"

    def flags(self) -> Sequence[str]:
        return [
            f"-storageDataPath={self.directory / 'data'}",
            f"-httpListenAddr=127.0.0.1:{self.port}",
            *FLAGS,
        ]

    def write(self, series: Iterable[Series]) -> None:
        super().write(series)
        self.post("/internal/force_flush")
