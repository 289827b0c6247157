"""Ledgers in the database: a packed row a closed day, a row a slice while a day still changes.

One commit is one transaction, cursors included: killed at any moment, nothing is counted twice and nothing lost.
"""

from collections.abc import Collection, Mapping
from dataclasses import asdict, fields
from datetime import datetime, timedelta
from itertools import islice

from sqlalchemy import Connection, RowMapping, Text, bindparam, delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from gatekeeper.availability.filling import LedgerConflictError, LedgerState, LedgerStatus, LedgerUpdate
from gatekeeper.availability.ledger import Slices, Sums, slice_of
from gatekeeper.availability.series import Cursor
from gatekeeper.store import slices
from gatekeeper.store.engine import Database
from gatekeeper.store.packing import day_of
from gatekeeper.store.tables import ledger as ledgers
from gatekeeper.store.tables import ledger_cursor, ledger_day, ledger_slice

CURSORS_KEPT = timedelta(days=35)
"""A series that returns within this time is not taken for a new one."""
UNNAMED_KEPT = timedelta(days=90)
"""A ledger that no policy names any more is kept this long after its newest slice: an edit may be taken back."""
_AT_ONCE = 5_000  # below the parameters that SQLite (32,766) and PostgreSQL (65,535) take

# Statements are built once: that costs SQLAlchemy more than running them costs SQLite.
_STATE = tuple(field.name for field in fields(LedgerState))
_ERROR = {"error": None, "error_since": None}
_THIS = bindparam("this", type_=Text())
_ROW = select(ledgers).where(ledgers.c.id == _THIS)
_ADVANCE = (
    update(ledgers)
    .where(ledgers.c.id == _THIS, ledgers.c.version == bindparam("before"))
    .values({name: bindparam(name) for name in _STATE} | _ERROR)
)
_BEGIN = insert(ledgers)
_THESE_CURSORS = (
    ledger_cursor.c.ledger == _THIS,
    ledger_cursor.c.series.in_(bindparam("some", expanding=True)),
)
_CURSORS = select(ledger_cursor.c.series, ledger_cursor.c.time, ledger_cursor.c.value).where(*_THESE_CURSORS)
_RECENT = select(ledger_cursor.c.series, ledger_cursor.c.time, ledger_cursor.c.value).where(
    ledger_cursor.c.ledger == _THIS, ledger_cursor.c.time >= bindparam("since_time")
)
_DELETE_CURSORS, _INSERT_CURSORS = delete(ledger_cursor).where(*_THESE_CURSORS), insert(ledger_cursor)
_FORGET_CURSORS = delete(ledger_cursor).where(
    ledger_cursor.c.ledger == _THIS, ledger_cursor.c.time < bindparam("oldest")
)


class SqlLedger:
    """Every ledger of one database, by its indicator's id."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # Which day's rows a ledger was last arranged for, as far as this process knows. Never wrong for
        # long: another process that arranges it anew also moves its version on, and we conflict.
        self._open_from: dict[str, int] = {}

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
        with self._database.read() as connection:
            while some := list(islice(wanted, _AT_ONCE)):
                for series, time, value in connection.execute(_CURSORS, {"this": ledger, "some": some}):
                    found[series] = Cursor(time, value)
        return found

    def recent(self, ledger: str, since: int) -> Mapping[int, Cursor]:
        """The cursors at or after this time, Unix milliseconds."""
        with self._database.read() as connection:
            found = connection.execute(_RECENT, {"this": ledger, "since_time": since})
            return {series: Cursor(time, value) for series, time, value in found}

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
                open_from = self._put_slices(connection, ledger, update)
        except IntegrityError as error:
            raise _conflict(ledger) from error
        self._open_from[ledger] = open_from

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

    def forget_unnamed(self, named: Collection[str], now: datetime) -> int:
        """Delete the ledgers that are not ``named`` and were not filled for ``UNNAMED_KEPT``, and how many.

        One whose source fails is kept for as long as a policy names it, however old its newest slice is.
        """
        before = now - UNNAMED_KEPT
        untouched = or_(
            ledgers.c.filled_until < slice_of(before),
            ledgers.c.filled_until.is_(None) & (ledgers.c.error_since < before),
        )
        with self._database.write() as connection:
            gone = sorted(
                set(connection.execute(select(ledgers.c.id).where(untouched)).scalars()) - set(named)
            )
            for one in gone:
                connection.execute(delete(ledgers).where(ledgers.c.id == one))
                for table in (ledger_day, ledger_slice, ledger_cursor):
                    connection.execute(delete(table).where(table.c.ledger == one))
        return len(gone)

    def _row(self, ledger: str) -> RowMapping | None:
        with self._database.read() as connection:
            return connection.execute(_ROW, {"this": ledger}).mappings().one_or_none()

    def _put_slices(self, connection: Connection, ledger: str, update: LedgerUpdate) -> int:
        newest = day_of(update.state.filled_until - 1)
        # A backfill writes each day once: it is packed at once. Late samples of a closed day repack it, which
        # takes a tenth of a millisecond; reading three days of rows at each pass would take ten.
        open_from = newest if update.state.progress is None else newest + 1
        if self._open_from.get(ledger) != open_from:
            slices.arrange(connection, ledger, open_from)
            oldest = (update.state.newest or 0) - CURSORS_KEPT // timedelta(milliseconds=1)
            connection.execute(_FORGET_CURSORS, {"this": ledger, "oldest": oldest})
        slices.write(connection, ledger, update.slices, open_from)
        return open_from


def _state(row: RowMapping) -> LedgerState | None:
    return None if row["since"] is None else LedgerState(**{name: row[name] for name in _STATE})


def _advance(connection: Connection, ledger: str, state: LedgerState) -> None:
    """Store the state if nobody else has stored one since it was read."""
    values = asdict(state) | {"version": state.version + 1}
    if connection.execute(_ADVANCE, {"this": ledger, "before": state.version, **values}).rowcount:
        return
    if state.version:
        raise _conflict(ledger)
    connection.execute(_BEGIN, {"id": ledger, **values})


def _conflict(ledger: str) -> LedgerConflictError:
    return LedgerConflictError(f"ledger {ledger} was filled by somebody else meanwhile")


def _put_cursors(connection: Connection, ledger: str, cursors: Mapping[int, Cursor]) -> None:
    keys = iter(cursors)
    while some := list(islice(keys, _AT_ONCE)):
        connection.execute(_DELETE_CURSORS, {"this": ledger, "some": some})
        rows = [{"ledger": ledger, "series": key, **vars(cursors[key])} for key in some]
        connection.execute(_INSERT_CURSORS, rows)
