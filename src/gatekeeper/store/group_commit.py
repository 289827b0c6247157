"""Several writers, one fsync: SQLite's single writer, shared by the threads of a process.

A commit on disk costs a fsync (0.1 to 10 ms), during which nobody else can write. Writers that arrive
meanwhile therefore join one transaction, each in a savepoint of its own, and the last of them commits for
all. A lone writer commits at once: nobody waits for company.

What is done again should a power loss take it need not wait for the disk, nor make others wait: it is committed
without, and carried to the disk by the next commit that goes there.
"""

import sqlite3
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import OperationalError

LARGEST_GROUP = 64
"""Bounds how long the first member of a group waits for its commit under a flood."""


class GroupCommit:
    """The write transactions of one process on one SQLite file.

    They run on one connection, kept open, whose BEGIN, SAVEPOINT and COMMIT go to the driver directly:
    SQLAlchemy's own transaction costs as much again as the statements of a small one.

    Args:
        engine: begins no transactions by itself.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._turn = threading.Lock()
        self._queue: deque[None] = deque()
        self._connection: Connection | None = None
        self._group: _Group | None = None

    @contextmanager
    def member(self, *, durable: bool = True) -> Iterator[Connection]:
        """A transaction: on return its changes are committed; if the body raises they are undone.

        Args:
            durable: on return they are on disk. Otherwise a power loss may take them (a crash of the process does
                not), and then nothing that was committed after them is left either.

        Raises:
            OperationalError: the transaction could not begin or could not be committed.
        """
        with self._my_turn():
            group = self._joined(durable=durable)
            try:
                with group.savepoint():
                    yield group.connection
            finally:
                # Whoever queues will come in next, and see to the commit.
                if not self._queue or group.size >= LARGEST_GROUP or group.error:
                    self._end(group)
        group.wait()

    def close(self) -> None:
        """Close the connection; the next transaction opens another."""
        with self._turn:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    @contextmanager
    def _my_turn(self) -> Iterator[None]:
        self._queue.append(None)
        try:
            self._turn.acquire()
        finally:
            self._queue.pop()
        try:
            yield
        finally:
            self._turn.release()

    def _joined(self, *, durable: bool) -> "_Group":
        if self._group is not None and durable and not self._group.durable:
            self._end(self._group)
        if self._connection is None:
            self._connection = self._engine.connect()
        if self._group is None:
            self._group = _Group(self._connection, durable=durable)
        return self._group

    def _end(self, group: "_Group") -> None:
        self._group = None
        group.end()


class _Group:
    """One transaction, and those who wait for its end."""

    def __init__(self, connection: Connection, *, durable: bool) -> None:
        self.connection = connection
        self.durable = durable
        self.size = 0
        self.error: BaseException | None = None
        self._ended = threading.Event()
        self._execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
        self._execute("BEGIN IMMEDIATE")

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        self.size += 1
        self._execute("SAVEPOINT member")
        try:
            yield
        except BaseException as error:
            self._undo(error)
            raise
        self._execute("RELEASE member")

    def end(self) -> None:
        """Commit, or give everything up."""
        try:
            self._execute("ROLLBACK" if self.error else "COMMIT")
        except OperationalError as error:
            self.error = self.error or error
            if self._driver.in_transaction:
                self._driver.rollback()
        finally:
            self._ended.set()

    def wait(self) -> None:
        self._ended.wait()
        if self.error is not None:
            raise self.error

    def _undo(self, error: BaseException) -> None:
        if self._driver.in_transaction:
            self._execute("ROLLBACK TO member")
        else:  # SQLite has given up the whole transaction by itself, as it does on a full disk
            self.error = error

    def _execute(self, statement: str) -> None:
        try:
            self._driver.execute(statement)
        except sqlite3.Error as error:
            raise OperationalError(statement, None, error) from error

    @property
    def _driver(self) -> sqlite3.Connection:
        driver = self.connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)  # noqa: S101 (what the SQLite dialect gives; for the type checker)
        return driver
