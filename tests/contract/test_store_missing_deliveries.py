"""What is kept of missing deliveries: each once, until it came in or is too old."""

from dataclasses import replace

import pytest

from builders import DAY, HOUR, NOW
from gatekeeper.events.delivery import Delivery
from gatekeeper.events.redelivery import Missing, Walk
from gatekeeper.events.triggers import Triggered
from gatekeeper.github.values import DeliveryAttempt
from gatekeeper.store.deliveries import Deliveries
from gatekeeper.store.engine import Database
from gatekeeper.store.missing_deliveries import MissingDeliveries
from gatekeeper.store.work import Work

WALK = Walk(NOW, NOW - 3 * DAY, "v1_7")


@pytest.fixture
def missing(database: Database) -> MissingDeliveries:
    return MissingDeliveries(database)


def an_attempt(number: int, guid: str | None = None) -> DeliveryAttempt:
    return DeliveryAttempt(number, guid or str(number), "push", None, NOW - number * HOUR, 202)


def came(database: Database, guid: str) -> None:
    delivery = Delivery(guid, "push", None, None, {})
    Deliveries(database, Work(database)).accept(delivery, Triggered(), NOW)


def test_the_last_walk_is_read_back(missing: MissingDeliveries) -> None:
    assert missing.walk() is None
    for walk in (WALK, replace(WALK, cursor=None)):
        missing.walked(walk, [], NOW)
        assert missing.walk() == walk


def test_what_never_came_in_is_due_oldest_first_and_each_once(
    database: Database, missing: MissingDeliveries
) -> None:
    came(database, "2")
    attempts = [an_attempt(1), an_attempt(2), an_attempt(3)]
    assert missing.walked(WALK, attempts, NOW) == 2
    assert missing.walked(WALK, [*attempts, an_attempt(0, guid="1")], NOW) == 0
    found = [Missing(str(one), one, NOW - one * HOUR, 0) for one in (3, 1)]
    assert missing.due(NOW, since=WALK.since) == found


def test_what_was_asked_for_is_due_later_and_counts(missing: MissingDeliveries) -> None:
    missing.walked(WALK, [an_attempt(1)], NOW)
    missing.asked("1", NOW + HOUR)
    assert missing.due(NOW, since=WALK.since) == []
    assert missing.due(NOW + HOUR, since=WALK.since) == [Missing("1", 1, NOW - HOUR, 1)]


def test_what_came_in_is_forgotten(database: Database, missing: MissingDeliveries) -> None:
    missing.walked(WALK, [an_attempt(1)], NOW)
    came(database, "1")
    assert missing.due(NOW, since=WALK.since) == []


def test_what_is_too_old_is_not_due_and_not_taken_for_new(missing: MissingDeliveries) -> None:
    missing.walked(WALK, [an_attempt(1)], NOW)
    later = NOW + 3 * DAY
    assert missing.due(later, since=NOW) == []
    assert missing.walked(WALK, [an_attempt(0, guid="1")], later) == 0, (
        "a later attempt, still on GitHub's record"
    )
    assert missing.due(later + 3 * DAY, since=later) == []
    assert missing.walked(WALK, [an_attempt(0, guid="1")], later) == 1, "forgotten in the end"
