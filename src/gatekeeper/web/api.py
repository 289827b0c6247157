"""The JSON API under ``/api/v1/``: reads only, but for deployments that pipelines report."""

from collections.abc import Callable
from http import HTTPStatus

import structlog
from flask import Blueprint, Response, request
from pydantic import BaseModel
from werkzeug.exceptions import BadRequest

from gatekeeper.web.answers import AnswersOnRecord
from gatekeeper.web.models import DecisionList, GateReport, ServiceList
from gatekeeper.web.openapi import DEFAULT_DECISIONS, LONGEST_ENVIRONMENT, MOST_DECISIONS, description
from gatekeeper.web.reading import Reading
from gatekeeper.web.reporting import LARGEST_REPORT, Reporting
from gatekeeper.web.views import decision_detail, decision_report, service_report
from gatekeeper.web.waiting import MOST_SECONDS, Waiting

PREFIX = "/api/v1"

log = structlog.get_logger()


def create_api(
    reading: Reading,
    waiting: Waiting,
    reporting: Reporting,
    record: AnswersOnRecord,
    count_gate: Callable[[str], None],
) -> Blueprint:
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
        organization, environment = request.args.get("organization"), _environment()
        found = waiting.until(
            lambda: reading.gate(name, organization, environment),
            lambda found: found.report.allowed and found.report.known,
            _number("wait", 0, least=0, most=MOST_SECONDS),
        )
        told = record.keep(found)
        _tell(told)
        count_gate(told.effective if told.known else "unknown")
        return _answer(told)

    @blueprint.get("/decisions")
    def decisions() -> Response:
        found = reading.decisions(
            request.args.get("subject"), _number("limit", DEFAULT_DECISIONS, least=1, most=MOST_DECISIONS)
        )
        return _answer(DecisionList(decisions=[decision_report(one) for one in found]))

    @blueprint.get("/decisions/<identity>")
    def decision(identity: str) -> Response:
        return _answer(decision_detail(reading.decision(identity)))

    @blueprint.post("/deployments")
    def deployments() -> Response:
        reporting.admit(request.headers.get("Authorization", ""))
        request.max_content_length = LARGEST_REPORT
        receipt = reporting.receive(request.get_data(cache=False))
        return _answer(receipt, HTTPStatus.CREATED if receipt.new else HTTPStatus.OK)

    @blueprint.get("/openapi.json")
    def openapi() -> dict[str, object]:
        return description()

    return blueprint


def _answer(answer: BaseModel, status: HTTPStatus = HTTPStatus.OK) -> Response:
    return Response(answer.model_dump_json(), status, mimetype="application/json")


def _tell(told: GateReport) -> None:
    """Log what a pipeline was told: on record are only answers that differ."""
    fields = ("organization", "service", "environment", "state", "effective", "known", "why", "decision")
    log.info("gate.answered", **told.model_dump(mode="json", include=set(fields)))


def _environment() -> str:
    given = request.args.get("environment", "")
    if not (given.strip() and len(given) <= LONGEST_ENVIRONMENT):
        raise BadRequest(f"environment is a name of 1 to {LONGEST_ENVIRONMENT} characters")
    return given


def _number(name: str, default: int, *, least: int, most: int) -> int:
    given = request.args.get(name, str(default))
    if not (given.isascii() and given.isdecimal() and least <= int(given[:9]) <= most):
        raise BadRequest(f"{name} is a number from {least} to {most}")
    return int(given)
