"""What a gate would have done over a past that is drawn by hand."""

from dataclasses import replace
from datetime import timedelta

import pytest

from builders import DAY, HOUR, MINUTE, NOW, a_gate, an_objective
from gatekeeper.availability.ledger import Slices
from gatekeeper.decide.backtest.held import held_back
from gatekeeper.decide.backtest.history import Past
from gatekeeper.decide.backtest.result import Backtest, Move, Unknown
from gatekeeper.decide.backtest.simulate import simulate
from gatekeeper.decide.backtest.waiting import Outcome, Recorded, unproven, waiting
from gatekeeper.decide.verdict import Doubt, Rule, State, Why
from gatekeeper.policy.gate import Gate
from gatekeeper.policy.objective import TargetException
from pasts import LENGTH, START, a_past


def backtest_of(past: Past, gate: Gate | None = None) -> Backtest:
    return simulate([past], gate or a_gate(), START, NOW)


def test_a_quiet_past_stays_open() -> None:
    result = backtest_of(a_past())
    assert (result.moves, result.unknown, result.flips) == ((), (), 0)
    assert [(one.start, one.end, one.state) for one in result.spans] == [(START, NOW, State.OPEN)]
    assert (result.share_of(State.OPEN), result.time_in(State.FROZEN)) == (1.0, timedelta(0))


def test_an_outage_freezes_at_once_and_thaws_when_it_leaves_the_window() -> None:
    # 720 bad events are allowed in a day; ten minutes of a fifth are 2,000.
    result = backtest_of(a_past((2 * DAY, 10 * MINUTE, 0.2)))
    frozen = next(one for one in result.spans if one.state is State.FROZEN)
    assert START + 2 * DAY < frozen.start <= START + 2 * DAY + 4 * MINUTE
    assert START + 3 * DAY <= frozen.end <= START + 3 * DAY + 10 * MINUTE
    assert result.flips == 2
    assert result.time_in(State.FROZEN) == frozen.length
    assert sum(result.share_of(state) for state in State) == pytest.approx(1)


def test_a_reason_has_the_numbers_of_its_minute() -> None:
    (first, *_) = backtest_of(a_past((2 * DAY, 10 * MINUTE, 0.2)), a_gate(freeze={"burn": "off"})).moves
    frozen = next(one for one in first.reasons if one.rule in {Rule.CAUTION_BELOW, Rule.CAUTION_BURN})
    minutes = (first.at - START - 2 * DAY) // MINUTE
    assert first.reasons[0] == frozen
    assert minutes <= 4


def test_a_gap_is_told_and_holds_the_state() -> None:
    result = backtest_of(a_past(gap=5 * DAY))
    (unknown,) = result.unknown
    assert unknown.doubts == (Doubt.STALE,)
    assert START + 5 * DAY < unknown.start < unknown.end <= START + 5 * DAY + HOUR + MINUTE
    assert result.time_unknown == unknown.end - unknown.start
    assert not result.moves


def test_nothing_measured_is_unknown_throughout() -> None:
    result = simulate([Past(an_objective(), Slices.unknown(0, 0))], a_gate(), START, NOW)
    assert result.time_unknown == LENGTH
    assert result.unknown[0].doubts == (Doubt.NO_DATA,)


def test_a_problem_of_the_indicator_is_unknown_throughout() -> None:
    past = a_past((2 * DAY, HOUR, 1.0))
    result = simulate([Past(past.objective, past.slices, problem="no such metric")], a_gate(), START, NOW)
    assert (result.moves, result.time_unknown) == ((), LENGTH)


def test_the_lag_moves_what_is_seen_and_nothing_else() -> None:
    past = a_past((2 * DAY, 10 * MINUTE, 0.2))
    late = simulate([past], a_gate(), START, NOW, lag=MINUTE)
    assert [one.at - MINUTE for one in late.moves] == [one.at for one in backtest_of(past).moves]


def test_progress_goes_up_to_all_of_it() -> None:
    told: list[float] = []
    simulate([a_past()], a_gate(), START, NOW, progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_the_budgets_course_ends_with_what_is_left() -> None:
    (budget,) = backtest_of(a_past((9 * DAY + 12 * HOUR, 10 * MINUTE, 0.02))).budgets
    assert budget.points[0][1] == 1.0
    assert budget.points[-1][1] == pytest.approx(1 - 200 / 720)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        pytest.param(NOW, NOW, id="an empty stretch"),
        pytest.param(NOW, NOW - DAY, id="a stretch that ends before it begins"),
        pytest.param(NOW - DAY + timedelta(seconds=1), NOW, id="a start that is no whole minute"),
    ],
)
def test_what_is_no_stretch_is_refused(start: object, end: object) -> None:
    with pytest.raises(ValueError, match="not"):
        simulate([a_past()], a_gate(), start, end)  # type: ignore[arg-type] # datetimes, from a table


