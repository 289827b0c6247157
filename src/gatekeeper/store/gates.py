"""The gates' memory: state, evidence of the last pass, and every transition with its cause."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select

from gatekeeper.decide.snapshot import ServiceView
from gatekeeper.decide.verdict import Reason, State
from gatekeeper.events.triggers import Touch
from gatekeeper.store.engine import Database
from gatekeeper.store.queue import Queue
from gatekeeper.store.rows import Codec, upsert
from gatekeeper.store.tables import gate, transition

_VIEW: Codec[ServiceView] = Codec(ServiceView)
_REASONS: Codec[tuple[Reason, ...]] = Codec(tuple[Reason, ...])


@dataclass(frozen=True)
class Standing:
    """A service's gate and evidence as of ``at``."""

    view: ServiceView
    at: datetime


@dataclass(frozen=True)
class Transition:
    """A gate moved. ``before`` is None for a gate seen for the first time."""

    service: str
    at: datetime
    before: State | None
    after: State
    reasons: tuple[Reason, ...]


class Gates:
    """All gates."""

    def __init__(self, database: Database, queue: Queue) -> None:
        self._database = database
        self._queue = queue

    def standing(self, key: str) -> Standing | None:
        """One gate; None before its first pass."""
        with self._database.read() as connection:
            row = connection.execute(
                select(gate.c.view, gate.c.updated_at).where(gate.c.service == key)
            ).one_or_none()
        return None if row is None else Standing(_VIEW.load(row.view), row.updated_at)

    def view(self, key: str) -> ServiceView | None:
        """One gate with its evidence; None before its first pass."""
        standing = self.standing(key)
        return None if standing is None else standing.view

    def standings(self) -> dict[str, Standing]:
        """All gates, by service."""
        with self._database.read() as connection:
            rows = connection.execute(select(gate).order_by(gate.c.service)).all()
        return {row.service: Standing(_VIEW.load(row.view), row.updated_at) for row in rows}

    def save(self, view: ServiceView, before: State | None, touches: Sequence[Touch], now: datetime) -> None:
        """Store the gate, its transition if it moved, and what has to be looked at because of it, all or nothing."""
        dumped, memory = _VIEW.dump(view), view.memory
        with self._database.write() as connection:
            row = {
                "service": view.service.key,
                "state": memory.state,
                "view": dumped,
                "updated_at": now,
            }
            connection.execute(upsert(connection.dialect, gate, row))
            if before is not memory.state:
                moved = Transition(view.service.key, now, before, memory.state, memory.reasons)
                connection.execute(insert(transition).values(_row(moved, dumped)))
            self._queue.touch(connection, touches)

    def touch(self, touches: Sequence[Touch]) -> None:
        """Look at these too."""
        if touches:
            self._queue.add(touches)

    def states(self, keys: Iterable[str]) -> dict[str, State]:
        """Where gates stand, by service; without those that had no pass yet."""
        query = select(gate.c.service, gate.c.state).where(gate.c.service.in_(sorted(keys)))
        with self._database.read() as connection:
            return {row.service: State(row.state) for row in connection.execute(query)}

    def forget(self, key: str) -> None:
        """The service is gone; its transitions stay."""
        with self._database.write() as connection:
            connection.execute(delete(gate).where(gate.c.service == key))

    def transitions(self, key: str, most: int = 100) -> tuple[Transition, ...]:
        """A service's transitions, newest first."""
        query = (
            select(transition).where(transition.c.service == key).order_by(transition.c.id.desc()).limit(most)
        )
        with self._database.read() as connection:
            return tuple(_transition(row) for row in connection.execute(query))

    def course(self, key: str, since: datetime, now: datetime) -> tuple[State, tuple[Transition, ...]]:
        """A gate's state at ``since``, and its transitions with since < at <= now, oldest first."""
        of = select(transition).where(transition.c.service == key)
        newest = transition.c.at.desc(), transition.c.id.desc()
        with self._database.read() as connection:
            last = connection.execute(of.where(transition.c.at <= since).order_by(*newest).limit(1)).first()
            later = of.where(transition.c.at > since, transition.c.at <= now)
            moves = tuple(_transition(row) for row in connection.execute(later.order_by(*newest)))
        first = moves[-1].before if moves else None
        return State(last.after) if last is not None else first or State.OPEN, moves[::-1]


def _row(moved: Transition, view: Any) -> dict[str, Any]:
    return {
        "service": moved.service,
        "at": moved.at,
        "before": moved.before,
        "after": moved.after,
        "reasons": _REASONS.dump(moved.reasons),
        "view": view,
    }


def _transition(row: Any) -> Transition:
    before = State(row.before) if row.before is not None else None
    return Transition(row.service, row.at, before, State(row.after), _REASONS.load(row.reasons))
