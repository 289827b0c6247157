"""The pass over one service: the gate follows its ledger, and pull requests follow the gate."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from builders import DAY, HOUR, MINUTE, NOW, a_gate, a_service, a_view, an_objective
from databases import opened
from fakes import SHOP, Place, head
from gatekeeper.availability.filling import LedgerConflictError, LedgerState, LedgerStatus, LedgerUpdate
from gatekeeper.availability.ledger import Flag, Slices, slice_of
from gatekeeper.availability.measure import Measured
from gatekeeper.decide.snapshot import ServiceView
from gatekeeper.decide.verdict import Doubt, State
from gatekeeper.errors import ConfigurationError, QueryRefusedError, SourceError, TemporaryError
from gatekeeper.events.deployments import DeploymentStatus
from gatekeeper.events.keys import Kind, WorkKey
from gatekeeper.policy.in_force import InForce
from gatekeeper.policy.model import Service
from gatekeeper.policy.objective import CalendarWindow, Indicator, Objective, PrometheusIndicator
from gatekeeper.worker.pull_pass import FAN_OUT
from gatekeeper.worker.service_pass import ServicePass
from memory_ledger import MemoryLedger

SERVICE = a_service(gate=a_gate(unknown={"hold": "1h", "then": "block"}))
KEY = WorkKey(Kind.SERVICE, SERVICE.key)
PULL = f"pull:{SHOP}#1"
WINDOW = 33 * DAY


class History:
    """Ledgers that know it all; ``failing``: by indicator, what a refresh raises."""

    def __init__(self) -> None:
        self.stored = MemoryLedger()
        self.failing: dict[str, Exception] = {}

    def refresh(self, indicator: Indicator, needed_since: datetime, now: datetime) -> None:
        if error := self.failing.get(indicator.id):
            raise error

    def read(self, ledger: str, first: int, stop: int) -> Slices:
        return self.stored.read(ledger, first, stop)

    def status(self, ledger: str) -> LedgerStatus:
        return self.stored.status(ledger)

    def fill(
        self, ledger: str, *, bad: int = 0, until: datetime = NOW, incident: datetime = NOW - 2 * HOUR
    ) -> None:
        """33 days of 1000 good events a minute, and an incident in which so many were bad."""
        self.stored = MemoryLedger() if ledger in self.stored._kept else self.stored
        last = slice_of(until)
        first = last - int(WINDOW / MINUTE)
        total = np.full(last - first + 1, 1000.0)
        wrong = np.zeros_like(total)
        minutes = slice_of(incident) - first
        for place in range(minutes, min(minutes + 30, len(wrong))):
            wrong[place] = bad / 30
        flags = np.full(len(total), Flag.MEASURED, dtype=np.uint8)
        state = LedgerState(
            since=first,
            filled_until=last + 1,
            history_start=(first - 1) * 60_000,
            newest=last * 60_000,
            progress=None,
        )
        self.stored.commit(ledger, LedgerUpdate(state, Slices(first, total, wrong, flags)))


SPENT, WELL = 25_000, 0
"""Bad events, of a budget of about 20,160."""


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """Pull request 1 touches the service."""
    with opened(f"sqlite:///{tmp_path}/gatekeeper.db") as database:
        place = Place(database)
        put(place, SERVICE)
        place.github.open(1)
        place.run(1)
        place.touched()
        yield place


@pytest.fixture
def history() -> History:
    history = History()
    history.fill(ledger_of(SERVICE))
    return history


def put(place: Place, *services: Service) -> None:
    place.catalog.put_in_force(InForce(SHOP, "c", tuple((one, None) for one in services)), (), NOW)


def ledger_of(service: Service, objective: int = 0) -> str:
    return service.objectives[objective].indicator.id


def run(place: Place, history: History, at: datetime = NOW + MINUTE) -> State:
    place.now = at
    ServicePass(history, place.services)(KEY, (), at)
    return state(place)


def state(place: Place) -> State:
    standing = place.gates.standing(SERVICE.key)
    assert standing is not None
    return standing.view.memory.state


def standing_view(place: Place) -> ServiceView:
    view = place.gates.view(SERVICE.key)
    assert view is not None
    return view


def test_a_spent_budget_freezes_and_the_pull_requests_are_looked_at(place: Place, history: History) -> None:
    history.fill(ledger_of(SERVICE), bad=SPENT)
    assert run(place, history) is State.FROZEN
    assert place.touched() == {PULL: [FAN_OUT]}
    (moved,) = place.gates.transitions(SERVICE.key)
    assert (moved.before, moved.after) == (None, State.FROZEN)
    assert moved.reasons


def in_force(place: Place, history: History, **rules: Any) -> None:
    """Checkout's budget is nearly spent under these rules, and its first pass is over."""
    put(place, a_service(gate=a_gate(**rules)))
    history.fill(ledger_of(SERVICE), bad=16_500, incident=NOW - 5 * DAY)
    assert run(place, history) is State.CAUTION
    place.touched()


