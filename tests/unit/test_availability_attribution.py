"""What a deployment cost: against counting one by one, against chance, and against being told apart."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.availability.attribution import LONGEST, Cost, Deployment, Unpriced, costs
from gatekeeper.availability.ledger import Flag, Slices
from ledgers import EVENTS, FIRST, MIDNIGHT, drawn

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
ALLOWED = 0.001
DAY = 1440


def deployed(name: str, minute: int, rollback_of: str | None = None) -> Deployment:
    return Deployment(name, MIDNIGHT + minute * MINUTE, rollback_of)


def priced(
    slices: Slices,
    deployments: Sequence[Deployment],
    *,
    events: float | None = None,
    minute: int | None = None,
) -> list[Cost | Unpriced]:
    now = MIDNIGHT + (len(slices) if minute is None else minute) * MINUTE
    total = float(slices.total.sum()) if events is None else events
    return list(costs(slices, deployments, allowed=ALLOWED, events=total, now=now))


def only(found: list[Cost | Unpriced]) -> Cost:
    (one,) = found
    assert isinstance(one, Cost)
    return one


def with_rates(*rates: tuple[int, float], seed: int = 7) -> Slices:
    """So many minutes of a thousand events each, at an error ratio; the errors as chance has them."""
    random = np.random.default_rng(seed)
    bad = np.concatenate([random.binomial(EVENTS, ratio, minutes) for minutes, ratio in rates]).astype(float)
    flags = np.full(len(bad), Flag.MEASURED, dtype=np.uint8)
    return Slices(FIRST, np.full(len(bad), float(EVENTS)), bad, flags)


def test_what_went_bad_before_is_not_its_fault() -> None:
    slices = drawn(("." * 9 + "x") * 6 + ("." * 4 + "x") * 12)
    one = only(priced(slices, [deployed("a", 60)]))
    assert (one.since, one.until) == (MIDNIGHT + HOUR, MIDNIGHT + 2 * HOUR)
    assert one.bad == 12 * 100 - 6 * 100
    assert one.sigma == pytest.approx((12 * 100 + 6 * 100) ** 0.5)
    assert one.budget_share == pytest.approx(600 / (ALLOWED * 120 * EVENTS))
    assert one.certain


def test_more_traffic_brings_more_errors_of_the_same_kind() -> None:
    calm = with_rates((120, 0.01))
    busy = Slices(calm.first, calm.total.copy(), calm.bad.copy(), calm.flags)
    busy.total[60:] *= 3
    busy.bad[60:] = busy.bad[:60] * 3
    assert only(priced(busy, [deployed("a", 60)])).bad == 0


def test_what_went_better_costs_nothing() -> None:
    one = only(priced(drawn("x" * 60 + "." * 60), [deployed("a", 60)]))
    assert one.bad < 0
    assert one.budget_share == 0
    assert not one.certain


def test_it_answers_until_the_next_one_and_for_a_day_at_most() -> None:
    slices = drawn("." * 4 * DAY)
    first, second = priced(slices, [deployed("b", 2 * DAY), deployed("a", DAY + 600)])
    assert isinstance(first, Cost)
    assert isinstance(second, Cost)
    assert (first.deployment, first.until) == ("a", second.since)
    assert second.until == second.since + LONGEST
    assert not first.ambiguous_with + second.ambiguous_with


def test_those_that_cannot_be_told_apart_say_so() -> None:
    slices = drawn("." * 600)
    found = priced(slices, [deployed("a", 300), deployed("b", 330), deployed("c", 390)])
    near = {one.deployment: one.ambiguous_with for one in found if isinstance(one, Cost)}
    assert near == {"a": ("b",), "b": ("a",), "c": ()}


def test_a_rollback_is_charged_to_what_it_takes_back() -> None:
    """Ten minutes of outage, and three more while the rollback is under way."""
    slices = drawn("." * 120 + "x" * 13 + "." * 107)
    alone = [deployed("a", 120), deployed("undo", 130, rollback_of="a")]
    one = only(priced(slices, alone))
    assert (one.deployment, one.rollbacks, one.bad) == ("a", ("undo",), 1300)
    assert one.ambiguous_with == ()
    again = [*alone, deployed("redo", 140, rollback_of="undo")]
    assert only(priced(slices, again)).rollbacks == ("undo", "redo")


@pytest.mark.parametrize(
    "deployments",
    [
        pytest.param([deployed("undo", 120, rollback_of="long ago")], id="of one that nobody knows"),
        pytest.param([deployed("undo", 120, rollback_of="undo")], id="of itself"),
        pytest.param(
            [deployed("undo", 120, "later"), deployed("later", 190)], id="of one that comes after it"
        ),
    ],
)
def test_a_rollback_of_nothing_answers_for_itself(deployments: list[Deployment]) -> None:
    assert priced(drawn("." * 240), deployments)[0].deployment == "undo"


@pytest.mark.parametrize(
    ("picture", "minute"),
    [
        pytest.param("?" * 60 + "." * 60, 120, id="nobody measured before"),
        pytest.param("." * 60 + "?" * 60, 120, id="nobody measured after"),
        pytest.param("_" * 60 + "." * 60, 120, id="nobody came before"),
        pytest.param("." * 120, 60, id="it was just now"),
    ],
)
def test_without_a_before_or_an_after_there_is_no_price(picture: str, minute: int) -> None:
    found = priced(drawn(picture), [deployed("a", 60)], events=1e6, minute=minute)
    assert found == [Unpriced("a", MIDNIGHT + HOUR)]


def test_chance_alone_is_rarely_certain_and_a_real_fault_nearly_always() -> None:
    calm = [only(priced(with_rates((120, 0.002), seed=seed), [deployed("a", 60)])) for seed in range(400)]
    fault = [
        only(priced(with_rates((60, 0.002), (60, 0.004), seed=seed), [deployed("a", 60)]))
        for seed in range(400)
    ]
    assert sum(one.certain for one in calm) <= 4
    assert sum(one.certain for one in fault) >= 396
    errors = np.array([one.bad / one.sigma for one in calm])
    assert errors.std() == pytest.approx(1, abs=0.1)
    truth = np.array([one.bad for one in fault])
    assert truth.mean() == pytest.approx(60 * EVENTS * 0.002, rel=0.02)


@given(
    st.lists(st.tuples(st.integers(0, 400), st.sampled_from([None, "0", "1", "2", "3"])), max_size=6),
    st.integers(0, 400),
)
def test_each_minute_is_charged_once_and_each_deployment_answered_for(
    drawn_deployments: list[tuple[int, str | None]], minute: int
) -> None:
    slices = with_rates((400, 0.01))
    deployments = [deployed(str(place), at, of) for place, (at, of) in enumerate(drawn_deployments)]
    found = priced(slices, deployments, minute=minute)
    named = [
        name for one in found for name in (one.deployment, *(one.rollbacks if isinstance(one, Cost) else ()))
    ]
    assert len(named) == len(set(named)) <= len(deployments)
    charged = [one for one in found if isinstance(one, Cost)]
    for before, after in pairwise(charged):
        assert before.until <= after.since
    assert all(one.since < one.until for one in charged)


def test_nothing_is_a_share_of_no_budget() -> None:
    with pytest.raises(ValueError, match="no budget"):
        priced(drawn(".."), [], events=0)
