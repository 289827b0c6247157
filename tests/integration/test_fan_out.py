"""A service freezes under a thousand open pull requests. Time is simulated: it passes only while the limiter waits."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from time import monotonic, sleep
from typing import TYPE_CHECKING

import pytest

from gatekeeper.bootstrap import now
from gatekeeper.demo.github.acme import APP_ID
from gatekeeper.events.keys import Kind, WorkKey
from gatekeeper.events.ours import REVIEWED
from gatekeeper.events.triggers import Priority, Touch
from gatekeeper.github.allowance import BETWEEN_WRITES, floor
from gatekeeper.github.limiter import Limiter
from staging import Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path

    from gatekeeper.demo.github.calls import Call
    from worlds.prometheus import PrometheusServer
    from worlds.world import World

SHOP, TESTS = "acme/shop", 77
CHECKOUT, SEARCH = WorkKey(Kind.SERVICE, "acme/checkout"), WorkKey(Kind.SERVICE, "acme/search")
PULLS, APPROVED, AUTO_MERGE, QUEUED, ELSEWHERE = 1000, 30, 10, 5, 40
SLOWEST = 1.1
"""Times the least that the limiter needs."""
SOON = 2
"""Writes of others that may come before what somebody waits for: the one under way, and one more."""
ISSUE = re.compile(r"/issues/(\d+)/")
LONG = 280.0
"""Seconds of real time."""


@dataclass
class SimulatedTime:
    """Seconds that pass only in sleep. ``acts``: what people do, and when; each once."""

    seconds: float = 0.0
    acts: list[tuple[float, Callable[[], None]]] = field(default_factory=list)

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        while self.acts and self.acts[0][0] <= self.seconds:
            self.acts.pop(0)[1]()


@pytest.fixture
def time() -> SimulatedTime:
    return SimulatedTime()


@pytest.fixture
def stage(
    tmp_path: Path,
    prometheus: PrometheusServer,
    policies: dict[str, str],
    world: World,
    filled: Path,
    time: SimulatedTime,
) -> Iterator[Stage]:
    """The gates are open. One worker, for a thread that really sleeps lets the others go on, and these do not."""
    path = "policies/checkout.yaml"
    enforced = policies[path].replace("\nspec:\n", "\nspec:\n  environments: {production: enforce}\n", 1)
    made = Stage(
        tmp_path,
        prometheus=prometheus.url,
        now=world.end,
        policies=policies | {path: enforced},
        filled=filled,
        workers=1,
        debounce=timedelta(0),
        limiter=lambda: Limiter(monotonic=time.monotonic, sleep=time.sleep),
    )
    made.github.limits.limit = 50_000  # an hour's quota passes in minutes here
    with made as stage:
        github = stage.github.state
        github.register_app("tests", owner="acme", public_key="", permissions={}, events=[], app_id=TESTS)
        github.add_account("tests[bot]", "Bot")
        github.require_check(SHOP, "main", "tests", app_id=TESTS)
        github.require_queue(SHOP, "main")
        github.protect(SHOP, "production", app_id=APP_ID)
        yield stage


@dataclass(frozen=True)
class Fleet:
    """The numbers of checkout's open pull requests, by how near they are to landing."""

    auto_merge: frozenset[int]
    approved: frozenset[int]
    rest: frozenset[int]


def opened(stage: Stage) -> Fleet:
    github = stage.github.state
    for number in range(1, PULLS + ELSEWHERE + 1):
        files = {f"services/{'checkout' if number <= PULLS else 'search'}/{number}.py": "x = 1\n"}
        github.open_pull(SHOP, author="dev1", title="A change", files=files)
    numbers = frozenset(range(1, PULLS + 1))
    auto_merge, approved = (
        frozenset(sorted(numbers)[-AUTO_MERGE:]),
        frozenset(sorted(numbers)[::30][:APPROVED]),
    )
    for number in sorted(auto_merge):
        github.auto_merge(SHOP, number, by="dev1")
    for number in sorted(approved):
        github.review(SHOP, number, by="ops1")
    queue = stage.gatekeeper.stores.queue
    queue.add([Touch(WorkKey(Kind.REPOSITORY, SHOP))])
    stage.settle(LONG)
    queue.add([Touch(WorkKey.pull(SHOP, number), hint=REVIEWED) for number in approved])
    stage.settle(LONG)
    return Fleet(auto_merge, approved, numbers - auto_merge - approved)


@contextmanager
def unheard(stage: Stage) -> Iterator[Callable[[Callable[[], object]], None]]:
    """Thousands of webhooks less to take in. Gives what lets an act be heard all the same, at once."""
    deliveries = stage.github.deliveries
    hook, deliveries.hook = deliveries.hook, None

    def heard(act: Callable[[], object]) -> None:
        deliveries.hook = hook
        act()
        deliveries.wait()
        deliveries.hook = None

    yield heard
    deliveries.hook = hook


