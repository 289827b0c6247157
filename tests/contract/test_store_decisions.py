"""Decisions and whatever they are made from survive storage to the bit, and outlive versions."""

from dataclasses import asdict, make_dataclass, replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from builders import (
    DAY,
    HOUR,
    MINUTE,
    NOW,
    TEAM,
    a_forecast,
    a_gate,
    a_request,
    a_service,
    a_snapshot,
    a_view,
    an_incident,
    an_objective,
    evidence,
    measured,
    unmeasured,
)
from gatekeeper.availability.incidents import Reliability
from gatekeeper.availability.window import Rolling
from gatekeeper.decide.change import judge
from gatekeeper.decide.desired import desire
from gatekeeper.decide.evaluate import Decision, ServiceRuling, decide
from gatekeeper.decide.snapshot import Snapshot
from gatekeeper.decide.verdict import Doubt, Gap, Memory, Reason, Rule, State, Told
from gatekeeper.policy.model import Service
from gatekeeper.policy.objective import CalendarWindow
from gatekeeper.store.decisions import DECISION, Decisions
from gatekeeper.store.engine import Database
from gatekeeper.store.rows import Codec
from gatekeeper.store.snapshots import SNAPSHOT

SERVICE: Codec[Service] = Codec(Service)
SUBJECT = "acme/shop#12"
EXACT = [
    pytest.param(a_snapshot(), id="no service"),
    pytest.param(a_snapshot(a_view(State.FROZEN, -0.1 - 0.2)), id="a float that no decimal writes shortly"),
    pytest.param(a_snapshot(a_view(State.OPEN, unmeasured("no traffic"))), id="nothing measured"),
    pytest.param(a_snapshot(a_view(State.OPEN, measured(total=1e-300))), id="hardly any events"),
    pytest.param(
        a_snapshot(
            a_view(
                State.FROZEN,
                -3.0,
                expected_end=NOW + DAY,
                memory={
                    "reasons": (Reason(Rule.FREEZE_BURN, "availability", 1e9, 14.4, 3600),),
                    "unknown_since": NOW - MINUTE,
                    "gaps": (Gap("availability", Doubt.STALE, "since ü"),),
                    "told": Told(-3.0, NOW + DAY),
                },
                objectives=(
                    evidence(
                        measured(
                            -3.0,
                            worst=(an_incident(),),
                            burn={300: None, 3600: 2.5},
                            reliability=Reliability(
                                1, 3600.5, None, mtbf_is_lower_bound=True, mttr_is_lower_bound=False
                            ),
                        ),
                        thaw=a_forecast(),
                        progress=0.1,
                        problem="x",
                    ),
                ),
                files=("a", "b"),
                burn_down=((NOW, None), (NOW + HOUR, -0.1)),
                policy_problem="y",
            ),
            requests=(a_request(reason="z"),),
            policy_problems=("p",),
            check_required=True,
        ),
        id="everything at once",
    ),
]


@pytest.mark.parametrize("snapshot", EXACT)
def test_a_snapshot_and_its_decision_come_back_to_the_bit(snapshot: Snapshot) -> None:
    text = SNAPSHOT.text(snapshot)
    back = SNAPSHOT.parse(text)
    assert back == snapshot
    assert SNAPSHOT.text(back) == text
    decision = decide(snapshot)
    assert DECISION.text(decide(back)) == DECISION.text(decision)
    assert DECISION.parse(DECISION.text(decision)) == decision
    assert desire(back, decide(back)) == desire(snapshot, decision)


SHARES = st.decimals(min_value=Decimal("0.000001"), max_value=Decimal("0.999999"), places=9)


@given(
    SHARES,
    st.integers(60, 90 * 24 * 60).map(lambda minutes: Rolling(minutes * MINUTE))
    | st.builds(
        CalendarWindow,
        calendar=st.sampled_from(["month", "quarter", "week"]),
        timezone=st.sampled_from(["UTC", "Europe/Paris"]),
    ),
    st.integers(1, 10_000),
    st.floats(allow_nan=False, allow_infinity=False),
)
def test_shares_durations_and_floats_are_exact(
    target: Decimal, window: Rolling | CalendarWindow, lasts: int, left: float
) -> None:
    objective = an_objective(target=str(target)).model_copy(update={"window": window})
    service = a_service("checkout", objective, gate=a_gate(override={"teams": [TEAM], "lasts": f"{lasts}s"}))
    memory = Memory(State.FROZEN, NOW, told=Told(left, None))
    snapshot = a_snapshot(replace(a_view(State.FROZEN, -0.5, service=service), memory=memory))
    back = SNAPSHOT.parse(SNAPSHOT.text(snapshot))
    assert back == snapshot
    assert back.services[0].service.objectives[0].target == objective.target
    assert SERVICE.load(SERVICE.dump(service)) == service


