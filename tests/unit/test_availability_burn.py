"""Burn rates, and the alert table whose thresholds follow from the share of budget and the window."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.availability.budget import remaining
from gatekeeper.availability.burn import (
    PAGE_ROWS,
    SPANS,
    TICKET_ROWS,
    Row,
    burn_rate,
    burn_rate_each,
    firing,
    reachable,
    threshold,
)

DAY = 86400
FAST = PAGE_ROWS[0]
ROWS = (*PAGE_ROWS, *TICKET_ROWS)


@pytest.mark.parametrize(
    ("bad", "total", "allowed", "burn"),
    [
        pytest.param(0, 1000, 0.001, 0.0, id="nothing bad burns nothing"),
        pytest.param(1, 1000, 0.001, 1.0, id="exactly what is allowed burns at one"),
        pytest.param(1, 10, 0.001, 100.0, id="one of ten in an hour is a hundredfold, not a thousandfold"),
        pytest.param(10, 10, 0.0005, 2000.0, id="a total outage burns at one over the allowed share"),
        pytest.param(0, 0, 0.001, None, id="without events there is no burn rate"),
    ],
)
def test_the_burn_rate(bad: float, total: float, allowed: float, burn: float | None) -> None:
    assert burn_rate(bad, total, allowed) == burn


@given(st.integers(0, 10**6), st.integers(1, 10**9), st.sampled_from([0.0005, 0.001, 0.017, 0.1]))
def test_over_a_whole_window_it_is_the_share_spent(bad: int, total: int, allowed: float) -> None:
    burn = burn_rate(bad, total, allowed)
    assert burn is not None
    assert math.isclose(remaining(bad, total, allowed), 1 - burn, rel_tol=1e-12, abs_tol=1e-12)


@given(st.lists(st.tuples(st.floats(0, 1e9), st.just(0.0) | st.floats(1e-6, 1e9)), max_size=20))
def test_many_at_once_are_bit_for_bit_the_same(counts: list[tuple[float, float]]) -> None:
    bad, total = (np.array([pair[side] for pair in counts], dtype=np.float64) for side in (0, 1))
    rates = burn_rate_each(bad, total, 0.017).tolist()
    assert [None if math.isnan(rate) else rate for rate in rates] == [
        burn_rate(*pair, 0.017) if pair[1] else None for pair in counts
    ]


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        pytest.param(30, (14.4, 6, 3, 1), id="30 days give the workbook's table"),
        pytest.param(28, (13.44, 5.6, 2.8, 0.9333), id="28 days"),
        pytest.param(14, (6.72, 2.8, 1.4, 0.4667), id="14 days"),
        pytest.param(7, (3.36, 1.4, 0.7, 0.2333), id="7 days"),
        pytest.param(90, (43.2, 18, 9, 3), id="90 days"),
    ],
)
def test_thresholds_follow_from_share_and_window(days: int, expected: tuple[float, ...]) -> None:
    assert [threshold(row, days * DAY) for row in ROWS] == pytest.approx(expected, abs=5e-5)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.severity} {row.long_s} s")
def test_at_its_threshold_a_row_has_let_go_its_share(row: Row) -> None:
    assert threshold(row, 28 * DAY) * row.long_s / (28 * DAY) == pytest.approx(row.share)
    assert row.short_s * 12 == row.long_s


def test_the_formulas_page_prints_the_table_in_force() -> None:
    page = (Path(__file__).parents[2] / "docs" / "formulas.md").read_text()
    for row in ROWS:
        limits = [f"{round(threshold(row, days * DAY), 3):g}" for days in (7, 28, 30)]
        assert f"| {row.share * 100:g} % | {' | '.join(limits)} |" in page


def test_every_span_of_the_table_is_measured() -> None:
    assert {span for row in ROWS for span in (row.long_s, row.short_s)} == set(SPANS)
    assert list(SPANS) == sorted(SPANS)


@pytest.mark.parametrize(
    ("long", "short", "fires"),
    [
        pytest.param(20.0, 20.0, True, id="both spans above"),
        pytest.param(20.0, 1.0, False, id="it is over: the short span is calm"),
        pytest.param(1.0, 20.0, False, id="too short to matter: the long span is calm"),
        pytest.param(13.44, 20.0, False, id="at the threshold is not above it"),
        pytest.param(20.0, 13.44, False, id="nor for the short span"),
        pytest.param(None, 20.0, False, id="no events in the long span"),
        pytest.param(20.0, None, False, id="no events in the short span"),
    ],
)
def test_a_row_fires_when_both_spans_burn_above_its_threshold(
    long: float | None, short: float | None, *, fires: bool
) -> None:
    exact = replace(FAST, share=13.44 * FAST.long_s / (28 * DAY))
    assert threshold(exact, 28 * DAY) == 13.44
    assert firing(exact, {FAST.long_s: long, FAST.short_s: short}, 28 * DAY) is fires


def test_a_span_that_was_not_measured_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        firing(FAST, {FAST.long_s: 20.0}, 28 * DAY)


@pytest.mark.parametrize(
    ("allowed", "days", "can"),
    [
        pytest.param(0.001, 30, True, id="99.9 % can burn a thousandfold"),
        pytest.param(0.1, 30, False, id="90 % can burn at most tenfold, never at 14.4"),
        pytest.param(0.1, 7, True, id="over 7 days 3.36 is enough"),
        pytest.param(0.05, 90, False, id="95 % over 90 days never reaches 43.2"),
    ],
)
def test_some_rows_can_never_fire(allowed: float, days: int, *, can: bool) -> None:
    assert reachable(FAST, days * DAY, allowed) is can


def test_a_row_at_the_fastest_burn_there_is_cannot_fire() -> None:
    row = Row("page", 3600, 300, share=0.5)
    assert threshold(row, 20 * 3600) == 10
    assert not reachable(row, 20 * 3600, 0.1)
