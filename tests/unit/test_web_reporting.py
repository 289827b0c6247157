"""``POST /api/v1/deployments``: only with a token, once per id, and beside what GitHub reported."""

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator

import faces
from gatekeeper.bootstrap import Gatekeeper
from gatekeeper.policy.loader import PolicyFile
from gatekeeper.web.app import create_app
from gatekeeper.web.openapi import description

SHA = "9" * 40
BEARER = {"Authorization": "Bearer s3cr3t"}
REPORT: dict[str, Any] = {
    "id": "build-7",
    "repository": "acme/shop",
    "environment": "production",
    "sha": SHA,
    "state": "success",
}


@pytest.fixture
def gatekeeper(tmp_path: Path) -> Iterator[Gatekeeper]:
    one = faces.gatekeeper_at(tmp_path, api_token="s3cr3t,älter")
    faces.put_policies(one, "checkout", "search")
    yield one
    one.close()


@pytest.fixture
def client(gatekeeper: Gatekeeper) -> FlaskClient:
    return create_app(gatekeeper).test_client()


def post(client: FlaskClient, report: object, headers: Mapping[str, str] | None = None) -> tuple[int, Any]:
    """Status and answer, held to the API's own description; and the report too, where it was taken."""
    body = report if isinstance(report, bytes) else json.dumps(report)
    answer = client.post("/api/v1/deployments", data=body, headers=BEARER if headers is None else headers)
    document = description()
    operation = document["paths"]["/deployments"]["post"]
    conforms(operation["responses"][str(answer.status_code)], answer.get_json())
    if answer.status_code < 300:
        conforms(operation["requestBody"], report)
    return answer.status_code, answer.get_json()


def conforms(content: Any, value: Any) -> None:
    schema = {**content["content"]["application/json"]["schema"], "components": description()["components"]}
    Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(value)


def on_record(gatekeeper: Gatekeeper) -> list[tuple[object, ...]]:
    found = gatekeeper.stores.deployments.of(["acme/shop"])
    return [(one.id, one.environment, one.sha, one.start, one.task, one.url) for one in found]


def test_it_is_on_record_from_its_beginning_however_often_it_is_reported(
    client: FlaskClient, gatekeeper: Gatekeeper
) -> None:
    began = REPORT | {
        "state": "in_progress",
        "at": "2026-11-22T20:00:00+01:00",
        "url": "https://ci.acme.example/7",
    }
    answers = [post(client, one) for one in (began, REPORT, began, REPORT)]
    assert [status for status, _ in answers] == [201, 200, 200, 200]
    told = {"id": "acme/shop:build-7", "services": ["acme/checkout", "acme/search"]}
    assert [one for _, one in answers] == [told | {"new": new} for new in (True, False, False, False)]
    start = faces.NOW.replace(hour=19, minute=0, second=0)
    assert on_record(gatekeeper) == [
        ("acme/shop:build-7", "production", SHA, start, "deploy", "https://ci.acme.example/7")
    ]


def test_without_a_time_it_is_now(client: FlaskClient, gatekeeper: Gatekeeper) -> None:
    post(client, REPORT)
    assert [one[3] for one in on_record(gatekeeper)] == [faces.NOW]


def test_it_stands_beside_those_of_github(client: FlaskClient, gatekeeper: Gatekeeper) -> None:
    """GitHub's second deployment has the id that the pipeline's second build has."""
    faces.deploy(gatekeeper, *faces.DEPLOYMENTS[:2])
    post(client, REPORT | {"id": "2"})
    assert sorted(str(one[0]) for one in on_record(gatekeeper)) == ["1", "2", "acme/shop:2"]
    told = client.get("/api/v1/services/checkout").get_json()["deployments"]
    assert told[0]["id"] == "acme/shop:2"
    assert 'id="deployment-acme/shop:2"' in client.get("/services/checkout").text


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"sha": "8" * 40}, id="another commit"),
        pytest.param({"environment": "staging"}, id="another environment"),
        pytest.param({"task": "rollback"}, id="another task"),
        pytest.param({"service": "checkout"}, id="another service"),
    ],
)
def test_an_id_that_is_taken_is_refused_and_changes_nothing(
    client: FlaskClient, gatekeeper: Gatekeeper, change: dict[str, str]
) -> None:
    post(client, REPORT)
    before = on_record(gatekeeper)
    status, answer = post(client, REPORT | change)
    assert (status, "an id of its own" in answer["error"]) == (409, True)
    assert on_record(gatekeeper) == before


