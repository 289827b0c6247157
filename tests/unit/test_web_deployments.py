"""What a page and the API say of deployments: each one's cost by objective, and how sure that is."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from builders import a_view, evidence, measured
from gatekeeper.availability.attribution import Cost, Unpriced
from gatekeeper.availability.deployments import Deployed
from gatekeeper.availability.ledger import Slices
from gatekeeper.availability.measure import Measured, Unmeasured
from gatekeeper.decide.priced import Priced, priced
from gatekeeper.decide.snapshot import ObjectiveEvidence
from gatekeeper.web.chart import Moment
from gatekeeper.web.deployments import LATEST, Name, moments, table
from gatekeeper.web.models import CostReport, DeploymentReport
from ledgers import EVENTS, MIDNIGHT, drawn

MINUTE = timedelta(minutes=1)
BROKEN = "." * 120 + "x" * 10 + "." * 110
"""Four hours of a thousand events a minute; 1,000 bad ones in the ten minutes after the second."""


def at(minute: int) -> datetime:
    return MIDNIGHT + minute * MINUTE


def deployed(minute: int, sha: str, environment: str = "production") -> Deployed:
    """Its minute is its id too."""
    return Deployed(
        id=str(minute),
        repository="acme/shop",
        environment=environment,
        production=False,
        task="deploy",
        ref="main",
        sha=sha,
        start=at(minute),
        url=None,
    )


def of_window(start: int = 0, end: int = 240, **values: Any) -> ObjectiveEvidence:
    found = replace(measured(0.5), window_start=at(start), window_end=at(end), total=240.0 * EVENTS, **values)
    return evidence(found)


def answered(
    deployments: list[Deployed], one: ObjectiveEvidence | None = None, *, now: int = 240
) -> dict[str, Priced]:
    """What is said of each, newest first, of the broken stretch and an objective of 99.95 %."""

    def counted(_objective: object, found: Measured) -> Slices:
        assert found.window_start == at(0)
        return drawn(BROKEN)

    pairs = a_view(objectives=(one or of_window(),)).pairs
    found = priced(deployments, pairs, counted, at(now))
    return {each.deployed.id: each for each in found}


def cost(found: Priced) -> Cost | Unpriced:
    ((objective, one),) = found.costs
    assert objective == "availability"
    return one


def test_each_bears_its_share_of_the_windows_budget() -> None:
    found = answered([deployed(60, "a"), deployed(120, "b")])
    assert list(found) == ["120", "60"]
    calm, faulty = cost(found["60"]), cost(found["120"])
    assert isinstance(calm, Cost)
    assert isinstance(faulty, Cost)
    assert (calm.bad, calm.certain) == (0, False)
    assert (faulty.bad, faulty.certain, faulty.until) == (1000, True, at(240))
    assert faulty.budget_share == pytest.approx(1000 / (0.0005 * 240 * EVENTS))


def test_a_period_counts_on_events_to_come() -> None:
    half = cost(answered([deployed(120, "b")], of_window(to_come=240.0 * EVENTS))["120"])
    assert isinstance(half, Cost)
    assert half.budget_share == pytest.approx(1000 / (0.0005 * 480 * EVENTS))


def test_a_rollback_has_no_cost_of_its_own() -> None:
    found = answered([deployed(30, "a"), deployed(120, "b"), deployed(130, "a")])
    assert (found["130"].rollback_of, found["130"].costs) == ("120", ())
    assert found["120"].rolled_back_by == ("130",)
    assert cost(found["120"]).deployment == "120"


@pytest.mark.parametrize(
    ("one", "left_out"),
    [
        pytest.param(deployed(90, "b", "staging"), "90", id="users did not meet it"),
        pytest.param(deployed(0, "b"), "0", id="the window begins after it"),
        pytest.param(deployed(241, "b"), "241", id="it is to come"),
    ],
)
def test_what_is_none_of_the_windows_is_left_out(one: Deployed, left_out: str) -> None:
    deployments = sorted([deployed(60, "a"), one], key=lambda each: each.start)
    assert left_out not in answered(deployments)


def test_a_rollback_of_what_is_not_in_the_window_answers_for_itself() -> None:
    found = answered([deployed(-90, "a"), deployed(-60, "b"), deployed(60, "a")])
    assert found["60"].rollback_of == "-60"
    assert isinstance(cost(found["60"]), Cost)


@pytest.mark.parametrize(
    "one",
    [
        pytest.param(of_window(end=60), id="the last pass was before it"),
        pytest.param(
            evidence(Unmeasured(at(0), at(240), "no data", 0.0, None)), id="the window is not measured"
        ),
    ],
)
def test_what_nobody_measured_has_no_price(one: ObjectiveEvidence) -> None:
    assert cost(answered([deployed(60, "a")], one)["60"]) == Unpriced("60", at(60))


def report(identity: int, *, share: float | None = None, **values: Any) -> DeploymentReport:
    """A deployment that certainly cost this share; within chance by default."""
    bad = 2.0 if share is None else 1000 * share
    one = CostReport(
        objective="availability",
        until=at(identity + 90),
        bad=bad,
        sigma=10.0,
        budget_share=share or 0.002,
        certain=share is not None,
        ambiguous_with=values.pop("near", []),
    )
    given = {"rollback_of": None, "rolled_back_by": [], "costs": [one]} | values
    return DeploymentReport(
        id=str(identity),
        repository="acme/shop",
        environment="production",
        ref="main",
        sha=f"{identity:040x}"[::-1],
        start=at(identity),
        url=None,
        **given,
    )


def test_the_newest_are_shown_and_those_that_cost_something() -> None:
    found = table([report(one, share=0.5 if one in {1, 99} else None) for one in range(100, 0, -1)])
    assert [row.report.id for row in found.rows] == [*map(str, range(100, 100 - LATEST, -1)), "1"]
    assert found.left_out == 100 - LATEST - 1
    assert found.lead == (
        "100 deployments: after 2 of them more went bad than chance explains. "
        "The costliest took 50.0 % of the budget of availability."
    )


def test_without_a_certain_cost_the_lead_says_so() -> None:
    assert table([report(1)]).lead == "1 deployment: nothing went bad after them beyond chance."


@pytest.mark.parametrize(
    ("one", "share", "remark"),
    [
        pytest.param(
            report(1, share=0.5), "50.0 %", "500 ± 20 bad beyond the everyday, in 1 h 30 min", id="certain"
        ),
        pytest.param(report(1), "0.2 %", "within chance", id="within chance"),
    ],
)
def test_a_cost_is_said_with_how_sure_it_is(one: DeploymentReport, share: str, remark: str) -> None:
    (line,) = table([one]).rows[0].lines
    assert (line.share, line.remark) == (share, remark)


@pytest.mark.parametrize(
    ("changed", "remark"),
    [
        pytest.param({"bad": -3.0, "budget_share": 0.0}, "nothing beyond the everyday", id="went better"),
        pytest.param(
            dict.fromkeys(("until", "bad", "sigma", "budget_share", "certain")),
            "not known: nothing was measured before it, or after it",
            id="not measured",
        ),
    ],
)
def test_what_cost_nothing_or_is_not_known_says_so(changed: dict[str, Any], remark: str) -> None:
    one = report(1)
    costs = [one.costs[0].model_copy(update=changed)]
    (line,) = table([one.model_copy(update={"costs": costs})]).rows[0].lines
    assert line.remark == remark


def test_what_cannot_be_told_apart_names_the_other() -> None:
    """Only where something is to be blamed for: two that cost nothing need no excuse."""
    after, faulty = report(4, near=["3"]), report(3, share=0.5, near=["4", "2"])
    before, calm = report(2, near=["3", "1"]), report(1, near=["2"])
    lines = [row.lines[0] for row in table([after, faulty, before, calm]).rows]
    assert [[one.id for one in line.suspects] for line in lines] == [[], ["2"], [], []]
    assert [[one.id for one in line.suspected] for line in lines] == [[], [], ["3"], []]


def test_one_commit_in_two_places_is_not_told_apart_from_itself() -> None:
    there = report(2, share=0.5, near=["1"])
    here = report(1, share=0.5, near=["2"]).model_copy(update={"sha": there.sha})
    lines = [row.lines[0] for row in table([there, here]).rows]
    assert [(line.suspects, line.suspected) for line in lines] == [((), ()), ((), ())]


def test_rollbacks_name_each_other_even_where_one_is_not_shown() -> None:
    back, gone = report(2, rollback_of="1", costs=[]), report(1, share=0.5, rolled_back_by=["2", "77"])
    first, second = table([back, gone]).rows
    assert first.takes_back == Name("1000000", "1")
    assert second.taken_back_by == (Name("2000000", "2"), Name("deployment 77", None))


def test_the_chart_marks_each_that_is_shown_the_costly_ones_on_top() -> None:
    rollback, faulty = report(4, rollback_of="3", costs=[]), report(3, share=0.5, rolled_back_by=["4"])
    shown = table([rollback, faulty, report(2)])
    assert list(moments(shown, "availability")) == [
        Moment(at(2), "2000000 at 2026-11-02 00:02 UTC: 0.2 % of the budget, within chance", grave=False),
        Moment(at(4), "4000000 at 2026-11-02 00:04 UTC: takes back 3000000", grave=False),
        Moment(
            at(3),
            "3000000 at 2026-11-02 00:03 UTC: 50.0 % of the budget, "
            "500 ± 20 bad beyond the everyday, in 1 h 30 min",
            grave=True,
        ),
    ]
    assert [one.grave for one in moments(shown, "another")] == [False, False, False]
