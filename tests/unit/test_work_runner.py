from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.errors import NotFoundError, PolicyError, RateLimitedError, TemporaryError
from gatekeeper.events.keys import Kind, WorkKey
from gatekeeper.events.triggers import Priority, Touch
from gatekeeper.github.urgency import present
from gatekeeper.worker.backoff import BASE, CAP, backoff
from gatekeeper.worker.leases import Leases
from gatekeeper.worker.runner import TEMPORARY_ATTEMPTS, UNEXPECTED_ATTEMPTS, Runner
from gatekeeper.worker.schedule import Routine, Schedule

NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
PULL = WorkKey.pull("acme/shop", 12)


@dataclass(frozen=True)
class AClaim:
    key: WorkKey = PULL
    token: str = "t"
    attempts: int = 1
    touched_at: datetime = NOW - timedelta(seconds=2)
    hints: Sequence[Mapping[str, Any]] = ()
    priority: int = Priority.EVENT


@dataclass
class Table:
    """A work table with one claim; keeps what became of it."""

    lost: bool = False
    calls: list[tuple[Any, ...]] = field(default_factory=list)

    def refresh(self, touches: object, now: datetime, *, older_than: datetime) -> object:
        raise NotImplementedError

    def claim(self, now: datetime, lease: timedelta) -> AClaim | None:
        raise NotImplementedError

    def release_all(self) -> None:
        raise NotImplementedError

    def is_due(self, now: datetime) -> bool:
        raise NotImplementedError

    def extend(self, claim: AClaim, until: datetime) -> bool:
        return self._note("extend", claim.token, until)

    def finish(self, claim: AClaim, now: datetime) -> bool:
        return self._note("finish")

    def retry(self, claim: AClaim, not_before: datetime, error: str) -> bool:
        return self._note("retry", (not_before - NOW).total_seconds(), error)

    def put_off(self, claim: AClaim, not_before: datetime, why: str) -> bool:
        return self._note("put off", (not_before - NOW).total_seconds(), why)

    def park(self, claim: AClaim, now: datetime, error: str) -> bool:
        return self._note("park", error)

    def _note(self, *call: Any) -> bool:
        self.calls.append(call)
        return not self.lost


def run(
    error: Exception | None = None, claim: AClaim | None = None, **table: Any
) -> tuple[Table, dict[str, Any]]:
    """One pass that raises this, or goes well; what the table heard and the line logged."""

    def one_pass(_key: WorkKey, _hints: object, _now: datetime) -> Mapping[str, Any]:
        if error is not None:
            raise error
        return {"writes": 2}

    kept = Table(**table)
    runner = Runner(kept, {Kind.PULL: one_pass}, lambda: NOW, lambda: 0.5)
    with structlog.testing.capture_logs(processors=[structlog.contextvars.merge_contextvars]) as lines:
        runner.run(claim or AClaim())
    (line,) = lines
    return kept, dict(line)


def test_a_pass_that_goes_well_is_finished_and_says_so_in_one_line() -> None:
    table, line = run()
    assert table.calls == [("finish",)]
    assert line == {
        "event": "pass.done",
        "log_level": "info",
        "key": "pull:acme/shop#12",
        "outcome": "done",
        "seconds": 0.0,
        "waited": 2.0,
        "attempt": 1,
        "writes": 2,
    }


@pytest.mark.parametrize(
    ("error", "attempts", "expected"),
    [
        pytest.param(PolicyError("line 3"), 1, ("finish",), id="an author's mistake is shown elsewhere"),
        pytest.param(TemporaryError("502"), 1, ("retry", 1.0, "502"), id="temporary: backoff"),
        pytest.param(TemporaryError("502"), 3, ("retry", 4.0, "502"), id="temporary, third time: longer"),
        pytest.param(
            RateLimitedError("slow", retry_after=60), 1, ("put off", 61.0, "slow"), id="a limit is waited for"
        ),
        pytest.param(
            RateLimitedError("slow", retry_after=60),
            TEMPORARY_ATTEMPTS,
            ("put off", 61.0, "slow"),
            id="however often: it is not the work that fails",
        ),
        pytest.param(TemporaryError("502"), TEMPORARY_ATTEMPTS, ("park", "502"), id="temporary for too long"),
        pytest.param(NotFoundError("gone"), 1, ("park", "gone"), id="permanent: parked at once"),
        pytest.param(KeyError("x"), 1, ("retry", 1.0, "KeyError: 'x'"), id="unexpected: retried"),
        pytest.param(
            KeyError("x"), UNEXPECTED_ATTEMPTS, ("park", "KeyError: 'x'"), id="unexpected, again and again"
        ),
        pytest.param(
            None,
            TEMPORARY_ATTEMPTS + 1,
            ("park", "the worker died in each of 15 attempts"),
            id="work that kills its worker is not tried for ever",
        ),
    ],
)
def test_the_type_of_the_error_decides(
    error: Exception | None, attempts: int, expected: tuple[Any, ...]
) -> None:
    table, _ = run(error, AClaim(attempts=attempts))
    assert table.calls == [expected]


