"""kill -9 between acknowledgement and verdict: nothing is lost, nothing is written twice."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

from staging import Served, assert_each_has_one_check_and_one_comment, eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from worlds.prometheus import PrometheusServer

SHOP = "acme/shop"
BOT = "gatekeeper[bot]"
KILLS = 50
SEED = 20261102
WINDOW = 0.4
"""Seconds that GitHub takes over the request under which the server dies."""


@dataclass(frozen=True)
class Slow:
    """A request that takes GitHub long: ``delay`` before it acts, ``late`` between the act and its answer."""

    how: Literal["delay", "late"]
    method: str
    path: str


@dataclass(frozen=True)
class Moment:
    """When the server dies.

    Attributes:
        within: at a random time in so many seconds from the acknowledgement, or from the arrival of ``during``.
        acknowledged: whether the events have been answered with 202 before.
        asked: somebody asks for a recheck, so that there is something to update.
    """

    name: str
    within: float
    during: Slow | None = None
    acknowledged: bool = True
    asked: bool = False


CHECK, CHECKS = r"/check-runs/\d+$", r"/check-runs$"
COMMENT, COMMENTS = r"/issues/comments/\d+$", r"/issues/\d+/comments$"
MOMENTS = (
    Moment("before the acknowledgement", 0.01, acknowledged=False),
    Moment("right after the acknowledgement", 0.02),
    Moment("before the pass", 0.3),
    Moment("within a second", 1.0),
    Moment("while the pass reads", 0.3, Slow("delay", "GET", r"/pulls/\d+$")),
    Moment("while the check is created", 0.3, Slow("delay", "POST", CHECKS)),
    Moment("before the new check's id is known", 0.3, Slow("late", "POST", CHECKS)),
    Moment("while the label is added", 0.3, Slow("late", "POST", r"/issues/\d+/labels$")),
    Moment("while the comment is created", 0.3, Slow("delay", "POST", COMMENTS)),
    Moment("before the new comment's id is known", 0.3, Slow("late", "POST", COMMENTS)),
    Moment("while the check is updated", 0.3, Slow("late", "PATCH", CHECK), asked=True),
    Moment("while the comment is edited", 0.3, Slow("late", "PATCH", COMMENT), asked=True),
)


@dataclass
class Rounds:
    """People at work on GitHub, and a server that dies under it."""

    stage: Served
    dice: random.Random
    killed: Counter[str] = field(default_factory=Counter)
    guids: set[str] = field(default_factory=set)

    def play(self, moment: Moment) -> None:
        """Something happens on GitHub, the server dies at the moment, and comes back."""
        deliveries = self.stage.github.deliveries
        deliveries.pause()
        before = len(deliveries.emitted)
        self.act(asked=moment.asked)
        self.guids |= {one.guid for one in deliveries.emitted[before:]}
        self.slow_down(moment.during)
        deliveries.resume()
        if moment.acknowledged:
            deliveries.wait()
        if moment.during:
            eventually(lambda: not self.stage.github.faults.pending())
        time.sleep(self.dice.uniform(0, moment.within))
        self.stage.kill()
        self.killed[moment.name] += 1
        self.stage.github.faults.clear()
        self.stage.start()
        self.redeliver()

    def act(self, *, asked: bool) -> None:
        """A pull request is opened; on an older one somebody pushes, labels or asks."""
        world = self.stage.github.state
        world.open_pull(SHOP, author="dev1", title="A change", files=self.files())
        known = sorted({one.number for one in world.comments.values() if one.author == BOT})
        if not known:
            return
        number = self.dice.choice(known)
        if asked:
            world.comment_on(SHOP, number, "/gatekeeper recheck", by="dev1")
        elif self.dice.random() < 0.5:
            world.push_commit(SHOP, world.pull(SHOP, number).head_ref, self.files(), by="dev1")
        elif "reliability" in world.pull(SHOP, number).labels:
            world.unlabel(SHOP, number, "reliability", by="ops1")
        else:
            world.label(SHOP, number, "reliability", by="ops1")

    def files(self) -> dict[str, str]:
        return {f"services/checkout/{self.dice.randrange(10**9)}.py": "x = 1\n"}

    def slow_down(self, slow: Slow | None) -> None:
        faults = self.stage.github.faults
        if slow is not None:
            (faults.delay if slow.how == "delay" else faults.answer_late)(slow.method, slow.path, WINDOW)

    def redeliver(self) -> None:
        """What was not acknowledged is sent again, as a person or a script at GitHub's door does."""
        deliveries = self.stage.github.deliveries
        deliveries.wait()
        answered = {one.guid for one in deliveries.logged() if one.status_code == 202}
        failed = {one.guid: one for one in deliveries.logged() if one.guid in self.guids - answered}
        for one in failed.values():
            deliveries.redeliver(one.id)
        deliveries.wait()


@pytest.fixture
def stage(
    tmp_path: Path, prometheus: PrometheusServer, policies: dict[str, str], frozen_at: datetime, filled: Path
) -> Iterator[Served]:
    with Served(
        tmp_path, prometheus=prometheus.url, now=frozen_at, policies=policies, filled=filled
    ) as stage:
        yield stage


def test_killed_50_times_at_random_moments_every_pull_request_has_its_one_check_and_one_comment(
    stage: Served, say: Callable[[str], None]
) -> None:
    dice = random.Random(SEED)  # noqa: S311 (a test's dice)
    rounds = Rounds(stage, dice)
    moments = list(islice(cycle(MOMENTS), KILLS))
    dice.shuffle(moments)
    stage.open_pull()  # so that there is something to update
    for moment in moments:
        rounds.play(moment)
    stage.settle()
    again = passes_taken_over(stage)
    say(f"{rounds.killed.total()} kills, {again} passes taken over: {dict(sorted(rounds.killed.items()))}")

    assert rounds.killed.total() == KILLS
    assert again > KILLS / 3, "most kills struck in the middle of a pass"
    assert_each_has_one_check_and_one_comment(stage)
    assert [guid for guid in rounds.guids if not stage.gatekeeper.stores.deliveries.is_done(guid)] == []
    assert stage.gatekeeper.stores.work.parked() == []
    assert not [line for line in stage.lines() if "Traceback" in line]


def passes_taken_over(stage: Served) -> int:
    """How many passes over pull requests went well after a server had died in them."""
    passes = [json.loads(line) for line in stage.lines() if '"pass.done"' in line]
    return sum(line["key"].startswith("pull:") and line["attempt"] > 1 for line in passes)


def test_when_only_the_worker_dies_gunicorn_replaces_it_and_its_work_is_taken_over(stage: Served) -> None:
    stage.github.faults.answer_late("POST", CHECKS, WINDOW)
    stage.github.state.open_pull(SHOP, author="dev1", title="A change", files={"services/checkout/a.py": ""})
    eventually(stage.github.calls.writes)
    (worker,) = Path(f"/proc/{stage.pid}/task/{stage.pid}/children").read_text().split()
    os.kill(int(worker), signal.SIGKILL)
    eventually(lambda: stage.comments(1))
    stage.settle()
    assert_each_has_one_check_and_one_comment(stage)
