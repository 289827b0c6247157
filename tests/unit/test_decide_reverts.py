"""A frozen gate lets a revert pass that is one, and says of any other why it is not."""

from dataclasses import replace
from typing import Any

import pytest

from builders import a_gate, a_service, a_snapshot, a_view
from gatekeeper.decide.desired import desire
from gatekeeper.decide.evaluate import decide
from gatekeeper.decide.snapshot import Revert, ServiceView
from gatekeeper.decide.verdict import State, Verdict, Why
from gatekeeper.policy.revert import FileChange
from gatekeeper.store.snapshots import SNAPSHOT

THERE = (FileChange("app.py", "100644 a", "100644 b"), FileChange("new.py", None, "100644 c"))
HERE = (FileChange("app.py", "100644 b", "100644 a"), FileChange("new.py", "100644 c", None))
REVERT = Revert(9, "main", HERE, THERE)


def gate(state: State = State.FROZEN, *, reverts: bool = True, **rules: Any) -> ServiceView:
    left = {State.FROZEN: -0.3, State.CAUTION: 0.2, State.OPEN: 0.9}[state]
    service = a_service(gate=a_gate(exempt={"reverts": reverts}, **rules))
    return a_view(state, left, service=service)


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        pytest.param(gate(), (Verdict.ALLOW, Why.EXEMPT_REVERT, "#9"), id="a freeze"),
        pytest.param(gate(State.CAUTION), (Verdict.ALLOW, Why.EXEMPT_REVERT, "#9"), id="caution"),
        pytest.param(gate(State.OPEN), (Verdict.ALLOW, Why.OPEN, ""), id="an open gate needs no exemption"),
        pytest.param(
            gate(reverts=False), (Verdict.BLOCK, Why.FROZEN, ""), id="a policy that does not say so"
        ),
    ],
)
def test_a_true_revert_meets(view: ServiceView, expected: tuple[Verdict, Why, str]) -> None:
    (ruling,) = decide(a_snapshot(view, reverts=(REVERT,))).rulings
    assert (ruling.verdict, ruling.why, ruling.detail) == expected
    assert ruling.no_revert == ""


@pytest.mark.parametrize(
    ("one", "why"),
    [
        pytest.param(
            replace(REVERT, here=(*HERE, FileChange("x.py", None, "100644 d"))),
            "it is not the exact inverse of `#9`: `x.py` would not be as before it",
            id="it does more",
        ),
        pytest.param(
            replace(REVERT, here=HERE[:1]),
            "it is not the exact inverse of `#9`: `new.py` would not be as before it",
            id="it does less",
        ),
        pytest.param(
            replace(REVERT, base_ref="release"),
            "`#9` went to another branch, `release`",
            id="what it takes back never was on this branch",
        ),
        pytest.param(
            replace(REVERT, again=True),
            "`#9` took back a change itself, which this would bring in again",
            id="it brings in what was taken back",
        ),
        pytest.param(
            Revert(9, "main", problem="more than 300 files differ"),
            "it cannot be compared with `#9`: more than 300 files differ",
            id="nobody can tell",
        ),
        pytest.param(
            Revert(9, "main"), "neither it nor `#9` changes anything", id="there is nothing to take back"
        ),
    ],
)
def test_it_is_no_revert_as(one: Revert, why: str) -> None:
    snapshot = a_snapshot(gate(), reverts=(one,))
    decision = decide(snapshot)
    (ruling,) = decision.rulings
    assert (ruling.verdict, ruling.why, ruling.no_revert) == (Verdict.BLOCK, Why.FROZEN, why)
    summary = desire(snapshot, decision).check.summary
    assert f"↩️ It says that it takes back a change, but {why}." in summary


def test_of_several_that_it_names_one_is_enough() -> None:
    other = replace(REVERT, number=8, there=THERE[:1])
    (ruling,) = decide(a_snapshot(gate(), reverts=(other, REVERT))).rulings
    assert (ruling.why, ruling.detail) == (Why.EXEMPT_REVERT, "#9")


def test_the_check_says_what_it_takes_back_and_what_else_may_pass() -> None:
    passing, blocked = a_snapshot(gate(), reverts=(REVERT,)), a_snapshot(gate())
    check = desire(passing, decide(passing)).check
    assert check.conclusion == "success"
    assert check.title == "checkout is frozen; this change passes: it takes back #9 and nothing else"
    assert "changes that take back a merged one exactly" in desire(blocked, decide(blocked)).check.summary


def test_what_a_revert_was_judged_by_is_stored_with_the_decision() -> None:
    snapshot = a_snapshot(gate(), reverts=(REVERT, replace(REVERT, number=8, problem="x")))
    assert SNAPSHOT.parse(SNAPSHOT.text(snapshot)) == snapshot
