from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import HOUR, NOW, TEAM, a_gate, a_request, a_service, a_snapshot, a_view, evidence, unmeasured
from gatekeeper.decide.evaluate import WITHOUT_REASON, Decision, decide
from gatekeeper.decide.snapshot import ServiceView
from gatekeeper.decide.verdict import Doubt, Gap, State, Verdict, Why
from gatekeeper.policy.gate import Gate, Mode

EXEMPTING = a_gate(exempt={"labels": ["reliability", "security"], "paths": ["docs/**"]})
GAP = Gap("availability", Doubt.STALE, "the newest data are old")


def standing(state: State, *, gate: Gate | None = None, name: str = "checkout", **values: Any) -> ServiceView:
    left = {State.OPEN: 0.9, State.CAUTION: 0.2, State.PROBATION: 0.12, State.FROZEN: -0.3}[state]
    return a_view(state, left, service=a_service(name, gate=gate), **values)


def unknown(
    state: State = State.OPEN, *, since: timedelta = HOUR / 2, gate: Gate | None = None
) -> ServiceView:
    memory = {"unknown_since": NOW - since, "gaps": (GAP,)}
    return a_view(state, unmeasured(), service=a_service(gate=gate), memory=memory)


def verdict(view: ServiceView, **values: Any) -> tuple[Verdict, Why]:
    decision = decide(a_snapshot(view, **values))
    (ruling,) = decision.rulings
    assert decision.verdict is ruling.effective
    return ruling.effective, ruling.why


@pytest.mark.parametrize(
    ("state", "mode", "expected"),
    [
        pytest.param(State.OPEN, Mode.ENFORCE, Verdict.ALLOW, id="open allows"),
        pytest.param(State.CAUTION, Mode.ENFORCE, Verdict.WARN, id="caution warns"),
        pytest.param(State.PROBATION, Mode.ENFORCE, Verdict.WARN, id="probation warns"),
        pytest.param(State.FROZEN, Mode.ENFORCE, Verdict.BLOCK, id="frozen blocks"),
        pytest.param(State.CAUTION, Mode.ADVISE, Verdict.WARN, id="caution warns when advising too"),
        pytest.param(State.FROZEN, Mode.ADVISE, Verdict.WARN, id="frozen only warns when advising"),
        pytest.param(State.CAUTION, Mode.OBSERVE, Verdict.ALLOW, id="an observer does not warn"),
        pytest.param(State.FROZEN, Mode.OBSERVE, Verdict.ALLOW, id="an observer does not block"),
    ],
)
def test_state_and_mode_make_the_verdict(state: State, mode: Mode, expected: Verdict) -> None:
    assert verdict(standing(state, gate=a_gate(mode=mode)))[0] is expected


def test_what_the_gate_says_is_kept_beside_what_the_mode_makes_of_it() -> None:
    (ruling,) = decide(a_snapshot(standing(State.FROZEN, gate=a_gate(mode="observe")))).rulings
    assert (ruling.verdict, ruling.effective) == (Verdict.BLOCK, Verdict.ALLOW)


@pytest.mark.parametrize(
    ("state", "labels", "expected"),
    [
        pytest.param(
            State.FROZEN, ("reliability",), Why.EXEMPT_LABEL, id="an exempting label passes a freeze"
        ),
        pytest.param(State.CAUTION, ("security",), Why.EXEMPT_LABEL, id="and a caution"),
        pytest.param(State.FROZEN, ("Security",), Why.EXEMPT_LABEL, id="labels are one, whatever their case"),
        pytest.param(State.FROZEN, ("feature",), Why.FROZEN, id="another label does not"),
        pytest.param(State.OPEN, ("security",), Why.OPEN, id="an open gate needs no exemption"),
    ],
)
def test_exempt_by_label(state: State, labels: tuple[str, ...], expected: Why) -> None:
    assert verdict(standing(state, gate=EXEMPTING), labels=labels)[1] is expected


@pytest.mark.parametrize(
    ("all_exempt", "expected"),
    [
        pytest.param(True, (Verdict.ALLOW, Why.EXEMPT_PATHS), id="nothing but exempt paths pass"),
        pytest.param(False, (Verdict.BLOCK, Why.FROZEN), id="anything else waits"),
    ],
)
def test_exempt_by_paths(all_exempt: bool, expected: tuple[Verdict, Why]) -> None:  # noqa: FBT001 (a table)
    assert verdict(standing(State.FROZEN, gate=EXEMPTING, all_exempt=all_exempt)) == expected


