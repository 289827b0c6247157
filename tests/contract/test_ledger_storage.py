"""Every ledger keeps the same promises: the one in memory that tests use, and the one in the database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gatekeeper.availability.filling import LedgerConflictError, LedgerState, LedgerStatus, LedgerUpdate
from gatekeeper.availability.ledger import Slices, end_of
from gatekeeper.availability.series import Cursor
from gatekeeper.store.engine import Database, create_store_engine
from gatekeeper.store.ledger import SqlLedger
from gatekeeper.store.packing import DAY, first_of, pack, unpack
from gatekeeper.store.tables import metadata
from memory_ledger import MemoryLedger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from gatekeeper.worker.fill_ports import Ledger

ID = "an-indicator"
TODAY = 20_400
SINCE = first_of(TODAY - 28)
NOW = datetime(2026, 11, 2, tzinfo=UTC)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    folder: Path = tmp_path_factory.mktemp("ledger")
    database = Database(create_store_engine(f"sqlite:///{folder}/gatekeeper.db"))
    metadata.create_all(database.engine)
    yield database
    database.close()


@pytest.fixture(params=["memory", "database"])
def ledger(request: pytest.FixtureRequest, database: Database) -> Ledger:
    made: dict[str, Callable[[], Ledger]] = {"memory": MemoryLedger, "database": lambda: emptied(database)}
    return made[request.param]()


def emptied(database: Database) -> SqlLedger:
    with database.write() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(table.delete())
    return SqlLedger(database)


def state(filled_until: int, version: int = 0, **more: object) -> LedgerState:
    start = LedgerState(since=SINCE, filled_until=filled_until, progress=None, version=version)
    return replace(start, **more)  # type: ignore[arg-type]  # fields by name


def stretch(first: int, totals: list[float], flag: int = 1) -> Slices:
    total = np.array(totals, dtype=np.float64)
    return Slices(first, total, np.floor(total / 10), np.full(len(totals), flag, dtype=np.uint8))


def same(one: Slices, other: Slices) -> bool:
    pairs = ((one.total, other.total), (one.bad, other.bad), (one.flags, other.flags))
    return one.first == other.first and all(np.array_equal(a, b) for a, b in pairs)


def test_nothing_is_known_of_a_ledger_that_nobody_asked_for(ledger: Ledger) -> None:
    assert ledger.state(ID) is None
    assert ledger.status(ID) == LedgerStatus()
    assert ledger.cursors(ID, [1, 2]) == {}
    assert ledger.sums(ID, SINCE, SINCE + 5).coverage == 0


def test_what_was_committed_is_read_back(ledger: Ledger) -> None:
    first = first_of(TODAY) + 700
    after = state(
        first + 3,
        history_start=1,
        newest=2,
        born_after=3,
        scrape=4,
        spacing=5,
        deficit=6.5,
        problem="x",
        too_large="y",
    )
    ledger.commit(
        ID, LedgerUpdate(after, stretch(first, [10, 0, 25]), {-7: Cursor(8, 9.5), 2**62: Cursor(1, 2)})
    )
    assert ledger.state(ID) == replace(after, version=1)
    assert same(
        ledger.read(ID, first - 1, first + 4), stretch(first, [10, 0, 25]).between(first - 1, first + 4)
    )
    assert ledger.cursors(ID, [-7, 3, 2**62]) == {-7: Cursor(8, 9.5), 2**62: Cursor(1, 2)}
    assert ledger.status(ID).filled_until == end_of(first + 2)


def test_recent_cursors_are_found_by_their_time(ledger: Ledger) -> None:
    cursors = {1: Cursor(10, 1.5), 2: Cursor(20, 2.5), 3: Cursor(30, 3.5)}
    ledger.commit(ID, LedgerUpdate(state(SINCE + 1), cursors=cursors))
    assert ledger.recent(ID, 20) == {2: Cursor(20, 2.5), 3: Cursor(30, 3.5)}
    assert ledger.recent("another", 0) == {}


def test_who_comes_second_stores_nothing(ledger: Ledger) -> None:
    first = first_of(TODAY)
    ledger.commit(ID, LedgerUpdate(state(first + 1), stretch(first, [10]), {1: Cursor(1, 1)}))
    for version in (0, 2):
        with pytest.raises(LedgerConflictError):
            ledger.commit(
                ID, LedgerUpdate(state(first + 1, version), stretch(first, [99]), {1: Cursor(9, 9)})
            )
    assert ledger.read(ID, first, first + 1).total.tolist() == [10]
    assert ledger.cursors(ID, [1]) == {1: Cursor(1, 1)}


def test_an_error_is_said_since_it_began_and_until_a_commit(ledger: Ledger) -> None:
    ledger.fail(ID, "refused", NOW)
    ledger.fail(ID, "no answer", NOW + timedelta(minutes=1))
    assert ledger.status(ID) == LedgerStatus(error="no answer", error_since=NOW)
    assert ledger.state(ID) is None
    ledger.commit(ID, LedgerUpdate(state(SINCE + 1)))
    assert ledger.status(ID) == LedgerStatus(filled_until=end_of(SINCE), asked_since=end_of(SINCE - 1))
    ledger.fail(ID, "again", NOW + timedelta(hours=1))
    assert ledger.status(ID).error_since == NOW + timedelta(hours=1)


def test_ledgers_do_not_mix(ledger: Ledger) -> None:
    first = first_of(TODAY)
    ledger.commit(ID, LedgerUpdate(state(first + 1), stretch(first, [10]), {1: Cursor(1, 1)}))
    ledger.commit("another", LedgerUpdate(state(first + 1), stretch(first, [20]), {1: Cursor(2, 2)}))
    assert ledger.sums(ID, SINCE, first + 1).total == 10
    assert ledger.cursors("another", [1]) == {1: Cursor(2, 2)}


@st.composite
def updates(draw: st.DrawFn) -> list[tuple[int, bool, Slices]]:
    """(last slice asked for, backfilling, slices anywhere before it), time going on by up to two days a step."""
    now, found = first_of(TODAY - 6), []
    for _ in range(draw(st.integers(1, 6))):
        now += draw(st.integers(1, 2 * DAY))
        length = draw(st.integers(1, 3 * DAY))
        stop = now - draw(st.one_of(st.just(0), st.integers(0, 5 * DAY)))
        kind = draw(st.sampled_from([10, 70_000, 5_000_000_000, 0.5]))
        sparse = draw(st.integers(1, 4))
        index = np.arange(length)
        flags = np.where(index % sparse == 0, draw(st.sampled_from([1, 3, 5])), 0).astype(np.uint8)
        total = np.where(flags > 0, index % 7 * kind, 0.0)
        found.append((now, draw(st.booleans()), Slices(stop - length, total, np.floor(total / 3), flags)))
    return found


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(updates(), st.data())
def test_a_ledger_reads_the_same_however_it_was_written(
    database: Database, steps: list[tuple[int, bool, Slices]], data: st.DataObject
) -> None:
    memory, stored = MemoryLedger(), emptied(database)
    for version, (now, backfilling, slices) in enumerate(steps):
        update = LedgerUpdate(state(now, version, progress=0.5 if backfilling else None), slices)
        memory.commit(ID, update)
        stored.commit(ID, update)
    begin, end = first_of(TODAY - 16), first_of(TODAY + 7)
    assert same(stored.read(ID, begin, end), memory.read(ID, begin, end))
    for _ in range(5):
        first = data.draw(st.integers(begin, end))
        stop = data.draw(st.integers(first, min(first + data.draw(st.sampled_from([3, DAY, 9 * DAY])), end)))
        mine, other = stored.sums(ID, first, stop), memory.sums(ID, first, stop)
        assert (mine.total, mine.bad) == pytest.approx((other.total, other.bad), rel=1e-12)
        assert replace(mine, total=0, bad=0) == replace(other, total=0, bad=0)


MANY = [f"ledger-{place}" for place in range(4)]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(updates(), min_size=len(MANY), max_size=len(MANY)), st.data())
def test_sums_of_many_ledgers_are_those_of_their_slices(
    database: Database, each: list[list[tuple[int, bool, Slices]]], data: st.DataObject
) -> None:
    """However late their slices came, whatever was written over, and wherever the window's edges lie."""
    stored = emptied(database)
    for version in range(6):
        steps = {name: steps[version] for name, steps in zip(MANY, each, strict=True) if version < len(steps)}
        corrected = {
            name: LedgerUpdate(state(now, version), slices) for name, (now, _, slices) in steps.items()
        }
        assert not stored.commit_all(corrected)
    begin, end = first_of(TODAY - 16), first_of(TODAY + 7)
    first = data.draw(st.integers(begin, end))
    stop = data.draw(st.integers(first, min(first + data.draw(st.sampled_from([3, DAY, 28 * DAY])), end)))
    found = stored.sums_of([*MANY, "never-filled"], first, stop)
    for name in [*MANY, "never-filled"]:
        expected = stored.read(name, first, stop).sums()
        assert (found[name].total, found[name].bad) == pytest.approx(
            (expected.total, expected.bad), rel=1e-12, abs=1e-6
        )
        assert replace(found[name], total=0, bad=0) == replace(expected, total=0, bad=0)


