import copy
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deliveries import samples
from gatekeeper.events.delivery import Delivery
from gatekeeper.events.deployments import DeploymentStatus
from gatekeeper.events.keys import Kind, WorkKey
from gatekeeper.events.ours import REVIEWED
from gatekeeper.events.triggers import Priority, Touch, Triggered, may_trigger, triggers

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


def a_new_check(name: str, *pulls: dict[str, Any]) -> dict[str, Any]:
    payload = a_check("check_run", *pulls)
    payload["check_run"] |= {"name": name, "id": 7, "app": {"slug": "gatekeeper"}}
    return payload


def of_shop(number: int) -> dict[str, Any]:
    return {"number": number, "base": {"repo": {"id": 1}}}


def a_comment(body: str = "/gatekeeper override it burns", **values: Any) -> dict[str, Any]:
    return {
        "repository": SHOP,
        "sender": ALICE,
        "issue": {"number": 12, "pull_request": {"url": "…"}},
        "comment": {"id": 99, "user": ALICE, "body": body, "performed_via_github_app": None}
        | {"updated_at": "2026-11-22T20:00:00Z", "author_association": "MEMBER"}
        | values,
    }


LOG = "https://github.com/acme/shop/actions/runs/1"
DEPLOYED = DeploymentStatus(
    id="42",
    environment="production",
    production=False,
    task="deploy",
    ref="main",
    sha=SHA,
    state="success",
    at=datetime(2026, 11, 22, 20, tzinfo=UTC),
    url=None,
)


def a_deployment(**changed: Any) -> dict[str, Any]:
    status = {"state": "success", "created_at": "2026-11-22T20:00:00Z", "target_url": ""}
    deployment = {
        "id": 42,
        "sha": SHA,
        "ref": "main",
        "task": "deploy",
        "environment": "production",
        "transient_environment": False,
        "production_environment": False,
    }
    return {
        "repository": SHOP,
        "deployment": deployment | {name: changed[name] for name in deployment.keys() & changed},
        "deployment_status": status | {name: changed[name] for name in changed.keys() - deployment.keys()},
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
        ("auto_merge_enabled", Priority.EVENT),
        ("auto_merge_disabled", Priority.EVENT),
        ("labeled", Priority.PERSON),
        ("unlabeled", Priority.PERSON),
    ],
)
def test_a_changed_pull_request_is_looked_at_again(action: str, priority: Priority) -> None:
    assert triggered("pull_request", a_pull_request(), action).touches == (
        Touch(WorkKey.pull("acme/shop", 12), priority),
    )


@pytest.mark.parametrize(
    ("action", "state", "also"),
    [
        ("submitted", "approved", True),
        ("submitted", "changes_requested", True),
        ("dismissed", "dismissed", True),
        ("submitted", "commented", False),
    ],
)
def test_a_review_is_looked_at_where_it_changes_who_agrees(action: str, state: str, *, also: bool) -> None:
    payload = a_pull_request() | {"review": {"state": state}}
    touches = triggered("pull_request_review", payload, action).touches
    assert touches[0] == Touch(WorkKey.proposal("acme/shop", 12), Priority.PERSON)
    told = (Touch(WorkKey.pull("acme/shop", 12), Priority.EVENT, REVIEWED),)
    assert touches[1:] == (told if also else ())


@pytest.mark.parametrize(
    ("context", "key"),
    [
        pytest.param("gatekeeper", f"commit:acme/shop@{SHA}", id="that of the gate"),
        pytest.param("gatekeeper/policy", f"commit:acme/shop@{SHA}", id="that of policies"),
        pytest.param("gatekeeper/deployment", "head:acme/shop", id="that of deployments"),
        pytest.param("ci/build", None, id="not one of another name"),
    ],
)
def test_a_commit_status_of_our_name_is_looked_at(context: str, key: str | None) -> None:
    told = {"id": 7, "context": context, "sha": SHA, "state": "success"}
    payload = told | {"repository": SHOP, "sender": {"login": "dora"}}
    hint = {"status": context, "state": "success", "id": 7, "sha": SHA, "actor": "dora"}
    found = [(str(touch.key), touch.hint) for touch in triggered("status", payload).touches]
    assert found == ([(key, hint)] if key else [])


