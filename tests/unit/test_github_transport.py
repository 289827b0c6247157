"""What the stand-in does not do: renamed repositories, proxies, other hosts."""

from collections.abc import Iterator
from contextlib import nullcontext
from urllib.parse import parse_qsl, urlsplit

import pytest
import responses
from github.Auth import Token

from gatekeeper.errors import GitHubError, GitHubRefusedError
from gatekeeper.github.client import GitHub
from gatekeeper.github.connections import TokenConnections
from gatekeeper.github.transport import Transport
from github_clients import HURRIED, Time

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


@pytest.mark.parametrize(
    ("answers", "headers", "sent"),
    [
        pytest.param([503, 200], {}, 2, id="a moment later it does"),
        pytest.param([503], {"Retry-After": "30"}, 1, id="it says when to come back"),
        pytest.param([404], {}, 1, id="it will not"),
        pytest.param([503, 404], {}, 2, id="a moment later it will not"),
    ],
)
def test_a_read_that_github_fails_on_is_sent_again_at_once(
    github: responses.RequestsMock, client: GitHub, answers: list[int], headers: dict[str, str], sent: int
) -> None:
    for status in answers:
        github.get(f"{API}/repos/acme/shop/pulls", status=status, headers=headers, json=[])
    with nullcontext() if answers[-1] == 200 else pytest.raises((GitHubError, GitHubRefusedError)):
        assert list(client.open_pulls("acme/shop")) == []
    assert len(github.calls) == sent


@pytest.mark.parametrize(("seconds", "sent"), [(4.9, 3), (5.1, 1)])
def test_what_took_long_to_fail_is_not_sent_again(
    github: responses.RequestsMock, seconds: float, sent: int
) -> None:
    """Others wait for their turn."""
    clock = Time()

    def fail(_: object) -> tuple[int, dict[str, str], str]:
        clock.now += seconds if len(github.calls) == 0 else 0.0
        return 502, {}, ""

    github.add_callback("GET", f"{API}/user", fail)
    transport = Transport(
        Token("secret"), HURRIED(), api_url="https://ghe.test/api/v3", monotonic=clock, sleep=lambda _: None
    )
    with pytest.raises(GitHubError, match="502"):
        transport.requestJsonAndCheck("GET", "/user")
    assert len(github.calls) == sent


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
