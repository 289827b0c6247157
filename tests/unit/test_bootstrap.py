"""The wiring: what the settings leave out is left out, and what timers look at."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from builders import HOUR, MINUTE, NOW, SHA, a_service, a_view
from fakes import SHOP, FakeGitHub, Place
from gatekeeper.bootstrap import Gatekeeper, Sources, build
from gatekeeper.decide.verdict import State
from gatekeeper.demo.github import AppKey
from gatekeeper.errors import ConfigurationError
from gatekeeper.events.deployments import DeploymentStatus
from gatekeeper.events.keys import WorkKey
from gatekeeper.events.triggers import Touch
from gatekeeper.github.values import RepositoryData
from gatekeeper.policy.in_force import InForce
from gatekeeper.settings import Settings
from gatekeeper.worker.schedule import Routine

INDICATOR = a_service().objectives[0].indicator
TOKEN = {"github_token": "t"}


def built(folder: Path, **settings: str) -> Gatekeeper:
    given = {"database_url": f"sqlite:///{folder}/gatekeeper.db", **settings}
    return build(Settings.model_validate(given), clock=lambda: NOW + 24 * HOUR)


@pytest.fixture
def gatekeeper(tmp_path: Path) -> Iterator[Gatekeeper]:
    """With a token, so that nothing asks GitHub."""
    found = built(tmp_path, **TOKEN)
    yield found
    found.close()


def routines(gatekeeper: Gatekeeper) -> dict[str, Routine]:
    return {routine.name: routine for routine in gatekeeper.engine._schedule.due(NOW)}


def touched(gatekeeper: Gatekeeper, name: str) -> list[str]:
    found = routines(gatekeeper)[name].touches(NOW)
    assert isinstance(found, list), "read before the transaction that stores it, not inside"
    return [str(touch.key) for touch in found]


@pytest.mark.parametrize(
    ("settings", "mode"),
    [
        pytest.param({}, None, id="nothing is set"),
        pytest.param(TOKEN, "token", id="a token"),
        pytest.param({"github_app_id": "1", "github_private_key": AppKey().private}, "app", id="an App"),
    ],
)
def test_github_as_it_is_set_up(tmp_path: Path, settings: dict[str, str], mode: str | None) -> None:
    gatekeeper = built(tmp_path, **settings)
    assert (gatekeeper.github.mode if gatekeeper.github else None) == mode
    assert (gatekeeper.observer is None) is (mode is None)
    gatekeeper.close()


def test_every_routine_is_due_at_start(gatekeeper: Gatekeeper) -> None:
    assert routines(gatekeeper).keys() == {
        "installations",
        "parked",
        "policies",
        "ledgers",
        "services",
        "pulls",
        "overrides",
        "audits",
        "runs",
        "deliveries",
        "housekeeping",
    }
    for name in routines(gatekeeper):
        assert touched(gatekeeper, name) == [], f"{name}: nothing is known yet"


def test_housekeeping_forgets_deployments_that_are_older_than_any_window(gatekeeper: Gatekeeper) -> None:
    for name, at in (("old", gatekeeper.clock() - 181 * 24 * HOUR), ("new", NOW)):
        report = DeploymentStatus(
            id=name,
            environment="production",
            production=True,
            task="deploy",
            ref="main",
            sha=SHA,
            state="success",
            at=at,
            url=None,
        )
        gatekeeper.stores.deployments.report(SHOP, report)
    assert touched(gatekeeper, "housekeeping") == []
    assert [one.id for one in gatekeeper.stores.deployments.of([SHOP])] == ["new"]


def test_timers_look_at_services_and_at_the_repositories_that_were_read(gatekeeper: Gatekeeper) -> None:
    gatekeeper.stores.catalog.put_in_force(InForce(SHOP, "c", ((a_service(), None),)), (), NOW)
    assert touched(gatekeeper, "services") == ["service:acme/checkout"]
    assert touched(gatekeeper, "policies") == [f"policies:{SHOP}"]
    assert touched(gatekeeper, "pulls") == [f"repository:{SHOP}"]


def test_overrides_end_by_the_clock_that_passes_go_by(gatekeeper: Gatekeeper) -> None:
    place = Place(gatekeeper.stores.database, FakeGitHub())
    place.put(a_view(State.FROZEN, -0.5))
    place.github.open(1)
    place.github.label(1, "slo:override", by="alice")
    place.run(1)
    assert touched(gatekeeper, "overrides") == [f"pull:{SHOP}#1"]


def test_with_a_token_nothing_is_installed(gatekeeper: Gatekeeper) -> None:
    repository = RepositoryData(SHOP, "main", archived=False, installation_id=7)
    gatekeeper.stores.installations.replace(7, [repository])
    assert touched(gatekeeper, "installations") == []


def test_with_a_token_what_was_given_up_is_tried_again_by_itself(gatekeeper: Gatekeeper) -> None:
    place = Place(gatekeeper.stores.database, FakeGitHub())
    key = WorkKey.parse(f"deployment:{SHOP}#7")
    place.record.touch([Touch(key)])
    place.now += MINUTE
    claim = place.claim()
    assert claim is not None
    assert touched(gatekeeper, "parked") == []
    place.work.park(claim, place.now, "403")
    assert touched(gatekeeper, "parked") == [str(key)]


# Sources


def test_a_source_that_is_not_set_up_is_named() -> None:
    with pytest.raises(ConfigurationError, match="PROMETHEUS_URL is not set"):
        Sources(Settings.from_env({})).of(INDICATOR)


def test_a_source_is_made_once_however_many_ask() -> None:
    sources = Sources(Settings.from_env({"GATEKEEPER_PROMETHEUS_URL": "http://127.0.0.1:9"}))
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: id(sources.of(INDICATOR)), range(32)))
    assert len(set(found)) == 1
    sources.close()
