"""Turns on one installation: one at a time, writes apart, silence when asked."""

import threading
import time

import pytest

from gatekeeper.errors import GitHubError, RateLimitedError
from gatekeeper.github.answers import Answer
from gatekeeper.github.limiter import Limiter
from github_clients import Time


def limiter(clock: Time, **arguments: float) -> Limiter:
    return Limiter(monotonic=clock, sleep=clock.sleep, **arguments)


def answer(status: int, **headers: str) -> Answer:
    return Answer("GET", "/x", status, {name.replace("_", "-"): value for name, value in headers.items()}, "")


def request(one: Limiter, clock: Time, *, write: bool, takes: float = 0.0) -> float:
    """Take a turn; when it began."""
    with one.turn(write=write):
        began = clock.now
        clock.now += takes
        one.heed(answer(200))
    return began


def test_writes_are_a_second_apart_counted_from_the_end_of_the_last() -> None:
    clock = Time()
    one = limiter(clock, between_requests=0.05, between_writes=1.0)
    began = [request(one, clock, write=True, takes=0.3) for _ in range(3)]
    assert began == pytest.approx([1000.0, 1001.3, 1002.6])


def test_reads_wait_only_for_the_request_before() -> None:
    clock = Time()
    one = limiter(clock, between_requests=0.05, between_writes=1.0)
    request(one, clock, write=True)
    assert request(one, clock, write=False) == pytest.approx(1000.05)
    assert request(one, clock, write=True) == pytest.approx(1001.0)


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
    with one.turn(write=False):
        one.heed(refusal)
    clock.now += seconds - 1
    with pytest.raises(RateLimitedError) as raised, one.turn(write=False):
        pytest.fail("a request was sent while GitHub had asked for silence")
    assert raised.value.retry_after == pytest.approx(1.0)
    clock.now += 1
    request(one, clock, write=False)
    assert clock.slept == []  # waits that GitHub asks for are raised, never slept


def test_refusals_without_a_header_wait_twice_as_long_each_until_a_success() -> None:
    clock = Time()
    one = limiter(clock)
    waits = []
    for status in (429, 429, 429, 200, 429):
        clock.now += one.limited_for()
        with one.turn(write=False):
            one.heed(answer(status))
        waits.append(one.limited_for())
    assert waits == [60.0, 120.0, 240.0, 0.0, 60.0]


def test_a_limit_met_while_others_wait_their_turn_stops_them_too() -> None:
    one = Limiter(between_requests=0.0)
    inside, go_on, sent = threading.Event(), threading.Event(), []

    def first() -> None:
        with one.turn(write=False):
            inside.set()
            go_on.wait(5)
            one.heed(answer(429, retry_after="30"))

    def second() -> None:
        with pytest.raises(RateLimitedError), one.turn(write=False):
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


def test_a_queue_of_writes_longer_than_our_patience_is_for_later() -> None:
    class Asleep(Exception):  # noqa: N818 - no error: how the test looks at a thread that waits
        pass

    def fall_asleep(seconds: float) -> None:
        raise Asleep(seconds)

    one = Limiter(between_writes=1.0, patience=3.0, monotonic=lambda: 0.0, sleep=fall_asleep)
    for slot in range(4):
        with pytest.raises(Asleep) as waits, one.turn(write=True):
            pytest.fail("unreachable")
        assert waits.value.args == (slot,)
    with pytest.raises(RateLimitedError) as raised, one.turn(write=True):
        pytest.fail("unreachable")
    assert raised.value.retry_after == 4.0


def test_a_hanging_request_holds_others_up_only_so_long() -> None:
    one = Limiter(between_requests=0.0, patience=0.05)
    inside, done = threading.Event(), threading.Event()

    def hang() -> None:
        with one.turn(write=False):
            inside.set()
            done.wait(5)

    thread = threading.Thread(target=hang)
    thread.start()
    assert inside.wait(5)
    with pytest.raises(GitHubError, match="slow"), one.turn(write=False):
        pytest.fail("two requests at a time")
    done.set()
    thread.join(5)
    with one.turn(write=False):
        pass


def test_a_failed_request_gives_its_turn_back() -> None:
    clock = Time()
    one = limiter(clock)
    with pytest.raises(GitHubError), one.turn(write=True):
        raise GitHubError("no answer")
    assert request(one, clock, write=True) == pytest.approx(1001.0)


def test_eight_threads_never_overlap() -> None:
    one = Limiter(between_requests=0.0, between_writes=0.0)
    inside = 0
    most = 0

    def work() -> None:
        nonlocal inside, most
        for number in range(25):
            with one.turn(write=number % 2 == 0):
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
