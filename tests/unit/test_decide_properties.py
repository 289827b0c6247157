"""What holds for whatever is observed: of the gate, of decisions, of texts."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from builders import (
    DAY,
    HOUR,
    MINUTE,
    NOW,
    TEAM,
    a_forecast,
    a_gate,
    a_pull,
    a_service,
    a_view,
    an_incident,
    an_objective,
    evidence,
    measured,
    unmeasured,
)
from gatekeeper.availability.burn import SPANS
from gatekeeper.availability.measure import Measured
from gatekeeper.decide.desired import COMMENT_LIMIT, OUTPUT_LIMIT, TITLE_LIMIT, desire
from gatekeeper.decide.evaluate import Decision, decide
from gatekeeper.decide.evidence import sift
from gatekeeper.decide.gate_state import step
from gatekeeper.decide.snapshot import (
    Landed,
    ObjectiveEvidence,
    OverrideRequest,
    Refusal,
    ServiceView,
    Snapshot,
)
from gatekeeper.decide.standing import as_of, unseen
from gatekeeper.decide.verdict import Doubt, Gap, Memory, Owed, Reason, Rule, Spared, State, Told
from gatekeeper.policy.gate import Gate

GATE = a_gate()
TEXTS = st.text(max_size=40)
WHEN = st.integers(-100_000, 100_000).map(lambda minutes: NOW + minutes * MINUTE)
BURNS = st.dictionaries(st.sampled_from(SPANS), st.none() | st.floats(0, 2_000))


@st.composite
def measurements(draw: st.DrawFn) -> Measured:
    total = draw(st.sampled_from([1.0, 40.0, 3_000.0, 1e6, 4.2e9, 1234.5]))
    bad = draw(st.floats(0, 1)) ** 4 * total
    return measured(
        bad=bad,
        total=total,
        burn=draw(BURNS),
        positive_for=draw(st.integers(0, 100)) * HOUR,
        coverage=draw(st.floats(0, 1)),
        watermark=NOW - draw(st.integers(0, 40)) * MINUTE,
        partial_since=draw(st.none() | st.integers(0, 27).map(lambda days: NOW - days * DAY - MINUTE)),
        approximate=draw(st.booleans()),
        worst=tuple(an_incident(bad) for _ in range(draw(st.integers(0, 3)))),
    )


@st.composite
def evidences(draw: st.DrawFn, name: str = "availability") -> ObjectiveEvidence:
    found = draw(measurements() | st.sampled_from([unmeasured("no data"), unmeasured("no traffic")]))
    return evidence(
        found,
        name=name,
        progress=draw(st.none() | st.floats(0, 1)),
        problem=draw(st.none() | TEXTS),
        thaw=draw(st.none() | st.builds(a_forecast, WHEN | st.none())),
    )


OBJECTIVES = (an_objective("a"), an_objective("b", target="0.9"))
FOUND = st.tuples(evidences("a"), evidences("b"))
GAPS = st.builds(Gap, st.just("a"), st.sampled_from(Doubt), TEXTS)
REASONS = st.builds(
    Reason, st.sampled_from(Rule), st.just("a"), st.floats(-5, 2e9), st.floats(0, 2e9), st.just(3600)
)
MEMORIES = st.builds(
    Memory,
    st.sampled_from(State),
    WHEN,
    st.tuples(REASONS),
    st.none() | WHEN,
    st.tuples() | st.tuples(GAPS),
    st.builds(Told, st.none() | st.floats(-9, 1), st.none() | WHEN),
    st.lists(st.builds(Spared, st.just("a"), st.floats(-9, 0)), max_size=1).map(tuple),
    st.lists(st.builds(Owed, st.just("b"), WHEN, st.none() | WHEN, st.floats(0, 9)), max_size=2).map(tuple),
)
GATES = st.builds(
    a_gate,
    mode=st.sampled_from(["observe", "advise", "enforce"]),
    caution=st.sampled_from([{}, {"pace": {"deployments": "1/day", "changed_lines": 40}}]),
    freeze=st.sampled_from([{}, {"burn": "off"}, {"below": "5%"}, {"at_most": "3d", "incident_over": "20%"}]),
    probation=st.sampled_from([{}, {"for": "off"}, {"for": "3d"}]),
    exempt=st.sampled_from([{}, {"labels": ["security"], "paths": ["docs/**"]}]),
    override=st.sampled_from([{}, {"teams": [TEAM]}]),
    unknown=st.sampled_from([{}, {"then": "block"}]),
)


@st.composite
def views(draw: st.DrawFn, name: str) -> ServiceView:
    service = a_service(name, *OBJECTIVES, gate=draw(GATES), description=draw(TEXTS))
    return ServiceView(
        service=service,
        memory=draw(MEMORIES),
        objectives=draw(FOUND),
        expected_end=draw(st.none() | WHEN),
        files=tuple(draw(st.lists(TEXTS, max_size=5))),
        all_exempt=draw(st.booleans()),
        policy_problem=draw(st.none() | TEXTS),
        burn_down=tuple(draw(st.lists(st.tuples(WHEN, st.none() | st.floats(-9, 1)), max_size=6))),
        landed=tuple(draw(st.lists(st.builds(Landed, st.just("acme/shop"), st.just(9), WHEN), max_size=2))),
    )


REQUESTS = st.builds(
    OverrideRequest,
    st.just("slo:override"),
    st.sampled_from(["alice", ""]),
    st.booleans(),
    WHEN,
    st.sampled_from([(), (TEAM,)]),
    st.none() | TEXTS,
)
SNAPSHOTS = st.builds(
    Snapshot,
    now=st.just(NOW),
    pull=st.sampled_from(
        [a_pull(), a_pull("security"), a_pull("slo:override"), replace(a_pull(), changed_lines=41)]
    ),
    services=st.tuples() | st.tuples(views("checkout")) | st.tuples(views("checkout"), views("search")),
    requests=st.tuples() | st.tuples(REQUESTS),
    refusals=st.tuples() | st.tuples(st.builds(Refusal, TEXTS, TEXTS, TEXTS, WHEN)),
    check_required=st.booleans(),
    policy_problems=st.tuples() | st.tuples(TEXTS),
)


def pairs(found: Sequence[ObjectiveEvidence]) -> list[Any]:
    return list(zip(OBJECTIVES, found, strict=True))


@given(FOUND, GATES)
def test_nothing_thaws_and_no_caution_ends_without_full_evidence(
    found: tuple[ObjectiveEvidence, ...], gate: Gate
) -> None:
    for state in (State.FROZEN, State.PROBATION, State.CAUTION):
        after = step(Memory(state, NOW - 30 * DAY), pairs(found), gate, NOW)
        assert after.state in {state, State.FROZEN} or not after.gaps


@given(MEMORIES, GATES, st.sampled_from(["no data", "no traffic"]), st.integers(0, 10**6))
def test_when_nothing_is_known_nothing_moves_however_long(
    memory: Memory, gate: Gate, reason: str, minutes: int
) -> None:
    unknown = tuple(evidence(unmeasured(reason), name=name) for name in ("a", "b"))
    after = step(memory, pairs(unknown), gate, NOW + minutes * MINUTE)
    assert (after.state, after.since, after.reasons, after.spared) == (
        memory.state,
        memory.since,
        memory.reasons,
        memory.spared,
    )


@given(FOUND, GATES)
def test_nothing_thaws_with_an_objective_at_or_below_its_line(
    found: tuple[ObjectiveEvidence, ...], gate: Gate
) -> None:
    after = step(Memory(State.FROZEN, NOW - DAY), pairs(found), gate, NOW)  # younger than any ``at_most``
    left = [one.evidence.remaining for one in found if isinstance(one.evidence, Measured)]
    assert after.state is State.FROZEN or all(one > gate.freeze.below for one in left)


@given(FOUND, st.sampled_from([State.OPEN, State.CAUTION]), GATES)
def test_a_freeze_names_a_known_objective_that_is_spent_or_burns(
    found: tuple[ObjectiveEvidence, ...], state: State, gate: Gate
) -> None:
    after = step(Memory(state, NOW - DAY), pairs(found), gate, NOW)
    if after.state is not State.FROZEN:
        return
    known = {one.objective.name: one for one in sift(pairs(found), NOW)[0]}
    assert after.reasons
    for reason in after.reasons:
        assert reason.objective in known
        assert (
            reason.found <= reason.limit if reason.rule is Rule.FREEZE_BELOW else reason.found > reason.limit
        )


@given(FOUND, MEMORIES, GATES)
def test_a_second_step_on_the_same_evidence_moves_nothing_back(
    found: tuple[ObjectiveEvidence, ...], memory: Memory, gate: Gate
) -> None:
    once = step(memory, pairs(found), gate, NOW)
    twice = step(once, pairs(found), gate, NOW)
    if once.state is State.FROZEN and memory.state is not State.FROZEN:
        assert twice.state is State.FROZEN  # what froze it just now does not thaw it
    assert step(twice, pairs(found), gate, NOW) == twice


@given(MEMORIES)
def test_every_state_can_be_left_and_reached(memory: Memory) -> None:
    def follow(*lefts: float) -> list[State]:
        """One pass a day."""
        gate, states, at = memory, [], max(memory.since, NOW)
        for left in lefts:
            at += DAY
            gate = step(gate, [(OBJECTIVES[0], evidence(measured(left, total=1e9, at=at)))], GATE, at)
            states.append(gate.state)
        return states

    free = follow(1.0, 1.0, 1.0)
    assert free[-1] is State.OPEN
    assert follow(1.0, 1.0, 1.0, 0.2, -0.1, 1.0, 1.0) == [
        *free,
        State.CAUTION,
        State.FROZEN,
        State.PROBATION,
        State.OPEN,
    ]
    assert follow(-10, 0.15, 0.15) == [State.FROZEN, State.PROBATION, State.CAUTION]
    assert follow(-10, 0.15, -0.6) == [State.FROZEN, State.PROBATION, State.FROZEN]


def flips(states: Sequence[bool]) -> int:
    return sum(before != after for before, after in pairwise(states))


def frozen_along(lefts: Sequence[float], every: timedelta) -> tuple[list[bool], list[bool]]:
    """Whether it was frozen at each step: by the gate, and by a plain threshold at zero."""
    memory, positive_since, gate, plain = Memory(State.OPEN, NOW), None, [], []
    for number, left in enumerate(lefts):
        now = NOW + number * every
        positive_since = (positive_since or now) if left > 0 else None
        found = replace(measured(left, at=now), positive_since=positive_since)
        memory = step(memory, [(an_objective(), evidence(found))], GATE, now)
        gate.append(memory.state is State.FROZEN)
        plain.append(left <= 0)
    return gate, plain


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.0005, 0.01))
def test_a_budget_that_trembles_around_zero_flips_the_gate_at_most_twice_in_72_hours(
    seed: int, noise: float
) -> None:
    """Below 10 % left, only 72 quiet hours thaw; a plain threshold flips with every crossing."""
    walk = np.clip(np.cumsum(np.random.default_rng(seed).normal(0, noise, 960)), -0.09, 0.09)
    gate, plain = frozen_along(walk.tolist(), 15 * MINUTE)  # ten days
    assert flips(gate) <= min(flips(plain), 2 * (10 * 24 // 72) + 1)


def test_beside_a_plain_threshold_the_gate_is_calm() -> None:
    """The same noise over 30 days, five times: the plain threshold flips dozens of times, the gate once or twice."""
    calm, nervous = [], []
    for seed in range(5):
        rng = np.random.default_rng(seed)
        walk = 0.01 * np.sin(np.linspace(0, 12, 2_880)) + rng.normal(0, 0.005, 2_880)
        gate, plain = frozen_along(walk.tolist(), 15 * MINUTE)
        calm.append(flips(gate))
        nervous.append(flips(plain))
    assert max(calm) <= 4
    assert min(nervous) >= 100


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6))
def test_a_burn_that_trembles_around_its_threshold_does_not_flap(seed: int) -> None:
    memory, states = Memory(State.OPEN, NOW), []
    for number, burn in enumerate(np.random.default_rng(seed).normal(13.44, 0.5, 300).tolist()):
        now = NOW + number * MINUTE
        found = measured(0.8, total=100e6, at=now, burn={300: 20.0, 3600: burn})
        memory = step(memory, [(an_objective(), evidence(found))], GATE, now)
        states.append(memory.state is State.FROZEN)
    assert flips(states) <= 1


@given(SNAPSHOTS)
def test_equal_snapshots_give_equal_decisions_and_texts(snapshot: Snapshot) -> None:
    decision = decide(snapshot)
    assert decide(replace(snapshot)) == decision
    assert desire(snapshot, decision) == desire(snapshot, decision)


@given(SNAPSHOTS)
def test_what_is_stored_replays_bit_for_bit(snapshot: Snapshot) -> None:
    snapshots, decisions = TypeAdapter(Snapshot), TypeAdapter(Decision)
    decision = decide(snapshot)
    read = snapshots.validate_json(snapshots.dump_json(snapshot))
    assert read == snapshot
    assert snapshots.dump_json(read) == snapshots.dump_json(snapshot)
    again = decide(read)
    assert again == decision == decisions.validate_json(decisions.dump_json(decision))
    assert decisions.dump_json(again) == decisions.dump_json(decision)
    assert desire(read, again) == desire(snapshot, decision)


@given(SNAPSHOTS, st.booleans())
def test_whatever_was_seen_there_is_something_to_say_within_githubs_limits(
    snapshot: Snapshot,
    explained: bool,  # noqa: FBT001 (drawn)
) -> None:
    wanted = desire(snapshot, decide(snapshot), explained=explained)
    assert wanted.check.conclusion in {None, "success", "neutral", "skipped", "failure", "action_required"}
    assert 0 < len(wanted.check.title) <= TITLE_LIMIT
    assert 0 < len(wanted.check.summary.encode()) <= OUTPUT_LIMIT
    assert 0 < len(wanted.check.text.encode()) <= OUTPUT_LIMIT
    assert len(wanted.comment.body.encode()) <= COMMENT_LIMIT
    written = str([(one.service.description, one.files, one.policy_problem) for one in snapshot.services])
    written += str([snapshot.policy_problems, snapshot.refusals, snapshot.requests])  # by people
    for text in (wanted.check.title, wanted.check.summary):
        leaks = [word for word in ("None", "nan", "inf ", "State.", "datetime") if word in text]
        assert all(word in written for word in leaks)


@given(views("checkout"), st.integers(0, 10_000))
def test_between_its_own_passes_a_gate_does_not_move(view: ServiceView, minutes: int) -> None:
    seen = as_of(view, NOW + minutes * MINUTE)
    assert (seen.memory.state, seen.memory.since, seen.memory.told) == (
        view.memory.state,
        view.memory.since,
        view.memory.told,
    )
    if minutes > 15:
        assert {gap.objective for gap in seen.memory.gaps} == {"a", "b"}
        assert seen.memory.unknown_since is not None


def test_a_service_nobody_looked_at_yet_is_open_and_unknown() -> None:
    view = unseen(a_service(), NOW)
    assert view.memory.state is State.OPEN
    assert [gap.doubt for gap in view.memory.gaps] == [Doubt.BACKFILLING]
    first = desire(snapshot := Snapshot(NOW, a_pull(), (view,)), decide(snapshot))
    later = Snapshot(NOW + MINUTE, a_pull(), (unseen(a_service(), NOW + MINUTE),))
    assert desire(later, decide(later)).check.essence == first.check.essence


def test_a_memory_from_before_a_field_was_added_is_read() -> None:
    memory = TypeAdapter(Memory).validate_json('{"state": "frozen", "since": "2026-11-22T12:00:00Z"}')
    assert memory == Memory(State.FROZEN, NOW)


@pytest.mark.parametrize("state", State)
def test_every_reason_and_doubt_has_its_sentence(state: State) -> None:
    for rule in Rule:
        for found in (-1.0, 0.0, 0.3, 20.0):
            reason = Reason(rule, "availability", found, 0.25, 3600)
            view = a_view(state, 0.2, memory={"reasons": (reason,)})
            snapshot = Snapshot(NOW, a_pull(), (view,))
            text = desire(snapshot, decide(snapshot)).check.summary
            assert (f"(`{rule}`)" in text) is (state is not State.OPEN)
    for doubt in Doubt:
        view = a_view(state, 0.2, memory={"gaps": (Gap("availability", doubt),), "unknown_since": NOW})
        snapshot = Snapshot(NOW, a_pull(), (view,))
        assert "is not known at the moment: " in desire(snapshot, decide(snapshot)).check.summary
