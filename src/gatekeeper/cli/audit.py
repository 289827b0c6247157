"""``gatekeeper audit``: the record of overrides, checked and handed out."""

import csv
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gatekeeper.cli.decisions import opened
from gatekeeper.cli.exits import Code, errors, readable_errors
from gatekeeper.store.chain import Verified
from gatekeeper.store.overrides import OverrideRecord

_MOST_SHOWN = 20


class Format(StrEnum):
    """How the record is printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


def audit(
    *,
    as_format: Annotated[
        Format, typer.Option("--format", help="table: the newest; csv or json: everything.")
    ] = Format.TABLE,
    expect: Annotated[
        str,
        typer.Option("--expect", metavar="HASH", help="A hash of an earlier audit, which has to be there."),
    ] = "",
) -> None:
    """Check that the record of overrides is as it was written, and print it.

    Each entry's hash covers the one before it, so a changed or removed one is found. Those cut off at the end are
    found by `--expect` with a hash that was printed before. Exits with 0 when all is whole, 1 when it is not, 2 when
    the configuration is wrong.
    """
    with readable_errors(), opened() as gatekeeper:
        found, entries = gatekeeper.stores.overrides.verify(), gatekeeper.stores.overrides.all()
    printers = {Format.TABLE: _table, Format.CSV: _csv, Format.JSON: _json}
    printers[as_format](entries)
    complaint = _complaint(found, expect, {one for _, one, _ in entries})
    if complaint:
        errors.print(f"gatekeeper: {complaint}", style="red")
        raise typer.Exit(Code.NO)
    errors.print(f"{found.rows} entries, each as it was written; the last is {found.last}")


def _complaint(found: Verified, expect: str, hashes: set[str]) -> str:
    if found.broken_at is not None:
        return (
            f"entry {found.broken_at} is not what was written, or one before it is gone; the {found.rows} before it "
            f"are whole, up to {found.last}"
        )
    if expect and expect not in hashes:
        return f"no entry has the hash {expect}: entries were cut off at the end"
    return ""


Entries = tuple[tuple[int, str, OverrideRecord], ...]


def _table(entries: Entries) -> None:
    table = Table("", "when", "where", "who", "what", "reason", box=box.SIMPLE_HEAD, pad_edge=False)
    for identity, _, one in entries[-_MOST_SHOWN:]:
        cells = (_time(one.recorded_at), f"{one.repository}#{one.number}", f"@{one.actor}", _what(one))
        table.add_row(str(identity), *(Text(cell) for cell in (*cells, one.reason or "")))
    Console(width=None if sys.stdout.isatty() else 200).print(table)


def _what(one: OverrideRecord) -> str:
    if one.event == "ruled":
        return f"{one.label}: granted until {_time(one.until)}" if one.granted else f"{one.label}: {one.why}"
    return f"{one.label}, in a comment"


def _csv(entries: Entries) -> None:
    rows = [_flat(row) for row in _rows(entries)]
    names = list(rows[0]) if rows else ["id"]
    writer = csv.DictWriter(sys.stdout, names)
    writer.writeheader()
    writer.writerows(rows)


def _json(entries: Entries) -> None:
    typer.echo(json.dumps({"overrides": list(_rows(entries))}, indent=2, ensure_ascii=False))


def _rows(entries: Entries) -> Iterator[dict[str, Any]]:
    for identity, found, one in entries:
        fields = {name: _plain(value) for name, value in vars(one).items()}
        yield {"id": identity, **fields, "stakes": [vars(stake) for stake in one.stakes], "hash": found}


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    """A row for spreadsheets, which take a cell that begins like this for a formula."""
    plain = {name: json.dumps(value) if isinstance(value, list) else value for name, value in row.items()}
    return {
        name: f"'{value}"
        if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r"))
        else value
        for name, value in plain.items()
    }


def _plain(value: Any) -> Any:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value


def _time(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M")
