"""The App itself, its installations, their tokens, and its hook's deliveries."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request

from gatekeeper.demo.github import installing, registering
from gatekeeper.demo.github.api.endpoint import Answer, Ask, endpoint
from gatekeeper.demo.github.auth import require_app
from gatekeeper.demo.github.errors import Refused, not_found
from gatekeeper.demo.github.shapes import apps as shapes
from gatekeeper.demo.github.shapes.repositories import repository

blueprint = Blueprint("api_apps", __name__)


@endpoint(blueprint, "GET", "/app", "app")
def show_app(ask: Ask) -> Answer:
    """The App that calls."""
    return shapes.own_integration(ask.world, require_app(ask.caller).id)


@endpoint(blueprint, "POST", "/app-manifests/<code>/conversions", "open")
def convert_manifest(ask: Ask, code: str) -> Answer:
    """The credentials of an App that was registered from a manifest."""
    _, found = registering.convert(ask.world, code)
    return shapes.integration_from_manifest(ask.world, found), 201


@endpoint(blueprint, "GET", "/app/installations", "app")
def list_installations(ask: Ask) -> Answer:
    """Where the App is installed."""
    app = require_app(ask.caller)
    mine = [one for _, one in sorted(ask.world.installations.items()) if one.app_id == app.id]
    return ask.page(mine, lambda one: shapes.installation(ask.world, one))


def _own(ask: Ask, installation_id: int) -> Any:
    found = ask.world.installations.get(installation_id)
    if found is None or found.app_id != require_app(ask.caller).id:
        raise not_found()
    return found


@endpoint(blueprint, "GET", "/app/installations/<int:installation_id>", "app")
def show_installation(ask: Ask, installation_id: int) -> Answer:
    """One installation."""
    return shapes.installation(ask.world, _own(ask, installation_id))


@endpoint(blueprint, "POST", "/app/installations/<int:installation_id>/access_tokens", "app")
def create_token(ask: Ask, installation_id: int) -> Answer:
    """A token for an installation, perhaps for less than all of it."""
    one = _own(ask, installation_id)
    body = ask.body()
    names = body.get("repositories")
    repositories = None if names is None else [f"{one.account}/{name}" for name in names]
    if (ids := body.get("repository_ids")) is not None:
        repositories = [name for name, repo in sorted(ask.world.repositories.items()) if repo.id in ids]
    token = installing.mint_token(
        ask.world, one.id, permissions=body.get("permissions"), repositories=repositories
    )
    return shapes.installation_token(ask.world, token), 201


@endpoint(blueprint, "GET", "/repos/<owner>/<repo>/installation", "app")
def repository_installation(ask: Ask) -> Answer:
    """The installation that covers a repository."""
    found = ask.world.installation_of(ask.repository, require_app(ask.caller).id)
    if found is None or ask.repository not in ask.world.repositories:
        raise not_found()
    return shapes.installation(ask.world, found)


@endpoint(blueprint, "GET", "/orgs/<org>/installation", "app")
def organization_installation(ask: Ask, org: str) -> Answer:
    """The installation on an organisation."""
    app = require_app(ask.caller)
    for one in ask.world.installations.values():
        if (one.app_id, one.account) == (app.id, org):
            return shapes.installation(ask.world, one)
    raise not_found()


@endpoint(blueprint, "GET", "/installation/repositories", "token")
def installation_repositories(ask: Ask) -> Answer:
    """The repositories an installation's token may see."""
    token = ask.caller.token
    if token is None:
        raise Refused(
            403, "You must authenticate with an installation access token in order to list repositories."
        )
    one = ask.world.installations[token.installation_id]
    seen = [
        name
        for name in sorted(ask.world.repositories)
        if one.covers(name) and (token.repositories is None or name in token.repositories)
    ]
    return {
        "total_count": len(seen),
        "repository_selection": "all" if token.repositories is None else "selected",
        "repositories": ask.page(seen, lambda name: repository(ask.world, name)),
    }


@endpoint(blueprint, "GET", "/app/hook/config", "app")
def hook_config(ask: Ask) -> Answer:
    """Where the App's webhooks go."""
    hook = ask.world.deliveries.hook
    return {} if hook is None else shapes.hook_config(hook)


@endpoint(blueprint, "GET", "/app/hook/deliveries", "app")
def list_deliveries(ask: Ask) -> Answer:
    """Attempted deliveries of the last 3 days, newest first; pages by cursor, not by number.

    ``status`` is ``success`` (below 400) or ``failure``.
    """
    kept = ask.world.deliveries.kept(ask.world.now())
    found = [one for one in reversed(kept) if _wanted(one.status_code)]
    cursor = request.args.get("cursor")
    if cursor is not None:
        if not cursor.removeprefix("v1_").isdecimal():
            raise Refused(400, "Invalid cursor")
        found = [one for one in found if one.id <= int(cursor.removeprefix("v1_"))]
    return ask.cursor_page(found, shapes.delivery_item)


def _wanted(status_code: int) -> bool:
    status = request.args.get("status")
    return status is None or (status == "success") == (200 <= status_code < 400)  # noqa: PLR2004 - HTTP's classes


def _delivery(ask: Ask, delivery_id: int) -> Any:
    try:
        return ask.world.deliveries.find(delivery_id, ask.world.now())
    except KeyError:
        raise not_found() from None


@endpoint(blueprint, "GET", "/app/hook/deliveries/<int:delivery_id>", "app")
def show_delivery(ask: Ask, delivery_id: int) -> Answer:
    """One attempted delivery with what was sent."""
    found, hook = _delivery(ask, delivery_id), ask.world.deliveries.hook
    if hook is None:
        raise not_found()
    return shapes.delivery_full(found, hook)


@endpoint(blueprint, "POST", "/app/hook/deliveries/<int:delivery_id>/attempts", "app")
def redeliver(ask: Ask, delivery_id: int) -> Answer:
    """Send a delivery again."""
    ask.world.deliveries.redeliver(_delivery(ask, delivery_id).id)
    return {}, 202
