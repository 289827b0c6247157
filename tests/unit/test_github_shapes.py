"""GitHub's lists put into plain values."""

from datetime import UTC, datetime
from typing import Any

import pytest
import responses
from github.File import File
from github.PullRequest import PullRequest

from gatekeeper.demo.github import AppKey
from gatekeeper.errors import ConfigurationError, NotFoundError
from gatekeeper.github.auth import app_auth
from gatekeeper.github.connections import AppConnections, TokenConnections, checked_name
from gatekeeper.github.shapes import files_of, last_labeled, pull_data, required_sources
from gatekeeper.github.values import LabelEvent, PullData

DANA = {"login": "dana", "type": "User"}
BOT = {"login": "renovate[bot]", "type": "Bot"}
NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


def event(number: int, actor: dict[str, str] | None = DANA, **changes: Any) -> dict[str, Any]:
    return {
        "id": number,
        "event": "labeled",
        "label": {"name": "slo:override"},
        "actor": actor,
        "created_at": "2026-11-02T12:00:00Z",
        "performed_via_github_app": None,
    } | changes


@pytest.mark.parametrize(
    ("events", "found"),
    [
        pytest.param([], None, id="nobody"),
        pytest.param([event(1)], LabelEvent("dana", human=True, at=NOON), id="a person"),
        pytest.param([event(1, BOT)], LabelEvent("renovate[bot]", human=False, at=NOON), id="a bot"),
        pytest.param(
            [event(1, performed_via_github_app={"id": 7})],
            LabelEvent("dana", human=False, at=NOON),
            id="an App in a person's name",
        ),
        pytest.param(
            [event(1, None)], LabelEvent("ghost", human=True, at=NOON), id="a person whose account is gone"
        ),
        pytest.param(
            [event(2), event(1, BOT)],
            LabelEvent("dana", human=True, at=NOON),
            id="the newest counts, whatever the order and within one second",
        ),
        pytest.param([event(1, label={"name": "bug"})], None, id="another label"),
        pytest.param([event(1, event="unlabeled")], None, id="taking it away is not putting it there"),
        pytest.param(
            [event(1, label={"name": "SLO:Override"})],
            LabelEvent("dana", human=True, at=NOON),
            id="label names ignore case",
        ),
        pytest.param([{"id": 1, "event": "closed"}], None, id="events of other kinds have no label"),
    ],
)
def test_last_labeled(events: list[dict[str, Any]], found: LabelEvent | None) -> None:
    assert last_labeled(events, "slo:override") == found


def test_a_pull_from_a_deleted_fork_by_a_deleted_account() -> None:
    requester = TokenConnections("secret", api_url="http://127.0.0.1:9").of_repository("").transport
    repository = {"full_name": "acme/shop", "default_branch": "trunk"}
    told = {
        "number": 12,
        "title": "Faster checkout",
        "user": None,
        "head": {"sha": "a" * 40, "ref": "main", "repo": None},
        "base": {"sha": "b" * 40, "ref": "release", "repo": repository},
        "labels": [{"name": "slo:override"}, {"name": "bug"}],
        "state": "closed",
        "merged_at": "2026-11-02T12:00:00Z",
        "draft": False,
        "updated_at": "2026-11-02T12:00:00Z",
        "body": None,
        "merge_commit_sha": "c" * 40,
        "auto_merge": None,
    }
    assert pull_data(PullRequest(requester, {}, told), alone=False) == PullData(
        repository="acme/shop",
        number=12,
        title="Faster checkout",
        author="ghost",
        head_sha="a" * 40,
        head_ref="main",
        head_repository=None,
        base_ref="release",
        labels=("bug", "slo:override"),
        open=False,
        merged_at=NOON,
        draft=False,
        updated_at=NOON,
        default_branch="trunk",
        merge_commit="c" * 40,
    )


