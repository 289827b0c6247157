"""Deployments, from GitHub's signed events to what they cost: real Prometheus, stand-in GitHub, the JSON API."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

import openapi
from gatekeeper.web.app import create_app
from staging import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from worlds.prometheus import PrometheusServer

SHOP = "acme/shop"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def stage(
    tmp_path: Path, prometheus: PrometheusServer, policies: dict[str, str], frozen_at: datetime, filled: Path
) -> Iterator[Stage]:
    with Stage(tmp_path, prometheus=prometheus.url, now=frozen_at, policies=policies, filled=filled) as stage:
        yield stage


def checkout(stage: Stage) -> Any:
    answer = create_app(stage.gatekeeper).test_client().get("/api/v1/services/checkout")
    assert answer.status_code == 200, answer.text
    return answer.json


def deploy(stage: Stage, ref: str, at: datetime, **options: Any) -> str:
    """dev1 deploys; its id."""
    world = stage.github.state
    present, world.clock = world.clock, lambda: at
    made = world.deploy(SHOP, ref, by="dev1", **options)
    world.clock = present
    return str(made.id)


def test_the_deployment_that_spent_the_budget_is_named_with_its_cost(stage: Stage) -> None:
    """A bad deployment, an incident, a rollback to what was there before the window; events doubled and reversed.

    Beside it what does not count: into staging, failed, and older than the window.
    """
    incident = max(checkout(stage)["incidents"], key=lambda one: one["bad"])
    began, ended = (datetime.fromisoformat(incident[name]) for name in ("start", "end"))
    world = stage.github.state
    good = world.head(SHOP, "main").sha
    bad = world.push_commit(SHOP, "main", {"services/checkout/app.py": "oops\n"}, by="dev1").sha
    stage.github.deliveries.pause()
    stage.github.deliveries.duplicate(2)
    deploy(stage, good, began - timedelta(days=2))
    faulty = deploy(stage, bad, began - 2 * MINUTE)
    deploy(stage, bad, began - 3 * MINUTE, environment="staging")
    deploy(stage, bad, began - timedelta(days=1), states=["in_progress", "failure"])
    back = deploy(stage, good, ended)
    stage.github.deliveries.resume(reverse=True)
    stage.settle()
    for one in stage.github.deliveries.emitted:
        openapi.validate_webhook(one.event, one.payload)
    told = {one["id"]: one for one in checkout(stage)["deployments"]}
    assert list(told) == [back, faulty]
    assert (told[back]["rollback_of"], told[faulty]["rolled_back_by"]) == (faulty, [back])
    assert told[back]["costs"] == []
    (cost,) = told[faulty]["costs"]
    assert cost["certain"]
    assert cost["ambiguous_with"] == []
    assert cost["bad"] == pytest.approx(incident["bad"], abs=1.96 * cost["sigma"])
    assert cost["budget_share"] == pytest.approx(incident["budget_share"], rel=0.05)
    assert told[faulty]["url"] == f"{stage.github.url}/{SHOP}/actions/runs/{faulty}"
    stage.at(stage.now)
    said = f"after `{SHOP}@{bad[:7]}` was deployed at {began - 2 * MINUTE:%Y-%m-%d %H:%M} UTC"
    assert said in stage.comment(stage.open_pull())
