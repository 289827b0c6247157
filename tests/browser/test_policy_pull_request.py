"""A policy pull request in a real browser, on a real Prometheus: what its people see and click."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from staging import Stage, policy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from worlds.prometheus import PrometheusServer
    from worlds.world import World

CHROMIUM = "/usr/bin/chromium"
CENTRAL, PATH = "acme/.github", "policies/checkout.yaml"
PATIENCE = 20_000  # milliseconds


@pytest.fixture
def text(world: World) -> str:
    """checkout's policy; po1 owns it."""
    spent = world.services["spent"]
    written = policy("checkout", bad=spent.bad_selector, total=spent.total_selector)
    return written.replace("  name: checkout", '  name: checkout\n  owners: ["@po1"]')


@pytest.fixture
def stage(
    tmp_path_factory: pytest.TempPathFactory, prometheus: PrometheusServer, world: World, text: str
) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("policy")
    now = world.end - timedelta(days=2)
    with Stage(folder, prometheus=prometheus.url, now=now, policies={PATH: text}) as stage:
        stage.github.state.require_check(CENTRAL, "main", "gatekeeper/policy", app_id=stage.github.app_id)
        stage.open_pull()
        yield stage


@pytest.fixture
def page() -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser.new_page(viewport={"width": 1280, "height": 2400})
        browser.close()


def test_an_owner_sees_what_a_loosening_would_do_and_approves_it(stage: Stage, page: Page, text: str) -> None:
    pull = stage.github.state.open_pull(
        CENTRAL, author="dev1", title="Promise less", files={PATH: text.replace("99.95%", "99%")}
    )
    stage.settle()
    page.goto(f"{stage.github.url}/{CENTRAL}/pull/{pull.number}?as=po1")
    comment = page.locator("article.comment", has_text="What it would do")
    expect(comment).to_contain_text("1 open pull request would turn")
    expect(comment.locator("pre.mermaid")).to_contain_text("xychart-beta")
    box = page.locator("#merge-box")
    expect(box).to_contain_text("checkout gets looser: waits for the approval of @po1")
    expect(box.get_by_role("button", name="Merge pull request")).to_be_disabled()
    page.get_by_role("button", name=f"Approve {pull.head_sha[:7]}").click()
    stage.settle()
    page.goto(f"{stage.github.url}/{CENTRAL}/pull/{pull.number}?as=ops1")
    expect(box).to_contain_text("Looser, and approved by an owner", timeout=PATIENCE)
    expect(box.get_by_role("button", name="Merge pull request")).to_be_enabled()
