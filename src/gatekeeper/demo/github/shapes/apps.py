"""The App, its installations, its tokens and its hook's deliveries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gatekeeper.demo.github.shapes.basics import node_id, stamp
from gatekeeper.demo.github.shapes.people import simple_user
from gatekeeper.demo.github.shapes.repositories import repository

if TYPE_CHECKING:
    from gatekeeper.demo.github.deliveries import Delivery, Hook
    from gatekeeper.demo.github.entities import Installation, InstallationToken
    from gatekeeper.demo.github.records import Records
    from gatekeeper.demo.github.registering import Credentials


def integration(records: Records, app_id: int) -> dict[str, Any]:
    """``integration``: an App."""
    app = records.apps[app_id]
    return {
        "id": app.id,
        "slug": app.slug,
        "node_id": node_id("App", app.id),
        "owner": simple_user(records, app.owner),
        "name": app.name,
        "description": None,
        "external_url": f"{records.url}/apps/{app.slug}",
        "html_url": f"{records.url}/apps/{app.slug}",
        "created_at": stamp(app.created_at),
        "updated_at": stamp(app.created_at),
        "permissions": dict(app.permissions),
        "events": list(app.events),
    }


def integration_from_manifest(records: Records, found: Credentials) -> dict[str, Any]:
    """``integration`` with its credentials, as the exchange of a manifest's code answers."""
    return integration(records, found.app_id) | {
        "client_id": found.client_id,
        "client_secret": found.client_secret,
        "webhook_secret": found.webhook_secret,
        "pem": found.pem,
    }


def own_integration(records: Records, app_id: int) -> dict[str, Any]:
    """``integration`` as the App sees itself."""
    count = sum(one.app_id == app_id for one in records.installations.values())
    return integration(records, app_id) | {"installations_count": count}


def performed_via(records: Records, app_id: int | None) -> dict[str, Any] | None:
    """``nullable-integration``: the App that acted, if one did."""
    return None if app_id is None else integration(records, app_id)


def installation(records: Records, one: Installation) -> dict[str, Any]:
    """``installation``."""
    app = records.apps[one.app_id]
    account = simple_user(records, one.account)
    return {
        "id": one.id,
        "account": account,
        "repository_selection": _selection(one.repositories),
        "access_tokens_url": f"{records.url}/app/installations/{one.id}/access_tokens",
        "repositories_url": f"{records.url}/installation/repositories",
        "html_url": f"{records.url}/organizations/{one.account}/settings/installations/{one.id}",
        "app_id": app.id,
        "app_slug": app.slug,
        "target_id": account["id"],
        "target_type": account["type"],
        "permissions": dict(one.permissions),
        "events": list(one.events),
        "created_at": stamp(one.created_at),
        "updated_at": stamp(one.created_at),
        "single_file_name": None,
        "has_multiple_single_files": False,
        "single_file_paths": [],
        "suspended_by": None if one.suspended is None else simple_user(records, one.suspended[1]),
        "suspended_at": None if one.suspended is None else stamp(one.suspended[0]),
    }


def _selection(repositories: frozenset[str] | None) -> str:
    return "all" if repositories is None else "selected"


def installation_token(records: Records, token: InstallationToken) -> dict[str, Any]:
    """``installation-token``."""
    answer: dict[str, Any] = {
        "token": token.token,
        "expires_at": stamp(token.expires_at),
        "permissions": dict(token.permissions),
        "repository_selection": _selection(token.repositories),
    }
    if token.repositories is not None:
        answer["repositories"] = [repository(records, name) for name in sorted(token.repositories)]
    return answer


def hook_config(hook: Hook) -> dict[str, Any]:
    """``webhook-config``; the secret is masked."""
    return {"content_type": "json", "insecure_ssl": "0", "secret": "********", "url": hook.url}


def delivery_item(delivery: Delivery) -> dict[str, Any]:
    """``hook-delivery-item``."""
    return {
        "id": delivery.id,
        "guid": delivery.guid,
        "delivered_at": stamp(delivery.delivered_at),
        "redelivery": delivery.redelivery,
        "duration": delivery.duration,
        "status": delivery.status,
        "status_code": delivery.status_code,
        "event": delivery.event,
        "action": delivery.action,
        "installation_id": delivery.installation_id,
        "repository_id": delivery.repository_id,
        "throttled_at": None,
    }


def delivery_full(delivery: Delivery, hook: Hook) -> dict[str, Any]:
    """``hook-delivery``: with what was sent and answered."""
    return delivery_item(delivery) | {
        "url": hook.url,
        "request": {"headers": dict(delivery.request_headers), "payload": delivery.payload},
        "response": {"headers": {}, "payload": delivery.response_body},
    }
