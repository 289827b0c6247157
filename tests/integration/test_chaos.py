"""Everything fails at random, for hundreds of events: in the end GitHub says what it says after a calm day.

Deliveries are dropped, doubled, held back and sent the newest first; a fifth of all requests to GitHub fails, in every
way that they can; the server is killed 30 times. A calm run of the same acts says what has to be on GitHub then. GitHub
may be asked 20 times as fast as in production, and its limits are as much higher; what it asks for in seconds of
silence is kept to the second.

The dice are seeded. ``GATEKEEPER_TEST_CHAOS=SEED`` throws others; the report names the seed.
"""

from __future__ import annotations

import os
import random
import re
import time
from bisect import bisect
from collections import Counter
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, update

from gatekeeper.bootstrap import now as present
from gatekeeper.demo.github.acme import APP_ID
from gatekeeper.demo.github.faults import Fault
from gatekeeper.events.triggers import may_trigger
from gatekeeper.store.tables import delivery, missing_delivery, work
from staging import Served, Stage, eventually
from staging.people import SHOP, People
from staging.restraint import assert_limits_are_kept

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from gatekeeper.demo.github import World
    from gatekeeper.demo.github.entities import CheckRun
    from worlds.prometheus import PrometheusServer
    from worlds.world import World as PastWorld

SEED = int(os.environ.get("GATEKEEPER_TEST_CHAOS", "20261123"))  # noqa: TID251 (a test's own)
BOT = "gatekeeper[bot]"
TESTS = 77
KILLS, BURSTS, ACTS = 30, 10, 6
"""A phase has so many bursts, each of so many acts."""

SECONDS, STORMY = 40, 2
FASTER = 20
TERMS = {"faster": FASTER, "patience": 1, "sweep": 3.0}
FAILING = 0.2
FAULTS = {
    Fault("error", 500): 20,
    Fault("error", 502): 20,
    Fault("error", 503): 20,
    Fault("reset"): 15,
    Fault("lost"): 15,
    Fault("late", seconds=1.5): 6,  # longer than anybody waits for it
    Fault("secondary", 403, retry_after=1): 2,
    Fault("secondary", 429, retry_after=1): 2,
    Fault("primary", 403): 0.5,
    Fault("primary", 429): 0.5,
}
ENVIRONMENTS = "  environments: {production: enforce, staging: free}\n"


