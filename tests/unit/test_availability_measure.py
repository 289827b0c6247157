"""The evidence against a slow recount, and as the plain value it is stored and replayed as."""

from dataclasses import replace
from datetime import datetime, timedelta
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from gatekeeper.availability.budget import remaining
from gatekeeper.availability.incidents import find, reliability
from gatekeeper.availability.ledger import Flag, Slices, end_of, ending_at
from gatekeeper.availability.measure import Evidence, Measured, Unmeasured, burn_down, measure
from gatekeeper.availability.window import Rolling
from ledgers import FIRST, MIDNIGHT, drawn, stretch, stretches

EVIDENCE: TypeAdapter[Evidence] = TypeAdapter(Evidence)
MINUTE = timedelta(minutes=1)
ALLOWED = 0.05


def at_the_end(slices: Slices) -> datetime:
    return end_of(slices.stop - 1)


def evidence(slices: Slices, *, window: int = 60, quiet: int = 20, allowed: float = ALLOWED) -> Evidence:
    """Evidence at the end of a stretch; window and quiet time in minutes."""
    return measure(
        slices,
        allowed=allowed,
        window=Rolling(window * MINUTE),
        now=at_the_end(slices),
        history_start=None,
        quiet_s=quiet * 60,
    )


def measured(slices: Slices, *, window: int = 60, quiet: int = 20, allowed: float = ALLOWED) -> Measured:
    found = evidence(slices, window=window, quiet=quiet, allowed=allowed)
    assert isinstance(found, Measured)
    return found


def within(slices: Slices, now: datetime, minutes: int) -> tuple[int, int]:
    """(bad, total) of the minutes up to now, one by one."""
    bad = total = 0
    for position in range(len(slices)):
        end = end_of(slices.first + position)
        if now - minutes * MINUTE < end <= now:
            bad += int(slices.bad[position])
            total += int(slices.total[position])
    return bad, total


def left(slices: Slices, now: datetime, minutes: int) -> Fraction | None:
    bad, total = within(slices, now, minutes)
    return 1 - Fraction(bad) / (Fraction(5, 100) * total) if total else None


def positive_since(slices: Slices, now: datetime, window: int, quiet: int) -> datetime | None:
    since = None
    for back in range(quiet + 1):
        share = left(slices, now - back * MINUTE, window)
        if share is None or share <= 0:
            return since
        since = now - back * MINUTE
    return since


