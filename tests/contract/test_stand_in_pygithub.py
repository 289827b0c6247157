"""PyGithub against the stand-in, as Gatekeeper uses it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from github import Auth, Github, GithubException, GithubIntegration, UnknownObjectException

import openapi
from gatekeeper.demo.github import StandIn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from github.Repository import Repository

MARKER = "<!-- gatekeeper -->"


@pytest.fixture
def github() -> Iterator[StandIn]:
    """With a pull request that renames a file, and whatever was asked held to GitHub's description at the end."""
    with StandIn() as github:
        files = {
            "services/checkout/app.py": "fast\n",
            "docs/index.md": None,
            "docs/start.md": "# How the shop works\n",
        }
        github.state.open_pull(
            "acme/shop", author="dev1", title="Faster checkout", files=files, labels=["bug"]
        )
        yield github
        openapi.validate_all(github.calls)


@pytest.fixture
def client(github: StandIn) -> Iterator[Github]:
    """Signed in as the installation that covers ``acme/shop``."""
    auth = Auth.AppAuth(github.app_id, github.app_key.private)
    quick = {"seconds_between_requests": 0, "seconds_between_writes": 0}
    with GithubIntegration(auth=auth, base_url=github.url, retry=None, **quick) as integration:  # type: ignore[arg-type] # mixed options
        installation = integration.get_repo_installation("acme", "shop")
        assert installation.permissions["checks"] == "write"
    signed_in = auth.get_installation_auth(installation.id)
    with Github(auth=signed_in, base_url=github.url, retry=None, **quick) as client:  # type: ignore[arg-type] # mixed options
        yield client


@pytest.fixture
def shop(client: Github) -> Repository:
    return client.get_repo("acme/shop")


def test_the_app_knows_itself_and_its_installations(github: StandIn) -> None:
    auth = Auth.AppAuth(github.app_id, github.app_key.private)
    with GithubIntegration(auth=auth, base_url=github.url) as integration:
        assert integration.get_app().slug == "gatekeeper"
        [installation] = integration.get_installations()
        assert integration.get_org_installation("acme").id == installation.id
        assert integration.get_access_token(installation.id).expires_at > datetime.now(UTC)  # noqa: TID251 - PyGithub's clock


def test_a_pull_request_and_its_files(shop: Repository) -> None:
    pull = shop.get_pull(1)
    assert (pull.title, pull.user.login, pull.base.ref, pull.draft) == (
        "Faster checkout",
        "dev1",
        "main",
        False,
    )
    assert (pull.mergeable, pull.mergeable_state) == (True, "blocked")
    assert [label.name for label in pull.labels] == ["bug"]
    assert [(file.filename, file.status, file.previous_filename) for file in pull.get_files()] == [
        ("docs/start.md", "renamed", "docs/index.md"),
        ("services/checkout/app.py", "modified", None),
    ]
    assert [one.number for one in shop.get_pulls(state="open", base="main")] == [1]
    assert [one.number for one in shop.get_commit(pull.head.sha).get_pulls()] == [1]


def test_long_lists_come_in_pages(github: StandIn, shop: Repository) -> None:
    files = {f"many/{at:03}.txt": "x\n" for at in range(65)}
    pull = github.state.open_pull("acme/shop", author="dev1", title="Many", files=files)
    github.calls.clear()
    assert len(list(shop.get_pull(pull.number).get_files())) == 65
    assert len(github.calls.reads()) == 1 + 3


def test_a_check_run_is_made_and_changed(github: StandIn, shop: Repository) -> None:
    sha = shop.get_pull(1).head.sha
    run = shop.create_check_run("gatekeeper", sha, status="in_progress", external_id="acme/shop#1")
    assert run.status == "in_progress"
    assert github.state.check("acme/shop", run.id).conclusion is None
    button = {"label": "Re-evaluate", "description": "Look again", "identifier": "recheck"}
    run.edit(conclusion="failure", output={"title": "Frozen", "summary": "Spent."}, actions=[button])
    [found] = shop.get_commit(sha).get_check_runs(check_name="gatekeeper")
    assert (found.id, found.conclusion, found.output.title) == (run.id, "failure", "Frozen")
    assert found.app.id == github.app_id
    assert [action.identifier for action in github.state.check("acme/shop", run.id).actions] == ["recheck"]