THEN_BLOCK = a_gate(unknown={"hold": "1h", "then": "block"})


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        pytest.param(unknown(), (Verdict.WARN, Why.UNKNOWN_HELD), id="not knowing makes open a warning"),
        pytest.param(
            unknown(State.CAUTION), (Verdict.WARN, Why.UNKNOWN_HELD), id="and leaves caution a warning"
        ),
        pytest.param(unknown(State.PROBATION), (Verdict.WARN, Why.UNKNOWN_HELD), id="and probation too"),
        pytest.param(unknown(since=HOUR), (Verdict.WARN, Why.UNKNOWN_ADVISE), id="after the hold it advises"),
        pytest.param(
            unknown(since=HOUR - timedelta(seconds=1), gate=THEN_BLOCK),
            (Verdict.WARN, Why.UNKNOWN_HELD),
            id="until the hold is over nothing waits",
        ),
        pytest.param(
            unknown(since=HOUR, gate=THEN_BLOCK),
            (Verdict.BLOCK, Why.UNKNOWN_BLOCK),
            id="after it changes wait, where the policy says so",
        ),
        pytest.param(
            unknown(State.FROZEN), (Verdict.BLOCK, Why.FROZEN), id="a freeze is held without evidence"
        ),
        pytest.param(
            unknown(State.FROZEN, since=1000 * HOUR), (Verdict.BLOCK, Why.FROZEN), id="however long it takes"
        ),
    ],
)
def test_not_knowing_is_its_own_answer(view: ServiceView, expected: tuple[Verdict, Why]) -> None:
    assert verdict(view) == expected


@pytest.mark.parametrize(
    ("request_", "objection"),
    [
        pytest.param({"teams": ()}, "`@alice` is not an active member of `@acme/sre`", id="not in the team"),
        pytest.param(
            {"teams": ("@acme/pay",)}, "`@alice` is not an active member of `@acme/sre`", id="in another team"
        ),
        pytest.param({"human": False}, "`@alice` is a bot, and only people can override", id="a bot"),
        pytest.param(
            {"labeled_at": NOW - 24 * HOUR},
            "the override of `@alice` ended at 2026-11-22 12:00 UTC",
            id="a day ago",
        ),
        pytest.param(
            {"actor": "", "teams": ()},
            "whoever applied it is not an active member of `@acme/sre`",
            id="nobody knows who",
        ),
    ],
)
def test_a_request_of_somebody_not_entitled_is_refused(request_: dict[str, Any], objection: str) -> None:
    decision = decide(a_snapshot(standing(State.FROZEN), requests=(a_request(**request_),)))
    assert decision.verdict is Verdict.BLOCK
    assert [(one.label, one.granted, one.why) for one in decision.refused] == [
        ("slo:override", False, objection)
    ]
    assert decision.granted == ()


def test_an_override_lets_one_change_through_until_it_ends() -> None:
    decision = decide(a_snapshot(standing(State.FROZEN), requests=(a_request(reason="hotfix"),)))
    (ruling,) = decision.rulings
    assert (decision.verdict, ruling.why, decision.refused) == (Verdict.ALLOW, Why.OVERRIDDEN, ())
    assert ruling.override is not None
    assert (ruling.override.actor, ruling.override.until, ruling.override.reason) == (
        "alice",
        NOW + 23 * HOUR,
        "hotfix",
    )
    assert decision.granted == (ruling.override,)


def test_the_label_is_one_whatever_its_case() -> None:
    snapshot = a_snapshot(standing(State.FROZEN), requests=(a_request(label="SLO:Override"),))
    assert decide(snapshot).verdict is Verdict.ALLOW


def test_an_override_also_passes_a_gate_that_blocks_because_nothing_is_known() -> None:
    view = unknown(since=2 * HOUR, gate=THEN_BLOCK)
    assert decide(a_snapshot(view, requests=(a_request(),))).verdict is Verdict.ALLOW


def test_without_a_team_nobody_overrides() -> None:
    nobody = standing(State.FROZEN, gate=Gate(mode=Mode.ENFORCE))
    (refused,) = decide(a_snapshot(nobody, requests=(a_request(),))).refused
    assert refused.why == "the policy names no team that may override"


def test_a_gate_that_only_observes_judges_nobody() -> None:
    decision = decide(
        a_snapshot(standing(State.FROZEN, gate=a_gate(mode="observe")), requests=(a_request(teams=()),))
    )
    assert (decision.refused, decision.granted) == ((), ())


def test_a_refusal_is_told_even_where_nothing_is_blocked() -> None:
    decision = decide(a_snapshot(standing(State.OPEN), requests=(a_request(teams=()),)))
    assert (decision.verdict, len(decision.refused)) == (Verdict.ALLOW, 1)


def test_an_override_counts_only_for_the_services_of_the_team() -> None:
    other = a_gate(override={"teams": ["@acme/pay"]})
    views = (standing(State.FROZEN), standing(State.FROZEN, gate=other, name="payments"))
    decision = decide(a_snapshot(*views, requests=(a_request(),)))
    assert decision.refused == ()  # a label cannot be half removed
    assert [(one.service, one.effective, one.denied) for one in decision.rulings] == [
        ("acme/payments", Verdict.BLOCK, "`@alice` is not an active member of `@acme/pay`"),
        ("acme/checkout", Verdict.ALLOW, ""),
    ]


