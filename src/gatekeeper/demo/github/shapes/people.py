"""Accounts, organisations and teams."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from gatekeeper.demo.github.shapes.basics import node_id, stamp

if TYPE_CHECKING:
    from gatekeeper.demo.github.entities import Membership, Repository, Team
    from gatekeeper.demo.github.records import Records


def simple_user(records: Records, login: str) -> dict[str, Any]:
    """``simple-user``: any account, as it is named inside of other objects."""
    account = records.account(login)
    url = f"{records.url}/users/{quote(login)}"
    return {
        "login": login,
        "id": account.id,
        "node_id": node_id(account.kind, account.id),
        "avatar_url": f"{records.url}/avatars/{quote(login)}",
        "gravatar_id": "",
        "url": url,
        "html_url": f"{records.url}/{quote(login.replace('[bot]', ''))}",
        "followers_url": f"{url}/followers",
        "following_url": f"{url}/following{{/other_user}}",
        "gists_url": f"{url}/gists{{/gist_id}}",
        "starred_url": f"{url}/starred{{/owner}}{{/repo}}",
        "subscriptions_url": f"{url}/subscriptions",
        "organizations_url": f"{url}/orgs",
        "repos_url": f"{url}/repos",
        "events_url": f"{url}/events{{/privacy}}",
        "received_events_url": f"{url}/received_events",
        "type": account.kind,
        "site_admin": False,
    }


def public_user(records: Records, login: str) -> dict[str, Any]:
    """``public-user``: an account's own page."""
    account = records.account(login)
    return simple_user(records, login) | {
        "name": account.name,
        "company": None,
        "blog": None,
        "location": None,
        "email": None,
        "hireable": None,
        "bio": None,
        "public_repos": 0,
        "public_gists": 0,
        "followers": 0,
        "following": 0,
        "created_at": stamp(account.created_at),
        "updated_at": stamp(account.created_at),
    }


def organization(records: Records, login: str) -> dict[str, Any]:
    """``organization``, as webhooks carry it."""
    account = records.account(login)
    url = f"{records.url}/orgs/{login}"
    return {
        "login": login,
        "id": account.id,
        "node_id": node_id("Organization", account.id),
        "url": url,
        "repos_url": f"{url}/repos",
        "events_url": f"{url}/events",
        "hooks_url": f"{url}/hooks",
        "issues_url": f"{url}/issues",
        "members_url": f"{url}/members{{/member}}",
        "public_members_url": f"{url}/public_members{{/member}}",
        "avatar_url": f"{records.url}/avatars/{login}",
        "description": None,
    }


def organization_full(records: Records, login: str) -> dict[str, Any]:
    """``organization-full``; also satisfies ``team-organization``."""
    account = records.account(login)
    return organization(records, login) | {
        "name": account.name,
        "html_url": f"{records.url}/{login}",
        "has_organization_projects": True,
        "has_repository_projects": True,
        "public_repos": sum(one.owner == login for one in records.repositories.values()),
        "public_gists": 0,
        "followers": 0,
        "following": 0,
        "created_at": stamp(account.created_at),
        "updated_at": stamp(account.created_at),
        "archived_at": None,
        "type": "Organization",
    }


def team_url(records: Records, team: Team) -> str:
    """The address GitHub gives to a team: by ids, not by names."""
    return f"{records.url}/organizations/{records.account(team.organization).id}/team/{team.id}"


def team_simple(records: Records, team: Team) -> dict[str, Any]:
    """``team-simple``."""
    url = team_url(records, team)
    return {
        "id": team.id,
        "node_id": node_id("Team", team.id),
        "url": url,
        "members_url": f"{url}/members{{/member}}",
        "name": team.name,
        "description": None,
        "permission": "pull",
        "privacy": "closed",
        "notification_setting": "notifications_enabled",
        "html_url": f"{records.url}/orgs/{team.organization}/teams/{team.slug}",
        "repositories_url": f"{url}/repos",
        "slug": team.slug,
        "type": "organization",
        "organization_id": records.account(team.organization).id,
    }


def team_full(records: Records, team: Team) -> dict[str, Any]:
    """``team-full``."""
    parent = (
        None if team.parent is None else team_simple(records, records.team(team.organization, team.parent))
    )
    return team_simple(records, team) | {
        "parent": parent,
        "members_count": sum(one.state == "active" for one in team.members.values()),
        "repos_count": 0,
        "created_at": stamp(team.created_at),
        "updated_at": stamp(team.created_at),
        "organization": organization_full(records, team.organization),
    }


def team_membership(records: Records, team: Team, login: str, held: Membership) -> dict[str, Any]:
    """``team-membership``."""
    url = f"{team_url(records, team)}/memberships/{login}"
    return {"url": url, "role": held.role, "state": held.state}


PERMISSIONS = {"none": 0, "read": 1, "triage": 2, "write": 3, "maintain": 4, "admin": 5}
LEGACY = {"maintain": "write", "triage": "read"}  # the old field knows no other words


def collaborator_permission(records: Records, repository: Repository, login: str) -> dict[str, Any]:
    """``repository-collaborator-permission``: the role, and its folded legacy form."""
    role = records.role(repository.full_name, login)
    level = PERMISSIONS[role]
    permissions = {
        name: level >= at for at, name in enumerate(("pull", "triage", "push", "maintain", "admin"), start=1)
    }
    user = simple_user(records, login) | {"permissions": permissions, "role_name": role}
    return {"permission": LEGACY.get(role, role), "role_name": role, "user": user}
