"""Adjustments and exceptions as a policy file says them, and what is in force when."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import DAY, NOW, a_service, an_objective
from gatekeeper.policy.dated import Phase, ended, exception_for, phase
from gatekeeper.policy.instants import parse_first, parse_instant, parse_minute, parse_until
from gatekeeper.policy.loader import PolicyFile, Severity, load
from gatekeeper.policy.mistake import MistakeError
from gatekeeper.policy.model import Service
from gatekeeper.policy.objective import TargetException

SECOND = timedelta(seconds=1)
FILE = """\
apiVersion: gatekeeper/v1
kind: Service
metadata: {name: checkout}
spec:
  objectives:
    - target: 99.95%
      indicator: {prometheus: {bad: errors_total, total: events_total}}
  changes: [{repository: acme/shop}]
  adjustments:
    - {from: 2026-11-08T02:00:00Z, to: 2026-11-08T05:00:00+01:00, reason: maintenance}
  exceptions:
    - {target: 99.5%, from: 2026-11-20, until: 2026-12-31, reason: peak season}
"""


def an_exception(**values: Any) -> TargetException:
    return TargetException.model_validate({"target": "99.5%", "until": NOW, "reason": "agreed"} | values)


def loaded(text: str = FILE, now: datetime | None = None) -> Any:
    return load([PolicyFile("p.yaml", text)], organization="acme", now=now)


def test_it_is_read_with_its_defaults() -> None:
    (service,) = loaded().services
    (adjustment,), (exception,) = service.adjustments, service.exceptions
    assert (adjustment.start, adjustment.end) == (
        datetime(2026, 11, 8, 2, tzinfo=UTC),
        datetime(2026, 11, 8, 4, tzinfo=UTC),
    )
    assert (adjustment.treatment, adjustment.reason) == ("up", "maintenance")
    assert (exception.start, exception.end) == (
        datetime(2026, 11, 20, tzinfo=UTC),
        datetime(2027, 1, 1, tzinfo=UTC),
    )
    assert exception.objective is None


def test_it_survives_the_store() -> None:
    (service,) = loaded().services
    assert Service.model_validate_json(service.model_dump_json()) == service


@pytest.mark.parametrize(
    ("at", "found"),
    [
        pytest.param(NOW - DAY - SECOND, Phase.AHEAD, id="before it begins"),
        pytest.param(NOW - DAY, Phase.IN_FORCE, id="as it begins"),
        pytest.param(NOW - SECOND, Phase.IN_FORCE, id="to its last second"),
        pytest.param(NOW, Phase.OVER, id="as it ends"),
    ],
)
def test_the_phases_meet_without_a_gap(at: datetime, found: Phase) -> None:
    one = an_exception(**{"from": NOW - DAY})
    assert phase(one, at) is found
    objective = an_objective()
    assert (exception_for(objective, (one,), at) is one) is (found is Phase.IN_FORCE)
    assert objective.aiming_at(exception_for(objective, (one,), at)).target == (
        one.target if found is Phase.IN_FORCE else objective.target
    )


def test_without_a_beginning_it_was_always_in_force() -> None:
    assert phase(an_exception(), datetime(1970, 1, 1, tzinfo=UTC)) is Phase.IN_FORCE


def test_each_objective_has_its_own() -> None:
    of_latency = an_exception(objective="latency", until=NOW + DAY)
    assert exception_for(an_objective("latency"), (of_latency,), NOW) is of_latency
    assert exception_for(an_objective(), (of_latency,), NOW) is None


def test_what_is_over_is_ignored_and_warned_of() -> None:
    assert loaded(now=datetime(2026, 12, 31, 23, 59, tzinfo=UTC)).problems == ()
    found = loaded(now=datetime(2027, 1, 1, tzinfo=UTC))
    assert found.ok
    (problem,) = found.problems
    assert (problem.line, problem.severity) == (12, Severity.WARNING)
    assert "is ignored: it ended at 2027-01-01 00:00 UTC" in problem.message
    assert ended(found.services[0], datetime(2027, 1, 1, tzinfo=UTC)) == found.services[0].exceptions


def test_one_after_the_other_is_no_overlap() -> None:
    following = (
        "    - {target: 99%, from: 2027-01-01, until: 2027-02-01, reason: r, objective: availability}\n"
    )
    before = "    - {target: 99.9%, until: 2026-11-20T00:00:00Z, reason: r}\n"
    assert loaded(FILE + following + before).problems == ()


def test_several_objectives_have_to_be_told_apart() -> None:
    second = "    - {name: latency, target: 99%, indicator: {prometheus: {bad: slow, total: all}}}\n"
    text = FILE.replace("  changes", f"{second}  changes")
    (problem,) = loaded(text).problems
    assert "does not say which it is for" in problem.message
    assert loaded(text.replace("reason: peak", "objective: latency, reason: peak")).ok


@pytest.mark.parametrize(
    "written",
    [
        pytest.param("2026-11-20T12:00:00Z", id="UTC"),
        pytest.param("2026-11-20t13:00:00+01:00", id="another offset"),
        pytest.param("2026-11-20T12:00Z", id="without seconds"),
        pytest.param(
            datetime(2026, 11, 20, 14, tzinfo=timezone(timedelta(hours=2))), id="an instant already"
        ),
    ],
)
def test_an_instant_is_read_as_utc(written: Any) -> None:
    found = parse_instant(written)
    assert (found, found.tzinfo) == (datetime(2026, 11, 20, 12, tzinfo=UTC), UTC)


@pytest.mark.parametrize(
    "written",
    [
        pytest.param("2026-11-20T12:00:00", id="nobody knows in which time zone"),
        pytest.param(datetime(2026, 11, 20, 12), id="nor here"),  # noqa: DTZ001 (that is the point)
        pytest.param("2026-11-20", id="a day"),
        pytest.param("2026-02-30T12:00:00Z", id="a day that never was"),
        pytest.param("0001-01-01T00:00:00+23:00", id="before the calendar"),
        pytest.param(1_700_000_000, id="a number"),
    ],
)
def test_what_is_no_instant_is_refused(written: Any) -> None:
    with pytest.raises(MistakeError):
        parse_instant(written)


@given(st.datetimes(timezones=st.timezones()))
def test_any_time_is_read_back_in_utc(at: datetime) -> None:
    try:
        expected = at.astimezone(UTC)
    except OverflowError:
        with pytest.raises(MistakeError):
            parse_until(at)
        return
    assert parse_until(expected.isoformat()) == parse_first(expected.isoformat()) == expected
    whole = expected.replace(second=0, microsecond=0)
    assert parse_minute(whole) == parse_instant(whole) == whole


@given(st.text() | st.integers() | st.none() | st.lists(st.integers()))
def test_what_is_no_time_is_a_mistake_and_no_crash(value: Any) -> None:
    for parse in (parse_instant, parse_minute, parse_first, parse_until):
        try:
            assert parse(value).tzinfo is UTC
        except MistakeError as mistake:
            assert mistake.suggestion  # noqa: PT017 (both outcomes are right)


def test_the_last_day_of_all_is_out_of_reach() -> None:
    with pytest.raises(MistakeError):
        parse_until("9999-12-31")


def test_a_service_without_them_says_so() -> None:
    assert a_service().adjustments == ()
    assert a_service().exceptions == ()