@pytest.mark.parametrize(
    ("listed", "changed_files", "complete"),
    [
        pytest.param(0, None, True, id="no files"),
        pytest.param(2999, None, True, id="fewer than GitHub ever lists"),
        pytest.param(3000, None, False, id="as many as GitHub ever lists may be fewer than there are"),
        pytest.param(3000, 3000, True, id="unless the pull request counts as many"),
        pytest.param(3000, 3001, False, id="the pull request counts more"),
    ],
)
def test_whether_a_list_of_files_is_complete(
    listed: int,
    changed_files: int | None,
    complete: bool,  # noqa: FBT001 - a column of the table
) -> None:
    requester = TokenConnections("secret", api_url="http://127.0.0.1:9").of_repository("").transport
    files = [
        File(requester, {}, {"filename": f"f/{number:04}", "status": "removed"}) for number in range(listed)
    ]
    found = files_of(files, changed_files=changed_files)
    assert (len(found.paths), found.complete) == (listed, complete)


@pytest.mark.parametrize(
    ("told", "paths", "heads"),
    [
        pytest.param({"status": "modified"}, {"lib"}, {"a" * 40}, id="a changed file"),
        pytest.param(
            {"status": "renamed", "previous_filename": "src/lib"},
            {"lib", "src/lib"},
            {"a" * 40},
            id="a renamed file has both its names",
        ),
        pytest.param({"status": "removed"}, {"lib"}, set(), id="a removed file is in no newer commit"),
        pytest.param(
            {"status": "modified", "sha": None, "blob_url": None, "raw_url": None},
            {"lib"},
            {"a" * 40},
            id="a submodule has no blob",
        ),
    ],
)
def test_what_a_changed_file_touches(told: dict[str, Any], paths: set[str], heads: set[str]) -> None:
    requester = TokenConnections("secret", api_url="http://127.0.0.1:9").of_repository("").transport
    address = f"http://127.0.0.1:9/repos/acme/shop/contents/lib?ref={'a' * 40}"
    file = File(requester, {}, {"filename": "lib", "contents_url": address} | told)
    found = files_of([file], changed_files=1)
    assert (set(found.paths), set(found.heads), found.complete) == (paths, heads, True)


def test_required_checks_are_those_of_all_rulesets() -> None:
    def rule(*names: str) -> dict[str, Any]:
        checks = [{"context": name, "integration_id": 1} for name in names]
        return {"type": "required_status_checks", "parameters": {"required_status_checks": checks}}

    rules = [rule("gatekeeper", "tests"), {"type": "deletion"}, rule("tests", "lint")]
    assert required_sources(rules).keys() == {"gatekeeper", "tests", "lint"}


@pytest.mark.parametrize("name", ["acme/shop", "acme/.github", "a-1/b_c.d", "acme/..."])
def test_names_of_repositories(name: str) -> None:
    assert checked_name(name) == name


@pytest.mark.parametrize(
    "name", ["", "acme", "acme/", "/shop", "acme/shop/x", "../app", "acme/..", "acme/.", "acme/a?b", "acme/ä"]
)
def test_what_is_no_name_never_reaches_a_path(name: str) -> None:
    with pytest.raises(NotFoundError, match="OWNER/NAME"):
        checked_name(name)


@pytest.mark.parametrize("key", ["no key", "-----BEGIN RSA PRIVATE KEY-----\nnonsense"])
def test_a_private_key_that_cannot_sign_is_said_at_start(key: str) -> None:
    with pytest.raises(ConfigurationError, match="private key of GitHub App 7"):
        app_auth("7", key)


@pytest.mark.parametrize(
    ("app_id", "asked"),
    [pytest.param("7", 0, id="a number needs no look-up"), pytest.param("Iv23liA", 1, id="a client id, one")],
)
def test_the_app_may_be_named_by_either_id(app_id: str, asked: int) -> None:
    key = AppKey().private.replace("\n", "\\n")  # as environment files write it
    connections = AppConnections(app_id, key, api_url="https://github.test/api/v3", clock=lambda: NOON)
    with responses.RequestsMock(assert_all_requests_are_fired=False) as github:
        github.get("https://github.test:443/api/v3/app", json={"id": 7, "slug": "gatekeeper"})
        assert [connections.app_number(), connections.app_number()] == [7, 7]
        assert len(github.calls) == asked


def test_a_token_is_no_app() -> None:
    connections = TokenConnections("secret", api_url="http://127.0.0.1:9")
    with pytest.raises(ConfigurationError, match="needs a GitHub App"):
        _ = connections.app
    with pytest.raises(ConfigurationError, match="needs a GitHub App"):
        connections.app_number()
    with pytest.raises(ConfigurationError, match="needs a GitHub App"):
        connections.of_installation(1)
