"""A first policy, proposed from what a real Prometheus has."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from gatekeeper import bootstrap
from gatekeeper.cli.program import app
from gatekeeper.policy.first import ROOM, TARGETS, Kept, target_with_room
from gatekeeper.policy.loader import PolicyFile, load
from gatekeeper.settings import Settings
from gatekeeper.sources.prometheus_api import PrometheusApi
from gatekeeper.sources.prometheus_candidates import candidates
from worlds.series import Series

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from worlds.fixtures import StartPrometheus
    from worlds.prometheus import PrometheusServer
    from worlds.world import World


@pytest.fixture
def environ(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prometheus: PrometheusServer, world: World
) -> Path:
    """An empty folder, and the standard world's Prometheus at the end of its history."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GATEKEEPER_PROMETHEUS_URL", prometheus.url)
    monkeypatch.setenv("GATEKEEPER_DATABASE_URL", f"sqlite:///{tmp_path}/none.db")
    at(monkeypatch, world.end)
    return tmp_path


def at(monkeypatch: pytest.MonkeyPatch, now: datetime) -> None:
    """Let the programs' clock stand at the end of the history."""
    defaults = bootstrap.build.__kwdefaults__
    assert defaults is not None
    monkeypatch.setitem(defaults, "clock", lambda: now)


def test_what_it_writes_loads_and_says_what_was_measured(environ: Path, world: World) -> None:
    answer = CliRunner().invoke(app, ["init", "--service", "spent", "--repository", "acme/shop"])
    assert answer.exit_code == 0, answer.output
    written = environ / "policies" / "spent.yaml"
    loaded = load([PolicyFile("spent.yaml", written.read_text())], organization="acme")
    assert loaded.problems == ()
    (service,) = loaded.services
    truth = world.services["spent"]
    queries = service.objectives[0].indicator.prometheus
    assert (queries.bad, queries.total) == (truth.bad_selector, truth.total_selector)
    counts = truth.observable(world.end - service.objectives[0].window.longest, world.end)
    said = float(answer.output.split("%")[0].rsplit(" ", 1)[1]) / 100
    assert said == pytest.approx(1 - counts.bad / counts.total, abs=1e-6)
    assert service.gate.mode == "observe"
    assert service.changes[0].repository == "acme/shop"
    spent = counts.bad / counts.total
    assert spent <= float(1 - service.objectives[0].target) / 2, "half of the budget would have been left"


def test_without_a_terminal_the_one_with_most_events_is_taken(environ: Path, world: World) -> None:
    assert CliRunner().invoke(app, ["init"]).exit_code == 0
    (written,) = (environ / "policies").iterdir()
    assert written.stem in world.services


class Terminal(StringIO):
    """Somebody who types."""

    def isatty(self) -> bool:
        return True


def test_at_a_terminal_one_is_asked_which_and_again_after_a_wrong_answer(
    environ: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], world: World
) -> None:
    api = PrometheusApi(str(Settings.from_env().prometheus_url))
    offered = candidates(api, world.end)
    api.close()
    monkeypatch.setattr("sys.stdin", Terminal("99\n3\n"))
    app(["init"], standalone_mode=False)
    shown = capsys.readouterr().err
    (written,) = (environ / "policies").iterdir()
    assert written.stem == offered[2].service
    assert all(one.service in shown for one in offered[:3]), shown


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        pytest.param(
            ["--service", "nothing"], 2, "nothing of nothing was found; there is", id="no such service"
        ),
        pytest.param(["--out", "there.yaml"], 2, "exists already", id="a file that is there"),
    ],
)
def test_what_it_cannot_propose_it_says(environ: Path, arguments: list[str], code: int, said: str) -> None:
    (environ / "there.yaml").write_text("kept")
    answer = CliRunner().invoke(app, ["init", *arguments])
    assert (answer.exit_code, said in answer.output) == (code, True), answer.output
    assert (environ / "there.yaml").read_text() == "kept"


def test_of_an_empty_server_it_says_that_there_is_nothing(
    environ: Path, monkeypatch: pytest.MonkeyPatch, start_prometheus: StartPrometheus, world: World
) -> None:
    monkeypatch.setenv("GATEKEEPER_PROMETHEUS_URL", start_prometheus().url)
    answer = CliRunner().invoke(app, ["init"])
    assert (answer.exit_code, "does it scrape anything?" in answer.output) == (2, True), answer.output


def growing(end: datetime, rate: float, **labels: str) -> Series:
    times = np.arange(int(end.timestamp()) - 7200, int(end.timestamp()), 60, dtype=np.int64) * 1000
    return Series(tuple(sorted(labels.items())), times, np.arange(len(times), dtype=np.float64) * rate, times)


def test_failures_are_found_by_codes_results_and_pairs_and_up_comes_last(
    start_prometheus: StartPrometheus, world: World
) -> None:
    def series(name: str, rate: float, **labels: str) -> Series:
        return growing(world.end, rate, __name__=name, **labels)

    api = PrometheusApi(
        start_prometheus(
            [
                series("http_requests_total", 9, job="web", code="200"),
                series("http_requests_total", 1, job="web", code="503"),
                series("grpc_server_handled_total", 5, job="grpc", grpc_code="OK"),
                series("queue_calls_total", 4, job="queue", result="ok"),
                series("queue_calls_total", 1, job="queue", result="error"),
                series("mail_requests_total", 3, job="mail"),
                series("mail_errors_total", 1, job="mail"),
                series("go_gc_duration_seconds_count", 50, job="web"),
                series("up", 0, job="batch"),
            ]
        ).url
    )
    found = {one.service: dict(one.queries) for one in candidates(api, world.end)}
    api.close()
    assert found == {
        "web": {
            "bad": 'http_requests_total{job="web",code=~"5.."}',
            "total": 'http_requests_total{job="web"}',
        },
        "grpc": {
            "bad": 'grpc_server_handled_total{job="grpc",grpc_code=~"Unknown|DeadlineExceeded|Unimplemented|'
            'Internal|Unavailable|DataLoss"}',
            "total": 'grpc_server_handled_total{job="grpc"}',
        },
        "queue": {
            "bad": 'queue_calls_total{job="queue",result="error"}',
            "total": 'queue_calls_total{job="queue"}',
        },
        "mail": {"bad": 'mail_errors_total{job="mail"}', "total": 'mail_requests_total{job="mail"}'},
        "batch": {"up": 'up{job="batch"}'},
    }
    assert [*found] == ["web", "grpc", "queue", "mail", "batch"], "most events first"


@given(bad=st.integers(0, 10**6), good=st.integers(0, 10**9))
def test_a_target_with_room_would_have_left_half_of_its_budget_and_the_next_would_not(
    bad: int, good: int
) -> None:
    kept = Kept(float(bad), float(bad + good), 1.0, 28)
    target = target_with_room(kept)
    if not kept.total:
        assert target is None
        return
    spent = {one: kept.bad / kept.total <= float((1 - one) * ROOM) for one in TARGETS}
    assert target == next((one for one in TARGETS if spent[one]), None)
