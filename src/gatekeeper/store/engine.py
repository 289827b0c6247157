"""The database: one engine, with SQLite and PostgreSQL set up for the same promises."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, OperationalError

from gatekeeper.errors import ConfigurationError, TemporaryError
from gatekeeper.store.group_commit import GroupCommit

BUSY_TIMEOUT = 5
"""Seconds a connection waits for another process's SQLite transaction; GitHub waits 10 for its answer."""

_DRIVERS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}
_PRAGMAS = (
    "PRAGMA journal_mode = WAL",  # readers go on while one writes
    "PRAGMA synchronous = FULL",  # what was acknowledged survives a power loss; NORMAL may lose it
    "PRAGMA foreign_keys = ON",
    "PRAGMA cache_size = -16000",  # kB: of a thousand ledgers' days all sums stay; 2 MB is too little
)


class Database:
    """Transactions on one engine, committed at the end of the ``with`` or rolled back.

    Do nothing slow inside: SQLite has one writer at a time. Threads of this process take turns and share
    commits; other processes are waited for by SQLite's own busy timeout, which polls.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        sqlite = engine.dialect.name == "sqlite"
        self._group = GroupCommit(engine.execution_options(begins=False)) if sqlite else None

    @contextmanager
    def write(self, *, durable: bool = True) -> Iterator[Connection]:
        """A transaction that may change things.

        Args:
            durable: on return it is on disk. False is for what is done again when a power loss takes it.

        Raises:
            TemporaryError: the database is locked, full or gone; nothing has been changed.
        """
        writing = self._group.member(durable=durable) if self._group else self._begin(durable=durable)
        with _database_errors(), writing as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads: one consistent view on SQLite, never waiting for writers.

        Raises:
            TemporaryError: the database is gone.
        """
        with _database_errors(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def _begin(self, *, durable: bool) -> Iterator[Connection]:
        with self.engine.begin() as connection:
            if not durable:
                connection.exec_driver_sql("SET LOCAL synchronous_commit = off")
            yield connection

    def close(self) -> None:
        """Close all connections."""
        if self._group:
            self._group.close()
        self.engine.dispose()


@contextmanager
def _database_errors() -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        raise TemporaryError(f"the database could not be used: {error.orig}") from error


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
    if connection.get_execution_options().get("begins", True):
        connection.exec_driver_sql("BEGIN")
