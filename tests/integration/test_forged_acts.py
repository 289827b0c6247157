"""Acts of people who may not, or not any more: each is refused, undone where it left something, and on record."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import requests

import openapi
from gatekeeper.demo.github import conversation
from gatekeeper.demo.github.conversation import Actor
from gatekeeper.demo.github.errors import Refused
from staging import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from gatekeeper.store.overrides import OverrideRecord
    from worlds.prometheus import PrometheusServer

SHOP = "acme/shop"
LABEL = "slo:override"
OTHER_APP = 77


@pytest.fixture
def stage(
    tmp_path: Path, prometheus: PrometheusServer, policies: dict[str, str], frozen_at: datetime, filled: Path
) -> Iterator[Stage]:
    """Another App is there too; its bot may triage, and nobody made it a member of a team."""
    with Stage(tmp_path, prometheus=prometheus.url, now=frozen_at, policies=policies, filled=filled) as stage:
        world = stage.github.state
        world.register_app("helper", owner="acme", public_key="", permissions={}, events=[], app_id=OTHER_APP)
        world.add_account("helper[bot]", "Bot")
        yield stage
        openapi.validate_all(stage.github.calls)


@pytest.fixture
def number(stage: Stage) -> int:
    """A pull request that waits for a frozen service."""
    made = stage.open_pull()
    assert stage.check(made).conclusion == "action_required"
    return made


def says(stage: Stage, number: int, text: str, by: str) -> int:
    comment = stage.github.state.comment_on(SHOP, number, text, by=by)
    stage.settle()
    return comment.id


def overridden(stage: Stage, number: int) -> None:
    says(stage, number, "/gatekeeper override the fix for the outage", by="ops1")
    assert stage.check(number).conclusion == "success"


def record(stage: Stage, number: int) -> list[OverrideRecord]:
    assert stage.gatekeeper.stores.overrides.verify().broken_at is None
    return list(stage.gatekeeper.stores.overrides.of_pull(SHOP, number))


def refused(stage: Stage, number: int, why: str) -> OverrideRecord:
    """The last thing on record: a refusal that the comment tells, while the check blocks and no label is left."""
    last = record(stage, number)[-1]
    assert (last.event, last.granted, why in last.why) == ("ruled", False, True), last
    assert why in stage.comment(number)
    assert stage.check(number).conclusion == "action_required"
    assert LABEL not in stage.labels(number)
    return last


def test_somebody_entitled_lets_it_through_in_a_comment(stage: Stage, number: int) -> None:
    overridden(stage, number)
    asked, ruled = record(stage, number)
    assert (asked.event, asked.actor, asked.reason) == ("override", "ops1", "the fix for the outage")
    assert (ruled.granted, ruled.head_sha) == (True, stage.github.state.pull(SHOP, number).head_sha)
    assert ruled.until == asked.labeled_at + timedelta(hours=24)
    assert [(one.service, one.state) for one in ruled.stakes] == [("acme/checkout", "frozen")]
    assert "`@ops1` lets this change through" in stage.comment(number)
    assert "the fix for the outage" in stage.comment(number)


def test_a_label_by_who_may_only_triage(stage: Stage, number: int) -> None:
    stage.github.state.label(SHOP, number, LABEL, by="po1")
    stage.settle()
    assert refused(stage, number, "`@po1` is not an active member").actor == "po1"


def test_a_command_by_an_outsider(stage: Stage, number: int) -> None:
    says(stage, number, "/gatekeeper override please", by="outsider")
    refused(stage, number, "`@outsider` is not an active member")
    assert "`/gatekeeper override` was refused" in stage.comment(number)


def test_a_comment_that_somebody_else_edited(stage: Stage, number: int) -> None:
    comment = says(stage, number, "Looks fine to me.", by="ops1")
    stage.github.state.edit_comment(SHOP, comment, "/gatekeeper override as agreed", by="dev1")
    stage.settle()
    assert stage.check(number).conclusion == "action_required"
    assert record(stage, number) == []


def test_a_label_by_a_bot(stage: Stage, number: int) -> None:
    conversation.add_labels(stage.github.state, SHOP, number, [LABEL], Actor("helper[bot]", OTHER_APP))
    stage.settle()
    refused(stage, number, "`@helper[bot]` is a bot")


def test_a_member_who_has_not_accepted_yet(stage: Stage, number: int) -> None:
    stage.github.state.invite("acme", "sre", "dev1")
    says(stage, number, "/gatekeeper override I am new here", by="dev1")
    refused(stage, number, "`@dev1` is not an active member")


def test_a_member_who_left_since(stage: Stage, number: int) -> None:
    overridden(stage, number)
    stage.github.state.leave("acme", "sre", "ops1")
    stage.touch([f"pull:{SHOP}#{number}"])
    refused(stage, number, "`@ops1` is not an active member")
    stage.github.state.join("acme", "sre", "ops1")
    stage.touch([f"pull:{SHOP}#{number}"])
    assert stage.check(number).conclusion == "action_required", "what was refused has to be asked anew"


def test_an_override_that_is_over(stage: Stage, number: int) -> None:
    overridden(stage, number)
    stage.now = record(stage, number)[0].labeled_at + timedelta(hours=24)
    stage.touch([f"pull:{SHOP}#{number}"])
    last = record(stage, number)[-1]
    assert (last.granted, "ended at" in last.why) == (False, True)


@pytest.mark.parametrize("way", ["comment", "label"])
def test_commits_that_came_after_it(stage: Stage, number: int, way: str) -> None:
    if way == "comment":
        overridden(stage, number)
    else:
        stage.github.state.label(SHOP, number, LABEL, by="ops1")
        stage.settle()
        assert stage.check(number).conclusion == "success"
    head = stage.github.state.pull(SHOP, number).head_ref
    stage.github.state.push_commit(SHOP, head, {"services/checkout/more.py": "y = 2\n"}, by="dev1")
    stage.settle()
    refused(stage, number, "there are other commits by now")


def test_a_delivery_that_is_sent_again_after_it_was_taken_back(stage: Stage, number: int) -> None:
    overridden(stage, number)
    (asked,) = [
        one
        for one in stage.github.deliveries.logged()
        if (one.event, one.payload["sender"]["login"]) == ("issue_comment", "ops1")
    ]
    says(stage, number, "/gatekeeper revoke", by="ops1")
    refused(stage, number, "`@ops1` took it back")
    stage.github.deliveries.redeliver(asked.id)
    stage.settle()
    stage.touch([f"pull:{SHOP}#{number}"])
    refused(stage, number, "`@ops1` took it back")


def test_who_may_override_may_take_back_what_others_let_through(stage: Stage, number: int) -> None:
    stage.github.state.join("acme", "sre", "po1")
    overridden(stage, number)
    says(stage, number, "/gatekeeper revoke", by="po1")
    refused(stage, number, "`@po1` took it back")
    time.sleep(1.1)  # GitHub's times are whole seconds, and what comes in the same second is taken back too
    overridden(stage, number)


def test_a_label_is_taken_back_with_its_removal(stage: Stage, number: int) -> None:
    stage.github.state.label(SHOP, number, LABEL, by="ops1")
    stage.settle()
    says(stage, number, "/gatekeeper override the reason, after the label", by="ops1")
    assert "the reason, after the label" in stage.comment(number)
    stage.github.state.unlabel(SHOP, number, LABEL, by="ops1")
    stage.settle()
    assert stage.check(number).conclusion == "action_required"


def test_who_may_not_override_may_not_take_back(stage: Stage, number: int) -> None:
    overridden(stage, number)
    says(stage, number, "/gatekeeper revoke", by="outsider")
    assert stage.check(number).conclusion == "success"
    assert "`/gatekeeper revoke` was refused: `@outsider` may not take back" in stage.comment(number)
    last = record(stage, number)[-1]
    assert (last.label, last.actor, last.granted) == ("/gatekeeper revoke", "outsider", False)
    before = len(record(stage, number))
    stage.touch([f"pull:{SHOP}#{number}"])
    assert len(record(stage, number)) == before, "it is told once"


def test_who_wrote_a_change_where_the_policy_wants_somebody_else(stage: Stage, number: int) -> None:
    world = stage.github.state
    world.join("acme", "sre", "dev1")
    path = "policies/checkout.yaml"
    text = world.head("acme/.github", "main").files[path].decode()
    world.update_file(
        "acme/.github", path, text.replace("override: {", "override: {by_author: false, "), by="ops1"
    )
    stage.settle()
    says(stage, number, "/gatekeeper override my own", by="dev1")
    refused(stage, number, "`@dev1` wrote this change")
    overridden(stage, number)


def test_a_check_or_a_status_of_our_name_by_somebody_else(stage: Stage, number: int) -> None:
    world = stage.github.state
    head = world.pull(SHOP, number).head_sha
    world.report_check(SHOP, head, "gatekeeper", app_id=OTHER_APP, conclusion="success")
    world.add_personal_token("dev1", "ghp_dev1")
    requests.post(
        f"{stage.github.url}/repos/{SHOP}/statuses/{head}",
        json={"state": "success", "context": "gatekeeper"},
        headers={"Authorization": "Bearer ghp_dev1"},
        timeout=10,
    ).raise_for_status()
    stage.settle()
    with pytest.raises(Refused) as merged:
        world.merge(SHOP, number, by="dev1")
    assert merged.value.status == 405
    overrides = stage.gatekeeper.stores.overrides
    forged = [(one.label, one.actor, one.number, one.granted) for _, _, one in overrides.all()]
    assert sorted(forged) == [
        ("check run gatekeeper", "helper[bot]", number, False),
        ("status gatekeeper", "dev1", number, False),
    ]
    assert "gatekeeper[bot]" not in {one.actor for _, _, one in overrides.all()}, "our own are none"
    assert "status gatekeeper" not in stage.comment(number), (
        "it is no request that somebody has to be told of"
    )


def test_a_stranger_has_nothing_looked_at_anew(stage: Stage, number: int) -> None:
    """Nobody gave them a role: the repository is public."""
    world, recheck = stage.github.state, "`/gatekeeper recheck` was refused: `@mallory` may not ask for it"
    world.add_account("mallory", "User")

    def ask(text: str) -> None:
        conversation.add_comment(world, SHOP, number, text, Actor("mallory"))
        stage.settle()

    ask("/gatekeeper recheck")
    assert recheck in stage.comment(number)
    (last,) = record(stage, number)
    assert (last.label, last.actor, last.granted) == ("/gatekeeper recheck", "mallory", False)
    ask("/gatekeeper explain")
    stage.github.calls.clear()
    for text in ("/gatekeeper recheck", "/gatekeeper explain", "/gatekeeper status", "/gatekeeper help"):
        ask(text)
    written = [str(call) for call in stage.github.calls.writes()]
    assert written == [], "it was told once"
    assert len(record(stage, number)) == 1
    says(stage, number, "/gatekeeper recheck", by=world.pull(SHOP, number).author)
    assert [str(call) for call in stage.github.calls.writes()] != []


def test_help_is_one_comment_with_the_commands(stage: Stage) -> None:
    number = stage.open_pull("search")
    assert stage.comments(number) == []
    says(stage, number, "/gatekeeper help", by="outsider")
    assert "`/gatekeeper override <reason>`" in stage.comment(number)
    says(stage, number, "/gatekeeper hlep", by="dev1")
    assert len(stage.comments(number)) == 1


def test_a_service_is_opened_to_every_change_by_the_entitled_and_closed_again(stage: Stage) -> None:
    """In an incident every fix has to get through; who may not open it is refused, and both are on record."""
    world, first, second = stage.github.state, stage.open_pull("checkout"), stage.open_pull("checkout")
    assert stage.check(second).conclusion == "action_required"
    world.comment_on(SHOP, first, "/gatekeeper open checkout I need this", by="dev1")
    stage.settle()
    assert stage.check(second).conclusion == "action_required"
    assert "`/gatekeeper open acme/checkout` was refused: `@dev1` is not an active member" in stage.comment(
        first
    )
    world.comment_on(SHOP, first, "/gatekeeper open checkout the provider is down", by="ops1")
    stage.settle()
    for number in (first, second):
        assert stage.check(number).conclusion == "success"
        assert "open to every change until" in str(stage.check(number).output.title)
    world.comment_on(SHOP, second, "/gatekeeper close checkout", by="ops1")
    stage.settle()
    assert {stage.check(number).conclusion for number in (first, second)} == {"action_required"}
    overrides = stage.gatekeeper.stores.overrides
    told = [(one.label, one.actor, one.granted, one.reason) for _, _, one in overrides.all()]
    assert told == [
        ("/gatekeeper open acme/checkout", "dev1", False, "I need this"),
        ("/gatekeeper open acme/checkout", "ops1", True, "the provider is down"),
        ("/gatekeeper close acme/checkout", "ops1", True, None),
    ]
    assert overrides.verify().broken_at is None