BOTH = ["head:acme/shop", "policies:acme/shop"]


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        pytest.param(a_push(a_commit()), ["head:acme/shop"], id="no policy file"),
        pytest.param(a_push(a_commit(added=["policies/a.yaml"])), BOTH, id="added"),
        pytest.param(
            a_push(a_commit(removed=["policies/a.yaml"])),
            BOTH,
            id="removed",
        ),
        pytest.param(
            a_push(a_commit(), a_commit(added=["policies/x"])),
            BOTH,
            id="in the second",
        ),
        pytest.param(
            a_push(a_commit(added=["docs/policies/a.yaml"])),
            ["head:acme/shop"],
            id="a folder of that name deeper down",
        ),
        pytest.param(a_push(a_commit(added=["policies/x"]), ref="refs/heads/topic"), [], id="another branch"),
        pytest.param(a_push(ref="refs/tags/main"), [], id="a tag"),
        pytest.param(a_push(), BOTH, id="no commits listed: it may"),
        pytest.param(a_push(deleted=True), BOTH, id="the branch is gone"),
        pytest.param(a_push(*[a_commit()] * 2047), ["head:acme/shop"], id="all listed"),
        pytest.param(
            a_push(*[a_commit()] * 2048),
            BOTH,
            id="perhaps not all listed: it may",
        ),
        pytest.param(
            a_push(a_commit(), forced=True),
            BOTH,
            id="force took commits away: it may",
        ),
        pytest.param(a_push({}), BOTH, id="a commit without file lists: it may"),
        pytest.param(
            a_push(a_commit(), repository=SHOP | {"full_name": "acme/.github"}),
            ["head:acme/.github", "policies:acme/.github"],
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
        {
            "command": "override",
            "argument": "it burns",
            "actor": "alice",
            "comment": 99,
            "at": "2026-11-22T20:00:00Z",
        },
    )


@pytest.mark.parametrize(
    ("association", "author", "outside"),
    [
        pytest.param("OWNER", "dora", False, id="the owner"),
        pytest.param("COLLABORATOR", "dora", False, id="somebody with a role here"),
        pytest.param("CONTRIBUTOR", "dora", True, id="somebody of whom something was merged once"),
        pytest.param("NONE", "dora", True, id="a stranger"),
        pytest.param(None, "dora", True, id="nobody says who"),
        pytest.param("NONE", "alice", False, id="whose change it is"),
    ],
)
def test_a_command_says_whether_somebody_from_outside_gives_it(
    association: str | None, author: str, *, outside: bool
) -> None:
    payload = a_comment("/gatekeeper recheck", author_association=association)
    payload["issue"] |= {"user": {"login": author}}
    (touch,) = triggered("issue_comment", payload, "created").touches
    assert ("outside" in touch.hint, touch.priority) == (
        (True, Priority.EVENT) if outside else (False, Priority.PERSON)
    )


@pytest.mark.parametrize("action", ["checks_requested", "destroyed"])
def test_a_merge_group_is_looked_at_before_what_nobody_waits_for(action: str) -> None:
    payload = {"repository": SHOP, "merge_group": {"head_sha": SHA}}
    assert triggered("merge_group", payload, action).touches == (
        Touch(WorkKey.group("acme/shop", SHA), Priority.QUEUED),
    )


