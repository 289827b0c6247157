"""Deployments that our protection rule holds: real Prometheus, stand-in GitHub, all held to GitHub's description."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

import openapi
from gatekeeper.decide.change import judge
from gatekeeper.demo.github.acme import APP_ID
from gatekeeper.store.decisions import DECISION
from gatekeeper.store.overrides import WITHDRAWN
from gatekeeper.web.app import create_app
from staging import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from gatekeeper.demo.github.deployment_entities import DeployingJob
    from worlds.prometheus import PrometheusServer
    from worlds.world import World

SHOP = "acme/shop"


@pytest.fixture
def stage(
    tmp_path: Path, prometheus: PrometheusServer, policies: dict[str, str], frozen_at: datetime, filled: Path
) -> Iterator[Stage]:
    with Stage(tmp_path, prometheus=prometheus.url, now=frozen_at, policies=policies, filled=filled) as stage:
        stage.github.state.protect(SHOP, "production", app_id=APP_ID)
        yield stage
        openapi.validate_all(stage.github.calls)
        for one in stage.github.deliveries.emitted:
            openapi.validate_webhook(one.event, one.payload)


def start(stage: Stage, **options: object) -> int:
    """dev1 starts a workflow that deploys main; its run, once all is settled."""
    run = stage.github.state.run_workflow(SHOP, by="dev1", **options)  # type: ignore[arg-type] # passed on
    stage.settle()
    return run.id


def job(stage: Stage, run: int, environment: str = "production") -> DeployingJob:
    (found,) = [one for one in stage.github.state.runs[run].jobs if one.environment == environment]
    return found


def test_a_deployment_waits_while_frozen_is_told_why_and_goes_on_when_the_gate_opens(
    stage: Stage, world: World
) -> None:
    run = start(stage)
    assert stage.github.state.runs[run].status == "waiting"
    ((_, report),) = job(stage, run).reports
    for said in (
        "checkout is frozen",
        "53.5 % over",
        "goes on by itself",
        "2026-11-01",
        "may touch every service",
    ):
        assert said in report, report
    assert len(report) <= 1024
    stage.at(world.end)
    assert job(stage, run).result == "success"
    assert "checkout is in probation" in job(stage, run).reports[-1][1]


def test_what_waited_goes_one_at_a_time_after_the_freeze(stage: Stage, world: World) -> None:
    stage.github.state.clock = lambda: stage.now
    runs = [start(stage)]
    stage.github.state.update_file(SHOP, "services/checkout/app.py", "pass", by="ops1")
    runs.append(start(stage))
    stage.at(world.end)
    results = [job(stage, run).result for run in runs]
    assert sorted(map(str, results)) == ["None", "success"]
    second = runs[results.index(None)]
    assert (
        "checkout is in probation; one was deployed within the last hour" in job(stage, second).reports[-1][1]
    )
    stage.now += timedelta(hours=1)
    stage.touch([f"runs:{SHOP}"])
    assert job(stage, second).result == "success", job(stage, second).reports[-1][1]


def test_it_is_told_once_however_often_the_event_comes_and_nothing_is_written_twice(stage: Stage) -> None:
    stage.github.deliveries.duplicate(3)
    run = start(stage)
    stage.github.calls.clear()
    stage.touch([f"run:{SHOP}#{run}", f"runs:{SHOP}"])
    assert len(job(stage, run).reports) == 1
    assert [str(call) for call in stage.github.calls.writes()] == []


def test_each_environment_is_treated_as_the_policy_says(stage: Stage, policies: dict[str, str]) -> None:
    world = stage.github.state
    environments = "  environments: {production: enforce, staging: free, preview: advise}\n"
    world.update_file(
        "acme/.github", "policies/checkout.yaml", policies["policies/checkout.yaml"] + environments, by="ops1"
    )
    stage.settle()
    for one in ("staging", "preview"):
        world.protect(SHOP, one, app_id=APP_ID)
    run = start(stage, environments=["production", "staging", "preview"])
    results = {one.environment: one.result for one in world.runs[run].jobs}
    assert results == {"production": None, "staging": "success", "preview": "success"}
    assert "free of its gate" in job(stage, run, "staging").reports[0][1]
    assert "only advised" in job(stage, run, "preview").reports[0][1]


def test_one_that_waited_as_long_as_the_policy_allows_fails_its_run(
    stage: Stage, policies: dict[str, str]
) -> None:
    checkout = "policies/checkout.yaml"
    giving_up = policies[checkout].replace("  gate:\n", "  gate:\n    deployments: {reject_after: 2h}\n", 1)
    stage.github.state.update_file("acme/.github", checkout, giving_up, by="ops1")
    stage.settle()
    run = start(stage)
    stage.at(stage.now + timedelta(hours=2))
    stage.touch([f"runs:{SHOP}"])
    assert (stage.github.state.runs[run].status, job(stage, run).result) == ("completed", "failure")
    waits, rejected = (said for _, said in job(stage, run).reports)
    assert "If it waits until 2026-10-31 14:00 UTC, it is rejected" in waits
    assert "It is rejected: the policy lets no deployment wait for longer" in rejected
    stage.github.calls.clear()
    stage.touch([f"runs:{SHOP}", f"run:{SHOP}#{run}"])
    assert [str(call) for call in stage.github.calls.writes()] == []


def test_a_run_whose_event_never_came_is_found_by_the_sweep(stage: Stage) -> None:
    stage.github.deliveries.pause()
    run = stage.github.state.run_workflow(SHOP, by="dev1").id
    stage.touch([f"runs:{SHOP}"], webhooks=False)
    assert len(job(stage, run).reports) == 1
    stage.github.deliveries.resume()
    stage.settle()


@pytest.mark.parametrize("how", ["cancelled", "started by an administrator"])
def test_what_waits_no_more_is_forgotten(stage: Stage, how: str, world: World) -> None:
    run = start(stage)
    if how == "cancelled":
        stage.github.state.cancel_run(SHOP, run, by="dev1")
    else:
        stage.github.state.set_role(SHOP, "ops1", "admin")
        stage.github.state.bypass(SHOP, run, by="ops1")
    stage.github.calls.clear()
    stage.at(world.end)
    assert [call for call in stage.github.calls.writes() if "protection_rule" in call.path] == []
    assert stage.gatekeeper.stores.runs.of_repository(SHOP) == ()


def test_an_open_gate_lets_go_at_once_and_says_so(stage: Stage, world: World) -> None:
    stage.at(world.end)
    run = start(stage)
    assert job(stage, run).result == "success"
    ((_, said),) = job(stage, run).reports
    assert "checkout is in probation" in said


def test_the_decision_on_it_has_a_page_and_is_derived_again(stage: Stage) -> None:
    run = start(stage)
    (stored,) = stage.gatekeeper.stores.decisions.latest(f"{SHOP}@production")
    assert stored.id in job(stage, run).reports[0][1]
    client = create_app(stage.gatekeeper).test_client()
    page = client.get(f"/decisions/{stored.id}")
    assert page.status_code == 200
    assert "Deployment to production" in page.text
    listed = client.get("/api/v1/decisions").json
    assert listed is not None
    assert listed["decisions"][0]["subject"] == f"{SHOP}@production"
    assert DECISION.text(judge(stored.snapshot)) == stored.decision_text


def merged(stage: Stage, service: str, *labels: str) -> int:
    """A change of a service lands on main; its pull request."""
    world = stage.github.state
    number = stage.open_pull(service)
    for label in labels:
        world.label(SHOP, number, label, by="ops1")
    stage.settle()
    world.required.clear()  # whatever the gate says: an administrator merged it
    world.merge(SHOP, number, by="ops1")
    stage.settle()
    return number


@pytest.fixture
def live(stage: Stage, world: World, frozen_at: datetime) -> Stage:
    """What is on main was let go into production before checkout froze."""
    stage.at(world.end)
    assert job(stage, start(stage)).result == "success"
    stage.at(frozen_at)
    return stage


def test_a_fix_is_deployed_while_frozen_and_a_feature_that_came_with_it_holds_it(live: Stage) -> None:
    merged(live, "checkout", "reliability")
    assert job(live, start(live)).result == "success"
    feature = merged(live, "checkout")
    run = start(live)
    assert job(live, run).result is None
    assert f"`{SHOP}#{feature}`" in job(live, run).reports[0][1]
    live.github.state.label(SHOP, feature, "slo:override", by="dev1")
    live.settle()
    assert job(live, run).result is None, "dev1 is in no team that may override"
    live.github.state.unlabel(SHOP, feature, "slo:override", by="ops1")
    live.github.state.label(SHOP, feature, "slo:override", by="ops1")
    live.settle()
    assert job(live, run).result == "success"
    assert "let through by" in job(live, run).reports[-1][1]


def test_a_label_on_a_merged_change_is_on_record_as_on_an_open_one(live: Stage) -> None:
    first, second = merged(live, "checkout"), merged(live, "checkout")
    run, world, overrides = start(live), live.github.state, live.gatekeeper.stores.overrides

    def said(number: int) -> list[tuple[str, bool, str]]:
        found = overrides.of_pull(SHOP, number)
        return [(one.actor, one.granted, one.why) for one in found if one.label == "slo:override"]

    refused = ("dev1", False, "`@dev1` is not an active member of `@acme/sre`")
    granted, withdrawn = ("ops1", True, ""), ("ops1", False, WITHDRAWN)
    world.label(SHOP, first, "slo:override", by="dev1")
    live.settle()
    assert said(first) == [refused]
    world.unlabel(SHOP, first, "slo:override", by="ops1")
    world.label(SHOP, first, "slo:override", by="ops1")
    live.settle()
    assert said(first) == [refused, granted]
    assert job(live, run).result is None, "the other one holds it"
    world.unlabel(SHOP, first, "slo:override", by="ops1")
    live.settle()
    assert said(first) == [refused, granted, withdrawn]
    for number in (first, second):
        world.label(SHOP, number, "slo:override", by="ops1")
    live.settle()
    assert job(live, run).result == "success"
    assert (said(first), said(second)) == ([refused, granted, withdrawn, granted], [granted])
    (last,) = (one for one in overrides.of_pull(SHOP, second) if one.granted)
    assert [(one.service, one.state) for one in last.stakes] == [("acme/checkout", "frozen")]
    assert last.head_sha == world.pulls[SHOP, second].head_sha
    assert overrides.verify().broken_at is None


def test_what_touches_only_services_that_are_well_is_deployed(live: Stage) -> None:
    merged(live, "search")
    assert job(live, start(live)).result == "success"


def test_a_rollback_never_waits(live: Stage) -> None:
    """It brings nothing that was not there; to go forward again brings it anew."""
    world = live.github.state
    before = world.head(SHOP, "main").sha
    merged(live, "checkout", "reliability")
    assert job(live, start(live)).result == "success"
    world.branches[SHOP, "rollback"] = before
    assert job(live, start(live, branch="rollback")).result == "success"


def test_what_was_pushed_without_a_pull_request_is_held(live: Stage) -> None:
    live.github.state.push_commit(SHOP, "main", {"services/search/app.py": "x\n"}, by="ops1")
    live.settle()
    run = start(live)
    assert job(live, run).result is None
    assert "nothing exempts it" in job(live, run).reports[0][1]


def test_a_change_of_policy_tells_which_waiting_deployments_it_would_let_go(
    live: Stage, policies: dict[str, str]
) -> None:
    path = "policies/checkout.yaml"
    merged(live, "checkout")
    run = start(live)
    assert job(live, run).result is None
    free = policies[path].replace("\nspec:\n", "\nspec:\n  environments: {production: free}\n", 1)
    assert free != policies[path]
    for said, text in (
        ("1 waiting deployment would be let go", free),
        ("The deployment that waits would get no other answer.", policies[path].replace("99.95%", "99.99%")),
    ):
        pull = live.github.state.open_pull("acme/.github", author="dev1", title="Policy", files={path: text})
        live.settle()
        comments = [one.body for one in live.github.state.comments.values() if one.number == pull.number]
        assert any(said in comment for comment in comments), comments
    assert f"| run {run} | 🔴 held → 🟢 let go |" in "".join(
        one.body for one in live.github.state.comments.values()
    )
