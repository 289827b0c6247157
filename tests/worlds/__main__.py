"""Serve a world by hand: `cd tests && python -m worlds [--end 2026-11-02T12:00Z] [--days 30] [--seed 7]`."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from worlds.prometheus import PrometheusServer
from worlds.world import World

if TYPE_CHECKING:
    from collections.abc import Sequence

    from worlds.truth import ServiceTruth

WINDOW = timedelta(days=28)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print URL and truth, and serve until Ctrl-C or SIGTERM."""
    chosen = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    world = World(chosen.seed, chosen.end, days=chosen.days)
    console = Console()
    try:
        with (
            tempfile.TemporaryDirectory() as directory,
            PrometheusServer(Path(directory), world.series) as server,
        ):
            console.print(truth_table(world))
            console.print(f"{server.url} serves it until Ctrl-C", soft_wrap=True)
            server.wait()
    except KeyboardInterrupt:
        console.print("stopped")


def truth_table(world: World) -> Table:
    """What is observable of each service over 28 days, or the whole history where that is shorter."""
    start = max(world.start, world.end - WINDOW)
    table = Table(title=f"observable in ({start:%Y-%m-%d %H:%M}, {world.end:%Y-%m-%d %H:%M}] UTC")
    for heading in ("service", "target", "bad", "total", "remaining"):
        table.add_column(heading, justify="left" if heading == "service" else "right")
    for truth in world.services.values():
        table.add_row(*_row(truth, start, world.end))
    return table


def _row(truth: ServiceTruth, start: datetime, end: datetime) -> list[str]:
    counts = truth.observable(start, end)
    return [
        truth.name,
        f"{truth.target:.2%}",
        f"{counts.bad:,.1f}",
        f"{counts.total:,.1f}",
        f"{counts.remaining(truth.target):.3%}",
    ]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m worlds", description=__doc__)
    parser.add_argument("--end", type=_moment, default=_this_minute(), help="RFC 3339; default: now")
    parser.add_argument("--days", type=int, default=30, help="length of the history; default: 30")
    parser.add_argument("--seed", type=int, default=7)
    return parser


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _this_minute() -> datetime:
    now = datetime.now(UTC)  # noqa: TID251 - a command's edge
    return now.replace(second=0, microsecond=0)


if __name__ == "__main__":
    main()
