"""Several processes of one installation keep its limits together, and one that starts knows what was before it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from builders import NOW
from gatekeeper.bootstrap import now as present
from gatekeeper.errors import RateLimitedError
from gatekeeper.github.allowance import CONTENT, GITHUB, READ, UNLIMITED, WRITE, Cost, Limits
from gatekeeper.github.answers import Answer
from gatekeeper.github.limiter import Limiter
from gatekeeper.store.sendings import Sendings
from gatekeeper.store.tables import sending
from github_clients import Time

if TYPE_CHECKING:
    from gatekeeper.store.engine import Database

INSTALLATION = 7


class Processes:
    """Processes on one database and one clock, which passes only while one of them waits."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.time = Time()
        self.began = self.time.now
        self.sent: list[tuple[float, Cost]] = []

    def clock(self) -> datetime:
        return NOW + timedelta(seconds=self.time.now - self.began)

    def start(self, installation: int = INSTALLATION, limits: Limits = GITHUB) -> Limiter:
        limiter = Limiter(limits, patience=7200.0, monotonic=self.time, sleep=self.time.sleep)
        limiter.share(Sendings(self.database, installation, self.clock))
        return limiter

    def send(self, limiter: Limiter, cost: Cost, status: int = 200, **headers: str) -> float:
        """Seconds from the beginning until it was sent."""
        with limiter.turn(cost):
            at = self.time.now - self.began
            limiter.heed(
                Answer(
                    "GET", "/x", status, {one.replace("_", "-"): said for one, said in headers.items()}, ""
                )
            )
        self.sent.append((at, cost))
        return at


@pytest.fixture
def processes(database: Database) -> Processes:
    return Processes(database)


def test_writes_of_two_processes_are_a_second_apart(processes: Processes) -> None:
    one, other = processes.start(), processes.start()
    sent = [processes.send(limiter, WRITE) for limiter in (one, other, one, one, other)]
    assert sent == pytest.approx([0, 1, 2, 3, 4])


def test_together_they_make_no_more_than_one_may(processes: Processes) -> None:
    limiters = [processes.start() for _ in range(3)]
    sent = [processes.send(limiters[number % 3], CONTENT) for number in range(420)]
    minute, hour = int(80 * 0.8), int(500 * 0.8)
    assert all(later - sooner >= 60 for sooner, later in zip(sent, sent[minute:], strict=False))
    assert all(later - sooner >= 3600 for sooner, later in zip(sent, sent[hour:], strict=False))
    assert sent[-1] < 2 * 3600


def test_one_that_starts_knows_what_was_sent_before(processes: Processes) -> None:
    for _ in range(64):
        processes.send(processes.start(), CONTENT)
    assert processes.send(processes.start(), CONTENT) == pytest.approx(64, abs=1.1)


@pytest.mark.parametrize("cost", [READ, WRITE])
def test_silence_that_github_asked_one_for_is_kept_by_all(processes: Processes, cost: Cost) -> None:
    one, other = processes.start(), processes.start()
    processes.send(one, READ, 429, retry_after="30")
    for limiter in (one, other, processes.start()):
        with pytest.raises(RateLimitedError, match="asked us to wait") as raised:
            processes.send(limiter, cost)
        assert raised.value.retry_after == pytest.approx(30.0)
    processes.time.now += 30
    assert processes.send(other, cost) == pytest.approx(30.0)


def test_the_longer_silence_counts(processes: Processes) -> None:
    one, other = (Sendings(processes.database, INSTALLATION, processes.clock) for _ in range(2))
    one.keep_silent(60)
    other.keep_silent(5)
    assert other.news().silence == one.news().silence == 60.0


def test_what_another_began_meanwhile_is_seen_before_anything_is_sent(processes: Processes) -> None:
    one, other = (Sendings(processes.database, INSTALLATION, processes.clock) for _ in range(2))
    assert (one.news().spent, other.news().spent) == ([], [])
    assert one.take(CONTENT)
    assert not other.take(WRITE)
    assert [spent.cost for spent in other.news().spent] == [CONTENT]
    assert other.take(WRITE)
    assert one.take(WRITE) is False


def test_of_those_that_begin_at_once_each_has_seen_all_before_it(database: Database) -> None:
    def work(_: int) -> tuple[str, list[int]]:
        """How many were known to us at each of ours."""
        mine, known = Sendings(database, INSTALLATION, present), 0
        seen: list[int] = []
        while len(seen) < 10:
            known += len(mine.news().spent)
            if mine.take(WRITE):
                seen.append(known)
                known += 1
        return mine.me, seen

    with ThreadPoolExecutor(4) as threads:
        found = {me: iter(seen) for me, seen in threads.map(work, range(4))}
    with database.read() as connection:
        order = connection.execute(select(sending.c.by).order_by(sending.c.id)).scalars().all()
    assert [next(found[me]) for me in order] == list(range(40))


def test_one_installation_does_not_wait_for_another(processes: Processes) -> None:
    processes.send(processes.start(), WRITE)
    processes.send(processes.start(), READ, 429, retry_after="30")
    assert processes.send(processes.start(installation=8), WRITE) < 1


def test_what_is_older_than_an_hour_is_forgotten(processes: Processes) -> None:
    processes.send(processes.start(), WRITE)
    processes.time.now += 3600
    late = Sendings(processes.database, INSTALLATION, processes.clock)
    assert late.take(WRITE)
    assert late.news().spent == []
    fresh = Sendings(processes.database, INSTALLATION, processes.clock)
    assert len(fresh.news().spent) == 1


def test_where_there_are_no_limits_nothing_is_noted(processes: Processes) -> None:
    processes.send(processes.start(limits=UNLIMITED), WRITE)
    assert Sendings(processes.database, INSTALLATION, processes.clock).news().spent == []
