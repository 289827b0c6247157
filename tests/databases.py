"""Databases for tests: SQLite files, and a PostgreSQL cluster of our own that lives as long as the session."""

import contextlib
import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from gatekeeper.store.engine import Database, create_store_engine
from gatekeeper.store.tables import metadata
from ports import free_port

_numbers = itertools.count()
OWNER = "postgres"  # the server refuses to run as root; its Debian package brings this user


@contextlib.contextmanager
def postgresql() -> Iterator[str]:
    """A running PostgreSQL; yields the URL of its maintenance database."""
    home = Path(tempfile.mkdtemp(prefix="gatekeeper-postgresql-"))
    shutil.chown(home, OWNER) if os.getuid() == 0 else None
    port = free_port()
    _run("initdb", "-D", str(home / "data"), "-A", "trust", "-U", OWNER, "--no-sync")
    settings = f"-p {port} -h 127.0.0.1 -k {home} -c fsync=off -c max_connections=50"
    _run("pg_ctl", "-D", str(home / "data"), "-w", "-l", str(home / "log"), "-o", settings, "start")
    try:
        yield f"postgresql://{OWNER}@127.0.0.1:{port}/postgres"
    finally:
        _run("pg_ctl", "-D", str(home / "data"), "-m", "immediate", "stop")
        shutil.rmtree(home)


@contextlib.contextmanager
def opened(url: str) -> Iterator[Database]:
    """The database at this URL, with all tables."""
    database = Database(create_store_engine(url))
    metadata.create_all(database.engine)
    try:
        yield database
    finally:
        database.close()


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """The maintenance database of a PostgreSQL that all tests share."""
    with postgresql() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database of its own for this test, on each kind that Gatekeeper supports."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/gatekeeper.db"
    url: str = request.getfixturevalue("postgresql_url")
    name = f"test{next(_numbers)}"
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return url.removesuffix("postgres") + name


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """The same, opened, with all tables."""
    with opened(database_url) as database:
        yield database


def _run(program: str, *arguments: str) -> None:
    (newest,) = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{program}"))[-1:] or [Path(program)]
    as_owner = (
        ["setpriv", f"--reuid={OWNER}", f"--regid={OWNER}", "--clear-groups"] if os.getuid() == 0 else []
    )
    subprocess.run([*as_owner, str(newest), *arguments], check=True, stdout=subprocess.DEVNULL, cwd="/")
