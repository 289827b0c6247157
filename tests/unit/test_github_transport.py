"""What the stand-in does not do: renamed repositories, proxies, other hosts."""

from collections.abc import Iterator
from urllib.parse import parse_qsl, urlsplit

import pytest
import responses

from gatekeeper.errors import GitHubError, GitHubRefusedError
from gatekeeper.github.client import GitHub
from gatekeeper.github.connections import TokenConnections
from github_clients import HURRIED

API = "https://ghe.test:443/api/v3"  # PyGithub always names the port


@pytest.fixture
def github() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as github:
        yield github


@pytest.fixture
def client() -> GitHub:
    return GitHub(TokenConnections("secret", api_url="https://ghe.test/api/v3", limiter=HURRIED))


def test_a_renamed_repository_is_followed_when_reading(
    github: responses.RequestsMock, client: GitHub
) -> None:
    moved = {"location": "https://ghe.test/api/v3/repositories/7"}
    github.get(f"{API}/repos/acme/old", status=301, headers=moved, json={"message": "Moved Permanently"})
    told = {"full_name": "acme/new", "default_branch": "main", "archived": False}
    github.get(f"{API}/repositories/7", json=told)
    assert client.repository("acme/old").full_name == "acme/new"


def test_a_renamed_repository_is_not_written_to(github: responses.RequestsMock, client: GitHub) -> None:
    moved = {"location": "https://ghe.test/api/v3/repositories/7/issues/1/comments"}
    github.post(
        f"{API}/repos/acme/old/issues/1/comments",
        status=307,
        headers=moved,
        json={"message": "Moved Permanently"},
    )
    with pytest.raises(GitHubRefusedError, match="renamed or transferred") as refused:
        client.create_comment("acme/old", 1, "Frozen.")
    assert refused.value.status == 307


def test_a_redirect_to_another_host_is_refused_and_the_token_stays_here(
    github: responses.RequestsMock, client: GitHub
) -> None:
    github.get(f"{API}/repos/acme/shop", status=301, headers={"location": "https://evil.test/"})
    with pytest.raises(GitHubRefusedError, match=r"evil\.test"):
        client.repository("acme/shop")
    assert len(github.calls) == 1


def test_a_proxys_page_is_for_later(github: responses.RequestsMock, client: GitHub) -> None:
    github.get(f"{API}/repos/acme/shop", body="<html>Sign in</html>", content_type="text/html")
    with pytest.raises(GitHubError, match="text/html instead of JSON"):
        client.repository("acme/shop")


def test_what_every_request_says_of_us(github: responses.RequestsMock, client: GitHub) -> None:
    github.get(f"{API}/repos/acme/shop/pulls", json=[])
    assert list(client.open_pulls("acme/shop")) == []
    sent = github.calls[0].request
    assert sent.headers["X-GitHub-Api-Version"] == "2022-11-28"
    assert sent.headers["Accept"] == "application/vnd.github+json"
    assert sent.headers["User-Agent"] == "gatekeeper"
    assert parse_qsl(urlsplit(sent.url or "").query) == [
        ("direction", "desc"),
        ("per_page", "100"),
        ("sort", "updated"),
        ("state", "open"),
    ]
