"""The record of deployments: whatever the order of the reports, and however often they come."""

from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from builders import HOUR, MINUTE, NOW, SHA
from fakes import SHOP
from gatekeeper.availability.deployments import Deployed
from gatekeeper.events.deployments import DeploymentStatus
from gatekeeper.store.deployments import KEPT, Claim, Deployments
from gatekeeper.store.engine import Database

BEGAN = DeploymentStatus(
    id="1",
    environment="production",
    production=True,
    task="deploy",
    ref="main",
    sha=SHA,
    state="in_progress",
    at=NOW,
    url="https://github.com/acme/shop/actions/runs/1",
)
SUCCEEDED = replace(BEGAN, state="success", at=NOW + 5 * MINUTE, url=None)


@pytest.fixture
def deployments(database: Database) -> Deployments:
    return Deployments(database)


@pytest.mark.parametrize(
    "reports",
    [
        pytest.param(order, id=" then ".join(one.state for one in order))
        for order in permutations([BEGAN, SUCCEEDED, replace(SUCCEEDED, at=NOW + HOUR)])
    ],
)
def test_it_takes_effect_from_its_beginning(
    deployments: Deployments, reports: tuple[DeploymentStatus, ...]
) -> None:
    for report in reports * 2:
        deployments.report(SHOP, report)
    assert deployments.of([SHOP]) == (
        Deployed(
            "1",
            SHOP,
            "production",
            production=True,
            task="deploy",
            ref="main",
            sha=SHA,
            start=NOW,
            url=BEGAN.url,
        ),
    )


def test_without_a_word_of_its_beginning_success_is_the_start(deployments: Deployments) -> None:
    deployments.report(SHOP, replace(SUCCEEDED, at=NOW + HOUR))
    deployments.report(SHOP, SUCCEEDED)
    (one,) = deployments.of([SHOP])
    assert one.start == SUCCEEDED.at


def test_what_has_not_succeeded_is_not_there(deployments: Deployments) -> None:
    deployments.report(SHOP, BEGAN)
    assert deployments.of([SHOP]) == ()


def test_they_come_in_order_of_time_and_of_the_repositories_asked_for(deployments: Deployments) -> None:
    deployments.report(SHOP, replace(SUCCEEDED, id="b", at=NOW + HOUR))
    deployments.report("Acme/Tools", replace(SUCCEEDED, id="c"))
    deployments.report("acme/other", replace(SUCCEEDED, id="d"))
    deployments.report(SHOP, replace(SUCCEEDED, id="a"))
    assert [one.id for one in deployments.of(["ACME/shop", "acme/tools"])] == ["a", "c", "b"]
    assert deployments.of([]) == ()


def test_a_renamed_repository_keeps_what_it_reports_again(deployments: Deployments) -> None:
    deployments.report(SHOP, BEGAN)
    deployments.report("acme/store", SUCCEEDED)
    assert [one.start for one in deployments.of(["acme/store"])] == [NOW]
    assert deployments.of([SHOP]) == ()


@pytest.mark.parametrize(
    ("reports", "gone"),
    [
        pytest.param([SUCCEEDED], 1, id="it succeeded long ago"),
        pytest.param([BEGAN], 1, id="it began long ago, and that was all"),
        pytest.param([BEGAN, replace(SUCCEEDED, at=NOW + HOUR)], 0, id="it succeeded since"),
    ],
)
def test_what_is_old_is_forgotten(
    deployments: Deployments, reports: list[DeploymentStatus], gone: int
) -> None:
    for report in reports:
        deployments.report(SHOP, report)
    assert deployments.forget(NOW + HOUR) == gone
    assert len(deployments.of([SHOP])) == 1 - gone


def test_they_are_kept_for_longer_than_the_longest_window() -> None:
    assert timedelta(days=92, hours=1) < KEPT


@pytest.mark.parametrize(
    ("change", "claim"),
    [
        pytest.param({}, Claim.KNOWN, id="the same"),
        pytest.param({"state": "success", "url": None, "ref": "other"}, Claim.KNOWN, id="what came of it"),
        pytest.param({"sha": SHA[::-1]}, Claim.TAKEN, id="another commit"),
        pytest.param({"environment": "staging"}, Claim.TAKEN, id="another environment"),
        pytest.param({"task": "rollback"}, Claim.TAKEN, id="another task"),
    ],
)
def test_an_id_is_one_deployments(deployments: Deployments, change: dict[str, Any], claim: Claim) -> None:
    first = replace(BEGAN, state="success")
    assert deployments.claim(SHOP, first, None) is Claim.NEW
    before = deployments.of([SHOP])
    assert deployments.claim(SHOP, replace(first, **change), None) is claim
    after = deployments.of([SHOP])
    assert [one.start for one in after] == [one.start for one in before]
    if claim is Claim.TAKEN:
        assert after == before


def test_an_id_is_one_services_too(deployments: Deployments) -> None:
    assert deployments.claim(SHOP, BEGAN, "acme/checkout") is Claim.NEW
    assert deployments.claim(SHOP, SUCCEEDED, "acme/checkout") is Claim.KNOWN
    for service in ("acme/search", None):
        assert deployments.claim(SHOP, SUCCEEDED, service) is Claim.TAKEN


def test_what_is_of_one_service_only_is_of_no_other(deployments: Deployments) -> None:
    deployments.claim(SHOP, replace(SUCCEEDED, id="all"), None)
    deployments.claim(SHOP, replace(SUCCEEDED, id="checkout"), "acme/checkout")
    deployments.report(SHOP, replace(SUCCEEDED, id="github"))
    asked = {
        name: {one.id for one in deployments.of([SHOP], name)}
        for name in (None, "acme/checkout", "acme/search")
    }
    assert asked == {
        None: {"all", "checkout", "github"},
        "acme/checkout": {"all", "checkout", "github"},
        "acme/search": {"all", "github"},
    }
