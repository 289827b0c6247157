"""The sweep of GitHub's record of deliveries: what never came in is asked for, once at a time, and nothing else."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import DAY, HOUR, MINUTE, NOW
from databases import opened
from gatekeeper.errors import GitHubError, GitHubRefusedError, RateLimitedError, TemporaryError
from gatekeeper.events.delivery import Delivery
from gatekeeper.events.keys import WorkKey
from gatekeeper.events.triggers import Triggered
from gatekeeper.github.values import DeliveryAttempt, DeliveryPage
from gatekeeper.store.deliveries import Deliveries
from gatekeeper.store.engine import Database
from gatekeeper.store.missing_deliveries import MissingDeliveries
from gatekeeper.store.queue import Queue
from gatekeeper.store.work import Work
from gatekeeper.worker.delivery_sweep import AT_ONCE, IN_A_ROW, DeliverySweep

KEY = WorkKey.deliveries()
SECOND = timedelta(seconds=1)


@dataclass
class Record:
    """GitHub's record, as it pages: newest first, by a cursor that is an id. ``page`` is how many are on one.

    Attributes:
        failing: the calls (counted from 0) that fail, and with what.
        deaf: what is asked for does not come in, only another failed attempt comes on record.
    """

    deliver: Callable[[str], None]
    page: int = 100
    deaf: bool = False
    attempts: list[DeliveryAttempt] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    failing: dict[int, Exception] = field(default_factory=dict)
    now: datetime = NOW

    def made(self, guid: str, ago: timedelta = MINUTE, *, event: str = "push", action: str = "") -> None:
        """An attempt comes on record."""
        one = DeliveryAttempt(len(self.attempts) + 1, guid, event, action or None, self.now - ago, 202)
        self.attempts.append(one)

    @property
    def asked(self) -> list[int]:
        return [int(call.split()[1]) for call in self.calls if call.startswith("redeliver")]

    def deliveries(self, cursor: str | None) -> DeliveryPage:
        self._call(f"deliveries {cursor}")
        rest = [one for one in reversed(self.attempts) if cursor is None or one.id <= int(cursor)]
        following = str(rest[self.page].id) if len(rest) > self.page else None
        return DeliveryPage(tuple(rest[: self.page]), following)

    def redeliver(self, attempt: int) -> None:
        self._call(f"redeliver {attempt}")
        (guid,) = {one.guid for one in self.attempts if one.id == attempt}
        self.made(guid, timedelta(0))
        if not self.deaf:
            self.deliver(guid)

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if error := self.failing.pop(len(self.calls) - 1, None):
            raise error


class Door:
    """A Gatekeeper with its store, and GitHub's record of what was sent to it."""

    def __init__(self, database: Database) -> None:
        self.work = Work(database, debounce=timedelta(0))
        self._deliveries = Deliveries(database, self.work)
        self.memory = MissingDeliveries(database)
        self.github = Record(self.receive)
        self.sweep = DeliverySweep(self.github, self.memory, Queue(self.work, lambda: NOW))

    def receive(self, guid: str) -> None:
        self._deliveries.accept(Delivery(guid, "push", None, None, {}), Triggered(), NOW)

    def run(self, after: timedelta = timedelta(0)) -> dict[str, int]:
        """One pass; GitHub's clock is ours."""
        self.github.now = NOW + after
        return dict(self.sweep(KEY, [], NOW + after))

    def again(self) -> bool:
        """Whether the sweep has put itself in the queue; taken off it."""
        claim = self.work.claim(NOW, MINUTE)
        return claim is not None and self.work.finish(claim, NOW)


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    with opened(f"sqlite:///{tmp_path}/gatekeeper.db") as database:
        yield Door(database)


@pytest.fixture
def github(door: Door) -> Record:
    return door.github


def test_just_what_never_came_in_is_asked_for(door: Door, github: Record) -> None:
    for guid in ("came", "lost", "came too", "lost too"):
        github.made(guid)
        if guid.startswith("came"):
            door.receive(guid)
    assert door.run() == {"pages": 1, "missing": 2, "asked": 2}
    assert github.asked == [2, 4]


def test_what_came_in_is_left_alone_even_when_githubs_attempts_failed(door: Door, github: Record) -> None:
    """Our answer was lost on its way."""
    github.made("came")
    github.made("came")
    door.receive("came")
    assert door.run() == {"pages": 1, "missing": 0, "asked": 0}


def test_a_delivery_with_several_attempts_is_asked_for_once(door: Door, github: Record) -> None:
    for _ in range(3):
        github.made("lost")
    door.run()
    assert len(github.asked) == 1


@pytest.mark.parametrize(
    ("event", "action", "asked"),
    [
        pytest.param("pull_request", "labeled", True, id="a label"),
        pytest.param("pull_request", "assigned", False, id="an assignee, which changes no verdict"),
        pytest.param("check_run", "created", False, id="somebody's check"),
        pytest.param("check_run", "requested_action", True, id="a button of ours"),
        pytest.param("issue_comment", "deleted", False, id="a comment that is gone"),
        pytest.param("ping", "", False, id="a ping"),
        pytest.param("star", "created", False, id="an event that is not used"),
    ],
)
def test_only_what_could_touch_something_is_asked_for(
    door: Door, github: Record, event: str, action: str, *, asked: bool
) -> None:
    github.made("lost", event=event, action=action)
    door.run()
    assert bool(github.asked) is asked


def test_nothing_older_than_three_days_is_asked_for(door: Door, github: Record) -> None:
    github.made("too old", 3 * DAY + SECOND)
    github.made("just in time", 3 * DAY)
    door.run()
    assert github.asked == [2]


