"""An edited query: what it says, and that the numbers of the old one decide nothing any more."""

import pytest

from builders import DAY, MINUTE, NOW, a_service, a_snapshot, a_view, an_objective, evidence, measured
from gatekeeper.decide.definitions import in_force, redefined
from gatekeeper.decide.desired import desire
from gatekeeper.decide.evaluate import decide
from gatekeeper.decide.standing import as_of
from gatekeeper.decide.verdict import Doubt, State, Verdict
from gatekeeper.policy.objective import Indicator, Objective, PrometheusIndicator

OLD = an_objective()
NEW = OLD.model_copy(
    update={"indicator": Indicator(prometheus=PrometheusIndicator(bad="failures_total", total="calls_total"))}
)


@pytest.mark.parametrize(
    ("known", "objective", "since"),
    [
        pytest.param(None, OLD, None, id="the same as ever"),
        pytest.param(None, NEW, NOW, id="just replaced"),
        pytest.param(NOW - DAY, OLD, NOW - DAY, id="replaced yesterday"),
        pytest.param(NOW - DAY, NEW, NOW, id="replaced again"),
        pytest.param(NOW - 29 * DAY, OLD, None, id="replaced longer ago than a window"),
        pytest.param(None, an_objective("latency"), None, id="an objective that was not there before"),
    ],
)
def test_since_when_a_definition_counts(known: object, objective: Objective, since: object) -> None:
    before = a_view(objectives=(evidence(0.5, redefined=known),))
    assert redefined(before, objective, NOW) == since


def test_a_service_seen_for_the_first_time_has_no_earlier_definition() -> None:
    assert redefined(None, OLD, NOW) is None


@pytest.mark.parametrize(
    ("state", "verdict"),
    [
        pytest.param(State.OPEN, Verdict.WARN, id="an open gate warns"),
        pytest.param(State.FROZEN, Verdict.BLOCK, id="a freeze is held"),
    ],
)
def test_numbers_of_a_replaced_query_decide_nothing(state: State, verdict: Verdict) -> None:
    view = a_view(state, -0.5 if state is State.FROZEN else 0.9, service=a_service("checkout", OLD))
    now = as_of(in_force(view, a_service("checkout", NEW), NOW), NOW)
    assert [gap.doubt for gap in now.memory.gaps] == [Doubt.BACKFILLING]
    assert decide(a_snapshot(now)).verdict is verdict
    assert as_of(in_force(view, a_service("checkout", OLD), NOW), NOW).memory.gaps == ()


def test_a_new_definition_is_said_where_its_numbers_are() -> None:
    told = evidence(measured(0.1), redefined=NOW - DAY)
    snapshot = a_snapshot(a_view(State.CAUTION, objectives=(told,)))
    wanted = desire(snapshot, decide(snapshot))
    sentence = "`availability` counts by a new definition since 2026-11-21 12:00 UTC"
    for text in (wanted.check.summary, wanted.check.text, wanted.comment.body):
        assert sentence in text


def test_a_source_that_keeps_less_than_the_window_is_said_with_the_numbers() -> None:
    young = measured(0.5, partial_since=NOW - 9 * DAY - MINUTE)
    snapshot = a_snapshot(a_view(objectives=(evidence(young, source_short=True),)))
    text = desire(snapshot, decide(snapshot)).check.text
    assert "measured since 2026-11-13 11:59 UTC, 9 d of 28 d. The source has nothing older" in text
    assert "it was asked for everything since 2026-10-25 12:00 UTC" in text
