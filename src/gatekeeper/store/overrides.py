"""The record of overrides: who asked, what came of it, until when. Rows are only ever added."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select

from gatekeeper.decide.evaluate import WITHOUT_REASON
from gatekeeper.decide.snapshot import Refusal
from gatekeeper.store.engine import Database
from gatekeeper.store.tables import override, pull

WITHDRAWN = "the label was taken off"


@dataclass(frozen=True)
class OverrideRecord:
    """One ruling on one override request."""

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


class Overrides:
    """All overrides."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add_new(self, records: Iterable[OverrideRecord]) -> None:
        """Record rulings; one that says the same as the request's last is not recorded twice."""
        if not (given := list(records)):
            return  # most pull requests: no transaction for nothing
        with self._database.write() as connection:
            for record in given:
                last = connection.execute(
                    select(override)
                    .where(
                        override.c.repository == record.repository,
                        override.c.number == record.number,
                        override.c.label == record.label,
                    )
                    .order_by(override.c.id.desc())
                    .limit(1)
                ).one_or_none()
                if last is None or _said(_record(last)) != _said(record):
                    connection.execute(insert(override).values(**vars(record)))

    def withdraw(self, repository: str, number: int, labels: Collection[str], now: datetime) -> None:
        """Record the end of granted overrides whose label is no longer among the pull request's ``labels``."""
        last = {record.label: record for record in self.of_pull(repository, number)}
        gone = [record for record in last.values() if record.granted and record.label not in labels]
        self.add_new(replace(record, granted=False, why=WITHDRAWN, recorded_at=now) for record in gone)

    def of_pull(self, repository: str, number: int) -> tuple[OverrideRecord, ...]:
        """A pull request's overrides, oldest first."""
        query = (
            select(override)
            .where(override.c.repository == repository, override.c.number == number)
            .order_by(override.c.id)
        )
        with self._database.read() as connection:
            return tuple(_record(row) for row in connection.execute(query))

    def refusals(self, repository: str, number: int) -> tuple[Refusal, ...]:
        """Each label's last ruling, where that was a refusal."""
        last = {record.label: record for record in self.of_pull(repository, number)}
        return tuple(
            Refusal(record.label, record.actor, record.why, record.recorded_at)
            for _, record in sorted(last.items())
            if not record.granted and record.why not in {WITHDRAWN, WITHOUT_REASON}
        )

    def ended(self, now: datetime) -> tuple[tuple[str, int], ...]:
        """(repository, number) of open pull requests not looked at since an override of theirs ended."""
        newest = select(func.max(override.c.id)).group_by(
            override.c.repository, override.c.number, override.c.label
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
        """The newest overrides of all pull requests."""
        with self._database.read() as connection:
            rows = connection.execute(select(override).order_by(override.c.id.desc()).limit(most)).all()
        return tuple(_record(row) for row in rows)


def _said(record: OverrideRecord) -> tuple[Any, ...]:
    return (record.actor, record.labeled_at, record.until, record.granted, record.why, record.reason)


def _record(row: Any) -> OverrideRecord:
    return OverrideRecord(**{name: value for name, value in row._mapping.items() if name != "id"})  # noqa: SLF001 (SQLAlchemy's public name)