def test_an_exception_counts_while_it_lasts() -> None:
    # Ten minutes of a fifth are 2,000 bad events: more than 99.95 % of a day's allow, and few of those of 95 %.
    ends = START + 2 * DAY + 6 * HOUR + timedelta(seconds=30)
    lenient = TargetException.model_validate({"target": "95%", "until": ends, "reason": "agreed"})
    past = replace(a_past((2 * DAY, 10 * MINUTE, 0.2)), exceptions=(lenient,))
    result = backtest_of(past)
    assert result.moves[0].at == ends + timedelta(seconds=30)
    assert result.moves[0].after is State.FROZEN


FROZEN_FROM = START + 2 * DAY


def a_pull(
    *,
    since: timedelta = -DAY,
    until: timedelta | None,
    merged: bool = True,
    lines: int | None = 10,
    labels: tuple[str, ...] = (),
    exempt: bool = False,
) -> Recorded:
    end = None if until is None else FROZEN_FROM + until
    merged = merged and end is not None
    return Recorded("acme/shop#1", "Sell more", FROZEN_FROM + since, end, merged, lines, labels, exempt)


@pytest.mark.parametrize(
    ("pull", "outcomes"),
    [
        pytest.param(a_pull(until=-HOUR), [], id="merged before the freeze"),
        pytest.param(a_pull(until=2 * HOUR), [Outcome.BLOCKED], id="merged in the freeze"),
        pytest.param(
            a_pull(until=2 * HOUR, merged=False), [Outcome.ABANDONED], id="closed in it without a merge"
        ),
        pytest.param(a_pull(until=5 * DAY), [Outcome.LATER], id="merged after it"),
        pytest.param(
            a_pull(until=5 * DAY, merged=False), [Outcome.ABANDONED], id="closed after it without a merge"
        ),
        pytest.param(
            a_pull(since=HOUR, until=None), [Outcome.OPEN], id="opened in the freeze and still open"
        ),
        pytest.param(a_pull(since=3 * DAY, until=None), [], id="opened after it"),
        pytest.param(a_pull(since=HOUR, until=None, labels=("Security",)), [], id="exempt by its label"),
        pytest.param(a_pull(since=HOUR, until=None, exempt=True), [], id="exempt by its paths"),
    ],
)
def test_a_pull_request_waits_for_a_freeze_it_meets(pull: Recorded, outcomes: list[Outcome]) -> None:
    gate = a_gate(exempt={"labels": ["security"]})
    found = waiting([pull], gate, backtest_of(a_past((2 * DAY, 10 * MINUTE, 0.2)), gate))
    assert [one.outcome for one in found] == outcomes


GAP, SINCE = Doubt.STALE, FROZEN_FROM + 3 * DAY
BLIND = Backtest(
    FROZEN_FROM - DAY,
    FROZEN_FROM + 9 * DAY,
    (Move(SINCE + 5 * HOUR, State.OPEN, State.FROZEN, ()),),
    (
        Unknown(SINCE, SINCE + HOUR, (GAP,)),
        Unknown(SINCE + HOUR, SINCE + 6 * HOUR, (GAP, GAP)),
        Unknown(SINCE + DAY, SINCE + 2 * DAY, (GAP,)),
    ),
    (),
)


@pytest.mark.parametrize(
    ("then", "after", "blocked"),
    [
        pytest.param("block", -MINUTE, False, id="evidence is there"),
        pytest.param("block", HOUR, False, id="missing for less than it is held"),
        pytest.param("block", 2 * HOUR, True, id="missing for as long, be it for changing reasons"),
        pytest.param("advise", 2 * HOUR, False, id="but the policy only warns then"),
        pytest.param("block", 5 * HOUR, False, id="in a freeze, which is counted as that"),
        pytest.param("block", DAY + HOUR, False, id="missing anew, after it was there"),
    ],
)
def test_a_merge_without_evidence_is_blocked_where_the_policy_says_so(
    then: str, after: timedelta, *, blocked: bool
) -> None:
    gate = a_gate(unknown={"hold": "2h", "then": then})
    found = unproven([a_pull(until=3 * DAY + after)], gate, BLIND)
    assert bool(found) is blocked
    assert unproven([a_pull(until=3 * DAY + after, merged=False)], gate, BLIND) == ()


