"""What check, comment, page and API say of adjustments and exceptions; that it replays."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from builders import (
    DAY,
    HOUR,
    NOW,
    a_forecast,
    a_service,
    a_snapshot,
    a_view,
    an_incident,
    an_objective,
    evidence,
    measured,
)
from gatekeeper.availability.adjustment import Adjusted
from gatekeeper.decide import corrections
from gatekeeper.decide.desired import Desired, desire
from gatekeeper.decide.evaluate import decide
from gatekeeper.decide.snapshot import Raw, ServiceView
from gatekeeper.decide.verdict import State
from gatekeeper.policy.model import Service
from gatekeeper.store.snapshots import SNAPSHOT
from gatekeeper.web import views
from gatekeeper.web.cards import card
from gatekeeper.web.standing import standing

START = NOW - 3 * DAY
OVERSPENT = Raw(good=999_358, bad=642, total=1_000_000, availability=0.999358, remaining=-0.284)
OUTAGE = an_incident(500, ago=3 * DAY, share=1.0)


def an_adjustment(
    *, treatment: Any = "up", bad: float = 500, reason: str = "maintenance", start: datetime = START
) -> Adjusted:
    return Adjusted(start, start + HOUR, reason, treatment, bad, 1_500, (OUTAGE,) if bad else ())


def service(until: datetime = NOW + DAY, **values: Any) -> Service:
    exception = {"target": "99%", "until": until, "reason": "*peak* season"} | values
    stretch = {"from": START, "to": START + HOUR, "reason": "maintenance"}
    dated = {"exceptions": [exception], "adjustments": [stretch]}
    return Service.model_validate(a_service("checkout", an_objective()).model_dump(mode="json") | dated)


def view(*adjusted: Adjusted, state: State = State.OPEN, **values: Any) -> ServiceView:
    its = service()
    one = evidence(0.9, adjusted=adjusted, raw=OVERSPENT, exception=its.exceptions[0])
    return a_view(state, service=its, objectives=(one,), **values)


def desired(one: ServiceView) -> Desired:
    snapshot = a_snapshot(one)
    return desire(snapshot, decide(snapshot))


def test_an_open_gate_says_what_it_owes_to_corrections() -> None:
    check = desired(view(an_adjustment())).check
    assert check.summary.count("Corrected") == 1
    for words in (
        "the target of `availability` is 99 % instead of 99.95 % until 2026-11-23 12:00 UTC: `*peak* season`",
        "2026-11-19 12:00 to 13:00 UTC (1 h) counts as good, `maintenance`: 500 bad of 1,500 events, in 1 incident",
        "`availability` as it was measured, against its own target: 28.4 % over the budget",
    ):
        assert words in check.summary
    assert "without adjustments and exceptions 99.9358 % of 1,000,000 events were good, 642 bad" in check.text
    assert "at the target of 99.95 %" in check.text
    assert "| `availability` | 99 % over 28 d |" in check.text


def test_left_out_is_said_as_such() -> None:
    assert "is left out, `maintenance`" in desired(view(an_adjustment(treatment="excluded"))).check.summary


def test_the_costliest_adjustments_are_told_and_the_rest_counted() -> None:
    many = [an_adjustment(bad=bad, start=START + bad * HOUR, reason=f"no. {bad}") for bad in range(5)]
    text = "\n".join(corrections.corrections(view(*many)))
    assert [f"no. {bad}" in text for bad in range(5)] == [False, False, True, True, True]
    assert "2 more adjustments, of 1 bad events" in text


def test_the_target_that_counts_is_the_one_of_the_sentences() -> None:
    assert "the target is 99 %" in desired(view(state=State.CAUTION)).check.summary


def test_without_corrections_nothing_is_said() -> None:
    check = desired(a_view()).check
    assert "Corrected" not in check.summary
    assert "adjustments" not in check.text


@pytest.mark.parametrize(
    ("until", "said"), [pytest.param(NOW, True, id="over"), pytest.param(NOW + DAY, False, id="in force")]
)
def test_an_exception_that_is_over_is_said_to_be_ignored(until: datetime, said: bool) -> None:  # noqa: FBT001 (a table)
    check = desired(a_view(service=service(until))).check
    words = "exception that is ignored: a target of 99 %, `*peak* season`, ended at 2026-11-22 12:00 UTC"
    assert (words in check.summary) is said


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(a_view(service=service(), objectives=(evidence(0.9),)), id="all gone"),
        pytest.param(view(), id="the adjustment has left the window"),
        pytest.param(view(an_adjustment(start=START + DAY)), id="another stretch"),
    ],
)
def test_a_correction_that_comes_or_goes_makes_a_new_text(changed: ServiceView) -> None:
    assert desired(changed).check.essence != desired(view(an_adjustment())).check.essence
    assert desired(view(an_adjustment(bad=501))).check.essence == desired(view(an_adjustment())).check.essence


def test_a_decision_with_corrections_replays_from_its_text() -> None:
    snapshot = a_snapshot(view(an_adjustment(), state=State.FROZEN, expected_end=NOW + DAY))
    again = SNAPSHOT.parse(SNAPSHOT.text(snapshot))
    assert again == snapshot
    assert SNAPSHOT.text(again) == SNAPSHOT.text(snapshot)
    assert desire(again, decide(again)) == desire(snapshot, decide(snapshot))


def shown(one: ServiceView, its: Service | None = None) -> Any:
    return standing(its or one.service, None, (one, NOW), blocked=(), audits={}, ledgers={}, now=NOW)


def test_the_api_has_both_numbers_and_why_they_differ() -> None:
    report = views.service_detail(shown(view(an_adjustment())), (), (), ())
    (objective,) = report.objectives
    assert objective.target == 0.99
    assert objective.budget_remaining == pytest.approx(0.9)
    assert objective.raw is not None
    assert (objective.raw.target, objective.raw.budget_remaining, objective.raw.bad) == (0.9995, -0.284, 642)
    assert objective.exception is not None
    assert (objective.exception.until, objective.exception.reason) == (NOW + DAY, "*peak* season")
    assert [(one.start, one.treatment, one.bad) for one in objective.adjustments] == [(START, "up", 500)]
    assert [(one.start, one.adjusted_by) for one in report.incidents] == [(OUTAGE.start, "maintenance")]


def test_incidents_that_count_and_those_that_do_not_stand_in_order_of_time() -> None:
    later = an_incident(20, ago=DAY)
    one = evidence(measured(0.9, worst=(later,)), adjusted=(an_adjustment(),), thaw=a_forecast())
    report = views.service_detail(shown(a_view(objectives=(one,))), (), (), ())
    assert [one.adjusted_by for one in report.incidents] == ["maintenance", None]


def test_of_an_incident_that_outlasts_an_adjustment_the_rest_counts() -> None:
    rest = replace(OUTAGE, start=OUTAGE.start + timedelta(minutes=20), bad=100, budget_share=0.2)
    one = evidence(measured(0.9, worst=(rest,)), adjusted=(an_adjustment(),))
    (told,) = views.service_detail(shown(a_view(objectives=(one,))), (), (), ()).incidents
    assert (told.bad, told.budget_share, told.adjusted_by) == (500, 1.0, "maintenance")
    assert (told.counted_bad, told.counted_budget_share) == (100, 0.2)


def test_the_page_tells_the_same() -> None:
    found = card(shown(view(an_adjustment())))
    assert [lead for lead, _ in found.story] == ["Corrected"] * 3
    assert found.objectives[0].notes[:2] == ("adjusted", "target by exception until 2026-11-23 12:00 UTC")
    assert found.objectives[0].target == "99 %"
    assert [lead for lead, _ in card(shown(a_view(service=service(NOW)))).story] == ["Ignored"]


def test_a_policys_dates_are_listed_with_whether_their_time_has_come() -> None:
    assert list(corrections.dated(service(), NOW)) == [
        "2026-11-19 12:00 to 13:00 UTC (1 h) counts as good (over): `maintenance`",
        "until 2026-11-23 12:00 UTC (in force): a target of 99 %, `*peak* season`",
    ]
    (_, ahead) = corrections.dated(service(**{"from": NOW + HOUR}), NOW)
    assert ahead.startswith("from 2026-11-22 13:00 UTC until 2026-11-23 12:00 UTC (not yet in force): ")
