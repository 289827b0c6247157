import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.events.delivery import Delivery
from gatekeeper.events.keys import WorkKey
from gatekeeper.events.triggers import Priority, Touch, Triggered, triggers

SHA = "0123456789abcdef0123456789abcdef01234567"
SHOP = {"id": 1, "full_name": "acme/shop", "default_branch": "main"}
ALICE = {"login": "alice", "type": "User"}


def triggered(event: str, payload: dict[str, Any], action: str | None = None) -> Triggered:
    delivery = Delivery("some-id", event, action, payload.get("installation", {}).get("id"), payload)
    return triggers(delivery, policy_repository=".github")


def keys(event: str, payload: dict[str, Any], action: str | None = None) -> list[str]:
    return [str(touch.key) for touch in triggered(event, payload, action).touches]


def a_pull_request() -> dict[str, Any]:
    return {"repository": SHOP, "pull_request": {"number": 12}}


def a_push(*commits: dict[str, list[str]], **values: Any) -> dict[str, Any]:
    return {"ref": "refs/heads/main", "repository": SHOP, "commits": list(commits), "forced": False} | values


def a_commit(*, added: list[str] | None = None, removed: list[str] | None = None) -> dict[str, list[str]]:
    return {"added": added or [], "removed": removed or [], "modified": ["src/main.py"]}


def a_check(event: str, *pulls: dict[str, Any], **values: Any) -> dict[str, Any]:
    return {
        "repository": SHOP,
        "sender": ALICE,
        event: {"head_sha": SHA, "pull_requests": list(pulls)},
    } | values


def of_shop(number: int) -> dict[str, Any]:
    return {"number": number, "base": {"repo": {"id": 1}}}


def a_comment(body: str = "/gatekeeper override it burns", **values: Any) -> dict[str, Any]:
    return {
        "repository": SHOP,
        "sender": ALICE,
        "issue": {"number": 12, "pull_request": {"url": "…"}},
        "comment": {"id": 99, "user": ALICE, "body": body, "performed_via_github_app": None} | values,
    }


@pytest.mark.parametrize(
    ("action", "priority"),
    [
        ("opened", Priority.EVENT),
        ("reopened", Priority.EVENT),
        ("synchronize", Priority.EVENT),
        ("edited", Priority.EVENT),
        ("ready_for_review", Priority.EVENT),
        ("converted_to_draft", Priority.EVENT),
        ("closed", Priority.EVENT),
        ("labeled", Priority.PERSON),
        ("unlabeled", Priority.PERSON),
    ],
)
def test_a_changed_pull_request_is_looked_at_again(action: str, priority: Priority) -> None:
    assert triggered("pull_request", a_pull_request(), action).touches == (
        Touch(WorkKey.pull("acme/shop", 12), priority),
    )


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        pytest.param(a_push(a_commit()), [], id="no policy file"),
        pytest.param(a_push(a_commit(added=["policies/a.yaml"])), ["policies:acme/shop"], id="added"),
        pytest.param(a_push(a_commit(removed=["policies/a.yaml"])), ["policies:acme/shop"], id="removed"),
        pytest.param(
            a_push(a_commit(), a_commit(added=["policies/x"])), ["policies:acme/shop"], id="in the second"
        ),
        pytest.param(
            a_push(a_commit(added=["docs/policies/a.yaml"])), [], id="a folder of that name deeper down"
        ),
        pytest.param(a_push(a_commit(added=["policies/x"]), ref="refs/heads/topic"), [], id="another branch"),
        pytest.param(a_push(ref="refs/tags/main"), [], id="a tag"),
        pytest.param(a_push(), ["policies:acme/shop"], id="no commits listed: it may"),
        pytest.param(a_push(deleted=True), ["policies:acme/shop"], id="the branch is gone"),
        pytest.param(a_push(*[a_commit()] * 2047), [], id="all listed"),
        pytest.param(
            a_push(*[a_commit()] * 2048), ["policies:acme/shop"], id="perhaps not all listed: it may"
        ),
        pytest.param(
            a_push(a_commit(), forced=True), ["policies:acme/shop"], id="force took commits away: it may"
        ),
        pytest.param(a_push({}), ["policies:acme/shop"], id="a commit without file lists: it may"),
        pytest.param(
            a_push(a_commit(), repository=SHOP | {"full_name": "acme/.github"}),
            ["policies:acme/.github"],
            id="any path of the policy repository",
        ),
    ],
)
def test_a_push_matters_when_it_may_touch_policies(payload: dict[str, Any], expected: list[str]) -> None:
    assert keys("push", payload) == expected


@pytest.mark.parametrize(
    ("pulls", "expected"),
    [
        pytest.param(
            [of_shop(4), of_shop(3)], ["pull:acme/shop#3", "pull:acme/shop#4"], id="its pull requests"
        ),
        pytest.param([], [f"commit:acme/shop@{SHA}"], id="a push in a fork names none, so its commit"),
        pytest.param(
            [{"number": 3, "base": {"repo": {"id": 2}}}],
            [f"commit:acme/shop@{SHA}"],
            id="a pull request into another repository is not ours",
        ),
    ],
)
@pytest.mark.parametrize("event", ["check_run", "check_suite"])
def test_a_rerun_looks_again(event: str, pulls: list[dict[str, Any]], expected: list[str]) -> None:
    assert keys(event, a_check(event, *pulls), "rerequested") == expected


