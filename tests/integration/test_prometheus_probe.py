"""A dry run of queries on real servers: what is fine is left alone, what looks like a mistake is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from gatekeeper.cli.program import app
from gatekeeper.policy.objective import Indicator
from gatekeeper.sources.prometheus import PrometheusSource
from gatekeeper.sources.prometheus_api import PrometheusApi
from gatekeeper.sources.prometheus_flavour import Flavour
from ports import free_port
from staging import policy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from worlds.world import World


@pytest.fixture(params=["prometheus", "victoria_metrics"])
def source(request: pytest.FixtureRequest) -> Iterator[PrometheusSource]:
    flavour = Flavour.VICTORIAMETRICS if request.param == "victoria_metrics" else Flavour.PROMETHEUS
    api = PrometheusApi(request.getfixturevalue(request.param).url)
    source = PrometheusSource(api, flavour, raw_samples=30_000_000)
    yield source
    source.close()


def indicator(**queries: str) -> Indicator:
    return Indicator.model_validate({"prometheus": queries})


def test_what_is_fine_is_left_alone(source: PrometheusSource, world: World) -> None:
    for service in world.services.values():
        found = source.probe(indicator(bad=service.bad_selector, total=service.total_selector), world.end)
        assert [one for one in found if "no series has" not in one.message] == [], service


@pytest.mark.parametrize(
    ("bad", "total", "said"),
    [
        pytest.param(
            "BAD",
            "http_requests_totl{job=JOB}",
            [
                (
                    "total",
                    'the source knows no metric "http_requests_totl"',
                    'did you mean "http_requests_total"?',
                )
            ],
            id="a metric that nobody exports",
        ),
        pytest.param(
            "BAD",
            'http_requests_total{job="helthy"}',
            [("total", 'no series has job="helthy"', "there are healthy")],
            id="a value that no series has, with those that there are, the likest first",
        ),
        pytest.param(
            'http_requests_total{job=JOB,status=~"5.."}',
            "TOTAL",
            [("bad", 'no series of this metric has a label "status"', "remove the condition")],
            id="a label that no series has",
        ),
        pytest.param(
            'http_requests_total{job=JOB,code="599"}',
            "TOTAL",
            [("bad", 'no series has code="599"', "as it should be if nothing ever failed")],
            id="no failures of that kind, which may be well",
        ),
        pytest.param(
            'http_requests_total{job=JOB,code!~"5.."}',
            "TOTAL",
            [("bad", "of all events of the last day count as bad", "name it good")],
            id="good events under the name of bad ones",
        ),
        pytest.param(
            "http_requests_total",
            "TOTAL",
            [("bad", "and total only", "give both the same conditions")],
            id="more bad events than events",
        ),
    ],
)
def test_what_looks_like_a_mistake_is_named(
    source: PrometheusSource, world: World, bad: str, total: str, said: list[tuple[str, str, str]]
) -> None:
    service = world.services["healthy"]
    bad, total = (
        text.replace("JOB", f'"{service.name}"')
        .replace("BAD", service.bad_selector)
        .replace("TOTAL", service.total_selector)
        for text in (bad, total)
    )
    found = source.probe(indicator(bad=bad, total=total), world.end)
    assert [one.key for one in found] == [(key,) for key, _, _ in said], found
    for one, (_, message, suggestion) in zip(found, said, strict=True):
        assert message in one.message
        assert suggestion in one.suggestion


def test_on_the_command_line_it_is_a_warning_at_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest, world: World
) -> None:
    healthy = world.services["healthy"]
    written = policy("shop", bad="no_such_metric_total", total=healthy.total_selector)
    (file := tmp_path / "shop.yaml").write_text(written)
    monkeypatch.setenv("GATEKEEPER_PROMETHEUS_URL", request.getfixturevalue("prometheus").url)
    answer = CliRunner().invoke(app, ["validate", "--queries", str(file)])
    line = 1 + next(at for at, one in enumerate(written.splitlines()) if "bad:" in one)
    assert answer.exit_code == 0
    assert f"{file}:{line}:11: warning: the source knows no metric" in answer.output


def test_a_source_that_does_not_answer_is_said_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (file := tmp_path / "shop.yaml").write_text(policy("shop", bad="bad_total", total="all_total"))
    monkeypatch.setenv("GATEKEEPER_PROMETHEUS_URL", f"http://127.0.0.1:{free_port()}")
    answer = CliRunner().invoke(app, ["validate", "--queries", str(file)])
    assert answer.exit_code == 3
    assert "did not answer" in answer.output
