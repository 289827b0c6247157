"""What a refresh costs Prometheus, by Prometheus's own count (`stats=all`)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from gatekeeper.policy.objective import Indicator, PrometheusIndicator
from gatekeeper.sources.prometheus import PrometheusSource
from gatekeeper.sources.prometheus_api import PrometheusApi
from gatekeeper.worker.refresh import SETTLE, refresh
from gatekeeper.worker.refresh_together import Due, refresh_together
from memory_ledger import MemoryLedger
from worlds.fixtures import END
from worlds.series import milliseconds
from worlds.spec import STANDARD

if TYPE_CHECKING:
    from collections.abc import Iterator

    import requests

    from worlds import World
    from worlds.prometheus import PrometheusServer

MINUTE = timedelta(minutes=1)
ABOUT_ONCE = 1.3


@dataclass
class Bill:
    """Requests answered, and the samples that each one loaded."""

    samples: list[int] = field(default_factory=list)

    def add(self, response: requests.Response, **_: object) -> None:
        self.samples.append(response.json()["data"]["stats"]["samples"]["totalQueryableSamples"])


@pytest.fixture
def bill() -> Bill:
    return Bill()


@pytest.fixture
def source(prometheus: PrometheusServer, bill: Bill) -> Iterator[PrometheusSource]:
    api = PrometheusApi(prometheus.url)
    api._parameters["stats"] = "all"
    api._connection._session.hooks["response"].append(bill.add)
    source = PrometheusSource(api)
    yield source
    source.close()


def ingested(world: World, name: str, minutes: int) -> int:
    """Samples of the last minutes; stale markers are stored, but no query loads them."""
    after = milliseconds(END - minutes * MINUTE)
    mine = [one for one in world.series if ("job", name) in one.labels]
    return sum(int(((one.times > after) & (one.values == one.values)).sum()) for one in mine)


@pytest.mark.parametrize("pause", [1, 5])
@pytest.mark.parametrize("name", [spec.name for spec in STANDARD])
def test_a_refresh_asks_once_and_loads_each_sample_once(
    name: str, pause: int, world: World, source: PrometheusSource, bill: Bill
) -> None:
    truth, ledger = world.services[name], MemoryLedger()
    queries = PrometheusIndicator(bad=truth.bad_selector, total=truth.total_selector)
    indicator, begin = Indicator(prometheus=queries), END - 30 * MINUTE
    for minutes in range(0, 31, pause):
        if minutes == pause:
            bill.samples.clear()
        now = begin + minutes * MINUTE + SETTLE
        refresh(indicator, needed_since=begin - 60 * MINUTE, now=now, source=source, ledger=ledger)
    assert len(bill.samples) == 30 / pause
    assert ingested(world, name, 30) > 0
    assert sum(bill.samples) <= ABOUT_ONCE * ingested(world, name, 30)


def test_refreshed_together_they_share_requests_and_load_no_sample_more_than_twice(
    world: World, source: PrometheusSource, bill: Bill
) -> None:
    """A request begins where the first of its ledgers does: of the others, the sample before may come along."""
    indicators = {
        name: Indicator(prometheus=PrometheusIndicator(bad=truth.bad_selector, total=truth.total_selector))
        for name, truth in world.services.items()
    }
    ledger, begin = MemoryLedger(), END - 30 * MINUTE
    due = [Due(one.id, one, begin - 60 * MINUTE) for one in indicators.values()]
    for one in indicators.values():
        refresh(one, needed_since=begin - 60 * MINUTE, now=begin + SETTLE, source=source, ledger=ledger)
    bill.samples.clear()
    for minute in range(1, 31):
        refresh_together(due, now=begin + minute * MINUTE + SETTLE, source=source, ledgers=ledger)
    new = sum(ingested(world, name, 30) for name in indicators)
    assert 0 < sum(bill.samples) <= 2 * new
    assert len(bill.samples) < 30 * len(indicators) / 2


def test_a_backfill_loads_each_sample_once(world: World, source: PrometheusSource, bill: Bill) -> None:
    truth, ledger = world.services["steady"], MemoryLedger()
    queries = PrometheusIndicator(bad=truth.bad_selector, total=truth.total_selector)
    since = END - timedelta(days=28)
    refresh(Indicator(prometheus=queries), needed_since=since, now=END + SETTLE, source=source, ledger=ledger)
    assert len(bill.samples) <= 30
    assert sum(bill.samples) <= ABOUT_ONCE * ingested(world, "steady", 28 * 1440)