def test_comments_and_labels(github: StandIn, shop: Repository) -> None:
    pull = shop.get_pull(1)
    comment = pull.create_issue_comment(f"{MARKER} Frozen.")
    comment.edit(f"{MARKER} Thawed.")
    [found] = pull.get_issue_comments()
    assert (found.body, found.user.login, found.user.type) == (f"{MARKER} Thawed.", "gatekeeper[bot]", "Bot")
    pull.add_to_labels("slo:frozen", "bug")
    pull.remove_from_labels("bug")
    assert [label.name for label in pull.get_labels()] == ["slo:frozen"]
    events = [(event.event, event.actor.login) for event in pull.as_issue().get_events()]
    bot = "gatekeeper[bot]"
    assert events == [("labeled", "dev1"), ("labeled", bot), ("unlabeled", bot)]
    assert github.state.events[-1].app_id == github.app_id
    comment.delete()
    assert list(pull.get_issue_comments()) == []


def test_an_absent_label_cannot_be_removed(shop: Repository) -> None:
    with pytest.raises(GithubException) as failure:
        shop.get_pull(1).remove_from_labels("absent")
    assert (failure.value.status, failure.value.message) == (404, "Label does not exist")


def test_membership_of_a_team(client: Github) -> None:
    team = client.get_organization("acme").get_team_by_slug("sre")
    assert team.get_team_membership("ops1").state == "active"
    with pytest.raises(UnknownObjectException):
        team.get_team_membership("dev1")


def test_files_and_trees(github: StandIn, shop: Repository) -> None:
    github.state.update_file("acme/shop", "policies/checkout.yaml", "kind: Service\n", by="ops1")
    listed = shop.get_contents("policies", ref="main")
    assert isinstance(listed, list)
    assert [one.path for one in listed] == ["policies/checkout.yaml"]
    single = shop.get_contents("policies/checkout.yaml")
    assert not isinstance(single, list)
    assert single.decoded_content == b"kind: Service\n"
    tree = shop.get_git_tree("main", recursive=True).tree
    assert single.sha in {one.sha for one in tree if one.path == "policies/checkout.yaml"}
    assert shop.get_git_blob(single.sha).size == 14
    head = github.state.head("acme/shop", "main").sha
    assert shop.get_branch("main").commit.sha == shop.get_git_ref("heads/main").object.sha == head
    with pytest.raises(UnknownObjectException):
        shop.get_contents("absent")


def test_a_persons_token_sets_a_status_and_no_check_run(github: StandIn) -> None:
    github.state.add_personal_token("dev1", "ghp_dev1")
    with Github(
        auth=Auth.Token("ghp_dev1"), base_url=github.url, retry=None, seconds_between_writes=0
    ) as client:
        assert client.get_user().login == "dev1"
        shop = client.get_repo("acme/shop")
        commit = shop.get_commit(shop.get_pull(1).head.sha)
        commit.create_status("failure", "https://example.com/", "Frozen.", "gatekeeper")
        assert commit.get_combined_status().state == "failure"
        with pytest.raises(GithubException) as refusal:
            shop.create_check_run("gatekeeper", commit.sha)
    assert (refusal.value.status, refusal.value.message) == (403, "You must authenticate via a GitHub App.")


def test_a_merge_is_refused_until_the_check_passes(github: StandIn) -> None:
    github.state.add_personal_token("dev1", "ghp_dev1")
    with Github(
        auth=Auth.Token("ghp_dev1"), base_url=github.url, retry=None, seconds_between_writes=0
    ) as client:
        pull = client.get_repo("acme/shop").get_pull(1)
        with pytest.raises(GithubException) as refusal:
            pull.merge()
        assert refusal.value.status == 405
        github.state.report_check(
            "acme/shop", pull.head.sha, "gatekeeper", app_id=github.app_id, conclusion="neutral"
        )
        assert pull.merge().merged
    assert github.state.head("acme/shop", "main").files["docs/start.md"] == b"# How the shop works\n"
