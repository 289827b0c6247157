"""docs/adoption.md: what each mode shows to whom, claim by claim."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

import faces
from builders import (
    DAY,
    HOUR,
    NOW,
    a_gate,
    a_request,
    a_service,
    a_snapshot,
    a_view,
    an_objective,
)
from gatekeeper.bootstrap import Gatekeeper
from gatekeeper.decide.adoption import ADVISED, OBSERVED, Trial, advice
from gatekeeper.decide.desired import Desired, desire
from gatekeeper.decide.evaluate import Decision, decide
from gatekeeper.decide.snapshot import Snapshot
from gatekeeper.decide.verdict import Doubt, Gap, State
from gatekeeper.policy.gate import Mode
from gatekeeper.policy.in_force import InForce
from gatekeeper.web.app import create_app

PAGE = (Path(__file__).parents[2] / "docs" / "adoption.md").read_text()
LEFT = {State.OPEN: 0.9, State.CAUTION: 0.2, State.PROBATION: 0.12, State.FROZEN: -0.3}


def snapshot(
    mode: str, state: State = State.FROZEN, *, teams: bool = True, unknown: bool = False
) -> Snapshot:
    gate = a_gate(mode=mode) if teams else a_gate(mode=mode, override={"teams": []})
    gap = {"unknown_since": NOW - 9 * HOUR, "gaps": (Gap("availability", Doubt.STALE),)} if unknown else {}
    return a_snapshot(a_view(state, LEFT[state], service=a_service("checkout", gate=gate), memory=gap))


def shown(mode: str, state: State = State.FROZEN, **how: bool) -> Desired:
    found = snapshot(mode, state, **how)
    return desire(found, decide(found))


def asked(mode: str) -> tuple[Decision, Desired]:
    """What comes of an override label by somebody entitled."""
    base = snapshot(mode)
    found = a_snapshot(*base.services, requests=(a_request(),), labels=("slo:override",))
    decision = decide(found)
    return decision, desire(found, decision)


@pytest.mark.parametrize(
    ("mode", "teams", "conclusion"),
    [
        ("observe", True, "success"),
        ("advise", True, "neutral"),
        ("enforce", True, "action_required"),
        ("enforce", False, "failure"),
    ],
)
def test_the_check_of_a_frozen_service(mode: str, *, teams: bool, conclusion: str) -> None:
    assert shown(mode, teams=teams).check.conclusion == conclusion


@pytest.mark.parametrize(
    ("mode", "title"),
    [
        ("observe", "checkout is frozen (only observed)"),
        ("advise", "checkout is frozen (only advised)"),
        ("enforce", "checkout is frozen: "),
    ],
)
def test_its_title(mode: str, title: str) -> None:
    assert shown(mode).check.title.startswith(title)


@pytest.mark.parametrize("mode", ["observe", "advise"])
def test_its_text_says_what_enforcing_would_do(mode: str) -> None:
    assert "with `mode: enforce` this gate would block the change" in shown(mode).check.summary


def test_an_enforcing_one_says_the_way_out() -> None:
    summary = shown("enforce").check.summary
    assert "mode: enforce" not in summary
    assert "`@acme/sre`" in summary


@pytest.mark.parametrize(("mode", "commented"), [("observe", False), ("advise", True), ("enforce", True)])
@pytest.mark.parametrize("state", [State.FROZEN, State.CAUTION, State.PROBATION])
def test_who_gets_a_comment_and_a_label(mode: str, state: State, *, commented: bool) -> None:
    found = shown(mode, state)
    label = "slo:frozen" if state is State.FROZEN else "slo:caution"
    assert found.comment.needed is commented
    assert found.labels == (frozenset({label}) if commented else frozenset())


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("state", [State.OPEN, State.CAUTION, State.PROBATION])
def test_what_is_not_frozen_succeeds_in_every_mode(mode: Mode, state: State) -> None:
    assert shown(mode, state).check.conclusion == "success"


@pytest.mark.parametrize(("mode", "conclusion"), [("observe", "success"), ("advise", "neutral")])
def test_not_knowing(mode: str, conclusion: str) -> None:
    assert shown(mode, State.OPEN, unknown=True).check.conclusion == conclusion


@pytest.mark.parametrize(("mode", "granted"), [("observe", 0), ("advise", 1), ("enforce", 1)])
def test_an_override_label_is_judged_where_there_is_something_to_override(mode: str, granted: int) -> None:
    decision, desired = asked(mode)
    assert len(decision.granted) == granted
    assert desired.strip == frozenset()
    assert desired.check.conclusion == "success"


@pytest.mark.parametrize(
    ("mode", "chip"),
    [("observe", "only observes"), ("advise", "only advises"), ("enforce", "")],
)
def test_the_page_says_the_mode_its_time_and_what_is_next(tmp_path: Path, mode: str, chip: str) -> None:
    gatekeeper = faces.gatekeeper_at(tmp_path, github_token="t", webhook_secret="s")
    began = NOW - timedelta(days=70)
    put_in_force(gatekeeper, mode)
    text = create_app(gatekeeper).test_client().get("/services/checkout").text
    report = create_app(gatekeeper).test_client().get("/api/v1/services/checkout").json
    gatekeeper.close()
    assert report is not None
    assert [one for one in ("only observes", "only advises") if one in text] == ([chip] if chip else [])
    assert f"<code>{mode}</code> since" in text
    said = f"in {mode} for 70 days, and not measured now: nothing to go by yet"
    assert (said in text) is (mode != "enforce")
    assert report["adoption"] == {
        "mode": mode,
        "since": began.isoformat().replace("+00:00", "Z"),
        "known_since": None,
        "needed_seconds": {"observe": 5_184_000, "advise": 2_592_000}.get(mode),
        "freezes": 0,
        "frozen_seconds": 0.0,
        "held": [],
        "merged": [],
        "advice": said if mode != "enforce" else None,
    }


def put_in_force(gatekeeper: Gatekeeper, mode: str) -> None:
    service = a_service("checkout", gate=a_gate(mode=mode))
    policies = InForce("acme/shop", "c1", ((service, None),))
    gatekeeper.stores.catalog.put_in_force(policies, (), NOW - timedelta(days=70))


def test_the_thresholds_are_those_of_the_page() -> None:
    assert f"**{OBSERVED.days} days**" in PAGE
    assert f"**{ADVISED.days} days**" in PAGE


def trial(
    mode: str, *, days: int = 61, known: int | None = 61, frozen: int = 0, held: int = 0, merged: int = 0
) -> Trial:
    since, hours = NOW - days * DAY, {3: 12, 2: 5}.get(frozen, 0)
    names = tuple(map(str, range(held)))
    return Trial(
        Mode(mode),
        since,
        None if known is None else max(since, NOW - known * DAY),
        NOW,
        tuple((since, since + hours * HOUR) for _ in range(frozen)),
        names,
        names[:merged],
    )


def test_each_advice_of_the_page_is_one_that_is_given() -> None:
    given = {
        advice(a_service("checkout", an_objective(), gate=a_gate(mode=one.mode)), one)
        for one in (
            trial("observe", days=12),
            trial("observe", known=20),
            trial("observe", known=None),
            trial("observe"),
            trial("observe", frozen=3, held=12),
            trial("advise", frozen=2, held=3, merged=2),
            trial("advise", frozen=2, held=3),
        )
    }
    table = PAGE[PAGE.index("| advice | when |") : PAGE.index("**60 days**")]
    rows = [row[1] for row in re.finditer(r"^\| (.*?) \| .* \|$", table, re.MULTILINE)][1:]
    written = {re.escape(row).replace("…", ".*") for row in rows}
    assert len(written) == len(given)
    for pattern in written:
        assert any(one is not None and re.fullmatch(pattern, one) for one in given), pattern
