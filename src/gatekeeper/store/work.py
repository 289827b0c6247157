"""The work table: what has to be looked at, who holds it, what failed. The queue's truth; an engine only executes.

One row a key. A touch makes it dirty (``gen`` > ``done``); a claim leases it; finishing moves ``done`` up to
the generation that the claim saw, so what was touched meanwhile stays dirty and runs again, never at once.
A lease that ran out can be claimed by anyone; the late finisher's token then matches nothing.

A touch is on disk before it is acknowledged. What becomes of it afterwards need not be: a pass whose end a power
loss took is run again, and finds nothing left to change.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Connection,
    and_,
    bindparam,
    case,
    delete,
    func,
    insert,
    literal,
    literal_column,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from gatekeeper.events.keys import WorkKey
from gatekeeper.events.triggers import FANNED_OUT, Touch
from gatekeeper.store.engine import Database
from gatekeeper.store.tables import UtcDateTime, work, work_hint

DEBOUNCE = timedelta(milliseconds=500)
"""A burst of events has so long to end before its one pass starts."""

_LONGEST_ERROR = 2000


@dataclass(frozen=True)
class Touched:
    """What a touch did: the generation it gave the key, and whether it woke it (clean or parked before)."""

    key: WorkKey
    gen: int
    woken: bool


@dataclass(frozen=True)
class Claim:
    """The right to work on a key until the lease ends.

    Attributes:
        gen: the generation seen; finishing says it is done up to here.
        priority: the most urgent of what touched it.
        attempts: how often this work has been claimed since it last went well, this time included.
        touched_at: when it became dirty.
        hints: what the events said, oldest first, each once.
    """

    key: WorkKey
    gen: int
    token: str
    attempts: int
    touched_at: datetime
    hints: tuple[Mapping[str, Any], ...]
    priority: int


@dataclass(frozen=True)
class Parked:
    """Work that waits for a person: the next touch, or unparking it, tries again."""

    key: WorkKey
    since: datetime
    attempts: int
    error: str


@dataclass(frozen=True)
class WorkCounts:
    """How much there is to do.

    Attributes:
        oldest: since when the longest waiting one waits, None when none does.
        untold: open pull requests that are still to be looked at since a gate or a policy moved.
    """

    waiting: int
    running: int
    parked: int
    oldest: datetime | None
    untold: int = 0


class Work:
    """The work of one database. Every method is one transaction, ``touch`` a part of its caller's."""

    def __init__(self, database: Database, *, debounce: timedelta = DEBOUNCE) -> None:
        self._database = database
        self._debounce = debounce

    def touch(self, connection: Connection, touches: Iterable[Touch], now: datetime) -> list[Touched]:
        """Make keys dirty, each once; in key order, so that two transactions never deadlock."""
        of_key: dict[WorkKey, list[Touch]] = {}
        for touch in sorted(touches, key=lambda touch: touch.key):
            of_key.setdefault(touch.key, []).append(touch)
        if not of_key:
            return []
        found = connection.execute(
            _UPSERTS[connection.dialect.name],
            [
                {
                    "key": str(key),
                    "priority": int(max(touch.priority for touch in same)),
                    "touched_at": now,
                    "not_before": now + self._debounce,
                }
                for key, same in of_key.items()
            ],
        )
        rows = {row.key: row for row in found}
        touched = [Touched(key, rows[str(key)].gen, woken=rows[str(key)].touched_at == now) for key in of_key]
        hints = [
            {"key": str(one.key), "gen": one.gen, "hint": dict(touch.hint)}
            for one in touched
            for touch in of_key[one.key]
            if touch.hint
        ]
        if hints:
            connection.execute(insert(work_hint), hints)
        return touched

    def add(self, touches: Iterable[Touch], now: datetime) -> list[Touched]:
        """``touch`` in a transaction of its own."""
        with self._database.write() as connection:
            return self.touch(connection, touches, now)

    def refresh(self, touches: Iterable[Touch], now: datetime, *, older_than: datetime) -> list[Touched]:
        """``touch`` what was last touched or finished before, so that the timers of many workers add up to one."""
        recent = select(work.c.key).where(work.c.touched_at > older_than)
        with self._database.write() as connection:
            fresh = set(connection.execute(recent).scalars())
            return self.touch(connection, [one for one in touches if str(one.key) not in fresh], now)

    def claim(self, now: datetime, lease: timedelta) -> Claim | None:
        """Take the most urgent key that is due and that nobody holds; None when there is none."""
        token = uuid.uuid4().hex
        with self._database.write(durable=False) as connection:
            row = connection.execute(
                _TAKE, {"now": now, "new_token": token, "new_until": now + lease}
            ).one_or_none()
            if row is None:
                return None
            hints = _hints(connection, row.key, row.gen)
        return Claim(
            WorkKey.parse(row.key), row.gen, token, row.attempts, row.touched_at, hints, row.priority
        )

    def extend(self, claim: Claim, until: datetime) -> bool:
        """Lengthen the lease; False when it is no longer ours."""
        with self._database.write(durable=False) as connection:
            return connection.execute(_held(claim).values(until=until)).rowcount == 1

    def finish(self, claim: Claim, now: datetime) -> bool:
        """It went well up to the claimed generation; False when the lease had been lost, and nothing changed."""
        values = {"of_key": str(claim.key), "of_token": claim.token, "of_gen": claim.gen}
        due = {"now": now, "next": now + self._debounce}
        with self._database.write(durable=False) as connection:
            ours = connection.execute(_DONE, values | due).rowcount == 1
            if ours:
                connection.execute(_SEEN, values)
        return ours

    def retry(self, claim: Claim, not_before: datetime, error: str) -> bool:
        """It failed and may go well later; False when the lease had been lost, and nothing changed."""
        with self._database.write(durable=False) as connection:
            failed = _released(claim).values(not_before=not_before, last_error=_storable(error))
            return connection.execute(failed).rowcount == 1

    def put_off(self, claim: Claim, not_before: datetime, why: str) -> bool:
        """It was not the work that failed, so this was no attempt; False when the lease had been lost."""
        with self._database.write(durable=False) as connection:
            later = _released(claim).values(
                not_before=not_before, attempts=work.c.attempts - 1, last_error=_storable(why)
            )
            return connection.execute(later).rowcount == 1

    def park(self, claim: Claim, now: datetime, error: str) -> bool:
        """It failed for good; False when the lease had been lost, and nothing changed.

        Touched meanwhile, it is not parked: there is news that may have changed the outcome.
        """
        touched = work.c.gen > claim.gen
        failed = _released(claim).values(
            parked_at=case((touched, null()), else_=literal(now, UtcDateTime)),
            attempts=case((touched, 0), else_=work.c.attempts),
            not_before=now + self._debounce,
            last_error=_storable(error),
        )
        with self._database.write(durable=False) as connection:
            return connection.execute(failed).rowcount == 1

    def unpark(self, key: WorkKey, now: datetime) -> bool:
        """Try parked work again, now; False when it is not parked."""
        again = (
            update(work)
            .where(work.c.key == str(key), work.c.parked_at.is_not(None))
            .values(parked_at=None, attempts=0, touched_at=now, not_before=now)
        )
        with self._database.write() as connection:
            return connection.execute(again).rowcount == 1

    def release_all(self) -> None:
        """End all leases, when whoever held them is known to be dead."""
        with self._database.write() as connection:
            connection.execute(update(work).where(work.c.token.is_not(None)).values(token=None, until=None))

    def is_due(self, now: datetime) -> bool:
        """Whether there is anything to claim."""
        with self._database.read() as connection:
            return connection.execute(select(_NEXT.exists()), {"now": now}).scalar_one()

    def parked(self) -> Sequence[Parked]:
        """All parked work, longest parked first."""
        query = (
            select(work.c.key, work.c.parked_at, work.c.attempts, work.c.last_error)
            .where(work.c.parked_at.is_not(None))
            .order_by(work.c.parked_at, work.c.key)
        )
        with self._database.read() as connection:
            return [Parked(WorkKey.parse(key), *rest) for key, *rest in connection.execute(query)]

    def counts(self, now: datetime) -> WorkCounts:
        """How much waits (also for its backoff to end), runs and is parked."""
        parked = work.c.parked_at.is_not(None)
        running = and_(~parked, work.c.until > now)
        waiting = and_(~parked, or_(work.c.until.is_(None), work.c.until <= now))
        query = select(
            func.count().filter(waiting),
            func.count().filter(running),
            func.count().filter(parked),
            func.min(work.c.touched_at).filter(waiting),
            func.count().filter(and_(~parked, work.c.priority.in_(FANNED_OUT))),
        ).where(work.c.gen > work.c.done)
        with self._database.read() as connection:
            return WorkCounts(*connection.execute(query).one())


