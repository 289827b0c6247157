"""The demo as a person sees it: an incident, a freeze, overrides, a thaw and a mistake in a policy, click by click."""

from __future__ import annotations

import shutil
import time
from typing import TYPE_CHECKING

import pytest
import requests
from playwright.sync_api import FrameLocator, Locator, Page, expect, sync_playwright

from gatekeeper.demo.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE = 40_000  # milliseconds; a busy machine is slow, a broken demo never gets there


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The system's Chromium."""
    found = shutil.which("chromium")
    assert found, "these tests need chromium on PATH"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """As a person finds it who comes when everything is measured; how soon that is, test_demo_command.py shows."""
    with Stage(tmp_path_factory.mktemp("demo")) as stage:
        while not is_measured(stage):
            time.sleep(0.2)
        yield stage


def is_measured(stage: Stage) -> bool:
    services = requests.get(f"{stage.gatekeeper}/api/v1/services", timeout=60).json()["services"]
    measured = [one["objectives"][0]["budget_remaining"] is not None for one in services]
    return len(measured) == 4 and all(measured)


class Viewer:
    """Somebody before the story's page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.github: FrameLocator = page.frame_locator("#github")
        self.gatekeeper: FrameLocator = page.frame_locator("#gatekeeper")
        self.gate: Locator = page.locator("#gate")
        self.said: Locator = page.get_by_role("status")
        self.merge: Locator = self.github.get_by_role("button", name="Merge pull request")

    def press(self, label: str) -> None:
        """Press a button of the story, as soon as it can be."""
        button = self.page.get_by_role("button", name=label)
        expect(button).to_be_enabled(timeout=PATIENCE)
        button.click()

    def sees(self, where: Locator, text: str) -> None:
        expect(where).to_contain_text(text, timeout=PATIENCE)


@pytest.fixture(scope="module")
def viewer(browser: Browser, stage: Stage) -> Iterator[Viewer]:
    """A script error, or a request to another address than the demo's own, fails the test."""
    page = browser.new_page(viewport={"width": 1600, "height": 950})
    errors: list[str] = []
    asked: list[str] = []
    page.on("pageerror", lambda error: errors.append(error.message))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("request", lambda request: asked.append(request.url))
    page.goto(stage.panel)
    yield Viewer(page)
    page.close()
    assert errors == []
    ours = (stage.gatekeeper, stage.github, "data:", "blob:")
    assert [one for one in asked if not one.startswith(ours)] == []


def at_first_every_change_flows(viewer: Viewer) -> None:
    viewer.sees(viewer.gate, "open")
    viewer.sees(viewer.github.locator("h1"), "Pay with one click")
    viewer.sees(viewer.github.locator("#merge-box"), "checkout is open: 3")
    expect(viewer.merge).to_be_enabled(timeout=PATIENCE)
    viewer.press("Merge the documentation, #4")
    viewer.sees(viewer.said, "Pull request #4 is merged.")
    viewer.sees(viewer.github.locator("main"), "Pull request successfully merged and closed")


def an_incident_freezes_checkout_in_front_of_your_eyes(viewer: Viewer) -> None:
    viewer.press("Start an incident in checkout")
    viewer.sees(viewer.gate, "frozen")
    viewer.sees(viewer.gatekeeper.locator("tbody.frozen"), "checkout")
    viewer.sees(viewer.gatekeeper.locator("tbody.frozen"), "acme/shop#1")
    viewer.sees(viewer.page.locator(".state"), "over")  # the bar has fallen below nothing


def features_wait_without_an_event_on_them(viewer: Viewer) -> None:
    viewer.sees(viewer.github.locator("#merge-box"), "checkout is frozen")
    expect(viewer.merge).to_be_disabled()
    viewer.sees(viewer.github.locator("article.comment[id]"), "Expected end:")
    diagram = viewer.github.locator("figure.mermaid svg")
    viewer.sees(diagram, "Error budget left (%)")
    viewer.press("Try to merge #1 all the same")
    viewer.sees(viewer.said, "GitHub refuses: Repository rule violations found")


