from datetime import timedelta

import pytest

from builders import DAY, HOUR, MINUTE, NOW, a_forecast, a_gate, an_objective, evidence, measured, unmeasured
from gatekeeper.availability.measure import Measured
from gatekeeper.decide.burning import cautioning_rows, cooled_rows, freezing_rows
from gatekeeper.decide.gate_state import step
from gatekeeper.decide.snapshot import ObjectiveEvidence
from gatekeeper.decide.verdict import Doubt, Gap, Memory, Rule, State, Told
from gatekeeper.policy.gate import Gate

FIVE_MINUTES, HALF_HOUR, AN_HOUR, TWO_HOURS, SIX_HOURS, A_DAY, THREE_DAYS = (
    300,
    1800,
    3600,
    7200,
    21600,
    86400,
    259200,
)
SINCE = NOW - HOUR
NO_BURN = a_gate(freeze={"burn": "off"})


def after(
    state: State,
    *found: ObjectiveEvidence,
    gate: Gate | None = None,
    target: str = "0.9995",
    days: int = 28,
) -> Memory:
    """The memory one pass after the gate was in ``state``."""
    objectives = [an_objective(one.name, target=target, days=days) for one in found]
    return step(Memory(state, SINCE), list(zip(objectives, found, strict=True)), gate or a_gate(), NOW)


def rules(memory: Memory) -> list[Rule]:
    return [reason.rule for reason in memory.reasons]


def burns(**spans: float | None) -> ObjectiveEvidence:
    """An untouched budget that burns: ``h1=14`` is 14× over an hour."""
    seconds = {
        "m5": FIVE_MINUTES,
        "m30": HALF_HOUR,
        "h1": AN_HOUR,
        "h2": TWO_HOURS,
        "h6": SIX_HOURS,
        "d1": A_DAY,
        "d3": THREE_DAYS,
    }
    return evidence(measured(0.9, total=100e6, burn={seconds[name]: burn for name, burn in spans.items()}))


@pytest.mark.parametrize(
    ("left", "expected"),
    [
        pytest.param(1.0, State.OPEN, id="an untouched budget leaves the gate open"),
        pytest.param(0.25, State.OPEN, id="caution starts below its share, not at it"),
        pytest.param(0.2499999, State.CAUTION, id="just below its share asks for caution"),
        pytest.param(1e-12, State.CAUTION, id="the last crumb of budget still lets changes through"),
        pytest.param(0.0, State.FROZEN, id="a budget spent to the last event freezes"),
        pytest.param(-1e-12, State.FROZEN, id="a hair over freezes"),
        pytest.param(-30.0, State.FROZEN, id="far over freezes"),
    ],
)
def test_an_open_gate_follows_the_budget_down(left: float, expected: State) -> None:
    assert after(State.OPEN, evidence(left)).state is expected


@pytest.mark.parametrize("below", ["0%", "3%", "5%", "15%", "20%"])
def test_exactly_at_the_share_freezes_and_just_above_does_not(below: str) -> None:
    gate = a_gate(freeze={"below": below}, thaw={"above": "40%"})
    share = float(gate.freeze.below)
    assert after(State.OPEN, evidence(share), gate=gate).state is State.FROZEN
    assert after(State.OPEN, evidence(share + 1e-9), gate=gate).state is State.CAUTION


@pytest.mark.parametrize("percent", range(1, 100))
def test_a_share_of_the_policy_is_the_same_number_as_a_measured_one(percent: int) -> None:
    """30 % of a budget is the float 0.3, which lies below the decimal 0.3: compared raw, it would ask for caution."""
    gate = a_gate(caution={"below": f"{percent}%"}, thaw={"above": f"{percent}%"})
    exactly = evidence(measured(bad=100 - percent, total=200_000))
    assert after(State.OPEN, exactly, gate=gate).state is State.OPEN
    assert rules(after(State.FROZEN, exactly, gate=gate)) == [Rule.THAW_ABOVE]


