"""A stand-in GitHub with something in it, for the contract tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gatekeeper.demo.github import StandIn, registering
from gatekeeper.demo.github.acme import APP_ID
from standin import Client
from standin.tables import Names

if TYPE_CHECKING:
    from collections.abc import Iterator


MANIFEST = '{"url": "https://gatekeeper.acme.example", "default_permissions": {"checks": "write"}}'


@pytest.fixture(scope="module")
def populated() -> Iterator[StandIn]:
    """A GitHub with a pull request that renames, edits, is labelled, commented on and checked."""
    with StandIn() as github:
        world = github.state
        pull = world.open_pull(
            "acme/shop",
            author="dev1",
            title="Faster checkout",
            files={
                "services/checkout/app.py": "fast\n",
                "docs/index.md": None,
                "docs/start.md": "# How the shop works\n",
            },
            labels=["bug", "area/checkout"],
        )
        world.comment_on("acme/shop", 1, "Please look.", by="po1")
        world.report_check("acme/shop", pull.head_sha, "tests", app_id=APP_ID, conclusion="success")
        world.protect("acme/shop", "production", app_id=APP_ID)
        world.run_workflow("acme/shop", by="dev1", environments=["production", "staging"])
        github.send_webhooks_to("http://127.0.0.1:9/", "secret")  # nobody listens: the log has a failed ping
        github.deliveries.wait()
        yield github


@pytest.fixture(scope="module")
def names(populated: StandIn) -> Names:
    """What the paths and bodies of the tables name in braces."""
    world = populated.state
    commit = world.head("acme/shop", "main")
    return Names(
        {
            "head": world.pull("acme/shop", 1).head_sha,
            "tree": commit.tree,
            "blob": next(
                entry.sha
                for _, entry in world.objects.walk(commit.tree, recursive=True)
                if entry.kind == "blob"
            ),
            "code": registering.create(world, MANIFEST, "acme", name="Gatekeeper two", by="ops1").partition(
                "code="
            )[2],
            "installation": min(world.installations),
            "run": min(world.checks),
            "comment": min(world.comments),
            "workflow": min(world.runs),
            "deployment": max(world.deployments),
            "delivery": populated.deliveries.log[0].id,
            "organization": world.account("acme").id,
            "team": world.team("acme", "sre").id,
        }
    )


@pytest.fixture(scope="module")
def clients(populated: StandIn) -> Iterator[dict[str, Client]]:
    """One client for each who asks."""
    with (
        Client(populated) as app,
        Client(populated) as bot,
        Client(populated) as person,
        Client(populated) as nobody,
    ):
        yield {
            "app": app.as_app(),
            "installation": bot.as_installation(),
            "person": person.as_person(),
            "nobody": nobody.as_nobody(),
        }
