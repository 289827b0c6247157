"""Pull requests as remembered, on SQLite and PostgreSQL."""

from dataclasses import replace
from typing import Any

import pytest

from builders import DAY, HOUR, NOW, a_pull, a_service
from fakes import SHOP, head
from gatekeeper.decide.snapshot import Landed
from gatekeeper.decide.verdict import Verdict
from gatekeeper.events.keys import WorkKey
from gatekeeper.events.triggers import Priority
from gatekeeper.store.engine import Database
from gatekeeper.store.pulls import KnownPull, Pulls
from gatekeeper.store.queue import Queue
from gatekeeper.store.work import Work

CHECKOUT, SEARCH = "acme/checkout", "acme/search"
BLOCKED = {CHECKOUT: Verdict.BLOCK}


class Remembered:
    """Pull requests and the queue."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.work = Work(database)
        self.pulls = Pulls(database, Queue(self.work, lambda: NOW))

    def save(
        self, number: int, sha: str = head("a"), verdicts: dict[str, Verdict] | None = None, **values: Any
    ) -> KnownPull:
        pull = replace(a_pull(), number=number, head_sha=sha)
        known = KnownPull(
            SHOP, number, sha, "seen", ("src/app.py",), f"{sha} main", asked=False, decision=None
        )
        known = replace(known, **values)
        before, verdicts = self.pulls.known(SHOP, number), BLOCKED if verdicts is None else verdicts
        with self.database.write() as connection:
            assert self.pulls.save(connection, pull, known, verdicts, NOW, before=before)
        return replace(known, looked_at=NOW)

    def touched(self) -> set[str]:
        found = set()
        while claim := self.work.claim(NOW + HOUR, HOUR):
            found.add(str(claim.key))
            self.work.finish(claim, NOW + HOUR)
        return found


@pytest.fixture
def remembered(database: Database) -> Remembered:
    return Remembered(database)


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({}, id="plain"),
        pytest.param({"paths": None}, id="too many files to list"),
        pytest.param({"paths": ()}, id="no files"),
        pytest.param({"paths": ("ü/ñ.py", 'a "b".py')}, id="names with any signs"),
        pytest.param({"asked": True, "decision": "0123"}, id="explained and decided"),
    ],
)
def test_what_is_saved_is_known(remembered: Remembered, values: dict[str, Any]) -> None:
    known = remembered.save(1, **values)
    assert remembered.pulls.known(SHOP, 1) == known
    assert remembered.pulls.open(SHOP) == {1: known}


@pytest.mark.parametrize("first", [True, False], ids=["never seen before", "seen before"])
def test_nothing_is_saved_over_what_another_worker_saw_meanwhile(
    remembered: Remembered, *, first: bool
) -> None:
    before = None if first else remembered.save(1, sha=head("a"))
    theirs = remembered.save(1, sha=head("b"))
    late = replace(theirs, head_sha=head("c"), looked_at=None)
    pull = replace(a_pull(), number=1, head_sha=head("c"))
    with remembered.database.write() as connection:
        assert not remembered.pulls.save(connection, pull, late, BLOCKED, NOW + HOUR, before=before)
    assert remembered.pulls.known(SHOP, 1) == theirs


def test_a_later_version_takes_the_place_of_the_one_before(remembered: Remembered) -> None:
    remembered.save(1, verdicts={CHECKOUT: Verdict.BLOCK, SEARCH: Verdict.ALLOW})
    remembered.save(1, verdicts={SEARCH: Verdict.BLOCK})
    assert remembered.pulls.touching(CHECKOUT) == ()
    assert remembered.pulls.blocked() == {SEARCH: (f"{SHOP}#1",)}


def test_touching_and_blocked_name_the_open_ones_in_order(remembered: Remembered) -> None:
    for number in (10, 9, 2):
        remembered.save(number, sha=head("a"))
    remembered.save(3, verdicts={CHECKOUT: Verdict.WARN})
    remembered.save(4, verdicts={})
    remembered.pulls.close(SHOP, 9, NOW)
    assert remembered.pulls.touching(CHECKOUT) == tuple(
        (SHOP, number, Priority.OPEN) for number in (2, 3, 10)
    )
    assert remembered.pulls.blocked() == {CHECKOUT: (f"{SHOP}#2", f"{SHOP}#10")}


@pytest.mark.parametrize(
    ("values", "priority"),
    [
        pytest.param({}, Priority.OPEN, id="one among many"),
        pytest.param({"approved": True}, Priority.APPROVED, id="approved: somebody may merge it at any time"),
        pytest.param({"auto_merge": True}, Priority.AUTO_MERGE, id="auto-merge: it lands as soon as it may"),
        pytest.param({"auto_merge": True, "approved": True}, Priority.AUTO_MERGE, id="both"),
    ],
)
def test_the_nearer_to_landing_the_sooner_it_is_looked_at(
    remembered: Remembered, values: dict[str, Any], priority: Priority
) -> None:
    known = remembered.save(1, **values)
    assert remembered.pulls.touching(CHECKOUT) == ((SHOP, 1, priority),)
    assert remembered.pulls.open(SHOP) == {1: known}
    assert known.priority is priority


def test_a_closed_one_is_unknown_until_it_is_saved_again(remembered: Remembered) -> None:
    remembered.save(1)
    remembered.pulls.close(SHOP, 1, NOW)
    assert remembered.pulls.known(SHOP, 1) is None
    assert remembered.pulls.open(SHOP) == {}
    assert remembered.pulls.sharing(SHOP, head("a")) == ()
    remembered.save(1)
    assert remembered.pulls.known(SHOP, 1) is not None


def test_closing_what_was_never_seen_is_no_error(remembered: Remembered) -> None:
    remembered.pulls.close(SHOP, 1, NOW)
    assert remembered.touched() == set()


def test_what_was_merged_is_on_record_for_the_services_it_touched(remembered: Remembered) -> None:
    both = {CHECKOUT: Verdict.WARN, SEARCH: Verdict.ALLOW}
    for number, verdicts, at in ((1, both, NOW - HOUR), (2, BLOCKED, NOW - 2 * HOUR), (3, BLOCKED, None)):
        remembered.save(number, sha=head(str(number)), verdicts=verdicts)
        remembered.pulls.close(SHOP, number, NOW, merged_at=at)
    assert remembered.pulls.landed(CHECKOUT, NOW - DAY) == (
        Landed(SHOP, 2, NOW - 2 * HOUR),
        Landed(SHOP, 1, NOW - HOUR),
    )
    assert remembered.pulls.landed(CHECKOUT, NOW - HOUR) == ()
    assert remembered.pulls.landed(SEARCH, NOW - DAY) == (Landed(SHOP, 1, NOW - HOUR),)
    assert remembered.touched() == {f"service:{CHECKOUT}", f"service:{SEARCH}"}


def test_what_was_merged_counts_once(remembered: Remembered) -> None:
    remembered.save(1)
    for _ in range(2):
        remembered.pulls.close(SHOP, 1, NOW, merged_at=NOW - HOUR)
    assert remembered.pulls.landed(CHECKOUT, NOW - DAY) == (Landed(SHOP, 1, NOW - HOUR),)


def test_repositories_are_kept_apart(remembered: Remembered) -> None:
    remembered.save(1)
    assert remembered.pulls.known("acme/web", 1) is None
    assert remembered.pulls.open("acme/web") == {}
    assert remembered.pulls.sharing("acme/web", head("a")) == ()


# Heads that are shared


def test_sharing_names_the_open_ones_with_a_head_by_number(remembered: Remembered) -> None:
    for number in (3, 1):
        remembered.save(number)
    remembered.save(2, sha=head("b"))
    assert [one.number for one in remembered.pulls.sharing(SHOP, head("a"))] == [1, 3]


@pytest.mark.parametrize(
    ("leave", "touched"),
    [
        pytest.param(lambda one: one.save(1, sha=head("b")), {2}, id="a new head"),
        pytest.param(lambda one: one.pulls.close(SHOP, 1, NOW), {2}, id="closed"),
        pytest.param(lambda one: one.save(1), set(), id="nothing changed"),
        pytest.param(lambda one: one.save(9), set(), id="another one comes"),
        pytest.param(lambda one: one.save(3, sha=head("b")), set(), id="one without company leaves"),
    ],
)
def test_who_leaves_a_head_has_the_others_looked_at(
    remembered: Remembered, leave: object, touched: set[int]
) -> None:
    remembered.save(1)
    remembered.save(2)
    remembered.save(3, sha=head("c"))
    assert remembered.touched() == set()
    assert callable(leave)
    leave(remembered)
    assert remembered.touched() == {str(WorkKey.pull(SHOP, number)) for number in touched}


def test_in_line_keeps_the_fingerprint_and_nothing_else(remembered: Remembered) -> None:
    known = remembered.save(1, seen="before")
    remembered.pulls.in_line(SHOP, 1, "after")
    assert remembered.pulls.known(SHOP, 1) == replace(known, seen="after")


def test_a_service_by_any_name_is_one_service(remembered: Remembered) -> None:
    service = a_service()
    remembered.save(1, verdicts={service.key: Verdict.BLOCK, f"{service.key}-2": Verdict.BLOCK})
    assert remembered.pulls.touching(service.key) == ((SHOP, 1, Priority.OPEN),)
