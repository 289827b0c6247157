"""A fast burn that is asked for and can never be seen is a mistake, with its reason and its place."""

import pytest

from gatekeeper.availability.burn import PAGE_ROWS, reachable, threshold
from gatekeeper.policy.loader import PolicyFile, load
from gatekeeper.policy.problem import Problem, Severity

SERVICE = """\
apiVersion: gatekeeper/v1
kind: Service
metadata: {{name: checkout}}
spec:
  objectives:
{objectives}
  changes: [{{repository: acme/shop}}]
  gate:
    freeze: {{{freeze}}}
"""
OBJECTIVE = """\
    - name: {name}
      target: {target}
      window: {window}
      indicator: {{prometheus: {{bad: failures_total, total: calls_total}}}}"""
DEFAULTS = PolicyFile(
    "policies/defaults.yml",
    "apiVersion: gatekeeper/v1\nkind: Defaults\nspec: {gate: {freeze: {burn: fast}}}\n",
)


def errors(*objectives: tuple[str, str], freeze: str = "burn: fast", defaults: bool = False) -> list[str]:
    found = problems(*objectives, freeze=freeze, defaults=defaults)
    return [str(one) for one in found if one.severity is Severity.ERROR]


def problems(*objectives: tuple[str, str], freeze: str, defaults: bool) -> tuple[Problem, ...]:
    texts = [
        OBJECTIVE.format(name=f"objective-{place}", target=target, window=window)
        for place, (target, window) in enumerate(objectives)
    ]
    file = PolicyFile("policies/checkout.yml", SERVICE.format(objectives="\n".join(texts), freeze=freeze))
    return tuple(load([file, DEFAULTS] if defaults else [file]).problems)


@pytest.mark.parametrize(
    ("target", "window", "reason"),
    [
        pytest.param(
            "80%",
            "28d",
            '"objective-0" burns at 5× the pace allowed in a total outage, and only more than 5.6× is fast',
            id="a target so loose that nothing is fast",
        ),
        pytest.param(
            "99.9%",
            "2d",
            'over a window of 2 d, "objective-0" keeps its promise at every pace that would count as fast',
            id="a window so short that what counts as fast is no harm",
        ),
    ],
)
def test_a_threshold_that_cannot_be_reached_is_refused_and_says_why(
    target: str, window: str, reason: str
) -> None:
    (error,) = errors((target, window))
    assert error.startswith("policies/checkout.yml:12:20: a burn can never be fast here: ")
    assert reason in error
    assert "write burn: off" in error


@pytest.mark.parametrize(
    ("objectives", "freeze", "defaults"),
    [
        pytest.param([("99.95%", "28d")], "burn: fast", False, id="the usual"),
        pytest.param(
            [("90%", "28d")], "burn: fast", False, id="the row of an hour cannot fire, that of six can"
        ),
        pytest.param([("80%", "28d"), ("99%", "28d")], "burn: fast", False, id="it can be for one objective"),
        pytest.param([("80%", "28d")], "burn: off", False, id="not asked for"),
        pytest.param([("80%", "28d")], "below: 0%", False, id="only there by default"),
        pytest.param([("80%", "28d")], "below: 0%", True, id="asked for by the defaults, of every service"),
    ],
)
def test_what_can_be_reached_or_was_not_asked_for_is_none(
    objectives: list[tuple[str, str]], freeze: str, *, defaults: bool
) -> None:
    assert errors(*objectives, freeze=freeze, defaults=defaults) == []


@pytest.mark.parametrize(
    ("target", "refused"), [(0.82, True), (0.8215, False)], ids=["below the line", "above it"]
)
def test_the_line_at_28_days_is_where_the_reference_says(target: float, *, refused: bool) -> None:
    window_s = 28 * 86_400.0
    assert any(reachable(row, window_s, 1 - target) for row in PAGE_ROWS) is not refused
    assert [threshold(row, 50 * 3600) >= 1 for row in PAGE_ROWS] == [True, False]


@pytest.mark.parametrize(
    ("target", "freeze", "defaults", "said"),
    [
        pytest.param("80%", "below: 0%", False, True, id="a default that can never be"),
        pytest.param("80%", "below: 0%", True, True, id="asked for by the defaults, of every service"),
        pytest.param("80%", "burn: off", False, False, id="switched off"),
        pytest.param("99.95%", "below: 0%", False, False, id="a default that can be"),
    ],
)
def test_a_default_that_cannot_be_is_said_and_is_no_error(
    target: str, freeze: str, *, defaults: bool, said: bool
) -> None:
    found = problems((target, "28d"), freeze=freeze, defaults=defaults)
    assert [one.severity for one in found] == [Severity.WARNING] * said
    assert all(
        str(one).startswith("policies/checkout.yml:5:3: warning: only a spent budget") for one in found
    )
