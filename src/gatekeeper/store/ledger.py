"""Ledgers in the database: a packed row a closed day, a row a slice while a day still changes.

One commit is one transaction, cursors included: killed at any moment, nothing is counted twice and nothing lost.
"""

from collections.abc import Collection, Mapping
from dataclasses import asdict, fields
from datetime import datetime, timedelta
from itertools import islice

from sqlalchemy import Connection, RowMapping, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from gatekeeper.availability.filling import LedgerConflictError, LedgerState, LedgerStatus, LedgerUpdate
from gatekeeper.availability.ledger import Slices, Sums
from gatekeeper.availability.series import Cursor
from gatekeeper.store import slices
from gatekeeper.store.engine import Database
from gatekeeper.store.packing import day_of
from gatekeeper.store.tables import ledger as ledgers
from gatekeeper.store.tables import ledger_cursor

CURSORS_KEPT = timedelta(days=35)
"""A series that returns within this time is not taken for a new one."""
OPEN_DAYS = 2
"""Days before the newest one that late samples still change often."""

_STATE = tuple(field.name for field in fields(LedgerState))
_AT_ONCE = 5_000  # below the parameters that SQLite (32,766) and PostgreSQL (65,535) take


class SqlLedger:
    """Every ledger of one database, by its indicator's id."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def state(self, ledger: str) -> LedgerState | None:
        """How far it has been filled; None before the first commit."""
        row = self._row(ledger)
        return None if row is None else _state(row)

    def status(self, ledger: str) -> LedgerStatus:
        """The ledger as people see it; all None if nobody ever asked for it."""
        row = self._row(ledger)
        if row is None:
            return LedgerStatus()
        state = _state(row)
        if state is None:
            return LedgerStatus(error=row["error"], error_since=row["error_since"])
        return LedgerStatus.of(state, row["error"], row["error_since"])

    def cursors(self, ledger: str, keys: Collection[int]) -> Mapping[int, Cursor]:
        """The cursors of those series that have one."""
        found, wanted = {}, iter(keys)
        columns = select(ledger_cursor.c.series, ledger_cursor.c.time, ledger_cursor.c.value)
        with self._database.read() as connection:
            while some := list(islice(wanted, _AT_ONCE)):
                chosen = ledger_cursor.c.ledger == ledger, ledger_cursor.c.series.in_(some)
                for series, time, value in connection.execute(columns.where(*chosen)):
                    found[series] = Cursor(time, value)
        return found

    def read(self, ledger: str, first: int, stop: int) -> Slices:
        """The slices ``first`` to ``stop - 1``; what is not stored is unknown."""
        with self._database.read() as connection:
            return slices.read(connection, ledger, first, stop)

    def sums(self, ledger: str, first: int, stop: int) -> Sums:
        """What these slices add up to, from the stored sums of whole days where there are any."""
        with self._database.read() as connection:
            return slices.sums(connection, ledger, first, stop)

    def commit(self, ledger: str, update: LedgerUpdate) -> None:
        """Store all of an update or nothing; an error noted before is over.

        Raises:
            LedgerConflictError: the ledger is not the one that ``update.state`` was derived from.
        """
        try:
            with self._database.write() as connection:
                _advance(connection, ledger, update.state)
                _put_cursors(connection, ledger, update.cursors)
                self._put_slices(connection, ledger, update)
        except IntegrityError as error:
            raise _conflict(ledger) from error

    def fail(self, ledger: str, error: str, now: datetime) -> None:
        """Note that filling failed, and since when it does."""
        with self._database.write() as connection:
            row = connection.execute(
                select(ledgers.c.error_since).where(ledgers.c.id == ledger)
            ).one_or_none()
            if row is None:
                connection.execute(insert(ledgers).values(id=ledger, version=0, error=error, error_since=now))
                return
            values = {"error": error, "error_since": row.error_since or now}
            connection.execute(update(ledgers).where(ledgers.c.id == ledger).values(values))

    def _row(self, ledger: str) -> RowMapping | None:
        with self._database.read() as connection:
            return connection.execute(select(ledgers).where(ledgers.c.id == ledger)).mappings().one_or_none()

    def _put_slices(self, connection: Connection, ledger: str, update: LedgerUpdate) -> None:
        newest = day_of(update.state.filled_until - 1)
        # A backfill writes each day once: it is packed at once, but for the days that will change.
        open_from = newest - OPEN_DAYS if update.state.progress is None else newest + 1
        if slices.seal(connection, ledger, open_from):
            _forget_cursors(connection, ledger, update.state)
        slices.write(connection, ledger, update.slices, open_from)


def _state(row: RowMapping) -> LedgerState | None:
    return None if row["since"] is None else LedgerState(**{name: row[name] for name in _STATE})


def _advance(connection: Connection, ledger: str, state: LedgerState) -> None:
    """Store the state if nobody else has stored one since it was read."""
    values = asdict(state) | {"version": state.version + 1, "error": None, "error_since": None}
    same = ledgers.c.id == ledger, ledgers.c.version == state.version
    if connection.execute(update(ledgers).where(*same).values(values)).rowcount:
        return
    if state.version:
        raise _conflict(ledger)
    connection.execute(insert(ledgers).values(id=ledger, **values))


def _conflict(ledger: str) -> LedgerConflictError:
    return LedgerConflictError(f"ledger {ledger} was filled by somebody else meanwhile")


def _put_cursors(connection: Connection, ledger: str, cursors: Mapping[int, Cursor]) -> None:
    keys = iter(cursors)
    while some := list(islice(keys, _AT_ONCE)):
        chosen = ledger_cursor.c.ledger == ledger, ledger_cursor.c.series.in_(some)
        connection.execute(delete(ledger_cursor).where(*chosen))
        rows = [{"ledger": ledger, "series": key, **asdict(cursors[key])} for key in some]
        connection.execute(insert(ledger_cursor), rows)


def _forget_cursors(connection: Connection, ledger: str, state: LedgerState) -> None:
    oldest = (state.newest or 0) - CURSORS_KEPT // timedelta(milliseconds=1)
    old = ledger_cursor.c.ledger == ledger, ledger_cursor.c.time < oldest
    connection.execute(delete(ledger_cursor).where(*old))
