"""The pass over one pull request: nothing lost, nothing doubled, nothing approved because something failed."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from builders import DAY, HOUR, MINUTE, NOW, TEAM, a_gate, a_service, a_view
from databases import opened
from fakes import SHOP, FakeGitHub, Place, head
from gatekeeper.decide.change import described
from gatekeeper.decide.snapshot import Landed, ServiceView
from gatekeeper.decide.verdict import State, Verdict
from gatekeeper.errors import GitHubError, GitHubRefusedError, PermanentError, TemporaryError
from gatekeeper.events.keys import Kind, WorkKey
from gatekeeper.events.ours import REVIEWED
from gatekeeper.events.triggers import Priority
from gatekeeper.github.values import Files
from gatekeeper.store.overrides import WITHDRAWN
from gatekeeper.worker.pull_pass import FAN_OUT

FROZEN = a_view(State.FROZEN, -0.5, expected_end=NOW + DAY)
OPEN = a_view(State.OPEN, 0.9)
RENAMED = a_view(State.FROZEN, -0.5, service=a_service("pay"))
SEARCH = a_service("search", gate=a_gate(override={"teams": [TEAM], "label": "search:override"}))


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with opened(f"sqlite:///{tmp_path}/gatekeeper.db") as database:
        yield Place(database)


@pytest.fixture
def github(place: Place) -> FakeGitHub:
    return place.github


@pytest.fixture
def blocked(place: Place) -> Place:
    """Pull request 1 is blocked: check, label and comment are there."""
    place.put(FROZEN)
    place.github.open(1)
    place.run(1)
    assert place.github.writes == ["create_check", "add_labels", "create_comment"]
    place.github.calls.clear()
    return place


def test_how_near_it_is_to_landing_is_remembered(blocked: Place) -> None:
    """Reviews are read when somebody reviews; a push or a label leaves what is known of them."""
    github, calls = blocked.github, len(blocked.github.calls)
    github.review(1, "APPROVED", "alice")
    blocked.run(1)
    assert "reviews" not in github.calls[calls:]
    blocked.run(1, REVIEWED)
    assert blocked.pulls.touching("acme/checkout") == ((SHOP, 1, Priority.APPROVED),)
    github.change(1, auto_merge=True)
    blocked.run(1)
    assert blocked.pulls.touching("acme/checkout") == ((SHOP, 1, Priority.AUTO_MERGE),)
    github.change(1, auto_merge=False)
    blocked.run(1)
    assert blocked.pulls.touching("acme/checkout") == ((SHOP, 1, Priority.APPROVED),)
    github.review(1, "CHANGES_REQUESTED", "bob")
    blocked.run(1, REVIEWED)
    assert blocked.pulls.touching("acme/checkout") == ((SHOP, 1, Priority.OPEN),)


def test_a_second_pass_writes_nothing(blocked: Place) -> None:
    blocked.run(1)
    assert blocked.github.writes == []
    assert len(blocked.decisions.latest(f"{SHOP}#1")) == 1


@pytest.mark.parametrize("call", ["pull", "files", "create_check", "create_comment"])
def test_a_gate_that_moves_while_a_pull_request_is_first_looked_at_is_not_missed(
    place: Place, call: str
) -> None:
    """Nobody could touch it: it was not on record yet."""
    place.put(FROZEN)
    place.github.open(1)
    place.github.meanwhile[call] = lambda: place.stand(OPEN)
    place.run(1)
    place.settle()
    assert place.github.conclusion() == "success"


@pytest.mark.parametrize("call", ["pull", "files", "create_check"])
def test_nor_while_another_head_is_first_looked_at(blocked: Place, call: str) -> None:
    blocked.github.change(1, head_sha=head("b"))
    blocked.github.meanwhile[call] = lambda: blocked.stand(OPEN)
    blocked.run(1)
    blocked.settle()
    assert blocked.github.conclusion(head("b")) == "success"


# Events and what came with them


@pytest.mark.parametrize(
    "hints",
    [
        pytest.param((), id="by an event"),
        pytest.param((FAN_OUT,), id="by an event that came together with a transition"),
        pytest.param(({"command": "recheck"},), id="by a command"),
    ],
)
def test_a_blocked_pull_request_that_nobody_saw_yet_gets_its_comment(
    place: Place, github: FakeGitHub, hints: tuple[Any, ...]
) -> None:
    place.put(FROZEN)
    github.open(1)
    place.run(1, *hints)
    assert len(github.ours()) == 1


def test_a_transition_alone_writes_no_first_comment(place: Place, github: FakeGitHub) -> None:
    place.put(OPEN)
    github.open(1)
    place.run(1)
    place.stand(FROZEN)
    place.run(1, FAN_OUT)
    assert github.conclusion() == "action_required"
    assert github.ours() == []


def test_when_a_gate_moves_labels_and_comments_keep_no_check_waiting(blocked: Place) -> None:
    github = blocked.github
    blocked.run(1)
    (comment,) = github.ours()
    assert github.labels() == ("slo:frozen",)
    blocked.touched()
    blocked.stand(OPEN)
    assert blocked.run(1, FAN_OUT)["writes"] == ["PutCheck"]
    assert (github.conclusion(), github.labels(), github.ours()) == ("success", ("slo:frozen",), [comment])
    assert blocked.touched() == {f"tidy:{SHOP}#1": []}
    assert "PutCheck" not in blocked.run(WorkKey.tidy(SHOP, 1))["writes"]
    assert github.labels() == ()
    assert github.ours() != [comment]
    assert blocked.run(WorkKey.tidy(SHOP, 1))["writes"] == []
    assert blocked.run(1, FAN_OUT)["writes"] == []
    assert blocked.touched() == {}


def test_what_comes_later_writes_no_first_comment_either(place: Place, github: FakeGitHub) -> None:
    place.put(OPEN)
    github.open(1)
    place.run(1)
    place.stand(FROZEN)
    place.run(1, FAN_OUT)
    place.run(WorkKey.tidy(SHOP, 1))
    assert github.labels() == ("slo:frozen",)
    assert github.ours() == []


def test_a_push_that_came_together_with_a_transition_is_an_event(place: Place, github: FakeGitHub) -> None:
    place.put(OPEN)
    github.open(1)
    place.run(1)
    place.stand(FROZEN)
    github.change(1, head_sha=head("b"))
    github.failing["create_comment"] = GitHubError("502")
    with pytest.raises(GitHubError):
        place.run(1, FAN_OUT)
    place.run(1, FAN_OUT)
    assert len(github.ours()) == 1


@pytest.mark.parametrize(
    ("hint", "kept"),
    [
        pytest.param({"command": "explain", "actor": "dora"}, True, id="what a person asked is asked again"),
        pytest.param({"button": "recheck", "actor": "dora"}, True, id="a button too"),
        pytest.param(None, False, id="a plain event comes back with the repository's pass"),
    ],
)
def test_without_the_policies_nothing_is_decided_and_nothing_forgotten(
    place: Place, github: FakeGitHub, hint: Any, *, kept: bool
) -> None:
    github.open(1)
    hints = [hint] if hint else []
    if kept:
        with pytest.raises(TemporaryError, match="are not read yet"):
            place.run(1, *hints)
    else:
        place.run(1)
    assert github.calls == []
    assert place.touched().keys() == {f"policies:{SHOP}"}


def test_explained_once_is_explained_for_good(blocked: Place) -> None:
    blocked.run(1, {"command": "explain"})
    blocked.stand(a_view(State.FROZEN, -0.7, memory={"since": NOW}))
    blocked.run(1, FAN_OUT)
    (comment,) = blocked.github.ours()
    assert "#### The numbers" in comment


# Closed, moved, gone


def test_a_closed_one_leaves_nothing_behind_and_comes_back_when_reopened(blocked: Place) -> None:
    github = blocked.github
    github.change(1, open=False)
    assert blocked.run(1) == {"verdict": "closed"}
    assert blocked.pulls.touching("acme/checkout") == ()
    assert blocked.pulls.blocked() == {}
    github.change(1, open=True)
    blocked.run(1)
    assert blocked.pulls.blocked() == {"acme/checkout": (f"{SHOP}#1",)}
    assert len(github.checks) == 1


def test_a_merged_one_is_on_record_for_its_services_which_are_looked_at(blocked: Place) -> None:
    blocked.touched()
    blocked.github.change(1, open=False, merged_at=NOW - MINUTE)
    assert blocked.run(1) == {"verdict": "closed"}
    assert blocked.pulls.landed("acme/checkout", NOW - HOUR) == (Landed(SHOP, 1, NOW - MINUTE),)
    assert blocked.touched().keys() == {"service:acme/checkout"}


def test_one_that_was_never_seen_closes_quietly(place: Place) -> None:
    place.put(FROZEN)
    assert place.run(9) == {"verdict": "closed"}
    assert place.touched() == {}


def test_in_a_renamed_repository_it_goes_on_under_the_new_name(blocked: Place) -> None:
    blocked.github.create(SHOP)
    blocked.github.rename(SHOP, "acme/store")
    assert blocked.run(1)["verdict"] == "moved"
    assert blocked.pulls.open(SHOP) == {}
    assert blocked.touched().keys() == {"pull:acme/store#1"}
    assert blocked.github.writes == []


# What GitHub refuses


@pytest.mark.parametrize(
    ("refused", "done"),
    [
        pytest.param("create_check", ["add_labels", "create_comment"], id="no permission for checks"),
        pytest.param("add_labels", ["create_check", "create_comment"], id="no permission for labels"),
        pytest.param("create_comment", ["create_check", "add_labels"], id="a locked conversation"),
    ],
)
def test_what_is_refused_keeps_nothing_else_back_and_is_seen(
    place: Place, github: FakeGitHub, refused: str, done: list[str]
) -> None:
    place.put(FROZEN)
    github.open(1)
    github.refusing[refused] = 403
    with pytest.raises(PermanentError, match=f"{refused}: 403"):
        place.run(1)
    assert [call for call in github.writes if call != refused] == done


def test_once_it_is_allowed_the_sweep_heals_what_was_refused(place: Place, github: FakeGitHub) -> None:
    place.put(FROZEN)
    github.create(SHOP)
    github.open(1)
    github.refusing["create_comment"] = 403
    with pytest.raises(PermanentError):
        place.run(1)
    github.refusing.clear()
    place.run(WorkKey(Kind.REPOSITORY, SHOP))
    assert place.settle() == [f"pull:{SHOP}#1"]
    assert len(github.ours()) == 1


def test_a_failure_stops_at_once_and_the_next_attempt_does_the_rest(place: Place, github: FakeGitHub) -> None:
    place.put(FROZEN)
    github.open(1)
    github.failing["add_labels"] = GitHubError("502")
    with pytest.raises(GitHubError):
        place.run(1)
    assert github.ours() == []
    place.run(1)
    assert (len(github.checks), github.labels(), len(github.ours())) == (1, ("slo:frozen",), 1)


def test_a_comment_deleted_by_hand_is_written_anew_with_the_next_news(blocked: Place) -> None:
    github = blocked.github
    github.said.clear()
    blocked.stand(a_view(State.FROZEN, -0.5, memory={"since": NOW}))
    with pytest.raises(TemporaryError):
        blocked.run(1)
    blocked.run(1)
    assert len(github.ours()) == 1


def test_who_may_override_cannot_be_told_so_it_stays_blocked_with_its_label(blocked: Place) -> None:
    github = blocked.github
    github.label(1, "slo:override", by="alice")
    github.refusing["is_active_member"] = 403
    with pytest.raises(PermanentError, match="who may override cannot be told"):
        blocked.run(1)
    assert github.conclusion() == "action_required"
    assert "slo:override" in github.labels()
    assert blocked.overrides.latest() == ()


def test_an_unentitled_exempting_label_is_taken_off_and_put_on_record_once(
    place: Place, github: FakeGitHub
) -> None:
    place.put(a_view(State.FROZEN, -0.5, service=a_service(gate=a_gate(exempt={"labels": ["reliability"]}))))
    github.open(1)
    github.label(1, "reliability", by="mallory")
    why = "`@mallory` is not an active member of `@acme/sre`"
    for _ in range(3):
        place.run(1)
    assert "reliability" not in github.labels()
    (record,) = place.overrides.latest()
    assert (record.label, record.actor, record.granted, record.why, record.until) == (
        "reliability",
        "mallory",
        False,
        why,
        NOW,
    )
    (comment,) = github.ours()
    assert comment.count(f"The label `reliability` was removed: {why}.") == 1
    github.label(1, "reliability", by="alice")
    place.run(1)
    assert (github.conclusion(), len(place.overrides.latest())) == ("success", 1)
    assert "was removed" not in github.ours()[0]


# Heads


@pytest.mark.parametrize(
    ("stricter", "conclusion"),
    [
        pytest.param(1, "action_required", id="the first is blocked"),
        pytest.param(2, "action_required", id="the second is blocked"),
        pytest.param(None, "success", id="neither is"),
    ],
)
@pytest.mark.parametrize("order", [pytest.param((1, 2), id="1 then 2"), pytest.param((2, 1), id="2 then 1")])
def test_of_two_with_one_head_the_strictest_is_shown_and_then_left_alone(
    place: Place, github: FakeGitHub, stricter: int | None, conclusion: str, order: tuple[int, int]
) -> None:
    place.put(FROZEN)
    for number in (1, 2):
        exempt = number != stricter
        github.open(number, labels=("reliability",) if exempt else ())
    place.put(a_view(State.FROZEN, -0.5, service=a_service(gate=a_gate(exempt={"labels": ["reliability"]}))))
    for number in (*order, *order):
        place.run(number)
    assert github.conclusion() == conclusion
    assert len(github.checks) == 1
    github.calls.clear()
    for number in (*order, *order):
        place.run(number)
    assert github.writes == []


def two_services(place: Place) -> None:
    """Pull requests 1 and 2 have one head; on 1 checkout is frozen, on 2 search."""
    search = a_view(State.FROZEN, -0.2, service=_covering("search", "release"))
    place.put(a_view(State.FROZEN, -0.5, service=_covering("checkout", "main")), search)
    place.github.open(1)
    place.github.open(2, base_ref="release")


def _covering(name: str, branch: str) -> Any:
    change = {"repository": SHOP, "branches": [branch]}
    return type(a_service()).model_validate(a_service(name).model_dump() | {"changes": [change]})


def test_equally_strict_ones_do_not_write_the_check_in_turns(place: Place) -> None:
    two_services(place)
    for number in (1, 2, 1, 2):
        place.run(number)
    place.github.calls.clear()
    for number in (1, 2):
        place.run(number)
    assert place.github.writes == []


@pytest.mark.parametrize(
    "leave",
    [
        pytest.param({"open": False}, id="closed"),
        pytest.param({"head_sha": head("b")}, id="pushed to, perhaps by force"),
    ],
)
def test_whoever_leaves_a_head_leaves_its_check_to_the_others(
    place: Place, github: FakeGitHub, leave: dict[str, Any]
) -> None:
    service = a_service(gate=a_gate(exempt={"labels": ["reliability"]}))
    place.put(a_view(State.FROZEN, -0.5, service=service))
    github.open(1)
    github.open(2, labels=("reliability",))
    place.run(1)
    place.run(2)
    assert github.conclusion() == "action_required"
    github.change(1, **leave)
    place.run(1)
    assert place.settle() == [f"pull:{SHOP}#2"]
    assert github.conclusion(head("a")) == "success"


def test_a_looser_verdict_written_late_does_not_stand(place: Place, github: FakeGitHub) -> None:
    """1 may pass; while that is written again, 2 with the same head is decided anew and blocked."""
    service = a_service(gate=a_gate(exempt={"labels": ["reliability"]}))
    place.put(a_view(State.FROZEN, -0.5, service=service))
    for number in (1, 2):
        github.open(number, labels=("reliability",))
        place.run(number)
    github.unlabel(2, "reliability")
    github.meanwhile["update_check"] = lambda: place.run(2)
    place.run(1, {"command": "recheck"})
    place.settle()
    assert github.conclusion() == "action_required"


def test_a_frozen_worker_that_wakes_up_does_not_have_the_last_word(place: Place, github: FakeGitHub) -> None:
    """Its lease ran out while it wrote; the gate froze meanwhile, and another worker wrote that."""
    place.put(OPEN)
    github.open(1)

    def another() -> None:
        place.stand(FROZEN)
        place.run(1)

    github.meanwhile["create_check"] = another
    place.run(1)
    place.settle()
    assert github.conclusion() == "action_required"


def test_what_was_seen_before_another_workers_pass_is_not_decided_from(
    place: Place, github: FakeGitHub
) -> None:
    """It had read the exempting label when it froze; the label went, and another worker blocked."""
    place.put(a_view(State.FROZEN, -0.5, service=a_service(gate=a_gate(exempt={"labels": ["reliability"]}))))
    github.open(1, labels=("reliability",))

    def another() -> None:
        github.unlabel(1, "reliability")
        place.now += MINUTE
        place.run(1)

    github.meanwhile["check_runs"] = another
    with pytest.raises(TemporaryError, match="another worker"):
        place.run(1)
    assert github.conclusion() == "action_required"
    (stored,) = place.decisions.latest(f"{SHOP}#1")
    known = place.pulls.known(SHOP, 1)
    assert known is not None
    assert stored.id == known.decision, "what never was in force is not on record"


def test_a_push_during_the_pass_leaves_the_new_head_to_its_own_event(blocked: Place) -> None:
    github = blocked.github
    blocked.stand(OPEN)
    github.meanwhile["update_check"] = lambda: github.change(1, head_sha=head("b"))
    blocked.run(1)
    assert {run["sha"] for run in github.checks.values()} == {head("a")}
    github.create(SHOP)
    blocked.run(WorkKey(Kind.REPOSITORY, SHOP))  # should the event be lost
    blocked.settle()
    assert github.conclusion(head("b")) == "success"


# Decisions


def test_a_decision_is_stored_when_something_that_matters_changed_and_only_then(blocked: Place) -> None:
    subject = f"{SHOP}#1"
    blocked.now += MINUTE
    blocked.stand(a_view(State.FROZEN, -0.52))  # the numbers tremble
    blocked.run(1, FAN_OUT)
    assert len(blocked.decisions.latest(subject)) == 1
    for view in (OPEN, FROZEN):
        blocked.now += MINUTE
        blocked.stand(view)
        blocked.run(1, FAN_OUT)
    first, second, third = blocked.decisions.latest(subject)[::-1]
    assert [one.decision.verdict for one in (first, second, third)] == [
        Verdict.BLOCK,
        Verdict.ALLOW,
        Verdict.BLOCK,
    ]
    known = blocked.pulls.known(SHOP, 1)
    assert known is not None
    assert known.decision == third.id


def test_a_refused_override_is_a_decision_of_its_own(blocked: Place) -> None:
    blocked.github.label(1, "slo:override", by="mallory")
    blocked.now += MINUTE
    blocked.run(1)
    newest, _ = blocked.decisions.latest(f"{SHOP}#1")
    assert [one.actor for one in newest.decision.refused] == ["mallory"]


def test_the_same_decision_on_another_head_is_another_one(blocked: Place) -> None:
    blocked.github.change(1, head_sha=head("b"))
    blocked.now += MINUTE
    blocked.run(1)
    stored = blocked.decisions.latest(f"{SHOP}#1")
    assert [described(one.snapshot).sha for one in stored] == [head("b"), head("a")]


# Overrides


def test_an_override_ends_by_itself_and_is_looked_at_once(blocked: Place) -> None:
    github = blocked.github
    github.label(1, "slo:override", by="alice")
    blocked.run(1)
    assert github.conclusion() == "success"
    blocked.now = NOW + 23 * HOUR
    assert blocked.overrides.ended(blocked.now) == ()
    blocked.now = NOW + 24 * HOUR
    blocked.stand(FROZEN)
    assert blocked.overrides.ended(blocked.now) == ((SHOP, 1),)
    blocked.run(1)
    assert github.conclusion() == "action_required"
    assert github.labels() == ("slo:frozen",)
    assert blocked.overrides.ended(blocked.now) == ()


def test_an_override_waits_for_its_reason_where_the_policy_wants_one(
    place: Place, github: FakeGitHub
) -> None:
    gate = a_gate(override={"teams": [TEAM], "reason": "required"})
    place.put(a_view(State.FROZEN, -0.5, service=a_service(gate=gate)))
    github.open(1)
    github.label(1, "slo:override", by="alice")
    place.run(1)
    assert github.conclusion() == "action_required"
    assert "slo:override" in github.labels(), "it waits, it is not refused"
    assert "`@alice` asks to let this change through: it waits for a reason" in github.ours()[0]
    github.say(1, "/gatekeeper override because I can", by="mallory")
    place.run(1)
    assert github.conclusion() == "action_required", "only who put the label there can say why"
    github.say(1, "/gatekeeper override the fix", by="alice")
    place.run(1)
    assert github.conclusion() == "success"
    assert "lets this change through" in github.ours()[0]
    assert [(one.granted, one.reason) for one in place.overrides.of_pull(SHOP, 1)] == [
        (False, None),
        (True, "the fix"),
    ]
    assert place.record.past(SHOP, 1).refusals == ()


@pytest.mark.parametrize(
    "before_the_end",
    [
        pytest.param(lambda place: place.github.change(1, open=False), id="the pull request is merged"),
        pytest.param(lambda place: place.put(), id="the service is deleted"),
        pytest.param(
            lambda place: place.put(a_view(service=a_service(gate=a_gate(mode="observe")))),
            id="the policy only observes by then",
        ),
    ],
)
def test_an_override_that_nobody_rules_on_any_more_is_not_looked_at_for_ever(
    blocked: Place, before_the_end: Callable[[Place], None]
) -> None:
    blocked.github.label(1, "slo:override", by="alice")
    blocked.run(1)
    before_the_end(blocked)
    blocked.run(1)
    blocked.now = NOW + 25 * HOUR
    for pull in blocked.overrides.ended(blocked.now):
        blocked.run(WorkKey.pull(*pull))
    assert blocked.overrides.ended(blocked.now) == ()


def _lasting(name: str, hours: int) -> ServiceView:
    return a_view(
        State.FROZEN,
        -0.5,
        service=a_service(name, gate=a_gate(override={"teams": [TEAM], "lasts": f"{hours}h"})),
    )


def test_of_two_gates_that_one_label_opens_each_shuts_in_its_own_time(
    place: Place, github: FakeGitHub
) -> None:
    place.put(_lasting("checkout", 1), _lasting("search", 24))
    github.open(1)
    github.label(1, "slo:override", by="alice")
    place.run(1)
    assert github.conclusion() == "success"
    place.now = NOW + HOUR
    assert place.overrides.ended(place.now) == ((SHOP, 1),)
    place.stand(_lasting("checkout", 1), _lasting("search", 24))
    place.run(1)
    assert github.conclusion() == "action_required"
    assert "slo:override" in github.labels(), "it still opens the other"
    assert place.overrides.ended(place.now) == ()
    assert place.overrides.of_pull(SHOP, 1)[-1].until == NOW + 24 * HOUR


def test_an_override_that_a_policy_makes_longer_ends_at_its_new_end(blocked: Place) -> None:
    blocked.github.label(1, "slo:override", by="alice")
    blocked.run(1)
    blocked.put(_lasting("checkout", 48))
    blocked.run(1)
    assert blocked.overrides.ended(NOW + 25 * HOUR) == ()
    assert blocked.overrides.ended(NOW + 48 * HOUR) == ((SHOP, 1),)


@pytest.mark.parametrize(
    ("second", "granted"),
    [
        pytest.param("mallory", False, id="by somebody who is not entitled"),
        pytest.param("bob", True, id="by another one who is"),
    ],
)
def test_a_label_applied_again_is_judged_by_who_did_it_last(
    blocked: Place, second: str, *, granted: bool
) -> None:
    github = blocked.github
    github.label(1, "slo:override", by="alice")
    blocked.run(1)
    github.unlabel(1, "slo:override")
    github.label(1, "slo:override", by=second, at=NOW + MINUTE)
    blocked.now = NOW + MINUTE
    blocked.run(1)
    assert (github.conclusion() == "success") is granted
    assert ("slo:override" in github.labels()) is granted
    assert [(one.actor, one.granted) for one in blocked.overrides.of_pull(SHOP, 1)] == [
        ("alice", True),
        (second, granted),
    ]


def test_taking_the_label_off_is_put_on_record_once(blocked: Place) -> None:
    github = blocked.github
    github.label(1, "slo:override", by="alice")
    blocked.run(1)
    github.unlabel(1, "slo:override")
    blocked.run(1)
    blocked.run(1)
    assert github.conclusion() == "action_required"
    assert [one.why for one in blocked.overrides.of_pull(SHOP, 1)] == ["", WITHDRAWN]


def test_leaving_the_team_ends_the_override(blocked: Place) -> None:
    github = blocked.github
    github.label(1, "slo:override", by="alice")
    blocked.run(1)
    github.members["@acme/sre"].discard("alice")
    blocked.run(1)
    assert (github.conclusion(), github.labels()) == ("action_required", ("slo:frozen",))


def test_two_override_labels_open_a_gate_each(place: Place, github: FakeGitHub) -> None:
    place.put(FROZEN, a_view(State.FROZEN, -0.2, service=SEARCH))
    github.open(1)
    github.label(1, "slo:override", by="alice")
    place.run(1)
    assert github.conclusion() == "action_required"
    github.label(1, "Search:Override", by="bob")  # GitHub keeps the case that the label was made with
    place.run(1)
    assert github.conclusion() == "success"
    assert {one.label for one in place.overrides.of_pull(SHOP, 1)} == {"slo:override", "Search:Override"}


def test_a_label_whose_event_is_not_there_yet_is_looked_at_again(blocked: Place) -> None:
    github = blocked.github
    github.create(SHOP)
    github.change(1, labels=("slo:frozen", "slo:override"))
    blocked.run(1)
    assert github.conclusion() == "action_required"
    assert "slo:override" in github.labels()
    github.label(1, "slo:override", by="alice")
    blocked.run(WorkKey(Kind.REPOSITORY, SHOP))
    blocked.settle()
    assert github.conclusion() == "success"


# A service or its policy changes


@pytest.mark.parametrize(
    ("after", "conclusion", "labels"),
    [
        pytest.param((), "skipped", (), id="deleted"),
        pytest.param((RENAMED,), "action_required", ("slo:frozen",), id="renamed"),
        pytest.param((a_view(service=a_service(gate=a_gate(mode="advise"))),), "success", (), id="thawed"),
    ],
)
def test_check_label_and_comment_follow_a_service_that_is(
    blocked: Place, after: tuple[ServiceView, ...], conclusion: str, labels: tuple[str, ...]
) -> None:
    before = blocked.github.ours()
    blocked.put(*after)
    blocked.run(1, FAN_OUT)
    assert blocked.github.conclusion() == conclusion
    assert blocked.github.labels() == labels
    assert len(blocked.github.ours()) == 1
    assert blocked.github.ours() != before


def test_in_token_mode_a_status_stands_for_the_check(tmp_path: Path) -> None:
    with opened(f"sqlite:///{tmp_path}/gatekeeper.db") as database:
        place = Place(database, FakeGitHub(mode="token"))
        place.put(FROZEN)
        place.github.open(1)
        place.run(1)
        place.run(1)
        assert [one["state"] for one in place.github.statuses] == ["failure"]


def test_over_three_thousand_files_touch_every_service_of_the_repository(
    place: Place, github: FakeGitHub
) -> None:
    place.put(FROZEN)
    github.open(1)
    github.changed[SHOP, 1] = Files(("README.md",), complete=False)
    place.run(1)
    assert github.conclusion() == "action_required"
    place.run(1)
    assert github.calls.count("files") == 1


def test_what_github_will_not_show_at_all_decides_nothing(blocked: Place) -> None:
    blocked.github.refusing["pull"] = 403
    with pytest.raises(GitHubRefusedError):
        blocked.run(1)
    assert blocked.pulls.blocked() == {"acme/checkout": (f"{SHOP}#1",)}


def test_the_log_says_what_was_done(place: Place, github: FakeGitHub) -> None:
    place.put(replace(FROZEN, expected_end=None))
    github.open(1)
    done = place.run(1)
    assert (done["verdict"], done["services"]) == ("block", ["acme/checkout"])
    assert done["writes"] == ["PutCheck", "AddLabels", "PutComment"]
    assert place.decisions.find(done["decision"]) is not None
    assert github.checks[min(github.checks)]["details_url"] == f"https://gate/{done['decision']}"
