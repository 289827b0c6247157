"""Brings a database's schema up to this version's, at every start. It only moves forward."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import structlog
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, func, inspect, select
from sqlalchemy.exc import OperationalError

from gatekeeper.errors import ConfigurationError, TemporaryError
from gatekeeper.store.engine import Database
from gatekeeper.store.tables import metadata

PATIENCE = timedelta(minutes=5)
"""How long a starting process waits for another one's migration."""

_LOCK = 0x6761746B  # "gatk": one number for this purpose in the whole PostgreSQL database
_alembic = threading.Lock()  # its `op` and `context` belong to the process, not to a call

log = structlog.get_logger()


def migrate(database: Database) -> None:
    """Upgrade to the newest schema, in one transaction. Of several processes that start at once, one does it.

    Raises:
        ConfigurationError: another version made this database, or something that is not Gatekeeper.
        TemporaryError: the database cannot be reached, or is locked for longer than ``PATIENCE``.
    """
    logging.getLogger("alembic").setLevel(logging.WARNING)
    config = configuration()
    script = ScriptDirectory.from_config(config)
    try:
        with database.engine.connect() as connection:
            if _revision(connection) == script.get_current_head():
                return
        with _alembic, _alone(database.engine) as connection:
            before = _ours(connection, script)
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except OperationalError as error:
        raise TemporaryError(f"the database could not be used: {error.orig}") from error
    if before != script.get_current_head():
        log.info("database.migrated", before=before, after=script.get_current_head())


def configuration() -> Config:
    """Alembic's configuration; no file is read, so that an installed package needs none."""
    config = Config()
    config.set_main_option("path_separator", "os")
    config.set_main_option("script_location", "gatekeeper.store:migrations")
    return config


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _ours(connection: Connection, script: ScriptDirectory) -> str | None:
    """The database's revision, None when it is empty.

    To be asked alone only: between its two looks another process's migration could make the tables.
    """
    found = _revision(connection)
    if found is None and (foreign := set(inspect(connection).get_table_names()) & set(metadata.tables)):
        raise ConfigurationError(
            f"DATABASE_URL: the database already has tables named {', '.join(sorted(foreign))}, and no "
            "Gatekeeper release made them; use a database of its own"
        )
    if found not in {None, *(one.revision for one in script.walk_revisions())}:
        raise ConfigurationError(
            f"DATABASE_URL: the database is of revision {found}, which this version of Gatekeeper does not "
            f"know (it ends at {script.get_current_head()}): a newer version has upgraded it. Run that "
            "version, or restore the backup made before the upgrade; there is no way down"
        )
    return found


@contextmanager
def _alone(engine: Engine) -> Iterator[Connection]:
    """A transaction that no other migration runs beside."""
    with engine.execution_options(begins=False).connect() as connection:
        if connection.dialect.name == "sqlite":
            connection.detach()  # closed afterwards: these settings are not for the pool
            connection.exec_driver_sql(f"PRAGMA busy_timeout = {PATIENCE // timedelta(milliseconds=1)}")
            connection.exec_driver_sql("PRAGMA foreign_keys = OFF")  # copying a table drops the old one
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{PATIENCE.total_seconds():.0f}s'")
            connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
        yield connection
        connection.commit()