# Frozen for a day from a little after the outage; then on probation for a day, in which the pace counts.
PACE = {"pace": {"deployments": "1/day", "changed_lines": 400}}
IN_FREEZE, PACED, OPEN = 12 * HOUR, DAY + 6 * HOUR, 5 * DAY


@pytest.mark.parametrize(
    ("pulls", "expected"),
    [
        pytest.param([a_pull(until=PACED)], [], id="one a day"),
        pytest.param(
            [a_pull(until=PACED), a_pull(until=PACED + HOUR)], [(PACED + HOUR, Why.TOO_MANY)], id="a second"
        ),
        pytest.param(
            [a_pull(until=PACED + n * HOUR) for n in (2, 1, 0)],
            [(PACED + HOUR, Why.TOO_MANY), (PACED + 2 * HOUR, Why.TOO_MANY)],
            id="a third, in whatever order they are told",
        ),
        pytest.param([a_pull(until=PACED, lines=401)], [(PACED, Why.TOO_LARGE)], id="too large"),
        pytest.param([a_pull(until=PACED, lines=None)], [], id="of a size that nobody counted"),
        pytest.param(
            [a_pull(until=PACED, lines=401), a_pull(until=PACED + HOUR)],
            [(PACED, Why.TOO_LARGE)],
            id="what is held back does not land, so the next may",
        ),
        pytest.param([a_pull(until=IN_FREEZE), a_pull(until=PACED)], [], id="nor does what a freeze blocks"),
        pytest.param(
            [a_pull(until=PACED, lines=999, labels=("security",)), a_pull(until=PACED + HOUR)],
            [(PACED + HOUR, Why.TOO_MANY)],
            id="what is exempt passes, and counts",
        ),
        pytest.param([a_pull(until=OPEN + n * HOUR, lines=999) for n in (0, 1)], [], id="not while open"),
        pytest.param(
            [a_pull(until=PACED), a_pull(until=PACED + HOUR, merged=False), a_pull(until=None)],
            [],
            id="only what was merged",
        ),
    ],
)
def test_the_pace_holds_back_merges_in_probation(
    pulls: list[Recorded], expected: list[tuple[timedelta, Why]]
) -> None:
    gate = a_gate(caution=PACE, exempt={"labels": ["security"]}, probation={"for": "1d"})
    result = backtest_of(a_past((2 * DAY, 10 * MINUTE, 0.2)), gate)
    states = [result.state_at(FROZEN_FROM + after) for after in (IN_FREEZE, PACED, PACED + 2 * HOUR, OPEN)]
    assert states == [State.FROZEN, State.PROBATION, State.PROBATION, State.OPEN]
    assert [(one.at - FROZEN_FROM, one.why) for one in held_back(pulls, gate, result)] == expected


@pytest.mark.parametrize(
    "before", [pytest.param(23 * HOUR, id="counts"), pytest.param(26 * HOUR, id="is over")]
)
def test_what_landed_before_the_first_day_counts_for_a_day(before: timedelta) -> None:
    gate = a_gate(caution={"below": "99%", **PACE})
    result = backtest_of(a_past((-HOUR, 10 * MINUTE, 0.002)), gate)
    assert result.state_at(START + HOUR) is State.CAUTION
    earlier, later = a_pull(until=-2 * DAY + HOUR - before), a_pull(until=-2 * DAY + HOUR)
    assert bool(held_back([earlier, later], gate, result)) is (before < DAY)


def test_the_pace_blocks_nothing_while_evidence_is_missing() -> None:
    gate = a_gate(caution={"below": "99%", **PACE})
    result = backtest_of(a_past((4 * DAY, 10 * MINUTE, 0.002), gap=4 * DAY + 6 * HOUR), gate)
    unknown = 2 * DAY + 6 * HOUR + 30 * MINUTE
    assert result.state_at(FROZEN_FROM + unknown) is State.CAUTION
    assert not held_back([a_pull(until=unknown, lines=999)], gate, result)
    known = a_pull(until=unknown + 2 * HOUR, lines=999)
    assert [one.why for one in held_back([known], gate, result)] == [Why.TOO_LARGE]
