"""The slices of ledgers in the database: a row a day, what it adds up to beside its packed slices."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import BigInteger, Connection, Text, bindparam, func, insert, select, update

from gatekeeper.availability.ledger import Slices, Sums
from gatekeeper.store.packing import DAY, HALF, added_up, day_of, first_of, pack, unpack
from gatekeeper.store.tables import ledger_day as days

AT_ONCE = 5_000
"""Ledgers or series named in one statement: SQLite takes 32,766 parameters, PostgreSQL 65,535."""

# Statements are built once: that costs SQLAlchemy more than running them costs SQLite.
_FIRST, _STOP = bindparam("first", type_=BigInteger()), bindparam("stop", type_=BigInteger())
_OF_THESE = days.c.ledger.in_(bindparam("these", expanding=True))
_THESE_DAYS = _OF_THESE, days.c.day >= _FIRST, days.c.day < _STOP
_DAYS = select(days.c.ledger, days.c.day, days.c.morning, days.c.evening).where(*_THESE_DAYS)
_SUMMED = tuple(days.c[name] for name in ("total", "bad", "measured", "interpolated", "approximate"))
_SUMS = select(days.c.ledger, *(func.sum(one) for one in _SUMMED)).where(*_THESE_DAYS).group_by(days.c.ledger)
_CUT = {
    half: select(days.c.ledger, days.c[half], *_SUMMED).where(
        _OF_THESE, days.c.day == bindparam("day"), days.c.until > bindparam("beyond")
    )
    for half in ("morning", "evening")
}
_THIS, _THAT = bindparam("this", type_=Text()), bindparam("that", type_=BigInteger())
_PLAIN = {one.name: bindparam(one.name, type_=one.type) for one in days.c if not one.primary_key}
_INSERT = insert(days).values({"ledger": _THIS, "day": _THAT} | _PLAIN)
_REPLACE = update(days).where(days.c.ledger == _THIS, days.c.day == _THAT).values(_PLAIN)

_Numbers = npt.NDArray[np.float64]


def read(connection: Connection, ledgers: Iterable[str], first: int, stop: int) -> Mapping[str, Slices]:
    """The slices ``first`` to ``stop - 1`` of each ledger; what is not stored is unknown."""
    result = {ledger: Slices.unknown(first, max(stop - first, 0)) for ledger in ledgers}
    for (ledger, _), day in unpacked(connection, result, day_of(first), day_of(stop - 1) + 1).items():
        _lay(day, onto=result[ledger])
    return result


def unpacked(
    connection: Connection, ledgers: Iterable[str], first: int, stop: int
) -> Mapping[tuple[str, int], Slices]:
    """The stored ones of the UTC days ``first`` to ``stop - 1``, by ledger and day."""
    return {
        (ledger, day): unpack((morning, evening), day)
        for these in in_parts(ledgers)
        for ledger, day, morning, evening in connection.execute(
            _DAYS, {"these": these, "first": first, "stop": stop}
        )
    }


def sums(connection: Connection, ledgers: Iterable[str], first: int, stop: int) -> Mapping[str, Sums]:
    """What the slices ``first`` to ``stop - 1`` of each ledger add up to.

    The stored sums of the days, less what lies outside of the window in its first and last day.
    """
    result: dict[str, Sums] = {}
    for these in in_parts(ledgers):
        place = {ledger: row for row, ledger in enumerate(these)}
        numbers = np.zeros((len(these), len(_SUMMED)))
        if first < stop:
            begin, end = day_of(first), day_of(stop - 1)
            rows = connection.execute(_SUMS, {"these": these, "first": begin, "stop": end + 1}).all()
            _add(numbers, place, [row[0] for row in rows], np.array([row[1:] for row in rows]))
            _cut(connection, numbers, place, begin, first - first_of(begin), ahead=True)
            _cut(connection, numbers, place, end, stop - first_of(end), ahead=False)
        expected = max(stop - first, 0)
        numbers = np.maximum(numbers, 0.0)  # taking off may leave a rounding below zero
        for ledger, (total, bad, *counts) in zip(these, numbers.tolist(), strict=True):
            result[ledger] = Sums(total, bad, expected, *map(int, counts))
    return result


@dataclass(frozen=True)
class PackedDay:
    """A day to be stored.

    Attributes:
        there: the day has a row already.
        row: all of it, keys included.
    """

    ledger: str
    there: bool
    row: Mapping[str, Any]


def packed(connection: Connection, new: Mapping[str, Slices]) -> Sequence[PackedDay]:
    """What replacing the slices of each ledger's stretch takes; packing takes long, so no writer should wait for it."""
    filled = {ledger: slices for ledger, slices in new.items() if len(slices)}
    if not filled:
        return ()
    first = min(day_of(slices.first) for slices in filled.values())
    stop = max(day_of(slices.stop - 1) for slices in filled.values()) + 1
    stored, found = unpacked(connection, filled, first, stop), []
    for ledger, slices in filled.items():
        for day in range(day_of(slices.first), day_of(slices.stop - 1) + 1):
            before = stored.get((ledger, day))
            whole = before or Slices.unknown(first_of(day), DAY)
            _lay(slices, onto=whole)
            row = {"this": ledger, "that": day, **_row(whole)}
            found.append(PackedDay(ledger, before is not None, row))
    return found


def write(connection: Connection, packed_days: Iterable[PackedDay]) -> None:
    """Store these days, of ledgers that nobody has changed since they were packed."""
    rows: dict[bool, list[Mapping[str, Any]]] = {True: [], False: []}
    for one in packed_days:
        rows[one.there].append(one.row)
    for there, statement in ((True, _REPLACE), (False, _INSERT)):
        if rows[there]:
            connection.execute(statement, rows[there])


def in_parts(names: Iterable[Any]) -> Iterator[list[Any]]:
    """So many at once as one statement takes."""
    rest = iter(names)
    while part := list(islice(rest, AT_ONCE)):
        yield part


def _add(onto: _Numbers, place: Mapping[str, int], ledgers: Sequence[str], numbers: _Numbers) -> None:
    if ledgers:
        onto[[place[ledger] for ledger in ledgers]] += numbers


def _cut(
    connection: Connection, numbers: _Numbers, place: Mapping[str, int], day: int, edge: int, *, ahead: bool
) -> None:
    """Take off what the day has before its place ``edge`` (``ahead``), or from there on.

    One half of the day is unpacked, the one that the edge lies in; of the day's sums it leaves the other half's.
    """
    if edge in {0, DAY}:
        return
    half, begin = ("morning", 0) if edge < HALF else ("evening", HALF)
    beyond = first_of(day) + (0 if ahead else edge)  # most windows end where the ledgers do
    rows = connection.execute(_CUT[half], {"these": list(place), "day": day, "beyond": beyond}).all()
    if not rows:
        return
    whole = np.array([row[2:] for row in rows], dtype=np.float64)
    span = (0, edge) if edge < HALF else (edge - begin, HALF)
    part = added_up([row[1] for row in rows], *span)
    off = part if ahead is (edge < HALF) else whole - part
    _add(numbers, place, [row[0] for row in rows], -off)


def _row(day: Slices) -> Mapping[str, Any]:
    numbers, known = asdict(day.sums()), np.flatnonzero(day.flags)
    del numbers["expected"]
    morning, evening = pack(day)
    until = day.first + int(known[-1]) + 1 if len(known) else day.first
    return numbers | {"until": until, "morning": morning, "evening": evening}


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
