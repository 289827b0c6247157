"""When pull requests were open, as decisions tell, on SQLite and PostgreSQL."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from builders import DAY, HOUR, NOW, a_service, a_snapshot, a_view
from fakes import SHOP, head
from gatekeeper.decide.evaluate import decide
from gatekeeper.decide.verdict import State, Verdict
from gatekeeper.store.decisions import Decisions
from gatekeeper.store.engine import Database
from gatekeeper.store.pull_history import PullHistory
from gatekeeper.store.pulls import KnownPull, Pulls
from gatekeeper.store.queue import Queue
from gatekeeper.store.work import Work

OPENED, CLOSED = NOW - 5 * DAY, NOW - 2 * DAY


@pytest.fixture
def history(database: Database) -> PullHistory:
    """acme/shop#12, first seen five days ago, decided on again a day later, closed two days ago; #13 still open."""
    decide_on(database, 12, OPENED, labels=())
    decide_on(database, 12, OPENED + DAY, labels=("security",))
    decide_on(database, 13, OPENED + HOUR, labels=())
    pulls(database).close(SHOP, 12, CLOSED)
    return PullHistory(database)


def pulls(database: Database) -> Pulls:
    return Pulls(database, Queue(Work(database), lambda: NOW))


def decide_on(database: Database, number: int, at: datetime, *, labels: tuple[str, ...]) -> None:
    view = replace(a_view(State.OPEN, service=a_service("checkout")), all_exempt=number == 13)
    snapshot = a_snapshot(view)
    pull = replace(
        snapshot.pull,
        repository=SHOP,
        number=number,
        title=f"Change {number}",
        labels=labels,
        changed_lines=number,
    )
    snapshot = replace(snapshot, pull=pull, now=at)
    known = KnownPull(SHOP, number, head("a"), "seen", ("a.py",), "x", asked=False, decision=None)
    before = pulls(database).known(SHOP, number)
    with database.write() as connection:
        touched = {"acme/checkout": Verdict.ALLOW}
        assert pulls(database).save(connection, pull, known, touched, at, before=before)
        Decisions(database).add(connection, f"{SHOP}#{number}", snapshot, decide(snapshot), "essence")


def test_a_pull_request_has_the_span_from_its_first_decision_to_its_end(history: PullHistory) -> None:
    first, second = history.between(NOW - 30 * DAY, NOW)
    assert (first.subject, first.title) == (f"{SHOP}#12", "Change 12")
    assert (first.seen_since, first.closed_at, first.labels) == (OPENED, CLOSED, ("security",))
    assert (second.subject, second.closed_at) == (f"{SHOP}#13", None)
    assert (first.touched, second.touched) == ({"checkout": False}, {"checkout": True})


def test_the_lines_are_those_of_the_last_decision(history: PullHistory) -> None:
    assert [one.changed_lines for one in history.between(NOW - 30 * DAY, NOW)] == [12, 13]


@pytest.mark.parametrize(
    ("merged_at", "expected"),
    [
        pytest.param(None, (CLOSED, False), id="closed without a merge, when that was seen"),
        pytest.param(
            CLOSED - HOUR, (CLOSED - HOUR, True), id="merged, when GitHub says, not when it was seen"
        ),
    ],
)
def test_a_merge_is_told_from_a_mere_end(
    database: Database, merged_at: datetime | None, expected: tuple[datetime, bool]
) -> None:
    decide_on(database, 12, OPENED, labels=())
    pulls(database).close(SHOP, 12, CLOSED, merged_at=merged_at)
    (one,) = PullHistory(database).between(NOW - 30 * DAY, NOW)
    assert (one.closed_at, one.merged) == expected


@pytest.mark.parametrize(
    ("start", "end", "numbers"),
    [
        pytest.param(-30 * DAY, -6 * DAY, [], id="before any"),
        pytest.param(-6 * DAY, -4 * DAY, [12, 13], id="as they opened"),
        pytest.param(-1 * DAY, timedelta(0), [13], id="after the first was closed"),
    ],
)
def test_only_those_that_were_open_then_are_told(
    history: PullHistory, start: timedelta, end: timedelta, numbers: list[int]
) -> None:
    found = history.between(NOW + start, NOW + end)
    assert [one.subject for one in found] == [f"{SHOP}#{number}" for number in numbers]
