"""Faults and limits of the stand-in, and what it remembers of them."""

from __future__ import annotations

import random
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import requests

import openapi
from gatekeeper.demo.github import StandIn
from gatekeeper.demo.github.faults import Fault
from standin import Client

if TYPE_CHECKING:
    from collections.abc import Iterator

SHOP = "/repos/acme/shop"
COMMENTS = f"{SHOP}/issues/1/comments"


@pytest.fixture
def github() -> Iterator[StandIn]:
    with StandIn() as github:
        github.state.open_prepared(github.state.prepared[0], author="dev1")
        yield github


@pytest.fixture
def client(github: StandIn) -> Iterator[Client]:
    with Client(github) as client:
        client.as_installation()
        github.calls.clear()
        yield client


def test_an_error_strikes_as_often_as_told_and_does_nothing(github: StandIn, client: Client) -> None:
    github.faults.fail("POST", r"/comments$", status=502, times=2)
    statuses = [client.post(COMMENTS, json={"body": "x"}).status_code for _ in range(3)]
    assert statuses == [502, 502, 201]
    assert len(github.state.comments) == 1
    assert [call.faulted for call in github.calls] == [True, True, False]
    openapi.validate_all(github.calls)


def test_a_fault_strikes_only_what_it_was_meant_for(github: StandIn, client: Client) -> None:
    github.faults.fail("POST", r"/labels$")
    assert client.get(SHOP).status_code == 200
    assert client.post(COMMENTS, json={"body": "x"}).status_code == 201
    assert github.faults.pending() == 1
    github.faults.clear()
    assert client.post(f"{SHOP}/issues/1/labels", json={"labels": ["x"]}).status_code == 200


@pytest.mark.parametrize(("status", "retry_after"), [(403, None), (403, 7), (429, 7), (429, None)])
def test_a_secondary_limit_says_so(
    github: StandIn, client: Client, status: int, retry_after: int | None
) -> None:
    github.faults.secondary_limit("GET", SHOP, status=status, retry_after=retry_after)
    answer = client.get(SHOP)
    assert answer.status_code == status
    assert "secondary rate limit" in answer.json()["message"]
    assert answer.headers.get("Retry-After") == (None if retry_after is None else str(retry_after))
    assert int(answer.headers["X-RateLimit-Remaining"]) > 0
    assert client.get(SHOP).status_code == 200


def test_a_primary_limit_lasts_until_its_reset(github: StandIn, client: Client) -> None:
    github.faults.primary_limit("GET", SHOP)
    for _ in range(2):  # the second is refused without a fault: nothing is left
        answer = client.get(SHOP)
        assert answer.status_code == 403
        assert "API rate limit exceeded" in answer.json()["message"]
        assert answer.headers["X-RateLimit-Remaining"] == "0"
    reset = int(answer.headers["X-RateLimit-Reset"])
    assert 3500 < reset - github.state.now().timestamp() <= 3600
    assert client.get("/rate_limit").json()["rate"]["remaining"] == 0


def test_every_answer_tells_what_is_left(github: StandIn, client: Client) -> None:
    before = int(client.get(SHOP).headers["X-RateLimit-Remaining"])
    assert int(client.get(SHOP).headers["X-RateLimit-Remaining"]) == before - 1
    assert int(client.get("/rate_limit").headers["X-RateLimit-Remaining"]) == before - 1
    assert int(client.get(f"{SHOP}/nothing").headers["X-RateLimit-Remaining"]) == before - 2


def test_a_used_up_quota_is_refused(github: StandIn, client: Client) -> None:
    github.limits.limit = 3
    with Client(github) as person:
        person.as_person()
        assert [person.get(SHOP).status_code for _ in range(4)] == [200, 200, 200, 403]


