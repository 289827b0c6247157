"""The ledger against a world of known truth, through a real Prometheus."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest

from gatekeeper.availability.budget import remaining
from gatekeeper.availability.ledger import Slices, ending_at
from gatekeeper.policy.model import Indicator, PrometheusIndicator
from gatekeeper.sources.prometheus import PrometheusSource
from gatekeeper.sources.prometheus_api import PrometheusApi
from gatekeeper.worker.refresh import SETTLE, refresh
from memory_ledger import MemoryLedger
from worlds.spec import STANDARD

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from gatekeeper.worker.fill_ports import Ledger
    from worlds import ServiceTruth, World
    from worlds.prometheus import PrometheusServer

WINDOW = timedelta(days=28)
A_TENTH_OF_A_POINT = 0.001
NAMES = [spec.name for spec in STANDARD]


@pytest.fixture
def source(prometheus: PrometheusServer) -> Iterator[PrometheusSource]:
    source = PrometheusSource(PrometheusApi(prometheus.url))
    yield source
    source.close()


def bad_and_total(truth: ServiceTruth) -> Indicator:
    return Indicator(prometheus=PrometheusIndicator(bad=truth.bad_selector, total=truth.total_selector))


def window(ledger: Ledger, indicator: Indicator, end: datetime) -> Slices:
    return ledger.read(indicator.id, ending_at(end - WINDOW) + 1, ending_at(end) + 1)


def error(slices: Slices, truth: ServiceTruth, end: datetime) -> float:
    sums = slices.sums()
    return remaining(sums.bad, sums.total, 1 - truth.target) - truth.remaining(end, WINDOW)


@pytest.mark.parametrize("name", NAMES)
def test_a_backfilled_budget_is_what_the_samples_can_show(
    name: str, world: World, source: PrometheusSource
) -> None:
    truth, ledger = world.services[name], MemoryLedger()
    indicator = bad_and_total(truth)
    refresh(indicator, needed_since=world.end - WINDOW, now=world.end + SETTLE, source=source, ledger=ledger)
    slices = window(ledger, indicator, world.end)
    bad, total = truth.observable_slices(world.end - WINDOW, world.end)
    # Inside a gap the truth is fractional, the ledger keeps whole events whole.
    assert np.abs(slices.bad - bad).max() <= 1
    assert np.abs(slices.total - total).max() <= 2
    assert abs(error(slices, truth, world.end)) <= A_TENTH_OF_A_POINT
