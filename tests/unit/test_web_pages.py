"""The pages: what people have to find on them, and that nothing hostile gets out of its text."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from flask.testing import FlaskClient

import faces
from gatekeeper.bootstrap import Gatekeeper
from gatekeeper.decide.snapshot import Opening
from gatekeeper.decide.verdict import Owed, State
from gatekeeper.events.keys import WorkKey
from gatekeeper.events.triggers import Priority, Touch
from gatekeeper.web.app import create_app
from gatekeeper.web.dashboard import MOST_WAITING, ago
from gatekeeper.web.links import Pages
from gatekeeper.web.marked import blocks, inline


class Page(HTMLParser):
    """A parsed page: its tags, and its visible text."""

    VOID = frozenset({"meta", "link", "br", "hr"})
    BLOCKS = frozenset({"dt", "dd", "div", "li", "p", "td", "th"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self._text: list[str] = []
        self.feed(html)
        self.close()

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", "".join(self._text))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)
        if tag in self.BLOCKS:
            self._text.append(" ")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"{tag} ends out of turn"

    def handle_data(self, data: str) -> None:
        self._text.append(data)

    def addresses(self) -> set[str]:
        return {
            value
            for _, found in self.tags
            for key, value in found.items()
            if key in {"src", "href"} and value
        }


@pytest.fixture(scope="module")
def gatekeeper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gatekeeper]:
    one = faces.populated(tmp_path_factory.mktemp("pages"))
    yield one
    one.close()


@pytest.fixture(scope="module")
def client(gatekeeper: Gatekeeper) -> FlaskClient:
    return create_app(gatekeeper).test_client()


def page(client: FlaskClient, path: str, status: int = 200) -> Page:
    answer = client.get(path)
    assert answer.status_code == status
    assert answer.mimetype == "text/html"
    parsed = Page(answer.text)
    assert parsed.open == []
    return parsed


def row(client: FlaskClient, name: str) -> str:
    """The overview's text about one service."""
    html = client.get("/").text
    (body,) = (one for one in re.findall(r"<tbody.*?</tbody>", html, re.DOTALL) if f">{name}</a>" in one)
    return Page(body).text


def all_paths(gatekeeper: Gatekeeper) -> list[str]:
    decisions = [f"/decisions/{one.id}" for one in gatekeeper.stores.decisions.latest()]
    return ["/", "/policies", "/services/nope", *(f"/services/{name}" for name in faces.SERVICES), *decisions]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        pytest.param(
            "checkout", ["Frozen", "99.95 %", "over", "until 2026-12-", "20 min"], id="a frozen one"
        ),
        pytest.param("checkout", ["acme/shop#12", "acme/shop#14"], id="the pull requests that it blocks"),
        pytest.param(
            "checkout",
            [
                "Cause: 2026-11-19 15:03 to 15:44 UTC",
                "after acme/shop@d4d4d4d was deployed at 2026-11-19 15:00 UTC, rolled back at 2026-11-19 15:43 UTC",
            ],
            id="what caused a freeze",
        ),
        pytest.param(
            "search",
            ["Caution", "% left", "policy has mistakes", "Ends: "],
            id="one in caution",
        ),
        pytest.param(
            "payments", ["availability", "fast-enough", "≈ 99.79"], id="two objectives, one approximate"
        ),
        pytest.param(
            "newsletter",
            ["only observes", "≥ 3 d", "partial window: since 2026-11-13", "d of 28 d"],
            id="a young one",
        ),
        pytest.param(
            "recommendations",
            ["Reading history", "42.0 % of the history", "only advises"],
            id="a new one",
        ),
        pytest.param(
            "legacy",
            ["Not measured", "are from 2026-11-22 15:03", "source does not answer"],
            id="a stale one",
        ),
    ],
)
def test_the_overview_tells_of(client: FlaskClient, name: str, words: list[str]) -> None:
    text = row(client, name)
    assert [word for word in words if word not in text] == []


def test_the_most_urgent_come_first(client: FlaskClient) -> None:
    names = re.findall(r'href="/services/([\w-]+)\?organization=acme">', client.get("/").text)
    assert names == ["checkout", "search", "legacy", "recommendations", "payments", "newsletter"]


