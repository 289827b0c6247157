"""What the scenarios start from: two services, one with a spent budget, their ledgers filled."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from staging import fill_ledgers, policy

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from worlds.prometheus import PrometheusServer
    from worlds.world import World


@pytest.fixture(scope="session")
def policies(world: World) -> dict[str, str]:
    """checkout's budget is spent at ``frozen_at`` and has recovered at ``world.end``; search is well."""
    spent, healthy = world.services["spent"], world.services["healthy"]
    return {
        "policies/checkout.yaml": policy("checkout", bad=spent.bad_selector, total=spent.total_selector),
        "policies/search.yaml": policy("search", bad=healthy.bad_selector, total=healthy.total_selector),
    }


@pytest.fixture(scope="session")
def frozen_at(world: World) -> datetime:
    return world.end - timedelta(days=2)


@pytest.fixture(scope="session")
def filled(
    tmp_path_factory: pytest.TempPathFactory,
    prometheus: PrometheusServer,
    policies: dict[str, str],
    frozen_at: datetime,
) -> Path:
    """A database in which both ledgers are filled until ``frozen_at``."""
    folder = tmp_path_factory.mktemp("filled")
    return fill_ledgers(folder, prometheus=prometheus.url, now=frozen_at, policies=policies)
