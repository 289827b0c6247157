"""What the work table promises, on every database. Time is made up; the engine is not needed."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Barrier, Thread

import pytest
from sqlalchemy.exc import StatementError
from structlog.testing import capture_logs

from gatekeeper.events.delivery import Delivery
from gatekeeper.events.keys import Kind, WorkKey
from gatekeeper.events.triggers import Priority, Touch, Triggered
from gatekeeper.store.deliveries import Deliveries, Outcome, Receipt
from gatekeeper.store.engine import Database
from gatekeeper.store.work import DEBOUNCE, Claim, Work, WorkCounts

NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
LATER = NOW + DEBOUNCE
LEASE = timedelta(seconds=15)
BAD = 3
PULL, OTHER = WorkKey.pull("acme/shop", 12), WorkKey.pull("acme/shop", 13)


@pytest.fixture
def work(database: Database) -> Work:
    return Work(database)


def claimed(work: Work, now: datetime = LATER) -> Claim:
    claim = work.claim(now, LEASE)
    assert claim is not None
    return claim


def a_claim(work: Work) -> Claim:
    work.add([Touch(PULL)], NOW)
    return claimed(work)


def test_nothing_touched_is_nothing_to_do(work: Work) -> None:
    assert work.claim(NOW, LEASE) is None
    assert not work.is_due(NOW)
    assert work.counts(NOW) == WorkCounts(0, 0, 0, None)


def test_a_touch_is_done_once(work: Work) -> None:
    claim = a_claim(work)
    assert (claim.key, claim.attempts, claim.touched_at) == (PULL, 1, NOW)
    assert work.finish(claim, LATER)
    assert work.claim(LATER + timedelta(days=1), LEASE) is None


def test_a_burst_waits_for_its_end_and_is_one_pass(work: Work) -> None:
    woken = [
        touched.woken
        for tenth in range(10)
        for touched in work.add([Touch(PULL)], NOW + tenth * DEBOUNCE / 20)
    ]
    assert woken == [True] + [False] * 9
    assert work.claim(LATER - timedelta(microseconds=1), LEASE) is None
    work.finish(claimed(work), LATER)
    assert work.claim(LATER + timedelta(days=1), LEASE) is None


def test_a_steady_stream_does_not_put_the_pass_off(work: Work) -> None:
    for tenth in range(100):
        work.add([Touch(PULL)], NOW + tenth * timedelta(milliseconds=100))
        if work.claim(NOW + tenth * timedelta(milliseconds=100), LEASE):
            assert NOW + tenth * timedelta(milliseconds=100) == LATER
            return
    pytest.fail("starved")


def test_what_is_held_is_not_given_away_and_what_was_touched_meanwhile_runs_after(work: Work) -> None:
    claim = a_claim(work)
    work.add([Touch(PULL)], LATER)
    assert work.claim(LATER + timedelta(seconds=5), LEASE) is None
    assert work.finish(claim, LATER + timedelta(seconds=5))
    assert work.claim(LATER + timedelta(seconds=5), LEASE) is None  # debounced again
    assert claimed(work, LATER + timedelta(seconds=5) + DEBOUNCE).attempts == 1


def test_a_lost_lease_is_taken_over_and_the_late_finisher_changes_nothing(work: Work) -> None:
    late = a_claim(work)
    after = LATER + LEASE
    assert work.claim(after - timedelta(microseconds=1), LEASE) is None
    heir = claimed(work, after)
    assert heir.attempts == 2
    assert not work.finish(late, after)
    assert not work.retry(late, after, "late")
    assert not work.park(late, after, "late")
    assert not work.extend(late, after + LEASE)
    assert work.finish(heir, after)


def test_a_heartbeat_keeps_the_lease(work: Work) -> None:
    claim = a_claim(work)
    assert work.extend(claim, LATER + 3 * LEASE)
    assert work.claim(LATER + 2 * LEASE, LEASE) is None
    assert work.claim(LATER + 3 * LEASE, LEASE) is not None


def test_leases_of_the_dead_are_ended_at_once(work: Work) -> None:
    dead = a_claim(work)
    work.release_all()
    heir = claimed(work)
    assert heir.attempts == 2
    assert not work.finish(dead, LATER)
    assert work.finish(heir, LATER)


def test_a_retry_waits_and_counts(work: Work) -> None:
    claim, again = a_claim(work), LATER + timedelta(minutes=1)
    assert work.retry(claim, again, "GitHub said 502")
    assert work.claim(again - timedelta(microseconds=1), LEASE) is None
    assert claimed(work, again).attempts == 2


def test_what_is_put_off_waits_and_does_not_count(work: Work) -> None:
    claim, hour = a_claim(work), timedelta(hours=1)
    for number in range(1, 4):
        assert claim.attempts == 1
        assert work.put_off(claim, LATER + number * hour, "the hour's quota is used up")
        assert work.claim(LATER + number * hour - timedelta(microseconds=1), LEASE) is None
        claim = claimed(work, LATER + number * hour)
    assert not work.put_off(replace(claim, token="of a dead worker"), LATER, "late")


def test_what_turns_urgent_does_not_wait_for_what_it_was_put_off_to(work: Work) -> None:
    work.add([Touch(PULL, Priority.OPEN)], NOW)
    claim = claimed(work)
    assert claim.priority == Priority.OPEN
    work.put_off(claim, LATER + timedelta(hours=1), "the hour's quota is used up")
    work.add([Touch(PULL, Priority.DEPLOYING)], LATER)
    again = claimed(work, LATER + DEBOUNCE)
    assert (again.priority, again.gen) == (Priority.DEPLOYING, 2)


def test_what_turns_urgent_is_never_later_for_it(work: Work) -> None:
    work.add([Touch(PULL, Priority.OPEN)], NOW)
    work.add([Touch(PULL, Priority.DEPLOYING)], NOW + DEBOUNCE / 2)
    assert claimed(work).priority == Priority.DEPLOYING


def test_a_touch_does_not_shorten_a_retry_s_wait(work: Work) -> None:
    claim, again = a_claim(work), LATER + timedelta(minutes=1)
    work.retry(claim, again, "GitHub asked us to wait")
    work.add([Touch(PULL)], LATER)
    assert work.claim(again - timedelta(microseconds=1), LEASE) is None
    assert claimed(work, again).attempts == 2


def test_success_forgets_the_failures(work: Work) -> None:
    work.retry(a_claim(work), LATER, "once")
    work.finish(claimed(work), LATER)
    work.add([Touch(PULL)], LATER)
    assert claimed(work, LATER + DEBOUNCE).attempts == 1


def test_parked_work_is_seen_and_waits(work: Work) -> None:
    assert work.park(a_claim(work), LATER, "no permission \0 \ud800")
    assert work.claim(LATER + timedelta(days=1), LEASE) is None
    (parked,) = work.parked()
    assert (parked.key, parked.since, parked.attempts, parked.error) == (PULL, LATER, 1, "no permission  ?")


@pytest.mark.parametrize("how", ["touch", "unpark"])
def test_parked_work_is_tried_again_from_the_start(work: Work, how: str) -> None:
    work.park(a_claim(work), LATER, "no permission")
    if how == "touch":
        assert [touched.woken for touched in work.add([Touch(PULL)], LATER)] == [True]
    else:
        assert work.unpark(PULL, LATER)
    assert not work.parked()
    assert claimed(work, LATER + DEBOUNCE).attempts == 1


def test_only_parked_work_is_unparked(work: Work) -> None:
    work.add([Touch(PULL)], NOW)
    assert not work.unpark(PULL, NOW)
    assert not work.unpark(OTHER, NOW)


def test_what_was_touched_meanwhile_is_not_parked(work: Work) -> None:
    claim = a_claim(work)
    work.add([Touch(PULL)], LATER)
    assert work.park(claim, LATER, "no such pull request")
    assert not work.parked()
    assert claimed(work, LATER + DEBOUNCE).attempts == 1


def test_the_most_pressing_goes_first_then_the_one_that_waited_longest(work: Work) -> None:
    third, fourth = WorkKey(Kind.SERVICE, "acme/a"), WorkKey(Kind.SERVICE, "acme/b")
    work.add([Touch(fourth, Priority.SWEEP)], NOW + timedelta(milliseconds=2))
    work.add([Touch(third, Priority.SWEEP)], NOW + timedelta(milliseconds=1))
    work.add([Touch(OTHER, Priority.EVENT)], NOW + timedelta(milliseconds=3))
    work.add([Touch(PULL, Priority.SWEEP)], NOW)
    work.add([Touch(PULL, Priority.PERSON)], NOW + timedelta(milliseconds=4))
    work.add([Touch(PULL, Priority.SWEEP)], NOW + timedelta(milliseconds=5))
    order = [claimed(work, LATER + timedelta(seconds=1)).key for _ in range(4)]
    assert order == [PULL, OTHER, third, fourth]


def test_hints_come_with_the_claim_and_go_with_its_end(work: Work) -> None:
    status: Mapping[str, str | int] = {"command": "status", "comment": 1}
    explain: Mapping[str, str | int] = {"command": "explain", "comment": 2}
    work.add([Touch(PULL, hint=status)], NOW)
    work.add([Touch(PULL)], NOW)
    work.add([Touch(PULL, hint=status)], NOW)  # a redelivery
    first = claimed(work)
    work.add([Touch(PULL, hint=explain)], LATER)
    assert first.hints == (status,)
    work.finish(first, LATER)
    assert claimed(work, LATER + DEBOUNCE).hints == (explain,)


@pytest.mark.parametrize("how", ["killed", "retry", "park"])
def test_hints_outlive_a_failure(work: Work, how: str) -> None:
    work.add([Touch(PULL, hint={"command": "status"})], NOW)
    claim = claimed(work)
    if how == "retry":
        work.retry(claim, LATER, "later")
    if how == "park":
        work.park(claim, LATER, "never")
        work.unpark(PULL, LATER)
    assert claimed(work, LATER + LEASE).hints == ({"command": "status"},)


def test_timers_of_many_workers_add_up_to_one(work: Work) -> None:
    minute, half = timedelta(minutes=1), timedelta(seconds=30)
    assert len(work.refresh([Touch(PULL)], NOW, older_than=NOW - half)) == 1
    assert work.refresh([Touch(PULL)], NOW, older_than=NOW - half) == []
    work.finish(claimed(work), LATER)
    assert (
        work.refresh([Touch(PULL)], NOW + timedelta(seconds=20), older_than=NOW - timedelta(seconds=10)) == []
    )
    assert len(work.refresh([Touch(PULL), Touch(OTHER)], NOW + minute, older_than=NOW + half)) == 2


def test_counts_say_what_waits_runs_and_is_parked(work: Work) -> None:
    work.park(a_claim(work), LATER, "never")
    work.add([Touch(OTHER, Priority.PERSON)], LATER)
    claimed(work, LATER + DEBOUNCE)
    service = WorkKey(Kind.SERVICE, "acme/a")
    work.add([Touch(service)], LATER + timedelta(seconds=1))
    assert work.counts(LATER + timedelta(seconds=2)) == WorkCounts(
        waiting=1, running=1, parked=1, oldest=LATER + timedelta(seconds=1)
    )
    # A claim whose lease ran out waits again.
    assert work.counts(LATER + timedelta(minutes=2)).waiting == 2


def test_what_a_moved_gate_has_not_reached_yet_is_counted(work: Work) -> None:
    fanned_out = {PULL: Priority.OPEN, OTHER: Priority.AUTO_MERGE}
    work.add([Touch(key, priority) for key, priority in fanned_out.items()], NOW)
    work.add([Touch(WorkKey(Kind.SERVICE, "acme/a"), Priority.EVENT)], NOW)
    assert work.counts(LATER).untold == 2
    service = claimed(work)
    nearest = claimed(work)
    assert (service.key.kind, nearest.key) == (Kind.SERVICE, OTHER)
    assert work.counts(LATER).untold == 2, "it is being looked at"
    work.finish(nearest, LATER)
    assert work.counts(LATER).untold == 1
    work.park(claimed(work), LATER, "never")
    assert work.counts(LATER).untold == 0


def test_many_claim_at_once_and_each_gets_another(work: Work) -> None:
    keys = [WorkKey.pull("acme/shop", number) for number in range(1, 41)]
    work.add([Touch(key) for key in keys], NOW)
    got: list[WorkKey] = []
    together = Barrier(4)

    def take_all() -> None:
        together.wait()
        while claim := work.claim(LATER, LEASE):
            got.append(claim.key)

    in_threads([take_all] * 4)
    assert sorted(got) == sorted(keys)


def test_many_touch_at_once_and_none_is_lost(work: Work, database: Database) -> None:
    several = [Touch(OTHER), Touch(PULL)]

    def touch(touches: Iterable[Touch]) -> None:
        for _ in range(20):
            work.add(touches, NOW)

    in_threads([lambda: touch(several), lambda: touch(several[::-1])] * 2)
    assert [touched.gen for touched in work.add(several, NOW)] == [81, 81]


def in_threads(tasks: list[Callable[[], None]]) -> None:
    threads = [Thread(target=task) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def a_delivery(guid: str = "one", *keys: WorkKey) -> tuple[Delivery, Triggered]:
    touches = tuple(Touch(key) for key in keys)
    return (
        Delivery(guid, "pull_request", "opened", 7, {}),
        Triggered(touches, ignored=None if keys else "no use"),
    )


def test_a_delivery_is_done_when_all_that_it_touched_is(database: Database, work: Work) -> None:
    deliveries = Deliveries(database, work)
    receipt = deliveries.accept(*a_delivery("one", PULL, OTHER), NOW)
    assert (receipt.outcome, [str(one.key) for one in receipt.touched]) == (
        Outcome.ACCEPTED,
        ["pull:acme/shop#12", "pull:acme/shop#13"],
    )
    work.finish(claimed(work), LATER)
    assert not deliveries.is_done("one")
    work.finish(claimed(work), LATER)
    assert deliveries.is_done("one")
    assert deliveries.accept(*a_delivery("one", PULL, OTHER), LATER).outcome is Outcome.ALREADY_DONE
    assert not work.is_due(LATER + timedelta(days=1))


@pytest.mark.parametrize("state", ["waiting", "running", "waiting for its retry", "parked"])
def test_a_redelivery_of_what_is_not_done_touches_again(database: Database, work: Work, state: str) -> None:
    deliveries = Deliveries(database, work)
    deliveries.accept(*a_delivery("one", PULL), NOW)
    if state != "waiting":
        claim = claimed(work)
        if state == "waiting for its retry":
            work.retry(claim, LATER, "502")
        if state == "parked":
            work.park(claim, LATER, "403")
    assert deliveries.accept(*a_delivery("one", PULL), LATER).outcome is Outcome.ACCEPTED
    work.finish(claimed(work, LATER + LEASE), LATER + LEASE)
    assert deliveries.is_done("one")


def test_a_redelivery_that_comes_during_the_pass_needs_another_pass(database: Database, work: Work) -> None:
    deliveries = Deliveries(database, work)
    deliveries.accept(*a_delivery("one", PULL), NOW)
    claim = claimed(work)
    deliveries.accept(*a_delivery("one", PULL), LATER)
    work.finish(claim, LATER)
    assert not deliveries.is_done("one")
    work.finish(claimed(work, LATER + DEBOUNCE), LATER)
    assert deliveries.is_done("one")


def test_an_ignored_delivery_is_stored_with_its_reason_and_done(database: Database, work: Work) -> None:
    deliveries = Deliveries(database, work)
    receipt = deliveries.accept(*a_delivery("one"), NOW)
    assert (receipt.outcome, receipt.ignored, receipt.touched) == (Outcome.IGNORED, "no use", ())
    assert deliveries.accept(*a_delivery("one"), NOW).outcome is Outcome.ALREADY_DONE


def test_an_unknown_delivery_is_not_done(database: Database, work: Work) -> None:
    assert not Deliveries(database, work).is_done("never seen")


def test_old_deliveries_are_forgotten(database: Database, work: Work) -> None:
    deliveries = Deliveries(database, work)
    deliveries.accept(*a_delivery("old"), NOW)
    deliveries.accept(*a_delivery("new"), LATER)
    assert deliveries.forget(before=LATER) == 1
    assert not deliveries.is_done("old")
    assert deliveries.is_done("new")


def test_deliveries_that_arrive_at_once_each_get_their_own_answer(database: Database, work: Work) -> None:
    deliveries = Deliveries(database, work)
    deliveries.accept(*a_delivery("done before", OTHER), NOW)
    work.finish(claimed(work), NOW)
    guids = ["done before", "ignored", *(f"new {number}" for number in range(30)), "new 0"]
    answers: dict[int, Receipt] = {}
    together = Barrier(len(guids))

    def accept(place: int, guid: str) -> None:
        together.wait()
        delivery = a_delivery(guid, *([] if guid == "ignored" else [PULL]))
        answers[place] = deliveries.accept(*delivery, LATER)

    in_threads([partial(accept, place, guid) for place, guid in enumerate(guids)])
    outcomes = [answers[place].outcome for place in range(len(guids))]
    assert outcomes[:2] == [Outcome.ALREADY_DONE, Outcome.IGNORED]
    assert set(outcomes[2:]) == {Outcome.ACCEPTED}
    claim = claimed(work, LATER + DEBOUNCE)
    assert claim.gen == max(one.gen for answer in answers.values() for one in answer.touched)
    work.finish(claim, LATER)
    assert all(deliveries.is_done(guid) for guid in guids)


def test_a_delivery_that_cannot_be_stored_takes_no_other_with_it(database: Database, work: Work) -> None:
    deliveries = Deliveries(database, work)
    secret = object()
    unstorable = (a_delivery("bad")[0], Triggered((Touch(PULL, hint={"actor": secret}),)))  # type: ignore[dict-item]  # wrong on purpose
    refused: list[int] = []

    def accept(number: int) -> None:
        try:
            deliveries.accept(*(unstorable if number == BAD else a_delivery(f"good {number}", OTHER)), NOW)
        except (StatementError, TypeError):
            refused.append(number)

    threads = [Thread(target=accept, args=(number,)) for number in range(8)]
    with capture_logs() as logged:
        with database.write():  # SQLite's only writer: the first waits for us, and the rest for the first
            for thread in threads:
                thread.start()
        for thread in threads:
            thread.join()
    assert refused == [BAD]
    assert [line["event"] for line in logged] == ["deliveries.batch_given_up"]
    assert claimed(work).key == OTHER
    assert not work.is_due(LATER)
