"""The simulated merge queue, by GitHub's documented rules; its events and answers held to the published schemas."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import openapi
from gatekeeper.demo.github import AppKey, StandIn
from gatekeeper.demo.github.acme import APP_ID
from gatekeeper.demo.github.errors import Refused
from gatekeeper.errors import GitHubRefusedError
from gatekeeper.github.values import QueueEntry
from github_clients import app_client
from standin import Receiver

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatekeeper.demo.github import World

SHOP = "acme/shop"
KEY = AppKey()


@pytest.fixture
def github() -> Iterator[StandIn]:
    with Receiver() as receiver, StandIn(app_key=KEY) as github:
        github.send_webhooks_to(receiver.url, "secret")
        github.state.require_queue(SHOP, "main")
        yield github
        openapi.validate_all(github.calls)
        for delivery in github.deliveries.emitted:
            openapi.validate_webhook(delivery.event, delivery.payload)


@pytest.fixture
def world(github: StandIn) -> World:
    return github.state


def passing(world: World, name: str) -> int:
    """The number of a new pull request whose required check passes."""
    made = world.open_pull(SHOP, author="dev1", title=name, files={f"{name}.txt": name})
    report(world, made.head_sha, "success")
    return made.number


def report(world: World, sha: str, conclusion: str | None) -> None:
    world.report_check(SHOP, sha, "gatekeeper", app_id=APP_ID, conclusion=conclusion)


def events(github: StandIn) -> list[str]:
    """The merge queue's events, with the reasons of those that end something."""
    github.deliveries.wait()
    told = [one for one in github.deliveries.emitted if one.event in {"merge_group", "pull_request"}]
    return [
        " ".join([str(one.payload["action"]), str(one.payload.get("reason", ""))]).strip()
        for one in told
        if one.payload["action"] not in {"opened", "closed"}
    ]


def test_it_lands_in_order_and_each_group_holds_those_ahead(github: StandIn, world: World) -> None:
    first, second = passing(world, "one"), passing(world, "two")
    ahead, behind = (world.enqueue(SHOP, number, by="dev1") for number in (first, second))
    report(world, behind.head_sha, "success")
    assert world.pull(SHOP, second).merged_at is None, "the one ahead is not tested yet"
    report(world, ahead.head_sha, "success")
    assert world.pull(SHOP, first).merge_commit_sha == ahead.head_sha
    assert world.head(SHOP, "main").sha == behind.head_sha
    assert {"one.txt", "two.txt"} <= world.head(SHOP, "main").files.keys()
    assert events(github)[-2:] == ["destroyed merged", "destroyed merged"]


def test_one_that_fails_is_taken_out_and_those_behind_are_built_anew(github: StandIn, world: World) -> None:
    first, second = passing(world, "one"), passing(world, "two")
    ahead, behind = (world.enqueue(SHOP, number, by="dev1") for number in (first, second))
    report(world, ahead.head_sha, "failure")
    assert world.pull(SHOP, first).state == "open"
    (left,) = world.queue(SHOP, "main")
    assert (left.number, left.head_sha != behind.head_sha) == (second, True)
    assert "one.txt" not in world.resolve(SHOP, left.head_sha).files
    assert events(github)[-4:] == [
        "destroyed dequeued",
        "dequeued CI_FAILURE",
        "destroyed invalidated",
        "checks_requested",
    ]


def test_who_leaves_the_queue_takes_nobody_along(world: World) -> None:
    numbers = [passing(world, name) for name in ("one", "two", "three", "four")]
    for number in numbers:
        world.enqueue(SHOP, number, by="dev1")
    world.dequeue(SHOP, numbers[0], by="dev1")
    world.close(SHOP, numbers[1], by="dev1")
    world.push_commit(SHOP, world.pull(SHOP, numbers[2]).head_ref, {"more.txt": "x"}, by="dev1")
    assert [one.number for one in world.queue(SHOP, "main")] == [numbers[3]]


@pytest.mark.parametrize("state", ["unreported", "twice", "elsewhere", "outsider", "directly"])
def test_github_refuses(world: World, state: str) -> None:
    number = passing(world, "one")
    if state == "unreported":
        number = world.open_pull(SHOP, author="dev1", title="x", files={"x": "y"}).number
    if state == "twice":
        world.enqueue(SHOP, number, by="dev1")
    if state == "elsewhere":
        world.queued.clear()
    who = "outsider" if state == "outsider" else "dev1"
    with pytest.raises(Refused) as refused:
        (world.merge if state == "directly" else world.enqueue)(SHOP, number, by=who)
    assert refused.value.status == {"outsider": 403, "directly": 405}.get(state, 422)


def test_the_client_reads_all_of_a_long_queue(github: StandIn, world: World) -> None:
    numbers = [passing(world, f"change-{number}") for number in range(103)]
    made = [world.enqueue(SHOP, number, by="dev1") for number in numbers]
    assert app_client(github).merge_queue(SHOP, "main") == tuple(
        QueueEntry(position, one.number, one.head_sha) for position, one in enumerate(made, 1)
    )


def test_where_there_is_no_queue_there_are_no_entries(github: StandIn, world: World) -> None:
    world.queued.clear()
    assert app_client(github).merge_queue(SHOP, "main") == ()


def test_what_the_app_may_not_see_is_refused(github: StandIn, world: World) -> None:
    (installation,) = world.installations.values()
    left = {name: level for name, level in installation.permissions.items() if name != "merge_queues"}
    world.grant(installation.id, left)
    with pytest.raises(GitHubRefusedError) as refused:
        app_client(github).merge_queue(SHOP, "main")
    assert refused.value.status == 403
