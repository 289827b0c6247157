"""The verdict on a deployment, and what it is told."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from builders import DAY, HOUR, MINUTE, NOW, SHA, TEAM, a_gate, a_pull, a_request, a_service, a_view
from gatekeeper.decide.change import check_of, described, judge
from gatekeeper.decide.deployment import (
    Brought,
    Content,
    Deployment,
    DeploymentSnapshot,
    Touching,
    decide_deployment,
    on_landed,
    waits,
)
from gatekeeper.decide.deployment_texts import REPORT_LIMIT, report
from gatekeeper.decide.snapshot import ExemptLabel, ServiceView
from gatekeeper.decide.verdict import Doubt, Gap, State, Verdict, Why
from gatekeeper.policy.model import Service
from gatekeeper.store.snapshots import CHANGE

PAGE = "https://gatekeeper.acme.example/decisions/0123456789abcdef"
ENVIRONMENTS = {"production": "enforce", "staging": "free", "preview": "advise"}
GATE = a_gate(exempt={"labels": ["reliability"]}, override={"teams": [TEAM], "lasts": "24h"}, mode="enforce")


def a_policy(name: str = "checkout", **rules: Any) -> Service:
    return replace_environments(a_service(name, gate=GATE if not rules else a_gate(**rules)))


def replace_environments(service: Service) -> Service:
    return service.model_validate({**dict(service), "environments": ENVIRONMENTS})


FROZEN = a_view(State.FROZEN, -0.5, service=a_policy(), expected_end=NOW + DAY)
OPEN = a_view(State.OPEN, 0.9, service=a_policy())
PROBATION = a_view(State.PROBATION, 0.12, service=a_policy())
LATELY = {"acme/checkout": (NOW - MINUTE,)}
SEARCH = a_view(State.FROZEN, -0.1, service=a_policy("search"))


def a_deployment(
    *views: ServiceView, environment: str = "production", content: Content | None = None, **values: Any
) -> DeploymentSnapshot:
    about = Deployment("acme/shop", environment, SHA, "main", "dora")
    return DeploymentSnapshot(NOW, about, views, values.get("deployed", {}), content)


def bringing(*brought: Brought) -> Content:
    return Content("b" * 40, brought)


def a_change(*labels: str, services: tuple[str, ...] = ("checkout",), **values: Any) -> Brought:
    requests = values.get("requests", ())
    worn = (*labels, *(one.label for one in requests))
    touches = tuple(Touching(f"acme/{name}", ("a.py",), values.get("exempt", False)) for name in services)
    vouched = tuple(ExemptLabel(one, "alice", human=True, labeled_at=NOW, teams=(TEAM,)) for one in labels)
    return Brought(a_pull(*worn), touches, requests, vouched if values.get("vouched", True) else ())


@pytest.mark.parametrize(
    ("snapshot", "verdict", "held", "why"),
    [
        pytest.param(a_deployment(FROZEN), Verdict.BLOCK, True, Why.FROZEN, id="a frozen service holds"),
        pytest.param(a_deployment(OPEN), Verdict.ALLOW, False, Why.OPEN, id="an open one does not"),
        pytest.param(
            a_deployment(FROZEN, environment="staging"),
            Verdict.ALLOW,
            False,
            Why.FREE,
            id="staging is free of it",
        ),
        pytest.param(
            a_deployment(FROZEN, environment="Preview"), Verdict.WARN, False, Why.FROZEN, id="or only advised"
        ),
        pytest.param(
            a_deployment(FROZEN, environment="elsewhere"),
            Verdict.BLOCK,
            True,
            Why.FROZEN,
            id="an environment that the policy does not name is enforced",
        ),
        pytest.param(
            a_deployment(OPEN, SEARCH), Verdict.BLOCK, True, Why.FROZEN, id="the strictest service counts"
        ),
        pytest.param(
            a_deployment(a_view(State.FROZEN, -0.5, service=a_policy(mode="advise"))),
            Verdict.WARN,
            False,
            Why.FROZEN,
            id="a gate that only advises lets it go",
        ),
        pytest.param(
            a_deployment(FROZEN, SEARCH, content=bringing(a_change("reliability"))),
            Verdict.ALLOW,
            False,
            Why.EXEMPT_LABEL,
            id="it brings an exempt change, and nothing of the other service",
        ),
        pytest.param(
            a_deployment(FROZEN, content=bringing(a_change("reliability", vouched=False))),
            Verdict.BLOCK,
            True,
            Why.FROZEN,
            id="a label that nobody entitled stands behind exempts nothing",
        ),
        pytest.param(
            a_deployment(FROZEN, content=bringing(a_change(exempt=True))),
            Verdict.ALLOW,
            False,
            Why.EXEMPT_PATHS,
            id="it brings exempt paths only",
        ),
        pytest.param(
            a_deployment(
                a_view(State.FROZEN, -0.5, service=a_policy(exempt={"reverts": True})),
                content=bringing(replace(a_change(), takes_back=True)),
            ),
            Verdict.ALLOW,
            False,
            Why.EXEMPT_REVERT,
            id="it brings a revert that was let through as one",
        ),
        pytest.param(
            a_deployment(FROZEN, content=bringing(replace(a_change(), takes_back=True))),
            Verdict.BLOCK,
            True,
            Why.FROZEN,
            id="a policy that exempts no reverts",
        ),
        pytest.param(
            a_deployment(FROZEN, content=bringing(a_change(requests=(a_request(),)))),
            Verdict.ALLOW,
            False,
            Why.OVERRIDDEN,
            id="it brings a change that is overridden",
        ),
        pytest.param(
            a_deployment(
                FROZEN,
                content=bringing(a_change(requests=(a_request(labeled_at=NOW - timedelta(hours=25)),))),
            ),
            Verdict.BLOCK,
            True,
            Why.FROZEN,
            id="the override has ended",
        ),
        pytest.param(
            a_deployment(FROZEN, content=bringing(a_change("reliability"), a_change())),
            Verdict.BLOCK,
            True,
            Why.FROZEN,
            id="a feature comes with the fix",
        ),
        pytest.param(
            a_deployment(a_view(State.CAUTION, 0.2, service=a_policy()), content=bringing(a_change())),
            Verdict.WARN,
            False,
            Why.CAUTION,
            id="caution lets it go",
        ),
        pytest.param(
            a_deployment(
                a_view(
                    State.CAUTION,
                    0.2,
                    service=a_policy(caution={"below": "25%", "pace": {"deployments": "1/day"}}),
                ),
                deployed={"acme/checkout": (NOW - HOUR,)},
            ),
            Verdict.BLOCK,
            True,
            Why.TOO_MANY,
            id="but not more often than its pace allows",
        ),
        pytest.param(
            a_deployment(PROBATION, deployed=LATELY, content=bringing(a_change())),
            Verdict.BLOCK,
            True,
            Why.TOO_SOON,
            id="after a freeze they go one at a time",
        ),
        pytest.param(
            a_deployment(PROBATION, deployed=LATELY, content=bringing(a_change("reliability"))),
            Verdict.ALLOW,
            False,
            Why.EXEMPT_LABEL,
            id="for which a fix need not wait",
        ),
        pytest.param(
            a_deployment(PROBATION, deployed=LATELY, content=bringing(a_change(requests=(a_request(),)))),
            Verdict.ALLOW,
            False,
            Why.OVERRIDDEN,
            id="nor what is overridden",
        ),
        pytest.param(
            a_deployment(
                a_view(
                    service=a_policy(),
                    memory={
                        "unknown_since": NOW - 10 * MINUTE,
                        "gaps": (Gap("availability", Doubt.BACKFILLING),),
                    },
                )
            ),
            Verdict.WARN,
            True,
            Why.UNKNOWN_HELD,
            id="the first measurement is waited for",
        ),
        pytest.param(
            a_deployment(
                a_view(
                    service=a_policy(),
                    memory={"unknown_since": NOW - 2 * HOUR, "gaps": (Gap("availability", Doubt.STALE),)},
                )
            ),
            Verdict.WARN,
            False,
            Why.UNKNOWN_ADVISE,
            id="not knowing shuts nothing, unless the policy says so",
        ),
    ],
)
def test_the_verdict(snapshot: DeploymentSnapshot, verdict: Verdict, *, held: bool, why: Why) -> None:
    decision = decide_deployment(snapshot)
    assert (decision.verdict, waits(snapshot, decision), decision.rulings[0].why) == (verdict, held, why)


@pytest.mark.parametrize(
    ("snapshot", "says"),
    [
        pytest.param(a_deployment(), "No service's policy covers acme/shop", id="no policy covers it"),
        pytest.param(
            a_deployment(FROZEN, content=bringing(a_change(services=("search",)))),
            "Nothing that it brings touches",
            id="it brings nothing of a service with a policy",
        ),
        pytest.param(
            a_deployment(FROZEN, content=bringing()), "Nothing that it brings", id="it brings nothing new"
        ),
    ],
)
def test_what_touches_no_service_goes_on(snapshot: DeploymentSnapshot, says: str) -> None:
    decision = decide_deployment(snapshot)
    assert (decision.verdict, decision.rulings, waits(snapshot, decision)) == (Verdict.ALLOW, (), False)
    assert report(snapshot, decision, PAGE).text.startswith(says)
    assert check_of(snapshot, decision).conclusion == "success"


def told(snapshot: DeploymentSnapshot, page: str | None = PAGE) -> str:
    return report(snapshot, decide_deployment(snapshot), page).text


def test_what_is_asked_for_is_judged_on_each_change_that_is_closed() -> None:
    landed = a_change(requests=(a_request("bob", teams=()),), services=("checkout", "search"))
    landed = replace(landed, pull=replace(landed.pull, number=7, open=False))
    content = bringing(a_change(requests=(a_request(),)), landed)
    ((asked, decision),) = on_landed(a_deployment(FROZEN, SEARCH, content=content))
    assert asked.pull.number == 7
    assert [(one.actor, one.granted) for one in decision.refused] == [("bob", False)]
    assert list(on_landed(a_deployment(FROZEN))) == [], "it is not known what that brings"


def test_one_that_waits_is_told_why_until_when_and_what_may_pass() -> None:
    text = told(a_deployment(FROZEN, content=bringing(a_change())))
    for said in (
        "🔴 **checkout is frozen: 50.0 % over its error budget",
        "goes on by itself",
        "2026-11-23 12:00 UTC",
        "`reliability`",
        "`acme/shop#12`",
        f"`{TEAM}`",
        f"[Every number behind this]({PAGE})",
    ):
        assert said in text, text
    assert "Every number" not in told(a_deployment(FROZEN), page=None)


def test_of_what_is_not_known_to_be_exempt_nobody_is_told_to_set_labels() -> None:
    text = told(a_deployment(FROZEN))
    assert "nothing exempts it" in text
    assert "slo:override" not in text


def test_one_that_may_go_is_told_on_what_grounds() -> None:
    text = told(a_deployment(FROZEN, content=bringing(a_change(requests=(a_request(),)))))
    assert text.startswith("🟢 **checkout is frozen; let through by @")
    assert "waits" not in text


@pytest.mark.parametrize("services", [1, 30])
def test_a_report_is_never_longer_than_github_takes(services: int) -> None:
    long = "🔥" * 100
    views = [
        a_view(State.FROZEN, -0.5, service=a_policy(f"{'s' * 60}{at}"), policy_problem=long)
        for at in range(services)
    ]
    assert len(told(a_deployment(*views)).encode()) <= REPORT_LIMIT


def test_a_report_is_worth_saying_again_when_the_gate_moved_and_not_when_a_figure_trembles() -> None:
    def essence(view: ServiceView) -> str:
        snapshot = a_deployment(view)
        return report(snapshot, decide_deployment(snapshot), PAGE).essence

    assert essence(FROZEN) == essence(a_view(State.FROZEN, -0.51, service=a_policy(), expected_end=NOW + DAY))
    assert essence(FROZEN) != essence(OPEN)


def test_a_stored_decision_is_derived_again_and_told_as_a_check() -> None:
    snapshot = a_deployment(FROZEN, SEARCH, content=bringing(a_change(requests=(a_request(),))))
    again = CHANGE.parse(CHANGE.text(snapshot))
    assert again == snapshot
    assert judge(again) == decide_deployment(snapshot)
    check = check_of(snapshot, judge(snapshot))
    assert (check.conclusion, check.verdict) == ("success", Verdict.ALLOW)
    held = replace(snapshot, content=None)
    assert check_of(held, judge(held)).conclusion == "failure"
    assert described(snapshot).goes_to == "production"
