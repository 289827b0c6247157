"""The daily audit against real servers: a clean ledger agrees with them, a changed one is reported."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest
from sqlalchemy import delete

from builders import a_service, an_objective
from databases import opened
from gatekeeper.availability.audit import DAY, Audited, DayAudit, Unaudited, Why, slices_of
from gatekeeper.availability.filling import LedgerUpdate
from gatekeeper.availability.ledger import Slices
from gatekeeper.events.keys import Kind, WorkKey
from gatekeeper.policy.objective import Indicator
from gatekeeper.sources.prometheus import PrometheusSource
from gatekeeper.sources.prometheus_api import PrometheusApi
from gatekeeper.sources.prometheus_flavour import Flavour
from gatekeeper.store.audits import Audits
from gatekeeper.store.ledger import SqlLedger
from gatekeeper.store.packing import day_of
from gatekeeper.store.tables import ledger_day
from gatekeeper.worker.audit_pass import BACK, AuditPass
from gatekeeper.worker.refresh import refresh
from worlds.fixtures import END

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date
    from pathlib import Path

    from gatekeeper.store.engine import Database
    from worlds.world import World

A_DAY = timedelta(days=1)
NEWEST = (END - A_DAY).date()
KEY = WorkKey(Kind.AUDIT, "acme/checkout")


@pytest.fixture(
    params=[
        pytest.param(("prometheus", Flavour.PROMETHEUS), id="prometheus"),
        pytest.param(("victoria_metrics", Flavour.VICTORIAMETRICS), id="victoria-metrics"),
    ]
)
def source(request: pytest.FixtureRequest) -> Iterator[PrometheusSource]:
    name, flavour = request.param
    source = PrometheusSource(PrometheusApi(request.getfixturevalue(name).url), flavour)
    yield source
    source.close()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with opened(f"sqlite:///{tmp_path}/gatekeeper.db") as database:
        yield database


class Week:
    """A service of one objective, backfilled and audited for a week."""

    def __init__(
        self, source: PrometheusSource, database: Database, prometheus: Mapping[str, object]
    ) -> None:
        self.indicator = Indicator.model_validate({"prometheus": prometheus})
        self.ledger, self.audits = SqlLedger(database), Audits(database)
        service = a_service("checkout", an_objective().model_copy(update={"indicator": self.indicator}))
        self._audit = AuditPass({service.key: service}.get, lambda _: source, self.ledger, self.audits)
        refresh(self.indicator, needed_since=END - 10 * A_DAY, now=END, source=source, ledger=self.ledger)

    def run(self) -> Mapping[date, DayAudit]:
        for _ in range(BACK):
            self._audit(KEY, (), END)
        days = [NEWEST - back * A_DAY for back in range(BACK)]
        assert set(self.audits.days([self.indicator.id], days[-1])[self.indicator.id]) == set(days)
        return {one.day: one for one in self.audits.shown([self.indicator.id], days[-1])[self.indicator.id]}

    def rewrite(self, day: date, share: float) -> None:
        """Somebody changes the stored slices of a day's first hours."""
        first, _ = slices_of(day)
        was = self.ledger.read(self.indicator.id, first, first + DAY // 4)
        state = self.ledger.state(self.indicator.id)
        assert state is not None
        now = Slices(first, np.floor(was.total * share), np.floor(was.bad * share), was.flags)
        self.ledger.commit(self.indicator.id, LedgerUpdate(state, now))


def counters(world: World, name: str, part: str = "bad") -> Mapping[str, object]:
    truth = world.services[name]
    matchers = truth.bad_selector if part == "bad" else truth.bad_selector.replace("=~", "!~")
    return {part: matchers, "total": truth.total_selector}


@pytest.mark.parametrize(
    ("name", "part"),
    [
        pytest.param("restarts", "bad", id="36 restarts a day"),
        pytest.param("errborn", "bad", id="series of errors that are born with them"),
        pytest.param("podchurn", "good", id="new series every day"),
        pytest.param("missed", "bad", id="failed scrapes"),
        pytest.param("aligned", "bad", id="scrapes at midnight sharp"),
    ],
)
def test_a_clean_ledger_agrees_with_its_source(
    name: str, part: str, source: PrometheusSource, database: Database, world: World
) -> None:
    found = Week(source, database, counters(world, name, part)).run()
    (newest,) = found.values()
    assert newest.day == NEWEST
    assert isinstance(newest.audit, Audited)
    assert not newest.audit.drifted
    assert newest.audit.source.counted.total > 1000


def test_a_ledger_that_was_changed_is_reported(
    source: PrometheusSource, database: Database, world: World
) -> None:
    place = Week(source, database, counters(world, "steady"))
    less, lost, more = (NEWEST - back * A_DAY for back in (1, 3, 5))
    place.rewrite(less, 0.9)
    place.rewrite(more, 1.1)
    with database.write() as connection:
        connection.execute(delete(ledger_day).where(ledger_day.c.day == day_of(slices_of(lost)[0])))
    found = place.run()
    assert {day: one.audit.drifted for day, one in found.items()} == {
        NEWEST: False,
        less: True,
        lost: True,
        more: True,
    }
    fewer, none, surplus = found[less].audit, found[lost].audit, found[more].audit
    assert isinstance(fewer, Audited)
    assert isinstance(surplus, Audited)
    assert fewer.drift.total < 0 < surplus.drift.total
    assert isinstance(none, Unaudited)
    assert none.why is Why.MISSING


def test_a_free_query_is_audited_too(source: PrometheusSource, database: Database, world: World) -> None:
    truth = world.services["brownout"]
    place = Week(
        source,
        database,
        {
            "bad": f"sum(increase({truth.bad_selector}[$window]))",
            "total": f"sum(increase({truth.total_selector}[$window]))",
        },
    )
    place.rewrite(NEWEST, 0.5)
    found = place.run()
    assert [day for day, one in found.items() if one.audit.drifted] == [NEWEST]


def test_a_gauge_has_no_independent_count(source: PrometheusSource, database: Database) -> None:
    found = Week(source, database, {"up": "vector(1)"}).run()
    assert found[NEWEST].audit == Unaudited(Why.UNSUPPORTED)
