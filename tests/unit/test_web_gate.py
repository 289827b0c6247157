"""``GET /api/v1/services/NAME/gate``: whether to deploy, and what the answer is made of."""

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from structlog.testing import capture_logs

import faces
from gatekeeper.bootstrap import Gatekeeper
from gatekeeper.decide.change import check_of, judge
from gatekeeper.decide.snapshot import Opening
from gatekeeper.decide.verdict import Verdict
from gatekeeper.policy.gate import Mode
from gatekeeper.store.decisions import DECISION
from gatekeeper.web.answers import AnswersOnRecord
from gatekeeper.web.app import create_app
from gatekeeper.web.openapi import description
from gatekeeper.web.reading import Reading
from gatekeeper.web.waiting import Waiting

PATH = "/api/v1/services/{}/gate?environment={}"


@pytest.fixture(scope="module")
def gatekeeper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gatekeeper]:
    one = faces.populated(tmp_path_factory.mktemp("gate"))
    yield one
    one.close()


@pytest.fixture(scope="module")
def client(gatekeeper: Gatekeeper) -> FlaskClient:
    return create_app(gatekeeper).test_client()


def answered(client: FlaskClient, path: str, status: int = 200) -> Any:
    """The answer, held to the API's own description."""
    answer = client.get(path)
    assert answer.status_code == status, answer.text
    parsed = json.loads(answer.data, parse_constant=pytest.fail)
    document = description()
    content = document["paths"]["/services/{name}/gate"]["get"]["responses"][str(status)]["content"]
    schema = {**content["application/json"]["schema"], "components": document["components"]}
    Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(parsed)
    return parsed


@pytest.mark.parametrize(
    ("name", "told"),
    [
        pytest.param("checkout", (False, True, "block", "frozen"), id="a frozen gate blocks"),
        pytest.param("legacy", (True, False, "warn", "open"), id="stale evidence is not known"),
        pytest.param("newsletter", (True, True, "allow", "open"), id="an observer lets pass"),
    ],
)
def test_it_says_whether_to_deploy(client: FlaskClient, name: str, told: tuple[object, ...]) -> None:
    answer = answered(client, PATH.format(name, "production"))
    assert (answer["allowed"], answer["known"], answer["effective"], answer["state"]) == told


def test_a_frozen_gate_says_why_and_until_when(client: FlaskClient) -> None:
    answer = answered(client, PATH.format("checkout", "Production"))
    listed = client.get("/api/v1/services/checkout").get_json()
    same = ("state", "since", "expected_end", "reasons", "organization")
    assert [answer[key] for key in same] == [listed[key] for key in same]
    assert answer["sentence"].startswith("checkout is frozen: ")
    assert (answer["service"], answer["environment"]) == ("checkout", "Production")
    assert (answer["why"], answer["mode"], answer["treated"]) == ("frozen", "enforce", "enforce")
    assert answer["at"] == "2026-11-22T20:03:20Z"


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        pytest.param("/api/v1/services/nope/gate?environment=e", 404, "no service", id="an unknown service"),
        pytest.param("/api/v1/services/checkout/gate", 400, "environment is", id="no environment"),
        pytest.param(PATH.format("checkout", "%20"), 400, "environment is", id="an environment of nothing"),
        pytest.param(PATH.format("checkout", "e" * 256), 400, "environment is", id="a name that is too long"),
        pytest.param(PATH.format("checkout", "e&wait=26"), 400, "from 0 to 25", id="too long a wait"),
        pytest.param(PATH.format("checkout", "e&wait=-1"), 400, "from 0 to 25", id="a wait that is none"),
        pytest.param(
            PATH.format("checkout", "e&organization=other"), 404, "in other", id="another organization's"
        ),
    ],
)
def test_a_refusal_says_why(client: FlaskClient, path: str, status: int, words: str) -> None:
    assert words in answered(client, path, status)["error"]


def test_one_name_in_two_organizations_has_to_be_told_apart(tmp_path: Path) -> None:
    gatekeeper = faces.gatekeeper_at(tmp_path)
    for organization in ("acme", "other"):
        faces.put_policies(gatekeeper, "checkout", organization=organization)
    client = create_app(gatekeeper).test_client()
    path = PATH.format("checkout", "production")
    assert answered(client, path, 409)["choices"] == ["acme/checkout", "other/checkout"]
    answer = answered(client, f"{path}&organization=other")
    assert (answer["organization"], answer["known"], answer["since"]) == ("other", False, None)
    gatekeeper.close()


