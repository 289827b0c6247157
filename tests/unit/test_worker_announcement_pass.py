"""Our checks are shown where no pull request has got one yet, so that a ruleset can name them."""

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from builders import a_view
from databases import opened
from fakes import SHOP, FakeGitHub, Place, head
from gatekeeper.decide.verdict import State
from gatekeeper.events.keys import Kind, WorkKey
from gatekeeper.worker.announcement_pass import AGAIN

KEY = WorkKey(Kind.ANNOUNCEMENT, SHOP)
BOTH = ["gatekeeper", "gatekeeper/policy"]
BEFORE = timedelta(minutes=1)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A repository with a commit, and no policy."""
    with opened(f"sqlite:///{tmp_path}/gatekeeper.db") as database:
        place = Place(database)
        place.github.create(SHOP)
        place.github.tips[SHOP] = head("d")
        yield place


@pytest.fixture
def github(place: Place) -> FakeGitHub:
    return place.github


def cover(place: Place, *, required: Sequence[str] = ()) -> None:
    place.put(a_view(State.OPEN, 0.9))
    place.github.required[SHOP, "main"] = frozenset(required)


def shown(place: Place) -> list[str]:
    told = place.run(KEY)["announced"]
    assert isinstance(told, list)
    return told


def test_both_checks_are_shown_once_on_the_newest_commit_and_judge_nothing(
    place: Place, github: FakeGitHub
) -> None:
    assert shown(place) == BOTH
    assert shown(place) == []
    assert [(one["name"], one["sha"], one["conclusion"]) for one in github.checks.values()] == [
        (name, head("d"), "neutral") for name in BOTH
    ]
    for one in github.checks.values():
        assert f"add `{one['name']}`,\n" in one["summary"]
        assert "target `main`" in one["summary"]


AFTERWARDS: list[Any] = [
    pytest.param(lambda place: None, AGAIN, [], id="nothing, so nobody needs them"),
    pytest.param(cover, AGAIN - BEFORE, [], id="a policy, and GitHub still offers the names"),
    pytest.param(cover, AGAIN, BOTH, id="a policy, and GitHub is about to forget the names"),
    pytest.param(
        lambda place: cover(place, required=BOTH),
        AGAIN,
        [],
        id="a policy and a ruleset",
    ),
    pytest.param(
        lambda place: cover(place, required=BOTH[:1]),
        AGAIN,
        BOTH[1:],
        id="a policy and a ruleset for one of them",
    ),
]


@pytest.mark.parametrize(("happened", "later", "again"), AFTERWARDS)
def test_they_are_shown_again_while_a_policy_needs_them_and_nothing_requires_them(
    place: Place, happened: Callable[[Place], None], later: timedelta, again: list[str]
) -> None:
    shown(place)
    happened(place)
    place.now += later
    assert shown(place) == again


def test_where_a_pull_request_just_got_a_check_no_other_is_shown(place: Place, github: FakeGitHub) -> None:
    cover(place)
    github.open(1)
    place.run(1)
    assert shown(place) == ["gatekeeper/policy"]
    place.now += AGAIN
    assert shown(place) == BOTH, "it was the last for so long"


def test_what_a_ruleset_requires_is_asked_for_once_in_six_days(place: Place, github: FakeGitHub) -> None:
    github.required[SHOP, "main"] = frozenset(BOTH)
    assert shown(place) == []
    github.calls.clear()
    place.now += AGAIN - BEFORE
    assert shown(place) == []
    assert github.calls == []


def test_a_repository_without_commits_is_waited_for(place: Place, github: FakeGitHub) -> None:
    del github.tips[SHOP]
    assert shown(place) == []
    github.tips[SHOP] = head("e")
    assert shown(place) == BOTH


def test_what_a_killed_pass_has_shown_is_not_shown_twice(place: Place, github: FakeGitHub) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(place.publications, "announced", killed)
        with pytest.raises(KeyboardInterrupt):
            shown(place)
    shown(place)
    assert [one["name"] for one in github.checks.values()] == BOTH


def killed(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_pull_request_from_the_branch_replaces_it_with_its_verdict(
    place: Place, github: FakeGitHub
) -> None:
    place.put(a_view(State.FROZEN, -0.5))
    shown(place)
    github.open(1, sha=head("d"), base_ref="main")
    place.run(1)
    gates = [one["conclusion"] for one in github.checks.values() if one["name"] == "gatekeeper"]
    assert gates == ["action_required"]
