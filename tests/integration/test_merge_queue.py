"""Merge groups: answered on their own commit, each pull request in them judged as it would land."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

import openapi
from gatekeeper.bootstrap import now
from gatekeeper.demo.github.acme import APP_ID
from gatekeeper.worker.group_pass import AHEAD
from staging import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from gatekeeper.demo.github import World
    from gatekeeper.demo.github.entities import CheckRun, QueueEntry
    from worlds.prometheus import PrometheusServer

SHOP = "acme/shop"
OTHER_APP = 77


@pytest.fixture
def stage(
    tmp_path: Path, prometheus: PrometheusServer, policies: dict[str, str], frozen_at: datetime, filled: Path
) -> Iterator[Stage]:
    """A branch with a merge queue, for which another App's tests have to pass as well, so that groups wait."""
    with Stage(tmp_path, prometheus=prometheus.url, now=frozen_at, policies=policies, filled=filled) as stage:
        world = stage.github.state
        world.register_app("tests", owner="acme", public_key="", permissions={}, events=[], app_id=OTHER_APP)
        world.add_account("tests[bot]", "Bot")
        world.require_queue(SHOP, "main")
        world.require_check(SHOP, "main", "tests", app_id=OTHER_APP)
        yield stage
        openapi.validate_all(stage.github.calls)
        for delivery in stage.github.deliveries.emitted:
            openapi.validate_webhook(delivery.event, delivery.payload)


def reported(stage: Stage, sha: str) -> None:
    stage.github.state.report_check(SHOP, sha, "tests", app_id=OTHER_APP, conclusion="success")
    stage.settle()


def queued(stage: Stage, number: int) -> QueueEntry:
    reported(stage, stage.github.state.pull(SHOP, number).head_sha)
    made = stage.github.state.enqueue(SHOP, number, by="dev1")
    stage.settle()
    return made


def overridden(stage: Stage, number: int) -> None:
    stage.github.state.label(SHOP, number, "slo:override", by="ops1")
    stage.settle()


def check_on(world: World, sha: str, name: str = "gatekeeper") -> CheckRun:
    (found,) = [one for one in world.checks.values() if (one.head_sha, one.name) == (sha, name)]
    return found


def queue(stage: Stage) -> list[int]:
    return [one.number for one in stage.github.state.queue(SHOP, "main")]


def test_a_group_that_touches_nothing_frozen_lands(stage: Stage) -> None:
    number = stage.open_pull("search")
    group = queued(stage, number)
    check = check_on(stage.github.state, group.head_sha)
    assert check.conclusion == "success"
    reported(stage, group.head_sha)
    assert stage.github.state.pull(SHOP, number).merge_commit_sha == group.head_sha
    assert stage.gatekeeper.stores.groups.of_repository(SHOP) == {}, "what landed is forgotten"


def test_an_override_counts_in_the_queue_too(stage: Stage) -> None:
    number = stage.open_pull()
    overridden(stage, number)
    group = queued(stage, number)
    check = check_on(stage.github.state, group.head_sha)
    assert check.conclusion == "success"
    assert "let through by @ops1" in (check.output.title or "")
    reported(stage, group.head_sha)
    assert stage.github.state.pull(SHOP, number).merged_at is not None


def test_when_the_override_is_withdrawn_the_waiting_group_fails(stage: Stage) -> None:
    number = stage.open_pull()
    overridden(stage, number)
    group = queued(stage, number)
    stage.github.state.unlabel(SHOP, number, "slo:override", by="ops1")
    stage.settle()
    check = check_on(stage.github.state, group.head_sha)
    assert check.conclusion == "failure"
    assert (check.output.title or "").startswith(f"#{number}: checkout is frozen")
    assert queue(stage) == []
    assert stage.github.state.pull(SHOP, number).state == "open"


def test_when_a_service_freezes_the_groups_that_wait_are_told_and_those_of_others_go_on(stage: Stage) -> None:
    stage.at(stage.now + timedelta(days=2))  # recovered: in probation
    first, second = stage.open_pull(), stage.open_pull("search")
    groups = [queued(stage, number) for number in (first, second)]
    assert [check_on(stage.github.state, one.head_sha).conclusion for one in groups] == ["success"] * 2
    stage.github.calls.clear()
    stage.at(stage.now - timedelta(days=2))
    assert queue(stage) == [second]
    (left,) = stage.github.state.queue(SHOP, "main")
    assert left.head_sha != groups[1].head_sha, "it is built anew, without the blocked one"
    reported(stage, left.head_sha)
    assert stage.github.state.pull(SHOP, second).merged_at is not None
    assert stage.github.state.pull(SHOP, first).merged_at is None