def the_incident_ends_and_the_freeze_does_not(viewer: Viewer) -> None:
    viewer.press("End the incident")
    expect(viewer.page.locator(".pill.failing")).to_have_count(0, timeout=PATIENCE)
    viewer.sees(viewer.gatekeeper.locator("h1"), "checkout")
    expect(viewer.page.get_by_role("button", name="Real time")).to_have_attribute(
        "aria-pressed", "true", timeout=PATIENCE
    )
    viewer.sees(viewer.gate, "frozen")


def the_label_of_somebody_who_is_not_entitled_is_taken_off(viewer: Viewer) -> None:
    viewer.press("Otto puts slo:override on #1")
    viewer.sees(viewer.github.locator("article.comment[id]"), "The label slo:override was removed")
    viewer.sees(
        viewer.github.locator("article.comment[id]"), "@outsider is not an active member of @acme/sre"
    )
    viewer.sees(viewer.page.locator(".note"), "took Otto's label off")
    expect(viewer.merge).to_be_disabled()


def the_label_of_an_operator_lets_the_change_through_on_record(viewer: Viewer) -> None:
    viewer.press("Oskar puts slo:override on #1")
    viewer.sees(viewer.github.locator("#merge-box"), "let through by @ops1")
    viewer.press("Merge #1")
    viewer.sees(viewer.github.locator("main"), "Pull request successfully merged and closed")
    overrides = viewer.gatekeeper.locator("#overrides + *")
    viewer.sees(overrides, "granted")
    viewer.sees(overrides, "not granted")


def a_fix_never_waits(viewer: Viewer) -> None:
    viewer.sees(viewer.gate, "frozen")
    viewer.press("Merge the fix, #3")
    viewer.sees(viewer.github.locator("main"), "Pull request successfully merged and closed")


def the_budget_comes_back_and_the_waiting_change_is_released(viewer: Viewer) -> None:
    viewer.press("Go to the thaw")
    viewer.sees(viewer.github.locator("h1"), "Gift cards")
    viewer.sees(viewer.gate, "probation")
    viewer.sees(viewer.github.locator("#merge-box"), "checkout is in probation")
    expect(viewer.merge).to_be_enabled(timeout=PATIENCE)
    viewer.merge.click()  # by hand, in GitHub's own window
    viewer.sees(viewer.github.locator("main"), "dev1 merged")


def a_mistake_in_a_policy_opens_nothing(viewer: Viewer) -> None:
    viewer.press("Commit a mistake")
    viewer.sees(viewer.gatekeeper.locator("main"), "a target of 100 % leaves no budget")
    viewer.sees(viewer.gate, "probation")
    viewer.press("Mend it")
    expect(viewer.gatekeeper.get_by_text("leaves no budget")).to_have_count(0, timeout=PATIENCE)
    viewer.sees(viewer.page.locator(".end"), "That was the story.")


def a_day_later_the_gate_is_open(viewer: Viewer) -> None:
    viewer.press("+1 day")
    viewer.sees(viewer.gate, "open")


def the_story_can_be_read_on_a_narrow_window(viewer: Viewer) -> None:
    viewer.page.set_viewport_size({"width": 700, "height": 900})
    width = viewer.page.evaluate("document.documentElement.scrollWidth")
    assert width <= 700


CHAPTERS = (
    at_first_every_change_flows,
    an_incident_freezes_checkout_in_front_of_your_eyes,
    features_wait_without_an_event_on_them,
    the_incident_ends_and_the_freeze_does_not,
    the_label_of_somebody_who_is_not_entitled_is_taken_off,
    the_label_of_an_operator_lets_the_change_through_on_record,
    a_fix_never_waits,
    the_budget_comes_back_and_the_waiting_change_is_released,
    a_mistake_in_a_policy_opens_nothing,
    a_day_later_the_gate_is_open,
    the_story_can_be_read_on_a_narrow_window,
)


def test_the_whole_story(viewer: Viewer) -> None:
    for chapter in CHAPTERS:
        chapter(viewer)
