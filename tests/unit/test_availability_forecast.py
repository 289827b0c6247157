"""The forecast of a thaw against what measuring later says, and what it does not promise."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from gatekeeper.availability.burn import PAGE_ROWS, Row, threshold
from gatekeeper.availability.forecast import (
    CALM_SPAN,
    MOST_WEEKS,
    Forecast,
    Spread,
    Stretch,
    exhaustion,
    thaw,
)
from gatekeeper.availability.ledger import STEP, Flag, Slices, end_of
from gatekeeper.availability.measure import Measured, measure
from gatekeeper.availability.window import Rolling
from ledgers import FIRST, MIDNIGHT, drawn, followed

MINUTE = timedelta(minutes=1)
WEEK = 7 * 1440
ALLOWED = 0.01


def constant(count: int, total: float, *, bad: float = 0) -> Slices:
    return Slices(
        FIRST, np.full(count, total), np.full(count, bad), np.full(count, Flag.MEASURED, dtype=np.uint8)
    )


def with_outage(slices: Slices, start: int, length: int) -> Slices:
    """The same with every event of some slices bad; positions may count from the end."""
    bad = np.array(slices.bad)
    positions = np.arange(start, start + length)
    bad[positions] = slices.total[positions]
    return Slices(slices.first, slices.total, bad, slices.flags)


def forecast(
    slices: Slices,
    *,
    window: int,
    quiet: int,
    above: float = 0.1,
    cooled: Sequence[Row] = (),
    allowed: float = ALLOWED,
) -> Forecast:
    """A forecast from the end of a stretch; window and quiet time in minutes."""
    now = end_of(slices.stop - 1)
    return thaw(slices, allowed, Rolling(window * MINUTE), above, quiet * 60, now, cooled=cooled)


def rule(
    slices: Slices,
    now: datetime,
    *,
    window: int,
    quiet: int,
    above: float,
    cooled: Sequence[Row] = (),
    allowed: float = ALLOWED,
) -> str | None:
    """The thaw rule as the gate applies it to evidence: which half of it is met, if one is."""
    found = measure(
        slices,
        allowed=allowed,
        window=Rolling(window * MINUTE),
        now=now,
        history_start=None,
        quiet_s=quiet * 60,
    )
    if not isinstance(found, Measured):
        return None
    burn = dict(found.burn)
    for row in cooled:
        rate = burn[row.long_s]
        if rate is not None and rate > threshold(row, window * 60):
            return None
    if found.remaining >= above:
        return "above"
    rate = burn[CALM_SPAN]
    since = found.positive_since
    quiet_enough = since is not None and now - since >= quiet * MINUTE
    return "quiet" if quiet_enough and (rate is None or rate < 1) else None


def later(slices: Slices, minutes: int) -> Slices:
    """What the ledger holds when the traffic of the last week has repeated, and nothing new went bad."""
    week = slices.latest(WEEK)
    return followed(
        slices,
        Slices(0, np.resize(week.total, minutes), np.zeros(minutes), np.full(minutes, 1, dtype=np.uint8)),
    )


def first_met(
    met: Callable[[datetime], str | None], now: datetime, minutes: int
) -> tuple[datetime, str] | None:
    for ahead in range(minutes + 1):
        if by := met(now + ahead * MINUTE):
            return now + ahead * MINUTE, by
    return None


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    window=st.integers(20, 90),
    quiet=st.integers(0, 40),
    above=st.sampled_from([0.1, 0.5, 0.9, 1.0]),
    faults=st.lists(
        st.tuples(st.integers(1, 70), st.integers(1, 9), st.floats(0.02, 1)), min_size=1, max_size=4
    ),
    night=st.integers(0, 30) | st.just(130),
    cooled=st.sampled_from([(), PAGE_ROWS]),
)
@example(seed=0, window=60, quiet=20, above=0.5, faults=[(90, 4, 0.9), (45, 4, 0.6)], night=0, cooled=())
@example(seed=0, window=60, quiet=20, above=0.5, faults=[(20, 4, 0.9)], night=130, cooled=())
@example(seed=0, window=60, quiet=20, above=0.5, faults=[(20, 2, 1.0)], night=0, cooled=PAGE_ROWS)
def test_it_says_what_measuring_later_says(
    seed: int,
    window: int,
    quiet: int,
    above: float,
    faults: list[tuple[int, int, float]],
    night: int,
    cooled: tuple[Row, ...],
) -> None:
    """If traffic repeats and nothing new goes bad. A fault is so many minutes ago, so long, and so bad."""
    total = np.random.default_rng(seed).integers(50, 150, WEEK + 200).astype(np.float64)
    total[200 : 200 + night] = 0  # the first minutes of the forecast repeat these
    bad = np.zeros(len(total))
    for ago, length, share in faults:
        during = slice(len(total) - ago, min(len(total) - ago + length, len(total)))
        bad[during] = np.floor(share * total[during])
    slices = Slices(FIRST, total, bad, np.full(len(total), 1, dtype=np.uint8))
    future, now = later(slices, window + quiet), end_of(slices.stop - 1)

    def met(moment: datetime) -> str | None:
        return rule(future, moment, window=window, quiet=quiet, above=above, cooled=cooled, allowed=0.05)

    found = forecast(slices, window=window, quiet=quiet, above=above, cooled=cooled, allowed=0.05)
    assert (found.at, found.by) == (first_met(met, now, window + quiet) or (None, None))


def test_an_incident_that_rolls_off_ends_the_freeze() -> None:
    """Two bad minutes of a hundred spend twice the budget of 1 %; the second has to go for half of it to be back."""
    found = forecast(with_outage(constant(300, 100), 250, 2), window=100, quiet=1000)
    start = MIDNIGHT + 250 * MINUTE
    assert found == Forecast(start + 102 * MINUTE, "above", (Stretch(start, start + 2 * MINUTE, 200),))


def test_only_as_much_of_an_incident_as_has_to_go_is_named() -> None:
    """Ten bad minutes of a thousand spend the budget exactly: one tenth of it is back when the first is gone."""
    found = forecast(with_outage(constant(1500, 100), 1400, 10), window=1000, quiet=5000)
    start = MIDNIGHT + 1400 * MINUTE
    assert found == Forecast(start + 1001 * MINUTE, "above", (Stretch(start, start + MINUTE, 100),))


def at_minutes(bad: dict[int, float], count: int, total: float = 100) -> Slices:
    """A constant rate, with some bad events at some minutes."""
    slices = constant(count, total)
    slices.bad[list(bad)] = list(bad.values())
    return slices


def test_a_budget_that_stays_positive_ends_the_freeze_after_a_quiet_time() -> None:
    """125 bad of 100 allowed: left again when the first 60 go, for 30 minutes before the last 45 go."""
    found = forecast(at_minutes({210: 60, 225: 20, 260: 45}, 270), window=100, quiet=30, above=0.6)
    first = Stretch(MIDNIGHT + 210 * MINUTE, MIDNIGHT + 211 * MINUTE, 60)
    assert found == Forecast(MIDNIGHT + (311 + 30) * MINUTE, "quiet", (first,))


def test_quiet_is_not_enough_while_six_hours_burn_at_one() -> None:
    """36 minutes of 10 in 6 h at 100 a minute burn at exactly one until the first of them is older."""
    found = forecast(
        at_minutes(dict.fromkeys(range(1000, 1036), 10.0), 1100), window=1000, quiet=10, above=0.9
    )
    assert (found.at, found.by, found.frees) == (MIDNIGHT + 1361 * MINUTE, "quiet", ())


def test_what_is_met_already_is_met_now() -> None:
    assert forecast(constant(200, 100), window=100, quiet=50) == Forecast(
        MIDNIGHT + 200 * MINUTE, "above", ()
    )


def test_a_fast_burn_has_to_cool_though_budget_is_left() -> None:
    """Ten bad minutes in 28 days leave most of the budget, but burn above 13.44 for an hour."""
    slices = with_outage(constant(40320, 100), 40300, 10)
    assert forecast(slices, window=40320, quiet=60).at == MIDNIGHT + 40320 * MINUTE
    found = forecast(slices, window=40320, quiet=60, cooled=PAGE_ROWS)
    assert (found.at, found.by) == (MIDNIGHT + 40362 * MINUTE, "above")


def test_everyday_errors_go_on() -> None:
    """A background of 0.6 of the budget in every minute: only what the incident took comes back."""
    allowed = 0.01
    slices = with_outage(constant(WEEK + 4000, 1000, bad=6), WEEK + 3000, 20)
    found = forecast(slices, window=2000, quiet=9000, allowed=allowed, above=0.3)
    future = followed(slices, constant(3000, 1000, bad=6))
    assert found.at is not None
    for moment, met in ((found.at, "above"), (found.at - MINUTE, None)):
        assert rule(future, moment, window=2000, quiet=9000, above=0.3, allowed=allowed) == met
    assert found.at > MIDNIGHT + (WEEK + 5000) * MINUTE
    assert forecast(slices, window=2000, quiet=9000, allowed=allowed, above=0.5).by == "quiet"


def test_a_budget_that_its_everyday_errors_spend_has_no_end_in_sight() -> None:
    assert forecast(constant(300, 1000, bad=11), window=100, quiet=50) == Forecast(None, None, ())


@pytest.mark.parametrize(
    "picture",
    [pytest.param("?" * 90, id="nothing measured"), pytest.param("_" * 90, id="no traffic")],
)
def test_without_traffic_to_expect_there_is_no_forecast(picture: str) -> None:
    assert forecast(drawn(picture), window=60, quiet=10) == Forecast(None, None, ())


def test_a_young_ledger_expects_its_mean_rate() -> None:
    """Half the minutes at 100, half at 300: to dilute 700 of 70,000 needs 77,778 events, 39 more at 200 a minute."""
    total = np.tile([100.0, 300.0], 175)
    bad = np.zeros(350)
    bad[340] = 100
    bad[341:343] = 300
    slices = Slices(FIRST, total, bad, np.full(350, 1, dtype=np.uint8))
    found = forecast(slices, window=5000, quiet=9000)
    assert (found.at, found.by, found.frees) == (MIDNIGHT + (350 + 39) * MINUTE, "above", ())


@pytest.mark.parametrize(
    ("then", "minutes"),
    [
        pytest.param("." * 100, 1, id="traffic a week ago: its first minute dilutes what went bad"),
        pytest.param("_" + "." * 99, 2, id="traffic a week and a minute later: the second does"),
        pytest.param("?" * 100, 1, id="not measured a week ago: the week's mean does"),
        pytest.param("-" * 100, 1, id="left out by an adjustment: the week's mean does"),
        pytest.param("_" * 100, 98, id="no traffic a week ago: nothing does until the bad minute rolls off"),
    ],
)
def test_the_next_minutes_repeat_those_of_a_week_ago(then: str, minutes: int) -> None:
    """A night at a thousandth of the traffic, in which one error spent all of the budget."""
    night = Slices(FIRST, np.full(100, 1.0), np.zeros(100), np.full(100, 1, dtype=np.uint8))
    night.bad[97] = 1
    week = followed(drawn(then), drawn("." * (WEEK - 200)))
    found = forecast(followed(drawn("." * 100), followed(week, night)), window=100, quiet=9000, above=0.9)
    assert found.at == MIDNIGHT + (WEEK + 100 + minutes) * MINUTE


def test_errors_too_small_to_be_an_incident_are_named_as_one_stretch() -> None:
    bad = np.zeros(WEEK)
    bad[WEEK - 90 : WEEK - 50 : 10] = 4
    slices = Slices(FIRST, np.full(WEEK, 10.0), bad, np.full(WEEK, 1, dtype=np.uint8))
    found = forecast(slices, window=100, quiet=9000, above=0.1)
    assert found.at is not None
    (stretch,) = found.frees
    assert stretch == Stretch(MIDNIGHT + (WEEK - 90) * MINUTE, MIDNIGHT + (WEEK - 79) * MINUTE, 8)


def test_at_most_three_stretches_are_named_in_order_of_time() -> None:
    slices = constant(WEEK, 100)
    for start, length in ((40, 3), (60, 1), (70, 4), (80, 2)):
        slices = with_outage(slices, WEEK - 100 + start, length)
    found = forecast(slices, window=100, quiet=9000, above=1.0)
    assert [one.bad for one in found.frees] == [300, 400, 200]


# How far it may be off


def weeks_of(*bad: float, outage: int = 30) -> Slices:
    """Weeks at 100 a minute with so many bad ones in each minute, and an outage at the end of the last."""
    parts = [constant(WEEK, 100, bad=each) for each in bad]
    whole = parts[0]
    for part in parts[1:]:
        whole = followed(whole, part)
    return with_outage(whole, len(whole) - outage, outage)


def spread(slices: Slices, **rules: Any) -> Spread:
    found = forecast(slices, **({"window": 3000, "quiet": 9000, "above": 0.3} | rules)).spread
    assert found is not None
    return found


def test_each_of_the_last_weeks_makes_a_forecast_of_its_own() -> None:
    """The outage has to leave; how much of it depends on how much everyday errors spend besides."""
    worse, better, last = weeks_of(0.2, 0, 0.1), weeks_of(0, 0, 0.1), weeks_of(0.1, 0.1, 0.1)
    found = forecast(worse, window=3000, quiet=9000, above=0.3)
    assert found.spread is not None
    assert found.at is not None
    assert found.spread.weeks == 3
    assert found.spread.earliest is not None
    assert found.spread.latest is not None
    assert found.spread.earliest < found.at < found.spread.latest
    assert spread(better).latest == forecast(better, window=3000, quiet=9000, above=0.3).at
    assert spread(better).earliest == found.spread.earliest
    same = forecast(last, window=3000, quiet=9000, above=0.3)
    assert same.spread == Spread(same.at, same.at, 3)


def test_a_week_that_would_spend_the_budget_by_itself_leaves_the_latest_open() -> None:
    found = spread(weeks_of(2, 0, 0))
    assert found.earliest is not None
    assert (found.latest, found.weeks) == (None, 3)


def test_a_budget_that_every_week_spends_has_no_earliest_either() -> None:
    assert spread(weeks_of(2, 2, 2)) == Spread(None, None, 3)


@pytest.mark.parametrize(
    ("slices", "weeks"),
    [
        pytest.param(constant(WEEK, 100), None, id="the last week only"),
        pytest.param(
            followed(drawn("?" * (WEEK // 2 + 1)), constant(WEEK + WEEK // 2 - 1, 100)),
            None,
            id="less than half",
        ),
        pytest.param(
            followed(drawn("-" * (WEEK // 2 + 1)), constant(WEEK + WEEK // 2 - 1, 100)),
            None,
            id="half of it left out by an adjustment",
        ),
        pytest.param(
            followed(drawn("?" * (WEEK // 2)), constant(WEEK + WEEK // 2, 100)), 2, id="half of one more"
        ),
        pytest.param(constant(9 * WEEK, 100), MOST_WEEKS, id="more than is compared"),
    ],
)
def test_only_weeks_that_were_measured_and_count_are_compared(slices: Slices, weeks: int | None) -> None:
    found = forecast(slices, window=100, quiet=50).spread
    assert (None if found is None else found.weeks) == weeks


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 12), min_size=2, max_size=4), st.integers(1, 60))
def test_what_is_expected_lies_within_its_spread(tenths: list[int], outage: int) -> None:
    slices = weeks_of(*(one / 10 for one in tenths), outage=outage)
    found = forecast(slices, window=2000, quiet=3000, above=0.5)
    assert found.spread is not None
    never = datetime.max.replace(tzinfo=UTC)
    assert (found.spread.earliest or never) <= (found.at or never) <= (found.spread.latest or never)


def test_stored_and_read_again_a_forecast_is_the_same() -> None:
    found = forecast(with_outage(constant(300, 100), 250, 2), window=100, quiet=1000)
    plain = TypeAdapter(Forecast)
    assert plain.validate_json(plain.dump_json(found)) == found


@pytest.mark.parametrize(
    ("left", "burn", "seconds"),
    [
        pytest.param(1.0, 1.0, 28 * 86400, id="a burn of one lasts a window"),
        pytest.param(0.5, 14.4, 84000, id="half a budget at 14.4"),
        pytest.param(0.5, 0.0, None, id="nothing goes bad: never"),
        pytest.param(0.5, None, None, id="no events: not known"),
        pytest.param(0.0, 2.0, 0.0, id="spent"),
        pytest.param(-0.2, 0.0, 0.0, id="overspent, whatever the burn"),
    ],
)
def test_time_to_exhaustion(left: float, burn: float | None, seconds: float | None) -> None:
    assert exhaustion(left, burn, 28 * 86400) == (None if seconds is None else pytest.approx(seconds))


def test_what_does_not_fit_the_slices_is_refused() -> None:
    with pytest.raises(ValueError, match="not the end of a slice"):
        thaw(drawn("..."), ALLOWED, Rolling(timedelta(seconds=STEP + 1)), 0.1, 0, MIDNIGHT)
