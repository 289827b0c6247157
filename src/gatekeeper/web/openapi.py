"""The OpenAPI 3.1 description of the JSON API, made of the types that the answers are."""

from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from gatekeeper.web.models import (
    DecisionDetail,
    DecisionList,
    DeploymentReceipt,
    Error,
    GateReport,
    ReportedDeployment,
    ServiceDetail,
    ServiceList,
)
from gatekeeper.web.waiting import MOST_SECONDS

MOST_DECISIONS = 200
DEFAULT_DECISIONS = 50
LONGEST_ENVIRONMENT = 255
"""Characters that a name of an environment has at most, as on GitHub."""

SCHEME = "bearer"
REFERENCE = "#/components/schemas/{model}"

_ORGANIZATION = {
    "name": "organization",
    "in": "query",
    "description": "Needed where several organizations have a service of this name.",
    "schema": {"type": "string"},
}
_ENVIRONMENT = {
    "name": "environment",
    "in": "query",
    "required": True,
    "description": "Where to, as the policy's environments name it, in whatever case.",
    "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_ENVIRONMENT},
}
_WAIT = {
    "name": "wait",
    "in": "query",
    "description": "Answer only once it is allowed, and known, or after so many seconds: a long poll. "
    "When too many requests wait already, the answer comes at once.",
    "schema": {"type": "integer", "minimum": 0, "maximum": MOST_SECONDS, "default": 0},
}
_SUBJECT = {
    "name": "subject",
    "in": "query",
    "description": "Decisions on this pull request only, as owner/name#number (# is written %23).",
    "schema": {"type": "string"},
}
_LIMIT = {
    "name": "limit",
    "in": "query",
    "description": "As many at most.",
    "schema": {"type": "integer", "minimum": 1, "maximum": MOST_DECISIONS, "default": DEFAULT_DECISIONS},
}


@cache
def description() -> dict[str, Any]:
    """The whole description."""
    answers: list[type[BaseModel]] = [
        ServiceList,
        ServiceDetail,
        GateReport,
        DeploymentReceipt,
        DecisionList,
        DecisionDetail,
        Error,
    ]
    _, schemas = models_json_schema(
        [*((answer, "serialization") for answer in answers), (ReportedDeployment, "validation")],
        ref_template=REFERENCE,
    )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Gatekeeper",
            "version": version("gatekeeper-slo"),
            "description": "Error budgets that pull requests and deployments obey. Numbers are unrounded, times "
            "RFC 3339 UTC, durations seconds, shares fractions; what is not measured is null.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/api/v1"}],
        "paths": {
            "/services": _get("services", "All services", ServiceList),
            "/services/{name}": _get(
                "service",
                "A service with its history",
                ServiceDetail,
                _path("name"),
                _ORGANIZATION,
                errors=(404, 409),
            ),
            "/services/{name}/gate": _get(
                "gate",
                "What a service's gate says to a deployment into an environment",
                GateReport,
                _path("name"),
                _ENVIRONMENT,
                _WAIT,
                _ORGANIZATION,
                errors=(400, 404, 409),
            ),
            "/deployments": _post("report", "Report a deployment", ReportedDeployment, DeploymentReceipt),
            "/decisions": _get(
                "decisions", "Decisions, newest first", DecisionList, _SUBJECT, _LIMIT, errors=(400,)
            ),
            "/decisions/{id}": _get(
                "decision", "A decision with its whole input", DecisionDetail, _path("id"), errors=(404,)
            ),
        },
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {SCHEME: {"type": "http", "scheme": "bearer"}},
        },
    }


def _get(
    operation: str,
    summary: str,
    answer: type[BaseModel],
    *parameters: Mapping[str, Any],
    errors: tuple[int, ...] = (),
) -> dict[str, Any]:
    reasons = {400: "A parameter is wrong.", 404: "There is no such thing.", 409: "Several are meant."}
    refusals = {status: reasons[status] for status in errors}
    return {
        "get": {
            "operationId": operation,
            "summary": summary,
            "parameters": list(parameters),
            "responses": {"200": _content("The answer.", answer)} | _refusals(refusals),
        }
    }


def _post(operation: str, summary: str, body: type[BaseModel], answer: type[BaseModel]) -> dict[str, Any]:
    refusals = {
        400: "The report is wrong.",
        401: "The token is missing or wrong.",
        403: "No token is set, so nothing can be reported.",
        409: "The id is that of another deployment.",
        413: "The report is too large.",
    }
    on_record = {"201": _content("It is on record.", answer), "200": _content("It was already.", answer)}
    return {
        "post": {
            "operationId": operation,
            "summary": summary,
            "security": [{SCHEME: []}],
            "requestBody": {"required": True, **_content("The report.", body)},
            "responses": on_record | _refusals(refusals),
        }
    }


def _refusals(reasons: Mapping[int, str]) -> dict[str, Any]:
    all_of_them = {**reasons, 503: "The database could not be used."}
    return {str(status): _content(reason, Error) for status, reason in all_of_them.items()}


def _content(text: str, answer: type[BaseModel]) -> dict[str, Any]:
    schema = {"$ref": REFERENCE.format(model=answer.__name__)}
    return {"description": text, "content": {"application/json": {"schema": schema}}}


def _path(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
