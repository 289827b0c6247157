"""The numbers behind a verdict: everything that it takes to derive it again, wherever a verdict is told."""

import pytest

from builders import (
    HOUR,
    NOW,
    a_gate,
    a_service,
    a_snapshot,
    a_view,
    an_incident,
    an_objective,
    evidence,
    measured,
)
from gatekeeper.availability.incidents import Reliability
from gatekeeper.decide.desired import desire
from gatekeeper.decide.evaluate import decide
from gatekeeper.decide.numbers import numbers
from gatekeeper.decide.verdict import State
from gatekeeper.policy.model import Service
from gatekeeper.policy.objective import Indicator
from gatekeeper.store.snapshots import SNAPSHOT

BEHIND = (
    "999,358 | 642 | 1,000,000",
    "the window 2026-10-25 12:00 to 2026-11-22 12:00 UTC",
    "98.7 % | 2026-11-22 11:58 UTC",
    'http_requests_total{job="checkout",code=~"5.."}',
    'http_requests_total{job="checkout"}',
)
FOUND = measured(bad=642, coverage=0.987, watermark=NOW - HOUR / 30)


@pytest.mark.parametrize("explained", [False, True], ids=["folded away", "asked for"])
def test_check_and_comment_carry_good_bad_total_window_coverage_query_and_watermark(
    *, explained: bool
) -> None:
    snapshot = a_snapshot(a_view(State.FROZEN, FOUND))
    wanted = desire(snapshot, decide(snapshot), explained=explained)
    for text in (wanted.check.text, wanted.comment.body):
        assert [one for one in BEHIND if one not in text] == []
    assert ("<details><summary>The numbers</summary>" in wanted.comment.body) is not explained


@pytest.mark.parametrize(
    ("pace", "told"),
    [
        pytest.param(
            {"deployments": "4/day"}, "; in caution and probation at most 4 changes a day\n", id="how many"
        ),
        pytest.param(
            {"changed_lines": 800},
            "; in caution and probation at most 800 changed lines a change\n",
            id="how large",
        ),
        pytest.param(
            {"deployments": "2/day", "changed_lines": 1000},
            "; in caution and probation at most 2 changes a day and 1,000 changed lines a change\n",
            id="both",
        ),
        pytest.param({}, "; then 1 d of probation\n", id="no pace"),
    ],
)
def test_the_pace_of_changes_is_told_with_the_rules(pace: dict[str, object], told: str) -> None:
    service = a_service(gate=a_gate(caution={"pace": pace}))
    assert told in numbers(a_view(service=service))


@pytest.mark.parametrize(
    ("found", "told"),
    [
        pytest.param(
            Reliability(0, 806_400.0, None, mtbf_is_lower_bound=True, mttr_is_lower_bound=False),
            "had 0 incidents, MTBF ≥ 9 d 8 h",
            id="none yet is a lower bound, not infinity",
        ),
        pytest.param(
            Reliability(2, 3_600.0, 1_800.0, mtbf_is_lower_bound=False, mttr_is_lower_bound=True),
            "had 2 incidents, MTBF 1 h, MTTR ≥ 30 min",
            id="an open one lasts at least so long",
        ),
        pytest.param(
            Reliability(1, 5_400.0, 1_800.0, mtbf_is_lower_bound=False, mttr_is_lower_bound=False),
            "had 1 incident, MTBF 1 h 30 min, MTTR 30 min; up for 75.0000 % of the time, MTBF / (MTBF + MTTR)",
            id="all are over",
        ),
    ],
)
def test_how_often_and_how_long_it_failed_is_told_with_its_definition(found: Reliability, told: str) -> None:
    text = numbers(a_view(objectives=(evidence(measured(worst=(an_incident(),), reliability=found)),)))
    assert f"`availability` {told}\n" in text
    assert "MTBF is the measured time outside incidents, divided by their number" in text


def by_native_histogram() -> Service:
    latency = {"histogram": "x_seconds", "below": "300ms", "buckets": "native"}
    indicator = Indicator.model_validate({"prometheus": {"latency": latency}})
    return a_service("search", an_objective("latency").model_copy(update={"indicator": indicator}))


def test_a_divided_bucket_is_said_with_the_queries_to_ask() -> None:
    text = numbers(a_view(State.OPEN, measured(approximate=True), service=by_native_histogram()))
    assert "`latency` is **approximate**: 300ms lies inside a bucket of its histogram" in text
    assert "good `histogram_fraction(-Inf, 0.3, x_seconds) * histogram_count(x_seconds)`" in text


@pytest.mark.parametrize(
    ("prometheus", "told"),
    [
        pytest.param(
            {"bad": 'r{code="5"}', "total": "r"},
            "its samples are too many to read each, so the server counts them",
            id="bare counters",
        ),
        pytest.param(
            {"latency": {"histogram": "x_seconds", "below": "300ms"}},
            "its samples are too many to read each, so the server counts them",
            id="a classic histogram",
        ),
        pytest.param(
            {"bad": 'sum(increase(r{code="5"}[$window]))', "total": "sum(increase(r[$window]))"},
            "its query extrapolates",
            id="a free query",
        ),
    ],
)
def test_why_a_number_is_approximate(prometheus: dict[str, object], told: str) -> None:
    indicator = Indicator.model_validate({"prometheus": prometheus})
    service = a_service("search", an_objective("latency").model_copy(update={"indicator": indicator}))
    text = numbers(a_view(State.OPEN, measured(approximate=True), service=service))
    assert f"`latency` is **approximate**: {told}" in text


def test_a_decision_by_a_native_histogram_is_the_same_when_it_is_replayed() -> None:
    snapshot = a_snapshot(
        a_view(State.FROZEN, measured(-0.1, approximate=True), service=by_native_histogram())
    )
    again = SNAPSHOT.parse(SNAPSHOT.text(snapshot))
    assert (again, decide(again)) == (snapshot, decide(snapshot))


def test_minutes_spread_over_gaps_are_counted() -> None:
    assert "12 minutes spread over gaps" in numbers(a_view(objectives=(evidence(measured(interpolated=12)),)))
