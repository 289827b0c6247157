"""Turns on one installation: one at a time, within the limits, the most urgent first, silence when asked."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import Self

import pytest

from gatekeeper.errors import GitHubError, RateLimitedError
from gatekeeper.events.triggers import Priority
from gatekeeper.github.allowance import CONTENT, GITHUB, READ, UNLIMITED, WRITE, Cost, Limits
from gatekeeper.github.answers import Answer
from gatekeeper.github.limiter import Limiter, Load
from gatekeeper.github.urgency import on_behalf_of
from github_clients import Time


def limiter(clock: Time, limits: Limits = GITHUB) -> Limiter:
    return Limiter(limits, monotonic=clock, sleep=clock.sleep)


def answer(status: int, **headers: str) -> Answer:
    return Answer("GET", "/x", status, {name.replace("_", "-"): value for name, value in headers.items()}, "")


def request(one: Limiter, clock: Time, cost: Cost, *, takes: float = 0.0) -> float:
    """Take a turn; when it began."""
    with one.turn(cost):
        began = clock.now
        clock.now += takes
        one.heed(answer(200))
    return began


def test_writes_are_a_second_apart_counted_from_the_end_of_the_last() -> None:
    clock = Time()
    one = limiter(clock)
    began = [request(one, clock, WRITE, takes=0.3) for _ in range(3)]
    assert began == pytest.approx([1000.0, 1001.3, 1002.6])


def test_reads_wait_only_for_the_request_before() -> None:
    clock = Time()
    one = limiter(clock)
    request(one, clock, WRITE)
    assert request(one, clock, READ) == pytest.approx(1000.05)
    assert request(one, clock, WRITE) == pytest.approx(1001.0)


@pytest.mark.parametrize(
    ("refusal", "seconds"),
    [
        pytest.param(answer(429, retry_after="30"), 30.0, id="as long as Retry-After says"),
        pytest.param(answer(403, x_ratelimit_remaining="0"), 60.0, id="a minute when it does not say"),
        pytest.param(answer(200, x_ratelimit_remaining="0"), 60.0, id="after the last request of the hour"),
    ],
)
def test_after_a_limit_nothing_is_sent(refusal: Answer, seconds: float) -> None:
    clock = Time()
    one = limiter(clock)
    with one.turn(READ):
        one.heed(refusal)
    clock.now += seconds - 1
    with pytest.raises(RateLimitedError) as raised, one.turn(READ):
        pytest.fail("a request was sent while GitHub had asked for silence")
    assert raised.value.retry_after == pytest.approx(1.0)
    clock.now += 1
    request(one, clock, READ)
    assert clock.slept == []  # waits that GitHub asks for are raised, never slept


def test_refusals_without_a_header_wait_twice_as_long_each_until_a_success() -> None:
    clock = Time()
    one = limiter(clock)
    waits = []
    for status in (429, 429, 429, 200, 429):
        clock.now += one.limited_for()
        with one.turn(READ):
            one.heed(answer(status))
        waits.append(one.limited_for())
    assert waits == [60.0, 120.0, 240.0, 0.0, 60.0]


def test_a_limit_met_while_others_wait_their_turn_stops_them_too() -> None:
    one = Limiter(UNLIMITED)
    inside, go_on, sent = threading.Event(), threading.Event(), []

    def first() -> None:
        with one.turn(READ):
            inside.set()
            go_on.wait(5)
            one.heed(answer(429, retry_after="30"))

    def second() -> None:
        with pytest.raises(RateLimitedError), one.turn(READ):
            sent.append("second")

    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    threads[0].start()
    assert inside.wait(5)
    threads[1].start()
    time.sleep(0.05)
    go_on.set()
    for thread in threads:
        thread.join(5)
    assert sent == []


class Queue:
    """Threads that ask one limiter for turns while somebody holds it; they are let go on together."""

    def __init__(self, limits: Limits, *, patience: float = 10.0) -> None:
        self.limiter = Limiter(limits, patience=patience)
        self.sent: list[str] = []
        self.refused: dict[str, RateLimitedError] = {}
        self._held, self._go_on = threading.Event(), threading.Event()
        self._threads = [threading.Thread(target=self._hold)]

    def __enter__(self) -> Self:
        self._threads[0].start()
        assert self._held.wait(5)
        return self

    def __exit__(self, *_: object) -> None:
        self._go_on.set()
        for thread in self._threads:
            thread.join(10)

    def ask(self, name: str, cost: Cost, priority: Priority = Priority.OPEN) -> None:
        """Stand in line, behind all who asked before."""
        waiting = self.limiter.load().waiting
        self._threads.append(threading.Thread(target=self._send, args=(name, cost, priority)))
        self._threads[-1].start()
        while self.limiter.load().waiting == waiting and name not in self.refused:
            time.sleep(0.001)

    def _hold(self) -> None:
        with self.limiter.turn(READ):
            self._held.set()
            self._go_on.wait(5)

    def _send(self, name: str, cost: Cost, priority: Priority) -> None:
        try:
            with on_behalf_of(priority), self.limiter.turn(cost):
                self.sent.append(name)
        except RateLimitedError as refused:
            self.refused[name] = refused


BRISK = replace(UNLIMITED, between_writes=0.05)


def test_the_most_urgent_goes_first_and_else_who_came_first() -> None:
    with Queue(BRISK) as queue:
        queue.ask("pull request", WRITE)
        queue.ask("event", WRITE, Priority.EVENT)
        queue.ask("another pull request", WRITE)
        queue.ask("group", WRITE, Priority.QUEUED)
        queue.ask("deployment", WRITE, Priority.DEPLOYING)
    assert queue.sent == ["deployment", "group", "event", "pull request", "another pull request"]


def test_who_wakes_first_lets_the_more_urgent_go_before() -> None:
    with Queue(UNLIMITED) as queue:
        queue.ask("pull request", READ)
        queue.ask("group", READ, Priority.QUEUED)
        queue.ask("deployment", READ, Priority.DEPLOYING)
    assert queue.sent == ["deployment", "group", "pull request"]


def test_reads_go_on_while_writes_keep_their_distance() -> None:
    with Queue(BRISK) as queue:
        for name in ("first", "second", "third"):
            queue.ask(name, WRITE, Priority.EVENT)
        queue.ask("read", READ)
    assert queue.sent == ["first", "read", "second", "third"]


def test_more_writes_than_our_patience_has_room_for_are_for_later() -> None:
    with Queue(replace(UNLIMITED, between_writes=0.4), patience=1.0) as queue:
        for name in ("first", "second", "third", "fourth"):
            queue.ask(name, WRITE)
    assert queue.sent == ["first", "second", "third"]
    assert list(queue.refused) == ["fourth"]
    assert 1.0 < (queue.refused["fourth"].retry_after or 0.0) < 1.21
    assert queue.limiter.load().put_off == 1


def test_who_gives_up_keeps_nobody_waiting() -> None:
    with Queue(replace(UNLIMITED, points=5, between_writes=5.0, reserve=0.0), patience=0.2) as queue:
        queue.ask("read", READ)
        queue.ask("too much for now", WRITE, Priority.EVENT)
    assert (queue.sent, list(queue.refused)) == (["read"], ["too much for now"])


@pytest.mark.parametrize(
    ("cost", "most", "waits"),
    [
        pytest.param(READ, 720, 60.0, id="points of a minute"),
        pytest.param(CONTENT, 400, 3600.0, id="content of an hour"),
    ],
)
def test_what_a_limit_leaves_no_room_for_is_never_slept_for(cost: Cost, most: int, waits: float) -> None:
    clock = Time()
    one = limiter(clock)
    began = [request(one, clock, cost) for _ in range(most)]
    with pytest.raises(RateLimitedError) as raised, one.turn(cost):
        pytest.fail("sent")
    assert clock.now + (raised.value.retry_after or 0.0) == pytest.approx(began[0] + waits)
    assert max(clock.slept) <= 1.0
    assert one.load().put_off == 1


def test_the_reserve_lets_a_deployment_through_a_fan_out() -> None:
    clock = Time()
    one = limiter(clock)
    with on_behalf_of(Priority.OPEN):
        for _ in range(720):
            request(one, clock, READ)
        with pytest.raises(RateLimitedError):
            request(one, clock, READ)
    full = clock.now
    with on_behalf_of(Priority.DEPLOYING):
        for _ in range(30):
            request(one, clock, READ)
            request(one, clock, WRITE)
    assert clock.now - full < 31.0


def test_the_last_fifth_of_the_hour_is_not_for_everybody() -> None:
    clock = Time()
    one = limiter(clock)
    with one.turn(READ):
        one.heed(answer(200, x_ratelimit_limit="5000", x_ratelimit_remaining="1000"))
    with pytest.raises(RateLimitedError, match="but for what is urgent") as raised, one.turn(READ):
        pytest.fail("sent")
    assert raised.value.retry_after == pytest.approx(60.0)  # no reset was told
    with on_behalf_of(Priority.QUEUED):
        request(one, clock, READ)


def test_how_busy_it_is() -> None:
    clock = Time()
    one = limiter(clock)
    request(one, clock, CONTENT)
    left = {"points_minute": 895, "graphql_points_minute": 2000, "content_minute": 79, "content_hour": 499}
    assert one.load() == Load(waiting=0, put_off=0, remaining=left)


def test_a_hanging_request_holds_others_up_only_so_long() -> None:
    one = Limiter(UNLIMITED, patience=0.05)
    inside, done = threading.Event(), threading.Event()

    def hang() -> None:
        with one.turn(READ):
            inside.set()
            done.wait(5)

    thread = threading.Thread(target=hang)
    thread.start()
    assert inside.wait(5)
    with pytest.raises(GitHubError, match="slow"), one.turn(READ):
        pytest.fail("two requests at a time")
    done.set()
    thread.join(5)
    with one.turn(READ):
        pass


def test_a_failed_request_gives_its_turn_back() -> None:
    clock = Time()
    one = limiter(clock)
    with pytest.raises(GitHubError), one.turn(WRITE):
        raise GitHubError("no answer")
    assert request(one, clock, WRITE) == pytest.approx(1001.0)


def test_eight_threads_never_overlap() -> None:
    one = Limiter(UNLIMITED)
    inside = 0
    most = 0

    def work() -> None:
        nonlocal inside, most
        for number in range(25):
            with one.turn(WRITE if number % 2 else READ):
                inside += 1
                most = max(most, inside)
                time.sleep(0.0002)
                inside -= 1

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert most == 1
