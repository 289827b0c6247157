"""``backtest``: its exit codes, and a run on a ledger that is filled already."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from datetime import datetime
from typing import TYPE_CHECKING

import pytest
from rich.progress import Progress
from typer.testing import CliRunner, Result

import faces
from builders import DAY, HOUR, MINUTE, NOW, a_gate, a_service
from gatekeeper.cli.backtest import page
from gatekeeper.cli.backtest.as_json import as_json
from gatekeeper.cli.backtest.command import report_of
from gatekeeper.cli.backtest.plot import NARROW, WIDE
from gatekeeper.cli.backtest.report import Report, Trial, moves, notes, rows, says
from gatekeeper.cli.exits import Code
from gatekeeper.cli.policies import checked
from gatekeeper.cli.program import app
from gatekeeper.decide.backtest.history import Past
from gatekeeper.decide.backtest.simulate import simulate
from gatekeeper.decide.backtest.waiting import Outcome, Recorded, Waiting
from gatekeeper.decide.verdict import State
from pasts import START, a_past

if TYPE_CHECKING:
    from pathlib import Path

GOOD = faces.policy("checkout").text
NOBODY = "http://127.0.0.1:9"
SVG = "{http://www.w3.org/2000/svg}"


def run(folder: Path, *arguments: str, **environ: str) -> Result:
    settings = {"GATEKEEPER_DATABASE_URL": f"sqlite:///{folder}/none.db", **environ}
    result = CliRunner().invoke(app, ["backtest", *arguments], env=settings)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    file = tmp_path / "checkout.yaml"
    file.write_text(GOOD)
    return file


@pytest.mark.parametrize(
    ("text", "options", "environ", "code", "words"),
    [
        pytest.param(
            GOOD.replace("99.95%", "99.95"), [], {}, Code.NO, "not a percentage", id="a mistake in the file"
        ),
        pytest.param(
            GOOD, [], {}, Code.USAGE, "GATEKEEPER_PROMETHEUS_URL is not set", id="no source is set up"
        ),
        pytest.param(
            GOOD,
            [],
            {"GATEKEEPER_PROMETHEUS_URL": NOBODY},
            Code.UNKNOWN,
            "127.0.0.1",
            id="it does not answer",
        ),
        pytest.param(GOOD, ["--days", "0"], {}, Code.USAGE, "--days", id="no days"),
        pytest.param("x: 1\n", [], {}, Code.NO, "apiVersion", id="no policy"),
    ],
)
def test_it_tells_scripts_by_its_exit_code(
    policy: Path, text: str, options: list[str], environ: dict[str, str], code: Code, words: str
) -> None:
    policy.write_text(text)
    result = run(policy.parent, str(policy), *options, **environ)
    assert (result.exit_code, words in result.output) == (code, True), result.output


def test_one_plot_is_of_one_service(policy: Path) -> None:
    (policy.parent / "search.yaml").write_text(faces.policy("search").text)
    result = run(policy.parent, str(policy.parent), "--svg", "out.svg")
    assert (result.exit_code, "--html" in result.output) == (Code.USAGE, True)


def test_no_database_is_left_behind(policy: Path) -> None:
    run(policy.parent, str(policy))
    assert [one.name for one in policy.parent.iterdir()] == ["checkout.yaml"]


def a_report(past: Past, *, name: str = "checkout", beside: bool = False) -> Report:
    service = a_service(name, past.objective)
    result = simulate([past], service.gate, START, NOW)
    waits = tuple(
        Waiting("acme/shop#1", faces.HOSTILE, ((one.at, one.at + HOUR),), Outcome.BLOCKED)
        for one in result.moves[:1]
    )
    strict = a_gate(freeze={"below": "50%"}, caution={"below": "60%"}, thaw={"above": "70%"})
    other = Trial(service, (past,), simulate([past], strict, START, NOW), ())
    return Report(Trial(service, (past,), result, waits), other if beside else None, 1)


@pytest.mark.parametrize(
    ("report", "words"),
    [
        pytest.param(a_report(a_past()), "Would not have frozen in the last 10 days.", id="quiet"),
        pytest.param(
            a_report(a_past((2 * DAY, HOUR, 0.2))),
            "of the last 10 days. 1 merge would have",
            id="frozen once",
        ),
        pytest.param(a_report(a_past(gap=5 * DAY)), "with evidence missing for 45 min", id="a gap"),
        pytest.param(
            a_report(Past(a_past().objective, a_past().slices, problem="no such metric")),
            "Nothing is known",
            id="nothing known",
        ),
        pytest.param(a_report(a_past(), beside=True), "; the policy in force: 0 days", id="beside another"),
    ],
)
def test_the_result_is_said_in_a_sentence(report: Report, words: str) -> None:
    assert words in says(report)


@pytest.mark.parametrize(
    ("then", "said"),
    [pytest.param("block", "1", id="it blocks"), pytest.param("advise", "only warned of", id="it advises")],
)
def test_what_is_blocked_for_want_of_evidence_has_a_row(then: str, said: str) -> None:
    past = a_past()
    gate = a_gate(unknown={"then": then})
    service = a_service("checkout", past.objective, gate=gate)
    pull = Recorded(
        "acme/shop#1", "Sell more", START, NOW, merged=True, changed_lines=1, labels=(), exempt_paths=False
    )
    unproven = (pull,) if then == "block" else ()
    report = Report(Trial(service, (past,), simulate([past], gate, START, NOW), (), (), unproven), None, 1)
    assert dict(rows(report))["merges blocked for want of evidence"] == said
    assert ("1 merge would have been blocked for want of evidence" in says(report)) == bool(unproven)
    told = as_json(report)["policy"]["blocked_without_evidence"]
    assert told == [one.subject for one in unproven]


def test_the_plot_is_an_svg_that_says_what_it_shows() -> None:
    report = a_report(a_past((2 * DAY, HOUR, 0.2), gap=5 * DAY), beside=True)
    root = ET.fromstring(page.svg(report))  # noqa: S314 - of our own making
    labelled = [root.find(f".//*[@id='{name}']") for name in root.attrib["aria-labelledby"].split()]
    title, desc = (one.text or "" for one in labelled if one is not None)
    assert (root.attrib["role"], "UTC" in title, "Would have frozen" in desc) == ("img", True, True)
    classes = {one.attrib.get("class") for one in root.iter(f"{SVG}rect")}
    assert {"open", "frozen", "unknown"} <= classes
    texts = {(one.text or "").strip() for one in root.iter(f"{SVG}text")}
    assert {"this policy", "in force", "100 %", "0 %", "caution", "freeze", "availability"} <= texts


@pytest.mark.parametrize(
    ("below", "zero_lines"),
    [
        pytest.param("0%", 0, id="the freeze line lies on zero"),
        pytest.param("5%", 1, id="it lies above"),
    ],
)
def test_two_lines_are_never_drawn_over_each_other(below: str, zero_lines: int) -> None:
    past = a_past((2 * DAY, HOUR, 0.2))
    gate = a_gate(freeze={"below": below}, thaw={"above": "20%"})
    service = a_service("checkout", past.objective, gate=gate)
    trial = Trial(service, (past,), simulate([past], gate, START, NOW), ())
    root = ET.fromstring(page.svg(Report(trial, None, 0)))  # noqa: S314 - of our own making
    classes = [one.attrib["class"] for one in root.iter(f"{SVG}line") if "class" in one.attrib]
    assert classes.count("zero") == zero_lines
    drawn = [one.attrib["y1"] for one in root.iter(f"{SVG}line") if one.attrib.get("x2") == "944.0"]
    assert len(drawn) == len(set(drawn)) + zero_lines  # the strong zero line lies on its line of the grid


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_nothing_is_drawn_beside_the_plot(width: float) -> None:
    drawn = page.svg(a_report(a_past((2 * DAY, HOUR, 0.2), gap=5 * DAY), beside=True), width=width)
    root = ET.fromstring(drawn)  # noqa: S314 - of our own making
    rectangles = [one.attrib for one in root.iter(f"{SVG}rect") if "x" in one.attrib]
    assert all(float(one["x"]) + float(one["width"]) <= width for one in rectangles)
    assert root.attrib["viewBox"].split()[2] == str(width)


def test_plots_on_one_page_share_no_pattern() -> None:
    # A rule for all would name that of the last plot, which may be the hidden one: then nothing is drawn.
    text = page.page([a_report(a_past(gap=5 * DAY))])
    for name in ("plot-0-wide", "plot-0-narrow"):
        assert text.count(f'id="{name}-hatch"') == 1
        assert text.count(f'fill="url(#{name}-hatch)"') == 2  # in the legend, and where evidence is missing


def test_the_states_fill_the_strip_from_end_to_end() -> None:
    root = ET.fromstring(page.svg(a_report(a_past((2 * DAY, HOUR, 0.2)))))  # noqa: S314 - of our own making
    bands = [one.attrib for one in root.iter(f"{SVG}rect") if one.attrib.get("height") == "18"]
    assert float(bands[0]["x"]) == 72
    assert sum(float(one["width"]) for one in bands) == pytest.approx(944 - 72, abs=2)


def test_the_page_runs_no_script_and_escapes_titles() -> None:
    text = page.page([a_report(a_past((2 * DAY, HOUR, 0.2)))])
    assert "<script" not in text
    assert "default-src 'none'" in text
    assert faces.HOSTILE not in text
    assert "&lt;img src=x" in text


def test_each_transition_says_why_in_its_own_unit() -> None:
    causes = [row[-1] for row in moves(a_report(a_past((2 * DAY, HOUR, 0.2))).tested.result)]
    assert causes[0].endswith("left (caution.below 25.0 %)")
    assert "% overspent (freeze.below 0 %)" in causes[1]
    assert causes[-1] == "availability: on probation for 1 d"


def test_one_of_something_is_said_as_one() -> None:
    report = a_report(a_past((2 * DAY, 4 * MINUTE, 0.2)))
    assert "1 pull request of this service is on record" in " ".join(notes(report))
    figures = dict(rows(report))
    assert figures["time probation"] == "1 day (10.0 %)"
    assert figures["of them into or out of a freeze"] == "2"


def test_what_is_not_known_is_said() -> None:
    report = a_report(Past(a_past().objective, a_past().slices, NOW - DAY, problem="no such metric"))
    said = " ".join(notes(report))
    for words in (
        "begins open",
        "cannot be measured: no such metric",
        "has no data before",
        "No policy of this",
    ):
        assert words in said


@pytest.mark.parametrize(
    ("keys", "freezes"),
    [
        pytest.param("", True, id="as it was"),
        pytest.param(
            '  adjustments: [{from: "2026-11-19T00:00:00Z", to: "2026-11-22T20:00:00Z", reason: a test}]\n',
            False,
            id="with its outages excluded",
        ),
    ],
)
def test_adjustments_count_as_in_production(tmp_path: Path, policy: Path, keys: str, freezes: bool) -> None:  # noqa: FBT001 - a table
    gatekeeper = faces.gatekeeper_at(tmp_path)
    (service,) = faces.put_policies(gatekeeper, "checkout")
    faces.measure(gatekeeper, service)
    policy.write_text(GOOD.replace("  gate:\n", f"{keys}  gate:\n"))
    end = faces.NOW.replace(second=0)
    with Progress(disable=True) as progress:
        report = report_of(gatekeeper, checked([policy])[0], None, (end - DAY, end), progress)
    gatekeeper.close()
    frozen = any(one.after is State.FROZEN for one in report.tested.result.moves)
    assert frozen is freezes


def test_a_filled_ledger_is_tested_beside_the_policy_in_force(tmp_path: Path, policy: Path) -> None:
    gatekeeper = faces.gatekeeper_at(tmp_path)
    (service,) = faces.put_policies(gatekeeper, "checkout")
    faces.measure(gatekeeper, service)
    faces.open_pull(gatekeeper, 12, "Checkout: faster payment", "checkout")
    before = gatekeeper.stores.gates.standing(service.key), gatekeeper.stores.decisions.latest()
    end = faces.NOW.replace(second=0) + MINUTE
    between = end - 2 * DAY, end
    with Progress(disable=True) as progress:
        told = as_json(report_of(gatekeeper, checked([policy])[0], service, between, progress))
    assert told["in_force"]["transitions"] == told["policy"]["transitions"]
    assert told["pull_requests_on_record"] == 1
    assert (gatekeeper.stores.gates.standing(service.key), gatekeeper.stores.decisions.latest()) == before
    gatekeeper.close()
    assert datetime.fromisoformat(told["end"]).tzinfo is not None
    assert json.dumps(told)