def _upsert(dialect: Any) -> Any:
    # No bound values in what is set: SQLAlchemy would then send each row in a statement of its own.
    new = dialect.insert(work).values(gen=1, done=0, attempts=0)
    resting = or_(work.c.gen == work.c.done, work.c.parked_at.is_not(None))
    pressing = case((work.c.priority > new.excluded.priority, work.c.priority), else_=new.excluded.priority)
    # What is urgent does not wait until others' limits are renewed, or for the backoff of what was not.
    sooner = and_(new.excluded.priority > work.c.priority, new.excluded.not_before < work.c.not_before)
    return new.on_conflict_do_update(
        index_elements=[work.c.key],
        set_={
            "gen": work.c.gen + literal_column("1"),
            "priority": case((resting, new.excluded.priority), else_=pressing),
            "touched_at": case((resting, new.excluded.touched_at), else_=work.c.touched_at),
            "not_before": case((or_(resting, sooner), new.excluded.not_before), else_=work.c.not_before),
            "attempts": case((resting, literal_column("0")), else_=work.c.attempts),
            "parked_at": null(),
        },
    ).returning(work.c.key, work.c.gen, work.c.touched_at)


_UPSERTS = {"sqlite": _upsert(sqlite), "postgresql": _upsert(postgresql)}


