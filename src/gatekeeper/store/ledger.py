"""Ledgers in the database, a packed row a day; several are read and committed together.

One commit is one transaction, cursors included: killed at any moment, nothing is counted twice and nothing lost. It
does not wait for the disk: a power loss takes the last slices and their cursors together, and never one without the
other, so that the source is asked for them again.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, fields
from datetime import datetime, timedelta

from sqlalchemy import Connection, RowMapping, Text, bindparam, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from gatekeeper.availability.filling import LedgerConflictError, LedgerState, LedgerStatus, LedgerUpdate
from gatekeeper.availability.ledger import Slices, Sums, slice_of
from gatekeeper.availability.series import Cursor
from gatekeeper.store import slices
from gatekeeper.store.engine import Database
from gatekeeper.store.packing import day_of
from gatekeeper.store.slices import in_parts
from gatekeeper.store.tables import ledger as ledgers
from gatekeeper.store.tables import ledger_audit, ledger_cursor, ledger_day

CURSORS_KEPT = timedelta(days=35)
"""A series that returns within this time is not taken for a new one."""
UNNAMED_KEPT = timedelta(days=90)
"""A ledger that no policy names any more is kept this long after its newest slice: an edit may be taken back."""

# Statements are built once: that costs SQLAlchemy more than running them costs SQLite.
_STATE = tuple(field.name for field in fields(LedgerState))
_ERROR = {"error": None, "error_since": None}
_THIS = bindparam("this", type_=Text())
_ROWS = select(ledgers).where(ledgers.c.id.in_(bindparam("these", expanding=True)))
# The order keeps two who commit several from waiting for each other; SQLite has one writer and needs no locks.
_VERSIONS = (
    select(ledgers.c.id, ledgers.c.version)
    .where(ledgers.c.id.in_(bindparam("these", expanding=True)))
    .order_by(ledgers.c.id)
    .with_for_update()
)
_ADVANCE = (
    update(ledgers).where(ledgers.c.id == _THIS).values({name: bindparam(name) for name in _STATE} | _ERROR)
)
_BEGIN = insert(ledgers)
_CURSOR = select(ledger_cursor.c.ledger, ledger_cursor.c.series, ledger_cursor.c.time, ledger_cursor.c.value)
_CURSORS = _CURSOR.where(
    ledger_cursor.c.ledger.in_(bindparam("these", expanding=True)),
    ledger_cursor.c.series.in_(bindparam("some", expanding=True)),
)
_SERIES = (
    select(ledger_cursor.c.ledger, func.count().label("known"))
    .where(
        ledger_cursor.c.ledger.in_(bindparam("these", expanding=True)),
        ledger_cursor.c.time >= bindparam("since_time"),
    )
    .group_by(ledger_cursor.c.ledger)
)
_RECENT = _CURSOR.where(ledger_cursor.c.ledger == _THIS, ledger_cursor.c.time >= bindparam("since_time"))
_DELETE_CURSORS = delete(ledger_cursor).where(
    ledger_cursor.c.ledger == _THIS, ledger_cursor.c.series == bindparam("key")
)
_INSERT_CURSORS = insert(ledger_cursor)
_FORGET_CURSORS = delete(ledger_cursor).where(
    ledger_cursor.c.ledger == _THIS, ledger_cursor.c.time < bindparam("oldest")
)


class SqlLedger:
    """Every ledger of one database, by its indicator's id."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # On which day this process last forgot a ledger's old cursors: once a day is enough.
        self._tidied: dict[str, int] = {}

    def state(self, ledger: str) -> LedgerState | None:
        """How far it has been filled; None before the first commit."""
        return self.states([ledger]).get(ledger)

    def states(self, ledgers: Iterable[str]) -> Mapping[str, LedgerState]:
        """How far they have been filled; without those that had no commit yet."""
        return {row["id"]: _state(row) for row in self._rows(ledgers) if row["since"] is not None}

    def status(self, ledger: str) -> LedgerStatus:
        """The ledger as people see it; all None if nobody ever asked for it."""
        return self.statuses([ledger])[ledger]

    def statuses(self, ledgers: Iterable[str]) -> Mapping[str, LedgerStatus]:
        """The ledgers as people see them; all None of those that nobody ever asked for."""
        asked = list(ledgers)
        return dict.fromkeys(asked, LedgerStatus()) | {row["id"]: _status(row) for row in self._rows(asked)}

    def series(self, ledgers: Iterable[str], since: int) -> Mapping[str, int]:
        """How many series each has that had a sample at or after this time, Unix milliseconds."""
        found: dict[str, int] = dict.fromkeys(ledgers, 0)
        with self._database.read() as connection:
            for these in in_parts(found):
                rows = connection.execute(_SERIES, {"these": these, "since_time": since})
                found |= {row.ledger: row.known for row in rows}
        return found

    def cursors(self, ledger: str, keys: Collection[int]) -> Mapping[int, Cursor]:
        """The cursors of those series that have one."""
        return self.cursors_of({ledger: keys})[ledger]

    def cursors_of(self, keys: Mapping[str, Collection[int]]) -> Mapping[str, Mapping[int, Cursor]]:
        """By ledger, the cursors of those of its series that have one."""
        found: dict[str, dict[int, Cursor]] = {ledger: {} for ledger in keys}
        every = sorted({key for some in keys.values() for key in some})
        with self._database.read() as connection:
            for these in in_parts(keys):
                for some in in_parts(every):
                    rows = connection.execute(_CURSORS, {"these": these, "some": some})
                    for ledger, series, time, value in rows:
                        found[ledger][series] = Cursor(time, value)
        return found

    def recent(self, ledger: str, since: int) -> Mapping[int, Cursor]:
        """The cursors at or after this time, Unix milliseconds."""
        with self._database.read() as connection:
            found = connection.execute(_RECENT, {"this": ledger, "since_time": since})
            return {series: Cursor(time, value) for _, series, time, value in found}

    def read(self, ledger: str, first: int, stop: int) -> Slices:
        """The slices ``first`` to ``stop - 1``; what is not stored is unknown."""
        return self.read_of([ledger], first, stop)[ledger]

    def read_of(self, ledgers: Iterable[str], first: int, stop: int) -> Mapping[str, Slices]:
        """The same stretch of each ledger."""
        with self._database.read() as connection:
            return slices.read(connection, ledgers, first, stop)

    def sums(self, ledger: str, first: int, stop: int) -> Sums:
        """What these slices add up to, from the stored sums of days."""
        return self.sums_of([ledger], first, stop)[ledger]

    def sums_of(self, ledgers: Iterable[str], first: int, stop: int) -> Mapping[str, Sums]:
        """What the same stretch of each ledger adds up to; of all of them in the statements that one takes."""
        with self._database.read() as connection:
            return slices.sums(connection, ledgers, first, stop)

    def commit(self, ledger: str, update: LedgerUpdate) -> None:
        """Store all of an update or nothing; an error noted before is over.

        Raises:
            LedgerConflictError: the ledger is not the one that ``update.state`` was derived from.
        """
        if self.commit_all({ledger: update}):
            raise LedgerConflictError(f"ledger {ledger} was filled by somebody else meanwhile")

    def commit_all(self, updates: Mapping[str, LedgerUpdate]) -> Collection[str]:
        """Store each of these updates or nothing of it, in one transaction.

        Returns:
            Those refused, because the ledger is not the one that the update's state was derived from.
        """
        # Packed before the transaction, in which all other writers wait. Whoever changes the slices meanwhile moves
        # the ledger's version on, and then this update is refused.
        with self._database.read() as connection:
            days = slices.packed(connection, {name: one.slices for name, one in updates.items()})
        try:
            with self._database.write(durable=False) as connection:
                versions = _versions(connection, updates)
                ours = {
                    name: one for name, one in updates.items() if versions.get(name, 0) == one.state.version
                }
                _advance(connection, ours, versions)
                _put_cursors(connection, ours)
                self._forget_cursors(connection, ours)
                slices.write(connection, [day for day in days if day.ledger in ours])
        except IntegrityError:
            # Somebody began one of them at this very moment; those that came with it are tried again later.
            return set(updates)
        return updates.keys() - ours

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
                for table in (ledger_day, ledger_cursor, ledger_audit):
                    connection.execute(delete(table).where(table.c.ledger == one))
        return len(gone)

    def _rows(self, ledgers: Iterable[str]) -> list[RowMapping]:
        with self._database.read() as connection:
            return [
                row
                for these in in_parts(ledgers)
                for row in connection.execute(_ROWS, {"these": these}).mappings()
            ]

    def _forget_cursors(self, connection: Connection, updates: Mapping[str, LedgerUpdate]) -> None:
        days = {name: day_of(one.state.filled_until - 1) for name, one in updates.items()}
        due = [name for name, day in days.items() if self._tidied.get(name) != day]
        kept = CURSORS_KEPT // timedelta(milliseconds=1)
        rows = [{"this": name, "oldest": (updates[name].state.newest or 0) - kept} for name in due]
        if rows:
            connection.execute(_FORGET_CURSORS, rows)
        self._tidied |= days


