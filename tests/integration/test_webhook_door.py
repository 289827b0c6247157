"""The door under gunicorn, as in production: what it takes, what it refuses, what is then on disk."""

import http.client
import json
import os
import socket
import sqlite3
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from deliveries import OPENED, SECRET, Answer, Sender, headers, samples
from gatekeeper.web.webhooks import LARGEST_BODY
from ports import free_port

OLD = "old"


@dataclass
class Door(Sender):
    """A door, and the database behind it."""

    file: Path

    def query(self, statement: str, *values: object) -> list[Any]:
        connection = sqlite3.connect(self.file)
        try:
            return connection.execute(statement, values).fetchall()
        finally:
            connection.close()


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    folder, port = tmp_path_factory.mktemp("door"), free_port()
    environ = os.environ | {  # noqa: TID251 (for a process of its own)
        "GATEKEEPER_DATABASE_URL": f"sqlite:///{folder}/gatekeeper.db",
        "GATEKEEPER_WEBHOOK_SECRET": f"{SECRET},{OLD}",
    }
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        "door:create_app()",
        "--chdir",
        str(Path(__file__).parents[1]),
    ]
    command += ["--worker-class", "gthread", "--threads", "16", "--bind", f"127.0.0.1:{port}"]
    process = subprocess.Popen(command, env=environ, stderr=subprocess.DEVNULL)
    try:
        _await(port)
        yield Door(port, folder / "gatekeeper.db")
    finally:
        process.terminate()
        process.wait(20)


def _await(port: int) -> None:
    for _ in range(200):
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    pytest.fail("the server does not listen")


def test_a_delivery_is_on_disk_with_its_work_when_it_is_acknowledged(door: Door) -> None:
    guid = str(uuid.uuid4())
    assert door.deliver(guid=guid) == Answer(
        202, {"delivery": guid, "outcome": "accepted", "ignored": None, "work": ["pull:acme/shop#12"]}
    )
    stored = door.query("SELECT event, action, installation, touched FROM delivery WHERE guid = ?", guid)
    ((event, action, installation, touched),) = stored
    assert (event, action, installation) == ("pull_request", "opened", 7)
    ((gen,),) = door.query("SELECT gen FROM work WHERE key = 'pull:acme/shop#12'")
    assert json.loads(touched) == {"pull:acme/shop#12": gen}


def test_a_redelivery_of_what_is_not_done_touches_again_and_one_that_is_done_does_not(door: Door) -> None:
    guid, key = str(uuid.uuid4()), "pull:acme/shop#77"
    payload = OPENED | {"pull_request": {"number": 77}}
    assert [door.deliver(payload, guid=guid).json["outcome"] for _ in range(2)] == ["accepted"] * 2
    assert door.query("SELECT gen FROM work WHERE key = ?", key) == [(2,)]
    connection = sqlite3.connect(door.file, isolation_level=None)
    connection.execute("UPDATE work SET done = gen WHERE key = ?", (key,))
    connection.close()
    assert door.deliver(payload, guid=guid) == Answer(
        202, {"delivery": guid, "outcome": "already done", "ignored": None, "work": []}
    )
    assert door.query("SELECT gen FROM work WHERE key = ?", key) == [(2,)]


def test_an_unknown_event_is_taken_and_ignored(door: Door) -> None:
    answer = door.deliver({"zen": "Design for failure."}, event="gollum")
    assert (answer.status, answer.json["outcome"]) == (202, "ignored")
    assert answer.json["ignored"] == "event gollum is not used"


def test_the_old_secret_is_good_while_rotating(door: Door) -> None:
    body = json.dumps(OPENED).encode()
    assert door.post(body, headers(body, secret=OLD)).status == 202


def without(name: str, body: bytes) -> dict[str, str]:
    return {header: value for header, value in headers(body).items() if header != name}


BODY = json.dumps(OPENED).encode()


@pytest.mark.parametrize(
    ("body", "sent", "status"),
    [
        pytest.param(BODY, headers(BODY, secret="wrong"), 401, id="signed with another secret"),
        pytest.param(BODY, without("X-Hub-Signature-256", BODY), 401, id="not signed"),
        pytest.param(BODY, headers(BODY) | {"X-Hub-Signature-256": "é"}, 401, id="a signature beyond ASCII"),
        pytest.param(BODY, without("X-GitHub-Event", BODY), 400, id="no event"),
        pytest.param(BODY, without("X-GitHub-Delivery", BODY), 400, id="no delivery id"),
        pytest.param(b"payload={}", headers(b"payload={}"), 400, id="not JSON"),
        pytest.param(b"[]", headers(b"[]"), 400, id="not an object"),
        pytest.param(b"", headers(b""), 400, id="empty"),
    ],
)
def test_what_is_refused_says_why_and_leaves_nothing(
    door: Door, body: bytes, sent: dict[str, str], status: int
) -> None:
    before = door.query("SELECT count(*) FROM delivery")
    answer = door.post(body, sent)
    assert answer.status == status
    assert list(answer.json) == ["error"]
    assert door.query("SELECT count(*) FROM delivery") == before


@pytest.mark.parametrize("chunked", [False, True], ids=["with its length", "in chunks"])
def test_githubs_largest_body_is_taken(door: Door, *, chunked: bool) -> None:
    body = json.dumps(OPENED | {"padding": ""}).encode()
    body = body.replace(b'"padding": ""', b'"padding": "' + b"x" * (LARGEST_BODY - len(body)) + b'"')
    assert len(body) == LARGEST_BODY
    assert door.post(body, headers(body), chunked=chunked).status == 202


@pytest.mark.parametrize("chunked", [False, True], ids=["with its length", "in chunks"])
def test_a_larger_body_is_refused(door: Door, *, chunked: bool) -> None:
    body = b"x" * (LARGEST_BODY + 1)
    assert door.status_of_large(body, chunked=chunked) == 413


def test_a_length_that_is_too_large_is_refused_before_the_body_comes(door: Door) -> None:
    assert door.status_of_announced(LARGEST_BODY + 2) == 413


def test_when_it_cannot_be_stored_the_sender_is_told(door: Door) -> None:
    other = sqlite3.connect(door.file, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    try:
        answer = door.deliver()
    finally:
        other.execute("ROLLBACK")
        other.close()
    assert answer == Answer(503, {"error": "the delivery could not be stored; please redeliver it"})
    assert door.deliver().status == 202


def test_only_post(door: Door) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", door.port, timeout=20)
    connection.request("GET", "/webhooks/github")
    assert connection.getresponse().status == 405
    connection.close()


def test_every_sample_of_github_is_taken(door: Door) -> None:
    outcomes: Counter[str] = Counter()
    started = time.monotonic()
    for event, sample in samples():
        answer = door.deliver(sample, event=event)
        assert answer.status == 202, (event, sample.get("action"), answer)
        outcomes[answer.json["outcome"]] += 1
    assert outcomes["accepted"] > 30
    assert outcomes["ignored"] > 250
    assert time.monotonic() - started < 0.2 * outcomes.total()