def test_the_transition_says_which_rule_found_what() -> None:
    memory = after(State.OPEN, evidence(-0.284))
    assert memory.since == NOW
    (reason,) = memory.reasons
    assert (reason.rule, reason.objective, reason.found, reason.limit) == (
        Rule.FREEZE_BELOW,
        "availability",
        -0.284,
        0.0,
    )


def test_a_gate_seen_for_the_first_time_starts_open_and_moves_at_once() -> None:
    assert step(None, [(an_objective(), evidence(1.0))], a_gate(), NOW) == Memory(
        State.OPEN, NOW, told=Told(1.0)
    )
    assert step(None, [(an_objective(), evidence(-1.0))], a_gate(), NOW).state is State.FROZEN


# In 28 days, pages are above 13.44 (1 h and 5 min) and 5.6 (6 h and 30 min), tickets above 2.8 (1 d and 2 h) and
# 1 (3 d and 6 h).
@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param(burns(h1=14, m5=14), State.FROZEN, id="an hour and five minutes too fast freeze"),
        pytest.param(burns(h1=13.44, m5=99), State.OPEN, id="the threshold itself is not too fast"),
        pytest.param(burns(h1=14, m5=0), State.OPEN, id="an hour too fast that is over does not freeze"),
        pytest.param(burns(h1=14, m5=None), State.OPEN, id="five minutes without events do not freeze"),
        pytest.param(burns(h1=1, m5=99), State.OPEN, id="a spike of five minutes does not freeze"),
        pytest.param(burns(h6=6, m30=6), State.FROZEN, id="six hours and thirty minutes too fast freeze"),
        pytest.param(burns(d1=3, h2=3), State.CAUTION, id="a day and two hours too fast ask for caution"),
        pytest.param(
            burns(d3=1.1, h6=1.1), State.CAUTION, id="three days and six hours too fast ask for caution"
        ),
        pytest.param(
            burns(d3=0.99, h6=0.99), State.OPEN, id="a burn that keeps the promise is never too fast"
        ),
        pytest.param(burns(d1=3, h2=0), State.OPEN, id="a day too fast that is over asks for nothing"),
    ],
)
def test_burning_too_fast_moves_an_open_gate(found: ObjectiveEvidence, expected: State) -> None:
    assert after(State.OPEN, found).state is expected


def test_a_gate_that_does_not_look_at_the_burn_does_not_freeze_on_it() -> None:
    assert after(State.OPEN, burns(h1=99, m5=99), gate=NO_BURN).state is State.OPEN


@pytest.mark.parametrize(
    ("days", "pages"),
    [
        pytest.param(28, [13.44, 5.6], id="28 days"),
        pytest.param(7, [3.36, 1.4], id="7 days"),
        pytest.param(3, [1.44], id="in 3 days, six hours at 0.6× are no reason to freeze"),
        pytest.param(1, [], id="in one day, an hour at 0.48× is none either"),
    ],
)
def test_no_row_fires_at_a_pace_that_keeps_the_promise(days: int, pages: list[float]) -> None:
    window = days * 86_400
    assert [
        row.share * window / row.long_s for row in freezing_rows(window, 0.0005, a_gate())
    ] == pytest.approx(pages)
    assert all(row.share * window / row.long_s >= 1 - 1e-12 for row in cautioning_rows(window))
    calm = evidence(
        measured(0.9, total=100e6, burn=dict.fromkeys((300, 1800, 3600, 7200, 21600, 86400, 259200), 0.99))
    )
    assert after(State.OPEN, calm, days=days).state is State.OPEN


def test_what_no_outage_can_reach_neither_freezes_nor_holds_a_freeze() -> None:
    """At 80 %, an outage burns at 5×: not more than 5.6×, which is fast, but more than the 4.48× that has cooled."""
    assert freezing_rows(28 * 86_400, 0.2, a_gate()) == ()
    outage = evidence(measured(0.5, allowed=0.2, burn={21_600: 5.0}))
    assert after(State.FROZEN, outage, target="0.8").state is State.PROBATION


