"""PyGithub's requester with our limits, our errors and our retries: of what only reads, in turn, and for a moment only.

Everything that PyGithub sends goes through ``requestJson``, so its typed objects obey all of this. Its own retries
are off, because they repeat a POST whose answer was lost, and take no turn; its own throttle is off, as each client
counts for itself.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any

import requests
import structlog
from github.Auth import Auth
from github.Requester import HTTPRequestsConnectionClass, HTTPSRequestsConnectionClass, Requester

from gatekeeper.errors import GitHubError, GitHubRefusedError, RateLimitedError
from gatekeeper.github.allowance import cost_of
from gatekeeper.github.answers import Answer, lost
from gatekeeper.github.auth import InstallationAuth
from gatekeeper.github.limiter import Limiter

log = structlog.get_logger()

API_VERSION = "2022-11-28"
TIMEOUT = 15  # seconds
PAUSES = (0.2, 1.0)
"""Seconds before a read is sent again: a pass makes dozens of them, and starts over when one fails."""
QUICK = 5.0
"""Seconds. What took longer to fail is not sent again: others wait for their turn."""
PER_PAGE = 100  # the most that GitHub gives


class Transport(Requester):
    """Sends requests for one installation (or token, or the App itself), in turn.

    Lazy, in PyGithub's sense: an object made from a URL costs no request until one of its attributes is read.

    Raises:
        GitHubError: GitHub failed, or the connection to it did.
        RateLimitedError: GitHub asked us to wait.
        GitHubRefusedError: GitHub will not do it.
    """

    def __init__(
        self,
        auth: Auth,
        limiter: Limiter,
        *,
        api_url: str,
        timeout: int = TIMEOUT,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(
            auth=auth,
            base_url=api_url,
            timeout=timeout,
            user_agent="gatekeeper",
            per_page=PER_PAGE,
            verify=True,
            retry=None,
            pool_size=None,
            lazy=True,
            api_version=API_VERSION,
        )
        self.limiter = limiter
        self._monotonic = monotonic
        self._pause = sleep

    def requestJson(  # noqa: N802 - overrides PyGithub's
        self,
        verb: str,
        url: str,
        parameters: dict[str, Any] | None = None,
        headers: dict[str, Any] | None = None,
        input: Any | None = None,  # noqa: A002 - PyGithub's name for the body
        cnx: HTTPRequestsConnectionClass | HTTPSRequestsConnectionClass | None = None,
        follow_302_redirect: bool = False,  # noqa: FBT001, FBT002 - PyGithub's
    ) -> tuple[int, dict[str, Any], str]:
        """Send a request; status, headers (lower case) and body of an answer that is a success."""
        cost = cost_of(verb, url, input)

        def in_turn() -> Answer:
            sent = {"Accept": "application/vnd.github+json"} | (headers or {})
            with self.limiter.turn(cost):
                answer = self._send(verb, url, parameters, sent, input, cnx, follow_302_redirect)
                self.limiter.heed(answer)
            return answer

        answer = self._answer(in_turn, PAUSES if cost.reads else ())
        return answer.status, dict(answer.headers), answer.body

    def _answer(self, send: Callable[[], Answer], pauses: Sequence[float]) -> Answer:
        """The answer to the first try, or to one after these pauses."""
        began = self._monotonic()
        for pause in pauses:
            try:
                return self._success(send)
            except RateLimitedError:
                raise
            except GitHubError as error:
                if error.retry_after is not None or self._monotonic() - began > QUICK:
                    raise
                log.info("github.again", error=str(error), after=pause)
            self._pause(pause)
        return self._success(send)

    def _success(self, send: Callable[[], Answer]) -> Answer:
        answer = send()
        if answer.is_unauthorized and isinstance(self.auth, InstallationAuth):
            self.auth.forget()  # revoked or ended early; a refused request was not carried out
            answer = send()
        if (error := answer.error(wait=self.limiter.limited_for())) is not None:
            raise error
        return answer

    def _send(self, verb: str, url: str, *arguments: Any) -> Answer:
        try:
            status, headers, body = super().requestJson(verb, url, *arguments)
        except requests.RequestException as error:
            raise lost(verb, url, error) from error
        except RuntimeError as error:  # PyGithub's, for a redirect to another host or to itself
            raise GitHubRefusedError(f"{verb} {url}: {error}", status=requests.codes.moved) from error
        return Answer(verb, url, status, headers, body)
