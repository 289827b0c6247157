"""The slices of a ledger in the database: each day either packed in one row, or a row a slice."""

from collections.abc import Collection, Iterator
from dataclasses import asdict, replace

import numpy as np
from sqlalchemy import ColumnElement, Connection, case, delete, func, insert, select

from gatekeeper.availability.ledger import Flag, Slices, Sums
from gatekeeper.store.packing import DAY, day_of, first_of, pack, unpack
from gatekeeper.store.tables import ledger_day as days
from gatekeeper.store.tables import ledger_slice as rows


def read(connection: Connection, ledger: str, first: int, stop: int) -> Slices:
    """The slices ``first`` to ``stop - 1``; what is not stored is unknown."""
    result = Slices.unknown(first, max(stop - first, 0))
    for day in _packed(connection, ledger, range(day_of(first), day_of(stop - 1) + 1)):
        _lay(day, onto=result)
    _lay_rows(connection, ledger, result)
    return result


def sums(connection: Connection, ledger: str, first: int, stop: int) -> Sums:
    """What the slices ``first`` to ``stop - 1`` add up to."""
    whole = range(-(-(first - 1) // DAY), (stop - 1) // DAY)
    edges = {day_of(first), day_of(stop - 1)} - set(whole)
    result = Sums(0.0, 0.0, max(stop - first, 0), 0, 0, 0)
    result += _sums_of_days(connection, ledger, whole)
    result += _sums_of_rows(connection, ledger, first, stop)
    for day in _packed(connection, ledger, edges):
        cut = day.between(max(first, day.first), min(stop, day.stop))
        result += replace(cut.sums(), expected=0)
    return result


def write(connection: Connection, ledger: str, new: Slices, open_from: int) -> None:
    """Replace the stored slices of this stretch; days before ``open_from`` are kept packed."""
    for day in range(day_of(new.first), day_of(new.stop - 1) + 1) if len(new) else ():
        part = new.between(max(new.first, first_of(day)), min(new.stop, first_of(day + 1)))
        if day < open_from:
            _write_packed(connection, ledger, day, part)
        else:
            _open(connection, ledger, day)
            _write_rows(connection, ledger, part)


def seal(connection: Connection, ledger: str, open_from: int) -> bool:
    """Pack the days before ``open_from`` that are still rows; whether there were any."""
    old = rows.c.ledger == ledger, rows.c.slice < first_of(open_from)
    found = connection.execute(select(rows.c.slice).where(*old)).scalars().all()
    for day in sorted({day_of(index) for index in found}):
        slices = Slices.unknown(first_of(day), DAY)
        _lay_rows(connection, ledger, slices)
        _put_packed(connection, ledger, day, slices)
    if found:
        connection.execute(delete(rows).where(*old))
    return bool(found)


def _write_packed(connection: Connection, ledger: str, day: int, part: Slices) -> None:
    slices = Slices.unknown(first_of(day), DAY)
    for before in _packed(connection, ledger, [day]):
        _lay(before, onto=slices)
    _lay(part, onto=slices)
    _put_packed(connection, ledger, day, slices)


def _put_packed(connection: Connection, ledger: str, day: int, slices: Slices) -> None:
    numbers = asdict(slices.sums())
    del numbers["expected"]
    connection.execute(delete(days).where(days.c.ledger == ledger, days.c.day == day))
    connection.execute(insert(days).values(ledger=ledger, day=day, slices=pack(slices), **numbers))


def _open(connection: Connection, ledger: str, day: int) -> None:
    """Turn a packed day into rows: it changes again."""
    for slices in _packed(connection, ledger, [day]):
        connection.execute(delete(days).where(days.c.ledger == ledger, days.c.day == day))
        _write_rows(connection, ledger, slices)


def _write_rows(connection: Connection, ledger: str, part: Slices) -> None:
    stretch = rows.c.ledger == ledger, rows.c.slice >= part.first, rows.c.slice < part.stop
    connection.execute(delete(rows).where(*stretch))
    known = np.flatnonzero(part.flags)
    columns = (known + part.first, part.total[known], part.bad[known], part.flags[known])
    values = [
        {"ledger": ledger, "slice": index, "total": total, "bad": bad, "flags": flags}
        for index, total, bad, flags in zip(*(column.tolist() for column in columns), strict=True)
    ]
    if values:
        connection.execute(insert(rows), values)


def _packed(connection: Connection, ledger: str, wanted: Collection[int]) -> Iterator[Slices]:
    chosen = _in(days.c.day, wanted)
    found = select(days.c.day, days.c.slices).where(days.c.ledger == ledger, chosen)
    return (unpack(packed, day) for day, packed in connection.execute(found).all())


def _sums_of_days(connection: Connection, ledger: str, wanted: range) -> Sums:
    names = ("total", "bad", "measured", "interpolated", "approximate")
    columns = [func.coalesce(func.sum(days.c[name]), 0).label(name) for name in names]
    chosen = select(*columns).where(days.c.ledger == ledger, _in(days.c.day, wanted))
    return Sums(expected=0, **connection.execute(chosen).mappings().one())


def _sums_of_rows(connection: Connection, ledger: str, first: int, stop: int) -> Sums:
    columns = {
        "total": func.sum(rows.c.total),
        "bad": func.sum(rows.c.bad),
        "measured": _count(Flag.MEASURED),
        "interpolated": _count(Flag.INTERPOLATED),
        "approximate": _count(Flag.APPROXIMATE),
    }
    zeroed = [func.coalesce(column, 0).label(name) for name, column in columns.items()]
    chosen = select(*zeroed).where(rows.c.ledger == ledger, rows.c.slice >= first, rows.c.slice < stop)
    return Sums(expected=0, **connection.execute(chosen).mappings().one())


def _count(flag: Flag) -> ColumnElement[int]:
    return func.sum(case((rows.c.flags.bitwise_and(int(flag)) != 0, 1), else_=0))


def _in(column: ColumnElement[int], wanted: Collection[int]) -> ColumnElement[bool]:
    if isinstance(wanted, range):
        return column.between(wanted.start, wanted.stop - 1)
    return column.in_(wanted)


def _lay_rows(connection: Connection, ledger: str, onto: Slices) -> None:
    chosen = select(rows.c.slice, rows.c.total, rows.c.bad, rows.c.flags).where(
        rows.c.ledger == ledger, rows.c.slice >= onto.first, rows.c.slice < onto.stop
    )
    if not (found := connection.execute(chosen).all()):
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