def test_no_rounding_makes_a_sum_negative(database: Database) -> None:
    ledger, first = emptied(database), first_of(TODAY)
    tenths = Slices(first, np.full(4, 0.1), np.array([0.1, 0.2, 0.3, 0.0]), np.ones(4, dtype=np.uint8))
    ledger.commit(ID, LedgerUpdate(state(first + 4), tenths))
    assert ledger.sums(ID, first + 3, first + 4).bad == 0


def test_of_several_commits_only_the_one_that_came_second_is_refused(database: Database) -> None:
    ledger, first = emptied(database), first_of(TODAY)
    ledger.commit("b", LedgerUpdate(state(first + 1), stretch(first, [10]), {1: Cursor(1, 1)}))
    again = LedgerUpdate(state(first + 2), stretch(first, [99, 99]), {1: Cursor(2, 2)})
    assert ledger.commit_all({"a": again, "b": again, "c": again}) == {"b"}
    assert ledger.sums_of(["a", "b"], first, first + 2)["a"].total == 198
    assert ledger.sums("b", first, first + 2).total == 10
    assert ledger.cursors_of({"b": [1], "c": [1, 2]}) == {"b": {1: Cursor(1, 1)}, "c": {1: Cursor(2, 2)}}
    assert {name: one.version for name, one in ledger.states(["a", "b", "x"]).items()} == {"a": 1, "b": 1}
    assert ledger.statuses(["a", "x"]) == {"a": ledger.status("a"), "x": LedgerStatus()}