def test_a_lost_answer_was_acted_on(github: StandIn, client: Client) -> None:
    github.faults.lose_answer("POST", r"/comments$")
    with pytest.raises(requests.ConnectionError):
        client.post(COMMENTS, json={"body": "x"})
    assert len(github.state.comments) == 1
    [call] = github.calls.writes()
    assert (call.lost, call.status) == (True, 201)
    assert client.post(COMMENTS, json={"body": "y"}).status_code == 201


def test_a_connection_that_is_reset_was_not_acted_on(github: StandIn, client: Client) -> None:
    github.faults.reset("POST", r"/comments$")
    with pytest.raises(requests.ConnectionError, match="Connection reset by peer"):
        client.post(COMMENTS, json={"body": "x"})
    assert len(github.state.comments) == 0
    [call] = github.calls.writes()
    assert (call.faulted, call.fault) == (True, "reset")
    assert client.post(COMMENTS, json={"body": "y"}).status_code == 201


def test_a_storm_strikes_its_share_of_all_calls_until_it_is_over(github: StandIn, client: Client) -> None:
    faults = {Fault("error", 502): 3.0, Fault("secondary", 429, retry_after=7): 1.0}
    github.faults.storm(0.3, faults, random.Random(1))  # noqa: S311 (a test's dice)
    told = Counter(client.get(SHOP).status_code for _ in range(300))
    assert 70 < told[502] + told[429] < 110
    assert told[502] > 2 * told[429] > 20
    assert told.keys() == {200, 502, 429}
    assert Counter((call.fault, call.silence) for call in github.calls) == {
        (None, 0.0): told[200],
        ("error", 0.0): told[502],
        ("secondary", 7.0): told[429],
    }
    github.faults.clear()
    assert {client.get(SHOP).status_code for _ in range(20)} == {200}


def test_a_call_says_for_how_long_its_caller_was_to_be_silent(github: StandIn, client: Client) -> None:
    github.limits.window = timedelta(seconds=3)
    github.faults.primary_limit("GET", SHOP)
    with Client(github) as person:
        person.as_person()
        for _ in range(2):
            assert person.get(SHOP).status_code == 403
    first, again = github.calls
    assert 1 < again.silence < first.silence <= 3
    assert first.came <= first.answered <= again.came


def test_a_delay_takes_its_time_and_holds_up_nobody_else(github: StandIn, client: Client) -> None:
    github.faults.delay("GET", f"{SHOP}$", 0.2)
    begun = time.monotonic()
    assert client.get(SHOP).status_code == 200
    assert time.monotonic() - begun >= 0.2


def test_a_late_answer_comes_after_the_act(github: StandIn, client: Client) -> None:
    github.faults.answer_late("POST", r"/comments$", 0.5)
    with ThreadPoolExecutor() as asker:
        answer = asker.submit(client.post, COMMENTS, json={"body": "x"})
        while not github.calls.writes():
            time.sleep(0.01)
        assert len(github.state.comments) == 1
        assert not answer.done()
    assert answer.result().status_code == 201


def test_nothing_new_is_a_304(client: Client) -> None:
    first = client.get(SHOP)
    again = client.get(SHOP, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["X-RateLimit-Remaining"] == first.headers["X-RateLimit-Remaining"]


def test_calls_are_told_apart_by_whether_they_write(github: StandIn, client: Client) -> None:
    client.get(SHOP)
    client.post(COMMENTS, json={"body": "x"})
    client.as_installation()
    assert [str(call) for call in github.calls.reads()] == [
        f"GET {SHOP} → 200",
        f"POST /app/installations/{min(github.state.installations)}/access_tokens → 201",
    ]
    [write] = github.calls.writes()
    assert (write.method, write.path, write.request) == ("POST", COMMENTS, {"body": "x"})
    assert write.response["body"] == "x"
    assert write.caller == f"installation:{min(github.state.installations)}"
    assert "Authorization" not in write.headers
    assert len(github.calls) == 3


def test_what_is_no_json_is_told(client: Client) -> None:
    answer = client.post(COMMENTS, data=b"{", headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["message"]) == (400, "Problems parsing JSON")
