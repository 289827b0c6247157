"""Which connection serves which repository: an App has one for each installation, a token has one for everything."""

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, Protocol
from urllib.parse import quote

from github.Auth import Auth, Token
from github.Repository import Repository

from gatekeeper.errors import ConfigurationError, GitHubRefusedError, NotFoundError
from gatekeeper.github.auth import InstallationAuth, app_auth
from gatekeeper.github.limiter import Limiter
from gatekeeper.github.sharing import Others
from gatekeeper.github.transport import TIMEOUT, Transport
from gatekeeper.github.values import Rate

Mode = Literal["app", "token"]
Share = Callable[[int], Others]

_FULL_NAME = re.compile(r"[\w-]+/(?!\.{1,2}$)[\w.-]+", re.ASCII)
_NOT_FOUND = 404
_NO_INSTALLATION = 0
_KNOWN_FOR = timedelta(minutes=10)
"""So long the App's registration is not asked for again: its owner can rename it, and our login with it."""
_NO_APP = "this needs a GitHub App; only a token is configured"


@dataclass(frozen=True)
class Connection:
    """A way to GitHub with its own token and its own limits; ``installation_id`` is None for a token."""

    transport: Transport
    installation_id: int | None

    def repository(self, full_name: str) -> Repository:
        """PyGithub's object for ``owner/name``, without a request."""
        return Repository(self.transport, url=f"/repos/{quote(checked_name(full_name))}")

    def rate(self) -> Rate | None:
        """What the last answer said of the quota, None before the first and where there is none."""
        remaining, limit = self.transport.rate_limiting
        if limit < 0:
            return None
        return Rate(limit, remaining, datetime.fromtimestamp(self.transport.rate_limiting_resettime, UTC))


class Connections(Protocol):
    """Where the client gets its connections from."""

    @property
    def mode(self) -> Mode:
        """Whether an App speaks (check runs) or a token (commit statuses)."""

    @property
    def app(self) -> Transport:
        """The App's own connection.

        Raises:
            ConfigurationError: there is no App.
        """

    def app_number(self) -> int:
        """The App's numeric id, as check runs carry it.

        Raises:
            ConfigurationError: there is no App.
        """

    def login(self) -> str:
        """The login that our writes appear under."""

    def of_repository(self, full_name: str) -> Connection:
        """The connection that may see ``owner/name``."""

    def of_organization(self, login: str) -> Connection:
        """The connection that may see an organisation's teams."""

    def of_installation(self, installation_id: int) -> Connection:
        """The connection of an installation."""

    def open(self) -> Mapping[int | None, Connection]:
        """The connections in use so far, by installation."""


class TokenConnections:
    """One personal or fine-grained token for everything."""

    mode: Mode = "token"

    def __init__(
        self,
        token: str,
        *,
        api_url: str,
        limiter: Callable[[], Limiter] = Limiter,
        share: Share | None = None,
        timeout: int = TIMEOUT,
    ) -> None:
        self._one = Connection(Transport(Token(token), limiter(), api_url=api_url, timeout=timeout), None)
        if share is not None:
            self._one.transport.limiter.share(share(_NO_INSTALLATION))

    @property
    def app(self) -> Transport:
        """Always an error: a token is no App."""
        raise ConfigurationError(_NO_APP)

    def app_number(self) -> int:
        """Always an error: a token is no App."""
        raise ConfigurationError(_NO_APP)

    def login(self) -> str:
        """The login of the token's owner."""
        _, told = self._one.transport.requestJsonAndCheck("GET", "/user")
        return str(told["login"])

    def of_repository(self, full_name: str) -> Connection:
        """The one connection there is."""
        del full_name
        return self._one

    def of_organization(self, login: str) -> Connection:
        """The one connection there is."""
        del login
        return self._one

    def of_installation(self, installation_id: int) -> Connection:
        """Always an error: a token is not installed anywhere."""
        del installation_id
        raise ConfigurationError(_NO_APP)

    def open(self) -> Mapping[int | None, Connection]:
        """The one connection there is."""
        return {None: self._one}

    def renew(self, installation_id: int) -> None:
        """Nothing: a token is not installed anywhere."""

    def forget(self, installation_id: int) -> None:
        """Nothing: a token is not installed anywhere."""


