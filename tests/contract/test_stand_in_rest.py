"""Every endpoint of the stand-in, held to GitHub's published description."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

import openapi
from gatekeeper.demo.github import StandIn, acme, create_github
from gatekeeper.demo.github.acme import APP_ID
from gatekeeper.demo.github.standin import wall_clock
from gatekeeper.github import merge_queue
from standin.tables import BUTTON, OUTPUT, REMARK, REPORT, RUN, SHOP, Names

if TYPE_CHECKING:
    from standin import Client

QUEUE_OF_MAIN = {
    "query": merge_queue.QUERY,
    "operationName": "MergeQueue",
    "variables": {"owner": "acme", "name": "shop", "branch": "main", "first": 5},
}
HAPPY = [
    ("app GET /app", None, 200),
    ("nobody POST /app-manifests/{code}/conversions", None, 201),
    ("app GET /app/installations", None, 200),
    ("app GET /app/installations/{installation}", None, 200),
    ("app POST /app/installations/{installation}/access_tokens", None, 201),
    ("app POST /app/installations/{installation}/access_tokens", {"repositories": ["shop"]}, 201),
    ("app POST /app/installations/{installation}/access_tokens", {"permissions": {"checks": "read"}}, 201),
    (f"app GET {SHOP}/installation", None, 200),
    ("app GET /orgs/acme/installation", None, 200),
    ("app GET /app/hook/config", None, 200),
    ("app GET /app/hook/deliveries", None, 200),
    ("app GET /app/hook/deliveries?status=failure&per_page=1", None, 200),
    ("app GET /app/hook/deliveries/{delivery}", None, 200),
    ("app POST /app/hook/deliveries/{delivery}/attempts", None, 202),
    ("installation GET /installation/repositories", None, 200),
    ("installation GET /rate_limit", None, 200),
    ("nobody GET /rate_limit", None, 200),
    ("nobody GET /meta", None, 200),
    ("person GET /user", None, 200),
    ("installation GET /users/dev1", None, 200),
    ("installation GET /users/gatekeeper[bot]", None, 200),
    ("installation GET /orgs/acme", None, 200),
    ("installation GET /orgs/acme/teams/sre", None, 200),
    ("installation GET /orgs/acme/teams/sre/members", None, 200),
    ("installation GET /orgs/acme/teams/sre/memberships/ops1", None, 200),
    ("installation GET /organizations/{organization}/team/{team}", None, 200),
    ("installation GET /organizations/{organization}/team/{team}/memberships/ops1", None, 200),
    (f"installation GET {SHOP}", None, 200),
    (f"person GET {SHOP}", None, 200),
    (f"installation GET {SHOP}/collaborators/po1/permission", None, 200),
    (f"installation GET {SHOP}/contents/README.md", None, 200),
    (f"installation GET {SHOP}/contents/services/checkout?ref=main", None, 200),
    (f"installation GET {SHOP}/contents/", None, 200),
    (f"installation GET {SHOP}/git/trees/{{tree}}?recursive=1", None, 200),
    (f"installation GET {SHOP}/git/trees/main", None, 200),
    (f"installation GET {SHOP}/git/blobs/{{blob}}", None, 200),
    (f"installation GET {SHOP}/git/ref/heads/main", None, 200),
    (f"installation GET {SHOP}/git/matching-refs/heads/ma", None, 200),
    ("installation POST /graphql", QUEUE_OF_MAIN, 200),
    (f"installation GET {SHOP}/branches/main", None, 200),
    (f"installation GET {SHOP}/commits/main", None, 200),
    (f"installation GET {SHOP}/commits/{{head}}/pulls", None, 200),
    (f"installation GET {SHOP}/compare/main...{{head}}?per_page=1", None, 200),
    (f"installation GET {SHOP}/activity?ref=refs%2Fheads%2Fmain&per_page=1", None, 200),
    (f"installation GET {SHOP}/rules/branches/main", None, 200),
    (f"installation GET {SHOP}/rules/branches/other", None, 200),
    (f"installation GET {SHOP}/pulls", None, 200),
    (f"installation GET {SHOP}/pulls?state=all&base=main&sort=updated&direction=desc&per_page=1", None, 200),
    (f"installation GET {SHOP}/pulls/1", None, 200),
    (f"installation GET {SHOP}/pulls/1/files?per_page=100", None, 200),
    (f"installation GET {SHOP}/pulls/1/commits", None, 200),
    (f"installation GET {SHOP}/pulls/1/reviews", None, 200),
    (f"installation POST {SHOP}/check-runs", RUN, 201),
    (
        f"installation POST {SHOP}/check-runs",
        RUN
        | {
            "status": "in_progress",
            "external_id": "acme/shop#1",
            "details_url": "https://example.com/decisions/1",
        }
        | {"started_at": "2026-11-02T09:00:00Z", "output": OUTPUT | {"text": "…", "annotations": [REMARK]}},
        201,
    ),
    (f"installation PATCH {SHOP}/check-runs/{{run}}", {"status": "in_progress", "output": OUTPUT}, 200),
    (
        f"installation PATCH {SHOP}/check-runs/{{run}}",
        {
            "conclusion": "failure",
            "completed_at": "2026-11-02T09:00:10Z",
            "output": OUTPUT,
            "actions": [BUTTON],
        },
        200,
    ),
    (f"installation GET {SHOP}/check-runs/{{run}}", None, 200),
    (f"installation GET {SHOP}/commits/{{head}}/check-runs", None, 200),
    (
        f"installation GET {SHOP}/commits/{{head}}/check-runs?check_name=gatekeeper&filter=all&app_id={APP_ID}",
        None,
        200,
    ),
    (f"installation GET {SHOP}/commits/{{head}}/check-suites", None, 200),
    (f"installation POST {SHOP}/statuses/{{head}}", {"state": "pending", "context": "gatekeeper"}, 201),
    (f"person POST {SHOP}/statuses/{{head}}", {"state": "failure", "description": "Spent."}, 201),
    (f"person GET {SHOP}/commits/{{head}}/status", None, 200),
    (f"person GET {SHOP}/commits/{{head}}/statuses", None, 200),
    (f"person GET {SHOP}/statuses/{{head}}", None, 200),
    (f"installation GET {SHOP}/issues/1", None, 200),
    (f"installation GET {SHOP}/issues/1/comments", None, 200),
    (f"installation POST {SHOP}/issues/1/comments", {"body": "<!-- gatekeeper --> Frozen."}, 201),
    (f"person POST {SHOP}/issues/1/comments", {"body": "Why?"}, 201),
    (f"installation GET {SHOP}/issues/comments/{{comment}}", None, 200),
    (f"installation PATCH {SHOP}/issues/comments/{{comment}}", {"body": "Thawed."}, 200),
    (f"installation DELETE {SHOP}/issues/comments/{{comment}}", None, 204),
    (f"installation POST {SHOP}/issues/1/labels", {"labels": ["slo:frozen", "bug"]}, 200),
    (f"installation POST {SHOP}/issues/1/labels", ["slo:caution"], 200),
    (f"installation GET {SHOP}/issues/1/labels", None, 200),
    (f"installation DELETE {SHOP}/issues/1/labels/slo:frozen", None, 200),
    (f"installation DELETE {SHOP}/issues/1/labels/area%2Fcheckout", None, 200),
    (f"installation GET {SHOP}/issues/1/events", None, 200),
    (f"installation GET {SHOP}/issues/1/timeline", None, 200),
    (f"installation GET {SHOP}/labels", None, 200),
    (
        f"installation POST {SHOP}/labels",
        {"name": "slo:override", "color": "D93F0B", "description": "Let it."},
        201,
    ),
    (f"installation GET {SHOP}/labels/SLO:Override", None, 200),
    (f"person PUT {SHOP}/pulls/1/merge", {"sha": "{head}"}, 405),
    (f"installation GET {SHOP}/actions/runs", None, 200),
    (f"installation GET {SHOP}/actions/runs?status=waiting&per_page=100", None, 200),
    (f"installation GET {SHOP}/actions/runs/{{workflow}}", None, 200),
    (f"installation GET {SHOP}/actions/runs/{{workflow}}/pending_deployments", None, 200),
    (f"installation GET {SHOP}/environments/production/deployment_protection_rules", None, 200),
    (f"installation POST {SHOP}/actions/runs/{{workflow}}/deployment_protection_rule", REPORT, 204),
    (
        f"installation POST {SHOP}/actions/runs/{{workflow}}/deployment_protection_rule",
        REPORT | {"state": "approved"},
        204,
    ),
    (f"installation POST {SHOP}/deployments", {"ref": "main", "required_contexts": []}, 201),
    (f"person POST {SHOP}/deployments", {"ref": "{head}", "required_contexts": ["absent"]}, 409),
    (f"installation GET {SHOP}/deployments", None, 200),
    (f"installation GET {SHOP}/deployments?environment=production&per_page=1", None, 200),
    (f"installation GET {SHOP}/deployments/{{deployment}}", None, 200),
    (
        f"installation POST {SHOP}/deployments/{{deployment}}/statuses",
        {"state": "failure", "description": "Frozen.", "log_url": "https://example.com/1"},
        201,
    ),
    (f"installation GET {SHOP}/deployments/{{deployment}}/statuses", None, 200),
]


@pytest.mark.parametrize(("asked", "body", "status"), HAPPY)
def test_an_endpoint_answers_as_github_describes(
    populated: StandIn, clients: dict[str, Client], names: Names, asked: str, body: Any, status: int
) -> None:
    populated.calls.clear()
    answer = names.send(clients, asked, body)
    assert answer.status_code == status, answer.text
    openapi.validate_all(populated.calls)


def test_every_endpoint_is_in_the_table() -> None:
    asked = [row[0].partition("?")[0].split(" ", 2)[1:] for row in HAPPY]
    rules = create_github(acme(wall_clock, public_key="")).url_map.iter_rules()
    endpoints = [
        (method, re.compile(re.sub(r"<.+?>", ".+", rule.rule)))
        for rule in rules
        if rule.endpoint.startswith("api_")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    ]
    missing = [
        f"{method} {pattern.pattern}"
        for method, pattern in endpoints
        if not any(method == verb and pattern.fullmatch(path) for verb, path in asked)
    ]
    assert len(endpoints) > 50
    assert missing == []
