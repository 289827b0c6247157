"""``gatekeeper demo``: put everything in place, say where it is, and wait for Ctrl-C."""

import logging
import signal
import tempfile
import threading
import webbrowser
from pathlib import Path

from rich.console import Console
from rich.table import Table

from gatekeeper import logs
from gatekeeper.demo.stage import Stage


def run(*, port: int = 8000, browser: bool = True) -> None:
    """Show the demo until Ctrl-C or SIGTERM.

    Args:
        port: of Gatekeeper and the story; a free one if it is taken.
        browser: whether to open the story in one.
    """
    console = Console(highlight=False)
    ended = threading.Event()
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, lambda *_: ended.set())
    logs.configure("console", level=logging.WARNING)
    with (
        tempfile.TemporaryDirectory(prefix="gatekeeper-demo-") as folder,
        Stage(Path(folder), port=port) as stage,
    ):
        if port not in {0, stage.port}:
            console.print(f"[yellow]Port {port} is taken by another program: this is on {stage.port}.[/]")
        _guide(console, stage)
        if browser:
            webbrowser.open(stage.panel)
        ended.wait()
        console.print("Stopping.")


def _guide(console: Console, stage: Stage) -> None:
    places = Table.grid(padding=(0, 3))
    places.add_row("  [bold]The story", f"[bold]{stage.panel}", "start here: eight steps")
    places.add_row("  Gatekeeper", stage.gatekeeper, "as in production")
    places.add_row("  GitHub", stage.github, "simulated")
    places.add_row("  Prometheus", stage.prometheus, "simulated")
    console.print("\nGatekeeper and all it needs, on this machine only; nothing is kept.")
    console.print(places)
    console.print("Ctrl-C ends it.\n")