def test_one_id_in_two_repositories_is_two(client: FlaskClient) -> None:
    assert post(client, REPORT)[0] == 201
    assert post(client, REPORT | {"repository": "acme/other"}) == (
        201,
        {"id": "acme/other:build-7", "new": True, "services": []},
    )
    assert post(client, REPORT | {"repository": "ACME/Shop"})[0] == 200, "GitHub's names ignore case"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({}, 401, id="no token"),
        pytest.param({"Authorization": "Bearer wrong"}, 401, id="a wrong one"),
        pytest.param({"Authorization": "Bearer s3cr3"}, 401, id="a part of it"),
        pytest.param({"Authorization": "Bearer s3cr3t,älter"}, 401, id="both at once"),
        pytest.param({"Authorization": "Bearer"}, 401, id="an empty one"),
        pytest.param({"Authorization": "Basic s3cr3t"}, 401, id="another scheme"),
        pytest.param({"Authorization": "bearer s3cr3t"}, 201, id="the scheme in small letters"),
    ],
)
def test_only_with_a_token(
    client: FlaskClient, gatekeeper: Gatekeeper, headers: Mapping[str, str], status: int
) -> None:
    found, answer = post(client, REPORT, headers)
    assert (found, len(on_record(gatekeeper))) == (status, int(status == 201))
    assert "s3cr3t" not in json.dumps(answer)


def test_who_has_no_token_is_told_how_to_send_one_before_anything_is_read(client: FlaskClient) -> None:
    answer = client.post("/api/v1/deployments", data=b"\xff")
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize("token", ["", " , "])
def test_without_a_token_set_nobody_may_report(tmp_path: Path, token: str) -> None:
    gatekeeper = faces.gatekeeper_at(tmp_path, api_token=token)
    client = create_app(gatekeeper).test_client()
    for authorization in ("", "Bearer ", "Bearer"):
        status, answer = post(client, REPORT, {"Authorization": authorization})
        assert (status, "GATEKEEPER_API_TOKEN is not set" in answer["error"]) == (403, True)
    gatekeeper.close()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param({"sha": "main"}, "sha: ", id="no commit"),
        pytest.param({"sha": "9" * 39}, "sha: ", id="a part of one"),
        pytest.param({"sha": SHA + "\n"}, "sha: ", id="a commit and a line's end"),
        pytest.param({"id": ""}, "id: ", id="no id"),
        pytest.param({"id": 'x"><script>'}, "id: ", id="an id that is markup"),
        pytest.param({"repository": "shop"}, "repository: ", id="no owner"),
        pytest.param({"repository": "acme/shop/x"}, "repository: ", id="no repository"),
        pytest.param({"environment": ""}, "environment: ", id="no environment"),
        pytest.param({"environment": "a\0b"}, "zero byte", id="what no database stores"),
        pytest.param({"state": "failure"}, "state: ", id="a state that does not count"),
        pytest.param({"at": "2026-11-22T20:00:00"}, "at: ", id="a time without its zone"),
        pytest.param({"at": "2026-11-22T20:09:00Z"}, "in the future", id="a time to come"),
        pytest.param({"at": "1999-01-01T00:00:00Z"}, "nothing was deployed at", id="a time before all"),
        pytest.param({"at": "0001-01-01T00:00:00+14:00"}, "nothing was deployed at", id="before any time"),
        pytest.param({"at": "9999-12-31T23:59:59-12:00"}, "in the future", id="no time at all"),
        pytest.param({"url": "javascript:alert(1)"}, "url: ", id="no address"),
        pytest.param({"service": "nope"}, "service: no policy of that name", id="an unknown service"),
        pytest.param(
            {"service": "checkout", "repository": "acme/other"},
            "names acme/other",
            id="a service of another repository",
        ),
        pytest.param({"sah": SHA}, "sah: ", id="a key that nobody knows"),
    ],
)
def test_a_report_that_is_wrong_is_refused_with_its_mistake(
    client: FlaskClient, gatekeeper: Gatekeeper, change: dict[str, str], words: str
) -> None:
    status, answer = post(client, REPORT | change)
    assert (status, words in answer["error"]) == (400, True), answer
    assert on_record(gatekeeper) == []


