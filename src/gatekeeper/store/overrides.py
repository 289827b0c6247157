"""The record of overrides: who asked, and what came of it. Rows are only ever added, each chained to the last."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, Select, func, insert, select, text

from gatekeeper.decide.evaluate import WITHOUT_REASON
from gatekeeper.decide.opening import CLOSE, OPEN
from gatekeeper.decide.snapshot import COMMAND, Command, Opening, Past, Refusal
from gatekeeper.store import chain
from gatekeeper.store.chain import GENESIS, Verified
from gatekeeper.store.engine import Database
from gatekeeper.store.tables import override, pull

WITHDRAWN = "the label was taken off"
FORGED = ("status ", "check run ")
"""Stand before the name of a commit status or check run of our name by somebody else."""
_LOCK = 8_201_164
"""Whoever adds holds this lock of PostgreSQL's until the transaction ends; SQLite has one writer anyway."""

Event = Literal["ruled", "override", "revoke"]
"""A ruling on a request; or a command, as somebody gave it."""


@dataclass(frozen=True)
class Stake:
    """A service that a ruling is about, and how it stood.

    Attributes:
        remaining: the share of the error budget left, of its worst objective; None where that was not known.
    """

    service: str
    state: str
    remaining: float | None


@dataclass(frozen=True)
class OverrideRecord:
    """One ruling on one override request; or a command that asks for one, or takes one back.

    Attributes:
        label: the label that asks; for commands, the command.
        labeled_at: when it was put there, or the command written.
        comment: the id of the comment that a command was written in, or of the commit status that is on record.
        stakes: the services that it is about.
    """

    repository: str
    number: int
    label: str
    actor: str
    granted: bool
    why: str
    reason: str | None
    head_sha: str
    labeled_at: datetime
    until: datetime
    recorded_at: datetime
    event: Event = "ruled"
    comment: int | None = None
    stakes: tuple[Stake, ...] = ()


class Overrides:
    """All overrides."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add_new(self, records: Iterable[OverrideRecord]) -> None:
        """Record rulings; one that says the same as the request's last is not recorded twice."""
        if not (given := list(records)):
            return  # most pull requests: no transaction for nothing
        with self._database.write() as connection:
            _lock(connection)
            for record in given:
                last = connection.execute(_last_ruling(record)).one_or_none()
                if last is None or _said(_record(last)) != _said(record):
                    _append(connection, record)

    def take(self, command: OverrideRecord) -> None:
        """Record a command. One that is on record is not recorded twice, however often its event comes.

        Who has put an override label there gives the reason for that: then it asks for nothing else.
        """
        with self._database.write() as connection:
            _lock(connection)
            here = (override.c.repository == command.repository, override.c.number == command.number)
            rows = connection.execute(select(override).where(*here).order_by(override.c.id)).all()
            known = [_record(row) for row in rows]
            if any((one.comment, one.labeled_at) == (command.comment, command.labeled_at) for one in known):
                return
            if command.event == "override" and _asks_by_label(known, command.actor):
                return
            _append(connection, command)

    def withdraw(self, repository: str, number: int, labels: Collection[str], now: datetime) -> None:
        """Record the end of granted overrides whose label is no longer among the pull request's ``labels``."""
        rulings = _rulings(self.of_pull(repository, number))
        last = {record.label: record for record in rulings if record.label != COMMAND}
        gone = [
            record
            for record in last.values()
            if record.granted and record.label not in labels and not record.label.startswith((OPEN, CLOSE))
        ]
        self.add_new(replace(record, granted=False, why=WITHDRAWN, recorded_at=now) for record in gone)

    def forged(self, repository: str, number: int, forgery: Mapping[str, Any], now: datetime) -> None:
        """Record a status or check run of our name by somebody else, once; ``number`` is 0 where of no pull request."""
        label, why = (
            (
                f"status {forgery['status']}",
                "a commit status of our name, set by somebody else; ours was written again",
            )
            if "status" in forgery
            else (
                f"check run {forgery['check']}",
                "a check run of our name by another App; ours stands beside it",
            )
        )
        record = OverrideRecord(
            repository=repository,
            number=number,
            label=label,
            actor=forgery["actor"],
            granted=False,
            why=why,
            reason=None,
            head_sha=forgery["sha"],
            labeled_at=now,
            until=now,
            recorded_at=now,
            comment=forgery["id"],
        )
        same = (
            override.c.label == record.label,
            override.c.number == number,
            override.c.comment == record.comment,
        )
        with self._database.write() as connection:
            _lock(connection)
            if connection.execute(select(override.c.id).where(*same)).first() is None:
                _append(connection, record)

    def opening(self, service: str, now: datetime) -> Opening | None:
        """Who opened a service to every change, unless that is over or was taken back."""
        labels = [f"{OPEN} {service}", f"{CLOSE} {service}"]
        query = (
            select(override)
            .where(override.c.label.in_(labels), override.c.event == "ruled", override.c.granted)
            .order_by(override.c.id.desc())
            .limit(1)
        )
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        if row is None or row.label != labels[0] or row.until <= now:
            return None
        return Opening(row.actor, row.labeled_at, row.until, row.reason or "")

    def of_pull(self, repository: str, number: int) -> tuple[OverrideRecord, ...]:
        """What is on record of a pull request, oldest first."""
        query = (
            select(override)
            .where(override.c.repository == repository, override.c.number == number)
            .order_by(override.c.id)
        )
        with self._database.read() as connection:
            return tuple(_record(row) for row in connection.execute(query))

    def past(self, repository: str, number: int) -> Past:
        """What a pass has to know of it: refusals told, commands given, the commits that overrides were given for."""
        records = self.of_pull(repository, number)
        settled = {(one.label, one.actor, one.labeled_at) for one in _rulings(records) if _settles(one)}
        return Past(
            refusals=tuple(_refusals(records)),
            commands=tuple(
                Command(one.event == "revoke", one.actor, one.labeled_at, one.reason)
                for one in records
                if one.event != "ruled" and (one.label, one.actor, one.labeled_at) not in settled
            ),
            given_for=tuple(_given_for(records)),
        )

    def ended(self, now: datetime) -> tuple[tuple[str, int], ...]:
        """(repository, number) of open pull requests not looked at since an override of theirs ended."""
        newest = (
            select(func.max(override.c.id))
            .where(override.c.event == "ruled")
            .group_by(override.c.repository, override.c.number, override.c.label)
        )
        query = (
            select(override.c.repository, override.c.number)
            .join(pull, (pull.c.repository == override.c.repository) & (pull.c.number == override.c.number))
            .where(override.c.id.in_(newest), override.c.granted, override.c.until <= now)
            .where(pull.c.open, pull.c.updated_at < override.c.until)
            .distinct()
            .order_by(override.c.repository, override.c.number)
        )
        with self._database.read() as connection:
            return tuple((row.repository, row.number) for row in connection.execute(query))

    def latest(self, most: int = 100) -> tuple[OverrideRecord, ...]:
        """The newest rulings on all pull requests."""
        query = select(override).where(override.c.event == "ruled").order_by(override.c.id.desc()).limit(most)
        with self._database.read() as connection:
            return tuple(_record(row) for row in connection.execute(query))

    def all(self) -> tuple[tuple[int, str, OverrideRecord], ...]:
        """Everything on record with its id and hash, oldest first."""
        with self._database.read() as connection:
            rows = connection.execute(select(override).order_by(override.c.id)).all()
        return tuple((row.id, row.hash, _record(row)) for row in rows)

    def verify(self) -> Verified:
        """Whether the record is as it was written."""
        with self._database.read() as connection:
            rows = connection.execute(select(override).order_by(override.c.id)).all()
        return chain.verify((row.id, row.previous, row.hash, _fields(row._mapping)) for row in rows)  # noqa: SLF001 (SQLAlchemy's public name)


