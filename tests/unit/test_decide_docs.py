"""The examples of docs/gate.md are what the code says; the tables are what it does."""

import math
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from builders import (
    DAY,
    HOUR,
    MINUTE,
    NOW,
    a_forecast,
    a_gate,
    a_request,
    a_service,
    a_snapshot,
    a_view,
    an_incident,
    evidence,
    measured,
)
from gatekeeper.availability.burn import PAGE_ROWS, TICKET_ROWS, Row, threshold
from gatekeeper.availability.measure import Measured
from gatekeeper.decide import evidence as knowing
from gatekeeper.decide import gate_state, lines, told
from gatekeeper.decide.desired import desire
from gatekeeper.decide.evaluate import decide
from gatekeeper.decide.evidence import Known
from gatekeeper.decide.phrases import overspent
from gatekeeper.decide.snapshot import Landed, ServiceView, Snapshot
from gatekeeper.decide.verdict import Reason, Rule, State
from gatekeeper.policy.gate import Gate
from gatekeeper.policy.units import format_duration, format_share

PAGE = Path(__file__).parents[2] / "docs" / "gate.md"
GATE = a_gate(exempt={"labels": ["reliability", "security"], "paths": ["docs/**"]})
THAWS = NOW + 26 * DAY


def a_gate_after_a_pass(found: Measured, *, gate: Gate = GATE, name: str = "checkout") -> ServiceView:
    service = a_service(name, gate=gate)
    one = evidence(found, thaw=a_forecast(THAWS, bad=530))
    memory = gate_state.step(None, [(service.objectives[0], one)], gate, NOW)
    return ServiceView(service, memory, (one,), told.expected_end(memory.state, (one,)))


SPENT_BY_ONE = measured(bad=642, worst=(an_incident(530, share=1.06),))
SPENT = a_gate_after_a_pass(
    measured(bad=642, worst=(an_incident(530, share=1.06), an_incident(40, ago=20 * DAY, share=0.08)))
)
SPENT = replace(SPENT, files=("services/checkout/app.py", "ansible/checkout.yml"))
BURNING = a_gate_after_a_pass(
    measured(
        0.641,
        total=50e6,
        burn={300: 28.2, 1800: 30.0, 3600: 31.24, 21600: 7.1},
        worst=(an_incident(8_500, ago=20 * MINUTE, lasted=19 * MINUTE, share=0.34),),
    )
)
BURNING = replace(BURNING, expected_end=NOW + 6 * HOUR)
UNKNOWN = a_gate_after_a_pass(measured(0.9, total=5e6, watermark=NOW - 20 * MINUTE))
PAYMENTS = a_view(
    State.CAUTION, measured(0.2, total=5e6), service=a_service("payments", description="Moves it on.")
)
PROBATION = a_view(
    State.PROBATION,
    measured(0.124, total=5e6),
    service=a_service(gate=GATE),
    memory={"reasons": (Reason(Rule.THAW_ABOVE, "availability", 0.101, 0.1),)},
    landed=(Landed("acme/shop", 7, NOW - 20 * MINUTE),),
)
WANTS_A_REASON = a_gate_after_a_pass(
    SPENT_BY_ONE, gate=a_gate(override={"teams": ["@acme/sre"], "lasts": "4h", "reason": "required"})
)
OWING = a_gate_after_a_pass(SPENT_BY_ONE, gate=a_gate(freeze={"incident_over": "20%"}))
EXAMPLES = {
    "frozen": a_snapshot(SPENT),
    "burning": a_snapshot(BURNING),
    "caution": a_snapshot(a_gate_after_a_pass(measured(0.182, total=5e6))),
    "probation": a_snapshot(PROBATION),
    "noise": a_snapshot(a_gate_after_a_pass(measured(bad=104, total=200_000))),
    "postmortem": a_snapshot(OWING),
    "unknown": a_snapshot(UNKNOWN),
    "overridden": a_snapshot(SPENT, requests=(a_request(reason="hotfix for the login outage"),)),
    "waiting": a_snapshot(WANTS_A_REASON, requests=(a_request(),)),
    "exempt": a_snapshot(SPENT, labels=("security",)),
    "advise": a_snapshot(a_gate_after_a_pass(SPENT_BY_ONE, gate=a_gate(mode="advise"))),
    "two": a_snapshot(SPENT, PAYMENTS),
    "broken": a_snapshot(
        replace(
            a_view(State.OPEN, measured(0.83, total=5e6)),
            policy_problem='12:5: "cation" is not a key here; write caution',
        )
    ),
}


def shown(snapshot: Snapshot) -> str:
    check = desire(snapshot, decide(snapshot)).check
    return f"`{check.conclusion}` {check.title}\n\n```markdown\n{check.summary}\n```\n"


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_what_the_code_says(name: str) -> None:
    assert f"<!-- example: {name} -->\n\n{shown(EXAMPLES[name])}" in PAGE.read_text()


def test_every_example_is_tested() -> None:
    assert re.findall(r"<!-- example: (\w+) -->", PAGE.read_text()) == list(EXAMPLES)


@pytest.mark.parametrize("row", [*PAGE_ROWS, *TICKET_ROWS], ids=lambda row: f"{row.severity} {row.long_s}")
def test_the_table_of_burns_is_the_one_that_is_used(row: Row) -> None:
    def limit(days: int) -> str:
        return f"{max(1, threshold(row, days * 86_400)):.4g}×"

    line = rf"\| {row.share:.0%} \| {limit(28)} \| {limit(7)} \|".replace("%", " %")
    assert re.search(line, PAGE.read_text())


@pytest.mark.parametrize("budget", [100, 10, 1])
def test_the_table_of_low_traffic_is_the_rule(budget: int) -> None:
    one = Known(a_service().objectives[0], measured(bad=0, total=budget / 0.0005))
    line = lines.freeze_line(one, Gate())
    assert f"| {budget} | {overspent(line)} over | {math.ceil((1 - line) * budget)}" in PAGE.read_text()


def test_the_figures_of_the_text_are_the_defaults() -> None:
    text, gate = PAGE.read_text(), Gate()
    for words in (
        f"r < {format_share(gate.caution.below)} (`caution.below`)",
        f"r ≥ {format_share(float(gate.caution.below) + lines.RECOVERY_BAND)}",
        f"r ≤ {format_share(gate.freeze.below)} (`freeze.below`)",
        f"r ≥ {format_share(gate.thaw.above)} (`thaw.above`)",
        f"after {format_duration(gate.probation.lasts or timedelta(0))} (`probation.for`)".replace(
            "1 d", "24 h"
        ),
        f"`unknown.hold` ({format_duration(gate.unknown.hold)})",
        f"more than {knowing.STALE_AFTER // MINUTE} minutes old",
        f"less than {format_share(knowing.COVERAGE_FLOOR)} of the time",
    ):
        assert words in text