def test_who_is_blocked_falls_with_its_own_group_and_takes_out_nobody_behind_it(stage: Stage) -> None:
    blocked, free = stage.open_pull(), stage.open_pull("search")
    # Somebody made the check of the pull request itself pass.
    heads = [stage.github.state.pull(SHOP, one).head_sha for one in (blocked, free)]
    stage.github.state.report_check(SHOP, heads[0], "gatekeeper", app_id=APP_ID, conclusion="success")
    stage.github.deliveries.pause()
    for sha in heads:
        stage.github.state.report_check(SHOP, sha, "tests", app_id=OTHER_APP, conclusion="success")
    ahead, behind = (stage.github.state.enqueue(SHOP, one, by="dev1") for one in (blocked, free))
    stage.touch([f"group:{SHOP}@{behind.head_sha}"], webhooks=False)
    assert check_on(stage.github.state, ahead.head_sha).conclusion == "failure"
    waits = check_on(stage.github.state, behind.head_sha)
    assert (waits.status, waits.conclusion) == ("in_progress", None), (
        "GitHub may land a group for its last one alone"
    )
    assert f"#{blocked}" in (waits.output.title or "")
    stage.github.deliveries.resume()
    stage.settle()
    assert queue(stage) == [free]
    assert (
        check_on(stage.github.state, stage.github.state.queue(SHOP, "main")[0].head_sha).conclusion
        == "success"
    )


def test_a_group_nobody_told_us_of_is_found_by_the_sweep_and_forgotten_when_it_is_gone(stage: Stage) -> None:
    number = stage.open_pull("search")
    reported(stage, stage.github.state.pull(SHOP, number).head_sha)
    stage.github.deliveries.drop(10)
    group = stage.github.state.enqueue(SHOP, number, by="dev1")
    stage.touch([f"repository:{SHOP}"], webhooks=False)
    assert check_on(stage.github.state, group.head_sha).conclusion == "success"
    stage.github.state.dequeue(SHOP, number, by="dev1")
    stage.touch([f"repository:{SHOP}"])
    assert stage.gatekeeper.stores.groups.of_repository(SHOP) == {}


def test_a_queue_that_we_may_not_read_fails_with_what_to_do(stage: Stage) -> None:
    world = stage.github.state
    (installation,) = world.installations.values()
    number = stage.open_pull("search")
    left = {name: level for name, level in installation.permissions.items() if name != "merge_queues"}
    world.grant(installation.id, left)
    stage.gatekeeper.github._connections._open.clear()  # type: ignore[union-attr] # a new token has the new permissions
    group = queued(stage, number)
    check = check_on(world, group.head_sha)
    assert check.conclusion == "failure"
    assert "merge queues: read" in (check.output.summary or "")
    assert queue(stage) == []


def test_policy_files_are_answered_for_where_the_branch_waits_for_that(stage: Stage) -> None:
    world, central = stage.github.state, "acme/.github"
    world.require_queue(central, "main")
    world.require_check(central, "main", "gatekeeper/policy", app_id=APP_ID)
    made = world.open_pull(central, author="dev1", title="Words", files={"README.md": "Words"})
    stage.settle()
    group = world.enqueue(central, made.number, by="dev1")
    stage.settle()
    assert check_on(world, group.head_sha, "gatekeeper/policy").conclusion == "success"
    assert world.pull(central, made.number).merged_at is not None


