"""What GitHub's answers mean: fine, wait, later or never."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.errors import GatekeeperError, GitHubError, GitHubRefusedError, RateLimitedError
from gatekeeper.github.allowance import Quota
from gatekeeper.github.answers import LONGEST_WAIT, Answer, lost

NOON = "Mon, 02 Nov 2026 12:00:00 GMT"
NOON_EPOCH = 1793620800
JSON = {"content-type": "application/json; charset=utf-8"}
SECONDARY = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."


def answer(status: int, headers: Mapping[str, str] | None = None, body: Any = None) -> Answer:
    text = body if isinstance(body, str) else json.dumps(body) if body is not None else ""
    return Answer("GET", "/x", status, JSON | dict(headers or {}), text)


@pytest.mark.parametrize(
    ("given_answer", "refused_before", "wait"),
    [
        pytest.param(answer(200), 0, None, id="a success asks for no wait"),
        pytest.param(
            answer(200, {"x-ratelimit-remaining": "1"}), 0, None, id="one request left is not none left"
        ),
        pytest.param(
            answer(200, {"x-ratelimit-remaining": "0"}),
            0,
            None,
            id="the last request of the hour was granted",
        ),
        pytest.param(answer(429, {"retry-after": "7"}), 0, 7.0, id="Retry-After is obeyed to the second"),
        pytest.param(answer(403, {"retry-after": "7"}), 5, 7.0, id="Retry-After is obeyed however often"),
        pytest.param(
            answer(
                403,
                {
                    "retry-after": "7",
                    "x-ratelimit-remaining": "0",
                    "x-ratelimit-reset": str(NOON_EPOCH + 900),
                    "date": NOON,
                },
            ),
            0,
            7.0,
            id="Retry-After goes before the reset",
        ),
        pytest.param(
            answer(
                403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(NOON_EPOCH - 5), "date": NOON}
            ),
            0,
            1.0,
            id="a reset in the past is a second away, as headers have whole seconds",
        ),
        pytest.param(
            answer(
                403,
                {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(NOON_EPOCH + 10**6), "date": NOON},
            ),
            0,
            LONGEST_WAIT,
            id="nobody waits longer than the hour a quota lasts",
        ),
        pytest.param(answer(403, {"x-ratelimit-remaining": "0"}), 0, 60.0, id="no reset told: a minute"),
        pytest.param(answer(403, body={"message": SECONDARY}), 0, 60.0, id="secondary, no header: a minute"),
        pytest.param(answer(403, body={"message": SECONDARY}), 1, 120.0, id="again: two minutes"),
        pytest.param(answer(429), 3, 480.0, id="429 without a header grows the same way"),
        pytest.param(answer(429), 99, LONGEST_WAIT, id="and ends at an hour"),
        pytest.param(
            answer(429, {"retry-after": "soon"}), 0, 60.0, id="a Retry-After that is no number: a minute"
        ),
        pytest.param(
            answer(403, body={"message": "Resource not accessible by integration"}),
            0,
            None,
            id="a missing permission is no limit",
        ),
    ],
)
def test_wait_asked(given_answer: Answer, refused_before: int, wait: float | None) -> None:
    assert given_answer.wait_asked(refused_before) == wait


@pytest.mark.parametrize(
    ("headers", "quota"),
    [
        pytest.param({}, None, id="none told: an Enterprise Server without limits"),
        pytest.param({"x-ratelimit-remaining": "many"}, None, id="told in another way"),
        pytest.param(
            {
                "x-ratelimit-resource": "graphql",
                "x-ratelimit-limit": "5000",
                "x-ratelimit-remaining": "7",
                "x-ratelimit-reset": str(NOON_EPOCH + 90),
                "date": NOON,
            },
            Quota("graphql", 5000, 7, 91.0),
            id="renewed by GitHub's clock, whatever ours says",
        ),
        pytest.param({"x-ratelimit-remaining": "0"}, Quota("core", 0, 0, 60.0), id="no reset told: a minute"),
    ],
)
def test_what_is_left_of_the_hour(headers: dict[str, str], quota: Quota | None) -> None:
    assert answer(200, headers).quota() == quota


@pytest.mark.parametrize(
    ("given_answer", "kind", "says"),
    [
        pytest.param(answer(500), GitHubError, "GET /x: 500", id="500 is for later"),
        pytest.param(answer(502, body="<html>"), GitHubError, "502", id="an error page is for later"),
        pytest.param(answer(403, body={"message": SECONDARY}), RateLimitedError, "secondary", id="limit"),
        pytest.param(answer(429), RateLimitedError, "429", id="429 is a limit whatever it says"),
        pytest.param(
            answer(401, body={"message": "Bad credentials"}),
            GitHubRefusedError,
            "clock",
            id="401 says what to look at",
        ),
        pytest.param(
            answer(403, body={"message": "Resource not accessible by integration"}),
            GitHubRefusedError,
            "gatekeeper doctor",
            id="a missing permission says where they are listed",
        ),
        pytest.param(
            answer(404, body={"message": "Not Found"}), GitHubRefusedError, "404 Not Found", id="404"
        ),
        pytest.param(
            answer(
                422,
                body={
                    "message": "Validation Failed",
                    "errors": [
                        {"resource": "CheckRun", "field": "summary", "code": "too_large"},
                        "no such head",
                    ],
                },
            ),
            GitHubRefusedError,
            "Validation Failed; CheckRun.summary too_large; no such head",
            id="a failed validation says in which field",
        ),
        pytest.param(
            answer(307, body={"message": "Moved Permanently"}),
            GitHubRefusedError,
            "renamed",
            id="a redirect of a write is not taken for a success",
        ),
        pytest.param(
            answer(200, {"content-type": "text/html"}, "<html>Sign in"),
            GitHubError,
            "proxy",
            id="a captive portal's page is not taken for an answer",
        ),
    ],
)
def test_errors(given_answer: Answer, kind: type[GatekeeperError], says: str) -> None:
    error = given_answer.error(wait=9.0)
    assert type(error) is kind
    assert says in str(error)


@pytest.mark.parametrize(
    "given_answer",
    [
        pytest.param(answer(200, body={}), id="JSON"),
        pytest.param(answer(201, body={}), id="created"),
        pytest.param(answer(204, {"content-type": ""}), id="nothing to say"),
        pytest.param(answer(304), id="not modified"),
        pytest.param(answer(200, {"x-ratelimit-remaining": "0"}, {}), id="the last request of the hour"),
    ],
)
def test_successes(given_answer: Answer) -> None:
    assert given_answer.error(wait=9.0) is None


def test_a_limit_carries_the_wait_and_a_server_error_its_own() -> None:
    limited, failed = answer(429).error(wait=9.0), answer(503, {"retry-after": "30"}).error(wait=9.0)
    assert isinstance(limited, RateLimitedError)
    assert limited.retry_after == 9.0
    assert isinstance(failed, GitHubError)
    assert failed.retry_after == 30.0


def test_a_refusal_carries_its_status() -> None:
    error = answer(410).error(wait=0.0)
    assert isinstance(error, GitHubRefusedError)
    assert error.status == 410


def test_a_lost_answer_is_for_later_and_says_of_what() -> None:
    error = lost("POST", "/x", requests.ConnectionError("reset"))
    assert isinstance(error, GitHubError)
    assert str(error) == "POST /x: no answer (ConnectionError)"


texts = st.text(max_size=20)
anything_in_json = st.recursive(
    st.none() | st.integers() | texts,
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
    max_leaves=4,
)
answers_in_json = st.fixed_dictionaries({"message": anything_in_json, "errors": anything_in_json})
header_names = st.sampled_from(
    ["retry-after", "x-ratelimit-remaining", "x-ratelimit-reset", "date", "content-type"]
)


@given(
    status=st.integers(100, 599),
    headers=st.dictionaries(header_names, texts | st.integers(-(10**12), 10**12).map(str) | st.just(NOON)),
    body=texts | anything_in_json.map(json.dumps) | answers_in_json.map(json.dumps),
    refused_before=st.integers(0, 1000),
)
def test_any_answer_is_understood(
    status: int, headers: dict[str, str], body: str, refused_before: int
) -> None:
    anything = Answer("GET", "/x", status, headers, body)
    wait = anything.wait_asked(refused_before)
    assert wait is None or wait >= 0
    assert (wait is None) != anything.is_limit
    anything.quota()
    error = anything.error(wait=wait or 0.0)
    assert (error is None) <= (status < 400)
    assert isinstance(error, RateLimitedError) == anything.is_limit
