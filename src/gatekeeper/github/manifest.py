"""Registering the App from a manifest, so that nobody has to type what it needs.

Source: GitHub's "Registering a GitHub App from a manifest". The manifest is posted to GitHub by the operator's browser;
GitHub sends the browser back with a code, which is exchanged within an hour, once, for the credentials.
"""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import requests

from gatekeeper.errors import GitHubError
from gatekeeper.github.answers import Answer, lost
from gatekeeper.github.needs import EVENTS, HELPFUL_EVENTS, NEEDED, WANTED
from gatekeeper.github.transport import API_VERSION, TIMEOUT

LONGEST_NAME = 34  # characters; GitHub takes no more
WEBHOOKS, CALLBACK = "/webhooks/github", "/setup/callback"
"""Pages of ours that GitHub is told of."""


@dataclass(frozen=True)
class Credentials:
    """A new App's; shown by GitHub this once.

    Attributes:
        slug: its name in addresses.
        page: its page on GitHub.
    """

    app_id: str
    slug: str
    page: str
    private_key: str = field(repr=False)
    webhook_secret: str = field(repr=False)


def manifest(name: str, public_url: str) -> dict[str, Any]:
    """What to post to GitHub as ``manifest``, as JSON.

    Args:
        name: the App's, to be changed on GitHub's page; cut to what GitHub takes.
        public_url: root of this server, as GitHub and people reach it.
    """
    return {
        "name": name[:LONGEST_NAME].strip(),
        "description": "Holds changes back while a service's error budget is spent.",
        "url": public_url,
        "hook_attributes": {"url": public_url + WEBHOOKS, "active": True},
        "redirect_url": public_url + CALLBACK,
        "public": False,
        "default_permissions": dict(sorted((NEEDED | WANTED).items())),
        "default_events": sorted(EVENTS | HELPFUL_EVENTS),
    }


def convert(api_url: str, code: str) -> Credentials:
    """Exchange the code that GitHub sent the browser back with. It can be done once.

    Raises:
        GitHubError: there was no usable answer.
        GitHubRefusedError: 404, the code is not known, used, or older than an hour.
    """
    path = f"/app-manifests/{quote(code, safe='')}/conversions"
    shown = "/app-manifests/CODE/conversions"  # a code is a credential, and messages are logged
    headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": API_VERSION}
    try:
        told = requests.post(api_url + path, headers=headers, timeout=TIMEOUT)
    except requests.RequestException as error:
        # Not chained: the library's message has the address, and with it the code.
        raise lost("POST", shown, error) from None
    answer = Answer(
        "POST", shown, told.status_code, {k.lower(): v for k, v in told.headers.items()}, told.text
    )
    if (refusal := answer.error(wait=answer.wait_asked(0) or 0.0)) is not None:
        raise refusal
    return _credentials(told)


def _credentials(told: requests.Response) -> Credentials:
    try:
        answered = told.json()
    except requests.JSONDecodeError:
        answered = None
    match answered:
        case {
            "id": int(number),
            "slug": str(slug),
            "html_url": str(page),
            "pem": str(key),
            "webhook_secret": str(secret),
        }:
            return Credentials(str(number), slug, page, key, secret)
    raise GitHubError("POST /app-manifests/CODE/conversions: the answer has no credentials")
