"""The program: its commands, and its version."""

import logging
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from typing import Annotated

import typer

from gatekeeper import logs
from gatekeeper.cli.audit import audit
from gatekeeper.cli.backtest.command import backtest
from gatekeeper.cli.decisions import check, explain, replay
from gatekeeper.cli.doctor import doctor
from gatekeeper.cli.gate import gate
from gatekeeper.cli.importing import import_
from gatekeeper.cli.init import init
from gatekeeper.cli.operation import demo, serve, settings, worker
from gatekeeper.cli.policies import schema, validate

HELP = """Error budgets that pull requests obey.

Settings are environment variables; `gatekeeper settings` lists them, `gatekeeper doctor` says what is missing."""

app = typer.Typer(
    name="gatekeeper",
    help=HELP,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

PANELS: Mapping[str, Sequence[Callable[..., None]]] = {
    "Running it": (serve, worker, demo),
    "Decisions": (check, gate, explain, replay, audit),
    "Policy files": (init, validate, schema, import_, backtest),
    "Setting it up": (settings, doctor),
}
for panel, commands in PANELS.items():
    for command in commands:
        # "import" is a word of Python: its function is named otherwise.
        app.command(command.__name__.rstrip("_"), rich_help_panel=panel)(command)


@app.callback()
def program(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=lambda shown: _show_version(shown=shown),
            is_eager=True,
            help="Print the version and exit.",
        ),
    ] = False,
) -> None:
    """Take the options that come before a command, and keep the log of a short command short."""
    del version
    logs.configure("console", level=logging.WARNING)


def main() -> None:
    """Run the program."""
    app()


def _show_version(*, shown: bool) -> None:
    if shown:
        typer.echo(f"gatekeeper {version('gatekeeper-slo')}")
        raise typer.Exit
