"""What the demo begins with: promises that are valid, and a budget that makes the story work at any hour."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gatekeeper.demo import cast
from gatekeeper.demo.story import FAILING_SHARE
from gatekeeper.policy.gate import Mode
from gatekeeper.policy.loader import PolicyFile, load

MIDNIGHT = datetime(2026, 11, 2, tzinfo=UTC)
WINDOW = timedelta(days=28)
ALLOWED = 0.0005


def test_every_policy_is_valid_and_there_is_one_of_each_mode() -> None:
    loaded = load(
        [PolicyFile(path, text) for path, text in cast.policies().items()],
        organization="acme",
        repository=cast.SHOP,
    )
    assert loaded.problems == ()
    assert {service.name: service.gate.mode for service in loaded.services} == {
        "catalogue": Mode.ENFORCE,
        "checkout": Mode.ENFORCE,
        "newsletter": Mode.OBSERVE,
        "search": Mode.ADVISE,
    }


def test_every_service_has_traffic() -> None:
    jobs = {dict(one.labels)["job"] for one in cast.history(MIDNIGHT).counters(MIDNIGHT)}
    assert jobs == {"catalogue", "checkout", "newsletter", "search"}


def left(present: datetime, at: datetime, *, incident_minutes: float = 0) -> float:
    """The share of checkout's budget left at ``at`` in a demo begun at ``present``, an incident at its beginning."""
    history = cast.history(present)
    if incident_minutes:
        history.fail(cast.SERVICE, FAILING_SHARE, present)
        history.recover(cast.SERVICE, present + timedelta(minutes=incident_minutes))
    bad = total = 0.0
    for counter in history.counters(at):
        labels = dict(counter.labels)
        if labels["job"] == cast.SERVICE:
            inside = counter.values[counter.times > (at - WINDOW).timestamp() * 1000]
            total += inside[-1] - inside[0]
            bad += (inside[-1] - inside[0]) * (labels["code"] == "500")
    return 1 - bad / (ALLOWED * total)


@pytest.mark.parametrize("hour", [0, 3.5, 9, 14, 21])
def test_the_story_works_at_any_hour(hour: float) -> None:
    present = MIDNIGHT + timedelta(hours=hour)
    in_three_days = present + timedelta(days=3, hours=3)
    assert 0.3 < left(present, present) < 0.38  # a third
    after = left(present, present + timedelta(minutes=31), incident_minutes=30)
    assert -0.3 < after < -0.1  # half a minute at full speed spends more than there is
    assert left(present, in_three_days, incident_minutes=30) > 0.25  # and enough comes back for an open gate


def test_the_files_of_the_pull_requests_do_not_meet() -> None:
    assert len({one.path for one in cast.OPENINGS}) == len(cast.OPENINGS) == len(cast.PULLS)