def land(place: Place, number: int, at: datetime) -> None:
    place.github.open(number, sha=head(str(number)))
    place.run(number)
    place.github.change(number, open=False, merged_at=at)
    place.run(number)
    place.touched()


def test_what_landed_fills_the_day_and_the_others_are_told_both_times(place: Place, history: History) -> None:
    in_force(place, history, caution={"pace": {"deployments": "1/day"}})
    land(place, 2, NOW)
    run(place, history, NOW + 2 * MINUTE)
    assert place.touched() == {PULL: [FAN_OUT]}
    place.run(1)
    assert place.github.conclusion() == "action_required"
    run(place, history, NOW + 3 * MINUTE)
    assert place.touched() == {}
    history.fill(ledger_of(SERVICE), bad=16_500, incident=NOW - 5 * DAY, until=NOW + DAY)
    run(place, history, NOW + DAY + MINUTE)
    assert place.touched() == {PULL: [FAN_OUT]}
    place.run(1)
    assert place.github.conclusion() == "success"


def test_in_probation_what_landed_is_told_for_an_hour(place: Place, history: History) -> None:
    put(place, SERVICE)
    history.fill(ledger_of(SERVICE), bad=16_500, incident=NOW - 5 * DAY, until=NOW + DAY)
    place.stand(a_view(State.PROBATION, 0.18, service=SERVICE, memory={"since": NOW}))
    run(place, history)
    place.touched()
    land(place, 2, NOW + MINUTE)
    run(place, history, NOW + 2 * MINUTE)
    assert place.touched() == {PULL: [FAN_OUT]}
    place.run(1)
    assert f"`{SHOP}#2` landed at 2026-11-22 12:01 UTC" in place.github.ours()[0]
    run(place, history, NOW + MINUTE + HOUR)
    assert place.touched() == {PULL: [FAN_OUT]}


def test_the_quiet_rule_is_measured_against_the_line_that_freezes(place: Place, history: History) -> None:
    """Half of the budget went four days ago: since then more than 5 % was left, and less than 60 %."""
    put(
        place,
        a_service(gate=a_gate(freeze={"below": "60%"}, caution={"below": "70%"}, thaw={"above": "80%"})),
    )
    history.fill(ledger_of(SERVICE), bad=10_000, incident=NOW - 4 * DAY)
    assert run(place, history) is State.FROZEN
    (one,) = standing_view(place).objectives
    assert isinstance(one.evidence, Measured)
    assert one.evidence.positive_since is None
    put(place, a_service(gate=a_gate(freeze={"below": "5%"}, thaw={"above": "80%"})))
    assert run(place, history, NOW + 2 * MINUTE) is State.PROBATION


def test_a_longest_freeze_is_an_expected_end(place: Place, history: History) -> None:
    put(place, a_service(gate=a_gate(freeze={"at_most": "2d"})))
    history.fill(ledger_of(SERVICE), bad=SPENT, until=NOW + 3 * DAY)
    run(place, history)
    assert standing_view(place).expected_end == NOW + MINUTE + 2 * DAY
    place.touched()
    assert run(place, history, NOW + MINUTE + 2 * DAY) is State.PROBATION
    assert run(place, history, NOW + 2 * MINUTE + 2 * DAY) is State.PROBATION
    assert place.touched() == {PULL: [FAN_OUT]}


def test_a_second_pass_touches_nothing_and_records_no_transition(place: Place, history: History) -> None:
    run(place, history)
    place.touched()
    run(place, history, NOW + 2 * MINUTE)
    assert place.touched() == {}
    assert len(place.gates.transitions(SERVICE.key)) == 1


