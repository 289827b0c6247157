"""Since when policies are in their modes, and what came of it, as stored on SQLite and PostgreSQL."""

from dataclasses import replace
from datetime import datetime

import pytest

from builders import DAY, HOUR, MINUTE, NOW, a_gate, a_service, a_snapshot, a_view
from fakes import SHOP, head
from gatekeeper.decide.evaluate import decide
from gatekeeper.decide.snapshot import ServiceView
from gatekeeper.decide.verdict import State, Verdict
from gatekeeper.policy.in_force import InForce
from gatekeeper.policy.model import Service
from gatekeeper.store.engine import Database
from gatekeeper.store.pulls import KnownPull
from gatekeeper.store.stores import Stores
from gatekeeper.store.work import Work

KEY, BEGAN = "acme/checkout", NOW - 70 * DAY


@pytest.fixture
def stores(database: Database) -> Stores:
    return Stores.of(database, Work(database), lambda: NOW)


def service(mode: str = "observe", **rules: object) -> Service:
    return a_service("checkout", gate=a_gate(mode=mode, **rules))


def put(stores: Stores, *services: Service, at: datetime, problem: str | None = None) -> None:
    stores.catalog.put_in_force(InForce(SHOP, "c1", tuple((one, problem) for one in services)), (), at)


def test_a_mode_begins_when_its_policy_comes_into_force(stores: Stores) -> None:
    assert stores.catalog.mode_since(KEY) is None
    put(stores, service(), at=BEGAN)
    assert stores.catalog.mode_since(KEY) == BEGAN


@pytest.mark.parametrize(
    ("later", "problem", "since"),
    [
        pytest.param(service(), None, BEGAN, id="read again"),
        pytest.param(service(), "broken", BEGAN, id="kept, since a newer version is broken"),
        pytest.param(service(caution={"below": "30%"}), None, BEGAN, id="another rule of the gate"),
        pytest.param(service("advise"), None, NOW - DAY, id="another mode"),
    ],
)
def test_a_mode_goes_on_until_it_is_another_one(
    stores: Stores, later: Service, problem: str | None, since: datetime
) -> None:
    put(stores, service(), at=BEGAN)
    put(stores, later, at=NOW - DAY, problem=problem)
    assert stores.catalog.mode_since(KEY) == since


def test_a_policy_that_was_gone_begins_anew(stores: Stores) -> None:
    put(stores, service(), at=BEGAN)
    put(stores, at=NOW - 3 * DAY)
    put(stores, service(), at=NOW - DAY)
    assert stores.catalog.mode_since(KEY) == NOW - DAY


def view(state: State) -> ServiceView:
    return a_view(state, service=service())


def moved(stores: Stores, before: State | None, after: State, at: datetime) -> None:
    stores.gates.save(view(after), before, (), at)


def test_a_gates_course_begins_with_the_state_that_it_had(stores: Stores) -> None:
    assert stores.gates.course(KEY, BEGAN, NOW) == (State.OPEN, ())
    moved(stores, None, State.CAUTION, BEGAN + DAY)
    assert stores.gates.course(KEY, BEGAN, NOW)[0] is State.OPEN
    moved(stores, State.CAUTION, State.FROZEN, BEGAN + 2 * DAY)
    moved(stores, State.FROZEN, State.OPEN, BEGAN + 3 * DAY)
    state, moves = stores.gates.course(KEY, BEGAN + DAY, BEGAN + 2 * DAY)
    assert (state, [one.after for one in moves]) == (State.CAUTION, [State.FROZEN])
    state, moves = stores.gates.course(KEY, BEGAN + 90 * MINUTE, NOW)
    assert (state, [one.after for one in moves]) == (
        State.OPEN,
        [State.CAUTION, State.FROZEN, State.OPEN],
    )


def decide_on(stores: Stores, number: int, at: datetime) -> None:
    snapshot = a_snapshot(view(State.FROZEN))
    pull = replace(snapshot.pull, repository=SHOP, number=number)
    snapshot = replace(snapshot, pull=pull, now=at)
    known = KnownPull(SHOP, number, head("a"), "seen", ("a.py",), "x", asked=False, decision=None)
    with stores.database.write() as connection:
        before = stores.pulls.known(SHOP, number)
        assert stores.pulls.save(connection, pull, known, {KEY: Verdict.ALLOW}, at, before=before)
        stores.decisions.add(connection, f"{SHOP}#{number}", snapshot, decide(snapshot), "essence")


def test_a_trial_counts_what_the_freezes_of_its_time_met(stores: Stores) -> None:
    put(stores, service(), at=BEGAN)
    moved(stores, None, State.OPEN, BEGAN)
    moved(stores, State.OPEN, State.FROZEN, NOW - 10 * DAY)
    moved(stores, State.FROZEN, State.OPEN, NOW - 9 * DAY)
    decide_on(stores, 12, NOW - 10 * DAY - HOUR)
    decide_on(stores, 13, NOW - 2 * DAY)
    found = stores.trials.of(service(), view(State.OPEN), NOW)
    assert found is not None
    assert (found.since, found.frozen) == (BEGAN, ((NOW - 10 * DAY, NOW - 9 * DAY),))
    assert (found.held, found.merged) == ((f"{SHOP}#12",), ())


def test_the_advice_of_a_policy_in_force_rests_on_its_gate(stores: Stores) -> None:
    put(stores, service(), at=BEGAN)
    assert stores.trials.advice(service(), NOW) is None
    moved(stores, None, State.OPEN, BEGAN)
    said = "in observe for 70 days with no freeze that would have hurt: consider enforce"
    assert stores.trials.advice(service(), NOW) == said


def test_there_is_no_trial_without_a_policy_or_time(stores: Stores) -> None:
    assert stores.trials.of(service(), view(State.OPEN), NOW) is None
    put(stores, service(), at=NOW)
    assert stores.trials.of(service(), view(State.OPEN), NOW) is None
