"""Who we are to GitHub: the App itself, or one of its installations by a token of an hour."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from github.Auth import AppAuth, Auth
from github.Requester import Requester

from gatekeeper.errors import ConfigurationError

_ALGORITHM = "RS256"
RENEW_BEFORE = timedelta(minutes=2)  # longer than any request, and than clocks should differ


def app_auth(app_id: str, private_key: str) -> AppAuth:
    r"""Authentication as the App itself, by a JSON Web Token signed anew for each request.

    Args:
        app_id: the App's id or client id.
        private_key: PEM; line breaks may be written as ``\n``, as environment files do.

    Raises:
        ConfigurationError: the key cannot sign.
    """
    try:
        key = _rsa_key(private_key.replace("\\n", "\n"))
        made = AppAuth(app_id, sign_func=lambda claims: jwt.encode(claims, key, _ALGORITHM))
        made.create_jwt()
    except (jwt.PyJWTError, UnsupportedAlgorithm, ValueError, TypeError) as error:
        raise ConfigurationError(
            f"the private key of GitHub App {app_id} is no RSA key in PEM form: {error}"
        ) from error
    return made


@lru_cache(maxsize=1)
def _rsa_key(pem: str) -> RSAPrivateKey:
    """The key, read once: OpenSSL proves it each time that it reads it, which takes longer than many a request."""
    key = load_pem_private_key(pem.encode(), password=None)
    if not isinstance(key, RSAPrivateKey):
        raise TypeError(f"it is a {type(key).__name__}")
    return key


@dataclass(frozen=True)
class _Grant:
    token: str = field(repr=False)
    expires_at: datetime
    permissions: Mapping[str, str]


class InstallationAuth(Auth):
    """Authentication as an installation; its token is renewed before it ends.

    PyGithub has the like, but keeps to itself which permissions came with the token. Callers take turns (see
    ``Limiter``).
    """

    def __init__(self, app: Requester, installation_id: int, *, clock: Callable[[], datetime]) -> None:
        self._app = app
        self._installation_id = installation_id
        self._clock = clock
        self._grant: _Grant | None = None

    @property
    def token_type(self) -> str:
        """The word before the token in the header."""
        return "Bearer"

    @property
    def token(self) -> str:
        """A token that is good for the next request."""
        return self._current().token

    @property
    def permissions(self) -> Mapping[str, str]:
        """The permissions granted when the token was made: name → ``read``, ``write`` or ``admin``."""
        return self._current().permissions

    def forget(self) -> None:
        """Drop the token: GitHub does not take it any more, or would grant more with a new one."""
        self._grant = None

    def _current(self) -> _Grant:
        grant = self._grant
        if grant is None or grant.expires_at - RENEW_BEFORE <= self._clock():
            grant = self._grant = self._mint()
        return grant

    def _mint(self) -> _Grant:
        url = f"/app/installations/{self._installation_id}/access_tokens"
        _, told = self._app.requestJsonAndCheck("POST", url)
        return _Grant(
            told["token"], datetime.fromisoformat(told["expires_at"]), told.get("permissions") or {}
        )
