"""A merge group is as strict as the strictest of its pull requests, each judged as it would land."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from builders import NOW, SHA, a_gate, a_pull, a_request, a_service, a_snapshot, a_view
from gatekeeper.decide.desired import OUTPUT_LIMIT, TITLE_LIMIT, Check
from gatekeeper.decide.evaluate import decide
from gatekeeper.decide.group import group_check, judge_members, policy_group_check
from gatekeeper.decide.verdict import State, Verdict, Why

if TYPE_CHECKING:
    from gatekeeper.decide.snapshot import Pull, ServiceView, Snapshot

FROZEN, OPEN = a_view(State.FROZEN, -0.5), a_view(State.OPEN, 0.9, service=a_service("search"))


def numbered(number: int, *views: ServiceView, **values: object) -> Snapshot:
    pull: Pull = replace(a_pull(), number=number)
    return replace(a_snapshot(*views), pull=pull, **values)  # type: ignore[arg-type] # fields of a snapshot


def checked(*snapshots: Snapshot) -> Check:
    return group_check(judge_members(snapshots))


@pytest.mark.parametrize(
    ("snapshots", "conclusion", "title"),
    [
        pytest.param([numbered(1, OPEN)], "success", "search is open", id="nothing stands in the way"),
        pytest.param([numbered(1, FROZEN)], "failure", "#1: checkout is frozen", id="alone and frozen"),
        pytest.param(
            [numbered(1, OPEN), numbered(2, FROZEN)],
            "failure",
            "#2: checkout is frozen",
            id="the last is frozen",
        ),
        pytest.param(
            [numbered(1, FROZEN), numbered(2, OPEN)],
            "failure",
            "#1: checkout is frozen",
            id="the first is frozen",
        ),
        pytest.param(
            [numbered(1, FROZEN, requests=(a_request(),)), numbered(2, OPEN)],
            "success",
            "let through by @alice",
            id="the frozen one has an override",
        ),
        pytest.param([numbered(1)], "skipped", "No service is touched", id="no service is touched"),
        pytest.param(
            [numbered(1), numbered(2, OPEN)], "success", "search is open", id="one touches a service"
        ),
    ],
)
def test_the_strictest_decides(snapshots: list[Snapshot], conclusion: str, title: str) -> None:
    check = checked(*snapshots)
    assert check.conclusion == conclusion
    assert title in check.title


def test_nobody_is_waited_for_in_a_queue() -> None:
    """Where somebody may override, a pull request is told so by ``action_required``, which fails a group for good."""
    alone = numbered(1, FROZEN)
    assert decide(alone).verdict is Verdict.BLOCK
    assert checked(alone).conclusion == "failure"


def test_each_has_a_line_and_what_to_do_is_said() -> None:
    check = checked(numbered(1, OPEN), numbered(2, FROZEN))
    assert "| #1 | 🟢 may land | search is open" in check.summary
    assert "| #2 | 🔴 blocked | checkout is frozen" in check.summary
    assert "Take the blocked ones out of the queue" in check.summary


def test_those_ahead_count_for_the_pace() -> None:
    gate = a_gate(caution={"below": "25%", "pace": {"deployments": "2/day"}})
    paced = a_view(State.CAUTION, 0.2, service=a_service(gate=gate))
    members = judge_members([numbered(number, paced) for number in (1, 2, 3)])
    assert [one.decision.rulings[0].why for one in members] == [Why.CAUTION, Why.CAUTION, Why.TOO_MANY]
    assert group_check(members).title.startswith("#3: ")


def test_those_ahead_of_other_services_do_not() -> None:
    gate = a_gate(caution={"below": "25%", "pace": {"deployments": "1/day"}})
    paced = a_view(State.CAUTION, 0.2, service=a_service(gate=gate))
    members = judge_members([numbered(1, OPEN), numbered(2, paced)])
    assert members[1].decision.rulings[0].why is Why.CAUTION


def test_it_is_written_anew_only_when_somebody_in_it_has_changed() -> None:
    essences = {
        checked(*snapshots).essence
        for snapshots in (
            [numbered(1, OPEN), numbered(2, OPEN)],
            [numbered(1, OPEN), numbered(3, OPEN)],
            [numbered(1, OPEN), numbered(2, FROZEN)],
        )
    }
    assert len(essences) == 3
    again = [replace(one, now=NOW.replace(year=2027)) for one in (numbered(1, OPEN), numbered(2, OPEN))]
    assert checked(*again).essence in essences


def test_a_hundred_fit() -> None:
    views = [a_view(State.FROZEN, -0.5, service=a_service(f"service-{number}" * 5)) for number in range(30)]
    check = checked(*(numbered(number, *views) for number in range(1, 101)))
    assert len(check.title) <= TITLE_LIMIT
    assert len(check.summary.encode()) <= OUTPUT_LIMIT


FINE = Check("success", "Nothing changes", "", "", "a", Verdict.ALLOW)
BROKEN = Check("failure", "1 mistake in policies/a.yaml", "Where:", "", "d", Verdict.BLOCK)
LACKING = Check("action_required", "An owner has to agree", "Who may:", "", "b", Verdict.BLOCK)
LOOKING = Check(None, "Looking", "", "", "c", Verdict.WARN)


@pytest.mark.parametrize(
    ("checks", "conclusion", "title"),
    [
        pytest.param([(1, FINE), (2, FINE)], "success", "The policy files are fine", id="all are fine"),
        pytest.param(
            [(1, FINE), (2, LACKING)], "failure", "#2: An owner has to agree", id="one lacks consent"
        ),
        pytest.param([(1, BROKEN), (2, FINE)], "failure", "#1: 1 mistake", id="one has a mistake"),
        pytest.param([(1, FINE), (2, None)], None, "Looking at policy files", id="one was not looked at yet"),
        pytest.param([(1, LOOKING)], None, "Looking at policy files", id="one is being looked at"),
        pytest.param(
            [(1, None), (2, LACKING)], "failure", "#2: An owner", id="what is known to fail does not wait"
        ),
    ],
)
def test_policy_files(checks: list[tuple[int, Check | None]], conclusion: str | None, title: str) -> None:
    check = policy_group_check(checks)
    assert check.conclusion == conclusion
    assert check.title.startswith(title)


def test_the_decision_on_a_member_is_one_like_any_other() -> None:
    (member,) = judge_members([numbered(1, FROZEN)])
    assert member.snapshot.pull.head_sha == SHA
    assert decide(member.snapshot) == member.decision
