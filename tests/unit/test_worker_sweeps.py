"""Passes that look at many: what was missed is found, what is gone is closed, nothing else is touched."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from builders import MINUTE, NOW, a_view
from databases import opened
from fakes import INSTALLATION, SHOP, FakeGitHub, Place, head
from gatekeeper.decide.verdict import State
from gatekeeper.errors import GitHubError, GitHubRefusedError
from gatekeeper.events.keys import Kind, WorkKey
from gatekeeper.events.triggers import Priority, Touch
from gatekeeper.worker.policy_pass import LOST
from gatekeeper.worker.pull_pass import FAN_OUT

REPOSITORY = WorkKey(Kind.REPOSITORY, SHOP)
INSTALLED = WorkKey(Kind.INSTALLATION, str(INSTALLATION))


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """Pull requests 1 and 2 are open and in line."""
    with opened(f"sqlite:///{tmp_path}/gatekeeper.db") as database:
        place = Place(database)
        place.github.create(SHOP)
        place.put(a_view(State.FROZEN, -0.5))
        for number in (1, 2):
            place.github.open(number, sha=head(str(number)))
            place.run(number)
        place.run(INSTALLED)
        place.settle()
        for number in (1, 2):  # our own labels changed them
            place.run(number)
        place.github.calls.clear()
        yield place


@pytest.fixture
def github(place: Place) -> FakeGitHub:
    return place.github


CHANGES: list[Any] = [
    pytest.param(lambda github: None, set(), id="nothing happened"),
    pytest.param(lambda github: github.open(3), {3}, id="opened"),
    pytest.param(lambda github: github.change(1, open=False), {1}, id="closed"),
    pytest.param(lambda github: github.change(1, head_sha=head("c")), {1}, id="pushed to"),
    pytest.param(lambda github: github.change(1, base_ref="release"), {1}, id="retargeted"),
    pytest.param(lambda github: github.change(1, labels=("x",)), {1}, id="labelled"),
    pytest.param(lambda github: github.change(1, draft=True), {1}, id="converted to a draft"),
    pytest.param(
        lambda github: [github.change(number, default_branch="trunk") for number in (1, 2)],
        {1, 2},
        id="another branch is the default one",
    ),
    pytest.param(lambda github: github.change(1, title="Other"), set(), id="retitled, which changes no verdict"),
]  # fmt: skip


@pytest.mark.parametrize(("happened", "missed"), CHANGES)
def test_what_was_missed_is_touched(
    place: Place, github: FakeGitHub, happened: Callable[[FakeGitHub], None], missed: set[int]
) -> None:
    happened(github)
    place.run(REPOSITORY)
    assert place.touched() == {f"pull:{SHOP}#{number}": [] for number in missed}


def test_after_a_change_of_policy_all_are_touched_and_only_the_missed_may_be_commented(
    place: Place, github: FakeGitHub
) -> None:
    github.open(3)
    place.run(REPOSITORY, FAN_OUT)
    assert place.touched() == {
        f"pull:{SHOP}#1": [FAN_OUT],
        f"pull:{SHOP}#2": [FAN_OUT],
        f"pull:{SHOP}#3": [],
    }


def test_what_is_not_there_any_more_is_closed_without_a_request_for_each(
    place: Place, github: FakeGitHub
) -> None:
    github.repositories.pop(SHOP)
    place.run(REPOSITORY)
    assert place.pulls.open(SHOP) == {}
    assert place.touched() == {}
    assert github.calls == ["open_pulls"]


@pytest.mark.parametrize(
    ("arm", "raised"),
    [
        pytest.param(
            lambda github: github.refusing.update(open_pulls=403), GitHubRefusedError, id="forbidden"
        ),
        pytest.param(
            lambda github: github.failing.update(open_pulls=GitHubError("502")), GitHubError, id="failed"
        ),
    ],
)
def test_a_listing_that_did_not_come_closes_nothing(
    place: Place, github: FakeGitHub, arm: Callable[[FakeGitHub], None], raised: type[Exception]
) -> None:
    arm(github)
    with pytest.raises(raised):
        place.run(REPOSITORY)
    assert place.pulls.open(SHOP).keys() == {1, 2}


def test_a_renamed_repository_goes_on_under_its_new_name(place: Place, github: FakeGitHub) -> None:
    github.rename(SHOP, "acme/store")
    place.run(REPOSITORY, FAN_OUT)
    assert place.pulls.open(SHOP) == {}
    assert place.touched() == {"repository:acme/store": [FAN_OUT]}


# Installations


def test_an_installation_has_its_repositories_looked_at(place: Place, github: FakeGitHub) -> None:
    github.create("acme/old", archived=True)
    assert place.run(INSTALLED) == {"repositories": 1, "lost": 0}
    assert place.touched() == {
        f"announcement:{SHOP}": [],
        f"policies:{SHOP}": [],
        f"repository:{SHOP}": [],
        "repository:acme/old": [],
    }
    assert place.installations.installation_of(SHOP) == INSTALLATION


def test_an_archived_repository_is_left_alone_until_it_is_opened_again(
    place: Place, github: FakeGitHub
) -> None:
    github.repositories[SHOP] = replace(github.repositories[SHOP], archived=True)
    place.run(INSTALLED)
    assert place.touched() == {f"repository:{SHOP}": []}
    place.settle()
    place.run(REPOSITORY, FAN_OUT)
    assert place.pulls.open(SHOP) == {}, "so that no freeze and no thaw writes there"
    assert place.touched() == {}
    github.repositories[SHOP] = replace(github.repositories[SHOP], archived=False)
    place.run(INSTALLED)
    place.settle()
    assert place.pulls.open(SHOP).keys() == {1, 2}


@pytest.mark.parametrize(
    "happened",
    [
        pytest.param(lambda github: github.repositories.pop(SHOP), id="taken out, deleted or transferred"),
        pytest.param(
            lambda github: github.refusing.update(installation_repositories=404), id="the App was uninstalled"
        ),
    ],
)
def test_a_lost_repository_has_its_policies_and_pull_requests_looked_at(
    place: Place, github: FakeGitHub, happened: Callable[[FakeGitHub], None]
) -> None:
    happened(github)
    place.run(INSTALLED)
    assert place.touched() == {f"policies:{SHOP}": [LOST], f"repository:{SHOP}": [], f"runs:{SHOP}": []}
    assert place.installations.installation_of(SHOP) is None


def test_an_uninstalled_apps_connection_is_dropped(place: Place, github: FakeGitHub) -> None:
    github.refusing["installation_repositories"] = 410
    place.run(INSTALLED)
    assert place.connections.dropped == [INSTALLATION]
    assert place.installations.numbers() == ()


def test_a_suspended_installation_loses_nothing(place: Place, github: FakeGitHub) -> None:
    github.refusing["installation_repositories"] = 403
    with pytest.raises(GitHubRefusedError):
        place.run(INSTALLED)
    assert place.touched() == {}
    assert place.installations.numbers() == (INSTALLATION,)
    assert place.pulls.open(SHOP).keys() == {1, 2}


def test_what_was_given_up_is_tried_again_with_the_installation(place: Place, github: FakeGitHub) -> None:
    """A gate moved while a permission was missing; nothing about the pull request itself has changed since."""
    place.stand(a_view(State.OPEN, 0.9))
    place.record.touch([Touch(WorkKey.pull(SHOP, 1))])
    claim = place.claim()
    assert claim is not None
    place.work.park(claim, NOW, "403")
    place.now += MINUTE
    place.run(INSTALLED)
    assert place.touched()[f"pull:{SHOP}#1"] == [FAN_OUT]


@pytest.mark.parametrize(
    ("key", "again"),
    [
        pytest.param(f"deployment:{SHOP}#7", True, id="a deployment that was asked for by the API"),
        pytest.param(f"commit:{SHOP}@{head('1')}", True, id="a commit"),
        pytest.param(f"tidy:{SHOP}#1", True, id="a comment and labels"),
        pytest.param("deployment:acme/gone#7", False, id="not what is in no repository of it"),
    ],
)
def test_whatever_was_given_up_is_tried_again_with_what_was_asked(
    place: Place, key: str, *, again: bool
) -> None:
    parked = WorkKey.parse(key)
    place.record.touch([Touch(parked, Priority.EVENT, {"asked": "this"})])
    place.now += MINUTE
    claim = place.claim()
    assert claim is not None
    place.work.park(claim, place.now, "403")
    place.github.create(SHOP)
    place.now += MINUTE
    place.run(INSTALLED)
    assert place.touched().get(key) == ([{"asked": "this"}] if again else None)


# Commits


def test_what_is_asked_of_a_commit_is_asked_of_its_pull_requests(place: Place, github: FakeGitHub) -> None:
    hint = {"button": "recheck", "actor": "dora"}
    place.run(WorkKey.commit(SHOP, head("1")), hint)
    assert place.touched() == {f"pull:{SHOP}#1": [hint]}
    assert github.calls == []


def test_a_commit_that_is_not_known_is_asked_for(place: Place, github: FakeGitHub) -> None:
    github.open(3, sha=head("3"), head_repository="dora/shop")
    place.run(WorkKey.commit(SHOP, head("3")))
    assert place.touched() == {f"pull:{SHOP}#3": []}


# The whole


def test_added_again_right_after_it_was_lost_a_repository_keeps_its_gate(
    place: Place, github: FakeGitHub
) -> None:
    taken, tree = github.repositories.pop(SHOP), github.policies[SHOP]
    place.run(INSTALLED)
    github.repositories[SHOP], github.policies[SHOP] = replace(taken), tree
    place.run(INSTALLED)
    place.now += timedelta(seconds=1)
    place.settle()
    assert place.catalog.is_known(SHOP)
    assert place.pulls.open(SHOP).keys() == {1, 2}
