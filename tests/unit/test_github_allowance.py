"""No window of GitHub's is ever exceeded, nothing waits while there is room, and urgent work keeps its share."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as some

from gatekeeper.github.allowance import (
    CONTENT,
    GITHUB,
    READ,
    UNLIMITED,
    WRITE,
    Allowance,
    Cost,
    Limits,
    Quota,
    cost_of,
    floor,
)

if TYPE_CHECKING:
    from collections.abc import Callable

QUERY = Cost(1, graphql=True)
MUTATION = Cost(5, graphql=True, write=True, content=True)
SMALL = Limits(0.05, 1.0, points=40, graphql_points=50, content_minute=5, content_hour=12)
"""The same rules with numbers that a short sequence reaches."""


@pytest.mark.parametrize(
    ("verb", "url", "cost"),
    [
        pytest.param("GET", "/repos/acme/shop/pulls/1", READ, id="a read is 1 point"),
        pytest.param("GET", "/repos/acme/shop/issues/1/comments?per_page=100", READ, id="so is a list"),
        pytest.param("POST", "/repos/acme/shop/issues/1/comments", CONTENT, id="a comment is content"),
        pytest.param("POST", "https://api.github.com/repos/acme/shop/issues", CONTENT, id="so is an issue"),
        pytest.param("POST", "/repos/acme/shop/pulls/1/reviews", CONTENT, id="so is a review"),
        pytest.param(
            "PATCH", "/repos/acme/shop/issues/comments/7", WRITE, id="an edited comment notifies nobody"
        ),
        pytest.param("DELETE", "/repos/acme/shop/issues/comments/7", WRITE, id="nor does a removed one"),
        pytest.param("POST", "/repos/acme/shop/issues/1/labels", WRITE, id="nor does a label"),
        pytest.param("POST", "/repos/acme/shop/check-runs", WRITE, id="nor does a check run"),
        pytest.param("PATCH", "/repos/acme/shop/check-runs/7", WRITE, id="nor does a changed check run"),
        pytest.param("POST", "/repos/acme/shop/statuses/abc", WRITE, id="nor does a status"),
        pytest.param("POST", "/repos/acme/shop/deployments/1/statuses", WRITE, id="nor does a deployment's"),
        pytest.param(
            "POST", "/app/installations/1/access_tokens", Cost(5), id="a token need not wait for writes"
        ),
    ],
)
def test_what_a_request_costs(verb: str, url: str, cost: Cost) -> None:
    assert cost_of(verb, url) == cost


@pytest.mark.parametrize(
    ("body", "cost"),
    [
        pytest.param({"query": "query { viewer { login } }"}, QUERY, id="a query"),
        pytest.param({"query": "{ mutations }"}, QUERY, id="a query in short"),
        pytest.param({"query": "\n  mutation { addComment }"}, MUTATION, id="a mutation"),
        pytest.param(None, QUERY, id="nothing"),
    ],
)
def test_graphql_has_points_of_its_own(body: object, cost: Cost) -> None:
    assert cost_of("POST", "https://api.github.com/graphql", body) == cost


costs = some.sampled_from([READ, READ, WRITE, CONTENT, QUERY, MUTATION])
requests = some.lists(
    some.tuples(costs, some.booleans(), some.floats(0, 40), some.floats(0, 3)), min_size=1, max_size=60
)
"""What is asked for: its cost, whether it is urgent, how long after the one before, and how long it takes."""


def played(asked: list[tuple[Cost, bool, float, float]]) -> list[tuple[Cost, bool, float, float, float]]:
    """Send one after the other as soon as may be: (cost, urgent, asked for, sent, ended)."""
    allowance, now, sent = Allowance(SMALL, 0.0), 0.0, []
    for cost, urgent, pause, takes in asked:
        now += pause
        due = allowance.due(cost, now, urgent=urgent)
        sent.append((cost, urgent, now, due, due + takes))
        now = due + takes
        allowance.spend(cost, now)
    return sent


class Counted(NamedTuple):
    """A window: how much of it a request takes, how much there is, and in how many seconds."""

    amount: Callable[[Cost], int]
    limit: float
    seconds: float


WINDOWS = {
    "points a minute": Counted(lambda one: one.points * (not one.graphql), SMALL.points, 60),
    "GraphQL's a minute": Counted(lambda one: one.points * one.graphql, SMALL.graphql_points, 60),
    "content a minute": Counted(lambda one: int(one.content), SMALL.content_minute, 60),
    "content an hour": Counted(lambda one: int(one.content), SMALL.content_hour, 3600),
}


@pytest.mark.parametrize("window", WINDOWS.values(), ids=WINDOWS)
@given(requests)
def test_no_window_is_ever_exceeded_wherever_a_request_counts(
    window: Counted, asked: list[tuple[Cost, bool, float, float]]
) -> None:
    sent = played(asked)
    for last, (cost, _, _, at, _) in enumerate(sent):
        recent = [one for one, _, _, _, ended in sent[:last] if ended > at - window.seconds]
        assert sum(map(window.amount, [*recent, cost])) <= window.limit


@given(requests)
def test_the_reserve_is_left_to_what_is_urgent(asked: list[tuple[Cost, bool, float, float]]) -> None:
    sent = played(asked)
    for last, (cost, urgent, _, at, _) in enumerate(sent):
        if urgent or cost.graphql:
            continue
        recent = [one for one, _, _, _, ended in sent[:last] if ended > at - 60 and not one.graphql]
        assert sum(one.points for one in [*recent, cost]) <= 0.8 * SMALL.points


@given(requests)
def test_writes_are_a_second_apart(asked: list[tuple[Cost, bool, float, float]]) -> None:
    writes = [(at, ended) for cost, _, _, at, ended in played(asked) if cost.write]
    for (_, before), (after, _) in pairwise(writes):
        assert after >= before + 1.0


@given(requests)
def test_nothing_waits_while_there_is_room(asked: list[tuple[Cost, bool, float, float]]) -> None:
    """What waited could not have been sent an instant before."""
    sent = played(asked)
    for last, (cost, urgent, wanted, at, _) in enumerate(sent):
        if at == wanted:
            continue
        earlier = at - 1e-6
        share = 1 if urgent else 0.8
        before = sent[:last]
        full = False
        for amount, limit, seconds in WINDOWS.values():
            used = sum(amount(one) for one, _, _, _, ended in before if ended > earlier - seconds)
            full |= amount(cost) > 0 and used + amount(cost) > limit * share // 1
        close = earlier < before[-1][4] + SMALL.between_requests
        writes = [ended for one, _, _, _, ended in before if one.write]
        close |= cost.write and bool(writes) and earlier < writes[-1] + SMALL.between_writes
        assert full or close


@given(some.lists(some.sampled_from([READ, WRITE, CONTENT]), max_size=200))
def test_what_is_urgent_always_finds_its_share_of_the_points(fan_out: list[Cost]) -> None:
    """However much else was sent as soon as it might be, an urgent write waits for the gap between writes only."""
    allowance, now = Allowance(Limits(points=50, content_minute=5, content_hour=400), 0.0), 0.0
    for cost in fan_out:
        now = allowance.due(cost, now)
        allowance.spend(cost, now)
    assert allowance.due(WRITE, now, urgent=True) <= now + 1.0


def test_what_waits_already_is_counted_before_what_comes_later() -> None:
    """Else reads would take each point as it comes free, and a write of five would never go."""
    allowance = Allowance(Limits(0.0, 0.0, points=10, reserve=0.0), 0.0)
    for second in range(8):
        allowance.spend(READ, float(second))
    assert allowance.due(WRITE, 8.0) == 62.0
    assert allowance.due(READ, 8.0) == 8.0
    assert allowance.due(READ, 8.0, ahead=[WRITE]) == 63.0


@pytest.mark.parametrize(
    ("remaining", "urgent", "renewal"),
    [
        pytest.param(1001, False, None, id="above the reserve anything goes"),
        pytest.param(1000, False, 700.0, id="the last fifth is not for everything"),
        pytest.param(1000, True, None, id="but for what is urgent"),
        pytest.param(1, True, None, id="to the last request"),
        pytest.param(0, True, 700.0, id="of which there is none left"),
    ],
)
def test_the_last_fifth_of_the_hour_is_kept(remaining: int, urgent: bool, renewal: float | None) -> None:  # noqa: FBT001
    allowance = Allowance(GITHUB, 0.0)
    allowance.heed(Quota("core", 5000, remaining, 600.0), 100.0)
    assert allowance.renewal(READ, 101.0, urgent=urgent) == renewal
    assert allowance.renewal(QUERY, 101.0, urgent=urgent) is None  # it has a quota of its own
    assert allowance.renewal(READ, 700.0, urgent=urgent) is None


def test_what_is_left_of_each_window() -> None:
    allowance = Allowance(GITHUB, 0.0)
    for cost in (READ, WRITE, CONTENT, QUERY):
        allowance.spend(cost, 0.0)
    assert allowance.remaining(59.0) == {
        "points_minute": 889,
        "graphql_points_minute": 1999,
        "content_minute": 79,
        "content_hour": 499,
    }
    assert allowance.remaining(60.0)["points_minute"] == 900
    assert Allowance(UNLIMITED, 0.0).remaining(0.0) == {}


@pytest.mark.parametrize(
    ("least", "seconds"),
    [
        pytest.param(partial(floor), 0.0, id="nothing takes no time"),
        pytest.param(partial(floor, writes=1), 0.0, id="nor does one"),
        pytest.param(partial(floor, writes=1000), 999.0, id="writes go once a second"),
        pytest.param(partial(floor, writes=1000, reads=3000), 999.0, id="three reads each fit between"),
        pytest.param(partial(floor, reads=720), 35.95, id="reads go as fast as they may"),
        pytest.param(
            partial(floor, reads=721), 60.0, id="until four fifths of the minute's points are spent"
        ),
        pytest.param(partial(floor, reads=900, urgent=True), 44.95, id="all of them when urgent"),
        pytest.param(partial(floor, content=400), 399.0, id="400 comments go once a second"),
        pytest.param(partial(floor, content=401), 3600.0, id="the next has to wait for the next hour"),
        pytest.param(partial(floor, content=1000, urgent=True), 4099.0, id="1,000 take more than an hour"),
    ],
)
def test_the_least_time_that_requests_take(least: Callable[[], float], seconds: float) -> None:
    assert least() == pytest.approx(seconds)


@given(some.integers(0, 30), some.integers(0, 60), some.integers(0, 30), some.booleans())
def test_no_order_is_faster_than_the_floor(writes: int, reads: int, content: int, urgent: bool) -> None:  # noqa: FBT001
    for order in (
        [READ] * reads + [WRITE] * writes + [CONTENT] * content,
        [CONTENT] * content + [WRITE] * writes + [READ] * reads,
    ):
        allowance, now = Allowance(SMALL, 0.0), 0.0
        for cost in order:
            now = allowance.due(cost, now, urgent=urgent)
            allowance.spend(cost, now)
        assert now >= floor(writes=writes, reads=reads, content=content, urgent=urgent, limits=SMALL) - 1e-6


@given(some.integers(1, 60), some.sampled_from([READ, WRITE, CONTENT]), some.booleans())
def test_requests_of_one_kind_take_the_floor_and_no_longer(count: int, cost: Cost, urgent: bool) -> None:  # noqa: FBT001
    allowance, now = Allowance(SMALL, 0.0), 0.0
    for _ in range(count):
        now = allowance.due(cost, now, urgent=urgent)
        allowance.spend(cost, now)
    reads, writes, content = (count * (cost == one) for one in (READ, WRITE, CONTENT))
    least = floor(reads=reads, writes=writes, content=content, urgent=urgent, limits=SMALL)
    assert now == pytest.approx(least)