def test_how_many_a_moved_gate_has_not_reached_yet_is_said(tmp_path: Path) -> None:
    gatekeeper = faces.gatekeeper_at(tmp_path)
    faces.measure(gatekeeper, *faces.put_policies(gatekeeper, "checkout"))
    client = create_app(gatekeeper).test_client()
    assert "still to be told" not in page(client, "/").text
    pulls = [Touch(WorkKey.pull("acme/shop", number), Priority.OPEN) for number in range(1, 343)]
    gatekeeper.stores.queue.add(pulls)
    assert (
        "<strong>342</strong>pull requests still to be told that a gate moved, which takes about 6 min"
        in client.get("/").text
    )
    gatekeeper.close()


def test_of_many_that_wait_the_rest_is_folded_away(tmp_path: Path) -> None:
    gatekeeper = faces.gatekeeper_at(tmp_path)
    faces.measure(gatekeeper, *faces.put_policies(gatekeeper, "checkout"))
    client = create_app(gatekeeper).test_client()
    for number in range(1, MOST_WAITING + 1):
        faces.open_pull(gatekeeper, number, f"Change {number}", "checkout")
    assert "more-waiting" not in client.get("/services/checkout").text
    for number in (MOST_WAITING + 1, MOST_WAITING + 2):
        faces.open_pull(gatekeeper, number, f"Change {number}", "checkout")
    shown = page(client, "/services/checkout")
    assert "2 more acme/shop#21, acme/shop#22" in shown.text
    assert "Change 20" in shown.text
    assert "https://github.com/acme/shop/pull/22" in shown.addresses()
    gatekeeper.close()


def test_a_service_that_is_open_to_every_change_needs_attention(tmp_path: Path) -> None:
    gatekeeper = faces.gatekeeper_at(tmp_path)
    faces.measure(gatekeeper, *faces.put_policies(gatekeeper, "checkout"))
    known, now = gatekeeper.stores.gates.standing("acme/checkout"), gatekeeper.clock()
    assert known is not None
    client = create_app(gatekeeper).test_client()
    for until, said in ((now + timedelta(hours=3), True), (now, False)):
        view = replace(known.view, opening=Opening("ops1", now - timedelta(hours=1), until, "an <outage>"))
        gatekeeper.stores.gates.save(view, view.memory.state, (), known.at)
        text = page(client, "/").text
        assert ("by @ops1: an <outage> /gatekeeper close checkout in a comment" in text) is said
        shown = page(client, "/services/checkout").text
        assert ("Opened every change passes until 2026-" in shown) is said
        assert ("by @ops1: an <outage>" in shown) is said
        told = client.get("/api/v1/services/checkout").json
        assert told is not None
        assert (told["opening"] is not None and told["opening"]["reason"] == "an <outage>") is said
    gatekeeper.close()


def test_what_needs_attention_is_said_with_what_to_do(client: FlaskClient) -> None:
    text = page(client, "/").text
    assert "Needs attention" in text
    assert "Pull request acme/shop#9: given up at 2026-11-22 19:03 UTC after 1 attempt" in text
    assert "403 Resource not accessible by integration" in text
    assert "acme/legacy, availability: its source fails since 2026-11-22 15:03 UTC" in text
    assert "acme/shop: 1 problem in its policy files: policies/search.yaml:8:15" in text


def deployment(client: FlaskClient, service: str, identity: int) -> Page:
    """The page's part about one deployment."""
    html = client.get(f"/services/{service}").text
    (body,) = re.findall(f'<tbody id="deployment-{identity}">.*?</tbody>', html, re.DOTALL)
    return Page(body)


@pytest.mark.parametrize(
    ("identity", "words", "links"),
    [
        pytest.param(
            5,
            ["2026-11-19 15:00 UTC d4d4d4d to production", "rolled back by c3c3c3c", "130.", "15,80"],
            [f"https://github.com/acme/shop/commit/{'d4' * 20}", "#deployment-6"],
            id="a costly one that was rolled back",
        ),
        pytest.param(
            6,
            ["– takes back d4d4d4d, which bears the cost"],
            ["https://github.com/acme/shop/actions/runs/6", "#deployment-5"],
            id="the rollback",
        ),
        pytest.param(
            8,
            ["bad beyond the everyday, in 11 h", "ambiguous: it may be the fault of e5e5e5e"],
            ["#deployment-7"],
            id="one that another came shortly before",
        ),
        pytest.param(
            7, ["ambiguous: what f6f6f6f cost may be its fault"], ["#deployment-8"], id="the one before"
        ),
        pytest.param(3, ["less than 0.1 % within chance", "<img src=x"], [], id="one within chance"),
    ],
)
def test_a_deployment_is_told_with_its_cost(
    client: FlaskClient, identity: int, words: list[str], links: list[str]
) -> None:
    shown = deployment(client, "checkout", identity)
    assert [word for word in words if word not in shown.text] == []
    assert set(links) <= shown.addresses()


