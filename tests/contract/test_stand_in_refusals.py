"""What GitHub refuses, the stand-in refuses: with its status, its words and its shape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import openapi
from standin.tables import BUTTON, OUTPUT, REMARK, RUN, SHOP, Names

if TYPE_CHECKING:
    from gatekeeper.demo.github import StandIn
    from standin import Client

NOWHERE = "f" * 40
LONG = 65_535
NO_ENDPOINT = '"Not Found"'  # what GitHub does not describe cannot be held against its description
REFUSED = [
    pytest.param("installation GET /nothing/here", None, 404, NO_ENDPOINT, id="an unknown path"),
    pytest.param(f"installation DELETE {SHOP}/pulls", None, 404, NO_ENDPOINT, id="an unknown method"),
    pytest.param("installation GET /repos/acme/absent", None, 404, "Not Found", id="an unknown repository"),
    pytest.param(f"nobody GET {SHOP}", None, 404, "Not Found", id="a private repository, to nobody"),
    pytest.param("nobody GET /user", None, 401, "Requires authentication", id="who am I, to nobody"),
    pytest.param("installation GET /user", None, 403, "by integration", id="who am I, to an installation"),
    pytest.param(
        "person GET /installation/repositories", None, 403, "installation access token", id="not an App"
    ),
    pytest.param("person GET /app", None, 401, "JSON web token", id="the App, to a person"),
    pytest.param(
        f"app GET {SHOP}", None, 401, "JSON web token", id="a repository, to an App without a token"
    ),
    pytest.param("app GET /app/installations/1", None, 404, "Not Found", id="an unknown installation"),
    pytest.param(
        "app POST /app/installations/1/access_tokens", None, 404, "Not Found", id="a token for nobody"
    ),
    pytest.param(
        "app POST /app/installations/{installation}/access_tokens",
        {"permissions": {"checks": "write", "administration": "write"}},
        422,
        "not granted",
        id="a token for more than was granted",
    ),
    pytest.param(
        "app POST /app/installations/{installation}/access_tokens",
        {"repositories": ["absent"]},
        422,
        "not accessible",
        id="a token for a repository that is not there",
    ),
    pytest.param("app GET /repos/other/repo/installation", None, 404, "Not Found", id="not installed there"),
    pytest.param("app GET /orgs/other/installation", None, 404, "Not Found", id="not installed on them"),
    pytest.param("app GET /app/hook/deliveries/1", None, 404, "Not Found", id="an unknown delivery"),
    pytest.param("app GET /app/hook/deliveries?cursor=x", None, 400, "cursor", id="an impossible cursor"),
    pytest.param("installation GET /orgs/dev1", None, 404, "Not Found", id="a person is no organisation"),
    pytest.param("installation GET /orgs/acme/teams/none", None, 404, "Not Found", id="an unknown team"),
    pytest.param(
        "installation GET /orgs/acme/teams/sre/memberships/dev1", None, 404, "Not Found", id="no member"
    ),
    pytest.param("installation GET /organizations/1/team/1", None, 404, "Not Found", id="an unknown team id"),
    pytest.param(
        f"installation GET {SHOP}/collaborators/gatekeeper[bot]/permission",
        None,
        404,
        "Not Found",
        id="a bot is no collaborator",
    ),
    pytest.param(f"installation GET {SHOP}/contents/absent", None, 404, "Not Found", id="an unknown file"),
    pytest.param(
        f"installation GET {SHOP}/contents/a?ref=absent", None, 404, "Not Found", id="an unknown ref"
    ),
    pytest.param(f"installation GET {SHOP}/git/trees/absent", None, 404, "Not Found", id="an unknown tree"),
    pytest.param(f"installation GET {SHOP}/git/blobs/absent", None, 404, "Not Found", id="an unknown blob"),
    pytest.param(
        f"installation GET {SHOP}/git/ref/heads/absent", None, 404, "Not Found", id="an unknown branch"
    ),
    pytest.param(f"installation GET {SHOP}/branches/absent", None, 404, "Not Found", id="no such branch"),
    pytest.param(f"installation GET {SHOP}/commits/absent", None, 422, "No commit", id="an unknown commit"),
    pytest.param(
        f"installation GET {SHOP}/commits/{NOWHERE}/pulls", None, 422, "No commit", id="pulls of nothing"
    ),
    pytest.param(f"installation GET {SHOP}/pulls/999", None, 404, "Not Found", id="an unknown pull request"),
    pytest.param(
        f"installation PUT {SHOP}/pulls/1/merge", {}, 403, "by integration", id="contents are not ours"
    ),
    pytest.param(
        f"person POST {SHOP}/check-runs", RUN, 403, "via a GitHub App", id="a check run by a person"
    ),
    pytest.param(
        f"person PATCH {SHOP}/check-runs/{{run}}", {}, 403, "via a GitHub App", id="nor changed by one"
    ),
    pytest.param(
        f"installation POST {SHOP}/check-runs",
        {"head_sha": "{head}"},
        422,
        "name",
        id="a check run needs a name",
    ),
    pytest.param(
        f"installation POST {SHOP}/check-runs",
        RUN | {"head_sha": NOWHERE},
        422,
        "No commit found",
        id="a check run of an unknown commit",
    ),
    pytest.param(
        f"installation POST {SHOP}/check-runs",
        RUN | {"status": "completed"},
        422,
        "conclusion",
        id="completed without a conclusion",
    ),
    pytest.param(
        f"installation POST {SHOP}/check-runs",
        RUN | {"conclusion": "stale"},
        422,
        "stale",
        id="only GitHub makes stale",
    ),
    pytest.param(
        f"installation POST {SHOP}/check-runs",
        RUN | {"status": "waiting"},
        422,
        "waiting",
        id="Actions' own status",
    ),
    pytest.param(
        f"installation POST {SHOP}/check-runs",
        RUN | {"output": {"title": "t", "summary": "é" * (LONG // 2 + 1)}},
        422,
        "bytesize",
        id="a summary is counted in bytes, not in characters",
    ),
    pytest.param(
        f"installation POST {SHOP}/check-runs",
        RUN | {"output": OUTPUT | {"text": "x" * (LONG + 1)}},
        422,
        "bytesize",
        id="a text one byte too long",
    ),
    pytest.param(
        f"installation POST {SHOP}/check-runs",
        RUN | {"output": OUTPUT | {"annotations": [REMARK] * 51}},
        422,
        "50",
        id="more than 50 annotations at once",
    ),
    pytest.param(
        f"installation POST {SHOP}/check-runs",
        RUN | {"actions": [BUTTON] * 4},
        422,
        "No more than 3",
        id="more than three buttons",
    ),
    pytest.param(
        f"installation POST {SHOP}/check-runs",
        RUN | {"actions": [BUTTON | {"label": "x" * 21}]},
        422,
        "Only 20 characters are allowed in label",
        id="a button's label of 21 characters",
    ),
    pytest.param(
        f"installation POST {SHOP}/check-runs",
        RUN | {"actions": [BUTTON | {"description": "x" * 41}]},
        422,
        "Only 40 characters are allowed in description",
        id="a button's description of 41 characters",
    ),
    pytest.param(
        f"installation POST {SHOP}/check-runs",
        RUN | {"actions": [BUTTON | {"identifier": "x" * 21}]},
        422,
        "Only 20 characters are allowed in identifier",
        id="a button's identifier of 21 characters",
    ),
    pytest.param(f"installation PATCH {SHOP}/check-runs/1", {}, 404, "Not Found", id="an unknown check run"),
    pytest.param(
        "installation GET /repos/acme/.github/check-runs/{run}", None, 404, "Not Found", id="elsewhere"
    ),
    pytest.param(
        f"installation POST {SHOP}/statuses/{{head}}",
        {"state": "success", "description": "x" * 141},
        422,
        "140",
        id="a status description of 141 characters",
    ),
    pytest.param(
        f"installation POST {SHOP}/statuses/{NOWHERE}", {"state": "success"}, 422, "No commit", id="no sha"
    ),
    pytest.param(
        f"installation POST {SHOP}/statuses/{{head}}", {"state": "green"}, 422, "state", id="no state"
    ),
    pytest.param(f"installation POST {SHOP}/issues/1/comments", {}, 422, "body", id="a comment needs a body"),
    pytest.param(
        f"installation POST {SHOP}/issues/1/comments", {"body": " "}, 422, "body", id="an empty comment"
    ),
    pytest.param(
        f"installation POST {SHOP}/issues/1/comments",
        {"body": "x" * 65_537},
        422,
        "65536",
        id="a comment of 65,537 characters",
    ),
    pytest.param(
        f"installation POST {SHOP}/issues/9/comments", {"body": "x"}, 404, "Not Found", id="no such issue"
    ),
    pytest.param(
        f"installation GET {SHOP}/issues/comments/1", None, 404, "Not Found", id="an unknown comment"
    ),
    pytest.param(
        f"installation DELETE {SHOP}/issues/1/labels/none", None, 404, "Label does not exist", id="absent"
    ),
    pytest.param(f"installation POST {SHOP}/issues/1/labels", {"labels": "bug"}, 422, "labels", id="no list"),
    pytest.param(
        f"installation POST {SHOP}/issues/1/labels", {"labels": ["x" * 51]}, 422, "50", id="a long label"
    ),
    pytest.param(
        f"installation POST {SHOP}/labels", {"name": "BUG"}, 422, "already_exists", id="the label is known"
    ),
    pytest.param(
        f"installation POST {SHOP}/labels", {"name": "x", "color": "red"}, 422, "color", id="no colour"
    ),
    pytest.param(f"installation GET {SHOP}/labels/none", None, 404, "Not Found", id="an unknown label"),
]


@pytest.mark.parametrize(("asked", "body", "status", "says"), REFUSED)
def test_a_refusal_has_githubs_status_and_shape(
    populated: StandIn,
    clients: dict[str, Client],
    names: Names,
    asked: str,
    body: Any,
    status: int,
    says: str,
) -> None:
    populated.calls.clear()
    answer = names.send(clients, asked, body)
    assert answer.status_code == status, answer.text
    assert says in answer.text
    assert answer.json().keys() >= {"message", "documentation_url", "status"}
    if says != NO_ENDPOINT:
        openapi.validate_all(populated.calls)
