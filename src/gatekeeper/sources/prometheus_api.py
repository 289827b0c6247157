"""Prometheus's HTTP API through prometheus-api-client, with what that library leaves open closed.

It returns ``data.result`` alone, so a response hook keeps the rest of the answer (a partial one says so in
``warnings``); it repeats failed queries and waits for ever by default; its exception has no status.
"""

import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from io import BytesIO
from pathlib import Path
from typing import Any

import requests
from prometheus_api_client import PrometheusConnect
from prometheus_api_client.exceptions import PrometheusApiClientException
from requests.adapters import HTTPAdapter
from requests.utils import get_environ_proxies
from urllib3.exceptions import HTTPError
from urllib3.util import Retry

from gatekeeper.availability.filling import QueryTimeoutError, TooManySamplesError
from gatekeeper.errors import QueryRefusedError, SourceError

CONNECT_TIMEOUT = 5.0
ANSWER_TIMEOUT = 30.0
"""Seconds. The server gives up a little earlier, so that its own words arrive."""

MOST_BYTES = 64 << 20
"""Of an answer, unpacked: four times a chunk of raw samples, and some 300 MB once it is parsed."""

_REFUSED = {400, 422}
_GAVE_UP = ("timed out", "timeout exceeded")
"""How Prometheus and VictoriaMetrics say so, with status 503."""
_PIECE = 1 << 18
_ONE_TRY = Retry(total=1, read=0, status=0, raise_on_status=False)
_CONNECTIONS = 32

Result = list[dict[str, Any]]


