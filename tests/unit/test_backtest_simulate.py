"""What a gate would have done over a past that is drawn by hand."""

from dataclasses import replace
from datetime import timedelta

import pytest

from builders import DAY, HOUR, MINUTE, NOW, a_gate, an_objective
from gatekeeper.availability.ledger import Slices
from gatekeeper.decide.backtest.history import Past
from gatekeeper.decide.backtest.result import Backtest
from gatekeeper.decide.backtest.simulate import simulate
from gatekeeper.decide.backtest.waiting import Recorded, waiting
from gatekeeper.decide.verdict import Doubt, Rule, State
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
    *, since: timedelta, until: timedelta | None, labels: tuple[str, ...] = (), exempt: bool = False
) -> Recorded:
    end = None if until is None else FROZEN_FROM + until
    return Recorded("acme/shop#1", "Sell more", FROZEN_FROM + since, end, labels, exempt)


@pytest.mark.parametrize(
    ("pull", "waits", "closed"),
    [
        pytest.param(a_pull(since=-DAY, until=-HOUR), False, False, id="closed before the freeze"),
        pytest.param(a_pull(since=-DAY, until=2 * HOUR), True, True, id="closed in the freeze"),
        pytest.param(a_pull(since=-DAY, until=5 * DAY), True, False, id="open before and after"),
        pytest.param(a_pull(since=HOUR, until=None), True, False, id="opened in the freeze and still open"),
        pytest.param(a_pull(since=3 * DAY, until=None), False, False, id="opened after it"),
        pytest.param(
            a_pull(since=HOUR, until=None, labels=("Security",)), False, False, id="exempt by its label"
        ),
        pytest.param(a_pull(since=HOUR, until=None, exempt=True), False, False, id="exempt by its paths"),
    ],
)
def test_a_pull_request_waits_for_a_freeze_it_meets(pull: Recorded, waits: bool, closed: bool) -> None:  # noqa: FBT001 - a table
    gate = a_gate(exempt={"labels": ["security"]})
    found = waiting([pull], gate, backtest_of(a_past((2 * DAY, 10 * MINUTE, 0.2)), gate))
    assert [one.closed_frozen for one in found] == ([closed] if waits else [])
