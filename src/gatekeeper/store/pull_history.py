"""When pull requests were open, as far as decisions on them tell."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Text, bindparam, cast, func, select

from gatekeeper.decide import pace
from gatekeeper.decide.backtest.waiting import Recorded
from gatekeeper.store.engine import Database
from gatekeeper.store.snapshots import SNAPSHOT
from gatekeeper.store.tables import decision, landed, pull


@dataclass(frozen=True)
class PastPull:
    """A pull request that was decided on.

    Attributes:
        subject: ``acme/shop#12``.
        title: as of the last decision.
        seen_since: the first decision on it; it may have been open before.
        closed_at: when it was merged, or was seen to be closed without that; None while it is open.
        merged: whether it was merged.
        changed_lines: as of the last decision; None where GitHub did not tell.
        labels: as of the last decision.
        touched: the names of the services that it touches; True where all of what it changes there is exempt.
    """

    subject: str
    title: str
    seen_since: datetime
    closed_at: datetime | None
    merged: bool
    changed_lines: int | None
    labels: tuple[str, ...]
    touched: Mapping[str, bool]


_SUBJECT = pull.c.repository + "#" + cast(pull.c.number, Text)
_MERGED_AT = (
    select(func.min(landed.c.at))
    .where(landed.c.repository == pull.c.repository, landed.c.number == pull.c.number)
    .scalar_subquery()
)
_SPANS = (
    select(
        decision.c.subject,
        func.min(decision.c.at).label("since"),
        pull.c.open,
        pull.c.updated_at,
        _MERGED_AT.label("merged_at"),
    )
    .join(pull, decision.c.subject == _SUBJECT)
    .group_by(decision.c.subject, pull.c.repository, pull.c.number, pull.c.open, pull.c.updated_at)
    .order_by(func.min(decision.c.at), decision.c.subject)
)
_LATEST = (
    select(decision.c.snapshot)
    .where(decision.c.subject == bindparam("this"))
    .order_by(decision.c.at.desc(), decision.c.id)
    .limit(1)
)


class PullHistory:
    """All pull requests that were ever decided on. Reads only."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def between(self, start: datetime, end: datetime) -> tuple[PastPull, ...]:
        """Those that were open at some time with start <= time < end, by when they were first seen."""
        with self._database.read() as connection:
            spans = connection.execute(_SPANS).all()
            found = [row for row in spans if row.since < end and (row.open or _ended(row) >= start)]
            snapshots = {
                row.subject: connection.execute(_LATEST, {"this": row.subject}).scalar_one() for row in found
            }
        return tuple(_past(row, snapshots[row.subject]) for row in found)

    def touching(self, name: str, start: datetime, end: datetime) -> tuple[Recorded, ...]:
        """Those that touch the service of this name, as a backtest takes them; also those of the day before.

        What landed then counts for the pace of the first day.
        """
        pulls = self.between(start - pace.DAY, end)
        return tuple(_recorded(pull, pull.touched[name]) for pull in pulls if name in pull.touched)


def _recorded(pull: PastPull, exempt_paths: bool) -> Recorded:  # noqa: FBT001 (the one value of a mapping)
    return Recorded(
        pull.subject,
        pull.title,
        pull.seen_since,
        pull.closed_at,
        pull.merged,
        pull.changed_lines,
        pull.labels,
        exempt_paths,
    )


def _ended(row: Any) -> datetime:
    ended: datetime = row.merged_at or row.updated_at
    return ended


def _past(row: Any, text: str) -> PastPull:
    snapshot = SNAPSHOT.parse(text)
    return PastPull(
        subject=row.subject,
        title=snapshot.pull.title,
        seen_since=row.since,
        closed_at=None if row.open else _ended(row),
        merged=not row.open and row.merged_at is not None,
        changed_lines=snapshot.pull.changed_lines,
        labels=snapshot.pull.labels,
        touched={view.service.name: view.all_exempt for view in snapshot.services},
    )
