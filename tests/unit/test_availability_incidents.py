"""Incidents: what is one, where it begins and ends, and what MTBF and MTTR follow from them."""

import math
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.availability.incidents import (
    FAILING_BURN,
    FAILING_RATIO,
    FEWEST_FAILURES,
    LEAST_BURN,
    MERGED_GAP,
    RULE_OF_THREE,
    SIGNIFICANCE,
    Incident,
    failing_ratio,
    find,
    inside,
    reliability,
    turns,
)
from gatekeeper.availability.ledger import STEP, Flag, Slices, end_of
from ledgers import FIRST, MIDNIGHT, drawn, followed, stretch, stretches
from worlds import World
from worlds.spec import STANDARD

ALLOWED = 0.0005


def minute(count: int) -> datetime:
    return MIDNIGHT + timedelta(minutes=count)


def spans(slices: Slices, allowed: float = ALLOWED) -> list[tuple[int, int | None]]:
    """Start and end of each incident, in minutes."""

    def minutes(moment: datetime) -> int:
        return int((moment - MIDNIGHT).total_seconds()) // 60

    return [
        (minutes(one.start), None if one.end is None else minutes(one.end)) for one in find(slices, allowed)
    ]


@pytest.mark.parametrize(
    ("picture", "expected"),
    [
        pytest.param("....", [], id="nothing bad, no incident"),
        pytest.param("", [], id="nothing at all"),
        pytest.param("????", [], id="unknown is no incident"),
        pytest.param("____", [], id="nor is silence"),
        pytest.param(".xxx...", [(1, 4)], id="from the first bad slice to the last"),
        pytest.param(".x...", [(1, 2)], id="one bad minute is an incident"),
        pytest.param("x...", [(0, 1)], id="already bad at the beginning"),
        pytest.param("x.x...", [(0, 3)], id="one good slice in between is no recovery"),
        pytest.param("x..x...", [(0, 4)], id="nor are two"),
        pytest.param("x...x...", [(0, 1), (4, 5)], id="three are"),
        pytest.param("x???????x...", [(0, 9)], id="unknown slices do not end one, however many"),
        pytest.param("x_______x...", [(0, 9)], id="nor does silence"),
        pytest.param("x.?._x...", [(0, 6)], id="and they are no good slices either"),
        pytest.param("?x?...", [(1, 2)], id="nor do they begin or lengthen one"),
        pytest.param("..x", [(2, None)], id="bad to the last: open"),
        pytest.param("..x..", [(2, None)], id="two good slices may still be part of it"),
        pytest.param("..x...", [(2, 3)], id="three good slices close it"),
        pytest.param("..x????", [(2, None)], id="not knowing does not close it"),
        pytest.param("..x.?.?_.", [(2, 3)], id="three good slices, whatever lies between"),
        pytest.param("x...x", [(0, 1), (4, None)], id="only the last can be open"),
    ],
)
def test_where_incidents_begin_and_end(picture: str, expected: list[tuple[int, int | None]]) -> None:
    assert spans(drawn(picture)) == expected


@pytest.mark.parametrize(
    ("allowed", "ratio"),
    [
        pytest.param(0.0001, 0.00144, id="99.99 %: what burns at 14.4"),
        pytest.param(0.0005, 0.0072, id="99.95 %: likewise"),
        pytest.param(0.005, 0.025, id="99.5 %: one in forty, long before that"),
        pytest.param(0.01, 0.025, id="99 %: likewise"),
        pytest.param(0.05, 0.10, id="95 %: one in forty is within the promise, twice the promise is not"),
    ],
)
def test_what_a_failing_slice_is(allowed: float, ratio: float) -> None:
    assert failing_ratio(allowed) == pytest.approx(ratio)
    events = 10**7
    failing, passing = math.ceil(ratio * events * 1.0001), math.floor(ratio * events * 0.9999)
    assert spans(stretch([(events, failing, 1)] + [(events, 0, 1)] * 3), allowed) == [(0, 1)]
    assert spans(stretch([(events, passing, 1)] + [(events, 0, 1)] * 3), allowed) == []


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [
        pytest.param([(1, 1, 1)], 0, id="one error of one request"),
        pytest.param([(3, 3, 1)] * 3, 0, id="nine errors, all there was"),
        pytest.param([(3, 3, 1)] * 3 + [(1, 1, 1)], 1, id="ten of them"),
        pytest.param([(5, 1, 1)] * 10, 1, id="ten, one in each minute"),
        pytest.param([(1000, 9, 1)], 0, id="nine of a thousand"),
        pytest.param([(1000, 10, 1)], 1, id="ten of a thousand"),
    ],
)
def test_few_errors_are_noise(minutes: list[tuple[int, int, int]], expected: int) -> None:
    assert len(spans(stretch(minutes))) == expected


