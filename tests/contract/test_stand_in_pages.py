"""The pages of the stand-in: what they show, and that every click is an act."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from gatekeeper.demo.github import World, acme, create_github
from gatekeeper.demo.github.acme import APP_ID
from gatekeeper.demo.github.pages.markdown import render

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
PULL = "/acme/shop/pull/1"


@pytest.fixture
def world() -> World:
    world = acme(lambda: NOON, public_key="")
    world.open_prepared(world.prepared[0], author="dev1")
    return world


@pytest.fixture
def browser(world: World) -> FlaskClient:
    return create_github(world).test_client()


def report(world: World, conclusion: str | None) -> int:
    head = world.pull("acme/shop", 1).head_sha
    return world.report_check("acme/shop", head, "gatekeeper", app_id=APP_ID, conclusion=conclusion).id


def merge_button_works(page: TestResponse) -> bool:
    button = page.text.partition("merge-button")[2].partition(">")[0]
    assert button, "there is no merge button"
    return "disabled" not in button


def test_the_front_page_lists_repositories_and_pull_requests(browser: FlaskClient) -> None:
    page = browser.get("/")
    assert page.status_code == 200
    assert "acme/shop" in page.text
    assert "Checkout: faster payment" in page.text


@pytest.mark.parametrize(
    ("conclusion", "who", "headline", "works"),
    [
        pytest.param("success", "dev1", "All checks have passed", True, id="a green check lets merge"),
        pytest.param("neutral", "dev1", "All checks have passed", True, id="a neutral check lets merge"),
        pytest.param(
            "failure", "ops1", "Some checks were not successful", False, id="a failing check blocks everybody"
        ),
        pytest.param(
            "action_required", "dev1", "Some checks were not successful", False, id="so does action_required"
        ),
        pytest.param(None, "dev1", "haven&#39;t completed yet", False, id="a running check blocks"),
        pytest.param("success", "po1", "All checks have passed", False, id="triage may not merge"),
    ],
)
def test_the_merge_button_obeys_the_required_check(
    world: World, browser: FlaskClient, *, conclusion: str | None, who: str, headline: str, works: bool
) -> None:
    report(world, conclusion)
    page = browser.get(PULL, query_string={"as": who})
    assert headline in page.text
    assert merge_button_works(page) == works
    done = browser.post(f"{PULL}/merge")
    assert (world.pull("acme/shop", 1).merged_at is not None) == works
    assert (done.status_code < 400) == works


def test_a_required_check_nobody_reported_is_expected_and_blocks(browser: FlaskClient) -> None:
    page = browser.get(PULL)
    assert "Expected — Waiting for status to be reported" in page.text
    assert not merge_button_works(page)


def test_every_click_is_an_act_of_the_chosen_person(world: World, browser: FlaskClient) -> None:
    browser.get("/?as=po1")
    browser.post(f"{PULL}/label", data={"label": "slo:override"})
    browser.post(f"{PULL}/comment", data={"body": "/gatekeeper status"})
    browser.post(f"{PULL}/unlabel", data={"label": "slo:override"})
    assert [(one.event, one.actor) for one in world.events] == [("labeled", "po1"), ("unlabeled", "po1")]
    assert [(one.author, one.body) for one in world.comments.values()] == [("po1", "/gatekeeper status")]


def test_the_life_of_a_pull_request_by_clicks(world: World, browser: FlaskClient) -> None:
    seen = []
    for act in ("draft", "ready", "close", "reopen", "push", "close"):
        assert browser.post(f"{PULL}/{act}").status_code == 303
        pull = world.pull("acme/shop", 1)
        seen.append((pull.state, pull.draft, pull.head_sha != world.pull("acme/shop", 1).base_sha))
    assert [state for state, _, _ in seen] == ["open", "open", "closed", "open", "open", "closed"]
    assert [draft for _, draft, _ in seen] == [True, False, False, False, False, False]


def test_clicks_on_a_check_reach_its_app(world: World, browser: FlaskClient) -> None:
    run = report(world, "failure")
    assert "Re-run" in browser.get(PULL).text
    assert browser.post(f"/acme/shop/runs/{run}/rerun").status_code == 303
    refused = browser.post(f"/acme/shop/runs/{run}/action", data={"identifier": "absent"})
    assert refused.status_code == 404


def test_who_may_only_read_sees_no_buttons_and_is_refused(world: World, browser: FlaskClient) -> None:
    run = report(world, "failure")
    page = browser.get(PULL, query_string={"as": "outsider"})
    assert "Re-run" not in page.text
    assert "You need triage rights to label." in page.text
    refused = browser.post(f"{PULL}/label", data={"label": "slo:override"})
    assert refused.status_code == 403
    assert "Must have triage rights" in refused.text
    assert browser.post(f"/acme/shop/runs/{run}/rerun").status_code == 403


def test_a_prepared_change_opens_a_pull_request_each_time(world: World, browser: FlaskClient) -> None:
    for _ in range(2):
        opened = browser.post("/acme/shop/pulls", data={"change": "1", "title": "Synonyms"})
        assert opened.status_code == 303
    titles = [pull.title for pull in world.pulls_of("acme/shop")]
    assert titles == ["Checkout: faster payment", "Synonyms", "Synonyms"]
    assert opened.headers["Location"] == "/acme/shop/pull/3"


def test_saving_a_file_is_a_push(world: World, browser: FlaskClient) -> None:
    browser.get("/?as=ops1")
    address = "/acme/.github/blob/main/README.md"
    assert "# Policies of acme" in browser.get(address).text
    saved = browser.post(address, data={"text": "# Rules\r\n", "message": ""})
    assert saved.status_code == 303
    head = world.head("acme/.github", "main")
    assert head.files["README.md"] == b"# Rules\n"
    assert (head.author, head.message) == ("ops1", "Update README.md")


def test_pages_ask_nothing_of_other_hosts(world: World, browser: FlaskClient) -> None:
    report(world, "failure")
    world.comment_on("acme/shop", 1, "![chart](https://example.com/x.png)", by="dev1")
    for address in ("/", "/acme/shop", PULL, "/acme/shop/blob/main/README.md"):
        page = browser.get(address)
        assert "default-src 'self'" in page.headers["Content-Security-Policy"]
        assert 'src="http' not in page.text
    picture = browser.get("/avatars/gatekeeper[bot]")
    assert picture.mimetype == "image/svg+xml"


def test_another_site_may_not_click(world: World, browser: FlaskClient) -> None:
    answer = browser.post(f"{PULL}/close", headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403
    assert world.pull("acme/shop", 1).state == "open"


@pytest.mark.parametrize("address", ["/acme/shop/pull/99", "/acme/absent", "/acme/shop/blob/main/absent"])
def test_what_is_not_there_is_a_page_that_says_so(browser: FlaskClient, address: str) -> None:
    page = browser.get(address)
    assert page.status_code == 404
    assert "Not Found" in page.text


@pytest.mark.parametrize(
    ("text", "html"),
    [
        pytest.param("<!-- gatekeeper -->\n\nFrozen.", "<p>Frozen.</p>\n", id="a marker is not shown"),
        pytest.param("a <!-- b --> c", "<p>a  c</p>\n", id="nor inside of a line"),
        pytest.param("<script>x</script>", "&lt;script&gt;x&lt;/script&gt;", id="a script is shown, not run"),
        pytest.param(
            "x <img src=y onerror=z>", "<p>x &lt;img src=y onerror=z&gt;</p>\n", id="nor an attribute run"
        ),
        pytest.param("[x](javascript:alert(1))", "<p>[x](javascript:alert(1))</p>\n", id="nor a link"),
        pytest.param(
            "<details><summary>More</summary>", "<details><summary>More</summary>", id="harmless tags stay"
        ),
        pytest.param(
            "```mermaid\na-->b\n```", '<pre class="mermaid">a--&gt;b\n</pre>\n', id="a diagram is left"
        ),
        pytest.param("~~x~~", "<p><s>x</s></p>\n", id="struck through"),
        pytest.param(None, "", id="nothing"),
    ],
)
def test_markdown_is_shown_as_github_does_and_safely(text: str | None, html: str) -> None:
    assert render(text).lstrip() == html


def test_markdown_has_tables() -> None:
    assert "<td>99.95 %</td>" in render("| target |\n|---|\n| 99.95 % |\n")
