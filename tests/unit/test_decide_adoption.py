"""Whether a policy's mode has served its time, and what to do next."""

from datetime import datetime, timedelta

import pytest

from builders import DAY, HOUR, NOW, a_gate, a_service, a_view, an_objective, evidence, measured, unmeasured
from gatekeeper.decide.adoption import Trial, advice, course, held_between, known_since, needed, tried
from gatekeeper.decide.backtest.result import Move
from gatekeeper.decide.backtest.waiting import Recorded
from gatekeeper.decide.verdict import Doubt, Gap, State
from gatekeeper.policy.gate import Mode
from gatekeeper.policy.model import Service

GAP = Gap("availability", Doubt.STALE)


def trial(
    mode: str = "observe",
    *,
    days: int = 61,
    measured_for: int | None = 61,
    frozen: tuple[int, ...] = (),
    held: int = 0,
    merged: int = 0,
) -> Trial:
    """A trial of so many days, with freezes of so many hours, and changes that waited."""
    since = NOW - days * DAY
    known = None if measured_for is None else max(since, NOW - measured_for * DAY)
    freezes = tuple((since, since + hours * HOUR) for hours in frozen)
    names = tuple(f"acme/shop#{number}" for number in range(held))
    return Trial(Mode(mode), since, known, NOW, freezes, names, names[:merged])


def service(mode: str = "observe", *, days: int = 28) -> Service:
    return a_service("checkout", an_objective(days=days), gate=a_gate(mode=mode))


@pytest.mark.parametrize(
    ("found", "said"),
    [
        pytest.param(trial(days=12), "not yet: 12 of 60 days in observe", id="observed for twelve days"),
        pytest.param(trial(days=0), "not yet: 0 of 60 days in observe", id="observed since today"),
        pytest.param(
            trial(measured_for=20), "not yet: 20 of 60 days in observe and measured", id="measured later"
        ),
        pytest.param(
            trial(measured_for=None),
            "in observe for 61 days, and not measured now: nothing to go by yet",
            id="silence is no proof",
        ),
        pytest.param(
            trial(days=60),
            "in observe for 60 days with no freeze that would have hurt: consider enforce",
            id="never frozen",
        ),
        pytest.param(
            trial(frozen=(5,)),
            "in observe for 61 days with no freeze that would have hurt: consider enforce",
            id="frozen while nothing was to be merged",
        ),
        pytest.param(
            trial(frozen=(5, 30, 1), held=12),
            "in observe for 61 days; it would have frozen 3 times (1 d 12 h), 12 changes would have waited: "
            "look at the target before enforcing",
            id="frozen three times",
        ),
        pytest.param(
            trial(frozen=(5,), held=1),
            "in observe for 61 days; it would have frozen once (5 h), 1 change would have waited: "
            "look at the target before enforcing",
            id="frozen once",
        ),
        pytest.param(
            trial(held=2),
            "in observe for 61 days; it would never have frozen, and 2 changes would have waited for the pace: "
            "look at the target before enforcing",
            id="slowed down and never frozen",
        ),
        pytest.param(
            trial("advise", days=29), "not yet: 29 of 30 days in advise", id="advised for too short"
        ),
        pytest.param(
            trial("advise", days=30),
            "in advise for 30 days with no freeze that would have hurt: consider enforce",
            id="advised, and never frozen",
        ),
        pytest.param(
            trial("advise", frozen=(5, 5), held=3),
            "in advise for 61 days; it would have frozen twice (10 h), 3 changes would have waited: "
            "people waited all the same: consider enforce",
            id="advised, and heeded",
        ),
        pytest.param(
            trial("advise", frozen=(5, 5), held=3, merged=2),
            "in advise for 61 days; it would have frozen twice (10 h), 3 changes would have waited: "
            "2 of them went on: if that was right, look at the target; if not, consider enforce",
            id="advised, and not heeded",
        ),
        pytest.param(trial("enforce", frozen=(5,), held=3), None, id="enforced: there is no next mode"),
    ],
)
def test_what_comes_next(found: Trial, said: str | None) -> None:
    assert advice(service(found.mode), found) == said


@pytest.mark.parametrize(
    ("mode", "window", "days"),
    [
        pytest.param("observe", 28, 60, id="observe"),
        pytest.param("observe", 90, 90, id="observe, over a window that is longer"),
        pytest.param("advise", 28, 30, id="advise"),
        pytest.param("advise", 45, 45, id="advise, over a window that is longer"),
        pytest.param("enforce", 28, None, id="enforce"),
    ],
)
def test_how_long_a_mode_has_to_stand(mode: str, window: int, days: int | None) -> None:
    assert needed(service(mode, days=window)) == (None if days is None else days * DAY)


