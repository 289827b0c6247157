"""What a gate says to a deployment into an environment."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import DAY, HOUR, MINUTE, NOW, SHA, a_gate, a_service, a_view, unmeasured
from gatekeeper.availability.deployments import Deployed
from gatekeeper.decide.environment import EnvironmentSnapshot, counted, is_paced, rule_on
from gatekeeper.decide.evaluate import ServiceRuling
from gatekeeper.decide.explain import headline
from gatekeeper.decide.snapshot import Opening, ServiceView
from gatekeeper.decide.verdict import Doubt, Gap, State, Verdict, Why
from gatekeeper.policy.gate import Gate, Mode
from gatekeeper.policy.model import Service

ENVIRONMENTS = {"Production": "enforce", "staging": "free", "canary": "advise"}
PACED = a_gate(caution={"pace": {"deployments": "2/day"}})
GAP = Gap("availability", Doubt.STALE, "the newest data are old")


def service(gate: Gate | None = None) -> Service:
    return Service.model_validate({**dict(a_service(gate=gate)), "environments": ENVIRONMENTS})


def view(state: State, gate: Gate | None = None, **memory: Any) -> ServiceView:
    left = {State.OPEN: 0.9, State.CAUTION: 0.2, State.PROBATION: 0.12, State.FROZEN: -0.3}[state]
    return a_view(state, left, service=service(gate), memory=memory)


def unknown(then: str = "advise", since: timedelta = 2 * HOUR) -> ServiceView:
    memory = {"unknown_since": NOW - since, "gaps": (GAP,)}
    gate = a_gate(unknown={"hold": "1h", "then": then})
    return a_view(State.OPEN, unmeasured(), service=service(gate), memory=memory)


def ruled(one: ServiceView, environment: str, *deployed: datetime) -> ServiceRuling:
    return rule_on(EnvironmentSnapshot(NOW, environment, one, deployed))


@pytest.mark.parametrize(
    ("state", "mode", "environment", "expected"),
    [
        pytest.param("frozen", "enforce", "production", "BLOCK", id="a frozen gate blocks production"),
        pytest.param("frozen", "enforce", "PRODUCTION", "BLOCK", id="names ignore case"),
        pytest.param(
            "frozen", "enforce", "prodution", "BLOCK", id="a name that nobody wrote down opens nothing"
        ),
        pytest.param("frozen", "enforce", "canary", "WARN", id="an advised environment is only warned of"),
        pytest.param("frozen", "enforce", "staging", "ALLOW", id="a free one is free"),
        pytest.param("frozen", "advise", "production", "WARN", id="no environment is stricter than the mode"),
        pytest.param("frozen", "observe", "production", "ALLOW", id="an observer blocks nowhere"),
        pytest.param("frozen", "observe", "canary", "ALLOW", id="and warns nowhere"),
        pytest.param("caution", "enforce", "production", "WARN", id="caution warns"),
        pytest.param("probation", "enforce", "production", "WARN", id="probation warns"),
        pytest.param("open", "enforce", "production", "ALLOW", id="an open gate allows"),
    ],
)
def test_state_mode_and_environment_make_the_verdict(
    state: str, mode: str, environment: str, expected: str
) -> None:
    ruling = ruled(view(State(state), a_gate(mode=mode)), environment)
    assert ruling.effective is Verdict[expected]


@pytest.mark.parametrize(
    ("one", "environment", "expected", "undecided"),
    [
        pytest.param(unknown(since=HOUR / 2), "production", "WARN", True, id="held for a while"),
        pytest.param(unknown(), "production", "WARN", True, id="then advised"),
        pytest.param(unknown("block"), "production", "BLOCK", False, id="or blocked, if the policy says so"),
        pytest.param(unknown("block"), "canary", "WARN", True, id="which an advised environment is told of"),
        pytest.param(unknown("block"), "staging", "ALLOW", False, id="a free one needs no evidence"),
        pytest.param(
            view(State.FROZEN, unknown_since=NOW - DAY, gaps=(GAP,)),
            "production",
            "BLOCK",
            False,
            id="not knowing thaws nothing",
        ),
    ],
)
def test_not_knowing_is_its_own_answer(
    one: ServiceView, environment: str, expected: str, *, undecided: bool
) -> None:
    ruling = ruled(one, environment)
    assert (ruling.effective, ruling.undecided) == (Verdict[expected], undecided)


@pytest.mark.parametrize(
    ("state", "agos", "expected"),
    [
        pytest.param(State.CAUTION, (HOUR,), Why.CAUTION, id="one of two"),
        pytest.param(State.CAUTION, (HOUR, 3 * HOUR), Why.TOO_MANY, id="two of two"),
        pytest.param(State.PROBATION, (HOUR, 3 * HOUR), Why.TOO_MANY, id="in probation too"),
        pytest.param(State.OPEN, (HOUR, 3 * HOUR), Why.OPEN, id="an open gate does not count"),
        pytest.param(State.FROZEN, (HOUR, 3 * HOUR), Why.FROZEN, id="a frozen one need not"),
    ],
)
def test_the_pace_counts_what_was_deployed_there(
    state: State, agos: tuple[timedelta, ...], expected: Why
) -> None:
    one = view(state, PACED)
    ruling = ruled(one, "production", *(NOW - ago for ago in agos))
    assert ruling.why is expected
    assert is_paced(one) is (state in {State.CAUTION, State.PROBATION})
    if expected is Why.TOO_MANY:
        assert ruling.effective is Verdict.BLOCK
        assert ruling.detail == "2026-11-23 09:00 UTC"


STALE_PROBATION: dict[str, Any] = {"unknown_since": NOW - HOUR, "gaps": (GAP,)}


@pytest.mark.parametrize(
    ("one", "ago", "expected"),
    [
        pytest.param(view(State.PROBATION), HOUR - MINUTE, Why.TOO_SOON, id="less than an hour ago"),
        pytest.param(view(State.PROBATION), HOUR, Why.PROBATION, id="an hour ago"),
        pytest.param(view(State.CAUTION), MINUTE, Why.CAUTION, id="caution only warns"),
        pytest.param(
            view(State.PROBATION, **STALE_PROBATION),
            MINUTE,
            Why.TOO_SOON,
            id="a silent source does not end it",
        ),
        pytest.param(
            replace(view(State.PROBATION), opening=Opening("alice", NOW, NOW + HOUR, "an outage")),
            MINUTE,
            Why.PROBATION,
            id="unless somebody opened the service",
        ),
    ],
)
def test_in_probation_deployments_go_one_an_hour(one: ServiceView, ago: timedelta, expected: Why) -> None:
    ruling = ruled(one, "production", NOW - 5 * HOUR, NOW - ago)
    assert ruling.why is expected
    assert (ruling.effective is Verdict.BLOCK) is (expected is Why.TOO_SOON)
    if expected is Why.TOO_SOON:
        turn = "2026-11-22 12:59 UTC" if ago == MINUTE else "2026-11-22 12:01 UTC"
        assert f"one was deployed within the last hour, the next may go from {turn} on" in headline(
            one, ruling
        )


def test_what_was_deployed_is_asked_for_in_probation_whatever_the_pace() -> None:
    states = [State.OPEN, State.CAUTION, State.PROBATION, State.FROZEN]
    assert [state for state in states if is_paced(view(state))] == [State.PROBATION]


def deployed(identity: str, ago: timedelta, sha: str = SHA, environment: str = "production") -> Deployed:
    return Deployed(
        identity,
        "acme/shop",
        environment,
        production=True,
        task="deploy",
        ref="main",
        sha=sha,
        start=NOW - ago,
        url=None,
    )


def test_what_counts_for_the_pace_is_of_the_last_day_of_this_environment_and_no_rollback() -> None:
    one, other = SHA, SHA[::-1]
    known = (
        deployed("1", 2 * DAY, one),
        deployed("2", DAY, other),
        deployed("3", DAY - MINUTE, other),
        deployed("4", 2 * HOUR, one),
        deployed("5", HOUR, other, "Production"),
        deployed("6", MINUTE, environment="staging"),
    )
    assert counted(known, "PRODUCTION", NOW) == (NOW - DAY + MINUTE, NOW - HOUR)


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        pytest.param("production", "checkout is frozen: 30.0 % over its error budget", id="blocked"),
        pytest.param("canary", "checkout is frozen (only advised): 30", id="advised"),
        pytest.param("staging", "checkout is frozen; deployments to staging are free of its gate", id="free"),
    ],
)
def test_one_line_says_why(environment: str, words: str) -> None:
    one = view(State.FROZEN)
    assert headline(one, ruled(one, environment)).startswith(words)


def test_the_mode_that_is_told_is_the_milder_one() -> None:
    assert ruled(view(State.FROZEN), "canary").mode is Mode.ADVISE
    assert ruled(view(State.FROZEN, a_gate(mode="observe")), "canary").mode is Mode.OBSERVE


def test_equal_snapshots_give_equal_rulings() -> None:
    snapshot = EnvironmentSnapshot(NOW, "production", view(State.FROZEN))
    assert rule_on(snapshot) == rule_on(replace(snapshot))


def everywhere(state: State, mode: Mode, *, dark: bool) -> dict[str, Verdict]:
    """The verdicts that count in one state: by what the policy says of the environment, and where it says nothing."""
    memory = {"unknown_since": NOW - HOUR, "gaps": (GAP,)} if dark else {}
    one = view(state, a_gate(mode=mode), **memory)
    names = {"enforce": "production", "advise": "canary", "free": "staging", "nothing": "elsewhere"}
    return {said: ruled(one, name).effective for said, name in names.items()}


@given(st.sampled_from(State), st.sampled_from(Mode), st.booleans())
def test_an_environment_only_makes_it_milder(state: State, mode: Mode, dark: bool) -> None:  # noqa: FBT001 (drawn)
    found = everywhere(state, mode, dark=dark)
    assert found["nothing"] is found["enforce"]
    assert Verdict.ALLOW is found["free"] <= found["advise"] <= found["enforce"]
    assert found["advise"] <= Verdict.WARN
    assert (found["enforce"] is Verdict.BLOCK) is (state is State.FROZEN and mode is Mode.ENFORCE)
