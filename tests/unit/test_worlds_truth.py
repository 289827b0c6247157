"""The truth of generated worlds against slow recounts that share nothing with the generator."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worlds import Counts, Series, World
from worlds.series import milliseconds
from worlds.spec import DAYS, HOURS, MINUTES, Fault, Span, Spec, Traffic

if TYPE_CHECKING:
    from worlds import ServiceTruth

END = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
START = END - DAYS
MINUTES_A_DAY = 1440

spans = st.builds(
    Span,
    ago=st.integers(30, MINUTES_A_DAY - 30).map(lambda minutes: minutes * MINUTES),
    length=st.integers(1, 30).map(lambda minutes: minutes * MINUTES),
)
specs = st.builds(
    Spec,
    name=st.sampled_from(["checkout", "search"]),
    rate=st.sampled_from([0.01, 0.3, 5.0]),
    traffic=st.sampled_from(Traffic),
    noise=st.sampled_from([0.0, 0.001, 0.2]),
    not_found=st.sampled_from([0.0, 0.1]),
    scrape=st.sampled_from([0.5 * MINUTES, MINUTES, 2 * MINUTES]),
    instances=st.integers(1, 2),
    faults=st.lists(st.builds(Fault, spans, st.floats(0.1, 1.0)), max_size=2).map(tuple),
    aligned=st.booleans(),
    lazy=st.booleans(),
    restarts=st.sampled_from([0.0, 5.0, 300.0]),
    daily_deploy=st.booleans(),
    gaps=st.lists(spans, max_size=2).map(tuple),
    missed=st.sampled_from([0.0, 0.03, 0.3]),
)
minutes_of_the_day = st.integers(0, MINUTES_A_DAY)
seeds = st.integers(0, 1000)


def one_day(spec: Spec, seed: int) -> tuple[World, ServiceTruth]:
    world = World(seed, END, days=1, specs=[spec])
    return world, world.services[spec.name]


def real_samples(series: Series) -> list[tuple[int, int]]:
    return [
        (int(time), int(value))
        for time, value in zip(series.times, series.values, strict=True)
        if not math.isnan(value)
    ]


def code(series: Series) -> str:
    return dict(series.labels)["code"]


def recount(world: World, scrape: timedelta, start: datetime, end: datetime) -> dict[str, Fraction | int]:
    """Walk each series sample by sample, as the reader of a counter does; counts in (start, end] by code."""
    first, last = milliseconds(start), milliseconds(end)
    long_gap = milliseconds(world.start + 3 * scrape) - milliseconds(world.start)
    was_there = milliseconds(world.start + scrape)
    counts: dict[str, Fraction | int] = defaultdict(int)
    for series in world.series:
        previous: tuple[int, int] | None = None
        for time, value in real_samples(series):
            if previous is None:
                gained, since = 0 if time < was_there else value, time
            else:
                since, before = previous
                gained = value - before if value >= before else value
            counts[code(series)] += _inside(gained, since, time, (first, last), long_gap)
            previous = (time, value)
    return counts


def _inside(gained: int, since: int, time: int, window: tuple[int, int], long_gap: int) -> int | Fraction:
    """The part of an increase that belongs to the window."""
    first, last = window
    if time - since <= long_gap:
        return gained if first < time <= last else 0
    return gained * Fraction(max(min(time, last) - max(since, first), 0), time - since)


@settings(max_examples=60, deadline=None)
@given(spec=specs, seed=seeds, edges=st.tuples(minutes_of_the_day, minutes_of_the_day).map(sorted))
def test_observable_is_what_a_sample_by_sample_reader_counts(spec: Spec, seed: int, edges: list[int]) -> None:
    world, truth = one_day(spec, seed)
    start, end = (START + minutes * MINUTES for minutes in edges)
    counts = recount(world, spec.scrape, start, end)
    seen = truth.observable(start, end)
    assert seen.bad == pytest.approx(float(counts["500"]), abs=1e-6)
    assert seen.total == pytest.approx(float(sum(counts.values())), abs=1e-6)


@settings(max_examples=30, deadline=None)
@given(spec=specs, seed=seeds, picked=st.tuples(st.floats(0, 1), st.floats(0, 1)).map(sorted))
def test_events_are_what_an_uninterrupted_counter_gained(spec: Spec, seed: int, picked: list[float]) -> None:
    calm = replace(spec, instances=1, restarts=0.0, daily_deploy=False, lazy=False)
    world, truth = one_day(calm, seed)
    counters = {code(series): real_samples(series) for series in world.series}
    first, last = (round(share * (len(counters["200"]) - 1)) for share in picked)
    gained = {name: samples[last][1] - samples[first][1] for name, samples in counters.items()}
    start, end = (datetime.fromtimestamp(counters["200"][index][0] / 1000, UTC) for index in (first, last))
    assert truth.events(start, end) == Counts(gained["500"], sum(gained.values()))


@settings(max_examples=30, deadline=None)
@given(spec=specs, seed=seeds, edges=st.lists(minutes_of_the_day, min_size=3, max_size=3).map(sorted))
def test_windows_side_by_side_add_up(spec: Spec, seed: int, edges: list[int]) -> None:
    _, truth = one_day(spec, seed)
    a, b, c = (START + minutes * MINUTES for minutes in edges)
    parts, whole = (truth.observable(a, b), truth.observable(b, c)), truth.observable(a, c)
    assert whole.total == pytest.approx(sum(part.total for part in parts))
    bad, total = truth.observable_slices(a, c)
    assert (bad.sum(), total.sum()) == pytest.approx((whole.bad, whole.total))


@settings(max_examples=30, deadline=None)
@given(spec=specs, seed=seeds)
def test_no_reader_counts_more_than_happened(spec: Spec, seed: int) -> None:
    _, truth = one_day(spec, seed)
    seen, happened = truth.observable(START, END), truth.events(START, END)
    assert (seen.bad <= happened.bad, seen.total <= happened.total) == (True, True)


@given(seed=seeds)
@settings(max_examples=5, deadline=None)
def test_equal_arguments_give_equal_worlds(seed: int) -> None:
    spec = Spec(name="checkout", restarts=20.0, missed=0.1)
    one, other = (World(seed, END, days=1, specs=specs) for specs in ([spec], [Spec(name="more"), spec]))
    assert one.services["checkout"].observable(START, END) == other.services["checkout"].observable(
        START, END
    )
    assert fingerprint(one) == fingerprint(other)
    assert fingerprint(one) != fingerprint(World(seed + 1, END, days=1, specs=[spec]))


def fingerprint(world: World) -> list[tuple[bytes, bytes]]:
    chosen = (one for one in world.series if ("job", "checkout") in one.labels)
    return [(one.times.tobytes(), one.values.tobytes()) for one in chosen]


@given(seed=seeds, share=st.floats(-0.5, 1.0), hours=st.integers(1, 12))
@settings(max_examples=20, deadline=None)
def test_crossings_are_found_by_looking_at_every_minute(seed: int, share: float, hours: int) -> None:
    spec = Spec(name="checkout", rate=2.0, faults=(Fault(Span(11 * HOURS, 20 * MINUTES), 0.02),))
    _, truth = one_day(spec, seed)
    window = hours * HOURS
    moments = [START + window + minutes * MINUTES for minutes in range(MINUTES_A_DAY - hours * 60 + 1)]
    above = [truth.remaining(moment, window) >= share for moment in moments]
    changes = [
        (moment, now)
        for moment, before, now in zip(moments[1:], above, above[1:], strict=False)
        if now != before
    ]
    assert [(crossing.at, crossing.rising) for crossing in truth.crossings(share, window)] == changes


@pytest.mark.parametrize(
    ("start", "end"),
    [
        pytest.param(START + timedelta(seconds=30), END, id="an edge between minutes"),
        pytest.param(START - MINUTES, END, id="a window that begins before the history"),
        pytest.param(START, END + MINUTES, id="a window that ends after the history"),
    ],
)
def test_a_window_without_exact_truth_is_refused(start: datetime, end: datetime) -> None:
    _, truth = one_day(Spec(name="checkout"), 1)
    with pytest.raises(ValueError, match="history"):
        truth.observable(start, end)


@pytest.mark.parametrize(
    "end",
    [
        pytest.param(datetime(2026, 11, 2, 12, 0), id="a naive end"),  # noqa: DTZ001 - naive on purpose
        pytest.param(END + timedelta(seconds=1), id="an end between minutes"),
    ],
)
def test_a_world_ends_on_an_aware_whole_minute(end: datetime) -> None:
    with pytest.raises(ValueError, match="whole minute"):
        World(1, end, days=1)


def test_an_incident_says_when_it_was_and_how_many_failed() -> None:
    fault = Fault(Span(2 * HOURS, 10 * MINUTES), 1.0)
    _, truth = one_day(Spec(name="checkout", faults=(fault,)), 1)
    (incident,) = truth.incidents
    assert (incident.start, incident.end) == (END - 2 * HOURS, END - 110 * MINUTES)
    assert Counts(incident.bad, incident.bad) == truth.events(incident.start, incident.end)


def test_a_fault_from_before_the_history_is_left_out() -> None:
    fault = Fault(Span(25 * HOURS, 10 * HOURS), 1.0)
    _, truth = one_day(Spec(name="checkout", noise=0.0, faults=(fault,)), 1)
    assert (truth.incidents, truth.events(START, END).bad) == ((), 0)