@given(stretches(min_size=1), st.integers(1, 60), st.integers(0, 60))
def test_it_agrees_with_counting_one_by_one(slices: Slices, window: int, quiet: int) -> None:
    now = at_the_end(slices)
    found = evidence(slices, window=window, quiet=quiet)
    bad, total = within(slices, now, window)
    assert (found.window_start, found.window_end) == (now - window * MINUTE, now)
    if not total:
        assert isinstance(found, Unmeasured)
        return
    assert isinstance(found, Measured)
    assert (found.good, found.bad, found.total) == (total - bad, bad, total)
    assert found.availability == (total - bad) / total
    assert Fraction(found.remaining) == pytest.approx(left(slices, now, window), rel=1e-12, abs=1e-12)
    assert found.positive_since == positive_since(slices, now, window, quiet)
    for span, burn in found.burn:
        some_bad, some = within(slices, now, span // 60)
        assert burn == (pytest.approx(some_bad / some / ALLOWED) if some else None)
    recent = slices.between(slices.stop - window, slices.stop)
    assert found.incidents == find(recent, ALLOWED)
    assert found.reliability == reliability(recent, found.incidents)
    assert sorted(found.worst, key=lambda one: one.start) == sorted(
        sorted(found.incidents, key=lambda one: -one.bad)[:3], key=lambda one: one.start
    )


@given(stretches(min_size=1))
def test_stored_and_read_again_it_is_bit_for_bit_the_same(slices: Slices) -> None:
    found = evidence(slices)
    stored = EVIDENCE.dump_json(found)
    again = EVIDENCE.validate_json(stored)
    assert again == found
    assert type(again) is type(found)
    assert EVIDENCE.dump_json(again) == stored


@given(stretches(min_size=1), st.integers(0, 200), st.integers(0, 200))
def test_slices_beyond_window_and_quiet_time_change_nothing(slices: Slices, more: int, later: int) -> None:
    wider = slices.between(slices.first - more, slices.stop + later)
    found = measure(
        wider,
        allowed=ALLOWED,
        window=Rolling(60 * MINUTE),
        now=at_the_end(slices),
        history_start=None,
        quiet_s=1200,
    )
    assert found == evidence(slices)


@given(stretches(min_size=1), st.integers(0, 119))
def test_more_bad_events_never_leave_more_budget(slices: Slices, place: int) -> None:
    worse = np.array(slices.bad)
    position = place % len(slices)
    worse[position] = slices.total[position]
    before, after = evidence(slices, window=200), evidence(replace(slices, bad=worse), window=200)
    if isinstance(before, Measured):
        assert isinstance(after, Measured)
        assert after.remaining <= before.remaining


@pytest.mark.parametrize(
    ("picture", "reason", "coverage", "watermark"),
    [
        pytest.param("????", "no data", 0.0, None, id="nobody measured"),
        pytest.param("____", "no traffic", 1.0, 4, id="nobody came"),
        pytest.param("??__", "no traffic", 0.5, 4, id="nobody came while we measured"),
        pytest.param("..????", "no data", 0.0, 2, id="measured, but before the window"),
    ],
)
def test_nothing_to_say_is_not_a_number(
    picture: str, reason: str, coverage: float, watermark: int | None
) -> None:
    found = evidence(drawn(picture), window=4)
    assert isinstance(found, Unmeasured)
    assert (found.reason, found.coverage) == (reason, coverage)
    assert found.watermark == (None if watermark is None else MIDNIGHT + watermark * MINUTE)


def test_coverage_counts_silence_as_measured() -> None:
    found = measured(drawn("._?x"), window=4)
    assert (found.coverage, found.watermark) == (0.75, MIDNIGHT + 4 * MINUTE)


def test_how_the_numbers_came_about_is_said() -> None:
    plain = measured(stretch([(9, 0, Flag.MEASURED)] * 4), window=4)
    assert (plain.interpolated, plain.approximate) == (0, False)
    spread = measured(
        stretch([(9, 0, Flag.MEASURED), (9, 0, Flag.MEASURED | Flag.INTERPOLATED)] * 2), window=4
    )
    assert (spread.interpolated, spread.approximate) == (2, False)
    assert measured(stretch([(9, 0, 1), (9, 0, Flag.MEASURED | Flag.APPROXIMATE)]), window=2).approximate


@pytest.mark.parametrize(
    ("begun", "partial"),
    [
        pytest.param(None, False, id="older than anything asked for"),
        pytest.param(-5, False, id="older than the window"),
        pytest.param(0, False, id="as old as the window"),
        pytest.param(1, True, id="younger by a minute"),
    ],
)
def test_a_ledger_younger_than_its_window_says_so(begun: int | None, *, partial: bool) -> None:
    start = None if begun is None else MIDNIGHT + begun * MINUTE
    found = measure(
        drawn("...."),
        allowed=ALLOWED,
        window=Rolling(4 * MINUTE),
        now=MIDNIGHT + 4 * MINUTE,
        history_start=start,
        quiet_s=0,
    )
    assert isinstance(found, Measured)
    assert found.partial_since == (start if partial else None)


@pytest.mark.parametrize(
    ("picture", "since"),
    [
        pytest.param("x.........", 3, id="since good events diluted the bad ones"),
        pytest.param("..........", 2, id="never further back than asked"),
        pytest.param(".....xxxxx", None, id="spent to the last event"),
        pytest.param("????......", 5, id="not before there was anything to judge by"),
        pytest.param("..xxxxx.........", 13, id="since enough of the incident rolled off"),
        pytest.param("x.....???.", 3, id="a gap is no break"),
    ],
)
def test_since_when_budget_was_left(picture: str, since: int | None) -> None:
    """The last ten slices allow 500 bad events, a bad slice has 100; looking back eight minutes."""
    found = measured(drawn(picture), window=10, quiet=8)
    assert found.positive_since == (None if since is None else MIDNIGHT + since * MINUTE)


@pytest.mark.parametrize(
    ("seconds", "window", "quiet"),
    [
        pytest.param(30, 240, 0, id="now is no end of a slice"),
        pytest.param(0, 90, 0, id="the window is no whole number of slices"),
        pytest.param(0, 240, 30, id="nor is the quiet time"),
    ],
)
def test_what_does_not_fit_the_slices_is_refused(seconds: int, window: int, quiet: int) -> None:
    now = MIDNIGHT + timedelta(seconds=240 + seconds)
    with pytest.raises(ValueError, match="slice"):
        measure(
            drawn("...."),
            allowed=ALLOWED,
            window=Rolling(timedelta(seconds=window)),
            now=now,
            history_start=None,
            quiet_s=quiet,
        )


def test_the_costliest_incidents_come_first() -> None:
    found = measured(drawn("x...xxx...xx...xxxx..."), window=22)
    assert [one.bad for one in found.incidents] == [100, 300, 200, 400]
    assert [one.bad for one in found.worst] == [400, 300, 200]


def test_a_burn_down_ends_with_what_is_left() -> None:
    slices = drawn("..x." + "." * 12)
    points = burn_down(slices, 0.0125, MIDNIGHT, at_the_end(slices), 4)
    assert points == tuple((MIDNIGHT + 4 * place * MINUTE, 0.5) for place in (1, 2, 3, 4))
    assert points[-1][1] == measured(slices, window=16, allowed=0.0125).remaining


def test_a_burn_down_has_gaps_where_nothing_was_measured() -> None:
    slices = drawn("??.x??..??")
    assert [value for _, value in burn_down(slices, 0.5, MIDNIGHT, at_the_end(slices), 5)] == [
        None,
        0.95,
        None,
        0.95,
        None,
    ]


def test_a_burn_down_of_silence_is_all_gaps() -> None:
    slices = drawn("____")
    assert [value for _, value in burn_down(slices, 0.5, MIDNIGHT, at_the_end(slices), 2)] == [None, None]


@given(stretches(min_size=1), st.integers(1, 30))
def test_a_burn_down_only_goes_down(slices: Slices, points: int) -> None:
    now, window = at_the_end(slices), len(slices)
    drawn_points = burn_down(slices, ALLOWED, MIDNIGHT, now, min(points, window))
    values = [value for _, value in drawn_points if value is not None]
    assert values == sorted(values, reverse=True)
    assert drawn_points[-1][0] == now
    assert [ending_at(moment) for moment, _ in drawn_points] == sorted(
        {FIRST - 1 + place * window // min(points, window) for place in range(1, min(points, window) + 1)}
    )
    bad, total = within(slices, now, window)
    if values and slices.flags[-1]:
        assert values[-1] == remaining(bad, total, ALLOWED)
