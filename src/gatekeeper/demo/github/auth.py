"""Who calls the API: an App by its JSON Web Token, an installation or a person by a token, or nobody."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import jwt

from gatekeeper.demo.github.entities import ROLES
from gatekeeper.demo.github.errors import Refused, not_found
from gatekeeper.demo.github.installing import allows, require_active, role_allows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatekeeper.demo.github.entities import App, InstallationToken, Repository
    from gatekeeper.demo.github.records import Records

LONGEST_LIFE = timedelta(minutes=10)
SKEW = timedelta(seconds=60)  # clocks differ; GitHub advises to back-date iat by as much


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks; at most one of the three is set, nobody is anonymous."""

    app: App | None = None
    token: InstallationToken | None = None
    login: str | None = None

    def __str__(self) -> str:
        if self.app is not None:
            return "app"
        if self.token is not None:
            return f"installation:{self.token.installation_id}"
        return "anonymous" if self.login is None else f"user:{self.login}"


def authenticate(records: Records, header: str | None) -> Caller:
    """Read an ``Authorization`` header.

    Raises:
        Refused: 401.
    """
    if not header:
        return Caller()
    _, _, secret = header.partition(" ")
    if secret.count(".") == 2:  # noqa: PLR2004 - the three parts of a JSON Web Token
        return Caller(app=_app_of(records, secret))
    if secret in records.personal_tokens:
        return Caller(login=records.personal_tokens[secret])
    token = records.tokens.get(secret)
    if (
        token is None
        or token.expires_at <= records.signing_time()
        or token.installation_id not in records.installations
    ):
        raise Refused(401, "Bad credentials")
    require_active(records.installations[token.installation_id])
    return Caller(token=token)


def _app_of(records: Records, token: str) -> App:
    """The App that signed the token (https://docs.github.com/apps, "Generating a JSON Web Token for a GitHub App")."""
    undecodable = Refused(401, "A JSON web token could not be decoded")
    try:
        issuer = str(jwt.decode(token, options={"verify_signature": False})["iss"])
        app = next(one for one in records.apps.values() if str(one.id) == issuer)
        claims = jwt.decode(
            token,
            app.public_key,
            algorithms=["RS256"],
            options={"verify_exp": False, "verify_iat": False},  # held against our own clock, below
        )
    except (jwt.PyJWTError, KeyError, StopIteration) as error:
        raise undecodable from error
    _check_times(claims, records.signing_time())
    return app


def _check_times(claims: Mapping[str, Any], now: datetime) -> None:
    issued, expires = (claims.get(name) for name in ("iat", "exp"))
    if not isinstance(issued, int):
        raise Refused(401, "Missing 'issued at' claim ('iat') in assertion")
    if not isinstance(expires, int):
        raise Refused(401, "Missing 'expiration' claim ('exp') in assertion")
    begin, end = (datetime.fromtimestamp(value, UTC) for value in (issued, expires))
    if begin > now + SKEW:
        raise Refused(401, "'Issued at' claim ('iat') must be an Integer representing a time in the past")
    if end <= now:
        raise Refused(
            401, "'Expiration time' claim ('exp') must be a numeric value representing a future time"
        )
    if end > now + LONGEST_LIFE + SKEW:
        raise Refused(401, "'Expiration time' claim ('exp') is too far in the future")


def require_app(caller: Caller) -> App:
    """The App that calls.

    Raises:
        Refused: 401, it is not an App with its own token.
    """
    if caller.app is None:
        raise Refused(401, "A JSON web token could not be decoded")
    return caller.app


def require_repository(records: Records, caller: Caller, full_name: str, permission: str, level: str) -> None:
    """Check that the caller sees the repository and may do this in it.

    Raises:
        Refused: 404 if it is not visible to them, 403 if it is and they may not, 401 for an App without a token.
    """
    if caller.app is not None:
        raise Refused(401, "A JSON web token cannot be used for this endpoint")
    repository = records.repository(full_name)
    if caller.token is not None:
        _require_installation(records, caller.token, full_name, permission, level)
        _require_writable(repository, level)
        return
    role = "none" if caller.login is None else records.role(full_name, caller.login)
    if not repository.private and level == "read":
        return
    if ROLES.index(role) < ROLES.index("read"):
        raise not_found()
    if not role_allows(role, permission, level):
        raise Refused(403, "Resource not accessible by personal access token")
    _require_writable(repository, level)


def _require_writable(repository: Repository, level: str) -> None:
    if repository.archived and level != "read":
        raise Refused(403, "Repository was archived so is read-only.")


def _require_installation(
    records: Records, token: InstallationToken, full_name: str, permission: str, level: str
) -> None:
    covered = records.installations[token.installation_id].covers(full_name)
    if not covered or (token.repositories is not None and full_name not in token.repositories):
        raise not_found()
    if not allows(token.permissions, permission, level):
        raise Refused(403, "Resource not accessible by integration")


def require_organization(records: Records, caller: Caller, organization: str) -> None:
    """Check that the caller may read the organisation's teams and members.

    Raises:
        Refused: 404 for whoever does not belong to it, 403 for an App without ``members: read``.
    """
    records.account(organization)
    if caller.token is not None:
        if records.installations[caller.token.installation_id].account != organization:
            raise not_found()
        if not allows(caller.token.permissions, "members", "read"):
            raise Refused(403, "Resource not accessible by integration")
        return
    teams = (team for team in records.teams.values() if team.organization == organization)
    if caller.login is None or not any(caller.login in team.members for team in teams):
        raise not_found()