def carry_over(connection: Connection, repository: str, name: str, now: datetime) -> None:
    """Record under its new name what is in force in a repository, as it was recorded under the old one.

    What is on record already stays as it is: the chain names the repository. A service that was opened is open whatever
    the repository's name, and somebody else's status tells nothing that could be in force.
    """
    _lock(connection)
    of_old, of_new = override.c.repository == repository, override.c.repository == name
    known = connection.execute(select(override.c.number).where(of_new)).scalars().all()
    query = select(override).where(of_old, override.c.number.not_in({*known})).order_by(override.c.id)
    records = [_record(row) for row in connection.execute(query)]
    current = {one.number for one in records if one.until > now}
    for one in records:
        if one.number in current and not one.label.startswith((OPEN, CLOSE, *FORGED)):
            _append(connection, replace(one, repository=name))


def _lock(connection: Connection) -> None:
    """Of several processes one adds at a time: each has to see the row that the last one added."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})


def _append(connection: Connection, record: OverrideRecord) -> None:
    last = select(override.c.hash).where(override.c.id == select(func.max(override.c.id)).scalar_subquery())
    previous = connection.execute(last).scalar_one_or_none() or GENESIS
    row = vars(record) | {"stakes": [vars(one) for one in record.stakes]}
    connection.execute(insert(override).values(**row, previous=previous, hash=chain.link(previous, row)))


def _last_ruling(record: OverrideRecord) -> Select[Any]:
    return (
        select(override)
        .where(
            override.c.repository == record.repository,
            override.c.number == record.number,
            override.c.label == record.label,
            override.c.event == "ruled",
        )
        .order_by(override.c.id.desc())
        .limit(1)
    )


def _rulings(records: Iterable[OverrideRecord]) -> list[OverrideRecord]:
    return [one for one in records if one.event == "ruled"]


def _settles(ruling: OverrideRecord) -> bool:
    """Whether nothing more comes of a command: who was refused may ask anew."""
    return not ruling.granted and ruling.why != WITHOUT_REASON


def _asks_by_label(records: Iterable[OverrideRecord], actor: str) -> bool:
    last = {one.label: one for one in _rulings(records) if one.label != COMMAND}
    return any(one.actor == actor and (one.granted or one.why == WITHOUT_REASON) for one in last.values())


def _refusals(records: Iterable[OverrideRecord]) -> Iterator[Refusal]:
    """Each label's last ruling, where that was a refusal."""
    last = {record.label: record for record in _rulings(records)}
    for _, record in sorted(last.items()):
        if record.label.startswith(FORGED):
            continue
        if not record.granted and record.why not in {WITHDRAWN, WITHOUT_REASON}:
            yield Refusal(record.label, record.actor, record.why, record.recorded_at)


def _given_for(records: Iterable[OverrideRecord]) -> Iterator[tuple[str, datetime, str]]:
    """(label, when it was asked for, head SHA) of each override when it was granted first."""
    seen = set()
    for one in _rulings(records):
        asked = (one.label, one.labeled_at)
        if one.granted and asked not in seen:
            seen.add(asked)
            yield (*asked, one.head_sha)


def _said(record: OverrideRecord) -> tuple[Any, ...]:
    return (record.actor, record.labeled_at, record.until, record.granted, record.why, record.reason)


def _fields(row: Any) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in {"id", "previous", "hash"}}


def _record(row: Any) -> OverrideRecord:
    fields = _fields(row._mapping)  # noqa: SLF001 (SQLAlchemy's public name)
    return OverrideRecord(**fields | {"stakes": tuple(Stake(**one) for one in fields["stakes"])})