def test_cursors_are_kept_for_35_days(database: Database) -> None:
    ledger, day = emptied(database), 86_400_000
    old = {1: Cursor(0, 1), 2: Cursor(2 * day, 2)}
    ledger.commit(ID, LedgerUpdate(state(first_of(TODAY)), stretch(first_of(TODAY) - 1, [1]), old))
    newest = 35 * day + day
    ledger.commit(
        ID, LedgerUpdate(state(first_of(TODAY + 4), 1, newest=newest), cursors={3: Cursor(newest, 3)})
    )
    assert set(ledger.cursors(ID, [1, 2, 3])) == {2, 3}


@given(
    st.lists(st.tuples(st.floats(0, 1e15), st.floats(0, 1e300), st.integers(0, 7)), min_size=1, max_size=5)
)
def test_a_packed_day_is_unpacked_exactly(values: list[tuple[float, float, int]]) -> None:
    day = Slices.unknown(first_of(TODAY), DAY)
    for place, (total, bad, flags) in enumerate(values):
        day.total[place], day.bad[place], day.flags[place] = total, bad, flags
    assert same(unpack(pack(day), TODAY), day)


def test_a_usual_day_packs_well() -> None:
    rng = np.random.default_rng(1)
    total, bad = rng.poisson(1200, DAY), rng.poisson(0.1, DAY)
    day = Slices(first_of(TODAY), total.astype(float), bad.astype(float), np.ones(DAY, dtype=np.uint8))
    assert sum(map(len, pack(day))) < 3 * DAY


# Ledgers that no policy names any more


AGES = [
    pytest.param(89, [], False, id="unnamed for less than 90 days: an edit may be taken back"),
    pytest.param(91, [], True, id="unnamed for longer"),
    pytest.param(91, [ID], False, id="named, however long its source has failed"),
]


@pytest.mark.parametrize(("days", "named", "gone"), AGES)
def test_a_ledger_that_no_policy_names_is_deleted_after_ninety_days(
    database: Database, days: int, named: list[str], *, gone: bool
) -> None:
    ledger = emptied(database)
    first, closed = first_of(TODAY), first_of(TODAY - 1)
    ledger.commit(ID, LedgerUpdate(state(first + 2), stretch(closed, [7.0]), {1: Cursor(2, 3.0)}))
    ledger.commit(ID, LedgerUpdate(state(first + 2, version=1), stretch(first, [5.0, 6.0])))
    ledger.commit("another", LedgerUpdate(state(first + 90 * DAY), stretch(first, [8.0])))
    assert ledger.forget_unnamed(named, end_of(first) + timedelta(days=days)) == int(gone)
    assert (ledger.state(ID) is None) is gone
    assert ledger.sums(ID, closed, first + 2).total == (0 if gone else 18)
    assert len(ledger.cursors(ID, [1])) == int(not gone)
    assert ledger.sums("another", first, first + 1).total == 8


def test_a_ledger_that_never_was_filled_goes_too_and_may_begin_anew(database: Database) -> None:
    ledger = emptied(database)
    ledger.fail(ID, "no answer", NOW)
    assert ledger.forget_unnamed((), NOW + timedelta(days=89)) == 0
    assert ledger.forget_unnamed((), NOW + timedelta(days=91)) == 1
    ledger.commit(ID, LedgerUpdate(state(SINCE + 1), stretch(SINCE, [1.0])))
    assert ledger.sums(ID, SINCE, SINCE + 1).total == 1
