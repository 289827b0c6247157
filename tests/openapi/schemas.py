"""JSON Schema as OpenAPI 3.0 writes it, made into JSON Schema proper; and a validator over one document."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import best_match
from referencing import Registry
from referencing.jsonschema import DRAFT202012

DOCUMENT = "urn:document"
PROSE = {"description", "example", "examples", "summary", "externalDocs", "x-github", "tags", "title"}
FORMATS = FormatChecker(formats=())


@FORMATS.checks("date-time")
def _date_time(value: object) -> bool:
    pattern = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"
    return not isinstance(value, str) or re.fullmatch(pattern, value) is not None


@FORMATS.checks("uri")
def _uri(value: object) -> bool:
    return not isinstance(value, str) or bool(urlsplit(value).scheme)


def json_schema(node: Any) -> Any:
    """Without prose, with ``nullable`` as JSON Schema says it, and with references into ``DOCUMENT``."""
    if isinstance(node, list):
        return [json_schema(one) for one in node]
    if not isinstance(node, dict):
        return node
    made: dict[str, Any] = {
        key: {name: json_schema(inner) for name, inner in value.items()}
        if key == "properties"
        else json_schema(value)
        for key, value in node.items()
        if key not in PROSE
    }
    if isinstance(made.get("$ref"), str):
        made["$ref"] = DOCUMENT + made["$ref"]
    return _with_null(made) if made.pop("nullable", False) is True else made


def _with_null(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


def judge(document: dict[str, Any]) -> Draft202012Validator:
    """A validator for schemas whose references lead into the document."""
    resource = DRAFT202012.create_resource(document)
    registry: Registry[Any] = Registry().with_resource(DOCUMENT, resource)
    return Draft202012Validator({}, registry=registry, format_checker=FORMATS)


def complaint(judge: Draft202012Validator, schema: dict[str, Any], value: Any) -> str | None:
    """The most telling error with its place, or None when the value is as described."""
    error = best_match(judge.evolve(schema=schema).iter_errors(value))
    if error is None:
        return None
    place = "/".join(map(str, error.absolute_path)) or "(all of it)"
    return f"{place}: {error.message[:300]}"