def test_one_error_in_a_quiet_hour_is_no_fire() -> None:
    """10 requests an hour at 99.9 %: one failure burns at 100× over its hour, with 85 % of the budget left."""
    one = measured(bad=1, total=6_720, allowed=0.001, burn={AN_HOUR: 100.0, FIVE_MINUTES: 1_000.0})
    assert after(State.OPEN, evidence(one), target="0.999").state is State.OPEN


@pytest.mark.parametrize(
    ("hour", "expected"),
    [
        pytest.param(13.0, State.FROZEN, id="just below the threshold it stays: no flapping around it"),
        pytest.param(10.76, State.FROZEN, id="above four fifths of it it stays"),
        pytest.param(10.75, State.PROBATION, id="at four fifths of it the freeze ends"),
        pytest.param(None, State.FROZEN, id="an hour without events does not say that the fire is out"),
    ],
)
def test_a_freeze_by_a_fast_burn_ends_when_the_long_span_has_cooled(
    hour: float | None, expected: State
) -> None:
    assert after(State.FROZEN, burns(h1=hour, m5=0)).state is expected


def test_every_row_has_to_cool_even_with_the_budget_to_thaw() -> None:
    assert after(State.FROZEN, burns(h6=5.0)).state is State.FROZEN


def test_what_a_forecast_has_to_wait_for_are_the_cooled_rows() -> None:
    rows = cooled_rows(freezing_rows(28 * 86_400, 0.0005, a_gate()))
    assert [row.share for row in rows] == pytest.approx([0.016, 0.04])


@pytest.mark.parametrize(
    ("found", "expected", "why"),
    [
        pytest.param(measured(0.1), State.PROBATION, [Rule.THAW_ABOVE], id="exactly 10 % left thaws"),
        pytest.param(
            measured(0.0999999, positive_for=71 * HOUR),
            State.FROZEN,
            [],
            id="just below 10 % and not long enough stays frozen",
        ),
        pytest.param(
            measured(0.5), State.PROBATION, [Rule.THAW_ABOVE], id="and so does more, which opens nothing yet"
        ),
        pytest.param(
            measured(0.01, positive_for=72 * HOUR),
            State.PROBATION,
            [Rule.THAW_QUIET],
            id="72 hours with budget left thaw",
        ),
        pytest.param(
            measured(0.01, positive_for=72 * HOUR - MINUTE),
            State.FROZEN,
            [],
            id="a minute less than 72 hours do not",
        ),
        pytest.param(
            measured(0.01, burn={SIX_HOURS: 1.0}), State.FROZEN, [], id="nor when six hours burn at 1"
        ),
        pytest.param(
            measured(0.01, burn={SIX_HOURS: 0.99}),
            State.PROBATION,
            [Rule.THAW_QUIET],
            id="six hours just below 1 are calm",
        ),
        pytest.param(
            measured(0.01, burn={SIX_HOURS: None}),
            State.FROZEN,
            [],
            id="six hours without events are silence, not calm",
        ),
        pytest.param(measured(0.0), State.FROZEN, [], id="no budget, no thaw"),
        pytest.param(measured(-0.5), State.FROZEN, [], id="overspent, no thaw"),
    ],
)
def test_the_thaw_rule(found: Measured, expected: State, why: list[Rule]) -> None:
    memory = after(State.FROZEN, evidence(found))
    assert (memory.state, rules(memory)) == (expected, why)


def test_silence_is_not_calm_even_where_the_burn_does_not_freeze() -> None:
    silent = measured(0.01, burn={SIX_HOURS: None})
    assert after(State.FROZEN, evidence(silent), gate=NO_BURN).state is State.FROZEN
    assert after(State.FROZEN, evidence(0.01), gate=NO_BURN).state is State.PROBATION


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param(measured(0.06), State.PROBATION, id="above its line for 72 hours"),
        pytest.param(measured(0.06, positive_for=71 * HOUR), State.FROZEN, id="above it, but not for long"),
        pytest.param(measured(0.05), State.FROZEN, id="never at the line, however long"),
        pytest.param(measured(0.10, positive_for=HOUR), State.PROBATION, id="at 10 % at once"),
    ],
)
def test_the_quiet_rule_is_about_the_line_that_freezes(found: Measured, expected: State) -> None:
    assert after(State.FROZEN, evidence(found), gate=a_gate(freeze={"below": "5%"})).state is expected


