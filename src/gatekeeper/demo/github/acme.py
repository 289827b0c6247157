"""A small organisation to begin with: ``acme``, four people, two teams, two repositories, one App."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatekeeper.demo.github.entities import PreparedChange
from gatekeeper.demo.github.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

APP_ID = 7001
APP_SLUG = "gatekeeper"
PERMISSIONS = {
    "actions": "read",
    "checks": "write",
    "contents": "read",
    "deployments": "write",
    "members": "read",
    "merge_queues": "read",
    "metadata": "read",
    "pull_requests": "write",
    "statuses": "write",
}
EVENTS = (
    "check_run",
    "check_suite",
    "deployment",
    "deployment_protection_rule",
    "deployment_status",
    "issue_comment",
    "membership",
    "merge_group",
    "pull_request",
    "pull_request_review",
    "push",
    "repository",
    "status",
    "team",
)
SHOP = {
    "README.md": "# shop\n",
    "services/checkout/app.py": "def pay(cart):\n    return cart.total\n",
    "services/search/app.py": "def find(words):\n    return []\n",
    "docs/index.md": "# How the shop works\n",
}
PREPARED = (
    PreparedChange(
        "acme/shop",
        "Checkout: faster payment",
        "services/checkout/app.py",
        "CACHE_SECONDS = {number}",
        "Caches the payment form. A **feature**, so it has to wait while the budget is spent.",
    ),
    PreparedChange(
        "acme/shop", "Search: understand synonyms", "services/search/app.py", "SYNONYMS = {number}"
    ),
    PreparedChange("acme/shop", "Docs: say how refunds work", "docs/index.md", "Refunds, {number}."),
)
DEFAULTS = {"README.md": "# Policies of acme\n"}


def acme(
    clock: Callable[[], datetime],
    *,
    public_key: str,
    shop: Mapping[str, str] | None = None,
    policies: Mapping[str, str] | None = None,
    check: str = "gatekeeper",
) -> World:
    """The organisation ``acme`` with the App installed on it and the check ``check`` required on ``acme/shop``'s main.

    dev1 and lead1 write, po1 may triage and is in ``checkout-product``, ops1 maintains and is an active member of
    ``sre``; outsider may only read. ``shop`` and ``policies`` add files to ``acme/shop`` and ``acme/.github``.
    """
    world = World(clock)
    world.add_account("acme", "Organization", name="Acme, Inc.")
    for login, name in (
        ("dev1", "Dana Dev"),
        ("po1", "Petra Owner"),
        ("ops1", "Oskar Ops"),
        ("outsider", "Otto Out"),
    ):
        world.add_account(login, name=name)
    world.add_team("acme", "sre", members=["ops1"])
    world.add_team("acme", "checkout-product", members=["po1"])
    world.add_repository("acme/shop", SHOP | dict(shop or {}), author="ops1")
    world.add_repository("acme/.github", DEFAULTS | dict(policies or {}), author="ops1")
    for repository in ("acme/shop", "acme/.github"):
        world.set_role(repository, "dev1", "write")
        world.set_role(repository, "po1", "triage")
        world.set_role(repository, "ops1", "maintain")
        world.set_role(repository, "outsider", "read")
    world.register_app(
        APP_SLUG, owner="acme", public_key=public_key, permissions=PERMISSIONS, events=EVENTS, app_id=APP_ID
    )
    world.install(APP_ID, "acme", by="ops1")
    world.require_check("acme/shop", "main", check)
    world.prepared.extend(PREPARED)
    return world