_NOW = bindparam("now", type_=UtcDateTime)
_NEXT = (
    select(work.c.key)
    .where(
        work.c.gen > work.c.done,
        work.c.parked_at.is_(None),
        work.c.not_before <= _NOW,
        or_(work.c.until.is_(None), work.c.until <= _NOW),
    )
    .order_by(work.c.priority.desc(), work.c.touched_at, work.c.key)
    .limit(1)
)
_TAKE = (
    update(work)
    .where(work.c.key == _NEXT.with_for_update(skip_locked=True).scalar_subquery())
    .values(
        token=bindparam("new_token"),
        until=bindparam("new_until", type_=UtcDateTime),
        attempts=work.c.attempts + 1,
    )
    .returning(work.c.key, work.c.gen, work.c.attempts, work.c.touched_at, work.c.priority)
)


_DONE = (
    update(work)
    .where(work.c.key == bindparam("of_key"), work.c.token == bindparam("of_token"))
    .values(
        token=None,
        until=None,
        done=bindparam("of_gen"),
        attempts=0,
        last_error=None,
        touched_at=_NOW,
        not_before=bindparam("next", type_=UtcDateTime),
    )
)
_SEEN = delete(work_hint).where(
    work_hint.c.key == bindparam("of_key"), work_hint.c.gen <= bindparam("of_gen")
)
_HINTS = (
    select(work_hint.c.hint)
    .where(work_hint.c.key == bindparam("key"), work_hint.c.gen <= bindparam("of_gen"))
    .order_by(work_hint.c.id)
)


def _held(claim: Claim) -> Any:
    return update(work).where(work.c.key == str(claim.key), work.c.token == claim.token)


def _released(claim: Claim) -> Any:
    return _held(claim).values(token=None, until=None)


def _hints(connection: Connection, key: str, gen: int) -> tuple[Mapping[str, Any], ...]:
    hints: list[Mapping[str, Any]] = []
    for (hint,) in connection.execute(_HINTS, {"key": key, "of_gen": gen}):
        if hint not in hints:  # a redelivery says it twice
            hints.append(hint)
    return tuple(hints)


def _storable(error: str) -> str:
    return error.replace("\0", "").encode(errors="replace").decode()[:_LONGEST_ERROR]
