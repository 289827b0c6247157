"""GitHub's API over plain HTTP, with each kind of sign-in."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self

import jwt
import requests

if TYPE_CHECKING:
    from gatekeeper.demo.github import StandIn

PERSON = "ghp_of_dev1"


class Client:
    """One connection to a stand-in; ``as_app``, ``as_installation`` and ``as_person`` choose who asks."""

    def __init__(self, github: StandIn) -> None:
        self._github = github
        self._session = requests.Session()
        self._session.trust_env = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def json_web_token(
        self, *, issued: timedelta = timedelta(0), life: timedelta = timedelta(minutes=9)
    ) -> str:
        """A token signed as the App; ``issued`` and ``life`` are from now."""
        begin = self._github.state.now() + issued
        claims = {
            "iss": str(self._github.app_id),
            "iat": int(begin.timestamp()),
            "exp": int((begin + life).timestamp()),
        }
        return jwt.encode(claims, self._github.app_key.private, algorithm="RS256")

    def as_nobody(self) -> Self:
        self._session.headers.pop("Authorization", None)
        return self

    def as_app(self, token: str | None = None) -> Self:
        return self.with_token(token or self.json_web_token())

    def as_installation(self, **wanted: Any) -> Self:
        """With a new token of the App's first installation; ``wanted`` narrows it."""
        one = min(self._github.state.installations)
        answer = self.as_app().post(f"/app/installations/{one}/access_tokens", json=wanted or None)
        answer.raise_for_status()
        return self.with_token(answer.json()["token"])

    def as_person(self, login: str = "dev1") -> Self:
        self._github.state.add_personal_token(login, PERSON + login)
        return self.with_token(PERSON + login)

    def with_token(self, token: str) -> Self:
        self._session.headers["Authorization"] = f"Bearer {token}"
        return self

    def request(self, method: str, path: str, **options: Any) -> requests.Response:
        return self._session.request(method, self._github.url + path, timeout=15, **options)

    def get(self, path: str, **options: Any) -> requests.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> requests.Response:
        return self.request("POST", path, **options)

    def patch(self, path: str, **options: Any) -> requests.Response:
        return self.request("PATCH", path, **options)

    def delete(self, path: str, **options: Any) -> requests.Response:
        return self.request("DELETE", path, **options)