def test_while_frozen_the_first_cause_is_kept() -> None:
    first = after(State.OPEN, evidence(-0.1))
    later = step(first, [(an_objective(), evidence(-0.9))], a_gate(), NOW + HOUR)
    assert (later.since, later.reasons) == (first.since, first.reasons)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param(measured(0.2699, bad=0.0), State.CAUTION, id="inside the band it stays"),
        pytest.param(measured(0.28, total=1e9), State.OPEN, id="above the band it ends"),
        pytest.param(
            measured(0.30, total=100_000), State.CAUTION, id="with little traffic the band is the noise"
        ),
        pytest.param(
            measured(0.63, total=20_000), State.OPEN, id="but at most half way up, so that it can end"
        ),
        pytest.param(
            measured(0.9, total=1e9, burn={A_DAY: 2.3}), State.CAUTION, id="a slow burn has to cool"
        ),
        pytest.param(
            measured(0.9, total=1e9, burn={A_DAY: 2.24}), State.OPEN, id="at four fifths it has cooled"
        ),
    ],
)
def test_caution_ends_a_band_above_where_it_began(found: Measured, expected: State) -> None:
    assert after(State.CAUTION, evidence(found)).state is expected


def test_the_worst_of_several_objectives_decides() -> None:
    fine, tight, spent = (
        evidence(0.9, name="latency"),
        evidence(0.2, name="freshness"),
        evidence(-0.1, name="availability"),
    )
    assert after(State.OPEN, fine, tight).state is State.CAUTION
    assert [reason.objective for reason in after(State.OPEN, fine, tight, spent).reasons] == ["availability"]


def test_a_thaw_takes_every_objective() -> None:
    assert after(State.FROZEN, evidence(0.9, name="a"), evidence(0.05, name="b")).state is State.PROBATION
    waiting = evidence(measured(0.05, positive_for=HOUR), name="b")
    assert after(State.FROZEN, evidence(0.9, name="a"), waiting).state is State.FROZEN
    memory = after(State.FROZEN, evidence(0.9, name="a"), evidence(0.5, name="b"))
    assert [(reason.objective, reason.rule) for reason in memory.reasons] == [
        ("a", Rule.THAW_ABOVE),
        ("b", Rule.THAW_ABOVE),
    ]


OLD = NOW - 15 * MINUTE
UNKNOWN = [
    pytest.param(evidence(unmeasured("no data")), Doubt.NO_DATA, "", id="nobody measured"),
    pytest.param(evidence(unmeasured("no traffic")), Doubt.NO_TRAFFIC, "", id="nobody came"),
    pytest.param(
        evidence(measured(0.5, watermark=OLD - MINUTE)),
        Doubt.STALE,
        "the newest data are from 2026-11-22 11:44 UTC",
        id="the data are older than a quarter of an hour",
    ),
    pytest.param(
        evidence(measured(0.5, coverage=0.7999)),
        Doubt.THIN,
        "only 79.9 % of the window was measured",
        id="less than four fifths were measured",
    ),
    pytest.param(
        evidence(measured(0.5, coverage=0.0014, partial_since=NOW - 59 * MINUTE)),
        Doubt.THIN,
        "measured only since 2026-11-22 11:01 UTC",
        id="the ledger is younger than an hour",
    ),
    pytest.param(
        evidence(0.5, progress=0.9999),
        Doubt.BACKFILLING,
        "99.9 % of the history read",
        id="the history is still being read",
    ),
    pytest.param(
        evidence(0.5, problem="no such metric"), Doubt.PROBLEM, "no such metric", id="the policy is wrong"
    ),
]


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize(("found", "doubt", "detail"), UNKNOWN)
def test_not_knowing_moves_no_gate(state: State, found: ObjectiveEvidence, doubt: Doubt, detail: str) -> None:
    memory = after(state, found)
    assert (memory.state, memory.since, memory.unknown_since) == (state, SINCE, NOW)
    assert memory.gaps == (Gap("availability", doubt, detail),)


