"""Both sides of a revert are read off GitHub's own record, and only where a gate asks for it."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from builders import NOW, a_gate, a_service, a_view
from databases import opened
from fakes import SHOP, FakeGitHub, Place, head
from gatekeeper.decide.snapshot import Revert
from gatekeeper.decide.verdict import State
from gatekeeper.errors import GitHubError, GitHubRefusedError
from gatekeeper.github.values import Update
from gatekeeper.policy.revert import FileChange

READS = {"merged_with", "merge_into", "fork_point", "differences"}
MERGE, BEFORE, FORK = head("e"), head("d"), head("f")
FROZEN = a_view(State.FROZEN, -0.5, service=a_service(gate=a_gate(exempt={"reverts": True})))
REVERTS_9 = {"title": 'Revert "Gift cards"', "body": "Reverts acme/shop#9"}


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """#9 added a file and landed as MERGE; #1 says that it takes it back, and does."""
    with opened(f"sqlite:///{tmp_path}/gatekeeper.db") as database:
        place = Place(database)
        place.put(FROZEN)
        place.github.open(1, **REVERTS_9)
        place.github.open(9, title="Gift cards", open=False, merged_at=NOW, merge_commit=MERGE)
        place.github.merges["main", MERGE] = Update(BEFORE, MERGE)
        place.github.fork_points[head("a")] = FORK
        before, after = {"app.py": "100644 a"}, {"app.py": "100644 a", "gift.py": "100644 b"}
        place.github.trees = {BEFORE: before, MERGE: after, FORK: after, head("a"): before}
        yield place


@pytest.fixture
def github(place: Place) -> FakeGitHub:
    return place.github


def test_both_sides_of_a_revert_are_read(place: Place, github: FakeGitHub) -> None:
    assert place.observe().snapshot.reverts == (
        Revert(
            9,
            "main",
            here=(FileChange("gift.py", "100644 b", None),),
            there=(FileChange("gift.py", None, "100644 b"),),
        ),
    )
    reads = [call for call in github.calls if call in READS]
    assert reads == ["fork_point", "differences", "merge_into", "differences"]


def test_a_true_revert_passes_a_freeze(place: Place, github: FakeGitHub) -> None:
    place.run(1)
    assert github.conclusion() == "success"


def test_what_takes_back_a_revert_that_passed_as_one_is_none_whatever_its_title_says_now(
    place: Place, github: FakeGitHub
) -> None:
    place.run(1)
    again = head("1")
    github.change(1, title="Tidy up", body="", open=False, merged_at=NOW, merge_commit=head("2"))
    github.merges["main", head("2")] = Update(FORK, head("2"))
    github.trees |= {head("2"): github.trees[head("a")], again: github.trees[MERGE]}
    github.fork_points[again] = head("2")
    github.open(3, sha=again, title="Gift cards", body="Reverts #1")
    place.run(3)
    (revert,) = place.observe(3).snapshot.reverts
    assert (revert.number, revert.again) == (1, True)
    assert github.conclusion(again) == "action_required"


@pytest.mark.parametrize(
    ("view", "pull"),
    [
        pytest.param(a_view(service=FROZEN.service), REVERTS_9, id="the gate is open"),
        pytest.param(
            a_view(State.FROZEN, -0.5, service=a_service()), REVERTS_9, id="no policy exempts reverts"
        ),
        pytest.param(FROZEN, {"title": 'Revert "Gift cards"'}, id="it does not say which change"),
        pytest.param(FROZEN, {"body": "Reverts acme/other#9"}, id="it is about another repository"),
        pytest.param(FROZEN, {"body": "Reverts #77"}, id="there is no such change"),
        pytest.param(
            FROZEN, {"body": f"This reverts commit {head('0')}"}, id="nothing came with that commit"
        ),
        pytest.param(FROZEN, {"body": "Reverts #1"}, id="it names itself"),
    ],
)
def test_no_tree_is_read_where(place: Place, github: FakeGitHub, view: Any, pull: dict[str, str]) -> None:
    place.put(view)
    github.open(1, **({"title": "Tidy up", "body": ""} | pull))
    assert place.observe().snapshot.reverts == ()
    assert not {"differences", "merge_into"} & set(github.calls)


def test_a_commit_leads_to_the_pull_request_that_it_came_with(place: Place, github: FakeGitHub) -> None:
    github.open(1, title="Back", body=f"This reverts commit {MERGE}.")
    (revert,) = place.observe().snapshot.reverts
    assert revert.number == 9


def test_one_that_was_closed_unmerged_is_nothing_to_take_back(place: Place, github: FakeGitHub) -> None:
    github.change(9, merged_at=None, merge_commit=None)
    assert place.observe().snapshot.reverts == ()


def test_at_most_three_are_looked_at(place: Place, github: FakeGitHub) -> None:
    merged = github.pulls[SHOP, 9]
    for number in (5, 6, 7, 8):
        github.pulls[SHOP, number] = replace(merged, number=number)
    github.open(1, body="Reverts #5, reverts #6, reverts #7, reverts #8")
    assert [one.number for one in place.observe().snapshot.reverts] == [5, 6, 7]


def no_record(github: FakeGitHub) -> None:
    github.merges.clear()


def no_listing(github: FakeGitHub) -> None:
    github.trees[MERGE] = None


def too_many(github: FakeGitHub) -> None:
    github.trees[MERGE] = {f"{number}.py": "100644 b" for number in range(301)}


def too_many_here(github: FakeGitHub) -> None:
    github.change(1, changed_files=301)


def old_server(github: FakeGitHub) -> None:
    github.refusing["merge_into"] = 404


def no_history(github: FakeGitHub) -> None:
    github.refusing["fork_point"] = 404


@pytest.mark.parametrize(
    ("happened", "problem"),
    [
        pytest.param(
            no_record, "GitHub has no record of how it landed", id="pushed and not merged by GitHub"
        ),
        pytest.param(no_listing, "GitHub does not list all files of so large a repository", id="huge trees"),
        pytest.param(too_many, "more than 300 files differ", id="a huge merge"),
        pytest.param(too_many_here, "it changes more than 300 files", id="a huge revert"),
        pytest.param(old_server, "merge_into: 404", id="a server without that record"),
        pytest.param(no_history, "fork_point: 404", id="no history in common"),
    ],
)
def test_what_cannot_be_compared_says_so_and_waits(
    place: Place, github: FakeGitHub, happened: Any, problem: str
) -> None:
    happened(github)
    assert place.observe().snapshot.reverts == (Revert(9, "main", problem=problem),)
    place.run(1)
    assert github.conclusion() == "action_required"


@pytest.mark.parametrize("call", sorted(READS - {"merged_with"}))
def test_what_cannot_be_read_now_is_read_later(place: Place, github: FakeGitHub, call: str) -> None:
    github.failing[call] = GitHubError("502")
    with pytest.raises(GitHubError, match="502"):
        place.observe()


def test_who_may_not_read_pull_requests_hears_of_it(place: Place, github: FakeGitHub) -> None:
    github.open(1, body=f"This reverts commit {MERGE}.")
    github.refusing["merged_with"] = 403
    with pytest.raises(GitHubRefusedError, match="403"):
        place.observe()
