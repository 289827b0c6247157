"""A day of the ledger beside the source's own count: agreement, drift, and days that tell nothing."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.availability.audit import DAY, Audited, Recount, Unaudited, Why, audit, slices_of
from gatekeeper.availability.filling import Totals
from gatekeeper.availability.ledger import Flag, end_of
from ledgers import MIDNIGHT, drawn, stretch

NOTHING = Totals(0, 0)
EXACT = 0.0
COUNTS = st.floats(0, 1e9)


def recount(total: float, bad: float, *, unseen: Totals = NOTHING, inexactness: float = EXACT) -> Recount:
    return Recount(Totals(total, bad), unseen, inexactness)


def test_a_day_is_that_of_utc() -> None:
    first, stop = slices_of(MIDNIGHT.date())
    assert (end_of(first - 1), stop - first) == (MIDNIGHT, DAY)


@pytest.mark.parametrize(
    ("counted", "drifted"),
    [
        pytest.param(recount(1000, 100), False, id="the same"),
        pytest.param(recount(1002, 98), False, id="two events are no difference"),
        pytest.param(recount(1003, 100), True, id="events that the ledger lacks"),
        pytest.param(recount(997, 100), True, id="events that the ledger has too many"),
        pytest.param(recount(1000, 103), True, id="bad ones that it lacks"),
        pytest.param(recount(1000, 0), True, id="bad ones that nobody else counts"),
        pytest.param(recount(1007, 100, inexactness=0.005), False, id="the query is known to be as inexact"),
        pytest.param(recount(1009, 100, inexactness=0.005), True, id="and no more than that"),
        pytest.param(recount(900, 5, unseen=Totals(100, 100)), False, id="born series explain it"),
        pytest.param(recount(900, 100, unseen=Totals(50, 0)), True, id="born series explain half of it"),
        pytest.param(
            recount(1000, 50, unseen=Totals(50, 0)), True, id="what was born was not bad, and explains none"
        ),
    ],
)
def test_what_is_drift(counted: Recount, *, drifted: bool) -> None:
    assert Audited(Totals(1000, 100), counted).drifted is drifted


@pytest.mark.parametrize(
    ("picture", "counted", "why"),
    [
        pytest.param("?" * DAY, recount(5000, 0), Why.MISSING, id="a lost day is not a day without data"),
        pytest.param("?" * DAY, recount(0, 0), Why.NO_DATA, id="nobody has anything"),
        pytest.param("?" * 5 + "." * (DAY - 5), recount(1, 0), Why.PARTIAL, id="its beginning is not known"),
        pytest.param("." * (DAY - 5) + "?" * 5, recount(1, 0), Why.PARTIAL, id="its end is not known"),
        pytest.param("." * DAY, Unaudited(Why.UNSUPPORTED), Why.UNSUPPORTED, id="cannot be counted"),
        pytest.param("?" * DAY, Unaudited(Why.NO_DATA), Why.NO_DATA, id="the source forgot"),
    ],
)
def test_what_cannot_be_compared_has_no_numbers(picture: str, counted: Recount | Unaudited, why: Why) -> None:
    found = audit(drawn(picture), counted)
    assert isinstance(found, Unaudited)
    assert (found.why, found.drifted) == (why, why is Why.MISSING)


def test_a_gap_across_midnight_belongs_to_no_day() -> None:
    spread = (10, 0, int(Flag.MEASURED | Flag.INTERPOLATED))
    slices = stretch([spread] * 3 + [(10, 0, 1)] * (DAY - 3))
    assert audit(slices, recount(14_400, 0)) == Unaudited(Why.PARTIAL)


def test_a_gap_inside_of_the_day_changes_no_sum() -> None:
    spread = (10, 0, int(Flag.MEASURED | Flag.INTERPOLATED))
    slices = stretch([(10, 0, 1), *[spread] * (DAY - 2), (10, 0, 1)])
    found = audit(slices, recount(14_400, 0))
    assert isinstance(found, Audited)
    assert (found.drift, found.apart, found.drifted) == (NOTHING, 0, False)


def test_a_slow_scrape_leaves_minutes_without_a_sample() -> None:
    found = audit(drawn("?." * (DAY // 2 - 2) + "?.??"), recount(1000 * (DAY // 2 - 1), 0))
    assert isinstance(found, Audited)
    assert not found.drifted


def test_availability_is_compared_as_shares() -> None:
    found = Audited(Totals(1000, 0), recount(2000, 20))
    assert found.availability_drift == pytest.approx(0.01)
    assert found.apart == 1
    assert Audited(NOTHING, recount(2000, 20)).availability_drift is None


@given(COUNTS, COUNTS, COUNTS, COUNTS, st.floats(0, 0.1))
def test_neither_side_is_favoured(
    total: float, bad: float, other_total: float, other_bad: float, inexactness: float
) -> None:
    one, other = Totals(total, bad), Totals(other_total, other_bad)
    there = Audited(one, Recount(other, NOTHING, inexactness))
    back = Audited(other, Recount(one, NOTHING, inexactness))
    assert (there.drifted, there.tolerance, there.apart) == (back.drifted, back.tolerance, back.apart)
    assert there.drift == Totals(-back.drift.total, -back.drift.bad)


@given(COUNTS, COUNTS, st.floats(0, 0.1), COUNTS)
def test_equal_counts_never_drift(total: float, bad: float, inexactness: float, unseen: float) -> None:
    counts = Totals(total, bad)
    assert not Audited(counts, Recount(counts, Totals(unseen, unseen), inexactness)).drifted


def test_days_of_other_years_are_whole_too() -> None:
    first, stop = slices_of(date(2028, 2, 29))
    assert stop == slices_of(date(2028, 3, 1))[0] == first + DAY