def test_a_transition_is_touched_once_and_recorded_with_both_states(place: Place, history: History) -> None:
    run(place, history)
    place.touched()
    history.fill(ledger_of(SERVICE), bad=SPENT)
    run(place, history, NOW + 2 * MINUTE)
    assert place.touched() == {PULL: [FAN_OUT]}
    moved, _ = place.gates.transitions(SERVICE.key)
    assert (moved.before, moved.after) == (State.OPEN, State.FROZEN)


def test_only_a_freeze_has_an_end_forecast(place: Place, history: History) -> None:
    run(place, history)
    free = place.gates.view(SERVICE.key)
    history.fill(ledger_of(SERVICE), bad=SPENT)
    run(place, history, NOW + 2 * MINUTE)
    frozen = place.gates.view(SERVICE.key)
    assert free is not None
    assert free.expected_end is None
    assert frozen is not None
    assert frozen.expected_end is not None
    assert frozen.expected_end > NOW + 20 * DAY
    assert len(frozen.burn_down) > 1


def test_a_freeze_that_will_last_days_longer_is_told_again(place: Place, history: History) -> None:
    history.fill(ledger_of(SERVICE), bad=SPENT, incident=NOW - 5 * DAY)
    run(place, history)
    place.touched()
    history.fill(ledger_of(SERVICE), bad=SPENT, incident=NOW - 5 * DAY, until=NOW + 2 * MINUTE)
    run(place, history, NOW + 3 * MINUTE)
    assert place.touched() == {}, "the same end, a minute later"
    history.fill(ledger_of(SERVICE), bad=SPENT)
    run(place, history, NOW + 4 * MINUTE)
    assert place.touched() == {PULL: [FAN_OUT]}


CHANGES = [
    pytest.param(SERVICE.model_copy(update={"description": "x"}), id="its text"),
    pytest.param(a_service(gate=a_gate(mode="advise")), id="its mode"),
]


@pytest.mark.parametrize("changed", CHANGES)
def test_a_changed_policy_has_the_pull_requests_looked_at(
    place: Place, history: History, changed: Service
) -> None:
    run(place, history)
    place.touched()
    put(place, changed)
    run(place, history, NOW + 2 * MINUTE)
    assert place.touched() == {PULL: [FAN_OUT]}


# What is not known


@pytest.mark.parametrize(
    ("bad", "held"),
    [pytest.param(WELL, State.OPEN, id="open"), pytest.param(SPENT, State.FROZEN, id="frozen")],
)
def test_without_its_source_a_gate_keeps_its_state_and_says_once_that_it_is_guessing(
    place: Place, history: History, bad: int, held: State
) -> None:
    history.fill(ledger_of(SERVICE), bad=bad)
    run(place, history)
    place.touched()
    history.failing[ledger_of(SERVICE)] = SourceError("no answer")
    touched = []
    for minutes in range(5, 200, 5):
        with pytest.raises(SourceError):
            run(place, history, NOW + minutes * MINUTE)
        if place.touched():
            touched.append(minutes)
    assert state(place) is held
    standing = place.gates.standing(SERVICE.key)
    assert standing is not None
    assert [gap.doubt for gap in standing.view.memory.gaps] == [Doubt.STALE]
    assert touched == ([20, 80] if held is State.OPEN else [20]), "stale; and when an open gate's hold ends"


@pytest.mark.parametrize(
    ("error", "told", "wait"),
    [
        pytest.param(SourceError("no answer"), "no answer", None, id="no answer"),
        pytest.param(SourceError("429", retry_after=30), "429", 30, id="asked to wait"),
        pytest.param(ConfigurationError("not set up"), "not set up", None, id="not set up"),
    ],
)
def test_a_failing_source_fails_the_pass_after_the_gate_was_brought_up_to_date(
    place: Place, history: History, error: Exception, told: str, wait: float | None
) -> None:
    history.fill(ledger_of(SERVICE), bad=SPENT)
    history.failing[ledger_of(SERVICE)] = error
    with pytest.raises(SourceError, match=told) as caught:
        run(place, history)
    assert caught.value.retry_after == wait
    assert state(place) is State.FROZEN


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(
            QueryRefusedError("bad PromQL"), id="a query that is refused for good: the ledger says so"
        ),
        pytest.param(
            LedgerConflictError("somebody else"), id="a service that shares the ledger is filling it"
        ),
    ],
)
def test_what_a_retry_would_not_mend_fails_no_pass(place: Place, history: History, error: Exception) -> None:
    history.failing[ledger_of(SERVICE)] = error
    assert run(place, history) is State.OPEN


