"""A Gatekeeper that runs somewhere else, asked over HTTP."""

from contextlib import suppress
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlsplit

import requests

from gatekeeper.cli.told import Told
from gatekeeper.errors import ConfigurationError, TemporaryError

CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 30.0
"""How long an answer may take to begin."""

_LATER = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})
_MOST_SHOWN = 300


class Server:
    """Asks the JSON API.

    Args:
        url: root of the server.

    Raises:
        ConfigurationError: the URL is none.
    """

    def __init__(self, url: str) -> None:
        self._root = url.rstrip("/")
        self._host = _host(url)  # messages name no more than that: a URL may have a password

    def gate(self, name: str, organization: str | None, environment: str, wait: float) -> Told:
        """What a service's gate says to a deployment into an environment; no is only said after so many seconds.

        Raises:
            TemporaryError: there was no answer, or the server could not give one.
            ConfigurationError: the server knows no such service, or is no Gatekeeper.
        """
        asked = {"environment": environment} | ({"organization": organization} if organization else {})
        if (seconds := int(wait)) > 0:
            asked["wait"] = str(seconds)
        answer = self._get(f"/api/v1/services/{quote(name, safe='')}/gate", asked, wait)
        if answer.status_code != HTTPStatus.OK:
            raise self._refusal(answer)
        return Told.of(_json(answer))

    def _get(self, path: str, parameters: dict[str, str], wait: float) -> requests.Response:
        timeout = (CONNECT_SECONDS, ANSWER_SECONDS + wait)
        try:
            return requests.get(self._root + path, params=parameters, timeout=timeout)
        except (requests.TooManyRedirects, ValueError) as error:  # requests' own for what is no URL
            raise ConfigurationError(f"{self._host} cannot be asked: {type(error).__name__}") from error
        except requests.RequestException as error:
            raise TemporaryError(f"{self._host} did not answer: {type(error).__name__}") from error

    def _refusal(self, answer: requests.Response) -> TemporaryError | ConfigurationError:
        """Why there is no verdict: nobody can tell now, or what was asked is wrong."""
        told = _json(answer)
        why = told.get("error") if isinstance(told, dict) else None
        choices = told.get("choices") if isinstance(told, dict) else None
        text = str(why or answer.reason or "no reason was given")[:_MOST_SHOWN]
        if choices:
            text += f": {', '.join(str(one) for one in choices)}"
        message = f"{self._host} answered {answer.status_code}: {text}"
        if answer.status_code in _LATER or answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            after = answer.headers.get("Retry-After", "")
            return TemporaryError(message, retry_after=float(after) if after.isdecimal() else None)
        return ConfigurationError(message)


def _json(answer: requests.Response) -> Any:
    try:
        return answer.json()
    except requests.JSONDecodeError:
        return None


def _host(url: str) -> str:
    with suppress(ValueError):
        parts = urlsplit(url)
        if parts.scheme in {"http", "https"} and parts.hostname:
            return parts.hostname
    raise ConfigurationError("--server is no URL; write https://HOST")
