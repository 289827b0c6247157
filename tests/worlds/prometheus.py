"""A real Prometheus.

Samples go by remote write into one big head, which is snapshot into one block: a query over 28 days reads
such a block about ten times as fast as a head, and production's history is in blocks too.
"""

from __future__ import annotations

import math
import shutil
import subprocess
from typing import TYPE_CHECKING, ClassVar

from worlds.series import METRIC
from worlds.server import Server

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from worlds.series import Series

CONFIG = """\
global: {}
storage:
  tsdb:
    out_of_order_time_window: 30d # samples may arrive late, behind the newest of other series
"""
FLAGS = (
    "--web.enable-remote-write-receiver",
    "--web.enable-admin-api",
    "--enable-feature=native-histograms",
    "--storage.tsdb.retention.time=20y",
    "--storage.tsdb.min-block-duration=2880h",
    "--storage.tsdb.max-block-duration=2880h",
)


class PrometheusServer(Server):
    """Prometheus; what it serves from the beginning is in one block."""

    PROGRAM: ClassVar[str] = "prometheus"
    READY: ClassVar[str] = "/-/ready"

    def flags(self) -> Sequence[str]:
        config, block = self.directory / "prometheus.yml", self.directory / "block"
        config.write_text(CONFIG)
        return [
            f"--config.file={config}",
            f"--storage.tsdb.path={block if block.exists() else self.directory / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}",
            *FLAGS,
        ]

    def settle(self) -> None:
        name = self.post("/api/v1/admin/tsdb/snapshot").json()["data"]["name"]
        self.stop()
        data = self.directory / "data"
        (data / "snapshots" / name).rename(self.directory / "block")
        shutil.rmtree(data)
        self.start()

    def put_in(self, series: Iterable[Series]) -> None:
        """The same as blocks of promtool."""
        text, data = self.directory / "late.txt", self.directory / "block"
        text.write_text(_open_metrics(series))
        self.stop()
        command = ["promtool", "tsdb", "create-blocks-from", "openmetrics", "--quiet", str(text), str(data)]
        subprocess.run(command, check=True, capture_output=True)
        self.start()


def _open_metrics(series: Iterable[Series]) -> str:
    """The samples in OpenMetrics' text format, which cannot say a stale marker."""
    lines = [f"# TYPE {METRIC.removesuffix('_total')} counter"]
    for one in series:
        labels = ",".join(f'{name}="{value}"' for name, value in one.labels if name != "__name__")
        samples = zip(one.times.tolist(), one.values.tolist(), strict=True)
        lines += [
            f"{METRIC}{{{labels}}} {value:.0f} {time / 1000:.3f}"
            for time, value in samples
            if not math.isnan(value)
        ]
    return "\n".join([*lines, "# EOF\n"])