@pytest.mark.parametrize(
    ("target", "per_minute"),
    [
        (0.9999, 1200),
        (0.9995, 1200),
        (0.999, 6000),
        (0.99, 30),
        (0.99, 300),
        (0.95, 3),
        (0.95, 60),
        (0.9, 10),
    ],
)
def test_a_service_that_just_keeps_its_promise_has_no_incidents(target: float, per_minute: int) -> None:
    rng = np.random.default_rng(20261102)
    total = rng.poisson(per_minute, 28 * 1440).astype(np.float64)
    bad = rng.binomial(total.astype(np.int64), 0.9 * (1 - target)).astype(np.float64)
    assert (
        len(find(Slices(FIRST, total, bad, np.ones(len(total), dtype=np.uint8)), round(1 - target, 9))) <= 1
    )


@pytest.fixture(scope="module")
def world() -> World:
    """All but the brownout: 0.3 % for three days burns budget, but at no minute did the service fail."""
    return World(7, minute(0), specs=[spec for spec in STANDARD if spec.name != "brownout"])


def test_the_faults_of_a_world_are_found_and_nothing_else(world: World) -> None:
    for truth in world.services.values():
        bad, total = truth.observable_slices(world.start, world.end)
        first = FIRST - len(total)
        found = find(
            Slices(first, total, bad, np.ones(len(total), dtype=np.uint8)), round(1 - truth.target, 9)
        )
        late = [abs(one.start - fault.start) for one, fault in zip(found, truth.incidents, strict=True)]
        assert max(late, default=timedelta(0)) <= timedelta(minutes=7), truth.name


def test_the_formulas_page_states_the_rule_in_force() -> None:
    page = (Path(__file__).parents[2] / "docs" / "formulas.md").read_text()
    for phrase in (
        f"max({LEAST_BURN:g}·a, min({FAILING_BURN:g}·a, {FAILING_RATIO * 100:g} %))",
        f"Up to {MERGED_GAP} good slices",
        f"at least {FEWEST_FAILURES} bad events, and at least a·n + {SIGNIFICANCE:g}·√(a·n)",
        f"at least U / {RULE_OF_THREE:g}",
    ):
        assert phrase in page


def test_an_incident_says_what_it_cost() -> None:
    (one,) = find(drawn(".x.x" + "." * 996), ALLOWED)
    assert one == Incident(minute(1), minute(4), bad=200, total=3000, budget_share=0.4)


def reference(slices: Slices, allowed: float) -> list[tuple[int, int | None, float]]:
    """Incidents as (first index, last index or None, bad), slice by slice."""
    runs: list[list[int]] = []
    good, floor = 0, failing_ratio(allowed)
    for position in range(len(slices)):
        bad, total = float(slices.bad[position]), float(slices.total[position])
        if total == 0:
            continue
        if bad / total < floor:
            good += 1
        elif runs and good <= 2:
            runs[-1][1], good = position, 0
        else:
            runs.append([position, position])
            good = 0
    found = []
    for first, last in runs:
        bad, total = (float(counts[first : last + 1].sum()) for counts in (slices.bad, slices.total))
        is_open = [first, last] == runs[-1] and good <= 2
        if bad >= 10 and bad >= allowed * total + 6 * math.sqrt(allowed * total):
            found.append((slices.first + first, None if is_open else slices.first + last, bad))
    return found


