"""Deployments that are asked for by GitHub's API: refused while a service is frozen, and answered if not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import openapi
from gatekeeper.demo.github import Refused
from gatekeeper.demo.github.checks import set_status
from gatekeeper.demo.github.entities import Status
from gatekeeper.worker.head_pass import CONTEXT
from staging import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from gatekeeper.demo.github.deployment_entities import DeploymentStatus
    from worlds.prometheus import PrometheusServer
    from worlds.world import World

SHOP = "acme/shop"
ENVIRONMENTS = "  environments: {production: enforce, staging: free}\n"


@pytest.fixture
def stage(
    tmp_path: Path, prometheus: PrometheusServer, policies: dict[str, str], frozen_at: datetime, filled: Path
) -> Iterator[Stage]:
    named = policies | {"policies/checkout.yaml": policies["policies/checkout.yaml"] + ENVIRONMENTS}
    with Stage(tmp_path, prometheus=prometheus.url, now=frozen_at, policies=named, filled=filled) as stage:
        yield stage
        openapi.validate_all(stage.github.calls)
        for one in stage.github.deliveries.emitted:
            openapi.validate_webhook(one.event, one.payload)


def status(stage: Stage) -> Status | None:
    """Ours on the newest commit of main."""
    head = stage.github.state.head(SHOP, "main").sha
    found = [one for one in stage.github.state.statuses if (one.sha, one.context) == (head, CONTEXT)]
    return found[-1] if found else None


def ask(stage: Stage, **options: object) -> list[DeploymentStatus]:
    """dev1 asks for a deployment; what it was told."""
    made = stage.github.state.ask_deployment(SHOP, by="dev1", **options)  # type: ignore[arg-type] # passed on
    stage.settle()
    return [one for one in stage.github.state.deployment_statuses if one.deployment_id == made.id]


def test_the_api_refuses_to_deploy_while_frozen_and_deploys_when_the_gate_opens(
    stage: Stage, world: World
) -> None:
    found = status(stage)
    assert found is not None
    assert found.state == "failure"
    assert found.description is not None
    assert found.description.startswith("checkout is frozen: 53.5 % over its error budget")
    assert found.target_url is not None
    with pytest.raises(Refused, match="409: Conflict: Commit status checks failed"):
        stage.github.state.ask_deployment(SHOP, by="dev1")
    stage.at(world.end)
    again = status(stage)
    assert again is not None
    assert again.state == "success"
    (told,) = ask(stage)
    assert (told.state, told.creator) == ("pending", "gatekeeper[bot]")


def test_a_success_of_our_name_by_somebody_else_opens_nothing_for_long_and_is_on_record(stage: Stage) -> None:
    """The newest status of a name counts, whoever set it."""
    world = stage.github.state
    head = world.head(SHOP, "main").sha
    set_status(world, Status(0, SHOP, head, CONTEXT, "success", "Fine", None, "dev1", world.now()))
    stage.settle()
    found = status(stage)
    assert found is not None
    assert (found.creator, found.state) == ("gatekeeper[bot]", "failure")
    with pytest.raises(Refused, match="409: Conflict: Commit status checks failed"):
        world.ask_deployment(SHOP, by="dev1")
    on_record = [
        (one.label, one.actor, one.head_sha) for _, _, one in stage.gatekeeper.stores.overrides.all()
    ]
    assert on_record == [(f"status {CONTEXT}", "dev1", head)]


def test_one_that_says_the_same_as_ours_is_on_record_and_not_answered(stage: Stage) -> None:
    """So an App that is renamed does not answer itself without end."""
    world = stage.github.state
    head = world.head(SHOP, "main").sha
    told = len(world.statuses)
    set_status(world, Status(0, SHOP, head, CONTEXT, "failure", "Fine", None, "dev1", world.now()))
    stage.settle()
    assert len(world.statuses) == told + 1
    (on_record,) = stage.gatekeeper.stores.overrides.all()
    assert on_record[-1].actor == "dev1"


def test_whoever_asks_for_no_status_is_told_that_it_fails(stage: Stage) -> None:
    (told,) = ask(stage, contexts=[])
    assert told.state == "failure"
    assert told.description.startswith("checkout is frozen")
    assert "/decisions/" in told.log_url


def test_an_environment_that_is_free_is_told_so(stage: Stage) -> None:
    (told,) = ask(stage, contexts=[], environment="staging")
    assert (told.state, "free of its gate" in told.description) == ("pending", True)


def test_a_push_is_answered_on_its_own_commit(stage: Stage) -> None:
    stage.github.state.push_commit(SHOP, "main", {"services/search/app.py": "x\n"}, by="ops1")
    stage.settle()
    found = status(stage)
    assert found is not None
    assert found.state == "failure"


def test_a_fix_may_be_deployed_by_the_api_while_frozen(
    stage: Stage, world: World, frozen_at: datetime
) -> None:
    """What was let go before the freeze is known; a merged fix is all that comes since."""
    stage.at(world.end)
    (told,) = ask(stage)
    assert told.state == "pending"
    stage.at(frozen_at)
    number = stage.open_pull()
    stage.github.state.label(SHOP, number, "reliability", by="ops1")
    stage.settle()
    stage.github.state.merge(SHOP, number, by="ops1")
    stage.settle()
    found = status(stage)
    assert found is not None
    assert found.state == "success"
    (told,) = ask(stage)
    assert told.state == "pending"


def test_nothing_is_written_twice(stage: Stage) -> None:
    ask(stage, contexts=[])
    (asked,) = stage.github.state.deployments
    stage.github.calls.clear()
    stage.touch([f"head:{SHOP}", f"deployment:{SHOP}#{asked}"])
    assert [str(call) for call in stage.github.calls.writes()] == []


def test_a_policy_that_names_no_environment_sets_no_status(stage: Stage, policies: dict[str, str]) -> None:
    world = stage.github.state
    world.update_file("acme/.github", "policies/checkout.yaml", policies["policies/checkout.yaml"], by="ops1")
    stage.settle()
    world.push_commit(SHOP, "main", {"services/search/app.py": "x\n"}, by="ops1")
    stage.settle()
    assert status(stage) is None