@pytest.mark.parametrize(
    "event", ["installation", "installation_repositories", "installation_target", "repository"]
)
def test_what_an_app_may_see_changed(event: str) -> None:
    assert keys(event, {"installation": {"id": 7}}, "renamed") == ["installation:7"]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        pytest.param({}, {}, id="as it is"),
        pytest.param({"state": "in_progress"}, {"state": "in_progress"}, id="it begins"),
        pytest.param(
            {"production_environment": True}, {"production": True}, id="the sender calls it production"
        ),
        pytest.param(
            {"created_at": "2026-11-22T21:00:00+01:00"},
            {"at": datetime(2026, 11, 22, 20, tzinfo=UTC)},
            id="a time elsewhere",
        ),
        pytest.param({"log_url": LOG}, {"url": LOG}, id="it has a log"),
        pytest.param({"log_url": LOG, "target_url": "https://x"}, {"url": LOG}, id="the log comes first"),
        pytest.param({"log_url": "", "target_url": LOG}, {"url": LOG}, id="only the older name of it"),
        pytest.param({"target_url": "javascript:alert(1)"}, {"url": None}, id="a link that is none"),
    ],
)
def test_a_deployment_is_reported_whole(changed: dict[str, Any], expected: dict[str, Any]) -> None:
    (touch,) = triggered("deployment_status", a_deployment(**changed), "created").touches
    assert touch.key == WorkKey(Kind.DEPLOYMENTS, "acme/shop")
    assert touch.priority is Priority.EVENT
    again = json.loads(json.dumps(touch.hint))
    assert DeploymentStatus.of(again) == replace(DEPLOYED, **expected)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        pytest.param({"state": "failure"}, "changes nothing that runs", id="it failed"),
        pytest.param({"state": "waiting"}, "changes nothing that runs", id="it waits"),
        pytest.param({"state": "inactive"}, "changes nothing that runs", id="another one replaced it"),
        pytest.param({"transient_environment": True}, "will be gone", id="a preview of a pull request"),
        pytest.param({"sha": "main"}, "is no SHA", id="a branch is no SHA"),
        pytest.param({"created_at": "yesterday"}, "malformed", id="no time"),
        pytest.param({"created_at": "2026-11-22T20:00:00"}, "nothing was deployed at", id="no offset"),
        pytest.param({"created_at": "0001-01-01T00:00:00Z"}, "nothing was deployed at", id="no such time"),
        pytest.param({"ref": "a\0b"}, "zero byte", id="a zero byte, which PostgreSQL refuses"),
        pytest.param({"environment": "\ud800"}, "malformed", id="half a character"),
        pytest.param({"task": None}, "no task", id="a field is missing"),
    ],
)
def test_a_deployment_that_tells_nothing_is_ignored(changed: dict[str, Any], why: str) -> None:
    outcome = triggered("deployment_status", a_deployment(**changed), "created")
    assert outcome.touches == ()
    assert why in (outcome.ignored or "")


CALLBACK = "https://api.github.com/repos/acme/shop/actions/runs/30433642/deployment_protection_rule"


def a_rule(**changed: Any) -> dict[str, Any]:
    """A ``deployment_protection_rule`` of ``acme/shop``."""
    asked = {"environment": "production", "deployment_callback_url": CALLBACK}
    return {"repository": SHOP} | asked | changed


def test_a_job_that_waits_for_our_answer_goes_before_all_else() -> None:
    (touch,) = triggered("deployment_protection_rule", a_rule(), "requested").touches
    assert touch == Touch(
        WorkKey.run("acme/shop", 30433642), Priority.DEPLOYING, {"environment": "production"}
    )


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        pytest.param(
            {"deployment_callback_url": "https://api.github.com/"}, "names no run", id="another URL"
        ),
        pytest.param({"deployment_callback_url": None}, "no deployment_callback_url", id="no URL"),
        pytest.param({"environment": 5}, "no environment", id="an environment that is none"),
    ],
)
def test_a_rule_that_names_no_run_is_ignored(changed: dict[str, Any], why: str) -> None:
    outcome = triggered("deployment_protection_rule", a_rule(**changed), "requested")
    assert outcome.touches == ()
    assert why in (outcome.ignored or "")


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        pytest.param({}, ["deployment:acme/shop#7"], id="by the API"),
        pytest.param({"workflow_run": {"id": 5}}, [], id="by a workflow run, which waits for our rule"),
        pytest.param(
            {"deployment": {"id": 7, "transient_environment": True}},
            [],
            id="into a preview of a pull request",
        ),
        pytest.param({"deployment": {}}, [], id="without an id"),
    ],
)
def test_a_deployment_that_is_asked_for_is_looked_at(changed: dict[str, Any], expected: list[str]) -> None:
    asked = {"repository": SHOP, "deployment": {"id": 7}, "workflow": None, "workflow_run": None}
    assert keys("deployment", asked | changed) == expected