def frozen(gatekeeper: Gatekeeper, *, mode: str) -> None:
    """checkout is frozen, and its gate enforces that or observes."""
    standing = gatekeeper.stores.gates.standing("acme/checkout")
    assert standing is not None
    service = standing.view.service
    changed = service.model_copy(update={"gate": service.gate.model_copy(update={"mode": Mode(mode)})})
    view = replace(standing.view, service=changed)
    gatekeeper.stores.gates.save(view, view.memory.state, (), faces.NOW)


def test_a_request_that_waits_is_answered_once_the_gate_opens(tmp_path: Path) -> None:
    gatekeeper = faces.populated(tmp_path)
    client = create_app(gatekeeper, waiting=Waiting(pause=0.01)).test_client()
    path = PATH.format("checkout", "production")
    began = time.monotonic()
    assert not answered(client, f"{path}&wait=1")["allowed"]
    assert time.monotonic() - began >= 1
    opening = threading.Timer(0.2, frozen, [gatekeeper], {"mode": "observe"})
    opening.start()
    assert answered(client, f"{path}&wait=25")["allowed"]
    opening.join()
    gatekeeper.close()


def test_each_answer_is_counted_and_logged(tmp_path: Path) -> None:
    gatekeeper = faces.populated(tmp_path)
    client = create_app(gatekeeper).test_client()
    with capture_logs() as lines:
        for name in ("checkout", "checkout", "legacy", "newsletter"):
            answered(client, PATH.format(name, "production"))
    told = [line for line in lines if line["event"] == "gate.answered"]
    assert [(line["service"], line["effective"], line["known"]) for line in told] == [
        ("checkout", "block", True),
        ("checkout", "block", True),
        ("legacy", "warn", False),
        ("newsletter", "allow", True),
    ]
    counted = client.get("/metrics").text
    for answer, count in (("block", 2.0), ("unknown", 1.0), ("allow", 1.0)):
        assert f'gatekeeper_gate_answers_total{{answer="{answer}"}} {count}\n' in counted
    gatekeeper.close()


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Gatekeeper]:
    one = faces.populated(tmp_path)
    yield one
    one.close()


def test_an_answer_is_on_record_as_a_decision_that_replays(own: Gatekeeper) -> None:
    client = create_app(own).test_client()
    told = answered(client, PATH.format("checkout", "Production"))
    stored = own.stores.decisions.find(told["decision"])
    assert stored is not None
    assert (stored.subject, stored.decision.verdict) == ("acme/checkout:production", Verdict.BLOCK)
    assert DECISION.text(judge(stored.snapshot)) == stored.decision_text
    assert check_of(stored.snapshot, stored.decision).title == told["sentence"]
    (listed,) = client.get("/api/v1/decisions?subject=acme/checkout:production").get_json()["decisions"]
    assert (listed["id"], listed["title"]) == (told["decision"], "checkout to Production")
    page = client.get(f"/decisions/{told['decision']}")
    assert page.status_code == 200
    assert "Asked by a pipeline" in page.text


@pytest.mark.parametrize("wait", ["", "&wait=1"], ids=["asked again", "by a long poll"])
def test_the_same_answer_is_on_record_once(own: Gatekeeper, wait: str) -> None:
    client = create_app(own, waiting=Waiting(pause=0.01)).test_client()
    path = PATH.format("checkout", "production") + wait
    assert len({answered(client, path)["decision"] for _ in range(2)}) == 1
    assert len(own.stores.decisions.latest("acme/checkout:production")) == 1


def test_another_answer_is_another_decision(own: Gatekeeper) -> None:
    client = create_app(own).test_client()
    frozen = answered(client, PATH.format("checkout", "production"))
    elsewhere = answered(client, PATH.format("checkout", "canary"))
    gates, now = own.stores.gates, own.clock()
    known = gates.standing("acme/checkout")
    assert known is not None
    opening = Opening("alice", now, now + timedelta(hours=4), "an outage")
    gates.save(replace(known.view, opening=opening), known.view.memory.state, (), known.at)
    passed = answered(client, PATH.format("checkout", "production"))
    assert (frozen["effective"], passed["effective"]) == ("block", "allow")
    assert len({one["decision"] for one in (frozen, elsewhere, passed)}) == 3


def test_who_asks_for_ever_more_environments_does_not_fill_the_record(own: Gatekeeper) -> None:
    reading, present = Reading(own), [own.clock()]
    record = AnswersOnRecord(own.stores.decisions, lambda: present[0], most=2)

    def kept(environment: str) -> bool:
        return record.keep(reading.gate("checkout", None, environment)).decision is not None

    assert [kept(name) for name in ("a", "b", "c", "b")] == [True, True, False, True]
    assert record.keep(reading.gate("legacy", None, "a")).decision is not None, "each service by itself"
    present[0] += timedelta(hours=1)
    assert kept("c")
