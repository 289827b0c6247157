"""People, organisations and teams."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint

from gatekeeper.demo.github.api.endpoint import Answer, Ask, endpoint
from gatekeeper.demo.github.auth import require_organization
from gatekeeper.demo.github.errors import Refused, not_found
from gatekeeper.demo.github.shapes import people as shapes

if TYPE_CHECKING:
    from gatekeeper.demo.github.entities import Team

blueprint = Blueprint("api_people", __name__)
TEAM = "/orgs/<org>/teams/<slug>"


@endpoint(blueprint, "GET", "/user", "token")
def show_self(ask: Ask) -> Answer:
    """The person whose token calls."""
    if ask.caller.login is None:
        raise Refused(403, "Resource not accessible by integration")
    return shapes.public_user(ask.world, ask.caller.login)


@endpoint(blueprint, "GET", "/users/<login>", "open")
def show_user(ask: Ask, login: str) -> Answer:
    """Anybody's account."""
    return shapes.public_user(ask.world, login)


@endpoint(blueprint, "GET", "/orgs/<org>", "open")
def show_organization(ask: Ask, org: str) -> Answer:
    """An organisation."""
    if ask.world.account(org).kind != "Organization":
        raise not_found()
    return shapes.organization_full(ask.world, org)


@endpoint(blueprint, "GET", TEAM, "organization")
def show_team(ask: Ask, org: str, slug: str) -> Answer:
    """A team."""
    return shapes.team_full(ask.world, ask.world.team(org, slug))


@endpoint(blueprint, "GET", f"{TEAM}/members", "organization")
def list_members(ask: Ask, org: str, slug: str) -> Answer:
    """A team's active members, with those of its child teams."""
    team = ask.world.team(org, slug)
    logins = [login for login in sorted(ask.world.accounts) if _active(ask, team, login)]
    return ask.page(logins, lambda login: shapes.simple_user(ask.world, login))


def _active(ask: Ask, team: Team, login: str) -> bool:
    held = ask.world.membership(team, login)
    return held is not None and held.state == "active"


def _membership(ask: Ask, team: Team, login: str) -> Answer:
    held = ask.world.membership(team, login)
    if held is None:
        raise not_found()
    return shapes.team_membership(ask.world, team, login, held)


@endpoint(blueprint, "GET", f"{TEAM}/memberships/<login>", "organization")
def show_membership(ask: Ask, org: str, slug: str, login: str) -> Answer:
    """A person's membership; 404 for whoever is neither in nor invited."""
    return _membership(ask, ask.world.team(org, slug), login)


# The addresses that a team's own ``url`` leads to. They are not in GitHub's description, and are what clients follow.


def _team_by_id(ask: Ask, organization_id: int, team_id: int) -> Team:
    for team in ask.world.teams.values():
        if (team.id, ask.world.account(team.organization).id) == (team_id, organization_id):
            require_organization(ask.world, ask.caller, team.organization)
            return team
    raise not_found()


@endpoint(blueprint, "GET", "/organizations/<int:organization_id>/team/<int:team_id>", "token")
def show_team_by_id(ask: Ask, organization_id: int, team_id: int) -> Answer:
    """A team by ids."""
    return shapes.team_full(ask.world, _team_by_id(ask, organization_id, team_id))


@endpoint(
    blueprint, "GET", "/organizations/<int:organization_id>/team/<int:team_id>/memberships/<login>", "token"
)
def show_membership_by_id(ask: Ask, organization_id: int, team_id: int, login: str) -> Answer:
    """A person's membership in a team by ids."""
    return _membership(ask, _team_by_id(ask, organization_id, team_id), login)
