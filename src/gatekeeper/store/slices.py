"""The slices of a ledger in the database: each day either packed in one row, or a row a slice."""

from collections.abc import Iterator
from dataclasses import asdict, replace

import numpy as np
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Text,
    bindparam,
    case,
    delete,
    func,
    insert,
    select,
)

from gatekeeper.availability.ledger import Flag, Slices, Sums
from gatekeeper.store.packing import DAY, day_of, first_of, pack, unpack
from gatekeeper.store.tables import ledger_day as days
from gatekeeper.store.tables import ledger_slice as rows

# Statements are built once: that costs SQLAlchemy more than running them costs SQLite.
_THIS = bindparam("this", type_=Text())
_FIRST, _STOP = bindparam("first", type_=BigInteger()), bindparam("stop", type_=BigInteger())
_THESE_ROWS = rows.c.ledger == _THIS, rows.c.slice >= _FIRST, rows.c.slice < _STOP
_THESE_DAYS = days.c.ledger == _THIS, days.c.day >= _FIRST, days.c.day < _STOP
_ROWS = select(rows.c.slice, rows.c.total, rows.c.bad, rows.c.flags).where(*_THESE_ROWS)
_DAYS = select(days.c.day, days.c.slices).where(*_THESE_DAYS)
_OLDEST_ROW = select(func.min(rows.c.slice)).where(rows.c.ledger == _THIS)
_DELETE_ROWS, _DELETE_DAYS = delete(rows).where(*_THESE_ROWS), delete(days).where(*_THESE_DAYS)
_INSERT_ROWS, _INSERT_DAY = insert(rows), insert(days)


def _counted(flag: Flag) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((rows.c.flags.bitwise_and(int(flag)) != 0, 1), else_=0)), 0)


def _summed(column: ColumnElement[float]) -> ColumnElement[float]:
    return func.coalesce(func.sum(column), 0)


_SUM_OF_ROWS = select(
    _summed(rows.c.total).label("total"),
    _summed(rows.c.bad).label("bad"),
    _counted(Flag.MEASURED).label("measured"),
    _counted(Flag.INTERPOLATED).label("interpolated"),
    _counted(Flag.APPROXIMATE).label("approximate"),
).where(*_THESE_ROWS)
_SUM_OF_DAYS = select(
    *(
        _summed(days.c[name]).label(name)
        for name in ("total", "bad", "measured", "interpolated", "approximate")
    )
).where(*_THESE_DAYS)


def read(connection: Connection, ledger: str, first: int, stop: int) -> Slices:
    """The slices ``first`` to ``stop - 1``; what is not stored is unknown."""
    result = Slices.unknown(first, max(stop - first, 0))
    for day in _packed(connection, ledger, day_of(first), day_of(stop - 1) + 1):
        _lay(day, onto=result)
    _lay_rows(connection, ledger, result)
    return result


def sums(connection: Connection, ledger: str, first: int, stop: int) -> Sums:
    """What the slices ``first`` to ``stop - 1`` add up to."""
    whole = range(-(-(first - 1) // DAY), (stop - 1) // DAY)
    result = Sums(0.0, 0.0, max(stop - first, 0), 0, 0, 0)
    for query, begin, end in ((_SUM_OF_DAYS, whole.start, whole.stop), (_SUM_OF_ROWS, first, stop)):
        found = connection.execute(query, {"this": ledger, "first": begin, "stop": end})
        result += Sums(expected=0, **found.mappings().one())
    for edge in sorted({day_of(first), day_of(stop - 1)} - set(whole)):
        for day in _packed(connection, ledger, edge, edge + 1):
            cut = day.between(max(first, day.first), min(stop, day.stop))
            result += replace(cut.sums(), expected=0)
    return result


def arrange(connection: Connection, ledger: str, open_from: int) -> None:
    """Pack the days before ``open_from``, and turn later ones into rows: they change."""
    oldest = connection.execute(_OLDEST_ROW, {"this": ledger}).scalar()
    for day in range(day_of(oldest), open_from) if oldest is not None else ():
        slices = Slices.unknown(first_of(day), DAY)
        _lay_rows(connection, ledger, slices)
        connection.execute(_DELETE_ROWS, {"this": ledger, "first": slices.first, "stop": slices.stop})
        _put_packed(connection, ledger, day, slices)
    for slices in _packed(connection, ledger, open_from, open_from + DAY):
        day = day_of(slices.first)
        connection.execute(_DELETE_DAYS, {"this": ledger, "first": day, "stop": day + 1})
        _write_rows(connection, ledger, slices)


def write(connection: Connection, ledger: str, new: Slices, open_from: int) -> None:
    """Replace the stored slices of this stretch, in a ledger arranged for ``open_from``."""
    opened = max(first_of(open_from), new.first)
    for day in range(day_of(new.first), min(open_from, day_of(new.stop - 1) + 1)) if len(new) else ():
        slices = Slices.unknown(first_of(day), DAY)
        for before in _packed(connection, ledger, day, day + 1):
            _lay(before, onto=slices)
        _lay(new, onto=slices)
        _put_packed(connection, ledger, day, slices)
    if opened < new.stop:
        _write_rows(connection, ledger, new.between(opened, new.stop))


def _put_packed(connection: Connection, ledger: str, day: int, slices: Slices) -> None:
    numbers = asdict(slices.sums())
    del numbers["expected"]
    connection.execute(_DELETE_DAYS, {"this": ledger, "first": day, "stop": day + 1})
    connection.execute(_INSERT_DAY, {"ledger": ledger, "day": day, "slices": pack(slices), **numbers})


def _write_rows(connection: Connection, ledger: str, part: Slices) -> None:
    connection.execute(_DELETE_ROWS, {"this": ledger, "first": part.first, "stop": part.stop})
    known = np.flatnonzero(part.flags)
    columns = (known + part.first, part.total[known], part.bad[known], part.flags[known])
    values = [
        {"ledger": ledger, "slice": index, "total": total, "bad": bad, "flags": flags}
        for index, total, bad, flags in zip(*(column.tolist() for column in columns), strict=True)
    ]
    if values:
        connection.execute(_INSERT_ROWS, values)


def _packed(connection: Connection, ledger: str, first: int, stop: int) -> Iterator[Slices]:
    found = connection.execute(_DAYS, {"this": ledger, "first": first, "stop": stop}).all()
    return (unpack(packed, day) for day, packed in found)


def _lay_rows(connection: Connection, ledger: str, onto: Slices) -> None:
    found = connection.execute(_ROWS, {"this": ledger, "first": onto.first, "stop": onto.stop}).all()
    if not found:
        return
    index, total, bad, flags = (np.array(column) for column in zip(*found, strict=True))
    place = index - onto.first
    onto.total[place], onto.bad[place], onto.flags[place] = total, bad, flags


def _lay(part: Slices, onto: Slices) -> None:
    """Write over the stretch that both have in common."""
    first, stop = max(part.first, onto.first), min(part.stop, onto.stop)
    if first < stop:
        here, there = (
            slice(first - part.first, stop - part.first),
            slice(first - onto.first, stop - onto.first),
        )
        for name in ("total", "bad", "flags"):
            getattr(onto, name)[there] = getattr(part, name)[here]