def test_a_database_that_fails_fails_the_pass(place: Place, history: History) -> None:
    history.failing[ledger_of(SERVICE)] = TemporaryError("the database could not be used")
    with pytest.raises(TemporaryError):
        run(place, history)
    assert place.gates.standing(SERVICE.key) is None


def test_of_several_failures_all_are_said_and_the_longest_wait_counts(place: Place) -> None:
    slow = measured_by("slow_total")
    service = a_service("checkout", an_objective(), slow)
    put(place, service)
    history = History()
    history.fill(ledger_of(service))
    history.failing = {
        ledger_of(service): SourceError("first", retry_after=5),
        ledger_of(service, 1): SourceError("second", retry_after=60),
    }
    with pytest.raises(SourceError, match="first; second") as caught:
        run(place, history)
    assert caught.value.retry_after == 60


def measured_by(total: str) -> Objective:
    other = Indicator(prometheus=PrometheusIndicator(bad=f'{total}{{code="500"}}', total=total))
    return an_objective("latency").model_copy(update={"indicator": other})


# Two objectives, no service


def test_the_worst_objective_decides(place: Place) -> None:
    service = a_service("checkout", an_objective(), measured_by("slow_total"))
    put(place, service)
    history = History()
    history.fill(ledger_of(service))
    history.fill(ledger_of(service, 1), bad=SPENT)
    assert run(place, history) is State.FROZEN
    view = place.gates.view(service.key)
    assert view is not None
    left = [one.evidence.remaining for one in view.objectives if isinstance(one.evidence, Measured)]
    assert left[0] == 1
    assert left[1] < 0


def test_of_a_rolling_and_a_calendar_window_the_worse_decides_until_its_budget_resets(place: Place) -> None:
    """25,000 bad events are a tenth of 1 % of 28 days, and more than 0.05 % of November in Paris."""
    window = CalendarWindow(calendar="month", timezone="Europe/Paris")
    monthly = an_objective("monthly").model_copy(update={"window": window})
    service = a_service("checkout", an_objective(target="0.99"), monthly, gate=a_gate(freeze={"burn": "off"}))
    put(place, service)
    history, reset = History(), datetime(2026, 11, 30, 23, tzinfo=UTC)
    history.fill(ledger_of(service), bad=SPENT)
    assert run(place, history) is State.FROZEN
    view = standing_view(place)
    rolling, calendar = (one.evidence for one in view.objectives)
    assert isinstance(rolling, Measured)
    assert isinstance(calendar, Measured)
    assert rolling.remaining > 0.9
    assert calendar.remaining == pytest.approx(1 - SPENT / (0.0005 * 1000 * 30 * 1440), abs=1e-9)
    assert (rolling.resets_at, calendar.resets_at) == (None, reset)
    assert view.expected_end == reset + MINUTE
    assert view.burn_down[-1][1] == pytest.approx(calendar.remaining, abs=1e-9)

    history.fill(ledger_of(service), bad=SPENT, until=reset + 5 * MINUTE)
    assert run(place, history, reset) is State.FROZEN
    assert run(place, history, reset + 3 * MINUTE) is not State.FROZEN


# What does not count, and other targets


def corrected(**dated: object) -> Service:
    return Service.model_validate(SERVICE.model_dump(mode="json") | dated)


def adjusted(treatment: str) -> Service:
    start = NOW - 2 * HOUR - MINUTE
    stretch = {"from": start, "to": start + HOUR, "reason": "maintenance", "as": treatment}
    return corrected(adjustments=[stretch])


def except_for(until: datetime, since: datetime | None = None) -> Service:
    one = {"target": "99%", "until": until, "from": since, "reason": "agreed"}
    return corrected(exceptions=[one])


def only_view(place: Place) -> ServiceView:
    view = place.gates.view(SERVICE.key)
    assert view is not None
    return view


