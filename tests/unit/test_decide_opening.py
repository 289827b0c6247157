"""The override of a whole service: who may open and close it, and what passes meanwhile."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from builders import DAY, HOUR, MINUTE, NOW, TEAM, a_gate, a_pull, a_service, a_view
from gatekeeper.decide.desired import desire
from gatekeeper.decide.environment import EnvironmentSnapshot, rule_on
from gatekeeper.decide.evaluate import decide
from gatekeeper.decide.opening import OpeningRequest, rule_on_opening
from gatekeeper.decide.snapshot import Opening, ServiceView, Snapshot
from gatekeeper.decide.verdict import State, Verdict, Why

RULES: dict[str, Any] = {"mode": "enforce", "override": {"teams": [TEAM], "lasts": "4h"}}
CHECKOUT = a_service("checkout", gate=a_gate(**RULES))
OPENED = Opening("alice", NOW - HOUR, NOW + 3 * HOUR, "the payment provider is down")
ASKED = OpeningRequest("checkout", CHECKOUT, "alice", NOW - MINUTE, (TEAM,), "the provider is down")


def of_gate(**changes: Any) -> OpeningRequest:
    return replace(ASKED, service=a_service("checkout", gate=a_gate(**{**RULES, **changes})))


@pytest.mark.parametrize(
    ("request_", "opening", "why"),
    [
        pytest.param(ASKED, None, "", id="an active member opens it"),
        pytest.param(ASKED, OPENED, "", id="or opens it anew"),
        pytest.param(replace(ASKED, teams=()), None, "not an active member of", id="nobody else does"),
        pytest.param(
            replace(ASKED, reason=None), None, "it wants a reason", id="without a reason nobody does"
        ),
        pytest.param(
            of_gate(override={"teams": []}), None, "names no team", id="a policy that lets nobody override"
        ),
        pytest.param(of_gate(mode="observe"), None, "only observes", id="a gate that holds nothing"),
        pytest.param(
            replace(ASKED, service=None, name="chekout"), None, "no service `chekout`", id="another name"
        ),
        pytest.param(replace(ASKED, service=None, name=""), None, "names no service", id="no name"),
        pytest.param(replace(ASKED, at=NOW - 5 * HOUR), None, "ended at", id="a command from long ago"),
        pytest.param(replace(ASKED, closes=True), OPENED, "", id="an active member closes it"),
        pytest.param(replace(ASKED, closes=True, teams=()), OPENED, "", id="who opened it closes it"),
        pytest.param(
            replace(ASKED, closes=True, teams=(), actor="eve"),
            OPENED,
            "not an active member",
            id="nobody else",
        ),
        pytest.param(
            replace(ASKED, closes=True), None, "not open to every change", id="what is not open stays so"
        ),
    ],
)
def test_who_may_open_and_close(request_: OpeningRequest, opening: Opening | None, why: str) -> None:
    ruling = rule_on_opening(request_, opening, NOW)
    assert why in ruling.why
    assert ruling.granted is (not why)


def test_it_holds_for_as_long_as_the_policy_lets_an_override_last() -> None:
    assert rule_on_opening(ASKED, None, NOW).until == ASKED.at + 4 * HOUR


def frozen(opening: Opening | None = OPENED, **changes: Any) -> ServiceView:
    service = a_service("checkout", gate=a_gate(**{**RULES, **changes}))
    return replace(a_view(State.FROZEN, -0.5, service=service, expected_end=NOW + DAY), opening=opening)


FOUR_EYES: dict[str, Any] = {"override": {"teams": [TEAM], "lasts": "4h", "by_author": False}}


@pytest.mark.parametrize(
    ("view", "author", "verdict"),
    [
        pytest.param(frozen(), "dora", Verdict.ALLOW, id="every change passes"),
        pytest.param(frozen(None), "dora", Verdict.BLOCK, id="of one that nobody opened none does"),
        pytest.param(
            frozen(replace(OPENED, until=NOW)), "dora", Verdict.BLOCK, id="and none once it is over"
        ),
        pytest.param(frozen(), "alice", Verdict.ALLOW, id="also that of who opened it"),
        pytest.param(
            frozen(**FOUR_EYES), "alice", Verdict.BLOCK, id="unless the policy wants somebody else for that"
        ),
        pytest.param(frozen(**FOUR_EYES), "dora", Verdict.ALLOW, id="which others' are"),
    ],
)
def test_while_it_is_open(view: ServiceView, author: str, verdict: Verdict) -> None:
    decision = decide(Snapshot(NOW, replace(a_pull(), author=author), (view,)))
    assert decision.verdict is verdict


def test_deployments_pass_too() -> None:
    ruling = rule_on(EnvironmentSnapshot(NOW, "production", frozen()))
    assert (ruling.verdict, ruling.why) == (Verdict.ALLOW, Why.OPENED)
    assert rule_on(EnvironmentSnapshot(NOW, "production", frozen(None))).verdict is Verdict.BLOCK


def test_an_open_gate_needs_no_opening() -> None:
    view = replace(a_view(State.OPEN, 0.9, service=CHECKOUT), opening=OPENED)
    (ruling,) = decide(Snapshot(NOW, a_pull(), (view,))).rulings
    assert ruling.why is Why.OPEN


def test_the_check_says_who_opened_it_until_when_and_why() -> None:
    snapshot = Snapshot(NOW, a_pull(), (frozen(),))
    check = desire(snapshot, decide(snapshot), explained=False).check
    assert check.conclusion == "success"
    assert "open to every change until" in check.title
    assert "@alice" in check.title
    assert "`the payment provider is down`" in check.summary
    assert "`/gatekeeper close checkout` ends that" in check.summary
