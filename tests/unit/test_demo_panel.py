"""The story's page: every act has its button, the steps follow the facts, and only its own pages are framed."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from flask import Flask

from builders import NOW, a_view
from gatekeeper.decide.verdict import State
from gatekeeper.demo import cast
from gatekeeper.demo.acts import ACTS, STEPS
from gatekeeper.demo.clock import DemoClock
from gatekeeper.demo.github import AppKey
from gatekeeper.demo.github.acme import APP_ID
from gatekeeper.demo.panel import add_panel
from gatekeeper.demo.story import Story

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from gatekeeper.decide.snapshot import ServiceView
    from gatekeeper.demo.github import World

GATEKEEPER, GITHUB = "http://127.0.0.1:8000", "http://127.0.0.1:8001"
JSON = {"Accept": "application/json"}


class Panel:
    """The page over a story whose gate a test sets."""

    def __init__(self) -> None:
        self.view: ServiceView | None = a_view(State.OPEN, 0.34)
        clock = DemoClock(NOW)
        self.world: World = cast.world(clock, public_key=AppKey.shared().public, signing_clock=clock)
        self.story = Story(self.world, cast.history(NOW), clock, lambda: self.view)
        app = Flask("gatekeeper.web")
        app.add_url_rule("/", "page", lambda: "a page of Gatekeeper's")
        add_panel(app, self.story, gatekeeper=GATEKEEPER, github=GITHUB)
        self.client: FlaskClient = app.test_client()

    def text(self) -> str:
        return self.client.get("/demo/").get_data(as_text=True)

    def ready(self) -> set[str]:
        """The acts whose buttons can be pressed."""
        buttons = re.findall(r'<button [^>]*data-act="([^"]+)"([^>]*)>', self.text())
        return {name for name, rest in buttons if "disabled" not in rest}

    def current(self) -> str:
        """The step that is open."""
        (name,) = re.findall(r'<details id="step-([a-z]+)" open>', self.text())
        return str(name)

    def play(self, act: str) -> dict[str, str | None]:
        answer = self.client.post(f"/demo/acts/{act}", headers=JSON)
        assert answer.status_code == 200
        told: dict[str, str | None] = answer.get_json()
        return told

    def report(self, number: int, conclusion: str) -> None:
        head = self.world.pull(cast.SHOP, number).head_sha
        self.world.report_check(cast.SHOP, head, "gatekeeper", app_id=APP_ID, conclusion=conclusion)


@pytest.fixture
def panel() -> Panel:
    return Panel()


def test_every_act_has_one_button_and_every_step_its_text(panel: Panel) -> None:
    text = panel.text()
    assert sorted(re.findall(r'data-act="([^"]+)"', text)) == sorted(ACTS)
    assert re.findall(r'id="step-([a-z]+)"', text) == [step.name for step in STEPS]


CLOCK = {"real-time", "fast", "hour", "day"}


def test_what_cannot_be_done_yet_cannot_be_pressed(panel: Panel) -> None:
    panel.view = None
    assert panel.ready() == CLOCK | {"break-policy"}
    panel.view = a_view(State.OPEN, 0.34)
    panel.report(cast.DOCS, "success")
    assert panel.ready() == CLOCK | {"break-policy", "merge-docs", "start-incident"}


def test_the_steps_follow_what_happens(panel: Panel) -> None:
    """The whole story, with a gate that a test moves."""
    for number in cast.PULLS:
        panel.report(number, "success")
    assert panel.current() == "flow"
    panel.play("merge-docs")
    assert panel.current() == "incident"
    panel.play("start-incident")
    panel.view = a_view(State.FROZEN, -0.1, expected_end=NOW + timedelta(days=3))
    panel.story.watch()
    for number in (cast.FEATURE, cast.WAITING):
        panel.report(number, "action_required")
    assert panel.current() == "refused"
    panel.play("try-merge")
    assert "GitHub refuses" in panel.text()
    assert panel.current() == "recovery"
    panel.play("end-incident")
    assert panel.current() == "override"
    assert {"outsider-asks", "operator-asks"} <= panel.ready()
    panel.play("outsider-asks")
    assert not {"outsider-asks", "operator-asks"} & panel.ready()
    panel.world.unlabel(cast.SHOP, cast.FEATURE, "slo:override", by=cast.OPS)
    assert "took Otto&#39;s label off" in panel.text() or "took Otto's label off" in panel.text()
    panel.play("operator-asks")
    panel.report(cast.FEATURE, "success")
    panel.play("merge-feature")
    assert panel.current() == "fix"
    panel.play("merge-fix")
    assert panel.current() == "thaw"
    assert {"go-to-thaw", "merge-waiting"} & panel.ready() == {"go-to-thaw"}
    panel.play("go-to-thaw")
    panel.view = a_view(State.CAUTION, 0.12)
    panel.story.watch()
    panel.report(cast.WAITING, "success")
    assert {"go-to-thaw", "merge-waiting"} & panel.ready() == {"merge-waiting"}
    panel.play("merge-waiting")
    panel.play("break-policy")
    assert panel.current() == "mistake"
    panel.play("mend-policy")
    assert "That was the story" in panel.text()


def test_a_step_that_is_left_out_holds_nobody_up(panel: Panel) -> None:
    panel.play("start-incident")
    panel.view = a_view(State.FROZEN, 0.2)
    panel.story.watch()
    assert panel.current() == "refused"
    panel.play("end-incident")
    assert panel.current() == "override"


def test_an_act_says_where_to_look(panel: Panel) -> None:
    assert panel.play("start-incident") == {
        "github": f"{GITHUB}/acme/shop/pull/1?as=dev1#merge-box",
        "gatekeeper": f"{GATEKEEPER}/",
    }
    assert panel.play("end-incident") == {"github": None, "gatekeeper": f"{GATEKEEPER}/services/checkout"}
    text = panel.text()  # and a page that is loaded again looks there too
    assert f'src="{GITHUB}/acme/shop/pull/1?as=dev1#merge-box"' in text
    assert f'src="{GATEKEEPER}/services/checkout"' in text


def test_the_refused_label_is_shown_with_the_comment_that_explains_it(panel: Panel) -> None:
    panel.view = a_view(State.FROZEN, -0.1)
    comment = panel.world.comment_on(cast.SHOP, cast.FEATURE, "Frozen.", by=cast.OPS)
    panel.world.accounts["gatekeeper[bot]"] = panel.world.accounts[cast.OPS]
    panel.world.comments[comment.id] = type(comment)(
        comment.id,
        comment.repository,
        comment.number,
        "gatekeeper[bot]",
        comment.body,
        comment.created_at,
        comment.updated_at,
    )
    address = panel.play("outsider-asks")["github"] or ""
    assert address.endswith(f"#issuecomment-{comment.id}")


def test_what_is_not_ready_is_not_done(panel: Panel) -> None:
    assert panel.play("end-incident") == {"github": None, "gatekeeper": None}
    assert "cannot be done as things stand" in panel.text()


def test_without_a_script_the_page_comes_back(panel: Panel) -> None:
    answer = panel.client.post("/demo/acts/day")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/demo/")


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        pytest.param("/demo/acts/nothing", {}, 404, id="an act that nobody knows"),
        pytest.param("/demo/acts/day", {"Sec-Fetch-Site": "cross-site"}, 403, id="another site's click"),
        pytest.param("/demo/acts/day", {"Sec-Fetch-Site": "same-origin"}, 303, id="a click of its own"),
    ],
)
def test_who_may_play(panel: Panel, path: str, headers: dict[str, str], status: int) -> None:
    assert panel.client.post(path, headers=headers).status_code == status


def test_only_the_story_frames_and_only_it_is_framed_by(panel: Panel) -> None:
    story = panel.client.get("/demo/").headers["Content-Security-Policy"]
    page = panel.client.get("/").headers["Content-Security-Policy"]
    assert f"frame-src 'self' {GITHUB}" in story
    assert "frame-src" not in page
    assert "frame-ancestors 'self'" in page
    assert "form-action 'none'" in page


@pytest.mark.parametrize(
    ("remaining", "bar"),
    [
        pytest.param(0.34, 'class="left" x="50.0" width="34.0"', id="what is left goes to the right"),
        pytest.param(-0.25, 'class="spent" x="25.0" width="25.0"', id="what is overspent to the left"),
        pytest.param(-3.0, 'class="spent" x="0.0" width="50.0"', id="as far as there is room"),
    ],
)
def test_the_bar(panel: Panel, remaining: float, bar: str) -> None:
    panel.view = a_view(State.FROZEN, remaining)
    assert bar in panel.text()