def test_a_button_says_which_and_who() -> None:
    payload = a_check("check_run", of_shop(3), requested_action={"identifier": "explain"})
    (touch,) = triggered("check_run", payload, "requested_action").touches
    assert touch == Touch(
        WorkKey.pull("acme/shop", 3), Priority.PERSON, {"button": "explain", "actor": "alice"}
    )


def test_a_command_says_what_and_who_and_where() -> None:
    (touch,) = triggered("issue_comment", a_comment(), "created").touches
    assert touch == Touch(
        WorkKey.pull("acme/shop", 12),
        Priority.PERSON,
        {"command": "override", "argument": "it burns", "actor": "alice", "comment": 99},
    )


@pytest.mark.parametrize("event", ["installation", "installation_repositories", "repository"])
def test_what_an_app_may_see_changed(event: str) -> None:
    assert keys(event, {"installation": {"id": 7}}, "renamed") == ["installation:7"]


@pytest.mark.parametrize(
    ("event", "payload", "action", "why"),
    [
        pytest.param("ping", {"zen": "…"}, None, "the webhook works", id="ping"),
        pytest.param("gollum", {}, None, "not used", id="an event we have no use for"),
        pytest.param("membership", {}, "added", "not used", id="membership, for now"),
        pytest.param(
            "pull_request", a_pull_request(), "assigned", "no verdict", id="an action without effect"
        ),
        pytest.param(
            "check_suite", a_check("check_suite"), "requested", "no request", id="GitHub's own request"
        ),
        pytest.param("check_run", a_check("check_run"), "created", "no request", id="our own check, created"),
        pytest.param(
            "check_suite", a_check("check_suite"), "requested_action", "no request", id="no such button"
        ),
        pytest.param(
            "repository", {"repository": SHOP}, "renamed", "without an App", id="a repository's webhook"
        ),
        pytest.param("issue_comment", a_comment(), "deleted", "asks for nothing", id="a comment deleted"),
        pytest.param("issue_comment", a_comment("LGTM"), "created", "without a command", id="small talk"),
        pytest.param(
            "issue_comment",
            a_comment(user={"login": "alice", "type": "Bot"}),
            "created",
            "by a bot",
            id="a bot",
        ),
        pytest.param(
            "issue_comment",
            a_comment(performed_via_github_app={"id": 5}),
            "created",
            "by a bot",
            id="a bot in a person's name",
        ),
        pytest.param(
            "issue_comment",
            a_comment(user={"login": "bob", "type": "User"}),
            "edited",
            "somebody else",
            id="a maintainer puts words into bob's mouth",
        ),
        pytest.param(
            "issue_comment",
            a_comment() | {"issue": {"number": 12}},
            "created",
            "not on a pull request",
            id="a command on an issue",
        ),
        pytest.param("pull_request", {}, "opened", "no pull_request.number", id="a field is missing"),
        pytest.param(
            "push", {"repository": 5}, None, "no repository.full_name", id="a field of another type"
        ),
        pytest.param(
            "pull_request",
            {"repository": SHOP, "pull_request": {"number": -1}},
            "opened",
            "names no pull",
            id="an impossible number",
        ),
        pytest.param(
            "pull_request",
            {"repository": SHOP, "pull_request": {"number": True}},
            "opened",
            "no pull_request.number",
            id="true is no number",
        ),
    ],
)
def test_what_is_ignored_says_why(event: str, payload: dict[str, Any], action: str | None, why: str) -> None:
    outcome = triggered(event, payload, action)
    assert outcome.touches == ()
    assert why in (outcome.ignored or "")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda children: (
        st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=5), children, max_size=3)
    ),
    max_leaves=5,
)
WELL_FORMED = [
    ("pull_request", "opened", a_pull_request()),
    ("push", None, a_push(a_commit(added=["policies/a"]))),
    ("check_run", "rerequested", a_check("check_run", of_shop(3))),
    ("check_run", "requested_action", a_check("check_run", requested_action={"identifier": "x"})),
    ("check_suite", "rerequested", a_check("check_suite", of_shop(3))),
    ("issue_comment", "created", a_comment()),
]


@given(st.data())
def test_one_field_replaced_or_gone_is_never_an_error(data: st.DataObject) -> None:
    event, action, payload = copy.deepcopy(data.draw(st.sampled_from(WELL_FORMED)))
    place: Any = payload
    while True:
        name = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        if not (isinstance(place[name], dict | list) and place[name]) or data.draw(st.booleans()):
            break
        place = place[name]
    if data.draw(st.booleans()):
        del place[name]
    else:
        place[name] = data.draw(JSON)
    outcome = triggers(Delivery("id", event, action, None, payload), policy_repository=".github")
    assert outcome.touches or outcome.ignored