def test_several_objectives_have_a_line_each(client: FlaskClient) -> None:
    text = deployment(client, "payments", 1).text
    assert "0 % availability nothing beyond the everyday" in text
    assert "fast-enough" in text


def test_the_deployments_begin_with_what_they_come_to(client: FlaskClient) -> None:
    text = page(client, "/services/checkout").text
    assert "7 deployments: after 3 of them more went bad than chance explains." in text
    assert "nothing went bad after them beyond chance" in page(client, "/services/payments").text


def test_of_many_deployments_the_rest_is_in_the_json(tmp_path: Path) -> None:
    gatekeeper = faces.gatekeeper_at(tmp_path)
    faces.measure(gatekeeper, *faces.put_policies(gatekeeper, "newsletter"))
    faces.deploy(gatekeeper, *(faces.Deploying(timedelta(hours=one), f"{one:040x}") for one in range(30)))
    shown = page(create_app(gatekeeper).test_client(), "/services/newsletter")
    assert "10 older, after which nothing went bad beyond chance, are in the JSON." in shown.text
    assert "/api/v1/services/newsletter?organization=acme" in shown.addresses()
    gatekeeper.close()


def test_without_a_deployment_it_says_where_they_come_from(tmp_path: Path) -> None:
    gatekeeper = faces.gatekeeper_at(tmp_path)
    faces.measure(gatekeeper, *faces.put_policies(gatekeeper, "checkout"))
    text = page(create_app(gatekeeper).test_client(), "/services/checkout").text
    assert "None in the window: deployment_status events tell of them, or pipelines" in text
    gatekeeper.close()


def test_nothing_needs_attention_where_nothing_does(tmp_path: Path) -> None:
    wired = {"github_token": "t", "webhook_secret": "s", "prometheus_url": "http://127.0.0.1:9"}
    gatekeeper = faces.gatekeeper_at(tmp_path, **wired)
    text = page(create_app(gatekeeper).test_client(), "/").text
    assert "Needs attention" not in text
    assert "No service yet" in text
    gatekeeper.close()


def test_a_half_set_up_server_says_so(tmp_path: Path) -> None:
    gatekeeper = faces.gatekeeper_at(tmp_path)
    text = page(create_app(gatekeeper).test_client(), "/").text
    assert "GATEKEEPER_WEBHOOK_SECRET not set: every webhook is refused" in text
    assert "GATEKEEPER_PROMETHEUS_URL not set" in text
    gatekeeper.close()


def test_a_services_page_has_everything_behind_the_overview(client: FlaskClient) -> None:
    text = page(client, "/services/checkout").text
    for words in (
        "Expected end 2026-12-17",
        "What may pass changes labelled reliability or security",
        "Who can override an active member of @acme/sre",
        "20,075",
        "Burn rate, 5 min",
        "2026-11-19 15:03 UTC",
        "availability was 57.5 % over its budget",
        "not granted: @dev1 is not an active member of @acme/sre",
        "the fix for the outage",
        'http_requests_total{job="checkout"}',
    ):
        assert words in text


def test_an_end_that_waits_for_a_postmortem_is_not_promised(tmp_path: Path) -> None:
    gatekeeper = faces.populated(tmp_path)
    view = gatekeeper.stores.gates.view("acme/checkout")
    assert view
    owed = Owed("availability", view.memory.since, None, 0.5)
    waiting = replace(view, memory=replace(view.memory, owed=(owed,)))
    gatekeeper.stores.gates.save(waiting, State.FROZEN, [], faces.NOW)
    client = create_app(gatekeeper).test_client()
    assert "Not before 2026-12-17" in page(client, "/services/checkout").text
    assert "not before 2026-12-17" in (overview := page(client, "/").text)
    assert "once a postmortem is linked" in overview
    gatekeeper.close()


def test_a_chart_can_be_read_without_seeing_it(client: FlaskClient) -> None:
    tags = page(client, "/services/checkout").tags
    (chart,) = (found for tag, found in tags if tag == "svg" and found.get("role") == "img")
    assert "over the budget at 2026-11-22" in (chart["aria-label"] or "")


def test_a_decision_is_explained_with_its_numbers_and_how_to_derive_it_again(
    client: FlaskClient, gatekeeper: Gatekeeper
) -> None:
    stored = gatekeeper.stores.decisions.latest("acme/shop#12")[0]
    text = page(client, f"/decisions/{stored.id}").text
    assert "Blocked" in text
    assert "checkout is frozen: 66.0 % over its error budget" in text
    assert f"gatekeeper replay {stored.id}" in text
    assert "24,191,984" in text


