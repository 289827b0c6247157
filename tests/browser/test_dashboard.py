"""The pages in a real browser: nothing loaded from elsewhere, current by themselves, readable by everybody."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, sync_playwright
from werkzeug.serving import WSGIRequestHandler, make_server

import faces
from gatekeeper.events.keys import Kind, WorkKey
from gatekeeper.web.app import create_app
from gatekeeper.web.dashboard import REFRESH_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatekeeper.bootstrap import Gatekeeper

CHROMIUM = "/usr/bin/chromium"
QUIETLY = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
READABLE = 4.5
"""The contrast that WCAG 2.2 asks of text (1.4.3, level AA)."""
CONTRASTS = """
() => {
  const numbers = colour => colour.match(/[\\d.]+/g).map(Number);
  const light = colour => {
    const [r, g, b] = numbers(colour).map(value => value / 255)
      .map(value => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = one => {
    for (let at = one; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      const [, , , alpha = 1] = numbers(colour);
      if (alpha > 0) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const found = [];
  for (const one of document.querySelectorAll("main *, header *")) {
    const words = [...one.childNodes].some(node => node.nodeType === 3 && node.textContent.trim());
    if (!words || one.namespaceURI.endsWith("svg") || one.closest(".skip")) continue;
    const [a, b] = [light(getComputedStyle(one).color), light(ground(one))].sort((x, y) => y - x);
    found.push([(a + 0.05) / (b + 0.05), `${one.tagName}.${one.className}: ${one.textContent.trim().slice(0, 40)}`]);
  }
  return found;
}
"""


CUT_OFF = """
() => [...document.querySelectorAll("main *")]
  .filter(one => getComputedStyle(one).overflowX === "hidden" && one.scrollWidth > one.clientWidth)
  .map(one => `${one.tagName}.${one.className}`)
"""
"""What is wider than its box, where nobody can scroll to the rest."""


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 - werkzeug's name
        del type, message, args


class Site:
    """A populated Gatekeeper on a free port; ``stop`` takes it away."""

    def __init__(self, gatekeeper: Gatekeeper) -> None:
        self.gatekeeper = gatekeeper
        self._server = make_server(
            "127.0.0.1", 0, create_app(gatekeeper), threaded=True, request_handler=_Quiet
        )
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def pages(self) -> list[str]:
        decisions = [f"/decisions/{one.id}" for one in self.gatekeeper.stores.decisions.latest()]
        return [
            "/",
            "/policies",
            "/status",
            "/services/checkout",
            "/services/payments",
            "/services/recommendations",
            *decisions,
        ]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    gatekeeper = faces.populated(tmp_path_factory.mktemp("browser"))
    one = Site(gatekeeper)
    yield one
    one.stop()
    gatekeeper.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        one = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIETLY)
        yield one
        one.close()


class Visitor:
    """A browser window that remembers what was asked for, and every complaint."""

    def __init__(self, context: BrowserContext, site: Site) -> None:
        self.page: Page = context.new_page()
        self.asked: list[str] = []
        self.complaints: list[str] = []
        self._site = site
        self.page.on("request", self._remember)
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.route(lambda url: not url.startswith(site.url), lambda route: route.abort())

    def visit(self, path: str) -> Page:
        self.page.goto(self._site.url + path)
        return self.page

    def elsewhere(self) -> list[str]:
        return [url for url in self.asked if not url.startswith(self._site.url)]

    def _remember(self, request: Request) -> None:
        self.asked.append(request.url)


@pytest.fixture
def visitor(browser: Browser, site: Site) -> Iterator[Visitor]:
    context = browser.new_context(viewport={"width": 1360, "height": 900})
    yield Visitor(context, site)
    context.close()


def test_every_page_loads_without_a_complaint_and_asks_nobody_else(visitor: Visitor, site: Site) -> None:
    for path in site.pages():
        page = visitor.visit(path)
        assert page.locator("main h1").count() == 1, path
    assert visitor.complaints == []
    assert visitor.elsewhere() == []
    assert {url.rpartition("/static/")[2] for url in visitor.asked if "/static/" in url} >= {
        "page.css",
        "refresh.js",
    }


def test_a_hostile_title_runs_nothing(visitor: Visitor, site: Site) -> None:
    stored = site.gatekeeper.stores.decisions.latest("acme/shop#14")[0]
    page = visitor.visit(f"/decisions/{stored.id}")
    assert page.get_by_role("heading", level=1).inner_text() == faces.HOSTILE
    assert page.locator("img").count() == 0
    assert "acme/shop#14" in page.title()
    assert visitor.complaints == []


def test_the_state_of_each_service_can_be_read_without_colours(visitor: Visitor) -> None:
    page = visitor.visit("/")
    states = page.locator(".services .state").all_inner_texts()
    assert [state.strip() for state in states] == [
        "Frozen",
        "Caution",
        "Not measured",
        "Reading history",
        "Open",
        "Open",
    ]
    shapes = {path.get_attribute("d") for path in page.locator(".services .state path").all()}
    assert len(shapes) == 4


def test_a_page_keeps_itself_current(visitor: Visitor, site: Site) -> None:
    visitor.page.clock.install()
    page = visitor.visit("/")
    late = "Policies of acme/late"
    assert page.get_by_text(late).count() == 0
    faces.park(site.gatekeeper, WorkKey(Kind.POLICIES, "acme/late"), "a permission is missing")
    page.clock.run_for(REFRESH_SECONDS * 1000 + 100)
    page.get_by_text(late).wait_for(timeout=5000)
    assert visitor.complaints == []


def test_what_somebody_has_opened_stays_open(visitor: Visitor) -> None:
    visitor.page.clock.install()
    page = visitor.visit("/services/checkout")
    page.locator("#query-1 summary").click()
    page.locator("#query-1 summary").blur()
    before = page.locator("main").evaluate_handle("one => one")
    page.clock.run_for(REFRESH_SECONDS * 1000 + 100)
    page.wait_for_function("before => document.querySelector('main') !== before", arg=before)
    assert page.locator("#query-1").get_attribute("open") is not None


def test_a_server_that_is_gone_is_said_and_the_page_stays(browser: Browser, site: Site) -> None:
    short_lived = Site(site.gatekeeper)
    context = browser.new_context()
    visitor = Visitor(context, short_lived)
    visitor.page.clock.install()
    page = visitor.visit("/")
    short_lived.stop()
    page.clock.run_for(REFRESH_SECONDS * 1000 + 100)
    page.get_by_text("Gatekeeper does not answer since").wait_for(timeout=5000)
    assert page.get_by_role("link", name="checkout").count() == 1
    context.close()


def test_everything_is_there_without_javascript(browser: Browser, site: Site) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(site.url + "/services/checkout")
    assert page.get_by_role("img").count() == 1
    page.locator("#points-1 summary").click()
    assert page.locator("#points-1 table").is_visible()
    assert (
        page.locator('noscript meta[http-equiv="refresh"]').count()
        + page.locator('meta[http-equiv="refresh"]').count()
    )
    context.close()


@pytest.mark.parametrize(
    "width",
    [
        pytest.param(390, id="a telephone"),
        pytest.param(820, id="a tablet"),
        pytest.param(1130, id="half a screen"),
        pytest.param(1280, id="a laptop"),
    ],
)
def test_a_narrow_window_scrolls_in_one_direction_only_and_cuts_nothing_off(
    browser: Browser, site: Site, width: int
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 800})
    page = context.new_page()
    for path in site.pages():
        page.goto(site.url + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        assert page.evaluate(CUT_OFF) == [], path
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_word_stands_out_from_its_ground(browser: Browser, site: Site, scheme: Any) -> None:
    context = browser.new_context(color_scheme=scheme)
    page = context.new_page()
    for path in site.pages():
        page.goto(site.url + path)
        found = page.evaluate(CONTRASTS)
        assert len(found) > 10
        assert [words for contrast, words in found if contrast < READABLE] == [], path
    context.close()


def test_the_first_tab_leads_past_the_menu(visitor: Visitor) -> None:
    page = visitor.visit("/")
    page.keyboard.press("Tab")
    assert page.locator(":focus").inner_text() == "To the content"
    page.keyboard.press("Enter")
    assert page.url.endswith("#main")


def test_tables_name_their_rows_and_columns(visitor: Visitor, site: Site) -> None:
    for path in site.pages():
        tables = visitor.visit(path).locator("main > .panel:not(.check) table:not(details table)").all()
        assert tables or path.startswith("/decisions/")
        for table in tables:
            assert table.locator("thead th[scope=col]").count() > 0, path
            assert table.locator("tbody th[scope]").count() > 0, path
