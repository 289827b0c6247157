"""The record of overrides: chained, checked, handed out; on both databases, by several writers at once."""

from __future__ import annotations

import csv
import io
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import delete, update
from typer.testing import CliRunner

from builders import NOW, SHA
from gatekeeper.cli.program import app
from gatekeeper.store.chain import GENESIS
from gatekeeper.store.engine import Database, create_store_engine
from gatekeeper.store.migrate import migrate
from gatekeeper.store.overrides import OverrideRecord, Overrides, Stake
from gatekeeper.store.tables import override

if TYPE_CHECKING:
    from collections.abc import Iterator

RECORD = OverrideRecord(
    repository="acme/shop",
    number=1,
    label="slo:override",
    actor="alice",
    granted=True,
    why="",
    reason='=HYPERLINK("https://evil.example")',
    head_sha=SHA,
    labeled_at=NOW,
    until=NOW + timedelta(hours=24),
    recorded_at=NOW,
    stakes=(Stake("acme/checkout", "frozen", -0.25),),
)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """As the commands find it: brought up to date."""
    made = Database(create_store_engine(database_url))
    migrate(made)
    yield made
    made.close()


@pytest.fixture
def overrides(database: Database) -> Overrides:
    made = Overrides(database)
    for number in range(1, 6):
        made.add_new([replace(RECORD, number=number)])
    return made


def test_what_is_only_added_to_is_whole(overrides: Overrides) -> None:
    found = overrides.verify()
    assert (found.rows, found.broken_at) == (5, None)
    assert found.last == overrides.all()[-1][1]


def test_an_empty_record_is_whole(database: Database) -> None:
    found = Overrides(database).verify()
    assert (found.rows, found.last, found.broken_at) == (0, GENESIS, None)


@pytest.mark.parametrize(
    ("forge", "broken_at"),
    [
        pytest.param(update(override).where(override.c.id == 3).values(actor="bob"), 3, id="another actor"),
        pytest.param(
            update(override).where(override.c.id == 3).values(granted=False), 3, id="another ruling"
        ),
        pytest.param(update(override).where(override.c.id == 3).values(stakes=[]), 3, id="nothing at stake"),
        pytest.param(
            update(override).where(override.c.id == 3).values(until=NOW + timedelta(microseconds=1)),
            3,
            id="a microsecond",
        ),
        pytest.param(delete(override).where(override.c.id == 1), 2, id="the first is gone"),
        pytest.param(delete(override).where(override.c.id == 3), 4, id="one in the middle is gone"),
        pytest.param(update(override).where(override.c.id == 5).values(hash="0" * 64), 5, id="the last hash"),
    ],
)
def test_what_was_changed_is_found(
    database: Database, overrides: Overrides, forge: object, broken_at: int
) -> None:
    with database.write() as connection:
        connection.execute(forge)  # type: ignore[call-overload] # a statement that changes something
    assert overrides.verify().broken_at == broken_at


def test_many_writers_make_one_chain(database: Database) -> None:
    overrides = Overrides(database)
    records = [replace(RECORD, number=number) for number in range(1, 41)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda one: overrides.add_new([one]), records))
    found = overrides.verify()
    assert (found.rows, found.broken_at) == (40, None)


@pytest.fixture
def environ(overrides: Overrides, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEKEEPER_DATABASE_URL", database_url)


def test_the_command_prints_everything_and_says_that_it_is_whole(environ: None, overrides: Overrides) -> None:
    last = overrides.verify().last
    told = CliRunner().invoke(app, ["audit", "--format", "json", "--expect", last])
    assert told.exit_code == 0, told.output
    rows = json.loads(told.stdout)["overrides"]
    assert [row["number"] for row in rows] == [1, 2, 3, 4, 5]
    assert rows[0]["stakes"] == [{"service": "acme/checkout", "state": "frozen", "remaining": -0.25}]
    assert f"5 entries, each as it was written; the last is {last}" in told.stderr


def test_a_spreadsheet_gets_no_formulas(environ: None) -> None:
    told = CliRunner().invoke(app, ["audit", "--format", "csv"])
    rows = list(csv.DictReader(io.StringIO(told.stdout)))
    assert len(rows) == 5
    assert rows[0]["reason"].startswith("'=HYPERLINK")


def test_the_table_shows_the_newest(environ: None) -> None:
    told = CliRunner().invoke(app, ["audit"])
    assert "acme/shop#5" in told.stdout
    assert "granted until 2026-11-23" in told.stdout


def test_what_is_broken_is_named(environ: None, database: Database) -> None:
    with database.write() as connection:
        connection.execute(update(override).where(override.c.id == 2).values(actor="bob"))
    told = CliRunner().invoke(app, ["audit"])
    assert told.exit_code == 1
    assert "entry 2 is not what was written" in told.stderr


def test_what_was_cut_off_at_the_end_is_missed(
    environ: None, database: Database, overrides: Overrides
) -> None:
    last = overrides.verify().last
    with database.write() as connection:
        connection.execute(delete(override).where(override.c.id == 5))
    assert CliRunner().invoke(app, ["audit"]).exit_code == 0
    told = CliRunner().invoke(app, ["audit", "--expect", last])
    assert (told.exit_code, "cut off at the end" in told.stderr) == (1, True)
