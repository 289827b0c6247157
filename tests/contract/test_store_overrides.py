"""The record of overrides: only ever added to, never told twice, ended once."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from builders import HOUR, MINUTE, NOW, SHA, a_pull
from fakes import SHOP
from gatekeeper.decide.evaluate import WITHOUT_REASON
from gatekeeper.store.engine import Database
from gatekeeper.store.overrides import WITHDRAWN, OverrideRecord, Overrides
from gatekeeper.store.pulls import KnownPull, Pulls
from gatekeeper.store.queue import Queue
from gatekeeper.store.work import Work

RECORD = OverrideRecord(
    repository=SHOP,
    number=1,
    label="slo:override",
    actor="alice",
    granted=True,
    why="",
    reason="the fix",
    head_sha=SHA,
    labeled_at=NOW,
    until=NOW + 24 * HOUR,
    recorded_at=NOW,
)
REFUSED = replace(RECORD, actor="mallory", granted=False, why="not of the team", labeled_at=NOW + MINUTE)


@pytest.fixture
def overrides(database: Database) -> Overrides:
    return Overrides(database)


@pytest.mark.parametrize(
    ("second", "rows"),
    [
        pytest.param(RECORD, 1, id="the same again"),
        pytest.param(
            replace(RECORD, recorded_at=NOW + HOUR, head_sha="f" * 40), 1, id="the same by another pass"
        ),
        pytest.param(replace(RECORD, reason="another"), 2, id="another reason"),
        pytest.param(replace(RECORD, actor="bob"), 2, id="another person"),
        pytest.param(replace(RECORD, labeled_at=NOW + MINUTE), 2, id="applied anew"),
        pytest.param(replace(RECORD, until=NOW + HOUR), 2, id="another end"),
        pytest.param(replace(RECORD, granted=False, why="ended"), 2, id="another ruling"),
        pytest.param(replace(RECORD, label="other"), 2, id="another label"),
        pytest.param(replace(RECORD, number=2), 2, id="another pull request"),
    ],
)
def test_what_was_said_last_is_not_said_again(
    overrides: Overrides, second: OverrideRecord, rows: int
) -> None:
    overrides.add_new([RECORD])
    overrides.add_new([second])
    assert len(overrides.latest()) == rows
    assert overrides.of_pull(SHOP, 1)[0] == RECORD


OPENED = replace(RECORD, label="/gatekeeper open acme/checkout", reason="an outage", until=NOW + 4 * HOUR)
CLOSED = replace(OPENED, label="/gatekeeper close acme/checkout", until=NOW, number=2)


@pytest.mark.parametrize(
    ("records", "after", "opened"),
    [
        pytest.param([], HOUR, False, id="nobody opened it"),
        pytest.param([OPENED], HOUR, True, id="somebody did"),
        pytest.param([OPENED], 4 * HOUR, False, id="it is over"),
        pytest.param(
            [replace(OPENED, granted=False, why="not of the team")], HOUR, False, id="who may not did not"
        ),
        pytest.param(
            [OPENED, replace(OPENED, actor="mallory", granted=False, why="not of the team")],
            HOUR,
            True,
            id="who is refused ends nothing",
        ),
        pytest.param([OPENED, CLOSED], HOUR, False, id="it was closed, from another pull request"),
        pytest.param(
            [OPENED, CLOSED, replace(OPENED, labeled_at=NOW + MINUTE)], HOUR, True, id="and opened anew"
        ),
        pytest.param(
            [replace(OPENED, label="/gatekeeper open acme/search")],
            HOUR,
            False,
            id="another service was opened",
        ),
    ],
)
def test_a_service_is_open_to_every_change(
    overrides: Overrides, records: list[OverrideRecord], after: timedelta, *, opened: bool
) -> None:
    for record in records:
        overrides.add_new([record])
    found = overrides.opening("acme/checkout", NOW + after)
    assert (found is not None) is opened
    if found is not None:
        assert (found.actor, found.until, found.reason) == (RECORD.actor, NOW + 4 * HOUR, "an outage")


def test_a_status_of_our_name_is_on_record_once_and_no_refusal_to_tell(overrides: Overrides) -> None:
    forgery = {"status": "gatekeeper", "id": 7, "sha": SHA, "actor": "mallory"}
    for identity in (7, 7, 8):
        overrides.forged(SHOP, 1, forgery | {"id": identity}, NOW)
    assert [(one.label, one.actor, one.comment) for one in overrides.of_pull(SHOP, 1)] == [
        ("status gatekeeper", "mallory", 7),
        ("status gatekeeper", "mallory", 8),
    ]
    assert overrides.past(SHOP, 1).refusals == ()
    assert overrides.verify().broken_at is None


def test_no_pass_over_a_pull_request_withdraws_it(overrides: Overrides) -> None:
    overrides.add_new([OPENED])
    overrides.withdraw(SHOP, OPENED.number, set(), NOW + HOUR)
    assert overrides.opening("acme/checkout", NOW + HOUR) is not None


def test_what_was_said_before_that_is_said_again(overrides: Overrides) -> None:
    for record in (RECORD, REFUSED, RECORD):
        overrides.add_new([record])
    assert list(overrides.of_pull(SHOP, 1)) == [RECORD, REFUSED, RECORD]


@pytest.mark.parametrize(
    ("records", "labels", "why"),
    [
        pytest.param([RECORD], {"slo:override"}, "", id="the label is there"),
        pytest.param([RECORD], set(), WITHDRAWN, id="the label was taken off"),
        pytest.param([RECORD], {"Slo:Override"}, WITHDRAWN, id="the label was made anew in other letters"),
        pytest.param([REFUSED], set(), "not of the team", id="it was refused"),
        pytest.param([RECORD, REFUSED], set(), "not of the team", id="it was refused since"),
    ],
)
def test_an_override_without_its_label_is_withdrawn(
    overrides: Overrides, records: list[OverrideRecord], labels: set[str], why: str
) -> None:
    overrides.add_new(records)
    for _ in range(2):
        overrides.withdraw(SHOP, 1, labels, NOW + HOUR)
    last = overrides.of_pull(SHOP, 1)[-1]
    assert last.why == why
    assert len(overrides.latest()) == len(records) + (why == WITHDRAWN)


def test_refusals_are_each_labels_last_word(overrides: Overrides) -> None:
    other = replace(REFUSED, label="other")
    overrides.add_new([RECORD, REFUSED, other, replace(other, granted=True, why="", labeled_at=NOW + HOUR)])
    assert [(one.label, one.actor, one.why) for one in overrides.past(SHOP, 1).refusals] == [
        ("slo:override", "mallory", "not of the team")
    ]


def test_a_withdrawn_override_is_no_refusal(overrides: Overrides) -> None:
    overrides.add_new([RECORD])
    overrides.withdraw(SHOP, 1, set(), NOW)
    assert overrides.past(SHOP, 1).refusals == ()


def test_an_override_that_waits_for_a_reason_is_no_refusal(overrides: Overrides) -> None:
    overrides.add_new([replace(RECORD, granted=False, why=WITHOUT_REASON, reason=None)])
    assert overrides.past(SHOP, 1).refusals == ()


END = RECORD.until


@pytest.mark.parametrize(
    ("records", "looked", "now", "found"),
    [
        pytest.param([RECORD], NOW, END - timedelta(microseconds=1), False, id="it still runs"),
        pytest.param([RECORD], NOW, END, True, id="its time is over"),
        pytest.param([RECORD], END, END + HOUR, False, id="its end was seen"),
        pytest.param(
            [RECORD], END - timedelta(microseconds=1), END, True, id="the last look was just before"
        ),
        pytest.param([RECORD], None, END, False, id="the pull request is closed"),
        pytest.param([REFUSED], NOW, END, False, id="it was refused"),
        pytest.param([RECORD, REFUSED], NOW, END, False, id="it was refused since"),
        pytest.param([REFUSED, RECORD], NOW, END, True, id="it was granted after a refusal"),
        pytest.param([RECORD, replace(RECORD, until=END + HOUR)], NOW, END, False, id="it was made longer"),
    ],
)
def test_an_override_that_ended(
    overrides: Overrides,
    database: Database,
    records: list[OverrideRecord],
    looked: datetime | None,
    now: datetime,
    *,
    found: bool,
) -> None:
    for record in records:
        overrides.add_new([record])
    _look(database, looked or NOW)
    if looked is None:
        _pulls(database).close(SHOP, 1, NOW)
    assert overrides.ended(now) == (((SHOP, 1),) if found else ())


def _pulls(database: Database) -> Pulls:
    return Pulls(database, Queue(Work(database), lambda: NOW))


def _look(database: Database, at: datetime) -> None:
    known = KnownPull(SHOP, 1, SHA, "", (), "", asked=False, decision=None)
    pulls = _pulls(database)
    before = pulls.known(SHOP, 1)
    with database.write() as connection:
        assert pulls.save(connection, replace(a_pull(), number=1), known, {}, at, before=before)
