"""Exempting labels count from the hand of those who may let changes through, and from nobody else's."""

from dataclasses import replace
from typing import Any

import pytest

from builders import NOW, TEAM, a_gate, a_pull, a_request, a_service, a_snapshot, a_view, an_exempt_label
from gatekeeper.decide.desired import desire
from gatekeeper.decide.evaluate import Decision, decide
from gatekeeper.decide.exemptions import LabelRuling, on_trust
from gatekeeper.decide.snapshot import ExemptLabel, Refusal, ServiceView, Snapshot
from gatekeeper.decide.verdict import State, Verdict, Why

NOT_ACTIVE = "`@mallory` is not an active member of `@acme/sre`"


def exempting(name: str = "checkout", state: State = State.FROZEN, **rules: Any) -> ServiceView:
    gate = a_gate(**({"exempt": {"labels": ["security"]}} | rules))
    return a_view(state, -0.3 if state is State.FROZEN else 0.9, service=a_service(name, gate=gate))


NO_TEAM = exempting(override={"teams": []})


def by_mallory(**values: Any) -> ExemptLabel:
    return an_exempt_label("security", **({"actor": "mallory", "teams": ()} | values))


def judged(one: ExemptLabel, *views: ServiceView, **values: Any) -> Decision:
    return decide(a_snapshot(*(views or (exempting(),)), exempting=(one,), **values))


@pytest.mark.parametrize(
    ("view", "one"),
    [
        pytest.param(exempting(), an_exempt_label("security"), id="by a member of the team"),
        pytest.param(exempting(), an_exempt_label("SECURITY"), id="whatever its case"),
        pytest.param(
            exempting(override={"teams": [TEAM, "@acme/leads"]}),
            an_exempt_label("security", teams=("@acme/leads",)),
            id="by a member of any of the teams",
        ),
        pytest.param(NO_TEAM, by_mallory(writes=True), id="by a writer, where no team is named"),
    ],
)
def test_an_entitled_persons_label_exempts(view: ServiceView, one: ExemptLabel) -> None:
    decision = judged(one, view)
    (ruling,) = decision.rulings
    assert (ruling.verdict, ruling.why, ruling.by) == (Verdict.ALLOW, Why.EXEMPT_LABEL, one.actor)
    assert decision.unentitled == ()


@pytest.mark.parametrize(
    ("view", "one", "why"),
    [
        pytest.param(exempting(), by_mallory(), NOT_ACTIVE, id="of nobody's team"),
        pytest.param(exempting(), by_mallory(teams=("@acme/devs",)), NOT_ACTIVE, id="of another team"),
        pytest.param(
            exempting(),
            by_mallory(writes=True),
            NOT_ACTIVE,
            id="who may write, where a team is named",
        ),
        pytest.param(
            exempting(),
            by_mallory(human=False, teams=(TEAM,)),
            "`@mallory` is a bot, and only people can say what kind of change this is",
            id="that is a bot",
        ),
        pytest.param(
            exempting(),
            by_mallory(actor=""),
            "whoever applied it is not an active member of `@acme/sre`",
            id="that GitHub does not tell",
        ),
        pytest.param(
            NO_TEAM,
            by_mallory(),
            "`@mallory` may not write to this repository",
            id="who may only triage, where no team is named",
        ),
    ],
)
def test_a_label_by_somebody(view: ServiceView, one: ExemptLabel, why: str) -> None:
    decision = judged(one, view)
    (ruling,) = decision.rulings
    assert (ruling.verdict, ruling.why) == (Verdict.BLOCK, Why.FROZEN)
    assert decision.unentitled == (LabelRuling("security", one.actor, counts=False, why=why),)


def test_a_label_that_nobody_stands_behind_yet_neither_exempts_nor_is_refused() -> None:
    decision = decide(a_snapshot(exempting(), labels=("security",), exempting=()))
    assert (decision.verdict, decision.unentitled) == (Verdict.BLOCK, ())


def test_one_that_was_taken_off_exempts_nothing() -> None:
    decision = judged(an_exempt_label("security"), pull=a_pull())
    assert (decision.verdict, decision.unentitled) == (Verdict.BLOCK, ())


@pytest.mark.parametrize(
    "view",
    [
        pytest.param(exempting(state=State.OPEN), id="where the gate is open"),
        pytest.param(exempting(mode="observe"), id="where the policy only observes"),
        pytest.param(exempting(exempt={"labels": ["reliability"]}), id="where it exempts nothing"),
    ],
)
def test_nobody_is_sent_away(view: ServiceView) -> None:
    assert judged(by_mallory(), view).unentitled == ()


def test_what_is_only_observed_would_have_waited_for_all_that() -> None:
    (ruling,) = judged(by_mallory(), exempting(mode="observe")).rulings
    assert ruling.verdict is Verdict.BLOCK


def test_a_label_that_counts_for_one_service_stays_on_and_the_other_says_why_it_does_not() -> None:
    search = exempting("search", override={"teams": ["@acme/search"]})
    snapshot = a_snapshot(exempting(), search, exempting=(by_mallory(teams=(TEAM,)),))
    decision = decide(snapshot)
    whys = {ruling.service: (ruling.why, ruling.unentitled) for ruling in decision.rulings}
    assert whys == {
        "acme/checkout": (Why.EXEMPT_LABEL, ""),
        "acme/search": (Why.FROZEN, "`@mallory` is not an active member of `@acme/search`"),
    }
    desired = desire(snapshot, decision)
    assert desired.strip == frozenset()
    assert "does not exempt it from the gate of search: `@mallory`" in desired.check.summary


def test_a_label_that_is_one_services_override_is_not_removed_as_the_others_exemption() -> None:
    search = exempting("search", override={"teams": [TEAM], "label": "security"}, exempt={})
    decision = judged(by_mallory(), exempting(), search, requests=(a_request(label="security"),))
    assert [one.label for one in decision.granted] == ["security"]
    assert (decision.unentitled, decision.refused) == ((), ())


def test_each_services_objection_is_told_once() -> None:
    decision = judged(by_mallory(), exempting(), exempting("pay"), replace(NO_TEAM, service=_other(NO_TEAM)))
    (refused,) = decision.unentitled
    assert refused.why == f"{NOT_ACTIVE}; `@mallory` may not write to this repository"


def _other(view: ServiceView) -> Any:
    return view.service.model_copy(update={"name": "search"})


def test_it_is_taken_off_with_the_reason_which_stays_until_it_is_put_on_again() -> None:
    refused = a_snapshot(exempting(), exempting=(by_mallory(),))
    desired = desire(refused, decide(refused))
    said = f"🚫 The label `security` was removed: {NOT_ACTIVE}."
    assert desired.strip == {"security"}
    assert said in desired.comment.body
    told = (Refusal("security", "mallory", NOT_ACTIVE, NOW),)
    gone = a_snapshot(exempting(), refusals=told)
    assert said in desire(gone, decide(gone)).comment.body
    vouched = a_snapshot(exempting(), labels=("security",), refusals=told)
    assert said not in desire(vouched, decide(vouched)).comment.body


def test_on_trust_a_label_counts_that_nobody_looked_into_and_no_other() -> None:
    looked_into: Snapshot = a_snapshot(exempting(), exempting=(by_mallory(),))
    assert on_trust(looked_into) == looked_into
    not_yet = a_snapshot(exempting(), pull=a_pull("Security", "bug"), exempting=())
    (ruling,) = decide(on_trust(not_yet)).rulings
    assert (ruling.why, ruling.detail, ruling.by) == (Why.EXEMPT_LABEL, "security", "")
    assert [one.label for one in on_trust(not_yet).exempting] == ["security"]
