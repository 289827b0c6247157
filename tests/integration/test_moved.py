"""Repositories renamed, transferred, deleted or taken from the App, and an App suspended: what becomes of its work."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

import openapi
from gatekeeper.bootstrap import deploying
from gatekeeper.demo.github.acme import APP_ID
from staging import Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

    from worlds.prometheus import PrometheusServer

SHOP, STORE = "acme/shop", "acme/store"


@pytest.fixture
def stage(
    tmp_path: Path, prometheus: PrometheusServer, policies: dict[str, str], frozen_at: datetime, filled: Path
) -> Iterator[Stage]:
    """A pull request is blocked and a deployment is held."""
    with Stage(tmp_path, prometheus=prometheus.url, now=frozen_at, policies=policies, filled=filled) as stage:
        stage.github.state.protect(SHOP, "production", app_id=APP_ID)
        stage.open_pull()
        stage.github.state.run_workflow(SHOP, by="dev1")
        stage.settle()
        assert held(stage) == [SHOP]
        yield stage
        for one in stage.github.deliveries.emitted:
            openapi.validate_webhook(one.event, one.payload)


def of_its_own(policies: Mapping[str, str]) -> dict[str, str]:
    """The policies as the repository itself would have them: they name no repository."""
    change = f"    - repository: {SHOP}\n      paths"
    assert all(change in text for text in policies.values())
    return {path: text.replace(change, "    - paths") for path, text in policies.items()}


def gates(stage: Stage) -> dict[str, object]:
    """Where each gate stands, and since when."""
    stores = stage.gatekeeper.stores
    found = {
        one.service.key: stores.gates.standing(one.service.key) for one in stores.catalog.entries("acme")
    }
    return {key: one.view.memory for key, one in found.items() if one is not None}


def held(stage: Stage) -> list[str]:
    """The repositories with a deployment that we know to wait."""
    return [name for name in (SHOP, STORE) if stage.gatekeeper.stores.runs.of_repository(name)]


def sweep(stage: Stage) -> None:
    """What the timers look at."""
    numbers = {*stage.github.state.installations, *stage.gatekeeper.stores.installations.numbers()}
    stage.touch(f"installation:{number}" for number in sorted(numbers))


def asked(stage: Stage, repository: str) -> list[str]:
    """What the timers ask of a repository once all is settled."""
    stage.github.calls.clear()
    sweep(stage)
    stage.touch(
        str(touch.key) for touch in deploying(stage.gatekeeper.github, stage.gatekeeper.stores)(stage.now)
    )
    return [str(call) for call in stage.github.calls if f"/repos/{repository}" in call.path]


def leave(stage: Stage) -> None:
    for number in [*stage.github.state.installations]:
        stage.github.state.uninstall(number, by="ops1")


def transfer(stage: Stage) -> None:
    stage.github.state.transfer(SHOP, "ops1", by="ops1")
    sweep(stage)  # nobody tells the App


LOST: list[tuple[str, Callable[[Stage], object]]] = [
    (
        "taken from the App",
        lambda stage: [
            stage.github.state.choose_repositories(number, ["acme/.github"], by="ops1")
            for number in stage.github.state.installations
        ],
    ),
    ("deleted", lambda stage: stage.github.state.delete_repository(SHOP, by="ops1")),
    (
        "transferred to an account without the App, which the sweep finds out",
        transfer,
    ),
    (
        "left by the App",
        leave,
    ),
]


@pytest.mark.parametrize("happened", [pytest.param(act, id=name) for name, act in LOST])
def test_what_is_lost_has_nothing_open_nothing_waiting_and_is_asked_no_more(
    stage: Stage, happened: Callable[[Stage], object]
) -> None:
    happened(stage)
    stage.settle()
    stores = stage.gatekeeper.stores
    assert stores.pulls.open(SHOP) == {}
    assert held(stage) == []
    assert stores.installations.repository(SHOP) is None
    assert [str(one.key) for one in stores.work.parked()] == []
    assert asked(stage, "acme/shop") == []


def test_a_renamed_repository_goes_on_under_its_new_name(stage: Stage) -> None:
    """By its id: only the policy has to name it anew, and until then it covers nothing there."""
    stage.github.state.rename(SHOP, "store", by="ops1")
    stage.settle()
    stores = stage.gatekeeper.stores
    assert stores.pulls.open(SHOP) == {}
    assert stores.pulls.open(STORE).keys() == {1}
    assert stores.installations.repository(SHOP) is None
    assert SHOP not in held(stage)
    assert [str(one.key) for one in stores.work.parked()] == []
    assert asked(stage, "acme/shop") == []


def test_where_its_policies_name_it_by_both_names_nothing_slips_through_meanwhile(
    stage: Stage, policies: dict[str, str]
) -> None:
    world = stage.github.state
    for path, text in policies.items():
        change = f"    - repository: {SHOP}\n"
        both = text.replace(change, f'{change}      paths: ["**"]\n    - repository: {STORE}\n')
        assert both != text
        world.update_file("acme/.github", path, both, by="ops1")
    stage.settle()
    overridden = stage.open_pull()
    world.comment_on(SHOP, overridden, "/gatekeeper override It has to go out.", by="ops1")
    stage.settle()
    world.rename(SHOP, "store", by="ops1")
    stage.settle()
    assert held(stage) == [STORE]
    assert [job.result for run in world.runs.values() for job in run.jobs] == [None]
    letting = {world.pull(STORE, one).head_sha: one for one in (1, overridden)}
    found = {
        letting[one.head_sha]: one.conclusion for one in world.checks.values() if one.head_sha in letting
    }
    assert found == {1: "action_required", overridden: "success"}, "who was let through stays so"
    head = world.pull(STORE, 1).head_sha
    gate = [
        one.conclusion for one in world.checks.values() if (one.name, one.head_sha) == ("gatekeeper", head)
    ]
    assert gate == ["action_required"]


@pytest.mark.parametrize("reordered", [False, True], ids=["in order", "with what is next first"])
def test_with_policies_of_its_own_a_renamed_repository_keeps_its_gates(
    tmp_path: Path,
    prometheus: PrometheusServer,
    policies: dict[str, str],
    frozen_at: datetime,
    filled: Path,
    *,
    reordered: bool,
) -> None:
    with Stage(tmp_path, prometheus=prometheus.url, now=frozen_at, policies={}, filled=filled) as stage:
        world = stage.github.state
        for path, text in of_its_own(policies).items():
            world.update_file(SHOP, path, text, by="ops1")
        world.protect(SHOP, "production", app_id=APP_ID)
        stage.settle()
        stage.open_pull()
        world.run_workflow(SHOP, by="dev1")
        stage.settle()
        assert held(stage) == [SHOP]
        before = gates(stage)
        stage.now += timedelta(minutes=1)
        world.rename(SHOP, "store", by="ops1")
        if reordered:
            stage.touch([f"policies:{STORE}"])
        stage.settle()
        assert {one.repository for one in stage.gatekeeper.stores.catalog.sources() if one.commit} >= {STORE}
        assert gates(stage) == before
        assert held(stage) == [STORE]
        assert [job.result for run in world.runs.values() for job in run.jobs] == [None]
        assert [str(one.key) for one in stage.gatekeeper.stores.work.parked()] == []


@pytest.mark.parametrize("heard", [True, False], ids=["told of it", "found by the sweep"])
def test_a_renamed_organisation_keeps_its_gates_though_its_policies_name_the_old_teams(
    stage: Stage, *, heard: bool
) -> None:
    """The files are wrong from then on, so that what was in force stays so, under the new name, until then."""
    world, stores = stage.github.state, stage.gatekeeper.stores
    before = gates(stage)
    if not heard:
        stage.github.deliveries.drop(100)
    world.rename_organization("acme", "globex", by="ops1")
    stage.settle()
    stage.touch([f"policies:{SHOP}", "policies:acme/.github"])
    sweep(stage)
    stage.settle()
    found = {
        one.service.key: stores.gates.standing(one.service.key) for one in stores.catalog.entries("globex")
    }
    assert {key: one and one.view.memory for key, one in found.items()} == {
        key.replace("acme/", "globex/"): memory for key, memory in before.items()
    }
    assert stores.catalog.entries("acme") == ()
    assert any("@acme/sre" in one for one in stores.catalog.problems("globex/.github"))
    fresh = world.open_pull(
        "globex/shop", author="dev1", title="A change", files={"services/checkout/b.py": "x"}
    )
    stage.github.deliveries.resume()
    stage.settle()
    stage.touch(["repository:globex/shop"])
    told = {
        one.conclusion
        for one in world.checks.values()
        if (one.name, one.head_sha) == ("gatekeeper", world.pull("globex/shop", fresh.number).head_sha)
    }
    assert told == {"action_required"}
    assert [job.result for run in world.runs.values() for job in run.jobs] == [None]
    assert [str(one.key) for one in stores.work.parked()] == []


def test_a_suspended_app_forgets_nothing_and_catches_up_by_itself(stage: Stage) -> None:
    world, stores = stage.github.state, stage.gatekeeper.stores
    (number,) = world.installations
    world.suspend(number, by="ops1")
    stage.settle()
    stage.open_pull()
    sweep(stage)
    assert stores.pulls.open(SHOP).keys() == {1}
    assert held(stage) == [SHOP]
    assert stage.checks(2) == []
    world.suspend(number, by="ops1", suspended=False)
    stage.settle()
    assert stage.check(2).conclusion == "action_required"
    assert [str(one.key) for one in stores.work.parked()] == []


def test_what_was_given_up_without_a_permission_is_done_once_an_owner_accepts_it(stage: Stage) -> None:
    """A token that was made before does not have it."""
    world, work = stage.github.state, stage.gatekeeper.stores.work
    (number,) = world.installations
    granted = dict(world.installations[number].permissions)
    without = world.grant(number, granted | {"checks": "read"}).permissions
    world.tokens = {name: replace(one, permissions=without) for name, one in world.tokens.items()}
    stage.open_pull()
    assert "pull:acme/shop#2" in {str(one.key) for one in work.parked()}
    world.accept(number, granted, by="ops1")
    stage.settle()
    assert stage.check(2).conclusion == "action_required"
    assert [str(one.key) for one in work.parked()] == []