class Day:
    """What happens, in phases: while the budget is spent, once it has recovered, and after it is spent again.

    Each phase ends when all is settled: then what is green is merged, or goes into the queue.
    """

    def __init__(self, stage: Stage, seed: int) -> None:
        self.stage = stage
        self.people = People(stage.github.state, random.Random(f"people {seed}"))  # noqa: S311 (a test's dice)

    def prepare(self) -> None:
        world = self.stage.github.state
        world.register_app("tests", owner="acme", public_key="", permissions={}, events=[], app_id=TESTS)
        world.add_account("tests[bot]", "Bot")
        world.protect(SHOP, "production", app_id=APP_ID)
        world.push_commit(SHOP, "release", {"release.txt": "1\n"}, by="ops1")
        world.require_queue(SHOP, "release")
        world.require_check(SHOP, "release", "gatekeeper", app_id=APP_ID)
        world.require_check(SHOP, "release", "tests", app_id=TESTS)
        for _ in range(5):
            self.people.open_pull()
        self.settle()

    def live(self, moments: Sequence[datetime]) -> None:
        """Play it."""
        self.prepare()
        for moment in moments:
            self.move(moment)
            for _ in range(BURSTS):
                self.burst()
            self.settle()
            self.override()
            self.settle()
            self.land()
            self.settle()

    def move(self, moment: datetime) -> None:
        self.stage.at(moment)
        self.settle()

    def burst(self) -> None:
        for _ in range(ACTS):
            self.people.act()

    def settle(self) -> None:
        self.stage.settle()

    def override(self) -> None:
        """ops1 lets some through: by label, and by command. dev1 wants others explained."""
        world = self.stage.github.state
        for number in sorted(self.people.open)[-3:]:
            world.comment_on(SHOP, number, "/gatekeeper explain", by="dev1")
        blocked = [one for one in sorted(self.people.open) if "slo:frozen" in self.stage.labels(one)]
        for number in blocked[:2]:
            world.label(SHOP, number, "slo:override", by="ops1")
        for number in blocked[2:4]:
            world.comment_on(SHOP, number, "/gatekeeper override It has to go out.", by="ops1")

    def land(self) -> None:
        """Merge what is green, or put it in the queue; the tests of each second group pass."""
        world, people = self.stage.github.state, self.people
        waiting = [run for _, run in sorted(world.runs.items()) if run.status == "waiting"]
        for run in waiting[:1]:
            world.cancel_run(SHOP, run.id, by="dev1")
        green = [
            one
            for one in sorted(people.open)
            if any(check.conclusion == "success" for check in self.stage.checks(one))
        ]
        queued = 0
        for number in green[:8]:
            pull = world.pull(SHOP, number)
            if pull.draft:
                continue
            if pull.base_ref == "main":
                world.merge(SHOP, number, by="ops1")
            else:
                world.report_check(SHOP, pull.head_sha, "tests", app_id=TESTS, conclusion="success")
                world.enqueue(SHOP, number, by="ops1")
                queued += 1
            people.open.remove(number)
        self.settle()
        for entry in [*world.queue(SHOP, "release")][: (queued + 1) // 2]:
            world.report_check(SHOP, entry.head_sha, "tests", app_id=TESTS, conclusion="success")


class Rough(Day):
    """The same in a storm, in which everything fails, from the first act to the last."""

    stage: Served

    def __init__(self, stage: Served, seed: int) -> None:
        super().__init__(stage, seed)
        self.dice = random.Random(f"chaos {seed}")  # noqa: S311 (a test's dice)
        self.kills: list[float] = []
        self.weather: list[tuple[float, bool]] = []
        self.before = len(stage.github.deliveries.emitted)

    def move(self, moment: datetime) -> None:
        began = present()
        if not self.weather:
            self.rage()
        self.stage.at(moment)
        eventually(lambda: self.looked_at(began))
        self.settle()

    def live(self, moments: Sequence[datetime]) -> None:
        super().live(moments)
        self.calm_down()

    def rage(self) -> None:
        self.stage.github.faults.storm(FAILING, FAULTS, self.dice)
        self.weather.append((time.monotonic(), True))

    def calm_down(self) -> None:
        self.stage.github.faults.clear()
        self.weather.append((time.monotonic(), False))

    def looked_at(self, since: datetime) -> bool:
        """Whether both services were."""
        service = work.c.key.startswith("service:")
        looked = select(work.c.key).where(service, work.c.gen == work.c.done, work.c.touched_at > since)
        with self.stage.gatekeeper.stores.database.read() as connection:
            return len(connection.execute(looked).all()) == 2

    def lose_answers(self) -> None:
        """Of what is made: whoever then makes it anew without a look has made it twice."""
        faults = self.stage.github.faults
        if not faults.pending():
            faults.lose_answer("POST", r"/check-runs$")
            faults.lose_answer("POST", r"/issues/\d+/comments$")

    def burst(self) -> None:
        """People act while deliveries are disturbed; the server dies, they go on meanwhile, and it comes back."""
        self.lose_answers()
        for act in range(ACTS):
            self.disturb()
            self.people.act()
            if act == ACTS // 2:
                time.sleep(self.dice.uniform(0, 0.5))
                self.stage.kill()
                self.kills.append(time.monotonic())
        self.stage.start()
        self.stage.github.deliveries.resume(reverse=True)

    def disturb(self) -> None:
        """One in two times something becomes of the next deliveries."""
        deliveries = self.stage.github.deliveries
        match self.dice.randrange(8):
            case 0:
                deliveries.drop(self.dice.randint(1, 3))
            case 1:
                deliveries.duplicate(self.dice.randint(1, 3))
            case 2:
                deliveries.pause()
            case 3:
                deliveries.resume(reverse=self.dice.random() < 0.5)

    def settle(self) -> None:
        """The storm goes on; after some seconds time flies for what waits for its next attempt."""
        now = time.monotonic()
        while left := self.left():
            assert time.monotonic() < now + SECONDS, left
            if time.monotonic() > now + STORMY:
                hurry(self.stage)
            time.sleep(0.1)

    def left(self) -> list[str]:
        """What is to be done and what never came in; services are looked at each second, sweeps made each few."""
        timed = ("service:", "deliveries:")

        def busy() -> list[str]:
            return [key for key in self.stage.busy() if not key.startswith(timed)]

        return busy() or self.missed() or busy()

    def struck(self) -> tuple[int, int]:
        """How many requests came while the storm raged, and how many of them failed."""
        changes = [moment for moment, _ in self.weather]
        calls = [
            call
            for call in self.stage.github.calls
            if (place := bisect(changes, call.came)) and self.weather[place - 1][1]
        ]
        return len(calls), sum(call.fault is not None for call in calls)

    def broken_silences(self) -> int:
        calls = self.stage.github.calls.all()
        return assert_limits_are_kept(calls, starts=self.kills, faster=FASTER)

    def report(self) -> str:
        made, failed = self.struck()
        acts = self.people.acts.total()
        kinds = Counter(call.fault for call in self.stage.github.calls if call.fault)
        return (
            f"chaos with seed {SEED}: {acts} acts, {len(self.stage.github.deliveries.emitted)} events, "
            f"{len(self.kills)} kills; {failed} of {made} requests failed ({failed / made:.1%}): {dict(kinds)}; "
            f"{len(self.stage.github.calls) - made} before and after; {self.broken_silences()} by new processes, which "
            "could not know that GitHub wanted silence"
        )

    def missed(self) -> list[str]:
        """What happened, matters, and never came in."""
        with self.stage.gatekeeper.stores.database.read() as connection:
            came = set(connection.execute(select(delivery.c.guid)).scalars())
        return [
            one.event
            for one in self.stage.github.deliveries.emitted[self.before :]
            if one.guid not in came and may_trigger(one.event, one.action)
        ]


def hurry(stage: Stage) -> None:
    """Time flies for what failed: it need not wait so long for its next attempt, but for what GitHub asked for."""
    now = present()
    limited = work.c.last_error.icontains("limit") | work.c.last_error.contains("asked us to wait")
    late = update(work).where(work.c.last_error.is_not(None), work.c.token.is_(None))
    with stage.gatekeeper.stores.database.write() as connection:
        for some, soon in ((limited, now + timedelta(seconds=2)), (~limited, now + timedelta(seconds=0.3))):
            connection.execute(late.where(some, work.c.not_before > soon).values(not_before=soon))
        soon = now + timedelta(seconds=2)
        connection.execute(
            update(missing_delivery).where(missing_delivery.c.due_at > soon).values(due_at=soon)
        )


def said(world: World) -> dict[str, Any]:
    """What GitHub shows of us, without what two runs of the same acts cannot have in common."""
    found: dict[str, Any] = {}
    for (name, number), pull in sorted(world.pulls.items()):
        where = f"{name}#{number}"
        found[f"{where} is"] = (pull.state, bool(pull.merged_at))
        if pull.state == "open":
            found[f"{where} labels"] = sorted(pull.labels)
            found[f"{where} checks"] = checks(world, pull.head_sha)
        found[f"{where} comments"] = [
            plain(one.body)
            for one in world.comments.values()
            if (one.repository, one.number, one.author) == (name, number, BOT) and pull.state == "open"
        ]
    for branch in ("main", "release"):
        latest = {
            one.context: (one.state, one.description)
            for one in world.statuses
            if one.sha == world.head(SHOP, branch).sha
        }
        found[f"{branch} statuses"] = latest
    for place, entry in enumerate(world.queue(SHOP, "release")):
        found[f"group {place}"] = (entry.number, checks(world, entry.head_sha))
    for place, run in enumerate(one for _, one in sorted(world.runs.items())):
        found[f"run {place}"] = [
            # What was reported on the way depends on when we looked, and what it was let go with: another may
            # service may not have been measured yet. An answer that was lost is told once more.
            (job.environment, job.result, [plain(text) for _, text in job.reports[-1:] if job.result is None])
            for job in run.jobs
        ]
    for place, made in enumerate(sorted(world.deployments)):
        found[f"deployment {place}"] = [
            (one.state, one.description)
            for one in world.deployment_statuses
            if (one.deployment_id, one.creator) == (made, BOT)
        ]
    return found


def checks(world: World, sha: str) -> list[tuple[str, ...]]:
    return sorted(
        (one.name, one.status, str(one.conclusion), *(plain(text or "") for text in parts(one)))
        for one in world.checks.values()
        if (one.head_sha, one.app_id) == (sha, APP_ID)
    )


def parts(check: CheckRun) -> tuple[str | None, str | None, str | None]:
    return check.output.title, check.output.summary, check.output.text


def plain(text: str) -> str:
    """Without the names of commits and decisions, and without what GitHub's clock says, which is real."""
    return re.sub(r"\b[0-9a-f]{7,64}\b|(?<=until )[-0-9]{10} [:0-9]{5} UTC", "…", text)


@pytest.fixture(scope="module")
def named(policies: dict[str, str]) -> dict[str, str]:
    """Without a probation: which of two deployments goes first after a freeze is a matter of who asks first."""
    path = "policies/checkout.yaml"
    gate, off = "  gate:\n", "  gate:\n    probation: {for: off}\n"
    return policies | {path: policies[path].replace(gate, off, 1) + ENVIRONMENTS}


def test_whatever_fails_github_says_in_the_end_what_it_says_after_a_calm_day(
    tmp_path: Path,
    prometheus: PrometheusServer,
    named: dict[str, str],
    frozen_at: datetime,
    filled: Path,
    world: PastWorld,
    say: Callable[[str], None],
) -> None:
    options: dict[str, Any] = {
        "prometheus": prometheus.url,
        "now": frozen_at,
        "policies": named,
        "filled": filled,
    }
    moments = [frozen_at, world.end, frozen_at]
    for folder in ("calm", "rough"):
        (tmp_path / folder).mkdir()
    with Stage(tmp_path / "calm", **options) as stage:
        Day(stage, SEED).live(moments)
        calm = said(stage.github.state)
    served = Served(tmp_path / "rough", terms=TERMS, **options)
    served.github.limits.window = timedelta(seconds=2)  # GitHub's hour, until a used up quota is renewed
    with served:
        rough = Rough(served, SEED)
        rough.live(moments)
        say(rough.report())
        assert_same(said(served.github.state), calm)
        assert_it_was_rough(rough)
        assert_nothing_is_there_twice(served.github.state)
        assert rough.broken_silences() <= KILLS
        assert served.gatekeeper.stores.work.parked() == []
        assert [line for line in served.lines() if '"pass.failed"' in line and '"exception"' in line] == []
        served.github.calls.clear()
        served.touch(everything(served.github.state))
        assert [str(call) for call in served.github.calls.writes()] == [], "all of it says what it should"


def assert_same(found: dict[str, Any], expected: dict[str, Any]) -> None:
    differing = {
        place: (found.get(place), expected.get(place))
        for place in sorted(found.keys() | expected.keys())
        if found.get(place) != expected.get(place)
    }
    assert differing == {}, "\n".join(
        f"{place}: {one}\ninstead of {two}" for place, (one, two) in differing.items()
    )


def assert_it_was_rough(rough: Rough) -> None:
    github = rough.stage.github
    assert len(rough.kills) == KILLS
    assert len(github.deliveries.emitted) - rough.before >= 500
    made, failed = rough.struck()
    assert 0.15 < failed / made < 0.25
    struck = {call.fault for call in github.calls}
    assert struck >= {"error", "reset", "lost", "late"}
    assert struck & {"secondary", "primary"}
    attempts = Counter(one.guid for one in github.deliveries.logged())
    assert sum(one.status_code != 202 for one in github.deliveries.logged()) > 50, "dropped on the way"
    assert sum(times > 1 for times in attempts.values()) > 50, "doubled, or sent again"


def assert_nothing_is_there_twice(world: World) -> None:
    """Also on commits that were pushed over, and on closed pull requests."""
    checks = Counter((one.head_sha, one.name) for one in world.checks.values() if one.app_id == APP_ID)
    comments = Counter((one.repository, one.number) for one in world.comments.values() if one.author == BOT)
    assert [place for place, times in (checks + comments).items() if times > 1] == []


def everything(world: World) -> list[str]:
    keys = [f"pull:{name}#{number}" for (name, number), pull in world.pulls.items() if pull.state == "open"]
    keys += [f"group:{SHOP}@{entry.head_sha}" for entry in world.queue(SHOP, "release")]
    of_runs = {
        job.deployment_id for run in world.runs.values() for job in run.jobs
    }  # those wait for our rule
    keys += [f"deployment:{SHOP}#{one}" for one in world.deployments.keys() - of_runs]
    return [*keys, f"runs:{SHOP}", f"head:{SHOP}", f"repository:{SHOP}", "deliveries:app"]
