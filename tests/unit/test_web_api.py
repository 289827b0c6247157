"""The JSON API: exact names and units, every answer as the OpenAPI description says, null for what is not measured."""

import json
import math
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator

import faces
from builders import DAY, NOW, a_view, measured
from gatekeeper.availability.measure import Measured
from gatekeeper.bootstrap import Gatekeeper
from gatekeeper.decide.verdict import State
from gatekeeper.web.app import create_app
from gatekeeper.web.openapi import description
from gatekeeper.web.views import objective_reports

SERVICE = {
    *(
        "name",
        "organization",
        "state",
        "since",
        "expected_end",
        "reasons",
        "opening",
        "blocked",
        "objectives",
    ),
}
OBJECTIVE = {
    *("name", "target", "window_seconds", "good", "bad", "total", "availability", "budget_remaining"),
    *("coverage", "watermark", "burn", "incidents", "mtbf_seconds", "mttr_seconds", "approximate", "query"),
    *("exception", "adjustments", "raw", "audits"),
    *("window_start", "window_end", "interpolated", "partial_since", "source_short", "redefined", "time_up"),
    *("expected_total", "resets_at"),
    *("mtbf_at_least_seconds", "mttr_at_least_seconds"),
}
DETAIL = SERVICE | {"incidents", "transitions", "deployments", "overrides", "forecast", "adoption"}


@pytest.fixture(scope="module")
def gatekeeper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gatekeeper]:
    one = faces.populated(tmp_path_factory.mktemp("api"))
    yield one
    one.close()


@pytest.fixture(scope="module")
def client(gatekeeper: Gatekeeper) -> FlaskClient:
    return create_app(gatekeeper).test_client()


def answered(client: FlaskClient, path: str, status: int = 200) -> Any:
    """The answer, held to the API's own description."""
    answer = client.get(f"/api/v1{path}")
    assert answer.status_code == status, answer.text
    assert answer.mimetype == "application/json"
    parsed = json.loads(answer.data, parse_constant=pytest.fail)
    conforms(path, status, parsed)
    return parsed


def conforms(path: str, status: int, parsed: Any) -> None:
    document = description()
    parts = path.split("?", maxsplit=1)[0].strip("/").split("/")
    template = f"/{parts[0]}" + ("/{name}" if parts[:1] == ["services"] else "/{id}") * (len(parts) > 1)
    content = document["paths"][template]["get"]["responses"][str(status)]["content"]
    schema = {**content["application/json"]["schema"], "components": document["components"]}
    Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(parsed)


def service(client: FlaskClient, name: str) -> Any:
    (one,) = (one for one in answered(client, "/services")["services"] if one["name"] == name)
    return one


def test_the_list_has_the_names_that_others_rely_on_and_no_others(client: FlaskClient) -> None:
    answer = answered(client, "/services")
    assert set(answer) == {"services"}
    assert [one["name"] for one in answer["services"]] == sorted(faces.SERVICES)
    for one in answer["services"]:
        assert set(one) == SERVICE
        for objective in one["objectives"]:
            assert set(objective) == OBJECTIVE
            assert list(objective["burn"]) == ["300", "3600", "21600"]


@pytest.mark.parametrize("name", sorted(faces.SERVICES))
def test_a_service_alone_has_its_history_too(client: FlaskClient, name: str) -> None:
    detail = answered(client, f"/services/{name}")
    assert set(detail) == DETAIL
    assert {key: detail[key] for key in SERVICE} == service(client, name)