def test_an_unexpected_error_is_logged_with_its_traceback() -> None:
    _, line = run(KeyError("x"))
    assert line["log_level"] == "error"
    assert "in one_pass" in line["exception"]


def test_an_expected_error_is_logged_without() -> None:
    _, line = run(TemporaryError("502"))
    assert (line["log_level"], line["error"], "exception" in line) == ("warning", "502", False)


def test_a_kind_that_nothing_works_on_is_parked() -> None:
    table, line = run(claim=AClaim(key=WorkKey(Kind.SERVICE, "acme/checkout")))
    assert table.calls == [("park", "nothing here works on service keys")]
    assert line["outcome"] == "parked"


def test_what_is_put_off_is_said_apart_from_what_failed() -> None:
    _, line = run(RateLimitedError("the hour's quota is used up", retry_after=60))
    assert (line["event"], line["outcome"]) == ("pass.put_off", "put_off")


def test_what_a_pass_sends_is_as_urgent_as_its_work() -> None:
    seen = []

    def one_pass(_key: WorkKey, _hints: object, _now: datetime) -> Mapping[str, Any]:
        seen.append(present())
        return {}

    runner = Runner(Table(), {Kind.PULL: one_pass}, lambda: NOW, lambda: 0.5)
    for priority in (Priority.DEPLOYING, Priority.OPEN):
        runner.run(AClaim(priority=priority))
    assert seen == [Priority.DEPLOYING, Priority.OPEN]
    assert present() == Priority.EVENT


@pytest.mark.parametrize(
    "error",
    [None, TemporaryError("502"), NotFoundError("gone"), RateLimitedError("slow", retry_after=60)],
)
def test_a_lease_lost_meanwhile_is_said(error: Exception | None) -> None:
    _, line = run(error, lost=True)
    assert line["outcome"] == "lease_lost"


@given(st.integers(1, 40), st.floats(0, 1, exclude_max=True), st.none() | st.floats(0, 7200))
def test_backoff_is_bounded_and_never_shorter_than_asked(
    attempt: int, share: float, asked: float | None
) -> None:
    wait = backoff(attempt, lambda: share, at_least=asked)
    least = timedelta(seconds=asked or 0)
    assert least <= wait <= least + min(CAP, BASE * 2 ** (attempt - 1))


def test_the_heartbeat_extends_what_runs_and_lets_go_of_what_is_stuck() -> None:
    table = Table()
    leases = Leases(table, lease=timedelta(seconds=15), longest=timedelta(minutes=30))
    with leases.held(AClaim(token="old"), NOW - timedelta(minutes=30)), leases.held(AClaim(token="new"), NOW):
        leases.extend(NOW)
    leases.extend(NOW)
    assert table.calls == [("extend", "new", NOW + timedelta(seconds=15))]


def test_a_routine_is_due_at_start_then_once_a_period_however_late() -> None:
    def nothing(_now: datetime) -> Sequence[Touch]:
        return ()

    minutely, hourly = (
        Routine("services", timedelta(minutes=1), nothing),
        Routine("pulls", timedelta(hours=1), nothing),
    )
    schedule = Schedule([minutely, hourly])
    assert schedule.due(NOW) == [minutely, hourly]
    schedule.done(minutely, NOW)
    assert schedule.due(NOW) == [hourly]  # it has not gone well yet
    schedule.done(hourly, NOW)
    assert schedule.due(NOW + timedelta(seconds=59)) == []
    assert schedule.due(NOW + timedelta(minutes=10)) == [minutely]
    schedule.done(minutely, NOW + timedelta(minutes=10))
    assert schedule.due(NOW + timedelta(minutes=10, seconds=59)) == []


def test_a_start_looks_only_where_nobody_just_was_unless_the_routine_says_so() -> None:
    usual, always = (
        Routine(name, timedelta(minutes=5), lambda _now: (), at_start=name == "deliveries")
        for name in ("pulls", "deliveries")
    )
    schedule = Schedule([usual, always])
    half_ago = NOW - timedelta(minutes=2.5)
    assert (schedule.stale(usual, NOW), schedule.stale(always, NOW)) == (half_ago, NOW)
    schedule.done(always, NOW)
    assert schedule.stale(always, NOW) == half_ago, "from then on the timers of many processes add up to one"