@pytest.mark.parametrize(
    "found",
    [
        pytest.param(measured(0.5, watermark=OLD), id="a quarter of an hour old"),
        pytest.param(measured(0.5, coverage=0.8), id="four fifths measured"),
        pytest.param(
            measured(0.5, coverage=0.9 / (28 * 24), partial_since=NOW - HOUR), id="an hour of history"
        ),
        pytest.param(measured(bad=9, total=1_900), id="few events, of which less than one may be bad"),
        pytest.param(measured(bad=0, total=100), id="few events and all of them good"),
    ],
)
def test_just_enough_evidence_counts(found: Measured) -> None:
    assert after(State.OPEN, evidence(found)).gaps == ()


@pytest.mark.parametrize(
    ("state", "left", "expected"),
    [
        pytest.param(State.OPEN, -0.1, State.FROZEN, id="what is known can freeze"),
        pytest.param(State.OPEN, 0.2, State.CAUTION, id="what is known can ask for caution"),
        pytest.param(State.FROZEN, 0.9, State.FROZEN, id="but a thaw takes all"),
        pytest.param(State.CAUTION, 0.9, State.CAUTION, id="and so does the end of caution"),
    ],
)
def test_of_two_objectives_one_is_unknown(state: State, left: float, expected: State) -> None:
    memory = after(state, evidence(left, name="a"), evidence(unmeasured(), name="b"))
    assert (memory.state, [gap.objective for gap in memory.gaps]) == (expected, ["b"])


def test_the_stretch_without_evidence_is_remembered_until_it_ends() -> None:
    first = after(State.OPEN, evidence(unmeasured()))
    later = step(first, [(an_objective(), evidence(unmeasured()))], a_gate(), NOW + 10 * MINUTE)
    assert later.unknown_since == NOW
    known = step(later, [(an_objective(), evidence(1.0))], a_gate(), NOW + 10 * MINUTE)
    assert (known.unknown_since, known.gaps) == (None, ())


def test_a_transition_keeps_the_stretch_without_evidence() -> None:
    first = after(State.OPEN, evidence(0.9, name="a"), evidence(unmeasured(), name="b"))
    pairs = [
        (an_objective("a"), evidence(-1.0, name="a")),
        (an_objective("b"), evidence(unmeasured(), name="b")),
    ]
    frozen = step(first, pairs, a_gate(), NOW + 10 * MINUTE)
    assert (frozen.state, frozen.unknown_since) == (State.FROZEN, NOW)


def told(before: Told, left: float, end: timedelta | None = None, state: State = State.FROZEN) -> Told:
    found = evidence(left, thaw=a_forecast(NOW + end)) if end is not None else evidence(left)
    memory = Memory(state, SINCE, told=before)
    return step(memory, [(an_objective(), found)], a_gate(), NOW).told


@pytest.mark.parametrize(
    ("before", "left", "expected"),
    [
        pytest.param(None, -0.3, -0.3, id="the first figure is told as it is"),
        pytest.param(-0.3, -0.3999, -0.3, id="less than ten points are not worth telling"),
        pytest.param(-0.3, -0.4000001, -0.4000001, id="more than ten points are"),
        pytest.param(-0.3, -0.2001, -0.3, id="upwards too"),
    ],
)
def test_the_told_share_follows_in_steps(before: float | None, left: float, expected: float) -> None:
    assert told(Told(before), left).remaining == expected


def test_the_told_end_follows_in_days() -> None:
    before = Told(-0.3, NOW + 3 * DAY)
    assert told(before, -0.3, 4 * DAY - MINUTE).end == NOW + 3 * DAY
    assert told(before, -0.3, 4 * DAY).end == NOW + 4 * DAY
    assert told(before, -0.3).end is None
    assert told(before, 0.9, 3 * DAY, State.OPEN).end is None
