"""The stand-in's pages in a real browser: they stay current by themselves and lose nothing that is being typed."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from gatekeeper.demo.github import StandIn
from gatekeeper.demo.github.acme import APP_ID

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Route

SHOP = "acme/shop"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The system's Chromium."""
    found = shutil.which("chromium")
    assert found, "these tests need chromium on PATH"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def github() -> Iterator[StandIn]:
    with StandIn() as github:
        github.state.open_prepared(github.state.prepared[0], author="dev1")
        yield github


@pytest.fixture
def page(browser: Browser, github: StandIn) -> Iterator[Page]:
    """On the pull request, as dev1; a script error or a request to another host fails the test."""
    page = browser.new_page()
    seen: list[str] = []
    page.on("pageerror", lambda error: seen.append(error.message))
    page.on("request", lambda request: seen.append(request.url))
    page.goto(f"{github.url}/acme/shop/pull/1?as=dev1")
    yield page
    page.close()
    assert [one for one in seen if not one.startswith((github.url, "data:"))] == []


def report(github: StandIn, conclusion: str) -> None:
    head = github.state.pull(SHOP, 1).head_sha
    github.state.report_check(SHOP, head, "gatekeeper", app_id=APP_ID, conclusion=conclusion, title="Frozen")


def test_a_check_turns_green_in_front_of_your_eyes(github: StandIn, page: Page) -> None:
    merge = page.get_by_role("button", name="Merge pull request")
    expect(merge).to_be_disabled()
    report(github, "failure")
    expect(page.get_by_text("Some checks were not successful")).to_be_visible()
    report(github, "success")
    expect(page.get_by_text("All checks have passed")).to_be_visible()
    merge.click()
    expect(page.get_by_text("Pull request successfully merged and closed")).to_be_visible()
    assert github.state.pull(SHOP, 1).merged_by == "dev1"


def test_what_changes_while_the_page_loads_is_shown_too(browser: Browser, github: StandIn) -> None:
    """Between the page as the server wrote it and the first look for news."""
    page, looks = browser.new_page(), 0

    def look(route: Route) -> None:
        nonlocal looks
        if route.request.resource_type == "fetch" and not looks:
            report(github, "failure")
            looks += 1
        route.continue_()

    page.route("**/pull/1*", look)
    page.goto(f"{github.url}/acme/shop/pull/1?as=dev1")
    expect(page.get_by_text("Some checks were not successful")).to_be_visible()
    page.close()


def test_what_is_being_typed_stays(github: StandIn, page: Page) -> None:
    field = page.get_by_label("Comment", exact=True)
    field.fill("/gatekeeper ")
    report(github, "failure")
    page.wait_for_timeout(2500)  # longer than a refresh takes to come
    expect(field).to_have_value("/gatekeeper ")
    field.press_sequentially("status")
    page.get_by_role("button", name="Comment", exact=True).click()
    expect(page.locator("article.comment").last).to_contain_text("/gatekeeper status")
    expect(field).to_have_value("")
    expect(page.get_by_text("Some checks were not successful")).to_be_visible()


def test_a_label_comes_and_goes_by_clicks(github: StandIn, page: Page) -> None:
    page.get_by_label("Label to add").fill("slo:override")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator(".labels").get_by_text("slo:override")).to_be_visible()
    page.get_by_role("button", name="Remove the label slo:override").click()
    expect(page.locator(".labels").get_by_text("None yet")).to_be_visible()
    assert [one.event for one in github.state.events] == ["labeled", "unlabeled"]


def test_a_refusal_is_shown_where_it_happened(page: Page) -> None:
    page.get_by_label("Comment", exact=True).fill("   ")
    page.get_by_role("button", name="Comment", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("Validation Failed")
    expect(page.get_by_label("Comment", exact=True)).to_have_value("   ")


def test_somebody_else_by_the_switch(page: Page) -> None:
    page.get_by_label("You are").select_option("outsider")
    expect(page.get_by_text("You need triage rights to label.")).to_be_visible()


def test_an_opened_detail_stays_open(github: StandIn, page: Page) -> None:
    page.get_by_text("Files changed").click()
    diff = page.locator(".diff")
    expect(diff).to_contain_text("CACHE_SECONDS")
    report(github, "failure")
    expect(page.get_by_text("Some checks were not successful")).to_be_visible()
    expect(diff).to_be_visible()
