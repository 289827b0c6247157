"""How much change passes while a budget is low: so large, so many a day, one at a time."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from builders import DAY, HOUR, MINUTE, NOW, a_gate, a_pull, a_request, a_service, a_snapshot, a_view
from gatekeeper.decide.desired import Desired, desire
from gatekeeper.decide.evaluate import decide
from gatekeeper.decide.pace import full_until
from gatekeeper.decide.snapshot import Landed, ServiceView, Snapshot
from gatekeeper.decide.verdict import Doubt, Gap, State, Verdict, Why
from gatekeeper.policy.gate import Gate

PACE = {"caution": {"pace": {"deployments": "2/day", "changed_lines": 400}}}
PACED = a_gate(**PACE, exempt={"labels": ["security"]})


def landed(*agos: timedelta) -> tuple[Landed, ...]:
    return tuple(Landed("acme/shop", number, NOW - ago) for number, ago in enumerate(agos, start=1))


def view(state: State = State.CAUTION, gate: Gate = PACED, **values: Any) -> ServiceView:
    left = {State.OPEN: 0.9, State.CAUTION: 0.2, State.PROBATION: 0.12, State.FROZEN: -0.3}[state]
    return a_view(state, left, service=a_service(gate=gate), **values)


def seen(one: ServiceView, *labels: str, lines: int | None = 10, **values: Any) -> Snapshot:
    return a_snapshot(one, labels=labels, pull=replace(a_pull(*labels), changed_lines=lines), **values)


def judged(snapshot: Snapshot) -> tuple[Verdict, Why, str]:
    (ruling,) = decide(snapshot).rulings
    return ruling.effective, ruling.why, ruling.detail


def said(snapshot: Snapshot) -> Desired:
    return desire(snapshot, decide(snapshot))


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        pytest.param(400, Why.CAUTION, id="as many as the pace allows"),
        pytest.param(401, Why.TOO_LARGE, id="one more"),
        pytest.param(None, Why.CAUTION, id="nobody counted them"),
    ],
)
def test_a_change_may_be_so_large(lines: int | None, expected: Why) -> None:
    assert judged(seen(view(), lines=lines))[1] is expected


@pytest.mark.parametrize(
    ("agos", "until"),
    [
        pytest.param((), None, id="none yet"),
        pytest.param((23 * HOUR,), None, id="one"),
        pytest.param((23 * HOUR, HOUR), NOW + HOUR, id="two: until the first of them is a day old"),
        pytest.param((23 * HOUR, 2 * HOUR, HOUR), NOW + 22 * HOUR, id="three: until two of them are"),
        pytest.param((DAY, HOUR), None, id="what is a day old counts no more"),
    ],
)
def test_so_many_changes_may_land_a_day(agos: tuple[timedelta, ...], until: datetime | None) -> None:
    one = view(landed=landed(*agos))
    assert full_until(one, NOW) == until
    assert judged(seen(one))[1] is (Why.TOO_MANY if until else Why.CAUTION)


FULL = landed(2 * HOUR, HOUR)


@pytest.mark.parametrize(
    ("snapshot", "expected"),
    [
        pytest.param(
            seen(view(landed=FULL), lines=999), (Verdict.BLOCK, Why.TOO_LARGE), id="its size comes first"
        ),
        pytest.param(
            seen(view(State.PROBATION), lines=999), (Verdict.BLOCK, Why.TOO_LARGE), id="in probation too"
        ),
        pytest.param(
            seen(view(State.OPEN, landed=FULL), lines=999), (Verdict.ALLOW, Why.OPEN), id="not while open"
        ),
        pytest.param(seen(view(State.FROZEN), lines=999), (Verdict.BLOCK, Why.FROZEN), id="nor frozen"),
        pytest.param(
            seen(view(gate=a_gate(mode="advise", **PACE)), lines=999),
            (Verdict.WARN, Why.TOO_LARGE),
            id="advised",
        ),
        pytest.param(
            seen(view(gate=a_gate(mode="observe", **PACE)), lines=999),
            (Verdict.ALLOW, Why.TOO_LARGE),
            id="observed",
        ),
        pytest.param(
            seen(view(gate=a_gate(), landed=FULL), lines=999), (Verdict.WARN, Why.CAUTION), id="no pace"
        ),
        pytest.param(
            seen(view(landed=FULL), "security"), (Verdict.ALLOW, Why.EXEMPT_LABEL), id="what is exempt passes"
        ),
        pytest.param(
            seen(view(landed=FULL), "slo:override", requests=(a_request(),)),
            (Verdict.ALLOW, Why.OVERRIDDEN),
            id="and what an entitled person lets through",
        ),
        pytest.param(
            seen(
                view(
                    landed=FULL,
                    memory={"unknown_since": NOW - MINUTE, "gaps": (Gap("availability", Doubt.STALE),)},
                )
            ),
            (Verdict.WARN, Why.UNKNOWN_HELD),
            id="nothing waits for it while it is not known how the service is",
        ),
    ],
)
def test_the_pace_goes_by_state_mode_exemption_and_override(
    snapshot: Snapshot, expected: tuple[Verdict, Why]
) -> None:
    assert judged(snapshot)[:2] == expected


def test_a_change_that_is_too_large_is_told_to_split() -> None:
    check = said(seen(view(), lines=1_234)).check
    assert check.conclusion == "action_required"
    assert check.title == "checkout is in caution; 1,234 changed lines are too many at once"
    assert "split it: a change has 400 changed lines at most" in check.summary
    assert "an active member of `@acme/sre`" in check.summary


def test_a_change_that_is_one_too_many_is_told_when_it_may_go() -> None:
    check = said(seen(view(landed=FULL))).check
    assert "the next change may go from 2026-11-23 10:00 UTC on" in check.title
    assert "wait until 2026-11-23 10:00 UTC: 2 changes a day land at most" in check.summary


def test_no_pace_is_a_freeze() -> None:
    assert "A freeze is no punishment" not in said(seen(view(), lines=999)).comment.body


@pytest.mark.parametrize(
    ("agos", "words"),
    [
        pytest.param((), "one at a time: its cost is watched\n", id="nothing landed"),
        pytest.param((HOUR,), "one at a time: its cost is watched\n", id="nor within the last hour"),
        pytest.param(
            (20 * MINUTE,),
            "its cost is watched. `acme/shop#1` landed at 2026-11-22 11:40 UTC; better wait until 2026-11-22 12:40 UTC",
            id="another one has just landed",
        ),
        pytest.param(
            (30 * MINUTE, 20 * MINUTE),
            "`acme/shop#2` landed at 2026-11-22 11:40 UTC (and 1 more before it); better wait",
            id="the newest is named",
        ),
    ],
)
def test_in_probation_changes_go_one_at_a_time(agos: tuple[timedelta, ...], words: str) -> None:
    one = view(State.PROBATION, a_gate(), landed=landed(*agos))
    assert judged(seen(one))[:2] == (Verdict.WARN, Why.PROBATION)
    assert words in said(seen(one)).check.summary


def test_what_just_landed_is_worth_writing_again() -> None:
    before, after = (view(State.PROBATION, a_gate(), landed=landed(*agos)) for agos in ((), (MINUTE,)))
    assert said(seen(before)).check.essence != said(seen(after)).check.essence
