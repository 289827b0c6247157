"""Commits shared by threads: all of a group on disk or none, one member's failure its own."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from databases import opened
from gatekeeper.errors import TemporaryError
from gatekeeper.store.engine import Database


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with opened(f"sqlite:///{tmp_path}/gatekeeper.db") as database:
        with database.write() as connection:
            connection.execute(text("CREATE TABLE note (name TEXT PRIMARY KEY)"))
        yield database


def note(database: Database, name: str) -> None:
    with database.write() as connection:
        connection.execute(text("INSERT INTO note VALUES (:name)"), {"name": name})


def notes(database: Database) -> list[str]:
    with database.read() as connection:
        return sorted(connection.execute(text("SELECT name FROM note")).scalars())


def driver_of(database: Database) -> sqlite3.Connection:
    """The connection of all writers; there is one once somebody has written."""
    assert database._group
    assert database._group._connection
    driver = database._group._connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver


class Together:
    """Durable tasks that are queueing for the writer's turn while the first one, durable or not, holds it."""

    def __init__(self, database: Database, *, durable: bool = True) -> None:
        self.database = database
        self.durable = durable
        self.errors: dict[str, BaseException] = {}
        self.after: list[str] = []

    def run(self, **tasks: Callable[[Connection], object]) -> None:
        threads = []
        with self.database.write(durable=self.durable) as connection:
            for name, task in tasks.items():
                thread = threading.Thread(target=self._attempt, args=(name, task))
                thread.start()
                threads.append(thread)
            _await(lambda: len(self.database._group._queue) == len(tasks))  # type: ignore[union-attr]  # SQLite has one
            connection.execute(text("INSERT INTO note VALUES ('first')"))
        for thread in threads:
            thread.join(10)
            assert not thread.is_alive()

    def _attempt(self, name: str, task: Callable[[Connection], object]) -> None:
        try:
            with self.database.write() as connection:
                task(connection)
            self.after.append(name)
        except Exception as error:  # noqa: BLE001 (kept for the test to look at)
            self.errors[name] = error


def _await(condition: Callable[[], bool]) -> None:
    deadline = threading.Event()
    for _ in range(1000):
        if condition():
            return
        deadline.wait(0.01)
    pytest.fail("nobody came")


def insert(name: str) -> Callable[[Connection], object]:
    return lambda connection: connection.execute(text("INSERT INTO note VALUES (:name)"), {"name": name})


def then_fail(name: str) -> Callable[[Connection], object]:
    def task(connection: Connection) -> None:
        insert(name)(connection)
        raise ValueError(name)

    return task


def commits(database: Database) -> list[str]:
    """Every COMMIT from now on, as SQLite sees them."""
    seen: list[str] = []
    driver = driver_of(database)
    driver.set_trace_callback(lambda statement: seen.append(statement) if statement == "COMMIT" else None)
    return seen


def test_a_lone_writer_commits_at_once(database: Database) -> None:
    seen = commits(database)
    note(database, "one")
    note(database, "two")
    assert seen == ["COMMIT", "COMMIT"]
    assert notes(database) == ["one", "two"]


def test_those_who_wait_share_one_commit(database: Database) -> None:
    seen, together = commits(database), Together(database)
    together.run(a=insert("a"), b=insert("b"), c=insert("c"))
    assert seen == ["COMMIT"]
    assert notes(database) == ["a", "b", "c", "first"]


SYNCHRONOUS = {1: "NORMAL", 2: "FULL"}


def how_synchronous(connection: Connection) -> str:
    return SYNCHRONOUS[connection.exec_driver_sql("PRAGMA synchronous").scalar_one()]


def test_what_is_done_again_anyway_is_committed_without_the_disk(database: Database) -> None:
    with database.write(durable=False) as connection:
        assert how_synchronous(connection) == "NORMAL"
        insert("loose")(connection)
    with database.write() as connection:
        assert how_synchronous(connection) == "FULL"
    assert notes(database) == ["loose"]


def test_a_durable_writer_never_joins_a_commit_without_the_disk(database: Database) -> None:
    found: list[str] = []
    seen, together = commits(database), Together(database, durable=False)
    together.run(durable=lambda connection: found.append(how_synchronous(connection)))
    assert found == ["FULL"]
    assert seen == ["COMMIT", "COMMIT"]
    assert notes(database) == ["first"]


def test_one_members_failure_is_its_own(database: Database) -> None:
    together = Together(database)
    together.run(a=insert("a"), b=then_fail("b"), c=insert("a"))
    assert notes(database) == ["a", "first"]
    assert sorted(together.errors) in (["a", "b"], ["b", "c"])  # whichever of a and c came second


def test_the_last_ones_failure_does_not_leave_the_others_uncommitted(database: Database) -> None:
    together = Together(database)
    together.run(only=then_fail("only"))
    assert list(together.errors) == ["only"]
    assert notes(database) == ["first"]


def test_nobody_is_told_of_success_before_the_commit(database: Database) -> None:
    together, states = Together(database), []

    def look(statement: str) -> None:
        if statement == "COMMIT":
            states.append(list(together.after))

    driver = driver_of(database)
    driver.set_trace_callback(look)
    together.run(a=insert("a"), b=insert("b"))
    assert states == [[]]
    assert sorted(together.after) == ["a", "b"]


def test_when_the_commit_fails_everybody_learns_of_it(database: Database) -> None:
    together = Together(database)
    with database.write() as connection:
        connection.execute(
            text("CREATE TABLE child (name TEXT REFERENCES note DEFERRABLE INITIALLY DEFERRED)")
        )
    orphan = text("INSERT INTO child VALUES ('nobody')")
    with pytest.raises(TemporaryError, match="FOREIGN KEY"):
        together.run(a=insert("a"), b=lambda connection: connection.execute(orphan))
    assert notes(database) == []
    note(database, "afterwards")
    assert notes(database) == ["afterwards"]


def test_a_full_disk_fails_the_group_and_not_the_next_one(database: Database) -> None:
    _limit_pages(database, extra=2)
    with pytest.raises(TemporaryError, match="full"):
        note(database, "x" * 100_000)
    _limit_pages(database, extra=1000)
    note(database, "small")
    assert notes(database) == ["small"]


def _limit_pages(database: Database, extra: int) -> None:
    driver = driver_of(database)
    (pages,) = driver.execute("PRAGMA page_count").fetchone()
    driver.execute(f"PRAGMA max_page_count = {pages + extra}")


def test_a_database_that_stays_locked_is_said_and_survived(database: Database) -> None:
    path = database.engine.url.database
    assert path
    driver_of(database).execute("PRAGMA busy_timeout = 50")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(TemporaryError, match="locked"):
        note(database, "never")
    other.execute("COMMIT")
    other.close()
    note(database, "then")
    assert notes(database) == ["then"]


def test_it_opens_again_after_a_close(database: Database) -> None:
    note(database, "one")
    database.close()
    note(database, "two")
    assert notes(database) == ["one", "two"]


def test_a_flood_is_committed_in_bounded_groups(database: Database) -> None:
    def write(who: int) -> None:
        for number in range(25):
            note(database, f"{who}-{number}")

    threads = [threading.Thread(target=write, args=(who,)) for who in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(notes(database)) == 400