def test_numbers_are_those_of_the_evidence_unrounded(client: FlaskClient, gatekeeper: Gatekeeper) -> None:
    standing = gatekeeper.stores.gates.standing("acme/checkout")
    assert standing is not None
    found = standing.view.objectives[0].evidence
    assert isinstance(found, Measured)
    told = service(client, "checkout")["objectives"][0]
    assert (told["good"], told["bad"], told["total"]) == (found.good, found.bad, found.total)
    assert told["availability"] == found.availability
    assert told["budget_remaining"] == found.remaining < 0
    assert told["burn"] == {str(span): dict(found.burn)[span] for span in (300, 3600, 21600)}
    assert told["target"] == 0.9995
    assert told["window_seconds"] == 28 * 86_400
    assert told["budget_remaining"] == pytest.approx(1 - told["bad"] / (0.0005 * told["total"]), abs=1e-12)
    assert told["incidents"] == 3
    assert told["mttr_seconds"] == 1200
    assert told["time_up"] == told["mtbf_seconds"] / (told["mtbf_seconds"] + told["mttr_seconds"])
    assert datetime.fromisoformat(told["window_start"]) == found.window_start
    assert datetime.fromisoformat(told["window_end"]) == found.window_end


def test_without_a_failure_there_is_a_bound_and_no_infinity(client: FlaskClient) -> None:
    told = service(client, "newsletter")["objectives"][0]
    assert (told["incidents"], told["mtbf_seconds"], told["mttr_seconds"], told["time_up"]) == (
        0,
        None,
        None,
        None,
    )
    assert told["mtbf_at_least_seconds"] == pytest.approx(3 * 86_400, rel=0.01), "a third of nine days"


def test_a_frozen_service_says_why_until_when_and_what_waits(client: FlaskClient) -> None:
    one = service(client, "checkout")
    assert one["state"] == "frozen"
    assert one["blocked"] == ["acme/shop#12", "acme/shop#14"]
    assert any("freeze.below" in reason for reason in one["reasons"])
    assert not any("`" in reason for reason in one["reasons"])
    assert datetime.fromisoformat(one["expected_end"]) > faces.NOW


def test_times_are_utc_and_say_so(client: FlaskClient) -> None:
    detail = answered(client, "/services/checkout")
    times = [detail["since"], detail["expected_end"], detail["objectives"][0]["watermark"]]
    times += [incident["start"] for incident in detail["incidents"]]
    times += [moved["at"] for moved in detail["transitions"]]
    assert all(time.endswith("Z") for time in times)


def test_what_is_not_measured_is_null_and_never_a_number(client: FlaskClient) -> None:
    (objective,) = service(client, "recommendations")["objectives"]
    told = {"name", "target", "window_seconds", "window_start", "window_end", "source_short", "query"}
    measured = OBJECTIVE - told - {"coverage", "burn", "approximate", "adjustments", "audits"}
    assert {objective[key] for key in measured} == {None}
    assert set(objective["burn"].values()) == {None}
    assert objective["coverage"] == 0


def test_a_bound_is_no_mean(client: FlaskClient) -> None:
    (objective,) = service(client, "newsletter")["objectives"]
    assert objective["incidents"] == 0
    assert objective["mtbf_seconds"] is None
    assert objective["mttr_seconds"] is None


def test_an_approximate_number_says_so(client: FlaskClient) -> None:
    exact, approximate = service(client, "payments")["objectives"]
    assert (exact["approximate"], approximate["approximate"]) == (False, True)
    assert approximate["query"] == (
        'bad: sum(increase(slow_total{job="payments"}[$window]))\n'
        'total: sum(increase(all_total{job="payments"}[$window]))'
    )


def test_stale_evidence_is_among_the_reasons(client: FlaskClient) -> None:
    one = service(client, "legacy")
    assert one["state"] == "open"
    assert any("not known" in reason for reason in one["reasons"])


def test_a_policy_that_is_not_in_force_is_among_the_reasons(client: FlaskClient) -> None:
    assert any("not in force" in reason for reason in service(client, "search")["reasons"])


def test_transitions_carry_their_numbers(client: FlaskClient) -> None:
    newest, first = answered(client, "/services/checkout")["transitions"]
    assert (first["before"], first["after"], first["reasons"]) == (None, "open", [])
    (reason,) = newest["reasons"]
    assert (reason["rule"], reason["limit"], reason["window_seconds"]) == ("freeze.below", 0.0, None)
    assert reason["found"] < 0


