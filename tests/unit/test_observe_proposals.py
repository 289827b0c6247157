"""What is read of a pull request that edits policy files."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from builders import NOW
from databases import opened
from fakes import SHOP, FakeGitHub, Place, head
from gatekeeper.decide.snapshot import Closed
from gatekeeper.decide.study import Proposed, Reviews
from gatekeeper.errors import GitHubError
from gatekeeper.github.values import Files, PolicyTree
from gatekeeper.observe.proposals import ProposalObserver
from gatekeeper.policy.proposal import Consent

PATH = "policies/shop.yaml"
OWNED = Consent("shop", ("@acme/sre",))


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with opened(f"sqlite:///{tmp_path}/gatekeeper.db") as database:
        place = Place(database)
        place.github.open(1, paths=[PATH])
        place.github.policies[SHOP] = PolicyTree(head("c"), ((PATH, "a: 1"),))
        yield place


@pytest.fixture
def github(place: Place) -> FakeGitHub:
    return place.github


@pytest.fixture
def observer(place: Place) -> ProposalObserver:
    return ProposalObserver(place.github, place.record)


def seen(observer: ProposalObserver) -> Proposed:
    found = observer.observe(SHOP, 1)
    assert not isinstance(found, Closed)
    return found


def reviews(observer: ProposalObserver) -> Reviews:
    return observer.reviews(seen(observer).pull, [OWNED])


def test_files_of_another_head_are_not_taken_for_this_ones(
    observer: ProposalObserver, github: FakeGitHub
) -> None:
    github.changed[SHOP, 1] = Files(("docs/a.md",), complete=True, heads=frozenset({head("b")}))
    with pytest.raises(GitHubError, match=f"went on to {head('b')} meanwhile"):
        observer.observe(SHOP, 1)
    github.changed[SHOP, 1] = Files((PATH,), complete=True, heads=frozenset({head("a")}))
    assert seen(observer).changed == frozenset({PATH})


def test_a_merge_that_is_not_worked_out_is_waited_for(observer: ProposalObserver, github: FakeGitHub) -> None:
    pull = github.pulls[SHOP, 1]
    github.pulls[SHOP, 1] = replace(pull, mergeable=None, test_merge=None)
    with pytest.raises(GitHubError, match="whether acme/shop#1 can be merged is not worked out yet"):
        observer.observe(SHOP, 1)
    github.pulls[SHOP, 1] = pull
    assert not seen(observer).place.conflicts


@pytest.mark.parametrize(
    "parents",
    [
        pytest.param((head("b"), head("a")), id="of a branch as it was"),
        pytest.param((head("c"), head("b")), id="of another head"),
        pytest.param((head("a"), head("c")), id="the wrong way round"),
        pytest.param((head("c"),), id="of no merge"),
    ],
)
def test_another_merge_than_the_one_that_would_be_made_is_not_taken_for_it(
    observer: ProposalObserver, github: FakeGitHub, monkeypatch: pytest.MonkeyPatch, parents: tuple[str, ...]
) -> None:
    assert github.parents(SHOP, head("e")) == (head("c"), head("a"))
    monkeypatch.setattr(github, "parents", lambda *_: parents)
    with pytest.raises(GitHubError, match=f"merges into {head('c')} is not worked out yet"):
        observer.observe(SHOP, 1)


def test_with_conflicts_no_merge_is_looked_for(observer: ProposalObserver, github: FakeGitHub) -> None:
    github.pulls[SHOP, 1] = replace(github.pulls[SHOP, 1], mergeable=False, test_merge=None)
    assert seen(observer).place.conflicts
    assert "parents" not in github.calls


def test_an_approval_counts_for_the_branch_that_it_was_given_for(
    observer: ProposalObserver, github: FakeGitHub
) -> None:
    github.review(1, "APPROVED", by="alice")
    assert [one.by for one in reviews(observer).approvals] == ["alice"]
    github.retargeted[SHOP, 1] = NOW - timedelta(seconds=1)
    assert [one.by for one in reviews(observer).approvals] == ["alice"], "given after that"
    github.retargeted[SHOP, 1] = NOW
    assert (reviews(observer).approvals, reviews(observer).elsewhere) == ((), ("alice",)), "within a second"


def test_where_nobody_agreed_nothing_more_is_asked(observer: ProposalObserver, github: FakeGitHub) -> None:
    github.review(1, "APPROVED", by="mallory")
    assert reviews(observer) == Reviews("dora")
    assert "last_retargeted" not in github.calls
