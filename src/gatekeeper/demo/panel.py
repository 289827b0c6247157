"""The story's page: steps with buttons on one side, the simulated GitHub and Gatekeeper side by side on the other."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from flask import Blueprint, Flask, Response, abort, jsonify, redirect, render_template, request, url_for

from gatekeeper.decide import phrases
from gatekeeper.demo.acts import ACTS, OPENING, STEPS, Act, Scene
from gatekeeper.demo.story import Story
from gatekeeper.web.app import POLICY

DASHBOARD_SECONDS = 1
"""How often Gatekeeper's pages renew themselves here: a second can be a minute."""
OVERSPENT, WHOLE = -50.0, 100.0
"""The ends of the budget's bar, in percent."""


@dataclass(frozen=True)
class _Gauge:
    """The bar from nothing left to what is left, on a line as long as from ``OVERSPENT`` to ``WHOLE``."""

    zero: float
    x: float
    width: float
    over: bool


class _Page:
    """What the page shows beside the facts: the last act's sentence, and where the two windows are."""

    def __init__(self, story: Story, *, gatekeeper: str, github: str) -> None:
        self.said = ""
        self.github = github + (OPENING.github or "/")
        self.gatekeeper = gatekeeper + (OPENING.gatekeeper or "/")
        self._story = story
        self._roots = gatekeeper, github

    def play(self, act: Act) -> Scene:
        """Do what the act does; where to look now, as addresses."""
        facts = self._story.facts()
        if not act.ready(facts):
            self.said = "That cannot be done as things stand."
            return Scene()
        self.said = act.do(self._story)
        gatekeeper, github = self._roots
        scene = act.scene.at(github, gatekeeper, self._story.facts())
        self.github, self.gatekeeper = scene.github or self.github, scene.gatekeeper or self.gatekeeper
        return scene


def add_panel(app: Flask, story: Story, *, gatekeeper: str, github: str) -> None:
    """Put the story on Gatekeeper's own server, and let its pages be framed there.

    Args:
        app: Gatekeeper's application.
        story: what happens.
        gatekeeper: the address of ``app``.
        github: the address of the simulated GitHub.
    """
    app.register_blueprint(_panel(story, gatekeeper, github))
    app.context_processor(lambda: {"refresh_seconds": DASHBOARD_SECONDS})
    framed = POLICY.replace("frame-ancestors 'none'", "frame-ancestors 'self'")
    framing = framed.replace("form-action 'none'", "form-action 'self'") + f"; frame-src 'self' {github}"

    @app.after_request
    def let_it_be_framed(response: Response) -> Response:
        inside = request.blueprint == "demo"
        response.headers["Content-Security-Policy"] = framing if inside else framed
        return response


def _panel(story: Story, gatekeeper: str, github: str) -> Blueprint:
    blueprint = Blueprint(
        "demo", __name__, url_prefix="/demo", template_folder="templates", static_folder="static"
    )
    page = _Page(story, gatekeeper=gatekeeper, github=github)

    @blueprint.get("/")
    def show() -> str:
        facts = story.facts()
        done = {step.name: step.done(facts) for step in STEPS}
        return render_template(
            "story.html",
            facts=facts,
            acts=ACTS,
            done=done,
            current=_current(done),
            page=page,
            roots={"gatekeeper": gatekeeper, "github": github},
            gauge=None if facts.remaining is None else _gauge(facts.remaining),
            phrases=phrases,
        )

    @blueprint.post("/acts/<name>")
    def act(name: str) -> Any:
        if request.headers.get("Sec-Fetch-Site", "none") not in {"same-origin", "none"}:
            abort(403)
        if name not in ACTS:
            abort(404)
        scene = page.play(ACTS[name])
        if request.accept_mimetypes.best == "application/json":
            return jsonify(github=scene.github, gatekeeper=scene.gatekeeper)
        return redirect(url_for("demo.show"), 303)

    return blueprint


def _current(done: Mapping[str, bool]) -> str | None:
    """The step after the last one that was played: whoever leaves one out is not held up."""
    *_, last = (-1, *(place for place, played in enumerate(done.values()) if played))
    return next(islice(done, last + 1, None), None)


def _gauge(remaining: float) -> _Gauge:
    value = min(max(remaining * 100, OVERSPENT), WHOLE)
    return _Gauge(zero=-OVERSPENT, x=min(value, 0) - OVERSPENT, width=abs(value), over=value < 0)