def test_a_service_read_back_is_the_same_to_the_policies_pass() -> None:
    service = a_service(gate=a_gate(exempt={"labels": ["security"], "paths": ["docs/**"]}))
    back = SERVICE.load(SERVICE.dump(service))
    assert back == service
    assert back.objectives[0].indicator.id == service.objectives[0].indicator.id
    assert back.objectives[0].indicator.model_fields_set == {"prometheus"}


# Another version


def test_a_field_that_a_later_version_adds_does_not_change_what_was_decided() -> None:
    """Replay compares texts: what is at its default is not in them."""
    later = make_dataclass("later", [("verdict", int), ("rulings", tuple[Any, ...]), ("pace", str, "")])
    decision = decide(a_snapshot(a_view()))
    then = Codec[Any](Decision, terse=True).text(replace(decision, rulings=()))
    now = Codec[Any](later, terse=True).text(later(verdict=0, rulings=()))
    assert then == now


def test_a_snapshot_of_an_earlier_version_is_read_with_the_defaults_of_what_it_lacked() -> None:
    snapshot = a_snapshot(a_view(State.FROZEN, -0.5))
    stored = TypeAdapter(Snapshot).dump_python(snapshot, mode="json")
    for name in ("policy_problems", "check_required", "refusals"):
        del stored[name]
    assert SNAPSHOT.load(stored) == snapshot


def test_a_snapshot_keeps_what_is_at_its_default_now() -> None:
    """A default that changes later must not change what was decided from."""
    view = SNAPSHOT.dump(a_snapshot(a_view()))["services"][0]
    assert view["service"]["gate"]["thaw"] == {"above": "10%", "or_quiet_for": "3d"}


def test_every_optional_field_of_a_ruling_may_be_missing() -> None:
    ruling = decide(a_snapshot(a_view())).rulings[0]
    assert Codec[ServiceRuling](ServiceRuling, terse=True).text(ruling) == (
        '{"service":"acme/checkout","verdict":0,"effective":0,"why":"open","mode":"enforce"}'
    )
    assert asdict(ruling)["override"] is None


# The store


class Kept:
    """Decisions, each stored in a transaction of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.decisions = Decisions(database)

    def add(self, snapshot: Snapshot, subject: str = SUBJECT) -> str:
        with self._database.write() as connection:
            return self.decisions.add(connection, subject, snapshot, decide(snapshot), "essence")


@pytest.fixture
def kept(database: Database) -> Kept:
    return Kept(database)


def test_a_decision_is_found_by_its_id_with_its_whole_input(kept: Kept) -> None:
    snapshot = a_snapshot(a_view(State.FROZEN, -0.5))
    decision = decide(snapshot)
    identity = kept.add(snapshot)
    stored = kept.decisions.find(identity)
    assert stored is not None
    assert (stored.id, stored.at, stored.subject, stored.essence) == (identity, NOW, SUBJECT, "essence")
    assert (stored.snapshot, stored.decision) == (snapshot, decision)
    assert DECISION.text(judge(stored.snapshot)) == stored.decision_text
    assert kept.decisions.find("0" * 16) is None


def test_the_same_input_has_the_same_id_and_is_stored_once(kept: Kept) -> None:
    snapshot = a_snapshot(a_view())
    ids = {kept.add(snapshot) for _ in range(2)}
    assert len(ids) == 1
    assert len(kept.decisions.latest()) == 1
    assert kept.add(snapshot, "acme/shop#13") not in ids


@pytest.mark.parametrize(
    ("decision", "essence", "same"),
    [
        pytest.param(decide(a_snapshot(a_view())), "essence", True, id="the same"),
        pytest.param(decide(a_snapshot(a_view())), "other", False, id="another essence"),
        pytest.param(decide(a_snapshot(a_view(State.FROZEN, -1))), "essence", False, id="another decision"),
    ],
)
def test_whether_a_decision_says_the_same(
    kept: Kept, decision: Decision, essence: str, *, same: bool
) -> None:
    snapshot = a_snapshot(a_view())
    identity = kept.add(snapshot)
    assert kept.decisions.says(identity, decision, essence) is same
    assert not kept.decisions.says("0" * 16, decision, essence)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=5)
@given(st.permutations(range(4)))
def test_the_newest_come_first_in_whatever_order_they_were_stored(kept: Kept, order: list[int]) -> None:
    for minutes in order:
        snapshot = replace(a_snapshot(a_view()), now=NOW + minutes * MINUTE)
        kept.add(snapshot)
    assert [one.at for one in kept.decisions.latest(SUBJECT, most=3)] == [NOW + n * MINUTE for n in (3, 2, 1)]
    assert kept.decisions.latest("acme/shop#1") == ()