def test_incidents_add_up_to_no_more_than_the_bad_events(client: FlaskClient) -> None:
    detail = answered(client, "/services/checkout")
    (objective,) = detail["objectives"]
    assert len(detail["incidents"]) == objective["incidents"]
    assert 0 < math.fsum(one["bad"] for one in detail["incidents"]) <= objective["bad"]


def test_overrides_are_those_of_the_services_own_pull_requests(client: FlaskClient) -> None:
    overrides = answered(client, "/services/checkout")["overrides"]
    assert [(one["pull_request"], one["granted"]) for one in overrides] == [
        ("acme/shop#12", False),
        ("acme/shop#17", True),
    ]
    assert answered(client, "/services/payments")["overrides"] == []


def test_the_forecast_names_what_has_to_leave_the_window(client: FlaskClient) -> None:
    forecast = answered(client, "/services/checkout")["forecast"]
    assert forecast["thaw_at"] == forecast["objectives"][0]["thaw_at"]
    (stretch, *_) = forecast["objectives"][0]["frees"]
    times = {key: datetime.fromisoformat(at) for key, at in stretch.items() if key != "bad"}
    assert times["leaves_from"] - times["start"] == times["leaves_until"] - times["end"] == timedelta(days=28)
    spread = forecast["objectives"][0]["thaw_spread"]
    assert spread["earliest"] <= forecast["thaw_at"] <= spread["latest"]
    assert spread["weeks"] == 4


def test_nothing_is_foreseen_without_evidence(client: FlaskClient) -> None:
    assert answered(client, "/services/recommendations")["forecast"]["objectives"][0] == {
        "name": "availability",
        "thaw_at": None,
        "thaw_by": None,
        "thaw_spread": None,
        "frees": [],
        "exhausted_at": None,
    }


def test_decisions_come_newest_first_and_one_by_one(client: FlaskClient, gatekeeper: Gatekeeper) -> None:
    decisions = answered(client, "/decisions")["decisions"]
    assert {one["subject"] for one in decisions} == {"acme/shop#12", "acme/shop#14", "acme/shop#17"}
    for one in decisions:
        detail = answered(client, f"/decisions/{one['id']}")
        assert {key: detail[key] for key in one} == one
        stored = gatekeeper.stores.decisions.find(one["id"])
        assert stored is not None
        assert detail["decision"] == json.loads(stored.decision_text)


def test_decisions_can_be_asked_for_by_pull_request(client: FlaskClient) -> None:
    (one,) = answered(client, "/decisions?subject=acme/shop%2317&limit=5")["decisions"]
    assert one["verdict"] == "allow"
    (ruling,) = one["rulings"]
    assert (ruling["why"], ruling["effective"]) == ("overridden", "allow")


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        pytest.param("/services/nope", 404, "no service is named nope", id="an unknown service"),
        pytest.param(
            "/services/checkout?organization=other", 404, "in other", id="a service of another organization"
        ),
        pytest.param("/decisions/nope", 404, "no decision nope", id="an unknown decision"),
        pytest.param("/decisions?limit=0", 400, "limit", id="a limit below the least"),
        pytest.param("/decisions?limit=201", 400, "limit", id="a limit above the most"),
        pytest.param("/decisions?limit=1e1", 400, "limit", id="a limit that is no number"),
        pytest.param("/decisions?limit=²", 400, "limit", id="a limit in superscript"),
    ],
)
def test_a_refusal_is_json_that_says_why(client: FlaskClient, path: str, status: int, words: str) -> None:
    answer = answered(client, path, status)
    assert list(answer) == ["error"]
    assert words in answer["error"]


def test_what_does_not_exist_below_the_api_is_json_too(client: FlaskClient) -> None:
    answer = client.get("/api/v1/nothing")
    assert answer.status_code == 404
    assert set(answer.get_json()) == {"error"}
    assert client.post("/api/v1/services").status_code == 405