def test_all_mistakes_are_said_at_once(client: FlaskClient) -> None:
    answer = post(client, {"id": "7"})[1]
    assert [one.split(":")[0] for one in answer["error"].split("; ")] == [
        "repository",
        "environment",
        "sha",
        "state",
    ]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param(b"", 400, id="nothing"),
        pytest.param(b"state=success", 400, id="a form"),
        pytest.param(b"[]", 400, id="a list"),
        pytest.param(b'"\xff"', 400, id="no text"),
        pytest.param(b'{"id": "\\ud800"}', 400, id="half a character"),
        pytest.param(b" " * 70_000, 413, id="too much"),
    ],
)
def test_what_is_no_report_is_refused(client: FlaskClient, body: bytes, status: int) -> None:
    assert post(client, body)[0] == status


def test_a_clock_that_is_a_little_ahead_is_forgiven(client: FlaskClient) -> None:
    at = (faces.NOW + timedelta(minutes=5)).isoformat()
    assert post(client, REPORT | {"at": at})[0] == 201


def test_in_a_repository_of_several_services_it_may_be_one_ones_only(client: FlaskClient) -> None:
    status, answer = post(client, REPORT | {"service": "search", "repository": "ACME/shop"})
    assert (status, answer["services"]) == (201, ["acme/search"])
    for name, ids in (("search", ["acme/shop:build-7"]), ("checkout", [])):
        told = client.get(f"/api/v1/services/{name}").get_json()["deployments"]
        assert [one["id"] for one in told] == ids


def test_it_bears_what_went_bad_after_it(tmp_path: Path) -> None:
    gatekeeper = faces.gatekeeper_at(tmp_path, api_token="s3cr3t")
    faces.measure(gatekeeper, *faces.put_policies(gatekeeper, "checkout"))
    client = create_app(gatekeeper).test_client()
    at = faces.NOW - timedelta(days=3, hours=5, minutes=3)
    assert post(client, REPORT | {"at": at.isoformat(), "state": "in_progress"})[0] == 201
    assert post(client, REPORT | {"at": (at + timedelta(minutes=2)).isoformat()})[0] == 200
    detail = client.get("/api/v1/services/checkout").get_json()
    ((cost,),) = [one["costs"] for one in detail["deployments"]]
    incident = max(detail["incidents"], key=lambda one: one["bad"])
    assert cost["certain"]
    assert cost["budget_share"] == pytest.approx(incident["budget_share"], rel=0.01)
    gatekeeper.close()


def test_what_is_reported_counts_for_the_pace(tmp_path: Path) -> None:
    gatekeeper = faces.gatekeeper_at(tmp_path, api_token="s3cr3t")
    paced = faces.policy("search").text.replace(
        "    mode:", "    caution: {pace: {deployments: 2/day}}\n    mode:"
    )
    (service,) = faces.put_in_force(gatekeeper, PolicyFile("policies/search.yaml", paced))
    faces.measure(gatekeeper, service)
    client = create_app(gatekeeper).test_client()

    def gate(environment: str = "production") -> tuple[str, str]:
        told = client.get(f"/api/v1/services/search/gate?environment={environment}").get_json()
        return told["effective"], told["why"]

    def deploy(identity: str, ago: timedelta, sha: str) -> None:
        at = (faces.NOW - ago).isoformat()
        assert post(client, REPORT | {"id": identity, "at": at, "sha": sha})[0] == 201

    deploy("1", timedelta(hours=30), "1" * 40)
    deploy("2", timedelta(hours=20), "2" * 40)
    assert gate() == ("warn", "caution")
    deploy("3", timedelta(hours=2), "3" * 40)
    assert gate() == ("block", "more changes a day than the pace allows")
    assert gate("canary") == ("warn", "caution"), "an environment of its own"
    gatekeeper.close()
