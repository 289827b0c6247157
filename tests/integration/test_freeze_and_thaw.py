"""The main job: real Prometheus, signed webhooks, the stand-in GitHub, held to GitHub's description."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

import openapi
from staging import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from worlds.prometheus import PrometheusServer
    from worlds.world import World

SHOP = "acme/shop"


@pytest.fixture
def stage(
    tmp_path: Path, prometheus: PrometheusServer, policies: dict[str, str], frozen_at: datetime, filled: Path
) -> Iterator[Stage]:
    with Stage(tmp_path, prometheus=prometheus.url, now=frozen_at, policies=policies, filled=filled) as stage:
        yield stage
        openapi.validate_all(stage.github.calls)


def test_a_spent_budget_blocks_and_says_why_how_far_who_may_pass_and_until_when(stage: Stage) -> None:
    number = stage.open_pull()
    check, comment = stage.check(number), stage.comment(number)
    assert check.name == "gatekeeper"
    assert check.conclusion == "action_required"
    assert check.output.title is not None
    assert check.output.title.startswith("checkout is frozen: 53.5 % over its error budget")
    assert stage.labels(number) == ("slo:frozen",)
    for text in (check.output.summary or "", comment):
        for said in ("checkout", "53.5 % over", "2026-10-04", "`reliability`", "`@acme/sre`", "2026-11-01"):
            assert said in text, said
    assert "```mermaid" in comment


def test_when_history_moves_on_check_label_and_comment_follow_without_an_event(
    stage: Stage, world: World
) -> None:
    number = stage.open_pull()
    blocked = stage.check(number)
    before = len(stage.github.deliveries.logged())
    stage.github.calls.clear()
    stage.at(world.end)
    check = stage.check(number)
    assert (check.id, check.conclusion) == (blocked.id, "success")
    assert stage.labels(number) == ("slo:caution",)
    assert "checkout is in probation" in stage.comment(number)
    asked = [str(call) for call in stage.github.calls if "/files" in call.path]
    assert asked == [], "the files of an unchanged head are not listed again"
    events = [one.event for one in stage.github.deliveries.logged()[: -before or None]]
    assert "pull_request.synchronize" not in events


def test_a_new_pull_request_costs_four_reads_and_one_write_for_each_thing_shown(stage: Stage) -> None:
    stage.github.calls.clear()
    stage.github.deliveries.pause()  # so that the pass over our own label's event is not counted with it
    stage.github.state.open_pull(
        SHOP, author="dev1", title="A change", files={"services/checkout/new.py": "x = 1\n"}
    )
    stage.touch([f"pull:{SHOP}#1"], webhooks=False)
    reads, writes = stage.github.calls.reads(), stage.github.calls.writes()
    assert len(reads) <= 4, [str(call) for call in reads]
    assert [call.path.rsplit("/", 1)[-1] for call in writes] == ["check-runs", "labels", "comments"]
    stage.github.deliveries.resume()
    stage.settle()


def test_an_open_gate_costs_five_reads_and_one_write(stage: Stage) -> None:
    stage.github.calls.clear()
    number = stage.open_pull("search")
    # Who we are is asked once in ten minutes, to tell whose our own check is.
    first = [call.path for call in stage.github.calls.reads() if call.path != "/app"]
    assert len(first) <= 5, "the last is the pass over our own check's event"
    assert first.count(f"/repos/{SHOP}/pulls/{number}") <= 2
    assert [call.path for call in stage.github.calls.writes()] == [f"/repos/{SHOP}/check-runs"]
    assert stage.check(number).conclusion == "success"


@pytest.mark.parametrize(
    "again",
    [
        pytest.param("pull:acme/shop#1", id="over a blocked pull request"),
        pytest.param("pull:acme/shop#2", id="over a free pull request"),
        pytest.param("repository:acme/shop", id="over a repository's open pull requests"),
        pytest.param("policies:acme/.github", id="over the policies"),
        pytest.param("service:acme/checkout", id="over a service"),
        pytest.param("installation:1011", id="over the installation"),
    ],
)
def test_a_second_pass_writes_nothing(stage: Stage, again: str) -> None:
    stage.open_pull("checkout")
    stage.open_pull("search")
    kind, _, subject = again.partition(":")
    key = f"{kind}:{min(stage.github.state.installations)}" if kind == "installation" else again
    assert subject
    stage.github.calls.clear()
    stage.touch([key])
    stage.touch([key])
    assert [str(call) for call in stage.github.calls.writes()] == []


def test_opening_with_ten_labels_is_eleven_events_one_check_and_one_comment(stage: Stage) -> None:
    number = stage.open_pull(labels=[f"topic-{index}" for index in range(10)])
    events = [one for one in stage.github.deliveries.logged() if one.event == "pull_request"]
    assert len(events) >= 11
    assert len(stage.checks(number)) == 1
    assert len(stage.comments(number)) == 1


def test_a_change_that_touches_no_service_gets_a_skipped_check_where_one_is_required(stage: Stage) -> None:
    number = stage.open_pull(files={"README.md": "# shop, new\n"})
    assert stage.check(number).conclusion == "skipped"
    assert stage.comments(number) == []


def test_an_exempt_label_lets_pass_and_taking_it_off_blocks_again(stage: Stage) -> None:
    number = stage.open_pull()
    stage.github.state.label(SHOP, number, "reliability", by="ops1")
    stage.settle()
    assert stage.check(number).conclusion == "success"
    assert "by its label reliability, set by @ops1" in (stage.check(number).output.title or "")
    stage.github.state.unlabel(SHOP, number, "reliability", by="ops1")
    stage.settle()
    assert stage.check(number).conclusion == "action_required"


@pytest.mark.parametrize(
    "actor", [pytest.param("dev1", id="the author, who may write"), pytest.param("po1", id="a triager")]
)
def test_an_exempt_label_of_somebody_not_entitled_is_removed_once_and_recorded(
    stage: Stage, actor: str
) -> None:
    number = stage.open_pull()
    stage.github.state.label(SHOP, number, "reliability", by=actor)
    stage.settle()
    assert stage.check(number).conclusion == "action_required"
    assert "reliability" not in stage.github.state.pull(SHOP, number).labels
    why = f"`@{actor}` is not an active member of `@acme/sre`"
    assert f"The label `reliability` was removed: {why}" in stage.comment(number)
    (record,) = stage.gatekeeper.stores.overrides.of_pull(SHOP, number)
    assert (record.label, record.actor, record.granted, record.why) == ("reliability", actor, False, why)


def test_a_push_is_judged_anew_on_its_own_head(stage: Stage) -> None:
    number = stage.open_pull("search")
    branch = stage.github.state.pull(SHOP, number).head_ref
    stage.github.state.push_commit(SHOP, branch, {"services/checkout/more.py": "x = 2\n"}, by="dev1")
    stage.settle()
    assert stage.check(number).conclusion == "action_required"


def test_an_entitled_person_overrides_on_the_record_until_the_override_ends(stage: Stage) -> None:
    number = stage.open_pull()
    stage.github.state.comment_on(
        SHOP, number, "/gatekeeper override hotfix for the payment outage", by="ops1"
    )
    stage.github.state.label(SHOP, number, "slo:override", by="ops1")
    stage.settle()
    assert stage.check(number).conclusion == "success"
    assert "hotfix for the payment outage" in stage.comment(number)
    *_, record = (
        one for one in stage.gatekeeper.stores.overrides.of_pull(SHOP, number) if one.label == "slo:override"
    )
    assert (record.actor, record.granted, record.reason) == (
        "ops1",
        True,
        "hotfix for the payment outage",
    )
    assert record.until - record.labeled_at == timedelta(hours=24)


@pytest.mark.parametrize(
    "actor", [pytest.param("dev1", id="a developer"), pytest.param("po1", id="a triager")]
)
def test_whoever_is_not_entitled_gets_the_label_removed_and_one_explanation(stage: Stage, actor: str) -> None:
    number = stage.open_pull()
    stage.github.state.label(SHOP, number, "slo:override", by=actor)
    stage.settle()
    assert stage.labels(number) == ("slo:frozen",)
    assert stage.check(number).conclusion == "action_required"
    assert f"`@{actor}` is not an active member of `@acme/sre`" in stage.comment(number)
    (record,) = stage.gatekeeper.stores.overrides.of_pull(SHOP, number)
    assert (record.actor, record.granted) == (actor, False)
    stage.github.calls.clear()
    stage.touch([f"pull:{SHOP}#{number}"])
    assert [str(call) for call in stage.github.calls.writes()] == []


def test_two_pull_requests_with_one_head_share_the_strictest_verdict(stage: Stage) -> None:
    number = stage.open_pull()
    branch = stage.github.state.pull(SHOP, number).head_ref
    stage.github.state.push_commit(SHOP, "release", {"README.md": "# release\n"}, by="ops1")
    other = stage.github.state.open_pull(
        SHOP, author="dev1", title="The same to release", files={}, branch=branch, base="release"
    )
    stage.settle()
    stage.touch([f"pull:{SHOP}#{other.number}"])
    assert stage.check(number).conclusion == "action_required"


@pytest.mark.parametrize(
    ("act", "shown"),
    [
        pytest.param("/gatekeeper status", "#### The numbers", id="status puts the numbers into the comment"),
        pytest.param(
            "/gatekeeper explain", "#### The numbers", id="explain puts the numbers into the comment"
        ),
    ],
)
def test_a_command_is_answered_in_the_one_comment(stage: Stage, act: str, shown: str) -> None:
    number = stage.open_pull("search")
    assert stage.comments(number) == []
    stage.github.state.comment_on(SHOP, number, act, by="dev1")
    stage.settle()
    assert shown in stage.comment(number)


@pytest.mark.parametrize(
    "ask",
    [
        pytest.param(
            lambda stage, number, check: stage.github.state.comment_on(
                SHOP, number, "/gatekeeper recheck", by="dev1"
            ),
            id="a recheck command",
        ),
        pytest.param(
            lambda stage, _, check: stage.github.state.click_rerun(SHOP, check, by="dev1"),
            id="the Re-run button",
        ),
        pytest.param(
            lambda stage, _, check: stage.github.state.click_action(SHOP, check, "recheck", by="dev1"),
            id="the Re-evaluate button",
        ),
    ],
)
def test_asking_again_writes_the_present_numbers(stage: Stage, ask: object) -> None:
    number = stage.open_pull()
    assert callable(ask)
    stage.github.calls.clear()
    ask(stage, number, stage.check(number).id)
    stage.settle()
    assert any(call.method == "PATCH" and "/check-runs/" in call.path for call in stage.github.calls.writes())
    assert len(stage.checks(number)) == 1


def test_with_a_token_instead_of_an_app_there_are_statuses_instead_of_checks(
    tmp_path: Path,
    world: World,
    prometheus: PrometheusServer,
    policies: dict[str, str],
    frozen_at: datetime,
    filled: Path,
) -> None:
    with Stage(
        tmp_path,
        prometheus=prometheus.url,
        now=frozen_at,
        policies=policies,
        filled=filled,
        token="ghp_of_ops1",
    ) as stage:
        number = stage.open_pull()
        assert stage.checks(number) == []
        head = stage.github.state.pull(SHOP, number).head_sha
        states = [(one.context, one.state) for one in stage.github.state.statuses if one.sha == head]
        assert states == [("gatekeeper", "failure")]
        assert stage.labels(number) == ("slo:frozen",)
        stage.at(world.end)
        states = [(one.context, one.state) for one in stage.github.state.statuses if one.sha == head]
        assert states[-1] == ("gatekeeper", "success")
        openapi.validate_all(stage.github.calls)