SINCE = NOW - 60 * DAY


@pytest.mark.parametrize(
    ("partial", "gaps", "known"),
    [
        pytest.param([None], (), SINCE, id="the whole window"),
        pytest.param([SINCE - DAY], (), SINCE, id="from before the mode on"),
        pytest.param([NOW - 3 * DAY, None], (), NOW - 3 * DAY, id="the youngest ledger counts"),
        pytest.param([None], (GAP,), None, id="not known now"),
    ],
)
def test_since_when_a_service_is_known(
    partial: list[datetime | None], gaps: tuple[Gap, ...], known: datetime | None
) -> None:
    objectives = tuple(evidence(measured(0.9, partial_since=one)) for one in partial)
    assert known_since(a_view(objectives=objectives, memory={"gaps": gaps}), SINCE) == known


def test_a_service_that_was_never_measured_is_not_known() -> None:
    assert known_since(a_view(left=unmeasured()), SINCE) is None


def move(ago: timedelta, before: State, after: State) -> Move:
    return Move(NOW - ago, before, after, ())


FREEZE = (
    move(10 * DAY, State.OPEN, State.FROZEN),
    move(9 * DAY, State.FROZEN, State.PROBATION),
    move(8 * DAY, State.PROBATION, State.OPEN),
)


def pull(
    number: int, since: timedelta, until: timedelta | None, *, merged: bool = True, lines: int = 1
) -> Recorded:
    return Recorded(
        f"acme/shop#{number}",
        "Change",
        NOW - since,
        None if until is None else NOW - until,
        merged and until is not None,
        lines,
        (),
        exempt_paths=number == 9,
    )


@pytest.mark.parametrize(
    ("state", "moves", "pace", "stretch"),
    [
        pytest.param(State.OPEN, (), {}, None, id="always open"),
        pytest.param(State.OPEN, FREEZE, {}, (NOW - 10 * DAY, NOW - 9 * DAY), id="one freeze"),
        pytest.param(
            State.OPEN, FREEZE, {"changed_lines": 400}, (NOW - 10 * DAY, NOW - 8 * DAY), id="and a probation"
        ),
        pytest.param(State.FROZEN, (), {}, (SINCE, NOW), id="frozen before, and still"),
        pytest.param(State.CAUTION, (), {}, None, id="caution without a pace"),
        pytest.param(State.CAUTION, (), {"changed_lines": 400}, (SINCE, NOW), id="caution with one"),
    ],
)
def test_when_anything_can_have_been_held_back(
    state: State, moves: tuple[Move, ...], pace: dict[str, int], stretch: tuple[datetime, datetime] | None
) -> None:
    gate = a_gate(caution={"pace": pace})
    assert held_between(gate, course(state, moves, SINCE, NOW)) == stretch


def test_what_a_freeze_would_have_held_back_is_counted_once() -> None:
    observed = service()
    past = course(State.OPEN, FREEZE, SINCE, NOW)
    pulls = [
        pull(1, 20 * DAY, 15 * DAY),
        pull(2, 12 * DAY, 9 * DAY + HOUR),
        pull(3, 11 * DAY, 2 * DAY),
        pull(4, 11 * DAY, 9 * DAY + HOUR, merged=False),
        pull(5, 3 * DAY, None),
        pull(9, 12 * DAY, 9 * DAY + HOUR),
    ]
    found = tried(observed, a_view(service=observed), past, pulls)
    assert found == Trial(
        Mode.OBSERVE,
        SINCE,
        SINCE,
        NOW,
        ((NOW - 10 * DAY, NOW - 9 * DAY),),
        ("acme/shop#2", "acme/shop#3", "acme/shop#4"),
        ("acme/shop#2",),
    )
    assert found.time_frozen == DAY


def test_a_change_too_large_for_the_pace_counts_as_held_back() -> None:
    gate = a_gate(mode="observe", caution={"pace": {"changed_lines": 400}})
    paced = a_service("checkout", gate=gate)
    past = course(State.CAUTION, (), SINCE, NOW)
    pulls = [pull(1, 5 * DAY, 4 * DAY, lines=401), pull(2, 5 * DAY, 4 * DAY, lines=400)]
    found = tried(paced, a_view(service=paced), past, pulls)
    assert (found.frozen, found.held, found.merged) == ((), ("acme/shop#1",), ("acme/shop#1",))


def test_the_mode_is_that_of_the_policy_in_force_not_of_the_last_pass() -> None:
    before = a_view(service=service("advise"))
    found = tried(service("observe"), before, course(State.OPEN, (), SINCE, NOW), ())
    assert found.mode is Mode.OBSERVE