def _state(row: RowMapping) -> LedgerState:
    return LedgerState(**{name: row[name] for name in _STATE})


def _status(row: RowMapping) -> LedgerStatus:
    if row["since"] is None:
        return LedgerStatus(error=row["error"], error_since=row["error_since"])
    return LedgerStatus.of(_state(row), row["error"], row["error_since"])


def _versions(connection: Connection, ledgers: Iterable[str]) -> dict[str, int]:
    return {
        row.id: row.version
        for these in in_parts(ledgers)
        for row in connection.execute(_VERSIONS, {"these": these})
    }


def _advance(connection: Connection, updates: Mapping[str, LedgerUpdate], known: Mapping[str, int]) -> None:
    states = {name: asdict(one.state) | {"version": one.state.version + 1} for name, one in updates.items()}
    old = [{"this": name, **state} for name, state in states.items() if name in known]
    new = [{"id": name, **state} for name, state in states.items() if name not in known]
    for statement, rows in ((_ADVANCE, old), (_BEGIN, new)):
        if rows:
            connection.execute(statement, rows)


def _put_cursors(connection: Connection, updates: Mapping[str, LedgerUpdate]) -> None:
    rows = [
        {"ledger": name, "series": key, **vars(cursor)}
        for name, one in updates.items()
        for key, cursor in one.cursors.items()
    ]
    if rows:
        connection.execute(_DELETE_CURSORS, [{"this": row["ledger"], "key": row["series"]} for row in rows])
        connection.execute(_INSERT_CURSORS, rows)
