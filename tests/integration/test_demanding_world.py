"""Fifty-one services, with everything that makes counting hard, on two servers: the numbers a gate stands on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from operator import attrgetter
from statistics import median
from typing import TYPE_CHECKING

import pytest

from gatekeeper.availability.budget import remaining
from gatekeeper.availability.incidents import find, reliability
from gatekeeper.availability.ledger import Slices, ending_at
from gatekeeper.policy.objective import Indicator, PrometheusIndicator
from gatekeeper.sources.prometheus import PrometheusSource
from gatekeeper.sources.prometheus_api import PrometheusApi
from gatekeeper.sources.prometheus_flavour import Flavour
from gatekeeper.store.engine import Database, create_store_engine
from gatekeeper.store.ledger import SqlLedger
from gatekeeper.store.tables import metadata
from gatekeeper.worker.refresh import SETTLE, refresh
from gatekeeper.worker.refresh_together import Due, refresh_together
from worlds.demanding import DEMANDING, NEAR_ZERO
from worlds.fixtures import END, SEED
from worlds.prometheus import PrometheusServer
from worlds.victoria_metrics import VictoriaMetricsServer
from worlds.world import World

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gatekeeper.availability.incidents import Incident
    from worlds import Incident as Fault
    from worlds import ServiceTruth

WINDOW = timedelta(days=28)
BEFORE = END - timedelta(days=2)
"""The ledgers are filled to here while some samples have not arrived, and then to the end."""
SLICE = timedelta(minutes=1)
LIVE = 30
"""Minutes before the end that are read one by one, all ledgers together, as a server that runs does it."""
GRAVE, MANY = 0.05, 10
"""Share and number of failures from which an incident has to be found."""
IN_A_GAP = "gapincident"
"""Nothing says when in a gap its fault began and ended."""
A_TENTH_OF_A_POINT = 0.001
NEAR = 0.06
MILD = {spec.name for spec in DEMANDING if any(fault.ratio < GRAVE for fault in spec.faults)}
NAMES = [spec.name for spec in DEMANDING]
SERVERS = {
    Flavour.PROMETHEUS: PrometheusServer,
    Flavour.VICTORIAMETRICS: VictoriaMetricsServer,
}


@dataclass(frozen=True)
class Read:
    """A world, and what Gatekeeper made of it.

    Attributes:
        together: how many ledgers each of the last minutes brought up to date at once.
    """

    world: World
    windows: Mapping[str, Slices]
    together: Sequence[int]

    def left(self, name: str) -> float:
        sums = self.windows[name].sums()
        return remaining(sums.bad, sums.total, 1 - self.world.services[name].target)

    def truth(self, name: str) -> float:
        return self.world.services[name].remaining(END, WINDOW)

    def incidents(self, name: str) -> tuple[Incident, ...]:
        return find(self.windows[name], round(1 - self.world.services[name].target, 9))

    def faults(self, name: str) -> list[Fault]:
        """The grave ones of the window, oldest first."""
        found = [one for one in self.world.services[name].incidents if one.start >= END - WINDOW]
        return sorted((one for one in found if one.bad >= MANY and name not in MILD), key=attrgetter("start"))


@pytest.fixture(scope="module")
def demanding() -> World:
    return World(SEED, END, specs=DEMANDING)


@pytest.fixture(scope="module", params=SERVERS)
def read(request: pytest.FixtureRequest, demanding: World, tmp_path_factory: pytest.TempPathFactory) -> Read:
    """Passes over all services on one server; after the first come a block from before, and the rest."""
    flavour, folder = request.param, tmp_path_factory.mktemp(request.param)
    indicators = {name: indicator_of(truth) for name, truth in demanding.services.items()}
    database = Database(create_store_engine(f"sqlite:///{folder}/gatekeeper.db"))
    metadata.create_all(database.engine)
    ledger, together = SqlLedger(database), []
    with SERVERS[flavour](folder, demanding.arrived(BEFORE)) as server:
        source = PrometheusSource(PrometheusApi(server.url), flavour)
        for now in (BEFORE, *(END - minute * SLICE for minute in range(LIVE, -1, -1))):
            due = [Due(one.id, one, END - WINDOW) for one in indicators.values()]
            together.append(len(refresh_together(due, now=now + SETTLE, source=source, ledgers=ledger)))
            for indicator in indicators.values():  # what is left
                refresh(indicator, needed_since=END - WINDOW, now=now + SETTLE, source=source, ledger=ledger)
            if now == BEFORE:
                arriving = demanding.arriving(BEFORE, END)
                server.put_in(one for one in arriving if ("job", "lateblock") in one.labels)
                server.write(one for one in arriving if ("job", "lateblock") not in one.labels)
        source.close()
    first, stop = ending_at(END - WINDOW) + 1, ending_at(END) + 1
    windows = {name: ledger.read(one.id, first, stop) for name, one in indicators.items()}
    database.close()
    return Read(demanding, windows, together[-LIVE:])


def indicator_of(truth: ServiceTruth) -> Indicator:
    return Indicator(prometheus=PrometheusIndicator(bad=truth.bad_selector, total=truth.total_selector))


def test_the_last_minutes_were_read_together(read: Read) -> None:
    assert min(read.together) > 0.9 * len(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_budget_left_is_what_the_samples_can_show(name: str, read: Read) -> None:
    assert abs(read.left(name) - read.truth(name)) <= A_TENTH_OF_A_POINT


@pytest.mark.parametrize("name", [spec.name for spec in NEAR_ZERO])
def test_it_is_known_whether_a_budget_is_spent_even_if_just_so(name: str, read: Read) -> None:
    spent = name.startswith("over")
    assert abs(read.truth(name)) < NEAR
    assert (read.truth(name) <= 0, read.left(name) <= 0) == (spent, spent)


def test_a_block_that_came_after_its_gap_was_bridged_changes_no_sum(read: Read) -> None:
    sums = read.windows["lateblock"].sums()
    assert sums.interpolated > 0
    assert sums.coverage > 0.999


def test_grave_incidents_are_found_where_they_were_and_no_others(read: Read) -> None:
    faults = [(name, fault) for name in NAMES for fault in read.faults(name)]
    found = [(name, fault, one) for name, fault in faults for one in read.incidents(name) if met(fault, one)]
    assert len(faults) > 70
    assert len({(name, fault.start) for name, fault, _ in found}) >= 0.98 * len(faults)
    assert median(abs(one.start - fault.start).total_seconds() for _, fault, one in found) <= 60


@pytest.mark.parametrize("name", NAMES)
def test_an_incident_is_only_where_there_was_a_fault(name: str, read: Read) -> None:
    """A mild one counts: errors of 0.3 % for days are a fault, whichever minutes of it stand out."""
    faults = read.world.services[name].incidents
    assert all(any(met(fault, one) for fault in faults) for one in read.incidents(name))


@pytest.mark.parametrize("name", [name for name in NAMES if name not in MILD | {IN_A_GAP}])
def test_times_between_failures_and_to_restore_are_right_to_a_slice(name: str, read: Read) -> None:
    faults = read.faults(name)
    said = reliability(read.windows[name], read.incidents(name))
    assert said.incidents == len(faults)
    if faults:
        down = sum((fault.end - fault.start for fault in faults), timedelta(0))
        assert said.mttr_s == pytest.approx((down / len(faults)).total_seconds(), abs=SLICE.total_seconds())
        up = (read.windows[name].sums().measured * SLICE - down) / len(faults)
        assert said.mtbf_s == pytest.approx(up.total_seconds(), abs=SLICE.total_seconds())


def met(fault: Fault, incident: Incident) -> bool:
    """Whether they have a moment in common; a scrape shows a fault up to two minutes later."""
    end = incident.end or END
    return incident.start <= fault.end + 2 * SLICE and fault.start <= end
