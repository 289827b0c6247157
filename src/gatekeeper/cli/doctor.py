"""``gatekeeper doctor``: is it wired up, and what to do where it is not."""

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gatekeeper.bootstrap import Gatekeeper, build
from gatekeeper.cli.diagnose_github import diagnose_github
from gatekeeper.cli.diagnose_sources import diagnose_ledgers, diagnose_prometheus
from gatekeeper.cli.exits import Code, readable_errors
from gatekeeper.cli.findings import Findings, Level
from gatekeeper.settings import Settings
from gatekeeper.web.attention import missing

COLOURS = {Level.OK: "green", Level.WARN: "yellow", Level.FAIL: "red"}

Examination = Callable[[Gatekeeper, Findings], None]


def doctor(*, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Say what is wired up and what is not: settings, database, GitHub, Prometheus, policies, required checks.

    Reads only. Exits with 0 when nothing is broken (warnings are allowed), 1 when something is, 2 when the settings
    cannot be read.
    """
    with readable_errors():
        settings = Settings.from_env()
        findings = examine(settings)
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in findings], indent=2))
    else:
        _print(findings)
    broken = any(one.level is Level.FAIL for one in findings)
    raise typer.Exit(Code.NO if broken else Code.OK)


def examine(settings: Settings) -> Findings:
    """Look at everything."""
    findings = Findings()
    _settings(settings, findings)
    with findings.failing("database", "check GATEKEEPER_DATABASE_URL, and that the database runs"):
        gatekeeper = build(settings)
        findings.ok("database", f"{gatekeeper.stores.database.engine.dialect.name}, reachable and up to date")
        try:
            for examination in EXAMINATIONS:
                examination(gatekeeper, findings)
        finally:
            gatekeeper.close()
    return findings


def _settings(settings: Settings, findings: Findings) -> None:
    absent = list(missing(settings))
    for names, consequence in absent:
        findings.fail(
            "settings", f"{names} not set: {consequence}", "set it; `gatekeeper settings` lists all"
        )
    if settings.public_url is None:
        findings.warn(
            "settings",
            "GATEKEEPER_PUBLIC_URL is not set: checks cannot link to their decision's page",
            "set it to the address under which people reach `gatekeeper serve`",
        )
    if not absent:
        findings.ok("settings", "everything that is needed is set")


def _policies(gatekeeper: Gatekeeper, findings: Findings) -> None:
    entries, sources = gatekeeper.stores.catalog.entries(), gatekeeper.stores.catalog.sources()
    for source in sources:
        for problem in source.problems:
            findings.warn(
                "policies", f"{source.repository}: {problem}", "mend the file; the last good version counts"
            )
    if entries:
        findings.ok("policies", f"{len(entries)} in force, from {len(sources)} repositories")
    else:
        findings.warn(
            "policies",
            "none were read yet",
            "run `gatekeeper serve`, and put a policy under policies/ on a default branch",
        )


def _work(gatekeeper: Gatekeeper, findings: Findings) -> None:
    for one in gatekeeper.stores.work.parked():
        findings.warn(
            "work", f"{one.key} was given up: {one.error}", "mend the cause; the next event tries again"
        )


EXAMINATIONS: tuple[Examination, ...] = (
    diagnose_github,
    diagnose_prometheus,
    _policies,
    diagnose_ledgers,
    _work,
)


def _print(findings: Findings) -> None:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for one in findings:
        table.add_row(f"[{COLOURS[one.level]}]{one.level.upper()}[/]", one.subject, Text(one.text))
        if one.advice:
            table.add_row("", "", Text(f"→ {one.advice}", style="bold"))
    Console().print(table)
