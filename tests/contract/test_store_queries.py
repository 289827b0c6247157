"""What a pass costs the database: how many statements, and that none of them reads what it need not."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import event

from builders import HOUR, MINUTE, NOW, a_pull, a_view
from databases import opened
from fakes import SHOP, Place, head
from gatekeeper.decide.verdict import State, Verdict
from gatekeeper.events.keys import Kind, WorkKey
from gatekeeper.events.triggers import Touch
from gatekeeper.store.pulls import KnownPull
from gatekeeper.worker.pull_pass import FAN_OUT

FROZEN, OPEN = a_view(State.FROZEN, -0.5), a_view(State.OPEN, 0.9)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with opened(f"sqlite:///{tmp_path}/gatekeeper.db") as database:
        place = Place(database)
        place.github.create(SHOP)
        place.put(FROZEN)
        yield place


@contextmanager
def statements(place: Place) -> Iterator[list[tuple[str, object]]]:
    """Every statement with its parameters, while the block runs."""
    found: list[tuple[str, object]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        if not statement.startswith("BEGIN"):
            found.append((statement, parameters))

    event.listen(place.database.engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(place.database.engine, "before_cursor_execute", note)


def changing(found: list[tuple[str, object]]) -> list[str]:
    return [statement for statement, _ in found if statement.split()[0] in {"INSERT", "UPDATE", "DELETE"}]


@pytest.mark.parametrize(
    ("happened", "most", "most_changing"),
    [
        pytest.param("nothing", 19, 3, id="nothing happened"),
        pytest.param("transition", 25, 8, id="the gate moved: check and labels"),
        pytest.param("opened", 29, 12, id="it is new and blocked: check, labels and comment"),
    ],
)
def test_a_pass_over_a_pull_request_takes_few_statements(
    place: Place, happened: str, most: int, most_changing: int
) -> None:
    place.github.open(1)
    if happened != "opened":
        place.run(1)
        place.run(1)
    if happened == "transition":
        place.stand(OPEN)
    with statements(place) as found:
        place.run(1, *([FAN_OUT] if happened == "transition" else []))
    assert len(found) <= most, [statement for statement, _ in found]
    assert len(changing(found)) <= most_changing, changing(found)


def test_no_statement_of_any_pass_reads_a_whole_table_that_grows(place: Place) -> None:
    """They grow with every pull request ever seen."""
    github = place.github
    with statements(place) as found:
        for number in (1, 2):
            github.open(number)
            github.label(number, "slo:override", by="alice")
            place.run(number)
        github.unlabel(1, "slo:override")
        github.change(1, head_sha=head("b"))
        place.run(1)
        github.change(2, open=False)
        place.run(2)
        place.run(WorkKey(Kind.REPOSITORY, SHOP))
        place.run(WorkKey.commit(SHOP, head("b")))
        place.pulls.touching(FROZEN.service.key)
        place.decisions.latest(f"{SHOP}#1", most=1)
    assert _scans(place, found) == {}


def test_what_looks_at_everything_looks_at_what_is_open(place: Place) -> None:
    """The dashboard's blocked ones, and overrides, which are few."""
    place.github.open(1)
    place.run(1)
    with statements(place) as found:
        place.pulls.blocked()
        place.overrides.ended(NOW + HOUR)
    scanned = {table for tables in _scans(place, found).values() for table in tables}
    assert scanned <= {"pull_service", "override"}
    place.github.change(1, open=False)
    place.run(1)
    with place.database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM pull_service").scalar_one() == 0


def _scans(place: Place, found: list[tuple[str, object]]) -> dict[str, list[str]]:
    """By statement, the growing tables that SQLite would read from end to end for it."""
    growing = {"pull", "pull_service", "decision", "publication", "override", "work", "transition"}
    scans: dict[str, list[str]] = {}
    with place.database.engine.connect() as connection:
        for statement, parameters in found:
            if statement.split()[0] not in {"SELECT", "UPDATE", "DELETE"}:
                continue
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()  # type: ignore[arg-type]  # as they were sent
            details = [row.detail for row in plan if row.detail.startswith("SCAN ")]
            if tables := sorted({detail.split()[1] for detail in details} & growing):
                scans[statement] = tables
    return scans


def test_a_transition_costs_as_many_statements_for_a_hundred_pull_requests_as_for_one(place: Place) -> None:
    for number in range(1, 101):
        sha = f"{number:040x}"
        known = KnownPull(SHOP, number, sha, "", (), "", asked=False, decision=None)
        pull = replace(a_pull(), number=number, head_sha=sha)
        blocked = {FROZEN.service.key: Verdict.BLOCK}
        with place.database.write() as connection:
            assert place.pulls.save(connection, pull, known, blocked, NOW, before=None)
    touches = [
        Touch(WorkKey.pull(repository, number), priority, FAN_OUT)
        for repository, number, priority in place.pulls.touching(FROZEN.service.key)
    ]
    with statements(place) as found:
        place.gates.save(OPEN, State.FROZEN, touches, NOW + MINUTE)
    assert len(touches) == 100
    assert len(found) == 4, "the gate, the transition, the keys, and their hints"