def test_a_sweep_ends_where_the_last_one_began(door: Door, github: Record) -> None:
    github.page = 1
    for number in range(10):
        github.made(str(number), (10 - number) * HOUR)
        door.receive(str(number))
    assert door.run()["pages"] == 10
    github.made("new", -4 * MINUTE)
    assert door.run(5 * MINUTE) == {"pages": 3, "missing": 1, "asked": 1}
    assert github.asked == [11]


def test_an_attempt_that_comes_on_record_late_is_still_seen(door: Door, github: Record) -> None:
    github.made("first")
    door.receive("first")
    door.run()
    github.made("late", 5 * MINUTE)
    assert door.run()["asked"] == 1


def test_what_does_not_come_is_asked_for_again_each_time_after_twice_as_long(
    door: Door, github: Record
) -> None:
    github.deaf = True
    github.made("lost", HOUR)
    asked: list[int] = []
    for minutes in range(0, 2 * 60, 5):
        door.run(minutes * MINUTE)
        asked += [minutes] * (len(github.asked) - len(asked))
    assert asked == [0, 5, 15, 35, 75]
    door.receive("lost")
    door.run(DAY)
    assert len(github.asked) == 5


def test_it_is_not_asked_for_for_ever(door: Door, github: Record) -> None:
    github.deaf = True
    github.made("lost")
    for hours in range(100):
        door.run(hours * HOUR)
    last = len(github.asked)
    assert last > 60, "each hour, for three days"
    door.run(101 * HOUR)
    assert len(github.asked) == last


def test_what_github_has_no_more_is_given_up_and_the_rest_goes_on(door: Door, github: Record) -> None:
    for guid in ("gone", "lost"):
        github.made(guid)
    github.failing[1] = GitHubRefusedError("404", status=404)
    assert door.run()["asked"] == 2
    door.run(DAY)
    assert github.asked == [1, 2]


def test_of_many_only_some_are_asked_for_and_the_rest_after_other_work(door: Door, github: Record) -> None:
    for number in range(AT_ONCE + 1):
        github.made(str(number))
    assert door.run()["asked"] == AT_ONCE
    assert door.again()
    assert door.run()["asked"] == 1
    assert not door.again()


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(GitHubRefusedError("403", status=403), id="refused"),
        pytest.param(RateLimitedError("429", retry_after=60), id="limited"),
        pytest.param(GitHubError("502"), id="failed"),
    ],
)
@pytest.mark.parametrize("call", [0, 1], ids=["while it looks", "while it asks"])
def test_a_failure_is_the_workers_and_nothing_is_forgotten(
    door: Door, github: Record, error: Exception, call: int
) -> None:
    github.made("lost")
    github.failing[call] = error
    with pytest.raises(type(error)):
        door.run()
    door.run()
    assert github.asked[-1] == 1
    assert door.run(DAY)["asked"] == 0


def test_one_that_github_fails_at_keeps_back_no_other_and_is_tried_again(door: Door, github: Record) -> None:
    for guid in ("a", "b", "c"):
        github.made(guid)
    github.failing[1] = github.failing[3] = GitHubError("502")
    with pytest.raises(GitHubError):
        door.run()
    assert github.asked == [1, 2, 3]
    door.run()
    assert github.asked == [1, 2, 3, 1, 3]


def test_a_github_that_is_down_is_not_asked_for_all_of_them(door: Door, github: Record) -> None:
    for number in range(AT_ONCE):
        github.made(str(number))
    github.failing = {call: GitHubError("no answer") for call in range(1, 100)}
    with pytest.raises(GitHubError):
        door.run()
    assert len(github.asked) == IN_A_ROW


def test_nobody_is_asked_for_more_once_github_wants_silence(door: Door, github: Record) -> None:
    for number in range(3):
        github.made(str(number))
    github.failing[2] = RateLimitedError("429", retry_after=60)
    with pytest.raises(RateLimitedError):
        door.run()
    assert github.asked == [1, 2]


def test_what_is_known_to_be_missing_is_asked_for_while_the_record_cannot_be_read(
    door: Door, github: Record
) -> None:
    github.made("lost")
    github.failing[1] = GitHubError("502")
    with pytest.raises(GitHubError):
        door.run()
    github.failing[2] = GitHubError("502")
    with pytest.raises(GitHubError):
        door.run()
    assert github.calls[2:] == ["deliveries None", "redeliver 1"]


def test_a_cursor_that_github_no_longer_knows_begins_the_walk_anew(door: Door, github: Record) -> None:
    github.page = 1
    for number in range(3):
        github.made(str(number))
    github.failing[1] = GitHubRefusedError("422", status=422)
    with pytest.raises(TemporaryError):
        door.run()
    door.run()
    assert sorted(github.asked) == [1, 2, 3]


@settings(max_examples=60, deadline=None)
@given(
    lost=st.lists(st.booleans(), max_size=12),
    page=st.integers(1, 5),
    failing=st.lists(st.integers(0, 40), max_size=8),
)
def test_cut_off_anywhere_it_asks_for_each_missing_one_and_for_no_other(
    tmp_path_factory: pytest.TempPathFactory, lost: list[bool], page: int, failing: list[int]
) -> None:
    with opened(f"sqlite:///{tmp_path_factory.mktemp('sweep')}/gatekeeper.db") as database:
        door = Door(database)
        door.github.page = page
        door.github.failing = {call: GitHubError("cut off") for call in failing}
        for number, missing in enumerate(lost):
            door.github.made(str(number))
            if not missing:
                door.receive(str(number))
        for _ in itertools.repeat(None, len(failing) + 1):
            with suppress(GitHubError):
                door.run()
        came = sorted({door.github.attempts[attempt - 1].guid for attempt in door.github.asked}, key=int)
        assert came == [str(number) for number, missing in enumerate(lost) if missing]
        assert door.memory.due(NOW + DAY, since=NOW - 3 * DAY) == []