@pytest.mark.parametrize(
    ("path", "conclusion"),
    [
        pytest.param("drafts/catalog.yaml", "failure", id="what the other one moves into the folder"),
        pytest.param("policies/checkout.yaml", "success", id="another policy"),
    ],
)
def test_two_that_change_a_policy_only_together_do_not_land_together(
    stage: Stage, policies: dict[str, str], path: str, conclusion: str
) -> None:
    """One moves a draft into the folder, the other edits something: alone, that one changes no policy, or another."""
    world, central = stage.github.state, "acme/.github"
    draft = policies["policies/search.yaml"].replace("name: search", "name: catalog")
    world.update_file(central, "drafts/catalog.yaml", draft, by="ops1")
    world.require_queue(central, "main")
    world.require_check(central, "main", "gatekeeper/policy", app_id=APP_ID)
    world.require_check(central, "main", "tests", app_id=OTHER_APP)
    moves = {"drafts/catalog.yaml": None, "policies/catalog.yaml": draft}
    there = draft if path.startswith("drafts/") else policies[path]
    edits = {path: there.replace("99.95%", "99.99%")}
    assert edits[path] != there
    first, second = (
        world.open_pull(central, author="dev1", title="Words", files=files) for files in (moves, edits)
    )
    stage.settle()
    for one in (first, second):
        world.report_check(central, one.head_sha, "tests", app_id=OTHER_APP, conclusion="success")
    groups = [world.enqueue(central, one.number, by="dev1") for one in (first, second)]
    stage.settle()
    told = [check_on(world, one.head_sha, "gatekeeper/policy") for one in groups]
    assert [one.conclusion for one in told] == ["success", conclusion]
    if conclusion == "failure":
        assert told[1].output.title == "Together they change policies/catalog.yaml otherwise than alone"
        assert "Land them one after the other" in (told[1].output.summary or "")


def test_re_run_of_a_groups_check_looks_at_the_group_again(stage: Stage) -> None:
    number = stage.open_pull("search")
    group = queued(stage, number)
    check = check_on(stage.github.state, group.head_sha)
    stage.github.calls.clear()
    stage.github.state.click_rerun(SHOP, check.id, by="dev1")
    stage.settle()
    assert [call.path.rsplit("/", 1)[-1] for call in stage.github.calls.writes()] == [str(check.id)]


def test_re_evaluate_on_a_groups_check_looks_at_the_group_again(stage: Stage) -> None:
    group = queued(stage, stage.open_pull("search"))
    check = check_on(stage.github.state, group.head_sha)
    stage.github.calls.clear()
    stage.github.state.click_action(SHOP, check.id, "recheck", by="dev1")
    stage.settle()
    assert [call.path.rsplit("/", 1)[-1] for call in stage.github.calls.writes()] == [str(check.id)]


def test_a_queue_that_keeps_a_failed_group_fails_those_behind_it_in_the_end(stage: Stage) -> None:
    """So does one that looks at the last of several only: in progress for ever, it would stand still."""
    world = stage.github.state
    blocked, free = stage.open_pull(), stage.open_pull("search")
    # Nothing of ours is required any more, so that nothing that fails is taken out.
    world.required[:] = [one for one in world.required if one.context == "tests"]
    for number in (blocked, free):
        reported(stage, world.pull(SHOP, number).head_sha)
    groups = [world.enqueue(SHOP, number, by="dev1") for number in (blocked, free)]
    stage.settle(failing="group")
    ahead, behind = (check_on(world, group.head_sha) for group in groups)
    assert (ahead.conclusion, behind.conclusion) == ("failure", None)
    stage.now += AHEAD
    stage.touch([f"group:{SHOP}@{groups[1].head_sha}"])
    assert check_on(world, groups[1].head_sha).conclusion == "failure"


def test_when_the_override_is_over_the_waiting_group_fails(stage: Stage) -> None:
    number = stage.open_pull()
    overridden(stage, number)
    group = queued(stage, number)
    assert check_on(stage.github.state, group.head_sha).conclusion == "success"
    stage.now = now() + timedelta(hours=25)
    stage.touch([f"pull:{SHOP}#{number}"])
    assert check_on(stage.github.state, group.head_sha).conclusion == "failure"
    assert queue(stage) == []


def test_with_a_token_a_group_gets_a_status(
    tmp_path: Path, prometheus: PrometheusServer, policies: dict[str, str], frozen_at: datetime, filled: Path
) -> None:
    """Nobody tells of the group: the sweep finds it."""
    with Stage(
        tmp_path,
        prometheus=prometheus.url,
        now=frozen_at,
        policies=policies,
        filled=filled,
        token="ghp_of_ops1",
    ) as stage:
        world = stage.github.state
        world.require_queue(SHOP, "main")
        stage.touch([f"policies:{SHOP}", "policies:acme/.github"])
        files = {"services/search/a.py": "x\n"}
        made = world.open_pull(SHOP, author="dev1", title="A change", files=files)
        stage.touch([f"repository:{SHOP}"])
        group = world.enqueue(SHOP, made.number, by="dev1")
        stage.touch([f"repository:{SHOP}"])
        found = {(one.context, one.state) for one in world.statuses if one.sha == group.head_sha}
        assert found == {("gatekeeper", "success")}
        assert world.pull(SHOP, made.number).merge_commit_sha == group.head_sha
