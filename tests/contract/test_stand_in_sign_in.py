"""Who may ask the stand-in what: JSON Web Tokens, installation tokens, permissions, personal tokens."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import jwt
import pytest

from gatekeeper.demo.github import AppKey, StandIn, acme
from gatekeeper.demo.github.acme import APP_ID, PERMISSIONS
from standin import Client

if TYPE_CHECKING:
    from collections.abc import Iterator

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
SHOP = "/repos/acme/shop"


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


KEY = AppKey()


@pytest.fixture
def github(clock: Clock) -> Iterator[StandIn]:
    with StandIn(acme(clock, public_key=KEY.public), app_key=KEY) as github:
        github.state.open_prepared(github.state.prepared[0], author="dev1")
        yield github


@pytest.fixture
def client(github: StandIn) -> Iterator[Client]:
    with Client(github) as client:
        yield client


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


@pytest.mark.parametrize(
    ("issued", "life", "status", "says"),
    [
        pytest.param(minutes(0), minutes(9), 200, "gatekeeper", id="a fresh one of nine minutes"),
        pytest.param(minutes(-1), minutes(10), 200, "gatekeeper", id="back-dated as GitHub advises"),
        pytest.param(minutes(-1), minutes(1), 401, "future time", id="just expired"),
        pytest.param(minutes(0), minutes(20), 401, "too far in the future", id="living too long"),
        pytest.param(minutes(5), minutes(5), 401, "in the past", id="issued in the future"),
    ],
)
def test_a_json_web_token_is_held_to_its_times(
    client: Client, issued: timedelta, life: timedelta, status: int, says: str
) -> None:
    answer = client.as_app(client.json_web_token(issued=issued, life=life)).get("/app")
    assert answer.status_code == status
    assert says in answer.text


CLAIMS = {"iss": str(APP_ID), "iat": int(NOON.timestamp()), "exp": int((NOON + minutes(9)).timestamp())}


@pytest.mark.parametrize(
    "token",
    [
        pytest.param(jwt.encode(CLAIMS, AppKey().private, algorithm="RS256"), id="signed with another key"),
        pytest.param(jwt.encode(CLAIMS, "x" * 32, algorithm="HS256"), id="signed with a shared secret"),
        pytest.param(
            jwt.encode(CLAIMS | {"iss": "1"}, KEY.private, algorithm="RS256"), id="of an unknown App"
        ),
        pytest.param(jwt.encode({"iat": CLAIMS["iat"]}, KEY.private, algorithm="RS256"), id="of nobody"),
        pytest.param("a.b.c", id="that is none"),
    ],
)
def test_a_json_web_token_that_is_not_the_apps_is_refused(client: Client, token: str) -> None:
    answer = client.with_token(token).get("/app")
    assert answer.status_code == 401
    assert answer.json()["message"] == "A JSON web token could not be decoded"


@pytest.mark.parametrize("missing", ["iat", "exp"])
def test_a_json_web_token_needs_its_times(client: Client, missing: str) -> None:
    claims = {name: value for name, value in CLAIMS.items() if name != missing}
    answer = client.with_token(jwt.encode(claims, KEY.private, algorithm="RS256")).get("/app")
    assert answer.status_code == 401
    assert missing in answer.json()["message"]


def test_an_installation_token_lasts_an_hour(client: Client, clock: Clock) -> None:
    client.as_installation()
    clock.now = NOON + minutes(59)
    assert client.get(SHOP).status_code == 200
    clock.now = NOON + minutes(60)
    refused = client.get(SHOP)
    assert (refused.status_code, refused.json()["message"]) == (401, "Bad credentials")


def test_an_uninstalled_apps_tokens_stop_working(github: StandIn, client: Client) -> None:
    client.as_installation()
    github.state.uninstall(min(github.state.installations), by="ops1")
    assert client.get(SHOP).status_code == 401


def test_a_token_narrowed_to_a_repository_does_not_see_the_others(client: Client) -> None:
    client.as_installation(repositories=["shop"])
    assert client.get(SHOP).status_code == 200
    assert client.get("/repos/acme/.github").status_code == 404
    listed = client.get("/installation/repositories").json()
    assert [one["name"] for one in listed["repositories"]] == ["shop"]


RUN = {"name": "gatekeeper", "head_sha": "main"}
NEEDED: list[tuple[str, str, str, Any]] = [
    ("checks", "POST", f"{SHOP}/check-runs", RUN),
    ("contents", "GET", f"{SHOP}/contents/README.md", None),
    ("members", "GET", "/orgs/acme/teams/sre/memberships/ops1", None),
    ("pull_requests", "GET", f"{SHOP}/pulls/1", None),
    ("pull_requests", "POST", f"{SHOP}/issues/1/comments", {"body": "x"}),
    ("pull_requests", "POST", f"{SHOP}/issues/1/labels", {"labels": ["x"]}),
    ("statuses", "POST", f"{SHOP}/statuses/main", {"state": "success"}),
]


@pytest.mark.parametrize(("permission", "method", "path", "body"), NEEDED)
def test_what_was_not_granted_is_refused(
    github: StandIn, client: Client, permission: str, method: str, path: str, body: Any
) -> None:
    granted = {name: level for name, level in PERMISSIONS.items() if name != permission}
    github.state.grant(min(github.state.installations), granted)
    answer = client.as_installation().request(method, path, json=body)
    assert answer.status_code == 403
    assert answer.json()["message"] == "Resource not accessible by integration"


def test_reading_needs_no_permission_to_write(github: StandIn, client: Client) -> None:
    github.state.grant(min(github.state.installations), dict.fromkeys(PERMISSIONS, "read"))
    client.as_installation()
    assert client.get(f"{SHOP}/pulls/1").status_code == 200
    assert client.post(f"{SHOP}/check-runs", json=RUN).status_code == 403


@pytest.mark.parametrize(
    ("login", "status"),
    [
        pytest.param("dev1", 201, id="write may"),
        pytest.param("po1", 403, id="triage may not"),
        pytest.param("outsider", 403, id="read may not"),
    ],
)
def test_a_persons_token_sets_statuses_if_they_may_write(
    github: StandIn, client: Client, login: str, status: int
) -> None:
    head = github.state.pull("acme/shop", 1).head_sha
    answer = client.as_person(login).post(f"{SHOP}/statuses/{head}", json={"state": "success"})
    assert answer.status_code == status


def test_a_pending_member_is_told_as_pending(github: StandIn, client: Client) -> None:
    client.as_installation()
    path = "/orgs/acme/teams/sre/memberships/dev1"
    assert client.get(path).status_code == 404
    github.state.invite("acme", "sre", "dev1")
    assert client.get(path).json()["state"] == "pending"
    github.state.join("acme", "sre", "dev1")
    assert client.get(path).json()["state"] == "active"
    github.state.leave("acme", "sre", "dev1")
    assert client.get(path).status_code == 404


def test_a_member_of_a_child_team_is_a_member(github: StandIn, client: Client) -> None:
    github.state.add_team("acme", "sre-emea", parent="sre", members=["dev1"])
    assert client.as_installation().get("/orgs/acme/teams/sre/memberships/dev1").json()["state"] == "active"


@pytest.mark.parametrize(
    ("login", "legacy", "role"),
    [
        pytest.param("dev1", "write", "write", id="write"),
        pytest.param("po1", "read", "triage", id="triage is folded into read"),
        pytest.param("ops1", "write", "maintain", id="maintain is folded into write"),
        pytest.param("outsider", "read", "read", id="read"),
    ],
)
def test_the_role_is_told_beside_its_folded_form(client: Client, login: str, legacy: str, role: str) -> None:
    answer = client.as_installation().get(f"{SHOP}/collaborators/{login}/permission").json()
    assert (answer["permission"], answer["role_name"]) == (legacy, role)
