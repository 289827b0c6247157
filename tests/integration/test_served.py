"""The whole server under gunicorn, in processes of its own: the main job, what it refuses, how it stops."""

from __future__ import annotations

import json
import time
import uuid
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
import requests

import openapi
from deliveries import Sender, headers, samples
from gatekeeper.bootstrap import now
from gatekeeper.web.webhooks import LARGEST_BODY
from staging import Served, eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

    from worlds.prometheus import PrometheusServer
    from worlds.world import World

SHOP = "acme/shop"
GRACE = 15.0


@pytest.fixture
def start(
    tmp_path: Path, prometheus: PrometheusServer, policies: dict[str, str], frozen_at: datetime, filled: Path
) -> Callable[[], Served]:
    """Puts up a stage at the time when checkout is frozen."""
    return lambda: Served(
        tmp_path, prometheus=prometheus.url, now=frozen_at, policies=policies, filled=filled
    )


@pytest.fixture(scope="module")
def served(
    tmp_path_factory: pytest.TempPathFactory,
    prometheus: PrometheusServer,
    policies: dict[str, str],
    frozen_at: datetime,
    filled: Path,
) -> Iterator[Served]:
    """One server for everything that is only sent to it."""
    folder = tmp_path_factory.mktemp("served")
    with Served(folder, prometheus=prometheus.url, now=frozen_at, policies=policies, filled=filled) as served:
        yield served


@pytest.fixture
def sender(served: Served) -> Sender:
    return Sender(served.port)


def test_a_spent_budget_blocks_and_when_history_moves_on_the_same_check_turns_green(
    start: Callable[[], Served], world: World
) -> None:
    with start() as stage:
        number = stage.open_pull()
        blocked = stage.check(number)
        assert blocked.conclusion == "action_required"
        assert stage.labels(number) == ("slo:frozen",)
        for said in ("checkout", "53.5 % over", "2026-10-04", "`reliability`", "`@acme/sre`", "2026-11-01"):
            assert said in (blocked.output.summary or ""), said
            assert said in stage.comment(number), said
        heard = len(stage.github.deliveries.logged())
        stage.at(world.end)
        eventually(lambda: stage.check(number).conclusion == "success")
        eventually(lambda: "checkout is in probation" in stage.comment(number))
        stage.settle()
        assert stage.check(number).id == blocked.id
        assert stage.labels(number) == ("slo:caution",)
        ours = [one.event for one in stage.github.deliveries.logged()[heard:]]
        assert set(ours) <= {"pull_request", "issue_comment", "check_run"}, "only the echo of our own writes"
        (service,) = _services(stage, "checkout")
        assert service["state"] == "probation"
        assert requests.get(f"{stage.url}/readyz", timeout=5).json()["status"] == "ready"
        openapi.validate_all(stage.github.calls)
        assert not _bugs(stage)


def _services(stage: Served, name: str) -> list[dict[str, Any]]:
    answer = requests.get(f"{stage.url}/api/v1/services", timeout=5).json()
    return [one for one in answer["services"] if one["name"] == name]


def _bugs(stage: Served) -> list[str]:
    """Log lines that carry a traceback."""
    return [line for line in stage.lines() if "Traceback" in line]


BODY = json.dumps({"action": "opened", "pull_request": {"number": 1}}).encode()


def without(name: str) -> Mapping[str, str]:
    return {header: value for header, value in headers(BODY).items() if header != name}


@pytest.mark.parametrize(
    ("body", "sent", "status"),
    [
        pytest.param(BODY, headers(BODY, secret="wrong"), 401, id="signed with another secret"),
        pytest.param(BODY, without("X-Hub-Signature-256"), 401, id="not signed"),
        pytest.param(b"payload={}", headers(b"payload={}"), 400, id="not JSON"),
        pytest.param(b"[]", headers(b"[]"), 400, id="not an object"),
        pytest.param(b"\xff\xfe{}", headers(b"\xff\xfe{}"), 400, id="not UTF-8"),
        pytest.param(b"[" * 100_000, headers(b"[" * 100_000), 400, id="nested without end"),
        pytest.param(BODY, without("X-GitHub-Event"), 400, id="no event"),
        pytest.param(BODY, without("X-GitHub-Delivery"), 400, id="no delivery id"),
    ],
)
def test_what_is_refused(sender: Sender, body: bytes, sent: Mapping[str, str], status: int) -> None:
    answer = sender.post(body, sent)
    assert answer.status == status
    assert list(answer.json) == ["error"]


@pytest.mark.parametrize("chunked", [False, True], ids=["with its length", "in chunks"])
def test_more_than_25_megabytes_are_refused(sender: Sender, *, chunked: bool) -> None:
    assert sender.status_of_large(b"x" * (LARGEST_BODY + 1), chunked=chunked) == 413


def test_an_unknown_event_is_taken_and_ignored(sender: Sender) -> None:
    answer = sender.deliver({"zen": "Keep it logically awesome."}, event="of_tomorrow")
    assert (answer.status, answer.json["outcome"]) == (202, "ignored")


def test_a_redelivery_of_what_is_done_starts_no_pass(served: Served, sender: Sender) -> None:
    number = served.open_pull()
    (opened,) = [
        one
        for one in served.github.deliveries.logged()
        if one.event == "pull_request" and one.action == "opened"
    ]
    served.github.calls.clear()
    again = sender.deliver(opened.payload, guid=opened.guid)
    assert (again.status, again.json["outcome"]) == (202, "already done")
    served.settle()
    assert [str(call) for call in served.github.calls if f"/pulls/{number}" in call.path] == []
    anew = sender.deliver(opened.payload, guid=str(uuid.uuid4()))
    assert anew.json["outcome"] == "accepted"
    served.settle()
    assert [str(call) for call in served.github.calls if f"/pulls/{number}" in call.path] != []
    assert served.github.calls.writes() == []


def test_every_sample_of_github_is_taken_at_once_and_leads_to_no_bug(served: Served, sender: Sender) -> None:
    answers: Counter[int] = Counter()
    slowest = 0.0
    for event, sample in samples():
        begun = time.monotonic()
        answers[sender.deliver(sample, event=event).status] += 1
        slowest = max(slowest, time.monotonic() - begun)
    assert set(answers) == {202}
    assert answers.total() > 300
    assert slowest < 3
    # What they name is not on this GitHub: such work is retried or parked, and nothing else suffers.
    files = {"services/checkout/new.py": "x = 1\n"}
    number = served.github.state.open_pull(SHOP, author="dev1", title="A change", files=files).number
    eventually(lambda: served.comments(number))
    assert served.check(number).conclusion == "action_required"
    assert not _bugs(served)


def test_told_to_stop_it_finishes_the_pass_that_runs(start: Callable[[], Served]) -> None:
    with start() as stage:
        stage.github.faults.delay("GET", rf"/repos/{SHOP}/pulls/1$", 1.5)
        stage.github.deliveries.pause()
        stage.github.state.open_pull(SHOP, author="dev1", title="A change", files={"services/checkout/a": ""})
        stage.github.deliveries.resume()
        stage.github.deliveries.wait()
        eventually(lambda: not stage.github.faults.pending())
        begun = time.monotonic()
        stage.terminate()
        assert time.monotonic() - begun < GRACE
        assert stage.check(1).conclusion == "action_required"
        assert len(stage.comments(1)) == 1
        assert stage.gatekeeper.stores.work.counts(now()).running == 0
        assert any("Shutting down" in line for line in stage.lines())
        assert not _bugs(stage)
