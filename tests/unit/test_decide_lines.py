"""Where the gate's lines lie, and how far the noise of counting moves them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import HOUR, NOW, a_gate, an_objective, evidence, measured
from gatekeeper.availability.measure import Measured
from gatekeeper.decide.evidence import Known
from gatekeeper.decide.gate_state import step
from gatekeeper.decide.lines import freeze_line, in_noise, recovery_level, relapse_line
from gatekeeper.decide.verdict import Memory, Spared, State
from gatekeeper.policy.objective import Objective

GATE = a_gate()
ALLOWED = 0.0005


def known(bad: float, budget: float) -> Known:
    """So many bad events, where so many are allowed."""
    return Known(an_objective(), measured(bad=bad, total=budget / ALLOWED))


@pytest.mark.parametrize(
    ("budget", "line"),
    [
        pytest.param(1e9, 0.0, id="a busy service freezes where the policy says"),
        pytest.param(401, 0.0, id="as long as twice the noise is less than from freeze to thaw"),
        pytest.param(399, -0.0001, id="with less traffic the line begins to move"),
        pytest.param(100, -0.1108, id="100 events scatter by ten"),
        pytest.param(10, -0.7325, id="ten by three"),
        pytest.param(1, -4.6568, id="a single one is chance"),
        pytest.param(0.1, -40.7806, id="where less than one is allowed, so are four"),
    ],
)
def test_the_fewer_the_events_the_lower_the_line_that_freezes(budget: float, line: float) -> None:
    assert freeze_line(known(0, budget), GATE) == pytest.approx(line, abs=1e-4)


def test_minutes_are_counted_exactly_however_few_are_allowed() -> None:
    """28 days at 99.9 % allow 40 bad minutes, which come in a row: no chance moves the line for them."""
    by_minute = {"method": {"timeslices": {"target": "99%"}}}
    minutes = Objective.model_validate(an_objective(target="0.999").model_dump() | by_minute)
    one = Known(minutes, measured(bad=41, total=40_320, allowed=0.001))
    assert (freeze_line(one, GATE), in_noise(one, GATE)) == (0, False)
    assert step(None, [(minutes, evidence(one.measured))], GATE, NOW).state is State.FROZEN
    assert recovery_level(one, GATE) == pytest.approx(0.27)


@pytest.mark.parametrize("below", ["0%", "5%"])
@given(budget=st.floats(0.01, 1e6), bad=st.floats(0, 3e6))
def test_the_line_is_where_the_noise_of_what_was_counted_says(budget: float, bad: float, below: str) -> None:
    """The closed form against what it solves: r ≤ below and r ≤ above - 2·√B/E, away from its rounding."""
    one, gate = known(bad, budget), a_gate(freeze={"below": below})
    left, chance = one.measured.remaining, float(gate.thaw.above) - 2 * math.sqrt(bad) / one.budget
    if abs(left - chance) < 1e-9 * (1 + bad / budget):
        return
    assert (left <= freeze_line(one, gate)) is (left <= float(gate.freeze.below) and left <= chance)


@given(st.floats(0.01, 1e9), st.sampled_from(["0%", "5%", "9%"]))
def test_noise_never_freezes_earlier(budget: float, below: str) -> None:
    gate = a_gate(freeze={"below": below})
    assert freeze_line(known(0, budget), gate) <= float(gate.freeze.below)


@pytest.mark.parametrize(
    ("bad", "budget", "expected"),
    [
        pytest.param(1, 0.1, State.CAUTION, id="one error overspends by ten times and warns"),
        pytest.param(4, 0.1, State.CAUTION, id="four still may be chance"),
        pytest.param(5, 0.1, State.FROZEN, id="five are not"),
        pytest.param(17, 10, State.CAUTION, id="17 for 10"),
        pytest.param(18, 10, State.FROZEN, id="18 for 10"),
        pytest.param(105, 100, State.CAUTION, id="105 for 100"),
        pytest.param(112, 100, State.FROZEN, id="112 for 100"),
        pytest.param(
            500, 500, State.FROZEN, id="500 for 500, since that many scatter by less than a thaw asks"
        ),
    ],
)
def test_what_may_be_chance_warns_and_does_not_block(bad: float, budget: float, expected: State) -> None:
    found = evidence(known(bad, budget).measured)
    memory = step(None, [(an_objective(), found)], GATE, NOW)
    assert (memory.state, memory.gaps) == (expected, ())
    assert in_noise(known(bad, budget), GATE) is (expected is State.CAUTION)


def test_noise_ends_no_freeze() -> None:
    found = known(105, 100).measured
    assert (
        step(Memory(State.FROZEN, NOW - HOUR), [(an_objective(), evidence(found))], GATE, NOW).state
        is State.FROZEN
    )


@pytest.mark.parametrize(
    ("found", "level"),
    [
        pytest.param(measured(0.2, total=1e9), 0.27, id="two points of budget"),
        pytest.param(measured(bad=400, total=1e6), 0.33, id="or twice the noise"),
        pytest.param(measured(bad=4, total=2e3), 0.625, id="at most half way up"),
    ],
)
def test_caution_ends_a_band_above_its_line(found: Measured, level: float) -> None:
    assert recovery_level(Known(an_objective(), found), GATE) == pytest.approx(level)


@pytest.mark.parametrize(
    ("spared", "line"),
    [
        pytest.param((), 0.0, id="nothing spared"),
        pytest.param((Spared("availability", -0.5),), -0.52, id="two points below what was left"),
        pytest.param((Spared("latency", -0.5),), 0.0, id="another objective's"),
    ],
)
def test_what_was_spared_freezes_at_a_further_loss_only(spared: tuple[Spared, ...], line: float) -> None:
    one = Known(an_objective(), measured(-0.5, total=1e9))
    assert relapse_line(one, GATE, spared) == pytest.approx(line)
