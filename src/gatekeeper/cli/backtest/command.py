"""``gatekeeper backtest``: what a policy would have done on real past data."""

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from gatekeeper.availability.ledger import end_of, slice_of
from gatekeeper.bootstrap import Gatekeeper
from gatekeeper.cli.backtest import page, reading
from gatekeeper.cli.backtest import report as words
from gatekeeper.cli.backtest.as_json import as_json as told
from gatekeeper.cli.backtest.report import Report, Trial
from gatekeeper.cli.decisions import WIDE
from gatekeeper.cli.exits import Code, errors, readable_errors
from gatekeeper.cli.policies import checked
from gatekeeper.decide.backtest.held import held_back
from gatekeeper.decide.backtest.simulate import simulate
from gatekeeper.decide.backtest.waiting import unproven, waiting
from gatekeeper.errors import ConfigurationError
from gatekeeper.policy.model import Service
from gatekeeper.settings import Settings
from gatekeeper.store.pull_history import PullHistory
from gatekeeper.worker.past import pasts
from gatekeeper.worker.refresh import SETTLE


def backtest(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH…", help="Policy files, or directories of them.")
    ],
    *,
    days: Annotated[int, typer.Option("--days", min=1, max=365, help="How far back.")] = 28,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write a page.")] = None,
    svg: Annotated[Path | None, typer.Option("--svg", metavar="FILE", help="Write the plot.")] = None,
) -> None:
    """Say when a policy would have been in which state over the last days, on real past data.

    Reads the ledgers of the database, and fills them from the source first where they do not reach far enough. Gates
    and decisions are not changed. Exits with 0 when it is done, 1 when a policy file has mistakes, 2 when the command
    or the configuration is wrong, 3 when the source does not answer or nothing was ever measured.
    """
    with readable_errors():
        services = checked(paths)
        if svg is not None and len(services) > 1:
            raise ConfigurationError(
                "--svg draws one service; name its file, or write a page of all with --html"
            )
        with reading.opened(Settings.from_env()) as gatekeeper, _progress() as progress:
            reports = reports_of(gatekeeper, services, days, progress)
        _write(html, lambda: page.page(reports))
        _write(svg, lambda: page.svg(reports[0]))
    if as_json:
        typer.echo(json.dumps([told(report) for report in reports], indent=2))
    else:
        _print(reports)
    blind = all(report.tested.result.time_unknown == _length(report) for report in reports)
    raise typer.Exit(Code.UNKNOWN if blind else Code.OK)


def _progress() -> Progress:
    columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn()
    return Progress(*columns, console=errors, transient=True)


def reports_of(
    gatekeeper: Gatekeeper, services: Sequence[Service], days: int, progress: Progress
) -> list[Report]:
    """Test policies over the last days, each beside the one in force; fills their ledgers first.

    Raises:
        SourceError: the source did not answer.
        ConfigurationError: the source is not set up.
    """
    end = end_of(slice_of(gatekeeper.clock()) - 1)
    start = end - timedelta(days=days)
    pairs = [(one, reading.in_force(gatekeeper, one.name)) for one in services]
    involved = [one for pair in pairs for one in pair if one is not None]
    for missing in reading.missing(gatekeeper, involved, start, end):
        task = progress.add_task(f"reading {missing.objective.name}", total=missing.slices)
        reading.fill(gatekeeper, missing, end, partial(progress.advance, task))
        progress.update(task, completed=missing.slices)
    return [report_of(gatekeeper, service, beside, (start, end), progress) for service, beside in pairs]


def report_of(
    gatekeeper: Gatekeeper,
    service: Service,
    beside: Service | None,
    between: tuple[datetime, datetime],
    progress: Progress,
) -> Report:
    """Test a policy, and the one in force beside it, on ledgers as they are."""
    start, end = between
    pulls = PullHistory(gatekeeper.stores.database).touching(service.name, start, end)

    def tested(one: Service, what: str) -> Trial:
        task = progress.add_task(f"{what} {one.name}", total=1.0)
        history = pasts(gatekeeper.stores.ledger, one, start, end)
        result = simulate(
            history,
            one.gate,
            start,
            end,
            lag=SETTLE,
            progress=lambda share: progress.update(task, completed=share),
        )
        waits, held = waiting(pulls, one.gate, result), held_back(pulls, one.gate, result)
        return Trial(one, history, result, waits, held, unproven(pulls, one.gate, result))

    in_force = tested(beside, "in force:") if beside is not None else None
    on_record = sum(one.until is None or one.until >= start for one in pulls)
    return Report(tested(service, "testing"), in_force, on_record)


def _write(file: Path | None, text: Callable[[], str]) -> None:
    if file is None:
        return
    try:
        file.write_text(text(), encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"cannot write {file}: {error.strerror}") from None


def _length(report: Report) -> timedelta:
    return report.tested.result.end - report.tested.result.start


def _print(reports: Sequence[Report]) -> None:
    console = Console(emoji=False, highlight=False, markup=False)
    if not console.is_terminal:
        console.width = max(console.width, WIDE)
    for report in reports:
        console.print(f"{report.tested.service.name}, {page.span(report)}", style="bold")
        console.print(words.says(report))
        console.print(_table(["", *(name for name, _ in report.columns)], words.rows(report)))
        if report.tested.result.moves:
            console.print(_table(words.MOVES, words.moves(report.tested.result)))
        if report.tested.waiting:
            console.print(_table(words.WAITS, words.waits(report)))
        if report.tested.held:
            console.print(_table(words.HELD, words.held(report)))
        for note in words.notes(report):
            console.print(f"- {note}", style="dim")


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    table = Table(*heads, box=box.SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    return table
