"""Webhooks that never came in are asked for again: the real client asks the stand-in GitHub."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from staging import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from gatekeeper.github.values import CheckContent
    from worlds.prometheus import PrometheusServer

SHOP = "acme/shop"


@pytest.fixture
def stage(
    tmp_path: Path, prometheus: PrometheusServer, policies: dict[str, str], frozen_at: datetime, filled: Path
) -> Iterator[Stage]:
    with Stage(tmp_path, prometheus=prometheus.url, now=frozen_at, policies=policies, filled=filled) as stage:
        yield stage


def redelivered(stage: Stage) -> list[str]:
    return [one.guid for one in stage.github.deliveries.logged() if one.redelivery]


def test_just_the_lost_ones_that_matter_are_asked_for_and_their_work_is_done(stage: Stage) -> None:
    number = stage.open_pull()
    deliveries, world = stage.github.deliveries, stage.github.state
    before = stage.comment(number)
    deliveries.drop(3)
    thanks = world.comment_on(SHOP, number, "Looks good.", by="po1")
    world.comment_on(SHOP, number, "/gatekeeper explain", by="dev1")
    deliveries.wait()
    world.edit_comment(SHOP, thanks.id, "Looks very good.", by="po1")
    world.label(SHOP, number, "bug", by="dev1")
    stage.settle()
    lost = [one.guid for one in deliveries.logged() if one.status_code == 502]
    assert (len(lost), stage.comment(number)) == (3, before)
    stage.touch(["deliveries:app"])
    assert sorted(redelivered(stage)) == sorted(lost)
    assert all(stage.gatekeeper.stores.deliveries.is_done(guid) for guid in lost)
    assert stage.comment(number) != before, "the command was heard"


def test_a_second_sweep_asks_for_nothing(stage: Stage) -> None:
    stage.github.deliveries.drop()
    stage.open_pull()
    for _ in range(3):
        stage.touch(["deliveries:app"])
    assert len(redelivered(stage)) == 1


def test_a_flood_that_was_lost_is_asked_for_page_by_page(stage: Stage) -> None:
    number = stage.open_pull()
    stage.github.deliveries.drop(230)
    for _ in range(115):
        stage.github.state.label(SHOP, number, "bug", by="dev1")
        stage.github.state.unlabel(SHOP, number, "bug", by="dev1")
    stage.github.deliveries.wait()
    stage.github.calls.clear()
    stage.touch(["deliveries:app"])
    assert len(redelivered(stage)) == len(set(redelivered(stage))) == 230
    asked = [call for call in stage.github.calls if call.path.startswith("/app/hook/deliveries")]
    reads = [call for call in asked if call.method == "GET"]
    assert len(asked) - len(reads) == 230
    assert len(reads) < 25, "a hundred a page, and no page of another day"
    assert stage.check(number).conclusion == "action_required"


def test_second_copies_of_ours_are_noticed_by_their_events_and_healed(stage: Stage) -> None:
    """As a worker that died before its request was through may leave them."""
    number, world = stage.open_pull(), stage.github.state
    head, known = world.pull(SHOP, number).head_sha, stage.check(number).id
    client = stage.gatekeeper.github
    assert client is not None
    check: CheckContent = {
        "external_id": "another",
        "conclusion": "success",
        "title": "All is well",
        "summary": "It was, then.",
        "text": "",
        "details_url": None,
        "actions": [],
        "annotations": [],
        "now": stage.now,
    }
    second = client.create_check(SHOP, sha=head, name="gatekeeper", **check)
    client.create_comment(SHOP, number, stage.comment(number))
    stage.settle()
    assert {one.id: one.conclusion for one in stage.checks(number)} == dict.fromkeys(
        (known, second), "action_required"
    )
    assert len(stage.comments(number)) == 1
    world.label(SHOP, number, "reliability", by="ops1")
    stage.settle()
    assert {one.conclusion for one in stage.checks(number)} == {"success"}
