"""Each closed day of each ledger is audited once: in turn, again after a failure, and without touching the ledger."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from builders import a_service
from gatekeeper.availability.audit import Audited, DayAudit, Recount, Unaudited, Why, slices_of
from gatekeeper.availability.filling import LedgerState, LedgerUpdate, Totals
from gatekeeper.availability.ledger import Flag
from gatekeeper.errors import ConfigurationError, QueryRefusedError, SourceError
from gatekeeper.events.keys import Kind, WorkKey
from gatekeeper.worker.audit_pass import (
    AT_ONCE,
    BACK,
    SETTLED,
    SPREAD,
    AuditPass,
    newest_closed,
)
from ledgers import stretch
from memory_ledger import MemoryLedger

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import date

    from gatekeeper.policy.model import Service
    from gatekeeper.policy.objective import Indicator
    from gatekeeper.worker.fill_ports import Source

A_DAY = timedelta(days=1)
MIDNIGHT = datetime(2026, 11, 10, tzinfo=UTC)
NOW = MIDNIGHT + timedelta(hours=12)
YESTERDAY = (MIDNIGHT - A_DAY).date()
TRUTH = Totals(14_400, 1440)
SERVICE = a_service()
LEDGER = SERVICE.objectives[0].indicator.id
KEY = WorkKey(Kind.AUDIT, SERVICE.key)


class MemoryAudits:
    def __init__(self) -> None:
        self.kept: dict[str, dict[date, DayAudit]] = {}

    def save(self, ledger: str, one: DayAudit) -> None:
        self.kept.setdefault(ledger, {})[one.day] = one

    def days(self, ledgers: Iterable[str], first: date) -> Mapping[str, Collection[date]]:
        return {one: {day for day in self.kept.get(one, {}) if day >= first} for one in ledgers}


@dataclass
class RecountingSource:
    """Counts every day as the truth; fails on demand."""

    error: Exception | None = None
    asked: list[tuple[int, int]] = field(default_factory=list)

    def reader(self, indicator: Indicator) -> None:
        raise AssertionError(f"nothing is to be filled: {indicator.id}")

    def recount(self, indicator: Indicator, first: int, stop: int) -> Recount | Unaudited:
        assert indicator.id
        self.asked.append((first, stop))
        if self.error is not None:
            raise self.error
        return Recount(TRUTH, Totals(0, 0), 0.001)


class SilentSource:
    def reader(self, indicator: Indicator) -> None:
        raise AssertionError(f"nothing is to be filled: {indicator.id}")


@dataclass
class Place:
    """One service whose ledger has ten days until noon."""

    source: object = field(default_factory=RecountingSource)
    services: dict[str, Service] = field(default_factory=lambda: {SERVICE.key: SERVICE})
    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    audits: MemoryAudits = field(default_factory=MemoryAudits)

    def __post_init__(self) -> None:
        first, stop = slices_of((MIDNIGHT - 10 * A_DAY).date())[0], slices_of(MIDNIGHT.date())[0] + 720
        slices = stretch([(10, 1, int(Flag.MEASURED))] * (stop - first), first)
        state = LedgerState(since=first, filled_until=stop, progress=None)
        for ledger in {one.objectives[0].indicator.id for one in self.services.values()}:
            self.ledger.commit(ledger, LedgerUpdate(state, slices))

    def tamper(self, day: date) -> None:
        state = self.ledger.state(LEDGER)
        assert state is not None
        first, _ = slices_of(day)
        wiped = stretch([(0, 0, int(Flag.MEASURED))] * 60, first + 60)
        self.ledger.commit(LEDGER, LedgerUpdate(state, wiped))

    @property
    def audit(self) -> AuditPass:
        return AuditPass(self.services.get, self._of, self.ledger, self.audits)

    def run(self, now: datetime = NOW) -> None:
        self.audit(KEY, (), now)

    def due(self, now: datetime = NOW) -> list[str]:
        return list(self.audit.due(self.services.values(), now))

    @property
    def found(self) -> dict[date, DayAudit]:
        return self.audits.kept.get(LEDGER, {})

    def _of(self, _indicator: Indicator) -> Source:
        if isinstance(self.source, ConfigurationError):
            raise self.source
        return self.source  # type: ignore[return-value]  # no filling is tried


def test_each_closed_day_is_audited_once_the_newest_first() -> None:
    place = Place()
    order = []
    while place.due():
        place.run()
        order.append(list(place.found)[-1])
    assert order == [YESTERDAY - back * A_DAY for back in range(BACK)]
    assert place.source.asked == [slices_of(day) for day in order]  # type: ignore[attr-defined]  # the fake's
    assert not any(one.audit.drifted for one in place.found.values())
    place.run()
    assert len(place.source.asked) == BACK  # type: ignore[attr-defined]  # another process was faster: nothing is asked


def test_today_is_not_over() -> None:
    place = Place()
    for _ in range(BACK + 3):
        place.run()
    assert max(place.found) == YESTERDAY


@pytest.mark.parametrize(
    "state",
    [
        pytest.param(None, id="nothing was filled yet"),
        pytest.param(
            LedgerState(slices_of(YESTERDAY)[0] + 1, slices_of(YESTERDAY)[1]), id="it begins in that day"
        ),
        pytest.param(
            LedgerState(slices_of(YESTERDAY)[0], slices_of(YESTERDAY)[1] - 1), id="its source lags behind"
        ),
    ],
)
def test_a_day_that_is_not_filled_is_not_due(state: LedgerState | None) -> None:
    place = Place()
    place.ledger = MemoryLedger()
    if state is not None:
        place.ledger.commit(LEDGER, LedgerUpdate(state))
    assert place.due() == []
    place.run()
    assert place.found == {}


def test_a_ledger_that_was_changed_is_reported_and_left_as_it_is() -> None:
    place = Place()
    place.tamper(YESTERDAY)
    before = place.ledger.state(LEDGER)
    with capture_logs() as lines:
        place.run()
        place.run()
    audit = place.found[YESTERDAY].audit
    assert isinstance(audit, Audited)
    assert (audit.drifted, audit.drift) == (True, Totals(-600, -60))
    assert not place.found[YESTERDAY - A_DAY].audit.drifted
    assert place.ledger.state(LEDGER) == before
    (line,) = lines
    assert line["event"] == "audit.drift"
    assert line["log_level"] == "warning"
    assert (line["service"], line["ledger"], line["day"]) == (SERVICE.key, LEDGER, YESTERDAY.isoformat())
    assert (line["ledger_total"], line["source_total"], line["drift_bad"]) == (13_800, 14_400, -60)


def test_a_source_that_fails_leaves_the_day_open() -> None:
    place = Place(RecountingSource(SourceError("Prometheus did not answer")))
    with pytest.raises(SourceError, match="did not answer"):
        place.run()
    assert place.found == {}
    assert place.due() == [SERVICE.key]
    place.source = RecountingSource()
    place.run()
    assert list(place.found) == [YESTERDAY]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param(
            RecountingSource(QueryRefusedError("too many samples")),
            Unaudited(Why.REFUSED, "too many samples"),
            id="the source refuses",
        ),
        pytest.param(SilentSource(), Unaudited(Why.UNSUPPORTED), id="the source cannot count"),
    ],
)
def test_what_will_never_be_answered_is_put_on_record(source: object, expected: Unaudited) -> None:
    place = Place(source)
    place.run()
    assert place.found[YESTERDAY].audit == expected


def test_a_ledger_that_was_scaled_to_the_only_count_there_is_is_not_compared_with_it() -> None:
    place = Place()
    state = place.ledger.state(LEDGER)
    assert state is not None
    place.ledger.commit(LEDGER, LedgerUpdate(replace(state, too_large="it has 60,000,000 samples a day")))
    place.run()
    assert place.found[YESTERDAY].audit == Unaudited(Why.TRUED_UP)
    assert place.source.asked == []  # type: ignore[attr-defined]  # the fake's


def test_without_its_source_a_ledger_is_left_alone() -> None:
    place = Place(ConfigurationError("GATEKEEPER_PROMETHEUS_URL is not set"))
    place.run()
    assert place.found == {}


def test_a_service_that_is_gone_has_no_ledgers() -> None:
    place = Place()
    place.services.clear()
    place.run()
    assert place.found == {}


def test_services_are_audited_one_after_the_other() -> None:
    ready = []
    for number in range(200):
        name = f"acme/service-{number}"
        minutes = range(int((SETTLED + SPREAD) / timedelta(minutes=10)) + 1)
        ready.append(
            next(
                minute
                for minute in minutes
                if newest_closed(name, MIDNIGHT + minute * timedelta(minutes=10)) == YESTERDAY
            )
        )
    assert min(ready) >= SETTLED / timedelta(minutes=10)
    assert max(ready.count(one) for one in ready) < 20


def test_a_round_takes_on_a_bounded_number_and_none_is_forgotten() -> None:
    services = {}
    for number in range(AT_ONCE * 2 + 7):
        one = SERVICE.model_copy(update={"name": f"service-{number}"})
        services[one.key] = one
    place = Place(services=services)
    rounds = [place.due(NOW + number * timedelta(minutes=10)) for number in range(30)]
    assert {len(one) for one in rounds} == {AT_ONCE}
    assert set().union(*rounds) == set(services)
