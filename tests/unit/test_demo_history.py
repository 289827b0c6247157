"""The sample history: made as time passes, the same however it is read, and never changed afterwards."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.demo.history import SCRAPE_S, Counter, History, Outage, Workload

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
SHOP = Workload("shop", 600, 0.001, instances=2)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def made(*, seed: int = 28, workload: Workload = SHOP) -> History:
    return History([workload], NOON, busiest=NOON, seed=seed)


def samples(counters: list[Counter]) -> dict[tuple[tuple[str, str], ...], list[tuple[int, float]]]:
    return {one.labels: list(zip(one.times.tolist(), one.values.tolist(), strict=True)) for one in counters}


def gained(history: History, code: str, begin: datetime, end: datetime) -> float:
    """What a code's counters gain between the samples at two instants."""
    before, after = samples(history.counters(begin)), samples(history.counters(end))
    return sum(
        after[labels][-1][1] - before[labels][-1][1] for labels in after if dict(labels)["code"] == code
    )


def test_each_instance_is_scraped_once_a_minute() -> None:
    counters = made().counters(NOON + HOUR)
    assert [dict(one.labels)["instance"] for one in counters] == ["shop-0:8080", "shop-1:8080"] * 2
    for one in counters:
        assert len(one.times) == 60
        assert set(np.diff(one.times)) == {SCRAPE_S * 1000}


def test_nothing_is_known_of_the_future() -> None:
    until = NOON + minutes(7.5)
    assert max(one.times.max() for one in made().counters(until)) <= until.timestamp() * 1000


def test_nothing_is_known_before_the_beginning() -> None:
    assert [len(one.times) for one in made().counters(NOON - HOUR)] == [0, 0, 0, 0]


def test_asking_for_the_past_again_answers_as_then() -> None:
    history = made()
    early = samples(history.counters(NOON + HOUR))
    history.counters(NOON + 9 * HOUR)
    assert samples(history.counters(NOON + HOUR)) == early


@given(st.lists(st.floats(min_value=0, max_value=600), max_size=8))
def test_it_does_not_matter_in_which_steps_it_is_read(steps: list[float]) -> None:
    history = made()
    for step in sorted(steps):
        history.counters(NOON + minutes(step))
    assert samples(history.counters(NOON + 10 * HOUR)) == samples(made().counters(NOON + 10 * HOUR))


@given(
    began=st.floats(min_value=0, max_value=120),
    lasted=st.floats(min_value=0, max_value=120),
    seen=st.integers(min_value=0, max_value=120),
)
def test_an_outage_changes_nothing_that_was_seen(began: float, lasted: float, seen: int) -> None:
    history, begin = made(), NOON + minutes(began)
    before = samples(history.counters(begin))
    history.fail("shop", 0.5, begin)
    meanwhile = samples(history.counters(begin + minutes(min(seen, lasted))))
    end = begin + minutes(lasted)
    history.recover("shop", end)
    after = samples(history.counters(end + HOUR))
    for earlier in (before, meanwhile):
        assert all(after[labels][: len(known)] == known for labels, known in earlier.items())


def test_in_an_outage_its_share_fails_and_traffic_stays() -> None:
    history, calm = made(), made()
    history.fail("shop", 0.3, NOON + HOUR)
    history.recover("shop", NOON + 2 * HOUR)
    stretch = NOON + HOUR, NOON + 2 * HOUR
    bad, good = (gained(history, code, *stretch) for code in ("500", "200"))
    assert bad / (bad + good) == pytest.approx(0.3, abs=0.01)
    usual = gained(calm, "200", *stretch) + gained(calm, "500", *stretch)
    assert bad + good == pytest.approx(usual, rel=0.02)


def test_it_fails_from_the_second_on_and_not_from_the_minute() -> None:
    workload = Workload("shop", 60_000, 0.0, swing=0, outages=(Outage(NOON + minutes(10.5), None, 1.0),))
    history = made(workload=workload)
    share = [
        gained(history, "500", NOON + minutes(at), NOON + minutes(at + 1)) / 60_000 for at in (9, 10, 11, 12)
    ]
    # A scrape at 7 s past the minute sees what happened since the one before.
    assert share == pytest.approx([0, 0, 37 / 60, 1], abs=0.02)


def test_a_second_start_or_end_does_nothing() -> None:
    history = made()
    history.recover("shop", NOON)
    history.fail("shop", 0.3, NOON + HOUR)
    history.fail("shop", 0.9, NOON + HOUR)
    history.recover("shop", NOON + 2 * HOUR)
    history.recover("shop", NOON + 5 * HOUR)
    assert gained(history, "500", NOON + 3 * HOUR, NOON + 5 * HOUR) / (2 * 60 * 600) < 0.01
    assert not history.failing("shop")


def test_there_is_most_traffic_at_the_busiest_time_of_day() -> None:
    history = made()
    day = [
        gained(history, "200", NOON + at * HOUR, NOON + (at + 1) * HOUR)
        for at in (24, 36)  # an hour at noon, an hour at midnight
    ]
    assert day[0] / day[1] == pytest.approx(1.5 / 0.5, rel=0.1)


def test_another_seed_is_another_history() -> None:
    assert samples(made(seed=1).counters(NOON + HOUR)) != samples(made(seed=2).counters(NOON + HOUR))