class PrometheusApi:
    """Queries at an explicit time, for any number of threads.

    Args:
        url: root of the HTTP API, without a slash at its end.
        headers: sent with each request, authorisation among them.
        ca: file with the certificate authority that signed the server.
        timeout: seconds until an answer must have begun.
        most_bytes: a longer answer is cut off unread, as one of too many samples.
    """

    def __init__(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        ca: Path | None = None,
        timeout: float = ANSWER_TIMEOUT,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        session = requests.Session()
        # Read once: requests would look through the environment and netrc for every single query, and
        # netrc would win over the headers given here.
        session.proxies = dict(get_environ_proxies(url))
        session.trust_env = False
        session.verify = True if ca is None else str(ca)
        session.hooks["response"].append(self._keep)
        self._session = session
        self._timeout = (CONNECT_TIMEOUT, timeout)
        self._most_bytes = most_bytes
        self._connection = PrometheusConnect(
            url,
            headers=dict(headers or {}),
            session=session,
            retry=_ONE_TRY,
            timeout=self._timeout,
        )
        # The client mounts an adapter of its own at the url, with room for ten connections.
        session.mount(url, HTTPAdapter(max_retries=_ONE_TRY, pool_maxsize=_CONNECTIONS))
        self._parameters = {"timeout": f"{max(timeout - 1, 1):g}s"}
        self._kept = threading.local()

    def instant(self, query: str, at: int) -> Result:
        """The result of an instant query at a Unix time in milliseconds.

        Raises:
            SourceError: no answer, or a partial one.
            QueryTimeoutError: the server gave up on the query.
            TooManySamplesError: the query loads more samples than the server allows, or its answer is too long.
            QueryRefusedError: the server understood and will not answer.
        """
        parameters = self._parameters | {"time": f"{at / 1000:.3f}"}
        return self._asked(lambda: self._connection.custom_query(query, params=parameters))

    def range(self, query: str, first: int, last: int, step: int) -> Result:
        """The result of a range query from ``first`` to ``last``, both included, in Unix seconds.

        Raises:
            SourceError, QueryTimeoutError, TooManySamplesError, QueryRefusedError: as ``instant``.
        """
        start, end = datetime.fromtimestamp(first, UTC), datetime.fromtimestamp(last, UTC)
        return self._asked(
            lambda: self._connection.custom_query_range(
                query, start, end, str(step), params=dict(self._parameters)
            )
        )

    def series(self, selector: str, first: int, last: int) -> list[dict[str, str]]:
        """The labels of the series that a selector finds between two Unix times in seconds.

        Raises:
            SourceError, TooManySamplesError, QueryRefusedError: as ``instant``.
        """
        start, end = datetime.fromtimestamp(first, UTC), datetime.fromtimestamp(last, UTC)
        return self._asked(
            lambda: self._connection.get_series(start, end, self._parameters | {"match[]": selector})
        )

    def label_values(self, label: str) -> list[str]:
        """All values of a label; of ``__name__``, the names of all metrics.

        Raises:
            SourceError, TooManySamplesError, QueryRefusedError: as ``instant``.
        """
        return self._asked(lambda: self._connection.get_label_values(label, dict(self._parameters)))

    def buildinfo(self) -> Mapping[str, Any] | None:
        """What the server says of its build; empty if it says nothing, None if it has no such page.

        Raises:
            SourceError: no answer.
        """
        self._kept.answer, self._kept.status = {}, None
        try:
            url = f"{self._connection.url}/api/v1/status/buildinfo"
            self._session.get(url, headers=self._connection.headers, timeout=self._timeout)
        except (requests.RequestException, HTTPError) as error:
            raise SourceError(f"Prometheus did not answer: {_brief(error)}") from error
        if self._kept.status == HTTPStatus.NOT_FOUND:
            return None
        if self._kept.status != HTTPStatus.OK:
            raise self._failure()
        found = self._kept.answer.get("data")
        return found if isinstance(found, dict) else {}

    def close(self) -> None:
        """Close the connections."""
        self._connection.close()

    def _asked(self, ask: Callable[[], Any]) -> list[Any]:
        self._kept.answer, self._kept.status = {}, None
        try:
            result = ask()
        except PrometheusApiClientException as error:
            raise self._failure() from error
        except (requests.RequestException, HTTPError, KeyError, TypeError) as error:
            raise SourceError(f"Prometheus did not answer: {_brief(error)}") from error
        # Advice on the query ("PromQL info: …") travelled among the warnings before it had a list of its own.
        warnings = [
            str(one) for one in self._kept.answer.get("warnings") or () if "PromQL info" not in str(one)
        ]
        if warnings:
            raise SourceError(f"Prometheus answered in part: {'; '.join(warnings)}")
        if not isinstance(result, list):
            raise SourceError("Prometheus answered something else than a list of series")
        return result

    def _failure(self) -> SourceError | QueryRefusedError:
        status, words = self._kept.status, str(self._kept.answer.get("error", "no reason given"))
        if status == HTTPStatus.SERVICE_UNAVAILABLE and any(one in words for one in _GAVE_UP):
            return QueryTimeoutError(f"Prometheus answered {status}: {words}")
        if status not in _REFUSED:
            return SourceError(f"Prometheus answered {status}: {words}")
        if "samples" in words and ("too many" in words or "more than" in words):
            return TooManySamplesError(words)
        return QueryRefusedError(f"Prometheus refused the query: {words}")

    def _keep(self, response: requests.Response, **_: object) -> None:
        """Keep the whole answer for this thread, parsed once: the client's own call gets the same object."""
        self._kept.status = response.status_code
        response.raw = BytesIO(self._body(response))
        try:
            answer = response.json()
        except requests.JSONDecodeError:
            self._kept.answer = {"error": response.reason}
            return
        response.json = lambda **_: answer  # type: ignore[method-assign]  # a day's samples parse in a second
        self._kept.answer = answer if isinstance(answer, dict) else {}

    def _body(self, response: requests.Response) -> bytearray:
        """The unpacked answer. Compressed ones do not say how long they are, so it is read piece by piece."""
        body = bytearray()
        for piece in response.raw.stream(_PIECE, decode_content=True):
            body += piece
            if len(body) > self._most_bytes:
                response.close()  # the connection too: what is left of the answer is still on it
                raise TooManySamplesError(f"the answer is longer than {self._most_bytes:,} bytes")
        return body


def _brief(error: Exception) -> str:
    """An error's innermost reason: urllib3 wraps the useful words in several layers."""
    reason = error
    while reason.args and isinstance(inner := getattr(reason.args[0], "reason", reason.args[0]), Exception):
        reason = inner
    return str(reason) or type(reason).__name__
