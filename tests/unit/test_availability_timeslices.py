"""Minutes instead of events: OpenSLO's own example, and slices judged exactly."""

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.availability.incidents import FEWEST_MINUTES
from gatekeeper.availability.ledger import Flag, Slices, end_of
from gatekeeper.availability.measure import Measured, measure
from gatekeeper.availability.timeslices import judged
from gatekeeper.availability.window import Rolling
from ledgers import FIRST, drawn, stretch, stretches

TWO_WEEKS = 14 * 1440


@pytest.mark.parametrize(
    ("total", "bad", "target", "is_bad"),
    [
        pytest.param(100, 1, "0.99", False, id="just good enough"),
        pytest.param(100, 2, "0.99", True, id="one too many"),
        pytest.param(1000, 17, "0.983", False, id="exactly at a target that floats miss"),
        pytest.param(1, 1, "0.01", True, id="the only event was bad"),
        pytest.param(10_000_000, 1, "1", True, id="a target of all forgives nothing"),
    ],
)
def test_a_slice_is_good_or_bad_as_a_whole(total: int, bad: int, target: str, *, is_bad: bool) -> None:
    found = judged(stretch([(total, bad, Flag.MEASURED)]), Decimal(target))
    assert (found.total.tolist(), found.bad.tolist()) == ([1], [float(is_bad)])


def test_nothing_is_said_of_slices_without_events() -> None:
    slices = drawn("._?x")
    found = judged(slices, Decimal("0.95"))
    assert (found.total.tolist(), found.bad.tolist()) == ([1, 0, 0, 1], [0, 0, 0, 1])
    assert found.flags.tolist() == slices.flags.tolist()


@given(stretches(), st.integers(1, 1000))
def test_each_slice_is_compared_exactly(slices: Slices, thousandths: int) -> None:
    target = Decimal(thousandths) / 1000
    found = judged(slices, target)
    for total, bad, one, is_bad in zip(slices.total, slices.bad, found.total, found.bad, strict=True):
        assert one == (total > 0)
        assert is_bad == (total > 0 and Fraction(total - bad) / Fraction(total) < Fraction(thousandths, 1000))


def test_openslos_example_spends_its_budget_after_16_hours_48_minutes() -> None:
    """Two weeks, 95 %, a 99 % base, an attack that lets 1 % through: 1,008 minutes may be bad."""
    minutes = int(timedelta(hours=16, minutes=48) / timedelta(minutes=1))
    bad = np.full(TWO_WEEKS, 10.0)
    bad[-minutes:] = 990.0
    slices = Slices(FIRST, np.full(TWO_WEEKS, 1000.0), bad, np.full(TWO_WEEKS, 1, dtype=np.uint8))
    found = measure(
        judged(slices, Decimal("0.95")),
        allowed=0.05,
        window=Rolling(timedelta(days=14)),
        now=end_of(slices.stop - 1),
        history_start=None,
        quiet_s=0,
        fewest=FEWEST_MINUTES,
    )
    assert isinstance(found, Measured)
    assert (found.bad, found.total, found.remaining) == (1008, TWO_WEEKS, 0)


def test_three_bad_minutes_are_an_incident() -> None:
    for count, incidents in ((2, 0), (3, 1)):
        slices = drawn("." * 1440 + "x" * count + "." * 10)
        found = measure(
            judged(slices, Decimal("0.95")),
            allowed=0.005,
            window=Rolling(timedelta(days=1)),
            now=end_of(slices.stop - 1),
            history_start=None,
            quiet_s=0,
            fewest=FEWEST_MINUTES,
        )
        assert isinstance(found, Measured)
        assert len(found.incidents) == incidents
