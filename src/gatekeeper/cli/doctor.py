"""``gatekeeper doctor``: is it wired up, and what to do where it is not."""

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gatekeeper.bootstrap import build
from gatekeeper.cli.exits import Code, readable_errors
from gatekeeper.diagnose.examine import diagnose_settings, examine
from gatekeeper.diagnose.findings import Findings, Level
from gatekeeper.settings import Settings

COLOURS = {Level.OK: "green", Level.WARN: "yellow", Level.FAIL: "red"}


def doctor(*, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Say what is wired up and what is not: settings, database, GitHub, Prometheus, policies, required checks.

    Reads only. Exits with 0 when nothing is broken (warnings are allowed), 1 when something is, 2 when the settings
    cannot be read.
    """
    with readable_errors():
        settings = Settings.from_env()
        findings = examined(settings)
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in findings], indent=2))
    else:
        _print(findings)
    broken = any(one.level is Level.FAIL for one in findings)
    raise typer.Exit(Code.NO if broken else Code.OK)


def examined(settings: Settings) -> Findings:
    """Look at everything."""
    findings = Findings()
    diagnose_settings(settings, findings)
    with findings.failing("database", "check GATEKEEPER_DATABASE_URL, and that the database runs"):
        gatekeeper = build(settings)
        findings.ok("database", f"{gatekeeper.stores.database.engine.dialect.name}, reachable and up to date")
        try:
            examine(gatekeeper, findings)
        finally:
            gatekeeper.close()
    return findings


def _print(findings: Findings) -> None:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for one in findings:
        table.add_row(f"[{COLOURS[one.level]}]{one.level.upper()}[/]", one.subject, Text(one.text))
        if one.advice:
            table.add_row("", "", Text(f"→ {one.advice}", style="bold"))
    Console().print(table)
