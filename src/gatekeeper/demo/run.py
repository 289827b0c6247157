"""``gatekeeper demo``: put everything in place, say where it is, and wait for Ctrl-C."""

import logging
import signal
import tempfile
import threading
import webbrowser
from pathlib import Path

from rich.console import Console

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
            console.print(
                f"[yellow]Port {port} is taken by another program; this takes {stage.port} instead.[/]"
            )
        _guide(console, stage)
        if browser:
            webbrowser.open(stage.panel)
        ended.wait()
        console.print("\nStopping.")


def _guide(console: Console, stage: Stage) -> None:
    console.print(
        f"""
[bold]Gatekeeper[/], with everything it needs on this machine. Nothing leaves it, and nothing is kept.

  The story       [bold]{stage.panel}[/]   start here: an incident, a freeze, an override, a thaw
  Gatekeeper      {stage.gatekeeper}        services, budgets, decisions, API
  GitHub          {stage.github}       simulated; acme's pull requests, as anybody you like
  Prometheus      {stage.prometheus}       simulated; five weeks of traffic

Ctrl-C ends it."""
    )
