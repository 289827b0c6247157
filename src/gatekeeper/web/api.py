"""The JSON API under ``/api/v1/``: reads only."""

from flask import Blueprint, Response, request
from pydantic import BaseModel
from werkzeug.exceptions import BadRequest

from gatekeeper.web.models import DecisionList, ServiceList
from gatekeeper.web.openapi import DEFAULT_DECISIONS, LONGEST_ENVIRONMENT, MOST_DECISIONS, description
from gatekeeper.web.reading import Reading
from gatekeeper.web.views import decision_detail, decision_report, service_report

PREFIX = "/api/v1"


def create_api(reading: Reading) -> Blueprint:
    """The API's routes. What goes wrong is answered by ``gatekeeper.web.failures``."""
    blueprint = Blueprint("api", __name__, url_prefix=PREFIX)

    @blueprint.get("/services")
    def services() -> Response:
        return _answer(ServiceList(services=[service_report(one) for one in reading.services()]))

    @blueprint.get("/services/<name>")
    def service(name: str) -> Response:
        one = reading.service(name, request.args.get("organization"))
        return _answer(reading.detail(one))

    @blueprint.get("/services/<name>/gate")
    def gate(name: str) -> Response:
        return _answer(reading.gate(name, request.args.get("organization"), _environment()))

    @blueprint.get("/decisions")
    def decisions() -> Response:
        found = reading.decisions(request.args.get("subject"), _limit())
        return _answer(DecisionList(decisions=[decision_report(one) for one in found]))

    @blueprint.get("/decisions/<identity>")
    def decision(identity: str) -> Response:
        return _answer(decision_detail(reading.decision(identity)))

    @blueprint.get("/openapi.json")
    def openapi() -> dict[str, object]:
        return description()

    return blueprint


def _answer(answer: BaseModel) -> Response:
    return Response(answer.model_dump_json(), mimetype="application/json")


def _environment() -> str:
    given = request.args.get("environment", "")
    if not (given.strip() and len(given) <= LONGEST_ENVIRONMENT):
        raise BadRequest(f"environment is a name of 1 to {LONGEST_ENVIRONMENT} characters")
    return given


def _limit() -> int:
    given = request.args.get("limit", str(DEFAULT_DECISIONS))
    if not (given.isascii() and given.isdecimal() and 1 <= int(given[:9]) <= MOST_DECISIONS):
        raise BadRequest(f"limit is a number from 1 to {MOST_DECISIONS}")
    return int(given)
