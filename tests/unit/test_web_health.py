"""Health and metrics: what makes a server unready, what only warns, and numbers that Prometheus can read."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import responses
import structlog
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

import faces
from gatekeeper.bootstrap import Gatekeeper
from gatekeeper.errors import RateLimitedError
from gatekeeper.events.delivery import sign
from gatekeeper.events.keys import Kind, WorkKey
from gatekeeper.events.triggers import Touch
from gatekeeper.web.app import create_app
from gatekeeper.web.metrics import Metrics

WIRED = {"github_token": "t", "webhook_secret": "s", "prometheus_url": "http://127.0.0.1:9"}
CHECKOUT = {"organization": "acme", "service": "checkout"}


@pytest.fixture
def gatekeeper(tmp_path: Path) -> Iterator[Gatekeeper]:
    one = faces.gatekeeper_at(tmp_path, **WIRED)
    yield one
    one.close()


@pytest.fixture(scope="module")
def populated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gatekeeper]:
    one = faces.populated(tmp_path_factory.mktemp("health"))
    yield one
    one.close()


class Sick:
    """A worker that can die."""

    alive = True

    def __call__(self) -> bool:
        return self.alive


def test_a_process_that_answers_is_alive(gatekeeper: Gatekeeper) -> None:
    assert create_app(gatekeeper).test_client().get("/healthz").json == {"status": "alive"}


def test_a_wired_server_is_ready(gatekeeper: Gatekeeper) -> None:
    answer = create_app(gatekeeper).test_client().get("/readyz")
    assert (answer.status_code, answer.json) == (200, {"status": "ready", "reasons": [], "warnings": []})


@pytest.mark.parametrize(
    ("missing", "named"),
    [
        pytest.param("github_token", "GATEKEEPER_GITHUB_APP_ID", id="nobody speaks to GitHub"),
        pytest.param("webhook_secret", "GATEKEEPER_WEBHOOK_SECRET", id="webhooks cannot be checked"),
        pytest.param("prometheus_url", "GATEKEEPER_PROMETHEUS_URL", id="nothing can be measured"),
    ],
)
def test_a_missing_setting_is_a_reason(tmp_path: Path, missing: str, named: str) -> None:
    gatekeeper = faces.gatekeeper_at(
        tmp_path, **{key: value for key, value in WIRED.items() if key != missing}
    )
    answer = create_app(gatekeeper).test_client().get("/readyz")
    (reason,) = answer.get_json()["reasons"]
    assert (answer.status_code, reason.startswith(named)) == (503, True)
    gatekeeper.close()


def test_a_dead_worker_is_a_reason_where_there_should_be_one(gatekeeper: Gatekeeper) -> None:
    worker = Sick()
    client = create_app(gatekeeper, worker_alive=worker).test_client()
    assert client.get("/readyz").status_code == 200
    worker.alive = False
    answer = client.get("/readyz")
    assert (answer.status_code, answer.get_json()["reasons"]) == (
        503,
        ["the worker of this process has stopped"],
    )


def test_a_lost_database_is_a_reason_and_no_crash(gatekeeper: Gatekeeper, tmp_path: Path) -> None:
    client = create_app(gatekeeper).test_client()
    gatekeeper.close()
    for file in tmp_path.glob("gatekeeper.db*"):
        file.unlink()
    (tmp_path / "gatekeeper.db").mkdir()
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "database" in answer.get_json()["reasons"][0]
    assert client.get("/healthz").status_code == 200
    assert client.get("/api/v1/services").status_code == 503
    assert client.get("/").status_code == 503


def test_a_failing_source_and_parked_work_are_said_but_leave_it_ready(populated: Gatekeeper) -> None:
    answer = create_app(populated).test_client().get("/readyz")
    assert answer.status_code == 200
    assert set(answer.get_json()["warnings"]) == {
        "1 pieces of work are parked",
        "acme/legacy, availability: stale",
        "acme/recommendations, availability: backfilling",
    }


def test_work_that_nobody_takes_is_said(gatekeeper: Gatekeeper) -> None:
    gatekeeper.stores.work.add([Touch(WorkKey(Kind.REPOSITORY, "acme/shop"))], faces.NOW)
    soon = create_app(gatekeeper, real_time=lambda: faces.NOW + timedelta(minutes=1)).test_client()
    assert soon.get("/readyz").get_json()["warnings"] == []
    late = create_app(gatekeeper, real_time=lambda: faces.NOW + timedelta(minutes=3)).test_client()
    (warning,) = late.get("/readyz").get_json()["warnings"]
    assert "is any worker running?" in warning


def sample(client: FlaskClient, name: str, **labels: str) -> float | None:
    """One sample of a scrape."""
    answer = client.get("/metrics")
    assert answer.status_code == 200
    for family in text_string_to_metric_families(answer.text):
        for one in family.samples:
            if one.name == name and one.labels == labels:
                return float(one.value)
    return None


def test_every_service_is_measured_where_there_is_evidence(populated: Gatekeeper) -> None:
    client = create_app(populated).test_client()
    standing = populated.stores.gates.standing("acme/checkout")
    assert standing is not None
    remaining = sample(client, "gatekeeper_budget_remaining_ratio", objective="availability", **CHECKOUT)
    assert remaining == getattr(standing.view.objectives[0].evidence, "remaining", None)
    assert sample(client, "gatekeeper_service_state", state="frozen", **CHECKOUT) == 1
    assert sample(client, "gatekeeper_service_state", state="open", **CHECKOUT) == 0
    assert sample(client, "gatekeeper_blocked_pulls", **CHECKOUT) == 2
    lag = sample(client, "gatekeeper_ledger_lag_seconds", objective="availability", **CHECKOUT)
    assert lag == (faces.NOW - standing.view.objectives[0].evidence.watermark).total_seconds()  # type: ignore[operator]  # measured


def test_what_is_not_measured_has_no_sample(populated: Gatekeeper) -> None:
    client = create_app(populated).test_client()
    new = {"organization": "acme", "service": "recommendations", "objective": "availability"}
    assert sample(client, "gatekeeper_budget_remaining_ratio", **new) is None
    assert sample(client, "gatekeeper_coverage_ratio", **new) == 0


def test_work_and_policy_problems_are_counted(populated: Gatekeeper) -> None:
    client = create_app(populated).test_client()
    assert sample(client, "gatekeeper_work", state="parked") == 1
    assert sample(client, "gatekeeper_work", state="waiting") == 0
    assert sample(client, "gatekeeper_policy_problems", repository="acme/shop") == 1


@responses.activate
def test_what_is_left_of_githubs_limits_is_told(gatekeeper: Gatekeeper) -> None:
    client, github = create_app(gatekeeper).test_client(), gatekeeper.github
    assert github is not None
    responses.get("https://api.github.com:443/repos/acme/shop/pulls", json=[])
    headers = {"x-ratelimit-limit": "5000", "x-ratelimit-remaining": "900"}
    address = "https://api.github.com:443/repos/acme/shop/issues/12/comments"
    responses.post(address, json={"id": 1}, status=201, headers=headers)
    list(github.open_pulls("acme/shop"))
    github.create_comment("acme/shop", 12, "Frozen.")
    with pytest.raises(RateLimitedError):
        list(github.open_pulls("acme/shop"))
    window = "gatekeeper_github_window_remaining"
    assert sample(client, window, installation="token", window="points_minute") == 900 - 1 - 5
    assert sample(client, window, installation="token", window="content_hour") == 499
    assert sample(client, "gatekeeper_github_waiting", installation="token") == 0
    assert sample(client, "gatekeeper_github_put_off_total", installation="token") == 1


def test_deliveries_are_counted_by_what_became_of_them(gatekeeper: Gatekeeper) -> None:
    client = create_app(gatekeeper).test_client()
    body = b'{"zen": "Keep it logically awesome.", "hook_id": 1}'
    headers = {"X-GitHub-Event": "ping", "X-GitHub-Delivery": "1", "X-Hub-Signature-256": sign(body, b"s")}
    assert client.post("/webhooks/github", data=body, headers=headers).status_code == 202
    assert client.post("/webhooks/github", data=b"forged", headers=headers).status_code == 401
    assert sample(client, "gatekeeper_deliveries_total", outcome="ignored") == 1
    assert sample(client, "gatekeeper_deliveries_total", outcome="refused") == 1


def test_passes_are_counted_by_the_line_they_leave_in_the_log(gatekeeper: Gatekeeper) -> None:
    metrics = Metrics()
    client = create_app(gatekeeper, metrics=metrics).test_client()
    metrics.count_pass("pass.done", {"key": "pull:acme/shop#12", "outcome": "done", "seconds": 0.2})
    metrics.count_pass("pass.failed", {"key": "pull:acme/shop#12", "outcome": "retry", "seconds": 1.5})
    metrics.count_pass("worker.started", {})
    assert sample(client, "gatekeeper_passes_total", kind="pull", outcome="done") == 1
    assert sample(client, "gatekeeper_passes_total", kind="pull", outcome="retry") == 1
    assert sample(client, "gatekeeper_pass_seconds_sum", kind="pull") == 1.7
    assert sample(client, "gatekeeper_pass_seconds_bucket", kind="pull", le="1.0") == 1


def test_two_applications_keep_their_counts_apart(gatekeeper: Gatekeeper) -> None:
    one, other = (create_app(gatekeeper).test_client() for _ in range(2))
    one.post("/webhooks/github", data=b"")
    assert sample(one, "gatekeeper_deliveries_total", outcome="refused") == 1
    assert sample(other, "gatekeeper_deliveries_total", outcome="refused") is None


def test_pages_and_calls_leave_a_line_in_the_log_and_probes_none(gatekeeper: Gatekeeper) -> None:
    client = create_app(gatekeeper).test_client()
    with structlog.testing.capture_logs() as lines:
        for path in ("/healthz", "/readyz", "/metrics", "/static/icon.svg", "/api/v1/services", "/nothing"):
            client.get(path).close()
    told = [(line["event"], line["path"], line["status"]) for line in lines]
    assert told == [("request.done", "/api/v1/services", 200), ("request.done", "/nothing", 404)]
    assert all(line["seconds"] >= 0 for line in lines)
