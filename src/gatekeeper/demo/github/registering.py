"""Registering an App from a manifest (https://docs.github.com/apps, "Registering a GitHub App from a manifest").

A site posts the manifest, its owner confirms in the browser, GitHub registers the App and sends the owner back with
a code, and the site exchanges that within an hour, once, for the App's credentials.
"""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from gatekeeper.demo.github import hooks, installing
from gatekeeper.demo.github.deliveries import Hook
from gatekeeper.demo.github.errors import Refused, not_found
from gatekeeper.demo.github.keypair import AppKey

if TYPE_CHECKING:
    from datetime import datetime

    from gatekeeper.demo.github.entities import App
    from gatekeeper.demo.github.records import Records

CODE_LIFE = timedelta(hours=1)
LONGEST_NAME = 34  # characters
ABOUT = {
    "check_run": ("checks",),
    "check_suite": ("checks",),
    "deployment": ("deployments",),
    "deployment_protection_rule": ("deployments",),
    "deployment_status": ("deployments",),
    "issue_comment": ("issues", "pull_requests"),
    "membership": ("members",),
    "merge_group": ("merge_queues",),
    "pull_request": ("pull_requests",),
    "pull_request_review": ("pull_requests",),
    "push": ("contents",),
    "repository": ("metadata",),
    "status": ("statuses",),
    "team": ("members",),
}
"""The permissions that an App needs one of to be told of an event ("Webhook events and payloads")."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the exchange of a code gives, once."""

    app_id: int
    client_id: str
    client_secret: str
    webhook_secret: str
    pem: str
    made_at: datetime


def read(manifest: str) -> dict[str, Any]:
    """The manifest that a site has posted.

    Raises:
        Refused: 422, GitHub would show what is wrong with it.
    """
    try:
        told = json.loads(manifest)
    except ValueError:
        told = None
    if not isinstance(told, dict):
        raise Refused(422, "Error Manifest is not a JSON object", errors=[])
    if mistakes := list(_mistakes(told)):
        raise Refused(422, "\n".join(mistakes), errors=[])
    return told


def _mistakes(told: dict[str, Any]) -> list[str]:
    found = []
    if not told.get("url"):
        found.append('Error "url" wasn\'t supplied.')
    if len(told.get("name", "")) > LONGEST_NAME:
        found.append(f"Error Name is too long (maximum is {LONGEST_NAME} characters)")
    hook = told.get("hook_attributes")
    if hook is not None and not hook.get("url"):
        found.append('Error "hook_attributes.url" wasn\'t supplied.')
    held = {"metadata", *told.get("default_permissions", {})}
    unsupported = [one for one in told.get("default_events", []) if not held.intersection(ABOUT.get(one, ()))]
    if unsupported:
        found.append(f"Error Default events unsupported: {', '.join(unsupported)}")
    return found


def create(records: Records, manifest: str, owner: str, *, name: str, by: str) -> str:
    """Confirm a manifest under a name; the address to send the owner's browser to, without the state.

    Raises:
        Refused: 404 for an owner that is none, 422 for a name that is taken or too long.
    """
    records.account(owner)
    told = read(manifest)
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    taken = slug in {one.slug for one in records.apps.values()}
    if not slug or taken or len(name) > LONGEST_NAME:
        raise Refused(422, "Error Name is already taken" if taken else "Error Name is invalid", errors=[])
    key = AppKey()
    app = installing.register(
        records,
        slug,
        owner=owner,
        public_key=key.public,
        permissions={"metadata": "read"} | told.get("default_permissions", {}),
        events=told.get("default_events", []),
    )
    secret = secrets.token_hex(20)
    code = secrets.token_hex(20)
    records.codes[code] = Credentials(
        app.id, f"Iv23li{app.id}", secrets.token_hex(20), secret, key.private, records.now()
    )
    _tell(records, app, told.get("hook_attributes") or {}, secret, by)
    target = told.get("redirect_url") or told["url"]
    return f"{target}{'&' if '?' in target else '?'}code={code}"


def _tell(records: Records, app: App, attributes: dict[str, Any], secret: str, by: str) -> None:
    """Let the new App's webhook be the one that events go to."""
    if url := attributes.get("url"):
        hook = Hook(url, secret, app.id, active=attributes.get("active", True))
        records.deliveries.hook = hook
        hooks.ping(records, hook, by)


def convert(records: Records, code: str) -> tuple[App, Credentials]:
    """Exchange a code for the credentials.

    Raises:
        Refused: 404, there is no such code, or not any more.
    """
    found = records.codes.pop(code, None)
    if found is None or found.made_at + CODE_LIFE < records.now():
        raise not_found()
    return records.apps[found.app_id], found
