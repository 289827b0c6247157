"""The record of audits: a row a ledger and day, read back to the bit."""

from datetime import date, timedelta

import pytest

from builders import HOUR, NOW
from gatekeeper.availability.audit import Audit, Audited, DayAudit, Recount, Unaudited, Why
from gatekeeper.availability.filling import LedgerState, LedgerUpdate, Totals
from gatekeeper.availability.ledger import slice_of
from gatekeeper.store.audits import Audits
from gatekeeper.store.engine import Database
from gatekeeper.store.ledger import UNNAMED_KEPT, SqlLedger

TODAY = date(2026, 11, 22)
A_DAY = timedelta(days=1)
SAME = Audited(Totals(0.1 + 0.2, 3), Recount(Totals(0.3, 3), Totals(1, 0), 0.005))
DRIFT = Audited(Totals(100, 3), Recount(Totals(200, 3), Totals(0, 0), 0.005))


@pytest.fixture
def audits(database: Database) -> Audits:
    return Audits(database)


def a_day(ago: int, audit: Audit = SAME) -> DayAudit:
    return DayAudit(TODAY - ago * A_DAY, NOW, audit)


def test_an_audit_is_read_back(audits: Audits) -> None:
    found: list[Audit] = [SAME, DRIFT, *(Unaudited(why, "in words") for why in Why)]
    for number, audit in enumerate(found):
        audits.save(str(number), a_day(1, audit))
    names = [str(number) for number in range(len(found))]
    expected = {name: [a_day(1, audit)] for name, audit in zip(names, found, strict=True)}
    assert audits.shown([*names, "another"], TODAY) == {**expected, "another": []}


def test_a_day_has_one_audit(audits: Audits) -> None:
    audits.save("one", a_day(1, DRIFT))
    audits.save("one", DayAudit(TODAY - A_DAY, NOW + HOUR, SAME))
    assert audits.shown(["one"], TODAY - 9 * A_DAY)["one"] == [DayAudit(TODAY - A_DAY, NOW + HOUR, SAME)]


def test_the_newest_is_shown_and_the_drift_of_late(audits: Audits) -> None:
    found_daily: list[Audit] = [SAME, SAME, DRIFT, SAME, DRIFT, Unaudited(Why.MISSING), SAME]
    for ago, audit in enumerate(found_daily):
        audits.save("one", a_day(ago, audit))
    found = audits.shown(["one"], TODAY - 4 * A_DAY)["one"]
    assert [(TODAY - one.day).days for one in found] == [0, 2, 4]


def test_the_days_that_were_audited_are_known_by_ledger(audits: Audits) -> None:
    for ago in (0, 3, 5):
        audits.save("one", a_day(ago))
    audits.save("other", a_day(3))
    found = audits.days(["one", "other", "none"], TODAY - 3 * A_DAY)
    assert found == {"one": {TODAY, TODAY - 3 * A_DAY}, "other": {TODAY - 3 * A_DAY}, "none": set()}


def test_audits_go_with_their_ledger(database: Database, audits: Audits) -> None:
    ledger = SqlLedger(database)
    for name in ("gone", "kept"):
        ledger.commit(name, LedgerUpdate(LedgerState(slice_of(NOW - A_DAY), slice_of(NOW))))
        audits.save(name, a_day(1))
    ledger.forget_unnamed(["kept"], NOW + UNNAMED_KEPT + A_DAY)
    assert audits.shown(["gone", "kept"], TODAY) == {"gone": [], "kept": [a_day(1)]}
