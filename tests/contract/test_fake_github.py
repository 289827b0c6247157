"""The GitHub in memory that unit tests use answers as the real client does on the simulated GitHub."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from fakes import SHOP, FakeGitHub, head
from gatekeeper.demo.github import StandIn
from gatekeeper.demo.github.acme import APP_ID
from gatekeeper.errors import GitHubRefusedError
from gatekeeper.github.values import Update
from github_clients import app_client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gatekeeper.github.client import GitHub

    Client = GitHub | FakeGitHub

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)


class Real:
    """The real client, and people on the simulated GitHub."""

    def __init__(self, github: StandIn) -> None:
        self._world = github.state
        self.client: Client = app_client(github)
        pull = self._world.open_pull(SHOP, author="dev1", title="A change", files={"src/app.py": "x\n"})
        self.number, self.sha, self.member, self.stranger = pull.number, pull.head_sha, "ops1", "dev1"

    def label(self, label: str, by: str) -> None:
        self._world.label(SHOP, self.number, label, by=by)

    def say(self, body: str, by: str) -> None:
        self._world.comment_on(SHOP, self.number, body, by=by)

    def review(self, state: Any, by: str) -> None:
        self._world.review(SHOP, self.number, state, by=by, body="Because.")

    def close(self) -> None:
        self._world.close(SHOP, self.number, by="dev1")

    def merge(self) -> None:
        self._world.report_check(SHOP, self.sha, "gatekeeper", app_id=APP_ID, conclusion="success")
        self._world.merge(SHOP, self.number, by="dev1")


class InMemory:
    """The same in memory."""

    def __init__(self) -> None:
        self._fake = FakeGitHub()
        self.client: Client = self._fake
        self.number, self.sha, self.member, self.stranger = 1, "a" * 40, "alice", "dora"
        self._fake.create(SHOP)
        self._fake.open(1)

    def label(self, label: str, by: str) -> None:
        self._fake.label(1, label, by)

    def say(self, body: str, by: str) -> None:
        self._fake.say(1, body, by)

    def review(self, state: Any, by: str) -> None:
        self._fake.review(1, state, by)

    def close(self) -> None:
        self._fake.change(1, open=False)

    def merge(self) -> None:
        self._fake.change(1, open=False, merged_at=AT, merge_commit=head("e"))
        self._fake.merges["main", head("e")] = Update(head("d"), head("e"))
        self._fake.trees |= {head("d"): {}, head("e"): {"src/app.py": "100644 x"}}


@pytest.fixture(params=["real", "in memory"])
def one(request: pytest.FixtureRequest) -> Iterator[Real | InMemory]:
    if request.param == "in memory":
        yield InMemory()
        return
    with StandIn() as github:
        yield Real(github)


def content(conclusion: str | None = "success", essence: str = "abc") -> dict[str, Any]:
    return {
        "external_id": essence,
        "conclusion": conclusion,
        "title": "t",
        "summary": "s",
        "text": "",
        "details_url": None,
        "actions": [],
        "annotations": [],
        "now": AT,
    }


def test_an_open_pull_request_is_read_alone_and_in_the_list(one: Real | InMemory) -> None:
    alone = one.client.pull(SHOP, one.number)
    (listed,) = one.client.open_pulls(SHOP)
    assert (alone.repository, alone.number, alone.head_sha, alone.open) == (SHOP, one.number, one.sha, True)
    assert (alone.base_ref, alone.default_branch, alone.changed_files) == ("main", "main", 1)
    assert (listed.number, listed.head_sha, listed.changed_files) == (one.number, one.sha, None)
    assert one.client.pulls_of_commit(SHOP, one.sha) == (one.number,)
    files = one.client.files(SHOP, one.number, changed_files=1)
    assert (files.paths, files.complete) == (("src/app.py",), True)


def test_a_closed_one_is_in_no_list(one: Real | InMemory) -> None:
    one.close()
    assert not one.client.pull(SHOP, one.number).open
    assert list(one.client.open_pulls(SHOP)) == []
    assert one.client.pulls_of_commit(SHOP, one.sha) == ()


def test_a_check_is_found_as_it_was_written_last(one: Real | InMemory) -> None:
    client = one.client
    assert client.check_runs(SHOP, one.sha, "gatekeeper") == ()
    identity = client.create_check(SHOP, sha=one.sha, name="gatekeeper", **content("failure"))
    client.update_check(SHOP, identity, sha=one.sha, name="gatekeeper", **content(essence="def"))
    (run,) = client.check_runs(SHOP, one.sha, "gatekeeper")
    assert (run.id, run.head_sha, run.external_id, run.conclusion) == (identity, one.sha, "def", "success")


def test_comments_come_oldest_first_under_their_authors_names(one: Real | InMemory) -> None:
    client = one.client
    one.say("first", by=one.stranger)
    identity = client.create_comment(SHOP, one.number, "ours")
    client.edit_comment(SHOP, identity, "ours, edited")
    assert [(said.author, said.body) for said in client.comments(SHOP, one.number)] == [
        (one.stranger, "first"),
        (client.login(), "ours, edited"),
    ]


def test_a_deleted_comment_is_gone_and_deleting_it_twice_is_fine(one: Real | InMemory) -> None:
    client = one.client
    kept, gone = (client.create_comment(SHOP, one.number, text) for text in ("kept", "gone"))
    client.delete_comment(SHOP, gone)
    client.delete_comment(SHOP, gone)
    assert [said.id for said in client.comments(SHOP, one.number)] == [kept]


def test_who_put_a_label_there_last_whatever_its_case(one: Real | InMemory) -> None:
    client = one.client
    assert client.last_labeled(SHOP, one.number, "slo:override") is None
    one.label("slo:override", by=one.stranger)
    client.remove_label(SHOP, one.number, "slo:override")
    one.label("slo:override", by=one.member)
    event = client.last_labeled(SHOP, one.number, "SLO:override")
    assert event is not None
    assert (event.actor, event.human) == (one.member, True)


def test_what_was_said_in_reviews(one: Real | InMemory) -> None:
    for state in ("APPROVED", "CHANGES_REQUESTED"):
        one.review(state, by=one.member)
    found = [(review.author, review.state) for review in one.client.reviews(SHOP, one.number)]
    assert found == [(one.member, "APPROVED"), (one.member, "CHANGES_REQUESTED")]


def test_labels_are_added_to_those_that_are_there_and_removed_once(one: Real | InMemory) -> None:
    client = one.client
    one.label("bug", by=one.member)
    client.add_labels(SHOP, one.number, ["slo:frozen"])
    assert client.pull(SHOP, one.number).labels == ("bug", "slo:frozen")
    for _ in range(2):
        client.remove_label(SHOP, one.number, "slo:frozen")
    assert client.pull(SHOP, one.number).labels == ("bug",)


def test_what_a_merge_did_to_its_branch(one: Real | InMemory) -> None:
    client = one.client
    assert client.pull(SHOP, one.number).merge_commit is None
    one.merge()
    commit = client.pull(SHOP, one.number).merge_commit
    assert commit is not None
    assert client.merged_with(SHOP, commit) == (one.number,)
    assert client.merge_into(SHOP, "main", one.sha) is None
    update = client.merge_into(SHOP, "main", commit)
    assert update is not None
    (added,) = client.differences(SHOP, update.before, update.after) or ()
    assert (added.path, added.before, (added.after or "")[:7]) == ("src/app.py", None, "100644 ")
    assert client.differences(SHOP, update.after, update.after) == ()


def test_who_may_write(one: Real | InMemory) -> None:
    assert one.client.may_write(SHOP, one.member)
    assert not one.client.may_write(SHOP, "po1")
    assert not one.client.may_write(SHOP, "nobody-there")


def test_members_of_a_team(one: Real | InMemory) -> None:
    assert one.client.is_active_member("@acme/sre", one.member)
    assert not one.client.is_active_member("@acme/sre", one.stranger)
    assert not one.client.is_active_member("@acme/nobody", one.member)


@pytest.mark.parametrize(
    "ask",
    [
        pytest.param(lambda client: client.pull(SHOP, 99), id="a pull request"),
        pytest.param(
            lambda client: list(client.open_pulls("acme/nothing")), id="a repository's pull requests"
        ),
        pytest.param(lambda client: client.repository("acme/nothing"), id="a repository"),
        pytest.param(lambda client: client.edit_comment(SHOP, 10**9, "x"), id="a comment"),
        pytest.param(
            lambda client: client.update_check(SHOP, 10**9, sha="a" * 40, name="gatekeeper", **content()),
            id="a check",
        ),
    ],
)
def test_what_is_not_there_is_refused_with_404(one: Real | InMemory, ask: Callable[[Client], object]) -> None:
    with pytest.raises(GitHubRefusedError) as caught:
        ask(one.client)
    assert caught.value.status == 404


def test_a_repository_has_its_present_name_and_policies(one: Real | InMemory) -> None:
    found = one.client.repository(SHOP)
    assert (found.full_name, found.default_branch, found.archived) == (SHOP, "main", False)
    assert one.client.policy_tree(SHOP, ref="main").commit
