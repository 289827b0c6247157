"""The judge itself: it has to find what is wrong, or the other contract tests prove nothing."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

import openapi

LABEL = {
    "id": 1,
    "node_id": "x",
    "url": "https://api.github.com/repos/acme/shop/labels/bug",
    "name": "bug",
    "description": None,
    "color": "ededed",
    "default": False,
}


@dataclass(frozen=True)
class Call:
    method: str = "GET"
    path: str = "/repos/acme/shop/issues/1/labels"
    query: dict[str, str] = field(default_factory=dict)
    request: Any = None
    status: int = 200
    response: Any = field(default_factory=lambda: [LABEL])


POST = Call("POST", request={"labels": ["bug"]})


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(Call(), id="an answer as described"),
        pytest.param(Call(query={"per_page": "100"}), id="a known query parameter"),
        pytest.param(POST, id="a body as described"),
        pytest.param(replace(POST, request=["bug"]), id="the bare array that the prose allows"),
        pytest.param(Call(status=502, response={"message": "Server Error"}), id="an error of GitHub's own"),
        pytest.param(
            Call("DELETE", "/repos/acme/shop/issues/comments/1", status=204, response=None), id="no content"
        ),
    ],
)
def test_what_is_as_described_passes(call: Call) -> None:
    openapi.validate(call)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        pytest.param(Call(path="/repos/acme/shop/nonsense"), "no such operation", id="an unknown path"),
        pytest.param(Call("PATCH"), "no such operation", id="an unknown method"),
        pytest.param(
            Call(query={"pages": "2"}), "unknown query parameter 'pages'", id="an unknown query parameter"
        ),
        pytest.param(
            Call(query={"per_page": "many"}),
            "query parameter per_page",
            id="a query parameter of another type",
        ),
        pytest.param(
            Call(response=[LABEL | {"id": "1"}]), "answer: 0/id: '1' is not of type", id="another type"
        ),
        pytest.param(Call(response=[{"name": "bug"}]), "is a required property", id="a field is missing"),
        pytest.param(Call(response=[LABEL | {"url": "bug"}]), "answer: 0/url", id="an address that is none"),
        pytest.param(Call(response={}), "answer: (all of it)", id="an object where a list belongs"),
        pytest.param(Call(status=201), "status 201 is not described", id="a status that is not described"),
        pytest.param(
            replace(POST, request={"labels": "bug"}),
            "request body: labels",
            id="a body unlike the description",
        ),
        pytest.param(Call(request={"a": 1}), "no request body is described", id="a body nobody reads"),
        pytest.param(
            Call("POST", "/repos/acme/shop/check-runs", status=201),
            "a request body is required",
            id="a missing body",
        ),
        pytest.param(
            Call(status=404, response={"message": 1}), "answer: message", id="an error of another shape"
        ),
    ],
)
def test_what_is_not_as_described_is_told(call: Call, says: str) -> None:
    with pytest.raises(AssertionError) as failure:
        openapi.validate(call)
    assert says in str(failure.value)
    assert call.path in str(failure.value)


def test_every_complaint_of_many_calls_is_told() -> None:
    with pytest.raises(AssertionError) as failure:
        openapi.validate_all([Call(), Call("PATCH"), Call(status=201)])
    assert len(str(failure.value).splitlines()) == 2


@pytest.mark.parametrize(
    ("event", "payload", "says"),
    [
        pytest.param("ping", {"zen": "x"}, "webhook ping$event", id="a field is missing"),
        pytest.param("pull_request", {"action": "imagined"}, "describes no webhook", id="an unknown action"),
        pytest.param("imagined", {}, "describes no webhook", id="an unknown event"),
    ],
)
def test_a_webhook_github_would_not_send_is_told(event: str, payload: dict[str, Any], says: str) -> None:
    with pytest.raises(AssertionError) as failure:
        openapi.validate_webhook(event, payload)
    assert says in str(failure.value)
