"""What the engine promises, on every database: real processes, real kills, real time."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import working
from databases import opened
from gatekeeper.events.keys import WorkKey
from gatekeeper.events.triggers import Touch
from gatekeeper.store.engine import Database
from gatekeeper.store.work import DEBOUNCE, Work
from gatekeeper.worker.engine import Engine
from gatekeeper.worker.runner import Runner

PULL = WorkKey.pull("acme/shop", 12)
TAKEOVER = working.LEASE + 3


class Workers:
    """Worker processes on one database, and what their passes wrote down."""

    def __init__(self, database: Database, url: str, log: Path) -> None:
        self.work = Work(database)
        self._url = url
        self._log = log
        self.lease = working.LEASE
        self.running: list[subprocess.Popen[bytes]] = []
        runner = Runner(self.work, {}, working.now, random.random)
        self.door = Engine(
            self.work, runner, database_url=url, clock=working.now
        )  # never started, as in `web`

    def start(self, pass_seconds: float) -> int:
        command = [
            sys.executable,
            working.__file__,
            self._url,
            str(self._log),
            str(pass_seconds),
            str(self.lease),
        ]
        self.running.append(subprocess.Popen(command))
        return self.running[-1].pid

    def touch(self, key: WorkKey = PULL) -> None:
        if any(touched.woken for touched in self.work.add([Touch(key)], working.now())):
            self.door.wake(DEBOUNCE)

    def wait_until_up(self) -> None:
        """Wait until all that were started are at work: they import for seconds, on a busy machine for many."""
        while len(self.lines("up")) < len(self.running):
            assert all(process.poll() is None for process in self.running)
            time.sleep(0.05)

    def kill(self, pid: int) -> None:
        os.kill(pid, signal.SIGKILL)
        for process in self.running:
            if process.pid == pid:
                process.wait()

    def lines(self, what: str) -> list[dict[str, Any]]:
        text = self._log.read_text() if self._log.exists() else ""
        return [line for line in map(json.loads, text.splitlines()) if line["what"] == what]

    def settled(self) -> bool:
        counts = self.work.counts(working.now())
        return (counts.waiting, counts.running) == (0, 0)


@contextmanager
def running(workers: Workers) -> Iterator[Workers]:
    yield workers
    for process in workers.running:
        if process.poll() is None:
            workers.kill(process.pid)
    workers.door._queue.storage.close()


@pytest.fixture
def workers(database: Database, database_url: str, tmp_path: Path) -> Iterator[Workers]:
    with running(Workers(database, database_url, tmp_path / "passes.log")) as workers:
        yield workers


def wait_for(condition: Callable[[], object], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.05)


def most_at_once(workers: Workers, key: WorkKey = PULL) -> int:
    """The largest number of passes of one key at the same moment."""
    moments = [(line["at"], 1) for line in workers.lines("start") if line["key"] == str(key)]
    moments += [(line["at"], -1) for line in workers.lines("end") if line["key"] == str(key)]
    running, most = 0, 0
    for _, change in sorted(moments):
        running += change
        most = max(most, running)
    return most


def test_a_touch_is_passed_in_about_a_second(workers: Workers) -> None:
    workers.start(0)
    workers.wait_until_up()
    before = time.time()  # noqa: TID251 (compared with another process's clock)
    workers.touch()
    wait_for(lambda: workers.lines("end"))
    assert DEBOUNCE.total_seconds() <= workers.lines("start")[0]["at"] - before < 2.5


def test_killed_in_the_middle_and_restarted_it_runs_again(workers: Workers) -> None:
    first = workers.start(60)
    workers.touch()
    wait_for(lambda: workers.lines("start"))
    workers.kill(first)
    workers.start(0)
    wait_for(lambda: workers.lines("end"), TAKEOVER + 5)
    assert len(workers.lines("start")) == 2
    wait_for(workers.settled)


def test_killed_and_restarted_alone_on_its_machine_it_does_not_wait_for_the_lease(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/gatekeeper.db"
    with opened(url) as database, running(Workers(database, url, tmp_path / "passes.log")) as workers:
        workers.lease = 600.0
        first = workers.start(60)
        workers.touch()
        wait_for(lambda: workers.lines("start"))
        workers.kill(first)
        workers.start(0)
        wait_for(lambda: workers.lines("end"), 10)


def test_killed_in_the_middle_a_peer_takes_over(workers: Workers) -> None:
    pids = {workers.start(2), workers.start(2)}
    workers.touch()
    wait_for(lambda: workers.lines("start"))
    (killed,) = (line["pid"] for line in workers.lines("start"))
    workers.kill(killed)
    wait_for(lambda: workers.lines("end"), TAKEOVER + 5)
    assert [line["pid"] for line in workers.lines("end")] == [*(pids - {killed})]


def test_a_wake_up_lost_in_a_crash_costs_seconds_not_the_event(workers: Workers) -> None:
    workers.work.add([Touch(PULL)], working.now())  # stored, and killed before the wake-up
    workers.start(0)
    wait_for(workers.settled)
    assert len(workers.lines("end")) == 1


def test_ten_events_at_once_are_one_pass(workers: Workers) -> None:
    workers.start(0.1)
    for _ in range(10):
        workers.touch()
        time.sleep(0.02)
    wait_for(workers.settled)
    assert len(workers.lines("end")) == 1


def test_an_event_during_a_pass_runs_after_it(workers: Workers) -> None:
    workers.start(1)
    workers.start(1)
    workers.touch()
    wait_for(lambda: workers.lines("start"))
    workers.touch()
    wait_for(workers.settled)
    assert len(workers.lines("end")) == 2
    assert most_at_once(workers) == 1


def test_a_pass_may_outlast_the_lease(workers: Workers) -> None:
    long = working.LEASE * 2
    workers.start(long)
    workers.start(long)
    workers.touch()
    wait_for(lambda: workers.lines("end"), long + 10)
    assert len(workers.lines("start")) == 1


def test_a_steady_stream_is_not_starved(workers: Workers) -> None:
    workers.start(0)
    workers.wait_until_up()
    for _ in range(25):
        workers.touch()
        time.sleep(0.2)
    assert len(workers.lines("end")) >= 3
    wait_for(workers.settled)
    assert most_at_once(workers) == 1


def test_two_processes_share_the_work_and_double_none(workers: Workers) -> None:
    keys = [WorkKey.pull("acme/shop", number) for number in range(1, 61)]
    workers.start(0.05)
    workers.start(0.05)
    workers.wait_until_up()
    workers.work.add([Touch(key) for key in keys], working.now())
    workers.door.wake(DEBOUNCE)
    wait_for(workers.settled, 30)
    assert sorted(line["key"] for line in workers.lines("end")) == sorted(map(str, keys))
    assert len({line["pid"] for line in workers.lines("end")}) == 2


def test_killed_at_random_moments_nothing_is_lost(workers: Workers) -> None:
    dice = random.Random(7)  # noqa: S311 (a test's dice)
    keys = [WorkKey.pull("acme/shop", number) for number in range(1, 21)]
    for key in keys:
        pid = workers.start(0.02)
        workers.touch(key)
        time.sleep(dice.uniform(0.3, 1.2))
        workers.kill(pid)
    workers.start(0.02)
    wait_for(workers.settled, TAKEOVER + 10)
    assert {line["key"] for line in workers.lines("end")} == set(map(str, keys))
    assert workers.work.parked() == []