def test_refused_by_every_service_all_objections_are_told() -> None:
    other = a_gate(override={"teams": ["@acme/pay"]})
    views = (standing(State.FROZEN), standing(State.FROZEN, gate=other, name="payments"))
    (refused,) = decide(a_snapshot(*views, requests=(a_request(teams=()),))).refused
    assert refused.why == (
        "`@alice` is not an active member of `@acme/pay`; `@alice` is not an active member of `@acme/sre`"
    )


def test_labels_of_different_services_are_judged_apart() -> None:
    hotfix = a_gate(override={"teams": [TEAM], "label": "hotfix"})
    views = (standing(State.FROZEN), standing(State.FROZEN, gate=hotfix, name="payments"))
    decision = decide(a_snapshot(*views, requests=(a_request(), a_request(label="hotfix", teams=()))))
    assert [one.label for one in decision.granted] == ["slo:override"]
    assert [one.label for one in decision.refused] == ["hotfix"]


WANTS_A_REASON = a_gate(override={"teams": [TEAM], "reason": "required"})


def test_where_a_reason_is_required_the_label_waits_for_it() -> None:
    view = standing(State.FROZEN, gate=WANTS_A_REASON)
    decision = decide(a_snapshot(view, requests=(a_request(),)))
    (ruling,) = decision.rulings
    assert (decision.verdict, ruling.why, ruling.override) == (Verdict.BLOCK, Why.FROZEN, None)
    assert (decision.granted, decision.refused) == ((), ())  # a refused label would be taken off
    assert decision.waiting == (ruling.awaiting,)
    assert [(one.actor, one.granted, one.why) for one in decision.waiting] == [
        ("alice", False, WITHOUT_REASON)
    ]


def test_with_its_reason_it_opens_the_gate() -> None:
    view = standing(State.FROZEN, gate=WANTS_A_REASON)
    decision = decide(a_snapshot(view, requests=(a_request(reason="the fix"),)))
    (ruling,) = decision.rulings
    assert (decision.verdict, ruling.why, decision.waiting) == (Verdict.ALLOW, Why.OVERRIDDEN, ())
    assert [one.reason for one in decision.granted] == ["the fix"]


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param({"teams": ()}, id="somebody not entitled"),
        pytest.param({"human": False}, id="a bot"),
        pytest.param({"labeled_at": NOW - 24 * HOUR}, id="an override that is over"),
    ],
)
def test_who_may_not_override_is_refused_and_not_asked_for_a_reason(request_: dict[str, Any]) -> None:
    view = standing(State.FROZEN, gate=WANTS_A_REASON)
    decision = decide(a_snapshot(view, requests=(a_request(**request_),)))
    assert (len(decision.refused), decision.waiting) == (1, ())


def test_of_two_services_only_the_one_that_wants_a_reason_waits_for_it() -> None:
    views = (standing(State.FROZEN), standing(State.FROZEN, gate=WANTS_A_REASON, name="payments"))
    decision = decide(a_snapshot(*views, requests=(a_request(),)))
    assert [(one.service, one.effective, one.awaiting is not None) for one in decision.rulings] == [
        ("acme/payments", Verdict.BLOCK, True),
        ("acme/checkout", Verdict.ALLOW, False),
    ]
    assert (len(decision.granted), decision.refused, decision.waiting) == (1, (), ())


def test_a_label_that_waits_for_one_service_is_not_taken_off_for_another() -> None:
    theirs = a_gate(override={"teams": ["@acme/pay"]})
    views = (
        standing(State.FROZEN, gate=theirs),
        standing(State.FROZEN, gate=WANTS_A_REASON, name="payments"),
    )
    decision = decide(a_snapshot(*views, requests=(a_request(),)))
    assert (decision.granted, decision.refused, len(decision.waiting)) == ((), (), 1)


def test_the_strictest_service_decides_and_comes_first() -> None:
    views = [
        standing(State.OPEN, name="a"),
        standing(State.FROZEN, name="c"),
        standing(State.CAUTION, name="b"),
        standing(State.FROZEN, name="d", gate=a_gate(mode="observe")),
    ]
    decision = decide(a_snapshot(*views))
    assert decision.verdict is Verdict.BLOCK
    assert [one.service for one in decision.rulings] == ["acme/c", "acme/b", "acme/d", "acme/a"]


def test_a_change_that_touches_nothing_is_allowed() -> None:
    assert decide(a_snapshot()) == Decision(Verdict.ALLOW, ())


@given(st.permutations(["a", "b", "c", "d"]), st.lists(st.sampled_from(State), min_size=4, max_size=4))
def test_the_order_in_which_services_are_seen_changes_nothing(names: list[str], states: list[State]) -> None:
    views = [standing(state, name=name) for name, state in zip("abcd", states, strict=True)]
    shuffled = sorted(views, key=lambda view: names.index(view.service.name))
    assert decide(a_snapshot(*views)) == decide(a_snapshot(*shuffled))


def test_evidence_itself_decides_nothing_here_only_the_gate_does() -> None:
    view = replace(standing(State.OPEN), objectives=(evidence(-5.0),))
    assert verdict(view) == (Verdict.ALLOW, Why.OPEN)
