"""What is to come, in words: with what decides it and how far it may be off."""

from datetime import datetime

import pytest

from builders import (
    DAY,
    HOUR,
    MINUTE,
    NOW,
    a_forecast,
    a_service,
    a_snapshot,
    a_view,
    an_objective,
    evidence,
    measured,
)
from gatekeeper.availability.forecast import Forecast, Spread
from gatekeeper.decide.desired import desire
from gatekeeper.decide.evaluate import decide
from gatekeeper.decide.numbers import numbers
from gatekeeper.decide.outlook import exhausted_at
from gatekeeper.decide.snapshot import ServiceView
from gatekeeper.decide.verdict import State

END = NOW + 26 * DAY


def frozen(*forecasts: Forecast) -> ServiceView:
    ends = [one.at for one in forecasts if one.at is not None]
    names = [f"objective-{place}" for place, _ in enumerate(forecasts)]
    return a_view(
        State.FROZEN,
        service=a_service("checkout", *(an_objective(name) for name in names)),
        objectives=tuple(
            evidence(-0.1, name=name, thaw=one) for name, one in zip(names, forecasts, strict=True)
        ),
        expected_end=max(ends) if len(ends) == len(forecasts) else None,
    )


def foreseen(at: datetime | None, spread: Spread | None) -> Forecast:
    return Forecast(at, "above" if at else None, a_forecast().frees if at else (), spread)


def said(view: ServiceView) -> str:
    snapshot = a_snapshot(view)
    return desire(snapshot, decide(snapshot)).check.summary


@pytest.mark.parametrize(
    ("forecasts", "sentence"),
    [
        pytest.param([foreseen(END, None)], "2026-12-18 12:00 UTC, if no new", id="one week is all there is"),
        pytest.param(
            [foreseen(END, Spread(END, END, 4))],
            "2026-12-18 12:00 UTC, if no new",
            id="every week says the same",
        ),
        pytest.param(
            [foreseen(END, Spread(END - DAY, END + HOUR, 3))],
            "2026-12-18 12:00 UTC (2026-12-17 12:00 to 2026-12-18 13:00 UTC, as one or another of the last 3 weeks "
            "went), if no new",
            id="some weeks were kinder, some harsher",
        ),
        pytest.param(
            [foreseen(END, Spread(END, END + MINUTE, 3))],
            "2026-12-18 12:00 UTC (2026-12-18 12:00 to 12:01 UTC, as one or another of the last 3 weeks went)",
            id="they differ by a minute: the date is said once",
        ),
        pytest.param(
            [foreseen(END, Spread(END - DAY, None, 2))],
            "(2026-12-17 12:00 UTC at the earliest, perhaps not within a whole window, as one or another",
            id="with one of them there is no end",
        ),
        pytest.param(
            [
                foreseen(END, Spread(END - DAY, END, 4)),
                foreseen(END - HOUR, Spread(END - 2 * HOUR, END + DAY, 4)),
            ],
            "(2026-12-18 10:00 to 2026-12-19 12:00 UTC, as",
            id="the last of the objectives, at its best and at its worst",
        ),
    ],
)
def test_an_expected_end_says_how_far_it_may_be_off(forecasts: list[Forecast], sentence: str) -> None:
    assert sentence in said(frozen(*forecasts))


@pytest.mark.parametrize(
    ("forecast", "words"),
    [
        pytest.param(
            foreseen(END, Spread(END - DAY, END + DAY, 4)),
            [
                "meets the thaw rule at 2026-12-18 12:00 UTC, when enough of the budget is back; 2026-12-17",
                "loses the 400 bad events of 2026-11-20 12:00 to 12:30 UTC (30 min) from its window between 2026-12-18",
                "between 2026-12-18 12:00 and 12:30 UTC",
            ],
            id="what rolls off, and when",
        ),
        pytest.param(
            foreseen(None, Spread(None, None, 4)),
            ["is not foreseen to meet the thaw rule; not within a whole window, as one or another"],
            id="no end in sight",
        ),
    ],
)
def test_the_numbers_name_the_stretches_that_decide_the_forecast(
    forecast: Forecast, words: list[str]
) -> None:
    text = numbers(frozen(forecast))
    assert [one for one in words if one not in text] == []


def test_the_end_of_a_budget_is_told_with_the_stretch_that_decides_it() -> None:
    """Half a budget at twice the pace lasts a quarter of 28 days."""
    text = numbers(a_view(objectives=(evidence(measured(0.5, burn={21600: 2.0})),)))
    assert (
        "spends the rest of its budget by 2026-11-29 12:00 UTC at the pace of 2026-11-22 06:00 to 12:00 UTC (6 h), "
        "which was 2.0×"
    ) in text


@pytest.mark.parametrize(
    ("left", "burn", "at"),
    [
        pytest.param(0.5, 2.0, NOW + 7 * DAY, id="at this pace"),
        pytest.param(0.5, 0.0, None, id="never"),
        pytest.param(0.5, None, None, id="nobody came"),
        pytest.param(0.5, 0.5, NOW + 28 * DAY, id="as the window has passed once"),
        pytest.param(0.5, 0.4, None, id="not before all of now has left the window: never"),
        pytest.param(0.5, 1e-9, None, id="not for centuries"),
        pytest.param(-0.5, 2.0, NOW, id="spent"),
    ],
)
def test_when_a_budget_is_spent(left: float, burn: float | None, at: datetime | None) -> None:
    assert exhausted_at(an_objective(), measured(left, burn={21600: burn})) == at
    if at is None or left < 0:
        assert "spends the rest" not in numbers(
            a_view(objectives=(evidence(measured(left, burn={21600: burn})),))
        )


def test_a_budget_that_resets_before_it_is_spent_is_not_told_to_be() -> None:
    found = measured(0.5, burn={21600: 2.0}, resets_at=NOW + DAY, window_start=NOW - 27 * DAY + MINUTE)
    assert exhausted_at(an_objective(), found) is None
