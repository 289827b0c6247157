"""Webhooks of the stand-in: which are sent, that GitHub would send them so, and what can happen on the way."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import TYPE_CHECKING

import pytest

import openapi
from gatekeeper.demo.github import Hook, Refused, StandIn
from gatekeeper.demo.github.acme import APP_ID
from gatekeeper.demo.github.checks import set_status
from gatekeeper.demo.github.entities import Status
from standin import Client, Receiver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gatekeeper.demo.github import World

SHOP = "acme/shop"
SECRET = "a made-up secret"


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def github(receiver: Receiver) -> Iterator[StandIn]:
    """With one pull request, and its events so far forgotten."""
    with StandIn() as github:
        github.send_webhooks_to(receiver.url, SECRET)
        pull = github.state.open_prepared(github.state.prepared[0], author="dev1")
        github.state.report_check(SHOP, pull.head_sha, "gatekeeper", app_id=APP_ID, conclusion="success")
        settle(github)
        receiver.got.clear()
        receiver.status = 202
        github.deliveries.emitted.clear()
        github.deliveries.log.clear()
        yield github


def settle(github: StandIn) -> None:
    github.deliveries.wait()


def sent(github: StandIn) -> list[str]:
    return [f"{one.event}.{one.action}" if one.action else one.event for one in github.deliveries.emitted]


def run_id(world: World) -> int:
    return max(world.checks)


def open_with_labels(world: World) -> None:
    world.open_pull(
        SHOP, author="dev1", title="x", files={"a": "b"}, labels=[f"label-{at}" for at in range(10)]
    )


def change_base(world: World) -> None:
    world.push_commit(SHOP, "next", {"n": "n"}, by="ops1")
    world.edit_pull(SHOP, 1, base="next", by="dev1")


def a_status(world: World) -> None:
    head = world.pull(SHOP, 1).head_sha
    set_status(world, Status(0, SHOP, head, "ci", "success", "Fine", None, "dev1", world.now()))


def comment_thrice(world: World) -> None:
    made = world.comment_on(SHOP, 1, "/gatekeeper status", by="po1")
    world.edit_comment(SHOP, made.id, "/gatekeeper explain", by="po1")
    world.delete_comment(SHOP, made.id, by="po1")


def change_repositories(world: World) -> None:
    world.choose_repositories(min(world.installations), ["acme/shop"], by="ops1")
    world.choose_repositories(min(world.installations), ["acme/shop", "acme/.github"], by="ops1")


def install_again(world: World) -> None:
    world.uninstall(min(world.installations), by="ops1")
    world.install(APP_ID, "acme", by="ops1", repositories=[SHOP])


def archive_and_open_again(world: World) -> None:
    world.archive(SHOP, by="ops1")
    world.archive(SHOP, by="ops1", archived=False)


def suspend_for_a_while(world: World) -> None:
    world.suspend(min(world.installations), by="ops1")
    world.label(SHOP, 1, "unheard", by="ops1")
    world.suspend(min(world.installations), by="ops1", suspended=False)


def transfer_in(world: World) -> None:
    world.add_account("globex", "Organization")
    world.install(APP_ID, "globex", by="ops1")
    world.transfer(SHOP, "globex", by="ops1")


def deploy_protected(world: World) -> None:
    world.protect(SHOP, "production", app_id=APP_ID)
    world.cancel_run(SHOP, world.run_workflow(SHOP, by="dev1").id, by="dev1")


ACTS: list[tuple[str, Callable[[World], object], list[str]]] = [
    (
        "ten labels in the form are eleven events",
        open_with_labels,
        ["push", "check_suite.requested", "pull_request.opened", *["pull_request.labeled"] * 10],
    ),
    ("a label", lambda world: world.label(SHOP, 1, "slo:override", by="ops1"), ["pull_request.labeled"]),
    (
        "a commit",
        lambda world: world.push_commit(SHOP, world.pull(SHOP, 1).head_ref, {"a": "b"}, by="dev1"),
        ["push", "pull_request.synchronize", "check_suite.requested"],
    ),
    (
        "a title",
        lambda world: world.edit_pull(SHOP, 1, title="y", body="z", by="dev1"),
        ["pull_request.edited"],
    ),
    (
        "a base branch",
        change_base,
        ["push", "check_suite.requested", "pull_request.edited"],
    ),
    (
        "archived and opened again",
        archive_and_open_again,
        ["repository.archived", "repository.unarchived"],
    ),
    (
        "suspended, and not any more; nothing is told in between",
        suspend_for_a_while,
        ["installation.suspend", "installation.unsuspend"],
    ),
    (
        "permissions accepted",
        lambda world: world.accept(min(world.installations), {"checks": "write"}, by="ops1"),
        ["installation.new_permissions_accepted"],
    ),
    (
        "an organisation renamed",
        lambda world: world.rename_organization("acme", "globex", by="ops1"),
        ["installation_target.renamed"],
    ),
    ("renamed", lambda world: world.rename(SHOP, "store", by="ops1"), ["repository.renamed"]),
    (
        "transferred to an account without the App",
        lambda world: world.transfer(SHOP, "ops1", by="ops1"),
        [],
    ),
    ("transferred to one with it", transfer_in, ["installation.created", "repository.transferred"]),
    ("deleted", lambda world: world.delete_repository(SHOP, by="ops1"), ["repository.deleted"]),
    (
        "a draft and back",
        lambda world: [world.set_draft(SHOP, 1, draft=draft, by="dev1") for draft in (True, False)],
        ["pull_request.converted_to_draft", "pull_request.ready_for_review"],
    ),
    (
        "closed and reopened",
        lambda world: (world.close(SHOP, 1, by="dev1"), world.reopen(SHOP, 1, by="dev1")),
        ["pull_request.closed", "pull_request.reopened"],
    ),
    (
        "closed twice is closed once",
        lambda world: (world.close(SHOP, 1, by="dev1"), world.close(SHOP, 1, by="dev1")),
        ["pull_request.closed"],
    ),
    (
        "merged",
        lambda world: world.merge(SHOP, 1, by="dev1"),
        ["pull_request.closed", "push", "check_suite.requested"],
    ),
    (
        "a policy edited in the browser",
        lambda world: world.update_file("acme/.github", "policies/defaults.yaml", "x: 1\n", by="ops1"),
        ["push", "check_suite.requested"],
    ),
    (
        "a file deleted",
        lambda world: world.update_file(SHOP, "README.md", None, by="ops1"),
        ["push", "check_suite.requested"],
    ),
    (
        "a file renamed",
        lambda world: world.push_commit(SHOP, "main", {"README.md": None, "READ.md": "# shop\n"}, by="ops1"),
        ["push", "check_suite.requested"],
    ),
    (
        "a comment written, edited, deleted",
        comment_thrice,
        ["issue_comment.created", "issue_comment.edited", "issue_comment.deleted"],
    ),
    (
        "a review, and its dismissal",
        lambda world: world.dismiss_review(SHOP, 1, world.review(SHOP, 1, by="ops1").id, by="ops1"),
        ["pull_request_review.submitted", "pull_request_review.dismissed"],
    ),
    ("a commit status", a_status, ["status"]),
    ("re-run", lambda world: world.click_rerun(SHOP, run_id(world), by="dev1"), ["check_run.rerequested"]),
    (
        "re-run all",
        lambda world: world.click_rerun_all(SHOP, max(world.suites), by="dev1"),
        ["check_suite.rerequested"],
    ),
    (
        "a check reported, done at once",
        lambda world: world.report_check(
            SHOP, world.pull(SHOP, 1).head_sha, "x", app_id=APP_ID, conclusion="failure"
        ),
        ["check_run.created", "check_run.completed"],
    ),
    (
        "a deployment",
        lambda world: world.deploy(SHOP, "main", by="dev1"),
        ["deployment.created", "deployment_status.created", "deployment_status.created"],
    ),
    (
        "a workflow that deploys",
        lambda world: world.run_workflow(SHOP, by="dev1"),
        ["deployment.created", "deployment_status.created", "deployment_status.created"],
    ),
    (
        "a workflow that deploys where an App's rule protects",
        deploy_protected,
        [
            "deployment.created",
            "deployment_status.created",
            "deployment_protection_rule.requested",
            "deployment_status.created",
        ],
    ),
    (
        "other repositories chosen",
        change_repositories,
        ["installation_repositories.removed", "installation_repositories.added"],
    ),
    ("uninstalled and installed", install_again, ["installation.deleted", "installation.created"]),
]


@pytest.mark.parametrize(
    ("act", "events"), [pytest.param(act, events, id=name) for name, act, events in ACTS]
)
def test_an_act_sends_what_github_would_send(
    github: StandIn, receiver: Receiver, act: Callable[[World], object], events: list[str]
) -> None:
    act(github.state)
    settle(github)
    assert sent(github) == events
    for delivery in github.deliveries.emitted:
        openapi.validate_webhook(delivery.event, delivery.payload)
    assert [json.loads(one.body) for one in receiver.got] == [
        one.payload for one in github.deliveries.emitted
    ]


def test_a_click_on_a_button_names_it(github: StandIn) -> None:
    world = github.state
    button = {"label": "Explain", "description": "Say why", "identifier": "explain"}
    with Client(github) as client:
        body = {"conclusion": "failure", "actions": [button]}
        client.as_installation().patch(
            f"/repos/acme/shop/check-runs/{run_id(world)}", json=body
        ).raise_for_status()
    world.click_action(SHOP, run_id(world), "explain", by="dev1")
    assert sent(github) == ["check_run.completed", "check_run.requested_action"]
    payload = github.deliveries.emitted[-1].payload
    openapi.validate_webhook("check_run", payload)
    assert payload["requested_action"] == {"identifier": "explain"}
    assert payload["sender"]["login"] == "dev1"
    assert "actions" not in payload["check_run"]


def test_a_delivery_carries_githubs_headers_and_a_true_signature(github: StandIn, receiver: Receiver) -> None:
    github.state.label(SHOP, 1, "bug", by="dev1")
    settle(github)
    [got] = receiver.got
    wanted = "sha256=" + hmac.new(SECRET.encode(), got.body, hashlib.sha256).hexdigest()
    assert got.headers["x-hub-signature-256"] == wanted
    assert got.headers["x-github-event"] == "pull_request"
    assert got.headers["x-github-delivery"] == github.deliveries.log[0].guid
    assert got.headers["x-github-hook-installation-target-type"] == "integration"
    assert got.headers["x-github-hook-installation-target-id"] == str(APP_ID)
    assert got.headers["x-github-hook-id"].isdecimal()
    assert got.headers["user-agent"].startswith("GitHub-Hookshot/")
    assert got.headers["content-type"] == "application/json"


def test_a_new_hook_is_greeted_with_a_ping(receiver: Receiver) -> None:
    with StandIn() as github:
        github.send_webhooks_to(receiver.url, SECRET)
        settle(github)
        [ping] = github.deliveries.log
    openapi.validate_webhook("ping", ping.payload)
    assert (ping.event, ping.status_code, ping.status) == ("ping", 202, "OK")


def test_what_an_installation_may_not_see_is_not_sent(github: StandIn) -> None:
    world = github.state
    world.choose_repositories(min(world.installations), ["acme/.github"], by="ops1")
    github.deliveries.emitted.clear()
    world.label(SHOP, 1, "bug", by="dev1")
    assert sent(github) == []


def test_clicks_on_another_apps_check_are_not_ours(github: StandIn) -> None:
    world = github.state
    other = world.register_app("ci", owner="acme", public_key="", permissions={}, events=()).id
    run = world.report_check(SHOP, world.pull(SHOP, 1).head_sha, "tests", app_id=other, conclusion="failure")
    world.click_rerun(SHOP, run.id, by="dev1")
    assert sent(github) == ["check_run.created", "check_run.completed"]


def test_without_an_app_the_organisations_hook_has_no_installation(
    github: StandIn, receiver: Receiver
) -> None:
    world = github.state
    world.set_hook(Hook(receiver.url, SECRET, world.account("acme").id, owner="Organization"), by="ops1")
    world.label(SHOP, 1, "bug", by="dev1")
    world.click_rerun(SHOP, run_id(world), by="dev1")
    settle(github)
    assert sent(github) == ["pull_request.labeled"]
    assert "installation" not in github.deliveries.emitted[0].payload
    assert receiver.got[0].headers["x-github-hook-installation-target-type"] == "organization"


def test_dropped_deliveries_are_logged_as_failed_and_can_be_sent_again(
    github: StandIn, receiver: Receiver
) -> None:
    github.deliveries.drop(2)
    for name in ("a", "b", "c"):
        github.state.label(SHOP, 1, name, by="dev1")
    settle(github)
    assert len(receiver.got) == 1
    with Client(github) as client:
        failed = client.as_app().get("/app/hook/deliveries?status=failure").json()
        assert [one["status_code"] for one in failed] == [502, 502]
        for one in failed:
            assert client.as_app().post(f"/app/hook/deliveries/{one['id']}/attempts").status_code == 202
    settle(github)
    guids = [one.headers["x-github-delivery"] for one in receiver.got]
    assert guids[1:] == [one["guid"] for one in failed]
    again = github.deliveries.log[-1]
    assert (again.redelivery, again.status_code) == (True, 202)
    assert again.id not in {one["id"] for one in failed}


def test_a_receiver_that_fails_is_logged_with_its_status(github: StandIn, receiver: Receiver) -> None:
    receiver.status = 500
    github.state.label(SHOP, 1, "bug", by="dev1")
    settle(github)
    [failed] = github.deliveries.log
    assert (failed.status_code, failed.status) == (500, "Invalid HTTP Response: 500")


def test_deliveries_can_be_doubled_held_back_and_reordered(github: StandIn, receiver: Receiver) -> None:
    github.deliveries.pause()
    github.deliveries.duplicate()
    github.state.label(SHOP, 1, "first", by="dev1")
    github.state.label(SHOP, 1, "second", by="dev1")
    settle(github)
    assert receiver.got == []
    github.deliveries.resume(reverse=True)
    settle(github)
    names = [json.loads(one.body)["label"]["name"] for one in receiver.got]
    assert names == ["second", "first", "first"]
    assert len({one.headers["x-github-delivery"] for one in receiver.got}) == 2


def test_the_log_is_paged_by_cursor(github: StandIn) -> None:
    for at in range(5):
        github.state.label(SHOP, 1, f"label-{at}", by="dev1")
    settle(github)
    seen: list[int] = []
    path: str | None = "/app/hook/deliveries?per_page=2"
    with Client(github) as client:
        client.as_app()
        while path is not None:
            answer = client.get(path)
            seen += [one["id"] for one in answer.json()]
            following = answer.links.get("next", {}).get("url")
            path = following and following.removeprefix(github.url)
    assert seen == [one.id for one in reversed(github.deliveries.log)]
    openapi.validate_all(github.calls)


@pytest.mark.parametrize(
    ("act", "status"),
    [
        pytest.param(lambda world: world.label(SHOP, 1, "x", by="outsider"), 403, id="labels need triage"),
        pytest.param(lambda world: world.unlabel(SHOP, 1, "x", by="outsider"), 403, id="so does removing"),
        pytest.param(lambda world: world.comment_on(SHOP, 1, "x", by="nobody"), 403, id="comments need read"),
        pytest.param(lambda world: world.update_file(SHOP, "a", "b", by="po1"), 403, id="pushes need write"),
        pytest.param(lambda world: world.merge(SHOP, 1, by="po1"), 403, id="merges need write"),
        pytest.param(
            lambda world: world.click_rerun(SHOP, run_id(world), by="po1"), 403, id="clicks need write"
        ),
        pytest.param(lambda world: world.close(SHOP, 1, by="outsider"), 403, id="closing needs triage"),
        pytest.param(
            lambda world: world.set_draft(SHOP, 1, draft=True, by="po1"), 403, id="drafts are the author's"
        ),
    ],
)
def test_a_person_may_only_what_their_role_allows(
    github: StandIn, act: Callable[[World], object], status: int
) -> None:
    github.state.label(SHOP, 1, "x", by="po1")
    github.deliveries.emitted.clear()
    with pytest.raises(Refused) as refusal:
        act(github.state)
    assert refusal.value.status == status
    assert sent(github) == []
