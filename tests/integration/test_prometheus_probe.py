"""A dry run of queries on real servers: what is fine is left alone, what looks like a mistake is named."""

from __future__ import annotations

from datetime import timedelta
from itertools import cycle, repeat
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from typer.testing import CliRunner

from gatekeeper.cli.program import app
from gatekeeper.policy.objective import Indicator
from gatekeeper.policy.problem import Severity
from gatekeeper.sources.prometheus import PrometheusSource
from gatekeeper.sources.prometheus_api import PrometheusApi
from gatekeeper.sources.prometheus_flavour import Flavour
from ports import free_port
from staging import policy
from worlds.fixtures import END
from worlds.prometheus import PrometheusServer
from worlds.series import Series, milliseconds
from worlds.victoria_metrics import VictoriaMetricsServer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from gatekeeper.policy.finding import Finding
    from worlds.server import Server
    from worlds.world import World


@pytest.fixture(params=["prometheus", "victoria_metrics"])
def source(request: pytest.FixtureRequest) -> Iterator[PrometheusSource]:
    flavour = Flavour.VICTORIAMETRICS if request.param == "victoria_metrics" else Flavour.PROMETHEUS
    api = PrometheusApi(request.getfixturevalue(request.param).url)
    source = PrometheusSource(api, flavour, raw_samples=30_000_000)
    yield source
    source.close()


def of_last_day(name: str, values: Iterable[float], **labels: str) -> Series:
    """A series scraped once a minute over the 25 hours before the end."""
    first, last = milliseconds(END - timedelta(hours=25)), milliseconds(END)
    times = np.arange(first, last + 1, 60_000, dtype=np.int64)
    numbers = np.fromiter(values, dtype=np.float64, count=len(times))
    return Series(tuple(sorted({"__name__": name, "job": "odd", **labels}.items())), times, numbers, times)


ODD = (
    of_last_day("queue_length_total", cycle([4, 9, 2, 7])),
    of_last_day("asleep_total", repeat(1000)),
    of_last_day("never_awake_total", repeat(0)),
    of_last_day("awake_total", range(10_000)),
    of_last_day("awake_twice_total", range(0, 20_000, 2)),
    of_last_day("instances", repeat(3)),
    *(of_last_day("left", repeat(1), side=side) for side in "ab"),
    *(of_last_day("right", range(10_000), side=side) for side in "ab"),
    *(of_last_day("wait_seconds_bucket", range(10_000), le=bound) for bound in ("0.1", "0.5", "+Inf")),
    of_last_day("wait_seconds_count", range(10_000)),
)
"""What no service should be measured by."""


@pytest.fixture(scope="module", params=[PrometheusServer, VictoriaMetricsServer])
def odd(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with request.param(tmp_path_factory.mktemp("odd"), ODD) as server:
        yield server


def probed(server: Server, queries: dict[str, Any], *, most_bytes: int = 1 << 20) -> tuple[Finding, ...]:
    flavour = Flavour.VICTORIAMETRICS if isinstance(server, VictoriaMetricsServer) else Flavour.PROMETHEUS
    source = PrometheusSource(PrometheusApi(server.url, most_bytes=most_bytes), flavour)
    try:
        return source.probe(Indicator.model_validate({"prometheus": queries}), END)
    finally:
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


BOTH_SIDES = "left * on (job) right"
"""Each side has two series of that job: no server knows which belong together."""


@pytest.mark.parametrize(
    ("queries", "key", "message", "severity"),
    [
        pytest.param(
            {"bad": "asleep_total", "total": "queue_length_total"},
            "total",
            "goes down nearly as often as up",
            Severity.WARNING,
            id="a gauge in place of a counter",
        ),
        pytest.param(
            {"bad": "never_awake_total", "total": "asleep_total"},
            "total",
            "no events in the last day",
            Severity.WARNING,
            id="nothing happens",
        ),
        pytest.param(
            {"good": "awake_twice_total", "total": "awake_total"},
            "good",
            "and total only",
            Severity.WARNING,
            id="more good events than events",
        ),
        pytest.param(
            {"good": "asleep_total", "total": "awake_total"},
            "good",
            "only 0% of all events of the last day count as good",
            Severity.WARNING,
            id="bad events under the name of good ones",
        ),
        pytest.param(
            {"up": "instances"},
            "up",
            "up has to be between 0 and 1",
            Severity.ERROR,
            id="a number of instances in place of up or down",
        ),
        pytest.param(
            {"up": "instancs"},
            "up",
            'the source knows no metric "instancs"',
            Severity.WARNING,
            id="up of a metric that nobody exports",
        ),
        pytest.param(
            {"up": "instances == 99"},
            "up",
            "this finds nothing at the moment",
            Severity.WARNING,
            id="up that is never true and never false",
        ),
        pytest.param(
            {"latency": {"histogram": "wait_seconds", "below": "300ms"}},
            "latency.below",
            "has no bucket that ends at 300ms; write below: 100ms or 500ms",
            Severity.ERROR,
            id="a latency between two buckets",
        ),
    ],
)
def test_what_no_service_can_be_measured_by_is_named(
    odd: Server, queries: dict[str, Any], key: str, message: str, severity: Severity
) -> None:
    found = probed(odd, queries)
    said = [one for one in found if ".".join(one.key) == key and message in one.message]
    assert [one.severity for one in said] == [severity], found


@pytest.mark.parametrize(
    ("queries", "keys"),
    [
        pytest.param({"up": f"{BOTH_SIDES} == bool 1"}, ["up"], id="of up or down"),
        pytest.param(
            {"bad": "sum(increase(right[$window]))", "total": "left * on (job) increase(right[$window])"},
            ["total"],
            id="of all events",
        ),
    ],
)
def test_a_query_that_the_server_refuses_is_a_mistake_said_once(
    odd: Server, queries: dict[str, Any], keys: list[str]
) -> None:
    found = probed(odd, queries)
    assert [(".".join(one.key), one.severity) for one in found] == [(key, Severity.ERROR) for key in keys]
    assert "refused the query" in found[0].message


@pytest.mark.parametrize(
    ("queries", "key", "message"),
    [
        pytest.param(
            {"bad": "asleep_total", "total": "awake_total"},
            "total",
            "more series than can be listed",
            id="of a counter",
        ),
        pytest.param({"up": "instances"}, "up", "loads too many samples", id="of up or down"),
    ],
)
def test_more_than_the_server_or_we_can_hold_is_said(
    odd: Server, queries: dict[str, Any], key: str, message: str
) -> None:
    found = probed(odd, queries, most_bytes=20)
    assert (key, message) in {(".".join(one.key), message) for one in found if message in one.message}, found


REFUSED = """\
apiVersion: gatekeeper/v1
kind: Service
metadata: {name: shop}
spec:
  objectives:
    - name: availability
      target: 99%
      indicator:
        prometheus:
          up: label_replace(up, "a", "$1", "job", "(")
  changes: [{repository: acme/shop}]
"""


def test_a_refused_query_has_its_place_on_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, odd: Server
) -> None:
    (file := tmp_path / "shop.yaml").write_text(REFUSED)
    monkeypatch.setenv("GATEKEEPER_PROMETHEUS_URL", odd.url)
    answer = CliRunner().invoke(app, ["validate", "--queries", str(file)])
    assert answer.exit_code == 1
    assert answer.output.count(f"{file}:10:11: Prometheus refused the query") == 1


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
