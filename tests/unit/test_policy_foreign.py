"""Files of other tools: what becomes of each key, at its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from gatekeeper.cli.program import app
from gatekeeper.policy.foreign.native import rewritten
from gatekeeper.policy.loader import Loaded, PolicyFile, load
from gatekeeper.policy.objective import ByTimeslices, CalendarWindow

FOLDER = Path(__file__).parents[1] / "foreign"
EXAMPLES = sorted(FOLDER.glob("*.yaml"))


def read(text: str) -> Loaded:
    return load([PolicyFile("slo.yaml", text)], organization="acme", repository="acme/shop")


def example(name: str, *changes: tuple[str, str]) -> str:
    text = (FOLDER / f"{name}.yaml").read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_written_anew_it_says_the_same(file: Path) -> None:
    given = PolicyFile(file.name, file.read_text())
    loaded = load([given], organization="acme")
    assert loaded.ok, loaded.problems
    (service,) = loaded.services
    (ours,) = rewritten([given])
    again = load([PolicyFile("ours.yaml", ours.text)], organization="acme")
    assert again.problems == ()
    assert again.services == (service.model_copy(update={"origin": again.services[0].origin}),)


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_each_example_promises_what_its_tool_says(file: Path) -> None:
    (service,) = load([PolicyFile(file.name, file.read_text())]).services
    assert service.name == "shop"
    days = 30 if file.stem.startswith("sloth") else 28
    assert all(one.window.longest.days == days for one in service.objectives)
    assert str(service.objectives[0].target) == ("0.995" if "timeslices" in file.stem else "0.999")
    assert service.gate.mode == "observe"


REPORTED = [
    pytest.param("openslo-by-reference", [], 'spec.alertPolicies" is not', id="OpenSLO: alerts"),
    pytest.param("openslo-by-reference", [], "AlertPolicy is not carried", id="OpenSLO: kinds of alerts"),
    pytest.param(
        "openslo-ratio", [("duration: 28d", "duration: 1M")], "30 days here", id="OpenSLO: a rolling month"
    ),
    pytest.param(
        "openslo-ratio", [("counter: true", "counter: false")], "said not to grow", id="OpenSLO: no counters"
    ),
    pytest.param(
        "openslo-ratio",
        [("target: 0.999", "target: 0.999\n      compositeWeight: 2")],
        "compositeWeight",
        id="OpenSLO: composites",
    ),
    pytest.param(
        "openslo-ratio",
        [("  service: shop", "  service: shop\n  extra: 1")],
        '"spec.extra"',
        id="any key that is not known",
    ),
    pytest.param("sloth-events", [], 'slos[0].alerting" is not', id="Sloth: alerts"),
    pytest.param("sloth-events", [], '"labels" is not', id="Sloth: labels"),
    pytest.param("pyrra-ratio", [], "all groups together", id="Pyrra: grouping"),
    pytest.param(
        "pyrra-ratio", [('"99.9"', '"0.999"')], "less than one percent", id="Pyrra: a share for a percentage"
    ),
    pytest.param(
        "slo-generator-query", [], "steps of its error budget policy", id="slo-generator: no window"
    ),
    pytest.param("slo-generator-ratio", [], '"spec.exporters"', id="slo-generator: exporters"),
]


@pytest.mark.parametrize(("name", "changes", "said"), REPORTED)
def test_what_is_not_carried_over_is_reported_by_name(
    name: str, changes: list[tuple[str, str]], said: str
) -> None:
    loaded = read(example(name, *changes))
    assert loaded.ok, loaded.problems
    assert any(said in one.message and one.suggestion for one in loaded.problems), loaded.problems


REFUSED = [
    pytest.param(
        "openslo-ratio",
        [("duration: 28d", "duration: 1m")],
        26,
        "write 1M",
        id="OpenSLO: one minute for a month",
    ),
    pytest.param(
        "openslo-ratio",
        [("type: Prometheus", "type: Datadog")],
        17,
        "for Prometheus",
        id="OpenSLO: another source",
    ),
    pytest.param(
        "openslo-by-reference",
        [("indicatorRef: shop-errors", "indicatorRef: other")],
        44,
        "put it beside",
        id="OpenSLO: an indicator that is not there",
    ),
    pytest.param(
        "openslo-ratio", [("Occurrences", "RatioTimeslices")], 28, "Occurrences or", id="OpenSLO: a method"
    ),
    pytest.param(
        "sloth-raw",
        [("/\n", "* on(job)\n")],
        8,
        "use events",
        id="Sloth: a share in which no counters can be seen",
    ),
    pytest.param(
        "sloth-events",
        [("objective: 99.9", "objective: 100")],
        8,
        "write less",
        id="Sloth: all of it",
    ),
    pytest.param("sloth-events", [("events:", "plugin:")], 12, "write its queries", id="Sloth: a plugin"),
    pytest.param("pyrra-ratio", [("window: 4w", "window: 52w")], 11, "1 h to 90 d", id="Pyrra: a window"),
    pytest.param(
        "pyrra-ratio", [("errors:", "error:")], 15, "add errors", id="Pyrra: a key with another name"
    ),
    pytest.param(
        "slo-generator-ratio",
        [("backend: prometheus", "backend: datadog")],
        11,
        "for Prometheus",
        id="slo-generator: another backend",
    ),
    pytest.param(
        "slo-generator-ratio",
        [("goal: 0.999", "goal: 99.9")],
        18,
        "out of reach",
        id="slo-generator: a percentage for a share",
    ),
]


@pytest.mark.parametrize(("name", "changes", "line", "said"), REFUSED)
def test_what_cannot_be_read_is_a_mistake_on_its_line(
    name: str, changes: list[tuple[str, str]], line: int, said: str
) -> None:
    loaded = read(example(name, *changes))
    assert not loaded.ok
    assert loaded.services == ()
    assert any(one.line == line and said in f"{one.message}; {one.suggestion}" for one in loaded.problems), (
        "\n".join(map(str, loaded.problems))
    )


def test_calendar_windows_and_minutes_are_carried_over() -> None:
    zone = "{startTime: 2026-01-01 00:00:00, timeZone: Europe/Paris}"
    calendar = f"duration: 1M\n      isRolling: false\n      calendar: {zone}"
    (service,) = read(example("openslo-ratio", ("duration: 28d\n      isRolling: true", calendar))).services
    assert service.objectives[0].window == CalendarWindow(calendar="month", timezone="Europe/Paris")
    (service,) = read(example("openslo-timeslices")).services
    assert isinstance(service.objectives[0].method, ByTimeslices)


def test_a_threshold_becomes_minutes_in_which_it_is_kept() -> None:
    text = yaml.safe_load(example("openslo-ratio"))
    query = 'histogram_quantile(0.99, sum by (le) (rate(latency_bucket{job="healthy"}[5m])))'
    source = {"metricSource": {"type": "Prometheus", "spec": {"query": query}}}
    text["spec"]["indicator"]["spec"] = {"thresholdMetric": source}
    text["spec"]["objectives"] = [{"op": "lte", "value": 0.3, "target": 0.99}]
    loaded = read(yaml.safe_dump(text))
    (service,) = loaded.services
    assert service.objectives[0].indicator.prometheus.up == f"({query}) <= bool 0.3"
    assert any("minutes are counted" in one.message for one in loaded.problems)


def test_objectives_of_one_service_in_several_files_are_one_service() -> None:
    files = [
        PolicyFile("a.yaml", example("openslo-ratio")),
        PolicyFile("b.yaml", example("sloth-events")),
    ]
    loaded = load(files, organization="acme", repository="acme/shop")
    (service,) = loaded.services
    assert [one.name for one in service.objectives] == ["shop-requests", "requests-availability"]


def test_a_service_that_a_file_of_ours_has_too_is_there_twice() -> None:
    ours = next(rewritten([PolicyFile("a.yaml", example("openslo-ratio"))])).text
    loaded = load([PolicyFile("a.yaml", example("openslo-ratio")), PolicyFile("b.yaml", ours)])
    assert loaded.services == ()
    assert sum("is also defined at" in one.message for one in loaded.problems) == 2


def test_the_command_prints_what_loads(tmp_path: Path) -> None:
    answer = CliRunner().invoke(app, ["import", str(FOLDER / "sloth-events.yaml")])
    assert answer.exit_code == 0
    ours = answer.stdout[answer.stdout.index("apiVersion") :]
    assert load([PolicyFile("a.yaml", ours)]).ok
    assert "# " in answer.stdout
    assert "alerting" in answer.stdout


def test_the_command_writes_a_file_for_each_service_and_overwrites_none(tmp_path: Path) -> None:
    file, out = str(FOLDER / "pyrra-ratio.yaml"), tmp_path / "policies"
    assert CliRunner().invoke(app, ["import", file, "--out", str(out)]).exit_code == 0
    assert [one.name for one in out.iterdir()] == ["shop.yaml"]
    again = CliRunner().invoke(app, ["import", file, "--out", str(out)])
    assert (again.exit_code, "exists already" in again.output) == (2, True)


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        pytest.param("apiVersion: gatekeeper/v1\nkind: Service\n", 2, "no file of another tool", id="ours"),
        pytest.param("version: prometheus/v1\nservice: a\nslos: 3\n", 1, "must be a list", id="broken"),
    ],
)
def test_what_the_command_cannot_import_it_says(tmp_path: Path, text: str, code: int, said: str) -> None:
    (tmp_path / "a.yaml").write_text(text)
    answer = CliRunner().invoke(app, ["import", str(tmp_path / "a.yaml")])
    assert (answer.exit_code, said in answer.output) == (code, True), answer.output


WORDS = st.sampled_from(
    ["slos", "spec", "metadata", "sli", "events", "name", "service", "indicator", "objectives"]
)
NODES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | WORDS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(WORDS | st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(data=st.data(), file=st.sampled_from(EXAMPLES))
def test_no_file_of_another_tool_is_too_odd_to_be_read(data: st.DataObject, file: Path) -> None:
    documents: list[Any] = [*yaml.safe_load_all(file.read_text())]
    for _ in range(data.draw(st.integers(1, 3))):
        _change(data, documents[0])
    loaded = read("---\n".join(yaml.safe_dump(one) for one in documents))
    assert loaded.services or not loaded.ok, "a document never goes away in silence"


def _change(data: st.DataObject, node: Any) -> None:
    """Put something else at some place below a node, or take it away."""
    while isinstance(node, dict | list) and node:
        keys = [*node] if isinstance(node, dict) else [*range(len(node))]
        key = data.draw(st.sampled_from(keys))
        if key in {"apiVersion", "version", "kind"}:
            return
        if data.draw(st.booleans()):
            node[key] = data.draw(NODES)
            return
        node = node[key]