@pytest.mark.parametrize(
    ("treatment", "left_out"), [pytest.param("up", 0, id="up"), pytest.param("excluded", 60, id="excluded")]
)
def test_what_is_adjusted_freezes_nothing_and_what_was_measured_stands_beside_it(
    place: Place, history: History, treatment: str, left_out: int
) -> None:
    history.fill(ledger_of(SERVICE), bad=SPENT)
    put(place, adjusted(treatment))
    assert run(place, history) is State.OPEN
    (one,) = only_view(place).objectives
    assert isinstance(one.evidence, Measured)
    assert (one.evidence.bad, one.evidence.incidents) == (0, ())
    assert one.raw is not None
    assert one.raw.remaining < 0
    assert one.raw.total - one.evidence.total == 1000 * left_out
    (effect,) = one.adjusted
    assert effect.bad == pytest.approx(SPENT)
    assert effect.total == 60_000
    (incident,) = effect.incidents
    assert incident.bad == pytest.approx(SPENT)


def test_an_adjustment_taken_back_freezes_after_all(place: Place, history: History) -> None:
    history.fill(ledger_of(SERVICE), bad=SPENT)
    put(place, adjusted("up"))
    run(place, history)
    put(place, SERVICE)
    assert run(place, history, NOW + 2 * MINUTE) is State.FROZEN
    (one,) = only_view(place).objectives
    assert (one.adjusted, one.raw) == ((), None)


@pytest.mark.parametrize(
    ("service", "found"),
    [
        pytest.param(except_for(NOW + DAY), State.OPEN, id="in force"),
        pytest.param(except_for(NOW), State.FROZEN, id="over: the objective's own target is back"),
        pytest.param(except_for(NOW + DAY, since=NOW + HOUR), State.FROZEN, id="not yet in force"),
    ],
)
def test_an_exception_sets_the_target_while_it_is_in_force(
    place: Place, history: History, service: Service, found: State
) -> None:
    history.fill(ledger_of(SERVICE), bad=SPENT, incident=NOW - 5 * DAY)
    put(place, service)
    assert run(place, history) is found
    view = only_view(place)
    ((objective, one),) = view.pairs
    assert (one.exception is not None, one.raw is not None) == (found is State.OPEN,) * 2
    assert objective.target == (
        service.exceptions[0].target if one.exception else SERVICE.objectives[0].target
    )


def test_pull_requests_hear_of_an_exception_that_ends(place: Place, history: History) -> None:
    put(place, except_for(NOW + 5 * MINUTE))
    run(place, history)
    place.touched()
    run(place, history, NOW + 4 * MINUTE)
    assert place.touched() == {}
    run(place, history, NOW + 5 * MINUTE)
    assert place.touched() == {PULL: [FAN_OUT]}


