"""The schema that migrations make, on every database, and the databases that they refuse."""

from __future__ import annotations

import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, event, inspect, text
from sqlalchemy.exc import ProgrammingError
from structlog.testing import capture_logs

from databases import opened
from gatekeeper.errors import ConfigurationError, TemporaryError
from gatekeeper.store.engine import Database, create_store_engine
from gatekeeper.store.migrate import configuration, migrate
from gatekeeper.store.tables import metadata

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def empty(database_url: str) -> Iterator[Database]:
    """A database in which nothing is."""
    database = Database(create_store_engine(database_url))
    yield database
    database.close()


def shape(connection: Connection) -> dict[str, Any]:
    """All that the database itself says of its tables."""
    inspector = inspect(connection)
    tables: dict[str, dict[str, Any]] = {
        name: {} for name in inspector.get_table_names() if name != "alembic_version"
    }
    for name, table in tables.items():
        table |= {
            "columns": [column | {"type": repr(column["type"])} for column in inspector.get_columns(name)],
            "primary key": inspector.get_pk_constraint(name),
            "foreign keys": inspector.get_foreign_keys(name),
            "indexes": sorted(
                (str(index | {"dialect_options": None}), *map(str, index.get("dialect_options", {}).values()))
                for index in inspector.get_indexes(name)
            ),
        }
        if connection.dialect.name == "sqlite":
            table["ddl"] = _ddl(connection, name)
    return tables


def _ddl(connection: Connection, table: str) -> set[str]:
    found = connection.execute(text("SELECT sql FROM sqlite_master WHERE name = :table"), {"table": table})
    return {line.strip(" ,\t") for line in found.scalar_one().splitlines()}


def test_migrating_an_empty_database_makes_what_the_tables_say(empty: Database) -> None:
    migrate(empty)
    with empty.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_migrating_makes_the_very_schema_that_the_tables_make(
    empty: Database, tmp_path: Path, database_url: str
) -> None:
    """Also what Alembic does not compare: partial indexes, tables without row id, what a key's deletion does."""
    migrate(empty)
    with empty.read() as connection:
        migrated = shape(connection)
    with empty.write() as connection:
        metadata.drop_all(connection)
        metadata.create_all(connection)
    with empty.read() as connection:
        assert shape(connection) == migrated


def test_migrating_again_changes_nothing_and_says_nothing(empty: Database) -> None:
    with capture_logs() as first:
        migrate(empty)
    with capture_logs() as second:
        migrate(empty)
    assert [line["event"] for line in first] == ["database.migrated"]
    assert second == []


def test_processes_that_start_at_once_wait_for_the_one_that_migrates(database_url: str) -> None:
    program = (
        "import sys; from gatekeeper.store.engine import Database, create_store_engine; "
        "from gatekeeper.store.migrate import migrate; input(); "
        "migrate(Database(create_store_engine(sys.argv[1])))"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program, database_url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    ends = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0] * 4, ends
    assert sum("database.migrated" in out for out, _ in ends) == 1


def test_a_migration_that_ends_between_two_looks_of_another_is_taken_for_ours(
    empty: Database, database_url: str
) -> None:
    faster = Database(create_store_engine(database_url))

    @event.listens_for(empty.engine, "after_cursor_execute", once=True)
    def _(*_: object) -> None:
        migrate(faster)

    with capture_logs() as said:
        migrate(empty)
    faster.close()
    assert [line["event"] for line in said] == ["database.migrated"]


def test_threads_that_start_at_once_wait_for_each_other(tmp_path: Path) -> None:
    databases = [Database(create_store_engine(f"sqlite:///{tmp_path}/{one}.db")) for one in range(4)]
    threads = [threading.Thread(target=migrate, args=[database]) for database in databases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for database in databases:
        with database.read() as connection:
            assert MigrationContext.configure(connection).get_current_revision() is not None
        database.close()


def test_a_database_of_a_newer_version_is_refused_in_plain_words(empty: Database) -> None:
    migrate(empty)
    with empty.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'f00f00f00f00'"))
    with pytest.raises(ConfigurationError, match=r"f00f00f00f00.*newer version.*restore the backup"):
        migrate(empty)


def test_tables_that_no_release_made_are_left_alone(database_url: str) -> None:
    with opened(database_url) as database, pytest.raises(ConfigurationError, match="tables named decision"):
        migrate(database)


def test_there_is_no_way_down(empty: Database) -> None:
    migrate(empty)
    config = configuration()
    with empty.engine.connect() as connection:
        config.attributes["connection"] = connection
        with pytest.raises(NotImplementedError, match="only moves forward"):
            command.downgrade(config, "base")


def test_a_migration_that_fails_leaves_nothing_behind(empty: Database) -> None:
    with empty.write() as connection:
        connection.execute(text("CREATE VIEW work AS SELECT 1 AS one"))
    with pytest.raises((TemporaryError, ProgrammingError), match="work"):
        migrate(empty)
    with empty.read() as connection:
        assert inspect(connection).get_table_names() == []


def test_a_database_that_cannot_be_reached_is_said_so(tmp_path: Path) -> None:
    database = Database(create_store_engine(f"sqlite:///{tmp_path}/missing/gatekeeper.db"))
    with pytest.raises(TemporaryError, match="unable to open database file"):
        migrate(database)