def told(stage: Stage, time: SimulatedTime) -> float:
    """When all open pull requests were told; comments and labels come later, and nobody waits for them here."""
    deadline = monotonic() + LONG
    while stage.check(1).conclusion == "success" or stage.gatekeeper.stores.work.counts(now()).untold:
        assert monotonic() < deadline
        sleep(0.05)
    seconds = time.seconds
    stage.gatekeeper.engine.stop()
    return seconds


def is_write(call: Call) -> bool:
    return call.method != "GET" and not call.path.endswith(("/access_tokens", "/graphql"))


def about(stage: Stage, call: Call) -> str:
    """What was written: a check of which commit, or to which address."""
    if "/check-runs" not in call.path:
        return call.path
    return stage.github.state.checks[call.response["id"]].head_sha


def test_a_thousand_flip_in_order_of_danger_as_fast_as_the_limiter_lets_them_and_starve_nobody(
    stage: Stage, frozen_at: datetime, time: SimulatedTime
) -> None:
    world, queue = stage.github.state, stage.gatekeeper.stores.queue
    with unheard(stage):
        fleet = opened(stage)
    patient = max(fleet.rest)
    world.report_check(SHOP, world.pull(SHOP, QUEUED).head_sha, "tests", app_id=TESTS, conclusion="success")
    group = world.enqueue(SHOP, QUEUED, by="dev1")
    stage.settle()
    stage.github.calls.clear()
    written: dict[str, int] = {}
    new: list[int] = []

    def so_far() -> int:
        return sum(map(is_write, stage.github.calls.all()))

    with unheard(stage) as heard:

        def acting(name: str, act: Callable[[], object]) -> Callable[[], None]:
            def done() -> None:
                written[name] = so_far()
                heard(act)

            return done

        def open_one() -> None:
            files = {"services/checkout/new.py": "x = 1\n"}
            new.append(world.open_pull(SHOP, author="dev1", title="New", files=files).number)

        def measure() -> None:
            stage.now += timedelta(minutes=1)
            queue.add([Touch(SEARCH, Priority.EVENT)])

        def look() -> None:
            standing = stage.gatekeeper.stores.service_record.standing(SEARCH.subject)
            assert standing is not None
            written["measured"] = so_far() if standing.at == stage.now else PULLS

        begun = time.seconds
        time.acts = [
            (begun + 100, acting("opened", open_one)),
            (
                begun + 300,
                acting("overridden", lambda: world.label(SHOP, patient, "slo:override", by="ops1")),
            ),
            (begun + 500, acting("deploying", lambda: world.run_workflow(SHOP, by="dev1"))),
            (begun + 700, acting("measuring", measure)),
            (begun + 700 + SOON * BETWEEN_WRITES, look),
        ]
        stage.now = frozen_at
        queue.add([Touch(CHECKOUT)])
        took = told(stage, time) - begun

    writes = [about(stage, call) for call in stage.github.calls.all() if is_write(call)]
    of_kind = {
        world.pull(SHOP, number).head_sha: kind for kind, numbers in vars(fleet).items() for number in numbers
    }
    order = [of_kind[one] for one in writes if one in of_kind]
    assert len(order) == PULLS, "each once; the one that was overridden before its turn, in time for its own"
    assert order[:AUTO_MERGE] == ["auto_merge"] * AUTO_MERGE
    assert order[AUTO_MERGE : AUTO_MERGE + APPROVED] == ["approved"] * APPROVED
    first = next(at for at, one in enumerate(writes) if of_kind.get(one) == "auto_merge")
    assert "/statuses/" in writes[0], "what refuses deployments by the API"
    assert writes.index(group.head_sha) < first
    checks = max(at for at, one in enumerate(writes) if one in of_kind) + 1
    others = [one for one in writes[:checks] if (found := ISSUE.search(one)) and int(found[1]) < patient]
    assert others == [], "comments and labels keep no check waiting"
    reads = sum(not is_write(call) for call in stage.github.calls.all())
    least = floor(writes=checks, reads=reads)
    assert took <= SLOWEST * least
    answers = {
        "opened": world.pull(SHOP, new[0]).head_sha,
        "overridden": world.pull(SHOP, patient).head_sha,
        "deploying": next(one for one in writes if "deployment_protection_rule" in one),
    }
    late = {name: writes.index(answer) - written[name] for name, answer in answers.items()}
    late["measured"] = written["measured"] - written["measuring"]
    assert {name: gap for name, gap in late.items() if gap > SOON} == {}