def test_githubs_own_examples_of_deployments_are_understood() -> None:
    outcomes = [triggered(event, one) for event, one in samples() if event == "deployment_status"]
    assert len(outcomes) > 1
    assert {str(touch.key) for one in outcomes for touch in one.touches} == {
        "deployments:Codertocat/Hello-World"
    }
    assert all(one.touches for one in outcomes)


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
        pytest.param("check_run", a_new_check("ci"), "created", "somebody else", id="somebody's check"),
        pytest.param(
            "check_run", a_new_check("gatekeeper"), "completed", "no request", id="our check, completed"
        ),
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


@pytest.mark.parametrize(
    ("event", "payload", "key", "made"),
    [
        pytest.param(
            "check_run", a_new_check("gatekeeper", of_shop(3)), "pull:acme/shop#3", "check", id="a check"
        ),
        pytest.param(
            "check_run", a_new_check("gatekeeper"), f"commit:acme/shop@{SHA}", "check", id="in a fork"
        ),
        pytest.param(
            "check_run",
            a_new_check("gatekeeper/policy", of_shop(3)),
            "pull:acme/shop#3",
            "policy check",
            id="the check of a proposal",
        ),
        pytest.param(
            "issue_comment",
            a_comment(
                "<!-- gatekeeper -->\n\nFrozen.", id=7, user={"login": "gatekeeper[bot]", "type": "Bot"}
            ),
            "pull:acme/shop#12",
            "comment",
            id="a comment of the App's",
        ),
        pytest.param(
            "issue_comment",
            a_comment("<!-- gatekeeper/policy -->\n\nLooser.", id=7),
            "pull:acme/shop#12",
            "policy comment",
            id="a comment by whoever's token we have",
        ),
    ],
)
def test_what_looks_like_ours_is_told_by_its_id(
    event: str, payload: dict[str, Any], key: str, made: str
) -> None:
    touch, *whose = triggered(event, payload, "created").touches
    assert (str(touch.key), touch.hint, touch.priority) == (key, {"made": made, "id": 7}, Priority.EVENT)
    by = (
        {"check": payload["check_run"]["name"], "id": 7, "sha": SHA, "actor": "gatekeeper[bot]"}
        if whose
        else {}
    )
    assert [(str(one.key), one.hint) for one in whose] == ([(key, by)] if event == "check_run" else [])


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
    ("check_run", "created", a_new_check("gatekeeper", of_shop(3))),
    ("check_run", "requested_action", a_check("check_run", requested_action={"identifier": "x"})),
    ("check_suite", "rerequested", a_check("check_suite", of_shop(3))),
    ("issue_comment", "created", a_comment()),
    ("deployment_status", "created", a_deployment()),
    ("deployment_protection_rule", "requested", a_rule()),
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


def test_what_touches_anything_may_trigger_as_far_as_its_name_tells() -> None:
    """Otherwise it would not be asked for again when it is lost."""
    given = [(event, one.get("action"), one) for event, one in samples()] + WELL_FORMED
    touching = {
        (event, action) for event, action, payload in given if triggered(event, payload, action).touches
    }
    touching -= {("check_run", "created")}  # as a rule our own; and everybody's checks are announced
    assert {event for event, _ in touching} >= {"pull_request", "push", "check_run", "deployment_status"}
    assert [one for one in sorted(touching, key=str) if not may_trigger(*one)] == []