def test_policies_are_listed_with_what_is_wrong(client: FlaskClient) -> None:
    text = page(client, "/policies").text
    assert '"99.95" is not a percentage; write 99.95%' in text
    assert "acme/shop/policies/checkout.yaml" in text


def test_a_page_that_does_not_exist_is_a_page_too(client: FlaskClient) -> None:
    assert "no service is named nope" in page(client, "/services/nope", 404).text
    assert "All services" in page(client, "/nothing", 404).text


def test_one_name_in_two_organizations_is_a_choice(tmp_path: Path) -> None:
    gatekeeper = faces.gatekeeper_at(tmp_path)
    faces.put_policies(gatekeeper, "checkout")
    faces.put_policies(gatekeeper, "checkout", organization="other")
    client = create_app(gatekeeper).test_client()
    found = page(client, "/services/checkout", 409)
    assert {
        "/services/checkout?organization=acme",
        "/services/checkout?organization=other",
    } < found.addresses()
    gatekeeper.close()


def test_a_hostile_title_comes_out_as_text(client: FlaskClient, gatekeeper: Gatekeeper) -> None:
    stored = gatekeeper.stores.decisions.latest("acme/shop#14")[0]
    for path in (f"/decisions/{stored.id}", "/services/checkout"):
        found = page(client, path)
        assert faces.HOSTILE in found.text
        assert "img" not in {tag for tag, _ in found.tags}


def test_no_page_has_anything_inline_or_from_elsewhere(client: FlaskClient, gatekeeper: Gatekeeper) -> None:
    for path in all_paths(gatekeeper):
        found = Page(client.get(path).text)
        handlers = {
            key
            for _, attributes in found.tags
            for key in attributes
            if key.startswith("on") or key == "style"
        }
        assert handlers == set(), path
        loaded = {
            found.get("src") or found.get("href")
            for tag, found in found.tags
            if tag in {"script", "link", "img"}
        }
        assert loaded <= {"/static/page.css", "/static/refresh.js", "/static/icon.svg"}, path


def test_every_answer_forbids_what_the_pages_do_not_need(client: FlaskClient, gatekeeper: Gatekeeper) -> None:
    for path in [*all_paths(gatekeeper), "/static/page.css", "/api/v1/services"]:
        with client.get(path) as answer:  # a file is open until then
            headers = answer.headers
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("render", "text", "html"),
    [
        pytest.param(inline, "`a.b` was 3 % over", "<code>a.b</code> was 3 % over", id="code in a sentence"),
        pytest.param(
            inline, "<b>*x*</b> [a](b)", "&lt;b&gt;*x*&lt;/b&gt; [a](b)", id="nothing but code in a sentence"
        ),
        pytest.param(
            blocks, "<script>1</script>", "<p>&lt;script&gt;1&lt;/script&gt;</p>\n", id="no HTML in a text"
        ),
        pytest.param(
            blocks, "![a](http://x/y.png)", "<p>![a](http://x/y.png)</p>\n", id="no images in a text"
        ),
        pytest.param(blocks, "[a](javascript:b)", "<p>[a](javascript:b)</p>\n", id="no links in a text"),
    ],
)
def test_markdown_is_ours_only(render: object, text: str, html: str) -> None:
    assert callable(render)
    assert render(text) == html


@pytest.mark.parametrize(
    ("api", "page_of_pull"),
    [
        pytest.param("https://api.github.com", "https://github.com/acme/shop/pull/12", id="github.com"),
        pytest.param(
            "https://git.acme.com/api/v3", "https://git.acme.com/acme/shop/pull/12", id="Enterprise Server"
        ),
        pytest.param("http://127.0.0.1:9000", "http://127.0.0.1:9000/acme/shop/pull/12", id="the stand-in"),
    ],
)
def test_links_lead_to_the_pages_of_the_api_that_is_used(api: str, page_of_pull: str) -> None:
    pages = Pages(api)
    assert pages.pull("acme/shop#12") == page_of_pull
    assert pages.file("acme/shop", "policies/a b.yaml", "") == page_of_pull.replace(
        "pull/12", "blob/HEAD/policies/a%20b.yaml"
    )


def test_an_instant_is_told_from_the_present() -> None:
    assert ago(faces.NOW, faces.NOW - 3 * faces.HOURS) == "3 h ago"
    assert ago(faces.NOW, faces.NOW + 2 * faces.A_DAY + faces.HOURS) == "in 2 d 1 h"
