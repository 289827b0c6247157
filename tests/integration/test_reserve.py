"""The last fifth of the hour's requests: deployments and merge groups are answered from it, all else waits."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

import openapi
from gatekeeper.bootstrap import now
from gatekeeper.demo.github.acme import APP_ID
from gatekeeper.github.allowance import RESERVE, UNLIMITED
from gatekeeper.github.limiter import Limiter
from staging import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from worlds.prometheus import PrometheusServer

SHOP = "acme/shop"


@pytest.fixture
def stage(
    tmp_path: Path, prometheus: PrometheusServer, policies: dict[str, str], frozen_at: datetime, filled: Path
) -> Iterator[Stage]:
    with Stage(
        tmp_path,
        prometheus=prometheus.url,
        now=frozen_at,
        policies=policies,
        filled=filled,
        limiter=lambda: Limiter(replace(UNLIMITED, reserve=RESERVE)),
    ) as stage:
        world = stage.github.state
        world.protect(SHOP, "production", app_id=APP_ID)
        world.require_queue(SHOP, "main")
        yield stage
        openapi.validate_all(stage.github.calls)


def test_when_the_hour_is_nearly_spent_deployments_and_groups_are_answered_and_the_rest_waits(
    stage: Stage,
) -> None:
    world = stage.github.state
    queued = stage.open_pull("search")
    stage.github.limits.leave(900)  # of 5,000
    late = world.open_pull(SHOP, author="dev1", title="Late", files={"services/checkout/late.py": "x = 1\n"})
    stage.settle(failing="pull:")
    assert stage.checks(late.number) == [], "put off until the hour is over"
    assert stage.gatekeeper.stores.work.parked() == []

    run = world.run_workflow(SHOP, by="dev1")
    group = world.enqueue(SHOP, queued, by="dev1")
    stage.settle(failing=("pull:", "commit:"))
    ((_, report),) = world.runs[run.id].jobs[0].reports
    assert "checkout is frozen" in report
    answers = [one.conclusion for one in world.checks.values() if one.head_sha == group.head_sha]
    assert answers == ["success"]
    assert stage.checks(late.number) == []
    assert stage.gatekeeper.stores.work.counts(now()).waiting >= 1