ALLOWEDS = st.sampled_from([0.0005, 0.001, 0.01, 0.05, 0.3])


@given(stretches(), ALLOWEDS)
def test_it_agrees_with_going_slice_by_slice(slices: Slices, allowed: float) -> None:
    assert [(one.start, one.end, one.bad) for one in find(slices, allowed)] == [
        (end_of(first - 1), None if last is None else end_of(last), bad)
        for first, last, bad in reference(slices, allowed)
    ]


@given(stretches(), stretches(), ALLOWEDS)
def test_what_is_closed_stays_as_it_is(before: Slices, after: Slices, allowed: float) -> None:
    """Only its share of a budget that has grown meanwhile changes."""
    closed = [replace(one, budget_share=0) for one in find(before, allowed) if one.end is not None]
    later = [replace(one, budget_share=0) for one in find(followed(before, after), allowed)]
    assert later[: len(closed)] == closed


@given(stretches(), ALLOWEDS, st.integers(0, 120))
def test_incidents_do_not_depend_on_how_the_ledger_came_in_pieces(
    slices: Slices, allowed: float, cut: int
) -> None:
    middle = min(slices.first + cut, slices.stop)
    pieces = followed(slices.between(slices.first, middle), slices.between(middle, slices.stop))
    assert find(pieces, allowed) == find(slices, allowed)


@given(stretches(), ALLOWEDS)
def test_incidents_cost_no_more_than_was_spent(slices: Slices, allowed: float) -> None:
    found, sums = find(slices, allowed), slices.sums()
    assert sum(one.bad for one in found) <= sums.bad
    if found:
        spent = sums.bad / (allowed * sums.total)
        assert sum(one.budget_share for one in found) <= spent * (1 + 1e-12)


@given(stretches(), ALLOWEDS)
def test_every_incident_begins_and_ends_with_a_bad_slice(slices: Slices, allowed: float) -> None:
    covered = inside(slices, find(slices, allowed))
    edges = np.diff(covered.astype(int), prepend=0)
    assert (slices.bad[edges == 1] > 0).all()
    assert (slices.bad[:-1][edges[1:] == -1] > 0).all()


@pytest.mark.parametrize(
    ("picture", "length", "expected"),
    [
        pytest.param("......", 3, "000000", id="nothing fails, nothing turns"),
        pytest.param("?__?-.", 3, "000000", id="nor where there is nothing to fail"),
        pytest.param("..x", 9, "001", id="one begins"),
        pytest.param("..xx", 9, "0012", id="and grows"),
        pytest.param(".x..", 9, "0111", id="two good slices leave it open"),
        pytest.param(".x...", 9, "01112", id="the third closes it"),
        pytest.param(".x....", 9, "011122", id="which it does once"),
        pytest.param(".x._?..", 9, "0111112", id="silence and what is unknown close nothing"),
        pytest.param(".x......", 5, "01112233", id="it leaves the window"),
        pytest.param(".x..", 2, "0112", id="an open one leaves it too"),
        pytest.param("xx....", 3, "011233", id="slice by slice"),
        pytest.param("x..x", 3, "0001", id="one leaves as the next begins: as many as before, but others"),
    ],
)
def test_when_the_incidents_of_a_moving_window_may_change(picture: str, length: int, expected: str) -> None:
    assert "".join(str(turn) for turn in turns_of(drawn(picture), length)) == expected


def turns_of(slices: Slices, length: int) -> list[int]:
    """Of a window of so many slices, after each of them."""
    stops = np.arange(1, len(slices) + 1)
    return [int(turn) for turn in turns(slices, ALLOWED, np.maximum(stops - length, 0), stops)]


