"""What the stand-in's ruleset demands before a merge, as GitHub's documentation on status checks has it."""

from __future__ import annotations

import ast
from datetime import UTC, datetime
from pathlib import Path

import pytest

import gatekeeper.demo.github
from gatekeeper.demo.github import Refused, World, acme, merging
from gatekeeper.demo.github.acme import APP_ID
from gatekeeper.demo.github.checks import set_status
from gatekeeper.demo.github.entities import Status

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
SHOP = "acme/shop"


@pytest.fixture
def world() -> World:
    world = acme(lambda: NOON, public_key="")
    world.open_prepared(world.prepared[0], author="dev1")
    return world


def head(world: World) -> str:
    return world.pull(SHOP, 1).head_sha


def report(world: World, conclusion: str | None, *, app_id: int = APP_ID, name: str = "gatekeeper") -> None:
    world.report_check(SHOP, head(world), name, app_id=app_id, conclusion=conclusion)


def status(world: World, state: str) -> None:
    assert state in {"success", "failure", "pending"}
    made = Status(0, SHOP, head(world), "gatekeeper", state, None, None, "dev1", NOON)  # type: ignore[arg-type] # checked above
    set_status(world, made)


def why_not(world: World) -> str | None:
    return merging.refusal(world, world.pull(SHOP, 1))


@pytest.mark.parametrize("conclusion", ["success", "neutral", "skipped"])
def test_these_conclusions_satisfy_a_required_check(world: World, conclusion: str) -> None:
    report(world, conclusion)
    assert why_not(world) is None


@pytest.mark.parametrize("conclusion", ["failure", "action_required", "cancelled", "timed_out"])
def test_these_conclusions_do_not(world: World, conclusion: str) -> None:
    report(world, conclusion)
    assert 'Required status check "gatekeeper" is failing' in str(why_not(world))


def test_nothing_reported_blocks_as_expected(world: World) -> None:
    assert 'Required status check "gatekeeper" is expected' in str(why_not(world))


def test_a_running_check_blocks(world: World) -> None:
    report(world, None)
    assert "is in progress" in str(why_not(world))


def test_the_newest_run_of_a_name_counts(world: World) -> None:
    report(world, "failure")
    report(world, "success")
    assert why_not(world) is None


def test_another_check_does_not_count(world: World) -> None:
    report(world, "success", name="tests")
    assert "is expected" in str(why_not(world))


def test_a_new_commit_starts_anew(world: World) -> None:
    report(world, "success")
    world.push_commit(SHOP, world.pull(SHOP, 1).head_ref, {"a": "b"}, by="dev1")
    assert "is expected" in str(why_not(world))


def test_a_status_of_the_name_is_enough(world: World) -> None:
    status(world, "success")
    assert why_not(world) is None


def test_a_check_and_a_status_of_one_name_must_both_pass(world: World) -> None:
    report(world, "success")
    status(world, "failure")
    assert "is failing" in str(why_not(world))
    status(world, "success")
    assert why_not(world) is None


def test_a_pinned_source_is_the_only_one_that_counts(world: World) -> None:
    other = world.register_app("other", owner="acme", public_key="", permissions={}, events=()).id
    world.required.clear()
    world.require_check(SHOP, "main", "gatekeeper", app_id=APP_ID)
    report(world, "success", app_id=other)
    status(world, "success")
    assert "is expected" in str(why_not(world))
    report(world, "success")
    assert why_not(world) is None


def test_a_draft_is_not_merged(world: World) -> None:
    report(world, "success")
    world.set_draft(SHOP, 1, draft=True, by="dev1")
    with pytest.raises(Refused, match="still a draft"):
        world.merge(SHOP, 1, by="dev1")


def test_auto_merge_waits_for_what_is_required_and_lands(world: World) -> None:
    """By GitHub's "Automatically merging a pull request"."""
    world.auto_merge(SHOP, 1, by="dev1")
    report(world, "failure")
    assert world.pull(SHOP, 1).merged_at is None
    report(world, "success")
    assert world.pull(SHOP, 1).merged_by == "dev1"


def test_auto_merge_is_not_offered_where_nothing_is_in_the_way(world: World) -> None:
    report(world, "success")
    with pytest.raises(Refused, match="clean status"):
        world.auto_merge(SHOP, 1, by="dev1")


def test_auto_merge_that_was_taken_back_lands_nothing(world: World) -> None:
    world.auto_merge(SHOP, 1, by="dev1")
    world.auto_merge(SHOP, 1, by="dev1", on=False)
    report(world, "success")
    assert world.pull(SHOP, 1).merged_at is None


def test_auto_merge_goes_through_the_queue_where_there_is_one(world: World) -> None:
    world.require_queue(SHOP, "main")
    world.auto_merge(SHOP, 1, by="dev1")
    report(world, "success")
    assert world.pull(SHOP, 1).merged_at is None
    assert [entry.number for entry in world.queue(SHOP, "main")] == [1]


def test_what_is_merged_stays_merged(world: World) -> None:
    report(world, "success")
    world.merge(SHOP, 1, by="dev1")
    with pytest.raises(Refused, match="not mergeable"):
        world.merge(SHOP, 1, by="dev1")
    with pytest.raises(Refused, match="Validation Failed"):
        world.reopen(SHOP, 1, by="dev1")


def test_a_branch_without_rules_merges_freely(world: World) -> None:
    world.push_commit(SHOP, "next", {"n": "n"}, by="ops1")
    pull = world.open_pull(SHOP, author="dev1", title="x", files={"a": "b"}, base="next")
    world.merge(SHOP, pull.number, by="dev1")
    assert world.head(SHOP, "next").files["a"] == b"b"
    assert "a" not in world.head(SHOP, "main").files


def test_nothing_to_merge_is_no_pull_request(world: World) -> None:
    with pytest.raises(Refused, match="Validation Failed"):
        world.open_pull(SHOP, author="dev1", title="x", files={}, branch="main")


def test_the_stand_in_knows_nothing_of_the_rest_of_gatekeeper() -> None:
    package = Path(gatekeeper.demo.github.__file__).parent
    nodes = [node for path in package.rglob("*.py") for node in ast.walk(ast.parse(path.read_text()))]
    imported = {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    imported |= {one.name for node in nodes if isinstance(node, ast.Import) for one in node.names}
    ours = {name for name in imported if name.split(".")[0] == "gatekeeper"}
    assert "gatekeeper.demo.github.world" in ours
    assert [name for name in sorted(ours) if not name.startswith("gatekeeper.demo.github")] == []
