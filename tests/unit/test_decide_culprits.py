"""Which deployment an incident is laid to: only where nothing speaks against it."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from builders import HOUR, MINUTE, NOW, SHA, a_snapshot, a_view, an_incident, evidence, measured
from gatekeeper.availability.attribution import Cost, Unpriced
from gatekeeper.availability.deployments import Deployed
from gatekeeper.decide import explain
from gatekeeper.decide.culprits import culprits
from gatekeeper.decide.desired import desire
from gatekeeper.decide.evaluate import decide
from gatekeeper.decide.priced import Priced
from gatekeeper.decide.snapshot import Culprit, ServiceView
from gatekeeper.decide.verdict import State
from gatekeeper.store.snapshots import SNAPSHOT

INCIDENT = an_incident()
BEGAN = INCIDENT.start - 3 * MINUTE
VIEW = a_view(State.FROZEN, measured(-0.5, worst=(INCIDENT,)))
GUILTY = Culprit("availability", INCIDENT.start, "acme/shop", SHA, BEGAN)


def a_deployment(name: str = "1", since: Any = BEGAN, **values: Any) -> Priced:
    """One that certainly cost something, and began three minutes before the incident."""
    deployed = Deployed(
        id=name,
        repository="acme/shop",
        environment="production",
        production=True,
        task="deploy",
        ref="main",
        sha=SHA,
        start=since,
        url=None,
    )
    cost = Cost(
        deployment=name,
        since=since,
        until=since + 24 * HOUR,
        bad=400.0,
        sigma=20.0,
        budget_share=0.8,
        certain=True,
        ambiguous_with=(),
        rollbacks=(),
    )
    return Priced(deployed, None, values.pop("back", ()), (("availability", replace(cost, **values)),))


def blamed(*deployments: Priced, view: ServiceView = VIEW) -> list[Culprit]:
    return list(culprits(deployments, view.pairs))


def test_an_incident_is_laid_to_the_deployment_that_it_began_soon_after() -> None:
    assert blamed(a_deployment()) == [GUILTY]


def test_the_rollback_that_ended_it_is_told() -> None:
    back = replace(a_deployment("2", INCIDENT.end), rollback_of="1", costs=())
    assert blamed(a_deployment(back=("2", "unknown")), back) == [replace(GUILTY, rolled_back_at=INCIDENT.end)]


@pytest.mark.parametrize(
    "innocent",
    [
        pytest.param(a_deployment(certain=False), id="what went bad is within chance"),
        pytest.param(a_deployment(since=INCIDENT.start - HOUR), id="it was an hour before"),
        pytest.param(a_deployment(since=INCIDENT.start + MINUTE), id="it was after the beginning"),
        pytest.param(a_deployment(until=INCIDENT.start), id="the next one came before"),
        pytest.param(
            replace(a_deployment(), costs=(("availability", Unpriced("1", BEGAN)),)), id="it has no price"
        ),
        pytest.param(
            replace(a_deployment(), costs=(("latency", a_deployment().costs[0][1]),)),
            id="it cost another objective",
        ),
    ],
)
def test_where_there_is_doubt_nobody_is_named(innocent: Priced) -> None:
    assert blamed(innocent) == []


def another(start: datetime, sha: str = "f" * 40) -> Priced:
    """One that cost nothing."""
    one = a_deployment("2", start, certain=False)
    return replace(one, deployed=replace(one.deployed, sha=sha))


@pytest.mark.parametrize(
    ("near", "named"),
    [
        pytest.param(another(BEGAN - MINUTE), False, id="another commit was deployed shortly before"),
        pytest.param(another(BEGAN), False, id="or at once with it"),
        pytest.param(another(INCIDENT.start + MINUTE), True, id="what was deployed since did not do it"),
        pytest.param(another(BEGAN - MINUTE, SHA), True, id="the same commit went elsewhere before"),
    ],
)
def test_who_was_there_shortly_before_casts_doubt(near: Priced, *, named: bool) -> None:
    assert blamed(near, a_deployment(ambiguous_with=("2",))) == [GUILTY] * named


def test_a_deployment_within_the_incidents_first_minute_is_named() -> None:
    assert [one.at for one in blamed(a_deployment(since=INCIDENT.start + timedelta(seconds=59)))] == [
        INCIDENT.start + timedelta(seconds=59)
    ]


def test_what_is_not_measured_has_no_incident_to_lay_to_anybody() -> None:
    assert blamed(a_deployment(), view=a_view(objectives=(evidence(1.0),))) == []


@pytest.mark.parametrize(
    ("one", "words"),
    [
        pytest.param(
            GUILTY,
            f", after `acme/shop@{SHA[:7]}` was deployed at {BEGAN:%Y-%m-%d %H:%M} UTC",
            id="it still runs",
        ),
        pytest.param(
            replace(GUILTY, rolled_back_at=NOW),
            f" UTC, rolled back at {NOW:%Y-%m-%d %H:%M} UTC",
            id="it was rolled back",
        ),
    ],
)
def test_the_cause_names_the_deployment_and_replays(one: Culprit, words: str) -> None:
    snapshot = a_snapshot(replace(VIEW, culprits=(one,)))
    again = SNAPSHOT.parse(SNAPSHOT.text(snapshot))
    assert again == snapshot
    text = desire(again, decide(again)).check.summary
    assert words in text
    assert text == desire(snapshot, decide(snapshot)).check.summary


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(replace(GUILTY, objective="latency"), id="of another objective"),
        pytest.param(replace(GUILTY, incident=NOW), id="of another incident"),
    ],
)
def test_another_incidents_culprit_is_not_this_ones(other: Culprit) -> None:
    assert explain.causes(replace(VIEW, culprits=(other,))) == explain.causes(VIEW)