def test_a_pull_request_that_is_put_on_record_while_the_gate_moves_is_looked_at_too(
    place: Place, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = place.services.save

    def after_another(*given: Any) -> None:
        place.github.open(2, sha=head("b"))
        place.run(2)
        place.touched()
        save(*given)

    monkeypatch.setattr(place.services, "save", after_another)
    history.fill(ledger_of(SERVICE), bad=SPENT)
    run(place, history, NOW + 5 * MINUTE)
    assert place.touched() == {PULL: [FAN_OUT], str(WorkKey.pull(SHOP, 2)): [FAN_OUT]}


def test_an_adjustment_that_is_still_to_come_changes_nothing_yet(place: Place, history: History) -> None:
    later = {"from": NOW + DAY, "to": NOW + 2 * DAY, "reason": "move of the data centre", "as": "excluded"}
    put(place, corrected(adjustments=[later]))
    assert run(place, history) is State.OPEN
    (one,) = only_view(place).objectives
    assert (one.adjusted, one.raw) == ((), None)


def test_a_service_without_policy_is_forgotten(place: Place, history: History) -> None:
    run(place, history)
    put(place)
    assert ServicePass(history, place.services)(KEY, (), NOW) == {"state": "gone"}
    assert place.gates.standing(SERVICE.key) is None


def test_seen_for_the_first_time_a_gate_is_told_to_those_who_wait_for_it(place: Place) -> None:
    empty = History()
    run(place, empty)
    standing = place.gates.standing(SERVICE.key)
    assert standing is not None
    assert [gap.doubt for gap in standing.view.memory.gaps] == [Doubt.NO_DATA]
    assert place.touched() == {PULL: [FAN_OUT]}


def test_the_log_says_where_the_gate_stands(place: Place, history: History) -> None:
    told = ServicePass(history, place.services)(KEY, (), NOW + MINUTE)
    assert told == {"state": State.OPEN, "moved": False, "remaining": 1.0, "gaps": []}


# Another definition


def _redefined(service: Service) -> Service:
    """The service with another query for its first objective."""
    prometheus = PrometheusIndicator(bad="failures_total", total="calls_total")
    first = service.objectives[0].model_copy(update={"indicator": Indicator(prometheus=prometheus)})
    return service.model_copy(update={"objectives": (first, *service.objectives[1:])})


def test_an_edited_query_begins_another_ledger_and_the_old_numbers_decide_nothing(
    place: Place, history: History
) -> None:
    history.fill(ledger_of(SERVICE), bad=SPENT)
    assert run(place, history) is State.FROZEN
    edited = _redefined(SERVICE)
    put(place, edited)
    backfilling = LedgerState(since=1, filled_until=2, progress=0.5)
    history.stored.commit(ledger_of(edited), LedgerUpdate(backfilling))
    assert run(place, history, NOW + 2 * MINUTE) is State.FROZEN, "held while the new one is read"
    view = place.gates.view(SERVICE.key)
    assert view is not None
    assert [gap.doubt for gap in view.memory.gaps] == [Doubt.BACKFILLING]
    history.fill(ledger_of(edited), bad=WELL, until=NOW + 2 * MINUTE)
    assert run(place, history, NOW + 3 * MINUTE) is State.PROBATION
    view = place.gates.view(SERVICE.key)
    assert view is not None
    (one,) = view.objectives
    assert isinstance(one.evidence, Measured)
    assert (one.evidence.bad, one.redefined) == (0, NOW + 2 * MINUTE)


def test_a_new_definition_is_said_for_as_long_as_the_old_one_could_be_remembered(
    place: Place, history: History
) -> None:
    run(place, history)
    edited = _redefined(SERVICE)
    put(place, edited)
    said = []
    for days in (0, 1, 27, 29):
        history.fill(ledger_of(edited), until=NOW + days * DAY)
        run(place, history, NOW + days * DAY + 2 * MINUTE)
        view = place.gates.view(SERVICE.key)
        assert view is not None
        said.append(view.objectives[0].redefined)
    assert said == [NOW + 2 * MINUTE] * 3 + [None]


@pytest.mark.parametrize(
    ("asked", "progress", "short"),
    [
        pytest.param(33 * DAY, None, True, id="asked for it all: it has nothing older"),
        pytest.param(33 * DAY, 0.9, False, id="the history is still being read"),
        pytest.param(20 * DAY, None, False, id="never asked for what lies before"),
    ],
)
def test_a_source_that_keeps_less_than_the_window_is_found_out(
    place: Place, history: History, asked: timedelta, progress: float | None, *, short: bool
) -> None:
    last = slice_of(NOW)
    first = last - 10 * 1440
    ones = np.ones(last - first + 1)
    state = LedgerState(
        since=last - int(asked / MINUTE),
        filled_until=last + 1,
        history_start=(first - 1) * 60_000,
        newest=last * 60_000,
        progress=progress,
    )
    slices = Slices(first, 1000 * ones, 0 * ones, ones.astype(np.uint8))
    edited = _redefined(SERVICE)
    put(place, edited)
    history.stored.commit(ledger_of(edited), LedgerUpdate(state, slices))
    run(place, history)
    view = place.gates.view(SERVICE.key)
    assert view is not None
    (one,) = view.objectives
    assert isinstance(one.evidence, Measured)
    assert one.evidence.partial_since == NOW - 10 * DAY - MINUTE
    assert one.source_short is short


@pytest.mark.parametrize(
    ("bad", "named"),
    [
        pytest.param(SPENT, ["b" * 40], id="a frozen gate says which deployment did it"),
        pytest.param(1_000, [], id="nobody asks for the cause of an open gate"),
    ],
)
def test_the_deployment_that_an_incident_followed_is_named(
    place: Place, history: History, bad: int, named: list[str]
) -> None:
    for name, at in (("a", NOW - 3 * DAY), ("b", NOW - 2 * HOUR - MINUTE)):
        report = DeploymentStatus(
            id=name,
            environment="production",
            production=True,
            task="deploy",
            ref="main",
            sha=name * 40,
            state="success",
            at=at,
            url=None,
        )
        place.deployments.report(SHOP, report)
    history.fill(ledger_of(SERVICE), bad=bad)
    run(place, history)
    assert [one.sha for one in standing_view(place).culprits] == named
