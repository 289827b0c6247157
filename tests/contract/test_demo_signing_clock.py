"""The simulated GitHub's clock can be moved while its App goes on signing by the real one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from gatekeeper.demo.github import AppKey, StandIn, acme
from standin import Client

if TYPE_CHECKING:
    from collections.abc import Iterator

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
DAYS = timedelta(days=3)
SHOP = "/repos/acme/shop"


class Clock:
    """A clock that a test moves."""

    now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def signing() -> Clock:
    return Clock()


@pytest.fixture
def client(signing: Clock) -> Iterator[Client]:
    """The App, three days behind the clock that time stamps come from."""
    key = AppKey.shared()
    world = acme(lambda: NOON + DAYS, public_key=key.public)
    world.signing_clock = signing
    with StandIn(world, app_key=key) as github, Client(github) as client:
        installation = min(world.installations)
        app = client.as_app(client.json_web_token(issued=-DAYS))
        answer = app.post(f"/app/installations/{installation}/access_tokens")
        assert answer.status_code == 201, answer.text
        yield client.with_token(answer.json()["token"])


def test_a_token_is_good_for_an_hour_of_the_signing_clock(client: Client, signing: Clock) -> None:
    signing.now += timedelta(minutes=59)
    assert client.get(SHOP).status_code == 200
    signing.now += timedelta(minutes=1)
    assert client.get(SHOP).status_code == 401


def test_a_signature_of_the_moved_clock_is_refused(client: Client) -> None:
    answer = client.as_app(client.json_web_token()).get("/app")
    assert (answer.status_code, "Issued at" in answer.json()["message"]) == (401, True)
