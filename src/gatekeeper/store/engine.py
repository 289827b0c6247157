"""The database: one engine, with SQLite and PostgreSQL set up for the same promises."""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from gatekeeper.errors import ConfigurationError

BUSY_TIMEOUT = 10
"""Seconds a connection waits for another process's SQLite transaction."""

_DRIVERS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}
_PRAGMAS = (
    "PRAGMA journal_mode = WAL",  # readers go on while one writes
    "PRAGMA synchronous = FULL",  # what was acknowledged survives a power loss; NORMAL may lose it
    "PRAGMA foreign_keys = ON",
)


class Database:
    """Transactions on one engine, committed at the end of the ``with`` or rolled back.

    SQLite has one writer at a time. Threads of this process take turns on a lock, which wakes the next
    one at once; other processes are waited for by SQLite's own busy timeout, which polls.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._writing = engine.execution_options(sqlite_begin="BEGIN IMMEDIATE")
        self._turn: AbstractContextManager[Any] = (
            threading.Lock() if engine.dialect.name == "sqlite" else nullcontext()
        )

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that may change things."""
        with self._turn, self._writing.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads: one consistent view on SQLite, never waiting for writers."""
        with self.engine.begin() as connection:
            yield connection

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def create_store_engine(url: str) -> Engine:
    """An engine for ``sqlite:///FILE`` or ``postgresql://…``.

    Raises:
        ConfigurationError: no such URL, another kind of database, or one that lives in memory only.
    """
    target = _supported(url)
    if target.get_backend_name() != "sqlite":
        return create_engine(target, pool_pre_ping=True)
    engine = create_engine(target, connect_args={"timeout": BUSY_TIMEOUT}, pool_size=4, max_overflow=60)
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _supported(url: str) -> URL:
    try:
        target = make_url(url)
    except ArgumentError:
        raise ConfigurationError(
            "DATABASE_URL is not a database URL, such as sqlite:///gatekeeper.db"
        ) from None
    kind = target.get_backend_name()
    if kind not in _DRIVERS:
        raise ConfigurationError(
            f"DATABASE_URL: {kind} is not supported; use sqlite:///FILE or postgresql://…"
        )
    if kind == "sqlite" and target.database in {None, "", ":memory:"}:
        raise ConfigurationError("DATABASE_URL: SQLite needs a file, as in sqlite:///gatekeeper.db")
    return target.set(drivername=_DRIVERS[kind])


def _set_up_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver must not begin by itself: _begin_sqlite does
    for pragma in _PRAGMAS:
        connection.execute(pragma)


def _begin_sqlite(connection: Connection) -> None:
    # A deferred BEGIN that reads and then writes fails at once with "database is locked" when another
    # writer came between; IMMEDIATE takes the write lock first, and waits for it.
    connection.exec_driver_sql(connection.get_execution_options().get("sqlite_begin", "BEGIN"))
