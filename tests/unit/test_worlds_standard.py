"""Each service of the standard world has the trait it is there for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest

from worlds.series import METRIC, STALE, Series, milliseconds
from worlds.spec import DAYS, HOURS, MINUTES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from worlds import World

WINDOW = 28 * DAYS


def series_of(world: World, job: str, code: str = "") -> list[Series]:
    return [
        one
        for one in world.series
        if ("job", job) in one.labels and (not code or ("code", code) in one.labels)
    ]


def real_values(series: Series) -> NDArray[np.float64]:
    return series.values[~np.isnan(series.values)]


def utc(time: int) -> datetime:
    return datetime.fromtimestamp(time / 1000, UTC)


def test_the_set_is_about_a_million_samples(world: World) -> None:
    assert 1_000_000 < sum(len(one.times) for one in world.series) < 1_500_000


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        pytest.param("healthy", 0.9, 1.0, id="plenty is left of healthy"),
        pytest.param("steady", 0.3, 0.8, id="steady is calm"),
        pytest.param("brownout", 0.0, 0.25, id="a brownout leaves too little for calm"),
        pytest.param("outage", -1.0, 0.0, id="an outage has just overspent"),
        pytest.param("spent", 0.7, 1.0, id="spent has recovered by the end"),
    ],
)
def test_budgets_tell_the_services_apart(world: World, name: str, low: float, high: float) -> None:
    assert low < world.services[name].remaining(world.end, WINDOW) < high


def test_all_samples_lie_in_the_history_and_have_arrived_by_its_end(world: World) -> None:
    first, last = milliseconds(world.start), milliseconds(world.end)
    assert all(first <= one.times[0] and one.arrivals[-1] <= last for one in world.series)
    assert all(np.all(np.diff(one.times) > 0) for one in world.series)


def test_restarts_reset_counters_many_times_a_day(world: World) -> None:
    falls = [int(np.sum(np.diff(one.values) < 0)) for one in series_of(world, "restarts", "200")]
    assert all(30 * 30 < count < 42 * 30 for count in falls)


def test_errborn_failures_are_born_in_the_incident_above_zero(world: World) -> None:
    incident = world.services["errborn"].incidents[0]
    born = series_of(world, "errborn", "500")
    assert len(born) == 2
    for one in born:
        assert incident.start < utc(one.times[0]) < incident.end
        assert one.values[0] > 0


def test_podchurn_has_new_names_every_day(world: World) -> None:
    names = {dict(one.labels)["instance"] for one in series_of(world, "podchurn")}
    assert len(names) == 2 * 31


def test_a_pod_ends_with_a_stale_marker(world: World) -> None:
    first_pod = series_of(world, "podchurn", "200")[0]
    assert first_pod.values[-1:].tobytes() == np.array([STALE]).tobytes()


@pytest.mark.parametrize("name", ["gapincident", "gaprestart"])
def test_a_gap_is_long_and_without_stale_markers(world: World, name: str) -> None:
    for one in series_of(world, name):
        assert np.max(np.diff(one.times)) >= 20 * 60_000
        assert not np.isnan(one.values).any()


def test_gapincident_is_inside_its_gap(world: World) -> None:
    (incident,) = world.services["gapincident"].incidents
    (failures,) = series_of(world, "gapincident", "500")
    widest = int(np.argmax(np.diff(failures.times)))
    assert utc(failures.times[widest]) < incident.start < incident.end < utc(failures.times[widest + 1])
    assert failures.values[widest + 1] - failures.values[widest] >= incident.bad


def test_gaprestart_resets_inside_its_gap(world: World) -> None:
    (answers,) = series_of(world, "gaprestart", "200")
    assert np.argmin(np.diff(answers.values)) == np.argmax(np.diff(answers.times))


def test_missed_fails_three_scrapes_of_a_hundred(world: World) -> None:
    (answers,) = series_of(world, "missed", "200")
    tried = (answers.times[-1] - answers.times[0]) // 30_000 + 1
    assert 1 - len(real_values(answers)) / tried == pytest.approx(0.03, abs=0.003)


def test_aligned_samples_lie_on_the_minute(world: World) -> None:
    assert all(not np.any(one.times % 60_000) for one in series_of(world, "aligned"))


def test_nightzero_has_samples_but_no_requests_at_night(world: World) -> None:
    truth = world.services["nightzero"]
    midnight = world.end.replace(hour=0, minute=0)
    assert truth.observable(midnight - HOURS, midnight + 5 * HOURS).total == 0
    assert truth.observable(midnight + 7 * HOURS, midnight + 8 * HOURS).total > 0
    (answers,) = series_of(world, "nightzero", "200")
    assert np.all(np.diff(answers.times) == 60_000)


def test_late_samples_wait_twelve_minutes_for_eight_hours(world: World) -> None:
    (answers,) = series_of(world, "late", "200")
    wait = answers.arrivals - answers.times
    assert (wait.max(), int(np.sum(wait == wait.max()))) == (12 * 60_000, 8 * 60)
    assert np.all(np.diff(answers.arrivals) >= 0)


def test_what_arrives_step_by_step_is_everything_once(world: World) -> None:
    clock, delivered = world.end - 10 * HOURS, 0
    delivered += sum(len(one.times) for one in world.arrived(clock))
    while clock < world.end:
        delivered += sum(len(one.times) for one in world.arriving(clock, clock + 7 * MINUTES))
        clock += 7 * MINUTES
    assert delivered == sum(len(one.times) for one in world.series)


def test_spent_recovers_when_its_incident_leaves_the_window(world: World) -> None:
    truth = world.services["spent"]
    (incident,) = truth.incidents
    assert truth.remaining(world.end - 2 * DAYS, WINDOW) < -0.3
    (positive,), (thawed,) = truth.crossings(0.0, WINDOW), truth.crossings(0.1, WINDOW)
    assert positive.rising
    assert thawed.rising
    assert incident.start + WINDOW < positive.at < thawed.at < incident.end + WINDOW
    assert (
        truth.remaining(thawed.at - timedelta(minutes=1), WINDOW) < 0.1 <= truth.remaining(thawed.at, WINDOW)
    )


def test_selectors_are_bare_and_differ_by_one_matcher(world: World) -> None:
    truth = world.services["steady"]
    assert truth.total_selector == METRIC + '{job="steady"}'
    assert truth.bad_selector == METRIC + '{job="steady",code=~"5.."}'