class AppConnections:
    """A GitHub App: one connection an installation, made when first needed and kept.

    Args:
        app_id: the App's id or client id.
        private_key: PEM.
        api_url: root of the REST API.
        clock: the present, as an aware UTC datetime.
        installation_of: the stored installation of a repository, None when not known; then GitHub is asked, once.
        limiter: makes the limiter of each connection.
        share: the other processes of an installation; by default there are none.
        timeout: seconds to wait for a connection, and for each piece of an answer.
    """

    mode: Mode = "app"

    def __init__(
        self,
        app_id: str,
        private_key: str,
        *,
        api_url: str,
        clock: Callable[[], datetime],
        installation_of: Callable[[str], int | None] = lambda _: None,
        limiter: Callable[[], Limiter] = Limiter,
        share: Share | None = None,
        timeout: int = TIMEOUT,
    ) -> None:
        self._app_id = app_id
        self._share = share
        self._api_url = api_url
        self._clock = clock
        self._installation_of = installation_of
        self._limiter = limiter
        self._timeout = timeout
        self.app = self._transport(app_auth(app_id, private_key))
        self._open: dict[int | None, Connection] = {}
        self._found: dict[str, int] = {}
        self._registered: tuple[datetime, Mapping[str, Any]] | None = None
        self._lock = threading.Lock()

    def app_number(self) -> int:
        """The App's numeric id; asked for when only the client id is configured."""
        return int(self._app_id) if self._app_id.isdecimal() else int(self._registration()["id"])

    def login(self) -> str:
        """The login of the App's bot."""
        return f"{self._registration()['slug']}[bot]"

    def of_repository(self, full_name: str) -> Connection:
        """The connection of the installation that covers ``owner/name``.

        Raises:
            GitHubRefusedError: 404, the App is not installed there.
        """
        known = self._installation_of(full_name)
        if known is None:
            known = self._find(f"/repos/{quote(checked_name(full_name))}", full_name)
        return self.of_installation(known)

    def of_organization(self, login: str) -> Connection:
        """The connection of the installation on an organisation.

        Raises:
            GitHubRefusedError: 404, the App is not installed there.
        """
        return self.of_installation(self._find(f"/orgs/{quote(login, safe='')}", login))

    def of_installation(self, installation_id: int) -> Connection:
        """The connection of an installation."""
        with self._lock:
            if installation_id not in self._open:
                auth = InstallationAuth(self.app, installation_id, clock=self._clock)
                transport = self._transport(auth)
                if self._share is not None:
                    transport.limiter.share(self._share(installation_id))
                self._open[installation_id] = Connection(transport, installation_id)
            return self._open[installation_id]

    def open(self) -> Mapping[int | None, Connection]:
        """The connections in use so far, by installation."""
        with self._lock:
            return dict(self._open)

    def renew(self, installation_id: int) -> None:
        """Have the next request make a new token: an old one stays without the permissions that were granted since."""
        connection = self.open().get(installation_id)
        if connection is not None and isinstance(connection.transport.auth, InstallationAuth):
            connection.transport.auth.forget()

    def forget(self, installation_id: int) -> None:
        """Drop what is known of an installation that is gone."""
        with self._lock:
            self._open.pop(installation_id, None)
            self._found = {path: one for path, one in self._found.items() if one != installation_id}

    def _registration(self) -> Mapping[str, Any]:
        now = self._clock()
        if self._registered is None or now - self._registered[0] >= _KNOWN_FOR:
            _, told = self.app.requestJsonAndCheck("GET", "/app")
            self._registered = (now, told or {})
        return self._registered[1]

    def _transport(self, auth: Auth) -> Transport:
        return Transport(auth, self._limiter(), api_url=self._api_url, timeout=self._timeout)

    def _find(self, path: str, name: str) -> int:
        if path not in self._found:
            try:
                _, told = self.app.requestJsonAndCheck("GET", f"{path}/installation")
            except GitHubRefusedError as error:
                if error.status != _NOT_FOUND:
                    raise
                raise GitHubRefusedError(
                    f"the GitHub App is not installed on {name}", status=_NOT_FOUND
                ) from error
            with self._lock:
                self._found[path] = int(told["id"])
        return self._found[path]


def checked_name(full_name: str) -> str:
    """The name itself if it is ``owner/name``, so that it can go into a path.

    Raises:
        NotFoundError: it is not.
    """
    if not _FULL_NAME.fullmatch(full_name):
        raise NotFoundError(f"{full_name!r} is not a repository's name (OWNER/NAME)")
    return full_name
