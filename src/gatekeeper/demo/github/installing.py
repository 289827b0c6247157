"""Apps: registered by their maker, installed on accounts, given tokens."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING

from gatekeeper.demo.github import hooks
from gatekeeper.demo.github.entities import ROLES, App, Installation, InstallationToken
from gatekeeper.demo.github.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gatekeeper.demo.github.entities import Role
    from gatekeeper.demo.github.records import Records

TOKEN_LIFE = timedelta(hours=1)
LEVELS = ("read", "write", "admin")  # weakest first


def register(
    records: Records,
    slug: str,
    *,
    owner: str,
    public_key: str,
    permissions: Mapping[str, str],
    events: Iterable[str],
    app_id: int | None = None,
) -> App:
    """Register an App and the bot account its writes appear under."""
    made = App(
        id=records.new_id() if app_id is None else app_id,
        slug=slug,
        name=slug.replace("-", " ").title(),
        owner=owner,
        public_key=public_key,
        permissions=MappingProxyType(dict(permissions)),
        events=tuple(events),
        created_at=records.now(),
    )
    records.apps[made.id] = made
    records.add_account(made.bot, "Bot", name=made.name)
    return made


def install(
    records: Records, app_id: int, account: str, *, by: str, repositories: Iterable[str] | None = None
) -> Installation:
    """Install an App on an account, for all its repositories or for these."""
    app = records.apps[app_id]
    chosen = None if repositories is None else frozenset(repositories)
    made = Installation(records.new_id(), app_id, account, app.permissions, app.events, records.now(), chosen)
    records.installations[made.id] = made
    hooks.installation(records, made, "created", by)
    return made


def uninstall(records: Records, installation_id: int, *, by: str) -> None:
    """Take an App off an account; its tokens stop working."""
    gone = records.installations.pop(installation_id)
    records.tokens = {
        name: one for name, one in records.tokens.items() if one.installation_id != installation_id
    }
    hooks.installation(records, gone, "deleted", by)


def choose_repositories(
    records: Records, installation_id: int, repositories: Iterable[str], *, by: str
) -> Installation:
    """Change which repositories an installation may see."""
    old = records.installations[installation_id]
    before = {name for name in records.repositories if old.covers(name)}
    made = replace(old, repositories=frozenset(repositories))
    records.installations[installation_id] = made
    after = made.repositories or frozenset()
    for added, removed in ((sorted(after - before), []), ([], sorted(before - after))):
        if added or removed:
            hooks.installation_repositories(records, made, by, added=added, removed=removed)
    return made


def grant(records: Records, installation_id: int, permissions: Mapping[str, str]) -> Installation:
    """Give an installation these permissions instead of the App's (an owner has not accepted a change yet)."""
    made = replace(records.installations[installation_id], permissions=MappingProxyType(dict(permissions)))
    records.installations[installation_id] = made
    return made


def accept(
    records: Records, installation_id: int, permissions: Mapping[str, str], *, by: str
) -> Installation:
    """An owner accepts these permissions."""
    made = grant(records, installation_id, permissions)
    hooks.installation(records, made, "new_permissions_accepted", by)
    return made


def suspend(records: Records, installation_id: int, *, by: str, suspended: bool) -> None:
    """Let the App do nothing on the account, and hear of nothing; or let it again."""
    one = records.installations[installation_id]
    made = replace(one, suspended=(records.now(), by) if suspended else None)
    records.installations[installation_id] = made
    hooks.installation(records, made, "suspend" if suspended else "unsuspend", by)


def mint_token(
    records: Records,
    installation_id: int,
    *,
    permissions: Mapping[str, str] | None = None,
    repositories: Iterable[str] | None = None,
) -> InstallationToken:
    """A token for an installation, for an hour.

    Raises:
        Refused: 422, it asks for more than the installation has; 403, that is suspended.
    """
    one = records.installations[installation_id]
    require_active(one)
    asked = dict(permissions or one.permissions)  # PyGithub sends an empty object when it wants them all
    for name, level in asked.items():
        if not allows(one.permissions, name, level):
            raise Refused(422, "The permissions requested are not granted to this installation.", errors=[])
    chosen = one.repositories if repositories is None else frozenset(repositories)
    if any(name not in records.repositories or not one.covers(name) for name in chosen or ()):
        raise Refused(
            422,
            "There is at least one repository that does not exist or is not accessible to the parent installation.",
            errors=[],
        )
    token = f"ghs_{secrets.token_hex(18)}"
    made = InstallationToken(
        token, one.id, records.signing_time() + TOKEN_LIFE, MappingProxyType(asked), chosen
    )
    records.tokens[token] = made
    return made


def require_active(one: Installation) -> None:
    """Check that an installation is not suspended.

    Raises:
        Refused: 403, it is.
    """
    if one.suspended is not None:
        raise Refused(403, "This installation has been suspended")


def allows(permissions: Mapping[str, str], name: str, level: str) -> bool:
    """Whether these permissions include ``name`` at ``level`` or above; metadata can always be read."""
    if (name, level) == ("metadata", "read"):
        return True
    held = permissions.get(name)
    return held is not None and LEVELS.index(held) >= LEVELS.index(level)


def role_allows(role: Role, permission: str, level: str) -> bool:
    """Whether a person's role in a repository includes what ``permission`` at ``level`` gives to an App."""
    to_write: Role = "triage" if permission in {"issues", "pull_requests"} else "write"
    return ROLES.index(role) >= ROLES.index("read" if level == "read" else to_write)