@given(stretches(min_size=1), st.integers(1, 40))
def test_between_two_turns_incidents_are_the_same(slices: Slices, length: int) -> None:
    known: dict[int, list[Incident]] = {}
    for stop, turn in enumerate(turns_of(slices, length), start=1):
        window = slices.between(slices.first + max(stop - length, 0), slices.first + stop)
        found = [replace(one, budget_share=0) for one in find(window, ALLOWED)]
        assert known.setdefault(turn, found) == found


@pytest.mark.parametrize(
    ("begun", "ended", "picture"),
    [
        pytest.param(-5, -2, "....", id="over before the stretch"),
        pytest.param(-5, 0, "....", id="over as it begins"),
        pytest.param(-5, 2, "xx..", id="under way as it begins"),
        pytest.param(1, 3, ".xx.", id="inside it"),
        pytest.param(3, 9, "...x", id="not over as it ends"),
        pytest.param(4, 9, "....", id="after it"),
        pytest.param(2, None, "..xx", id="open"),
    ],
)
def test_which_slices_an_incident_covers(begun: int, ended: int | None, picture: str) -> None:
    one = Incident(minute(begun), None if ended is None else minute(ended), bad=1, total=1, budget_share=0)
    assert inside(drawn("...."), [one]).tolist() == [sign == "x" for sign in picture]


@pytest.mark.parametrize(
    ("picture", "mtbf", "mttr", "bounds"),
    [
        pytest.param("." * 90, 30, None, (True, False), id="no failure: a third of the time, at least"),
        pytest.param("?" * 9, None, None, (True, False), id="nothing measured, nothing known"),
        pytest.param(
            "." * 8 + "xx", 8, 2, (False, True), id="the first failure is not over: at least so far"
        ),
        pytest.param("xx" + "." * 8, 8, 2, (False, False), id="one failure, mended"),
        pytest.param("xx...xxxx...", 3, 3, (False, False), id="means of two failures"),
        pytest.param(
            "xx...?????...x..?", 3, 2.5, (False, True), id="unknown is no up-time; an open one outlasts"
        ),
        pytest.param(
            "xxxx...x", 1.5, 4, (False, False), id="a young open failure tells nothing about the mean yet"
        ),
        pytest.param("xx...xx", 1.5, 2, (False, False), id="as long as the mean it may still be the mean"),
        pytest.param("xx...xxxx", 1.5, 3, (False, True), id="an open one that outlasts the mean raises it"),
    ],
)
def test_mtbf_and_mttr_in_minutes(
    picture: str, mtbf: float | None, mttr: float | None, bounds: tuple[bool, bool]
) -> None:
    slices = drawn(picture)
    found = reliability(slices, find(slices, ALLOWED))
    assert found.mtbf_s == (None if mtbf is None else mtbf * 60)
    assert found.mttr_s == (None if mttr is None else mttr * 60)
    assert (found.mtbf_is_lower_bound, found.mttr_is_lower_bound) == bounds


@given(stretches())
def test_availability_in_time_follows_when_every_failure_is_closed(before: Slices) -> None:
    slices = followed(before, drawn("x..."))
    found = find(slices, ALLOWED)
    down = float(inside(slices, found).sum() * STEP)
    up = float((slices.having(Flag.MEASURED) & ~inside(slices, found)).sum() * STEP)
    result = reliability(slices, found)
    assert result.mtbf_s is not None
    assert result.mttr_s is not None
    assert result.mtbf_s / (result.mtbf_s + result.mttr_s) == pytest.approx(up / (up + down), rel=1e-12)


@given(stretches(), st.integers(0, 200))
def test_a_lower_bound_holds_whenever_the_open_failure_ends(before: Slices, more: int) -> None:
    slices = followed(before, drawn("x"))
    ended = followed(slices, drawn("x" * more + "..."))
    now, then = (reliability(one, find(one, ALLOWED)) for one in (slices, ended))
    assert now.mttr_s is not None
    assert then.mttr_s is not None
    assert then.mttr_s >= now.mttr_s or not now.mttr_is_lower_bound
