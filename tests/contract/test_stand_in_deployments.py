"""Deployments on the stand-in: protection rules hold jobs, commit statuses refuse, as GitHub documents it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import openapi
from gatekeeper.demo.github import Refused, StandIn
from gatekeeper.demo.github.acme import APP_ID
from standin import Client

if TYPE_CHECKING:
    from collections.abc import Iterator

    import requests

    from gatekeeper.demo.github import World

SHOP = "acme/shop"
OTHER_APP = 1


@pytest.fixture
def github() -> Iterator[StandIn]:
    with StandIn() as github:
        github.state.protect(SHOP, "production", app_id=APP_ID)
        yield github
        openapi.validate_all(github.calls)


@pytest.fixture
def world(github: StandIn) -> World:
    return github.state


@pytest.fixture
def client(github: StandIn) -> Iterator[Client]:
    with Client(github) as client:
        yield client.as_installation()


def answer(client: Client, run: int, **body: Any) -> requests.Response:
    asked = {"environment_name": "production"} | body
    return client.post(f"/repos/{SHOP}/actions/runs/{run}/deployment_protection_rule", json=asked)


def states(world: World, run: int, environment: str = "production") -> list[str]:
    (job,) = [one for one in world.runs[run].jobs if one.environment == environment]
    return [one.state for one in world.deployment_statuses if one.deployment_id == job.deployment_id]


def test_a_job_waits_for_the_rule_and_runs_when_it_is_let_go(world: World, client: Client) -> None:
    run = world.run_workflow(SHOP, by="dev1", environments=["production", "staging"]).id
    assert (world.runs[run].status, states(world, run)) == ("waiting", ["waiting"])
    assert states(world, run, "staging") == ["in_progress", "success"]
    assert answer(client, run, comment="Frozen.").status_code == 204
    assert world.runs[run].status == "waiting", "a report lets nothing go"
    assert answer(client, run, state="approved", comment="Go.").status_code == 204
    assert (world.runs[run].status, world.runs[run].conclusion) == ("completed", "success")
    assert states(world, run) == ["waiting", "in_progress", "success"]


def test_a_rejection_fails_the_run_for_good(world: World, client: Client) -> None:
    run = world.run_workflow(SHOP, by="dev1").id
    assert answer(client, run, state="rejected").status_code == 204
    assert world.runs[run].conclusion == "failure"
    assert answer(client, run, state="approved").status_code == 422


def test_a_job_waits_for_each_app_that_protects_its_environment(world: World, client: Client) -> None:
    world.protect(SHOP, "production", app_id=OTHER_APP)
    run = world.run_workflow(SHOP, by="dev1").id
    assert answer(client, run, state="approved").status_code == 204
    assert world.runs[run].status == "waiting"
    assert answer(client, run, state="approved").status_code == 422, "it waits for us no more"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        pytest.param({}, "state", id="neither a state nor a comment"),
        pytest.param({"state": "maybe"}, "state", id="an unknown state"),
        pytest.param({"comment": "x" * 1025}, "too long", id="a comment that is too long"),
        pytest.param({"environment_name": "staging", "comment": "x"}, "waits", id="nothing waits there"),
    ],
)
def test_an_answer_that_is_none_is_refused(world: World, client: Client, body: Any, says: str) -> None:
    run = world.run_workflow(SHOP, by="dev1").id
    refused = answer(client, run, **body)
    assert (refused.status_code, says in refused.text) == (422, True), refused.text


def test_ten_reports_are_taken_and_no_more(world: World, client: Client) -> None:
    run = world.run_workflow(SHOP, by="dev1").id
    codes = [answer(client, run, comment=f"{at}").status_code for at in range(11)]
    assert codes == [204] * 10 + [422]
    assert answer(client, run, state="approved").status_code == 204, "that is no report"


def test_only_an_app_answers(world: World, client: Client) -> None:
    run = world.run_workflow(SHOP, by="dev1").id
    assert answer(client.as_person("dev1"), run, state="approved").status_code == 403


def test_an_administrator_can_start_what_waits_and_nobody_else(world: World) -> None:
    run = world.run_workflow(SHOP, by="dev1").id
    with pytest.raises(Refused, match="admin"):
        world.bypass(SHOP, run, by="ops1")
    world.set_role(SHOP, "ops1", "admin")
    world.bypass(SHOP, run, by="ops1")
    assert world.runs[run].conclusion == "success"


def test_a_cancelled_run_deploys_nothing(world: World, client: Client) -> None:
    run = world.run_workflow(SHOP, by="dev1").id
    world.cancel_run(SHOP, run, by="dev1")
    assert (world.runs[run].conclusion, states(world, run)) == ("cancelled", ["waiting", "failure"])
    assert answer(client, run, state="approved").status_code == 422


@pytest.mark.parametrize(
    ("statuses", "contexts", "code"),
    [
        pytest.param({}, None, 201, id="without any status"),
        pytest.param({"gatekeeper": "success"}, None, 201, id="with a green one"),
        pytest.param({"gatekeeper": "failure"}, None, 409, id="with a red one"),
        pytest.param({"gatekeeper": "pending"}, None, 409, id="with one that waits"),
        pytest.param({"gatekeeper": "failure"}, [], 201, id="with a red one, and none asked for"),
        pytest.param({"gatekeeper": "failure"}, ["tests"], 409, id="with one missing that is asked for"),
        pytest.param(
            {"gatekeeper": "failure", "tests": "success"}, ["tests"], 201, id="with another asked for"
        ),
    ],
)
def test_the_api_deploys_a_commit_unless_a_status_is_not_green(
    world: World, client: Client, statuses: dict[str, str], contexts: list[str] | None, code: int
) -> None:
    head = world.head(SHOP, "main").sha
    for context, state in statuses.items():
        made = client.post(f"/repos/{SHOP}/statuses/{head}", json={"state": state, "context": context})
        assert made.status_code == 201
    body = {"ref": "main"} | ({} if contexts is None else {"required_contexts": contexts})
    found = client.as_person("dev1").post(f"/repos/{SHOP}/deployments", json=body)
    assert found.status_code == code, found.text
    if code == 409:
        assert found.json()["message"] == "Conflict: Commit status checks failed for main."
