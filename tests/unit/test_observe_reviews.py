"""Whether a pull request is approved, as its reviews say."""

import pytest

from fakes import SHOP, FakeGitHub
from gatekeeper.observe.reviews import is_approved


@pytest.mark.parametrize(
    ("said", "approved"),
    [
        pytest.param([], False, id="nobody said anything"),
        pytest.param([("alice", "APPROVED")], True, id="somebody agrees"),
        pytest.param([("dora", "APPROVED")], False, id="the author agrees with themselves"),
        pytest.param([("alice", "COMMENTED")], False, id="a remark is no agreement"),
        pytest.param([("alice", "APPROVED"), ("alice", "COMMENTED")], True, id="and takes none back"),
        pytest.param(
            [("alice", "APPROVED"), ("bob", "CHANGES_REQUESTED")], False, id="somebody else objects"
        ),
        pytest.param(
            [("alice", "CHANGES_REQUESTED"), ("alice", "APPROVED")], True, id="an objection that is met"
        ),
        pytest.param(
            [("alice", "APPROVED"), ("alice", "DISMISSED")], False, id="an agreement that was dismissed"
        ),
    ],
)
def test_approved_is_what_somebody_agrees_with_and_nobody_objects_to(
    said: list[tuple[str, str]], *, approved: bool
) -> None:
    github = FakeGitHub()
    github.open(1)
    for login, state in said:
        github.review(1, state, login)
    assert is_approved(github, github.pull(SHOP, 1)) is approved


def test_where_github_will_not_show_the_reviews_it_counts_as_not_approved() -> None:
    github = FakeGitHub(refusing={"reviews": 403})
    github.open(1)
    assert not is_approved(github, github.pull(SHOP, 1))
