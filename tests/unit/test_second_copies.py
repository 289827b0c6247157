"""Second checks and comments of ours on a pull request: noticed, one kept, the others brought in line or deleted."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from builders import a_view
from databases import opened
from fakes import BOT, SHOP, FakeGitHub, Place, head
from gatekeeper.act.apply import GATE, POLICY, Kind
from gatekeeper.act.plan import Spare
from gatekeeper.decide.verdict import State
from gatekeeper.errors import GitHubError
from gatekeeper.events.ours import CHECKS, COMMENTS, made

FROZEN = a_view(State.FROZEN, -0.5)
OPEN = a_view(State.OPEN, 0.9)
AGAIN = {"button": "recheck", "actor": "dora"}


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """Pull request 1 is blocked, with its check and comment."""
    with opened(f"sqlite:///{tmp_path}/gatekeeper.db") as database:
        place = Place(database)
        place.put(FROZEN)
        place.github.open(1)
        place.run(1)
        place.github.calls.clear()
        yield place


@pytest.fixture
def github(place: Place) -> FakeGitHub:
    return place.github


def copy_check(github: FakeGitHub, **changes: Any) -> int:
    """Another check run of ours, newer than all."""
    _, run = max(github.checks.items())
    number = next(github.ids)
    github.checks[number] = {**run, **changes}
    return number


def copy_comment(github: FakeGitHub) -> int:
    body, *_ = github.ours()
    github.say(1, body, by=BOT)
    return max(github.said)


def conclusions(github: FakeGitHub) -> dict[int, str]:
    return {number: run["conclusion"] for number, run in github.checks.items()}


def test_what_events_call_our_things_is_what_we_call_them() -> None:
    channels = (GATE, POLICY)
    assert {one.name: one.check.value for one in channels} == CHECKS
    assert {one.marker: one.comment.value for one in channels} == COMMENTS


@pytest.mark.parametrize(
    "hint", [pytest.param(None, id="as GitHub told"), pytest.param(AGAIN, id="somebody asks")]
)
def test_a_second_check_concludes_as_the_first_now_and_later(
    place: Place, github: FakeGitHub, hint: dict[str, Any] | None
) -> None:
    first = min(github.checks)
    second = copy_check(github, conclusion="success", external_id="another")
    place.run(1, hint or made("check", second))
    assert set(conclusions(github).values()) == {"action_required"}
    place.stand(OPEN)
    place.run(1)
    assert conclusions(github) == {first: "success", second: "success"}
    github.calls.clear()
    place.run(1)
    assert github.writes == []


def test_the_newest_of_several_is_the_one_that_says_everything(place: Place, github: FakeGitHub) -> None:
    first = min(github.checks)
    second = copy_check(github, title="Something else", external_id="another")
    place.run(1, made("check", second))
    assert github.checks[second]["title"] == github.checks[first]["title"]
    assert place.publications.spares(SHOP, Kind.CHECK, head("a")) == (Spare(first, "action_required"),)
    place.run(1, made("check", first))
    assert github.writes == ["update_check"], "both are known by now"


def test_a_second_comment_is_deleted_and_the_one_on_record_stays(place: Place, github: FakeGitHub) -> None:
    first, body = min(github.said), github.ours()
    place.run(1, made("comment", copy_comment(github)))
    assert (list(github.said), github.ours(), github.writes) == ([first], body, ["delete_comment"])


def test_of_comments_that_nobody_has_on_record_the_oldest_stays_and_says_what_is_true(
    place: Place, github: FakeGitHub
) -> None:
    first = min(github.said)
    copy_comment(github)
    copy_comment(github)
    github.said[first] = (
        *github.said[first][:2],
        replace(github.said[first][2], body="<!-- gatekeeper -->\nold"),
    )
    place.publications.forget(SHOP, Kind.COMMENT, "1")
    place.run(1)
    assert list(github.said) == [first]
    assert "old" not in github.ours()[0].splitlines()


def test_checks_that_nobody_has_on_record_all_conclude_alike(place: Place, github: FakeGitHub) -> None:
    copy_check(github, conclusion="success", external_id="another")
    copy_check(github, conclusion=None, external_id="a third")
    place.publications.forget(SHOP, Kind.CHECK, head("a"))
    place.run(1)
    assert set(conclusions(github).values()) == {"action_required"}


@pytest.mark.parametrize("call", ["update_check", "delete_comment"])
def test_cut_off_in_the_middle_the_next_attempt_finishes(place: Place, github: FakeGitHub, call: str) -> None:
    hints = [
        made("check", copy_check(github, conclusion="success", external_id="another")),
        made("comment", copy_comment(github)),
    ]
    github.failing[call] = GitHubError("cut off")
    with pytest.raises(GitHubError):
        place.run(1, *hints)
    place.run(1, *hints)
    assert set(conclusions(github).values()) == {"action_required"}
    assert len(github.said) == 1


def test_hearing_of_what_is_on_record_costs_one_read(place: Place, github: FakeGitHub) -> None:
    place.run(1, made("check", min(github.checks)), made("comment", min(github.said)))
    assert github.calls == ["pull"]


def test_hearing_of_our_own_check_is_no_reason_for_a_first_comment(tmp_path: Path) -> None:
    with opened(f"sqlite:///{tmp_path}/other.db") as database:
        place = Place(database)
        place.put(OPEN)
        place.github.open(1)
        place.run(1)
        place.stand(FROZEN)
        place.run(1, {"because": "transition"}, made("check", min(place.github.checks)))
        assert (place.github.conclusion(), place.github.ours()) == ("action_required", [])


def test_somebody_elses_comment_that_looks_like_ours_stays(place: Place, github: FakeGitHub) -> None:
    github.say(1, "<!-- gatekeeper -->\nAll is well.", by="mallory")
    forged = max(github.said)
    place.run(1, made("comment", forged))
    assert forged in github.said
    assert github.writes == []


def test_spares_are_those_of_one_commit_and_one_check(place: Place) -> None:
    publications = place.publications
    publications.spare(SHOP, Kind.CHECK, head("a"), [Spare(2, "success"), Spare(1, None)])
    publications.spare(SHOP, Kind.POLICY_CHECK, head("a"), [Spare(3, "")])
    publications.spare(SHOP, Kind.CHECK, head("b"), [Spare(4, "")])
    assert publications.spares(SHOP, Kind.CHECK, head("a")) == (Spare(1, None), Spare(2, "success"))
    publications.forget_spare(SHOP, 1)
    assert publications.spares(SHOP, Kind.CHECK, head("a")) == (Spare(2, "success"),)
