"""What the audits of ledgers came to, a row a ledger and UTC day; ``SqlLedger.forget_unnamed`` forgets them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Row, func, select

from gatekeeper.availability.audit import Audit, Audited, DayAudit, Recount, Unaudited, Why
from gatekeeper.availability.filling import Totals
from gatekeeper.store.engine import Database
from gatekeeper.store.rows import upsert
from gatekeeper.store.slices import in_parts
from gatekeeper.store.tables import EPOCH, ledger_audit

_FIRST = EPOCH.date()


class Audits:
    """The audits of every ledger of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, ledger: str, one: DayAudit) -> None:
        """Store the audit of a day, over an earlier one of the same."""
        row = {"ledger": ledger, "day": (one.day - _FIRST).days, "at": one.at, **_row(one.audit)}
        row["drifted"] = one.audit.drifted
        with self._database.write() as connection:
            connection.execute(upsert(connection.dialect, ledger_audit, row))

    def days(self, ledgers: Iterable[str], first: date) -> Mapping[str, Collection[date]]:
        """By ledger, which days from ``first`` on were audited."""
        found: dict[str, set[date]] = {ledger: set() for ledger in ledgers}
        query = select(ledger_audit.c.ledger, ledger_audit.c.day).where(
            ledger_audit.c.day >= (first - _FIRST).days
        )
        with self._database.read() as connection:
            for these in in_parts(found):
                for ledger, day in connection.execute(query.where(ledger_audit.c.ledger.in_(these))):
                    found[ledger].add(_FIRST + timedelta(days=day))
        return found

    def shown(self, ledgers: Iterable[str], first: date) -> Mapping[str, Sequence[DayAudit]]:
        """By ledger, its newest audit, and those from ``first`` on that found drift; newest day first."""
        found: dict[str, list[DayAudit]] = {ledger: [] for ledger in ledgers}
        of_the_same = ledger_audit.alias()
        newest = select(func.max(of_the_same.c.day)).where(of_the_same.c.ledger == ledger_audit.c.ledger)
        drifted = ledger_audit.c.drifted & (ledger_audit.c.day >= (first - _FIRST).days)
        query = select(ledger_audit).where(drifted | (ledger_audit.c.day == newest.scalar_subquery()))
        with self._database.read() as connection:
            for these in in_parts(found):
                rows = query.where(ledger_audit.c.ledger.in_(these)).order_by(ledger_audit.c.day.desc())
                for row in connection.execute(rows):
                    found[row.ledger].append(_audit(row))
        return found


def _row(audit: Audit) -> Mapping[str, Any]:
    if isinstance(audit, Unaudited):
        names = [one.name for one in ledger_audit.c if one.name.startswith(("ledger_", "source_", "unseen_"))]
        return dict.fromkeys([*names, "inexactness"]) | {"why": audit.why.value, "detail": audit.detail}
    source = audit.source
    pairs = {"ledger": audit.ledger, "source": source.counted, "unseen": source.unseen}
    return {
        "why": None,
        "detail": "",
        "inexactness": source.inexactness,
        **{f"{name}_total": one.total for name, one in pairs.items()},
        **{f"{name}_bad": one.bad for name, one in pairs.items()},
    }


def _audit(row: Row[Any]) -> DayAudit:
    day = _FIRST + timedelta(days=row.day)
    if row.why is not None:
        return DayAudit(day, row.at, Unaudited(Why(row.why), row.detail))
    recount = Recount(
        Totals(row.source_total, row.source_bad), Totals(row.unseen_total, row.unseen_bad), row.inexactness
    )
    return DayAudit(day, row.at, Audited(Totals(row.ledger_total, row.ledger_bad), recount))