def test_one_name_in_two_organizations_has_to_be_told_apart(tmp_path: Path) -> None:
    gatekeeper = faces.gatekeeper_at(tmp_path)
    faces.put_policies(gatekeeper, "checkout")
    faces.put_policies(gatekeeper, "checkout", organization="other")
    client = create_app(gatekeeper).test_client()
    answer = answered(client, "/services/checkout", 409)
    assert answer["choices"] == ["acme/checkout", "other/checkout"]
    assert answered(client, "/services/checkout?organization=other")["organization"] == "other"
    gatekeeper.close()


def test_a_service_that_was_never_looked_at_has_no_since(tmp_path: Path) -> None:
    gatekeeper = faces.gatekeeper_at(tmp_path)
    faces.put_policies(gatekeeper, "checkout")
    one = service(create_app(gatekeeper).test_client(), "checkout")
    assert (one["state"], one["since"], one["expected_end"]) == ("open", None, None)
    assert one["reasons"]
    gatekeeper.close()


def test_the_description_is_a_valid_openapi_document_with_every_schema_valid() -> None:
    document = description()
    assert document["openapi"].startswith("3.1")
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    references = json.dumps(document).count('"$ref"')
    assert references > 10
    for name in {part.split('"')[0] for part in json.dumps(document).split("#/components/schemas/")[1:]}:
        assert name in document["components"]["schemas"]


def test_the_description_tells_of_every_route(client: FlaskClient) -> None:
    rules = {
        rule.rule.removeprefix("/api/v1").replace("<name>", "{name}").replace("<identity>", "{id}")
        for rule in client.application.url_map.iter_rules()
        if rule.rule.startswith("/api/v1/")
    }
    assert rules == {*description()["paths"], "/openapi.json"}
    assert client.get("/api/v1/openapi.json").json == json.loads(json.dumps(description()))


def test_each_deployment_has_what_it_cost_and_how_sure_that_is(client: FlaskClient) -> None:
    """Commit by commit, the newest first; the one into staging met no users."""
    told = answered(client, "/services/checkout")["deployments"]
    assert [one["sha"][:2] for one in told] == ["f6", "e5", "c3", "d4", "c3", "b2", "a1"]
    by_id = {one["id"]: one for one in told}
    rollback, faulty = by_id["6"], by_id["5"]
    assert (rollback["rollback_of"], rollback["costs"]) == ("5", [])
    assert faulty["rolled_back_by"] == ["6"]
    (cost,) = faulty["costs"]
    incident = max(answered(client, "/services/checkout")["incidents"], key=lambda one: one["bad"])
    assert cost["certain"]
    assert cost["budget_share"] == pytest.approx(incident["budget_share"], rel=0.01)
    assert cost["bad"] == pytest.approx(incident["bad"], rel=0.01)
    assert by_id["8"]["costs"][0]["ambiguous_with"] == ["7"]
    assert datetime.fromisoformat(faulty["start"]) == faces.NOW - faces.DEPLOYMENTS[4].ago
    assert faulty["url"].startswith("https://github.com/acme/shop/")


def test_what_a_deployment_cost_is_null_where_nothing_was_measured(client: FlaskClient) -> None:
    told = answered(client, "/services/recommendations")["deployments"]
    numbers = ("until", "bad", "sigma", "budget_share", "certain")
    assert {one["costs"][0][name] for one in told if one["costs"] for name in numbers} == {None}


@pytest.mark.parametrize(
    ("found", "expected", "resets"),
    [
        pytest.param(
            measured(0.5, to_come=500, total=1_000, resets_at=NOW + DAY), 1_500, NOW + DAY, id="a month"
        ),
        pytest.param(measured(0.5, total=1_000), 1_000, None, id="a rolling window"),
    ],
)
def test_the_events_of_the_whole_window_are_told(
    found: Measured, expected: float, resets: datetime | None
) -> None:
    (told,) = objective_reports(a_view(State.OPEN, found))
    assert (told.total, told.expected_total, told.resets_at) == (1_000, expected, resets)
