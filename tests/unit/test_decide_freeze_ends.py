"""How a freeze ends: by probation, by postmortems, by its length; and what starts the next one."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from builders import DAY, HOUR, MINUTE, NOW, a_gate, an_incident, an_objective, evidence, measured, unmeasured
from gatekeeper.availability.measure import Measured
from gatekeeper.decide.gate_state import ends_by, step
from gatekeeper.decide.verdict import Memory, Owed, Rule, Spared, State
from gatekeeper.policy.gate import Gate

GATE = a_gate()
FAST = {3600: 20.0, 300: 20.0}


def along(
    memory: Memory, gate: Gate, *found: tuple[timedelta, Measured | float | None], name: str = "availability"
) -> Memory:
    """The memory after passes at these times from ``NOW``; None is a pass without data."""
    for ahead, left in found:
        at = NOW + ahead
        seen = (
            unmeasured(at=at)
            if left is None
            else left
            if isinstance(left, Measured)
            else measured(left, at=at)
        )
        memory = step(memory, [(an_objective(name), evidence(seen, name=name))], gate, at)
    return memory


def probation(since: datetime = NOW) -> Memory:
    return Memory(State.PROBATION, since)


@pytest.mark.parametrize(
    ("left", "expected"),
    [
        pytest.param(0.12, State.CAUTION, id="to caution, while less is left than caution asks for"),
        pytest.param(0.5, State.OPEN, id="to open, with more"),
    ],
)
def test_probation_ends_by_the_ladder_after_its_time(left: float, expected: State) -> None:
    before = along(probation(), GATE, (DAY - MINUTE, left))
    assert (before.state, before.since) == (State.PROBATION, NOW)
    after = along(before, GATE, (DAY, left))
    assert (after.state, after.since) == (expected, NOW + DAY)
    first, *others = after.reasons
    assert (first.rule, first.found, first.limit) == (Rule.PROBATION_FOR, 86_400.0, 86_400.0)
    assert [reason.rule for reason in others] == ([Rule.CAUTION_BELOW] if expected is State.CAUTION else [])


@pytest.mark.parametrize(
    ("found", "rule"),
    [
        pytest.param(measured(0.0), Rule.FREEZE_BELOW, id="a budget spent again"),
        pytest.param(measured(0.3, total=1e9, burn=FAST), Rule.FREEZE_BURN, id="a fast burn"),
    ],
)
def test_a_relapse_freezes_again_at_once(found: Measured, rule: Rule) -> None:
    again = step(probation(NOW - HOUR), [(an_objective(), evidence(found))], GATE, NOW)
    assert (again.state, again.since, [reason.rule for reason in again.reasons]) == (
        State.FROZEN,
        NOW,
        [rule],
    )


def test_not_knowing_neither_ends_probation_nor_restarts_it() -> None:
    unknown = along(probation(), GATE, (20 * HOUR, None), (30 * HOUR, None))
    assert (unknown.state, unknown.since) == (State.PROBATION, NOW)
    assert along(unknown, GATE, (31 * HOUR, 0.5)).state is State.OPEN


@pytest.mark.parametrize("lasts", ["off", 0])
@pytest.mark.parametrize(("left", "expected"), [(0.12, State.CAUTION), (0.5, State.OPEN)])
def test_without_probation_a_thaw_goes_by_the_ladder(lasts: Any, left: float, expected: State) -> None:
    gate = a_gate(probation={"for": lasts})
    thawed = along(Memory(State.FROZEN, NOW - DAY), gate, (timedelta(0), left))
    assert (thawed.state, [reason.rule for reason in thawed.reasons]) == (expected, [Rule.THAW_ABOVE])


def test_probation_that_the_policy_no_longer_has_ends() -> None:
    assert along(probation(), a_gate(probation={"for": "off"}), (MINUTE, 0.5)).state is State.OPEN


# A freeze that waits for a postmortem

COST = an_incident(150, ago=2 * DAY, share=0.3)
WAITING = a_gate(freeze={"incident_over": "20%"})


def linked(at: datetime) -> Gate:
    postmortem = {"incident": at.isoformat(), "link": "https://wiki.acme.example/42"}
    return a_gate(freeze={"incident_over": "20%"}, postmortems=[postmortem])


def thawable(**values: Any) -> Measured:
    return measured(0.5, worst=(COST,), **values)


def test_an_incident_that_cost_too_much_holds_the_freeze_until_its_postmortem_is_linked() -> None:
    held = along(Memory(State.FROZEN, NOW - DAY), WAITING, (timedelta(0), thawable()))
    assert held.state is State.FROZEN
    assert held.owed == (Owed("availability", COST.start, COST.end, 0.3),)
    thawed = along(held, linked(COST.start), (timedelta(0), thawable()))
    assert (thawed.state, thawed.owed) == (State.PROBATION, ())


@pytest.mark.parametrize(
    ("gate", "held"),
    [
        pytest.param(GATE, False, id="a policy that does not ask"),
        pytest.param(a_gate(freeze={"incident_over": "30%"}), False, id="exactly as much as it lets pass"),
        pytest.param(a_gate(freeze={"incident_over": "29.9%"}), True, id="a little more"),
        pytest.param(linked(NOW - 2 * DAY + 30 * MINUTE), False, id="linked by its last instant"),
        pytest.param(linked(NOW - 2 * DAY + 31 * MINUTE), True, id="another incident's postmortem"),
        pytest.param(linked(NOW - 2 * DAY - MINUTE), True, id="an instant before it began"),
    ],
)
def test_what_holds_a_freeze(gate: Gate, held: bool) -> None:  # noqa: FBT001 (a table)
    after = along(Memory(State.FROZEN, NOW - DAY), gate, (timedelta(0), thawable()))
    assert (after.state is State.FROZEN) is held


def test_an_incident_that_left_the_window_still_asks_for_its_postmortem() -> None:
    """The budget that one incident spent comes back just when it is gone: otherwise nobody would ever be asked."""
    frozen = along(Memory(State.FROZEN, NOW - DAY), WAITING, (timedelta(0), measured(-0.3, worst=(COST,))))
    gone = along(frozen, WAITING, (27 * DAY, measured(1.0, at=NOW + 27 * DAY)))
    assert (gone.state, gone.owed) == (State.FROZEN, frozen.owed)
    assert (
        along(gone, linked(COST.start), (27 * DAY, measured(1.0, at=NOW + 27 * DAY))).state is State.PROBATION
    )


def test_an_incident_is_asked_for_once_though_it_is_cut_by_the_window() -> None:
    frozen = along(Memory(State.FROZEN, NOW - DAY), WAITING, (timedelta(0), measured(-0.3, worst=(COST,))))
    at = COST.start + 28 * DAY + 10 * MINUTE
    rest = an_incident(100, ago=2 * DAY - 10 * MINUTE, lasted=20 * MINUTE, share=0.25)
    cut = along(frozen, WAITING, (at - NOW, measured(-0.1, at=at, worst=(rest,))))
    assert cut.owed == frozen.owed


def test_what_is_not_known_keeps_what_is_missing() -> None:
    held = along(Memory(State.FROZEN, NOW - DAY), WAITING, (timedelta(0), thawable()), (HOUR, None))
    assert [one.start for one in held.owed] == [COST.start]


def test_an_incident_alone_freezes_nothing() -> None:
    after = along(Memory(State.OPEN, NOW), WAITING, (timedelta(0), thawable()))
    assert (after.state, after.owed) == (State.OPEN, ())


# A freeze that ends by its length

SHORT = a_gate(freeze={"at_most": "14d"})
FROZEN = Memory(State.FROZEN, NOW)


def test_a_freeze_ends_by_its_length_though_the_thaw_rule_is_not_met() -> None:
    before = along(FROZEN, SHORT, (14 * DAY - MINUTE, -0.5))
    assert (before.state, ends_by(before, SHORT)) == (State.FROZEN, NOW + 14 * DAY)
    after = along(before, SHORT, (14 * DAY, -0.5))
    assert after.state is State.PROBATION
    assert [(one.rule, one.found, one.limit) for one in after.reasons] == [
        (Rule.FREEZE_AT_MOST, 14 * 86_400.0, 14 * 86_400.0)
    ]
    assert after.spared == (Spared("availability", -0.5),)
    assert ends_by(after, SHORT) is None


def test_by_default_no_freeze_ends_by_its_length() -> None:
    assert along(FROZEN, GATE, (3_000 * DAY, -0.5)).state is State.FROZEN


SPARED = Memory(State.PROBATION, NOW, spared=(Spared("availability", -0.5),))


@pytest.mark.parametrize(
    ("lefts", "expected"),
    [
        pytest.param(
            [-0.5, -0.51, -0.5], State.PROBATION, id="what is left of the budget does not freeze again"
        ),
        pytest.param([-0.53], State.FROZEN, id="a further loss does"),
        pytest.param([-0.3, -0.31], State.PROBATION, id="a gain is a gain"),
        pytest.param([-0.3, -0.33], State.FROZEN, id="and losing it again a loss"),
        pytest.param([0.05, -0.001], State.FROZEN, id="once it was above its line, the line counts again"),
        pytest.param([-0.5, measured(-0.5, total=1e9, burn=FAST)], State.FROZEN, id="a fast burn freezes"),
    ],
)
def test_only_a_further_loss_freezes_what_was_spared(lefts: list[Any], expected: State) -> None:
    found = [left if isinstance(left, Measured) else measured(left, total=1e9) for left in lefts]
    assert along(SPARED, SHORT, *((timedelta(0), one) for one in found)).state is expected


def test_what_was_spared_stays_so_beyond_probation() -> None:
    after = along(SPARED, SHORT, (DAY, -0.5), (30 * DAY, -0.5))
    assert (after.state, after.spared) == (State.CAUTION, SPARED.spared)


def test_a_fire_is_not_let_go_by_the_clock() -> None:
    burning = measured(0.3, total=1e9, burn=FAST, at=NOW + 14 * DAY)
    assert along(FROZEN, SHORT, (14 * DAY, burning)).state is State.FROZEN


def test_nothing_ends_without_evidence_not_even_by_the_clock() -> None:
    held = along(FROZEN, SHORT, (14 * DAY, None), (20 * DAY, None))
    assert (held.state, held.since) == (State.FROZEN, NOW)
    assert along(held, SHORT, (20 * DAY + MINUTE, -0.5)).state is State.PROBATION


def test_the_length_counts_more_than_a_missing_postmortem() -> None:
    gate = a_gate(freeze={"at_most": "14d", "incident_over": "20%"})
    held = along(FROZEN, gate, (13 * DAY, measured(0.5, worst=(COST,), at=NOW + 13 * DAY)))
    assert (held.state, len(held.owed)) == (State.FROZEN, 1)
    assert (
        along(held, gate, (14 * DAY, measured(0.5, worst=(COST,), at=NOW + 14 * DAY))).state
        is State.PROBATION
    )
