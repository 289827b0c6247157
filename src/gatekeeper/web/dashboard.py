"""The pages: rendered here, readable without JavaScript, asking nothing of other hosts."""

import math
from collections.abc import Iterator
from datetime import datetime
from functools import partial

from flask import Blueprint, render_template, request

from gatekeeper.availability.measure import Measured
from gatekeeper.decide import advice, corrections, phrases
from gatekeeper.decide.change import check_of, described
from gatekeeper.github.allowance import BETWEEN_WRITES
from gatekeeper.settings import Settings
from gatekeeper.web import chart, deployments, marked, views
from gatekeeper.web.attention import notices
from gatekeeper.web.cards import Card, Status, card, cards
from gatekeeper.web.links import Pages
from gatekeeper.web.reading import Reading
from gatekeeper.web.standing import Standing

REFRESH_SECONDS = 15
MOST_WAITING = 20
"""Of so many pull requests that wait the decision is read; a freeze may hold a thousand, and the page is read often."""


def create_dashboard(reading: Reading, settings: Settings) -> Blueprint:
    """The pages' routes."""
    blueprint = Blueprint("dashboard", __name__)

    blueprint.app_context_processor(partial(_shared, reading, Pages(settings.github_api_url)))

    @blueprint.get("/")
    def services() -> str:
        found = reading.services()
        urgent = notices(found, reading.parked(), reading.policy_sources(), settings)
        shown = cards(found)
        untold = reading.work(reading.now()).untold
        return render_template(
            "services.html",
            cards=shown,
            counts=_counts(shown),
            notices=urgent,
            untold=untold,
            takes=phrases.seconds(60 * math.ceil(untold * BETWEEN_WRITES / 60)),
        )

    @blueprint.get("/services/<name>")
    def service(name: str) -> str:
        seen = reading.service(name, request.args.get("organization"))
        report = reading.detail(seen)
        deployed = deployments.table(report.deployments)
        return render_template(
            "service.html",
            card=card(seen),
            charts=dict(_charts(reading, seen, deployed)),
            size=(chart.WIDTH, chart.HEIGHT),
            waiting=[(pull, reading.decision_of(pull)) for pull in seen.blocked[:MOST_WAITING]],
            more=seen.blocked[MOST_WAITING:],
            report=report,
            deployments=deployed,
            passes=advice.passes(seen.view),
            overriders=advice.overriders(seen.view),
        )

    @blueprint.get("/decisions/<identity>")
    def decision(identity: str) -> str:
        stored = reading.decision(identity)
        return render_template(
            "decision.html",
            stored=stored,
            check=check_of(stored.snapshot, stored.decision),
            change=described(stored.snapshot),
            verdict=views.VERDICTS[stored.decision.verdict],
            newest=reading.decision_of(stored.subject),
        )

    @blueprint.get("/policies")
    def policies() -> str:
        return render_template("policies.html", sources=reading.policy_sources(), entries=reading.policies())

    return blueprint


def _shared(reading: Reading, pages: Pages) -> dict[str, object]:
    """What every template may use."""
    now = reading.now()
    return {
        "now": now,
        "ago": partial(ago, now),
        "refresh_seconds": REFRESH_SECONDS,
        "phrases": phrases,
        "marked": marked,
        "pages": pages,
        "dated": partial(corrections.dated, now=now),
    }


def ago(now: datetime, at: datetime) -> str:
    """How far an instant lies back or ahead: ``3 h ago``, ``in 5 d 2 h``, ``now``."""
    if now == at:
        return "now"
    length = phrases.seconds(abs((now - at).total_seconds()))
    return f"in {length}" if at > now else f"{length} ago"


def _counts(shown: tuple[Card, ...]) -> dict[Status, int]:
    found = [one.status for one in shown]
    return {status: found.count(status) for status in Status if status in found}


def _charts(
    reading: Reading, seen: Standing, deployed: deployments.Table
) -> Iterator[tuple[str, chart.Chart]]:
    """By objective, how the budget of its window was spent."""
    gate = seen.view.service.gate
    thresholds = (("caution", float(gate.caution.below)), ("freeze", float(gate.freeze.below)))
    for objective, one in views.pairs(seen.view):
        found = one.evidence
        if isinstance(found, Measured):
            points = reading.burn_down(seen.view.service, objective, found)
            marks = list(deployments.moments(deployed, objective.name))
            drawn = chart.chart(points, found.window_start, found.incidents, thresholds, marks)
            if drawn is not None:
                yield objective.name, drawn
