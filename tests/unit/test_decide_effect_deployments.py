"""Which deployments that wait would be let go, or held, if other policies were in force."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from builders import DAY, HOUR, NOW, SHA, a_gate, a_pull, a_service, a_view
from gatekeeper.decide.deployment import Brought, Content, Deployment, DeploymentSnapshot, Touching
from gatekeeper.decide.effect import (
    Effect,
    HoldChange,
    ServiceEffect,
    VerdictChange,
    WaitingDeployment,
    hold_changes,
)
from gatekeeper.decide.effect_texts import effect_section, headline
from gatekeeper.decide.verdict import State, Verdict

if TYPE_CHECKING:
    from gatekeeper.decide.snapshot import ServiceView

Paths = dict[int, tuple[str, ...]]
PRODUCTION = Deployment("acme/shop", "production", SHA, "main", "dora")


def frozen(name: str = "checkout", state: State = State.FROZEN, **said: Any) -> ServiceView:
    """A service's gate; ``said``: keys of its policy, and ``rules`` of its gate."""
    service = a_service(name, gate=a_gate(**{"mode": "enforce", **said.pop("rules", {})}))
    return a_view(state, -0.5, service=service.model_validate({**dict(service), **said}))


def waiting(content: Content | None = None, paths: Paths | None = None) -> WaitingDeployment:
    return WaitingDeployment(7, DeploymentSnapshot(NOW - HOUR, PRODUCTION, (), {}, content), paths or {})


def bringing(*labels: str, number: int = 12, touching: str = "checkout") -> Content:
    pull = replace(a_pull(*labels), number=number)
    return Content("b" * 40, (Brought(pull, (Touching(f"acme/{touching}", ("old.py",)),)),))


ELSEWHERE: dict[str, Any] = {"changes": [{"repository": "acme/shop", "paths": ["elsewhere/**"]}]}
API: Paths = {12: ("api/a.py",)}


@pytest.mark.parametrize(
    ("now", "then", "one", "becomes"),
    [
        pytest.param([frozen()], [frozen()], waiting(), None, id="the same policy changes nothing"),
        pytest.param([frozen()], [], waiting(), "let go", id="a service that is gone holds nothing"),
        pytest.param([], [frozen()], waiting(), "held", id="a new service may hold it"),
        pytest.param(
            [frozen()],
            [frozen(state=State.OPEN)],
            waiting(),
            "let go",
            id="a target that is met lets it go",
        ),
        pytest.param(
            [frozen()],
            [frozen(environments={"production": "free"})],
            waiting(),
            "let go",
            id="an environment that is set free",
        ),
        pytest.param(
            [frozen()],
            [frozen(rules={"mode": "advise"})],
            waiting(),
            "let go",
            id="a gate that only advises from then on",
        ),
        pytest.param(
            [frozen()],
            [frozen(changes=[{"repository": "acme/other"}])],
            waiting(),
            "let go",
            id="a service that leaves the repository",
        ),
        pytest.param(
            [frozen()],
            [frozen(**ELSEWHERE)],
            waiting(bringing(), API),
            "let go",
            id="paths that it brings nothing of",
        ),
        pytest.param(
            [frozen(**ELSEWHERE)],
            [frozen(changes=[{"repository": "acme/shop", "paths": ["api/**"]}])],
            waiting(bringing(touching="search"), API),
            "held",
            id="paths that it brings something of, though it was not the service's before",
        ),
        pytest.param(
            [frozen(**ELSEWHERE)],
            [frozen()],
            waiting(bringing()),
            None,
            id="what nobody knows the paths of may touch both",
        ),
        pytest.param(
            [frozen()],
            [frozen(rules={"exempt": {"paths": ["api/**"]}})],
            waiting(bringing(), API),
            "let go",
            id="paths that are exempt from then on",
        ),
        pytest.param(
            [frozen()],
            [frozen(rules={"exempt": {"labels": ["reliability"]}})],
            waiting(bringing("reliability"), API),
            "let go",
            id="a label that exempts from then on, on trust",
        ),
        pytest.param(
            [frozen(state=State.CAUTION)],
            [frozen(state=State.CAUTION, rules={"caution": {"pace": {"deployments": "1/day"}}})],
            waiting(),
            "held",
            id="a pace that is used up",
        ),
    ],
)
def test_a_deployment_that_waits_would_be(
    now: list[ServiceView], then: list[ServiceView], one: WaitingDeployment, becomes: str | None
) -> None:
    before, after = ({view.service.key: view for view in views} for views in (now, then))
    deployed = {("acme/checkout", "production"): (NOW - HOUR,)}
    found = [
        "held" if change.held else "let go" for change in hold_changes([one], before, after, NOW, deployed)
    ]
    assert found == ([] if becomes is None else [becomes])


def effect(*become: str, waiting: int) -> Effect:
    changed = tuple(HoldChange(7 + at, PRODUCTION, held=said == "held") for at, said in enumerate(become))
    return Effect(28 * DAY, (ServiceEffect("checkout"),), holds=changed, waiting=waiting)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        pytest.param(
            effect(waiting=1), "The deployment that waits would get no other answer.", id="one that waits on"
        ),
        pytest.param(
            effect(waiting=2),
            "None of the 2 deployments that wait would get another answer.",
            id="two that wait on",
        ),
        pytest.param(
            effect("let go", "held", waiting=2),
            "| acme/shop → `production` | `main` by dora (run 7) | 🔴 held → 🟢 let go |\n"
            "| acme/shop → `production` | `main` by dora (run 8) | 🟢 let go → 🔴 held |",
            id="one each way",
        ),
        pytest.param(effect(*["let go"] * 25, waiting=30), "and 5 more", id="many are cut, and it says so"),
    ],
)
def test_what_becomes_of_them_is_told(found: Effect, said: str) -> None:
    assert said in effect_section(found, {"acme/shop"})


def test_where_none_waits_nothing_is_said_of_them() -> None:
    assert "deployment" not in effect_section(effect(waiting=0), {"acme/shop"})


def test_the_headline_counts_them_those_that_would_be_held_first() -> None:
    said = "1 waiting deployment would be held; 2 waiting deployments would be let go"
    assert headline(effect("let go", "held", "let go", waiting=3)) == said


def test_of_changes_in_other_repositories_only_the_address_is_told() -> None:
    """Who reads this one may not be who may read those."""
    verdicts = (VerdictChange("acme/shop", 12, "A secret plan", Verdict.ALLOW, Verdict.BLOCK),)
    found = replace(effect("let go", waiting=1), verdicts=verdicts, changes=1)
    text = effect_section(found, {"acme/.github"})
    assert "| acme/shop#12 |" in text
    assert "| acme/shop → `production` | run 7 |" in text
    assert not {"secret", "main", "dora"} & set(re.findall(r"\w+", text))
