"""``gatekeeper init``: a first policy, from what the monitoring system has."""

import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Protocol, runtime_checkable

import typer
from rich import box
from rich.prompt import IntPrompt
from rich.table import Table
from rich.text import Text

from gatekeeper.availability.filling import LedgerConflictError
from gatekeeper.availability.ledger import end_of, slice_of
from gatekeeper.bootstrap import Gatekeeper
from gatekeeper.cli.backtest import reading
from gatekeeper.cli.exits import errors, readable_errors
from gatekeeper.errors import ConfigurationError
from gatekeeper.policy.first import TARGETS, Candidate, Kept, first_policy, target_with_room
from gatekeeper.settings import Settings

MOST_SHOWN = 20
SYSTEM = "prometheus"
_THERE = "{} exists already; name another file with --out"


@runtime_checkable
class Offering(Protocol):
    """A source that can say what could be counted."""

    def candidates(self, now: datetime) -> Sequence[Candidate]:
        """The best first.

        Raises:
            SourceError: the source did not answer.
        """


def init(
    *,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Default: policies/SERVICE.yaml.")
    ] = None,
    service: Annotated[
        str, typer.Option("--service", metavar="NAME", help="Only what is of this service.")
    ] = "",
    repository: Annotated[
        str,
        typer.Option("--repository", metavar="OWNER/NAME", help="Whose changes; default: the file's own."),
    ] = "",
    days: Annotated[int, typer.Option("--days", min=1, max=90, help="The window.")] = 28,
    yes: Annotated[bool, typer.Option("--yes", help="Take the best candidate without asking.")] = False,
) -> None:
    """Propose a first policy that observes: what to count, how it did over the last window, a target with room.

    Asks the monitoring system that the settings name. A file that exists is not overwritten. Exits with 0 when it is
    written, 2 when there is nothing to propose or the configuration is wrong, 3 when the system does not answer.
    """
    with readable_errors(), reading.opened(Settings.from_env()) as gatekeeper:
        now = gatekeeper.clock()
        found = _found(gatekeeper, service, now)
        chosen = found[0] if yes or len(found) == 1 or not sys.stdin.isatty() else _ask(found)
        path = out or Path("policies") / f"{chosen.service}.yaml"
        if path.exists():
            raise ConfigurationError(_THERE.format(path))
        kept = _kept(gatekeeper, chosen, days, now)
        target = target_with_room(kept)
        _write(path, first_policy(chosen, kept, target or TARGETS[-1], repository or None))
    good = f"{kept.availability:.4%}" if kept.availability is not None else "nothing measured"
    typer.echo(f"wrote {path}: {chosen.why}; {good} good over the last {days} days")
    if target is None:
        typer.echo(
            "No usual target would have been kept with room: look at what fails before you promise anything."
        )
    typer.echo(f"Next: gatekeeper validate --queries {path}, and gatekeeper backtest {path} --days {days}")


def _found(gatekeeper: Gatekeeper, service: str, now: datetime) -> list[Candidate]:
    source = gatekeeper.sources.named(SYSTEM)
    offered = source.candidates(now) if isinstance(source, Offering) else []
    found = [one for one in offered if service in {"", one.service}]
    if not found:
        there = ", ".join(sorted({one.service for one in offered}))
        raise ConfigurationError(
            f"nothing of {service} was found; there is {there}"
            if there
            else "no counters of requests and no targets were found in the last day; does it scrape anything?"
        )
    return found


def _ask(found: Sequence[Candidate]) -> Candidate:
    table = Table("", "service", "what it counts", "events a day", box=box.SIMPLE_HEAD, pad_edge=False)
    for number, one in enumerate(found[:MOST_SHOWN], 1):
        table.add_row(
            str(number), Text(one.service), Text(one.why), f"{one.events:,.0f}" if one.events else "–"
        )
    errors.print(table)
    numbers = [str(number) for number in range(1, min(len(found), MOST_SHOWN) + 1)]
    return found[
        IntPrompt.ask("Which one", console=errors, choices=numbers, show_choices=False, default=1) - 1
    ]


def _kept(gatekeeper: Gatekeeper, chosen: Candidate, days: int, now: datetime) -> Kept:
    """What it did over the window, counted as the ledger of a policy would."""
    end = end_of(slice_of(now) - 1)
    since = end - timedelta(days=days)
    indicator = chosen.indicator
    try:
        gatekeeper.ledgers.refresh(indicator, since, now)
    except LedgerConflictError:  # a worker is filling it this moment
        errors.print("a worker is reading these data too: what it has is taken")
    sums = gatekeeper.ledgers.read(indicator.id, slice_of(since) + 1, slice_of(end)).sums()
    return Kept(sums.bad, sums.total, sums.coverage, days)


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise ConfigurationError(_THERE.format(path)) from None
    except OSError as error:
        raise ConfigurationError(f"cannot write {path}: {error.strerror}") from None
