"""``gatekeeper serve``, ``worker``, ``demo`` and ``settings``."""

import importlib
from typing import Annotated

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Column, Table

from gatekeeper import serving
from gatekeeper.cli.exits import readable_errors
from gatekeeper.settings import PREFIX, Settings

Port = Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 takes a free one.")]


def serve(
    *,
    host: Annotated[str, typer.Option(help="The address to listen on; 0.0.0.0 for all.")] = "127.0.0.1",
    port: Port = 8000,
    workers: Annotated[
        int,
        typer.Option(min=1, max=64, help="Processes that answer requests; more than one needs PostgreSQL."),
    ] = 1,
) -> None:
    """Serve webhooks, pages and API, and run the passes too: all that a single machine needs.

    Each process answers 16 requests at once; exactly one of them runs the passes. Logs go to standard error, a
    JSON object a line. Ctrl-C or SIGTERM finishes what runs and stops.
    """
    with readable_errors():
        serving.serve(Settings.from_env(), host=host, port=port, workers=workers)


def worker() -> None:
    """Run passes only: a helper for `gatekeeper serve` on a shared PostgreSQL; any number of them."""
    with readable_errors():
        serving.work(Settings.from_env())


def demo(
    *,
    port: Port = 8000,
    browser: Annotated[bool, typer.Option(help="Open the story in a browser.")] = True,
) -> None:
    """Show everything on this machine: a simulated GitHub, a sample history, and an incident to watch."""
    with readable_errors():
        # Nothing of the demo is loaded where it is not shown.
        importlib.import_module("gatekeeper.demo.run").run(port=port, browser=browser)


def settings() -> None:
    """List every setting: its variable, its default, what it means, and whether it is set. Values are not shown.

    Each may also be given as a file: GATEKEEPER_…_FILE names it.
    """
    with readable_errors():
        given = Settings.from_env()
    table = Table(
        Column("Variable", no_wrap=True), Column("Default", overflow="fold"), "Meaning", "Set", box=SIMPLE
    )
    for name, field in Settings.model_fields.items():
        default = "" if field.is_required() or field.default is None else str(field.default)
        is_set = "yes" if name in given.model_fields_set else "no"
        table.add_row(PREFIX + name.upper(), default, field.description, is_set)
    Console().print(table)
