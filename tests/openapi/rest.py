"""Recorded REST calls against GitHub's OpenAPI description."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

from openapi import graphql, packages
from openapi.schemas import DOCUMENT, complaint, json_schema, judge

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from jsonschema import Draft202012Validator

PACKAGE, MEMBER = "@octokit/openapi@23", "generated/api.github.com.json"
MANY_SEGMENTS = {"path", "ref", "branch", "tree_sha"}  # their values may have slashes, and a path be empty
# Addresses that GitHub's own answers lead to (a team's url, a pull request's statuses_url), described elsewhere only.
ALIASES = (
    (r"/organizations/\d+/team/(.+)", r"/teams/\1"),
    (r"(/repos/[^/]+/[^/]+)/statuses/([^/]+)", r"\1/commits/\2/statuses"),
)
# The schema's prose: "You can also pass an array of labels directly". PyGithub does.
BARE_ARRAYS = {("post", "/repos/{owner}/{repo}/issues/{issue_number}/labels"): "labels"}
# Written out with an account that is a person *and* an enterprise; the component it repeats says "or".
CORRECTED = {
    ("get", "/app/installations"): {
        "type": "array",
        "items": {"$ref": f"{DOCUMENT}#/components/schemas/installation"},
    }
}
UNTOUCHED = {400, 422}  # the request was refused as malformed: it is not held against the description


class Recorded(Protocol):
    """What was asked and answered."""

    @property
    def method(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def query(self) -> Mapping[str, str]: ...
    @property
    def request(self) -> Any: ...
    @property
    def status(self) -> int: ...
    @property
    def response(self) -> Any: ...


def validate(call: Recorded) -> None:
    """Hold one call against the description.

    Raises:
        AssertionError: the operation, a parameter, the body sent or the answer is not as described.
    """
    complaints = list(_complaints(call))
    assert not complaints, f"{call.method} {call.path} → {call.status}: " + "; ".join(complaints)


def validate_all(calls: Iterable[Recorded]) -> None:
    """Hold every call against the description.

    Raises:
        AssertionError: with one line a complaint.
    """
    lines = [f"{one.method} {one.path} → {one.status}: {text}" for one in calls for text in _complaints(one)]
    assert not lines, "\n".join(lines)


def _complaints(call: Recorded) -> Iterator[str]:
    method = call.method.lower()
    if call.path == "/graphql":
        yield from graphql.complaints(call.request, call.response)
        return
    template = _template(method, call.path)
    if template is None:
        yield "GitHub describes no such operation"
        return
    operation = _description()["paths"][template][method]
    if call.status not in UNTOUCHED:
        yield from _parameters(operation, call.query)
        yield from _body(operation, _wrapped(method, template, call.request))
    if call.status == 200 and (method, template) in CORRECTED:
        text = complaint(_judge(), CORRECTED[method, template], call.response)
        yield from () if text is None else [f"answer: {text}"]
    else:
        yield from _answer(operation, call.status, call.response)


def _wrapped(method: str, template: str, body: Any) -> Any:
    key = BARE_ARRAYS.get((method, template))
    return {key: body} if key is not None and isinstance(body, list) else body


@cache
def _description() -> dict[str, Any]:
    loaded = packages.load(PACKAGE, MEMBER, _prepared)
    assert isinstance(loaded, dict)
    return loaded


def _prepared(description: dict[str, Any]) -> dict[str, Any]:
    kept = {name: description["components"][name] for name in ("schemas", "responses", "parameters")}
    prepared = json_schema({"paths": description["paths"], "components": kept})
    assert isinstance(prepared, dict)
    return prepared


@cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    """Every path template, the one with the most fixed text first."""
    templates = sorted(_description()["paths"], key=lambda one: -len(re.sub(r"\{.*?\}", "", one)))
    return [(re.compile(_regex(template)), template) for template in templates]


def _regex(template: str) -> str:
    parts = re.split(r"\{(.*?)\}", template)
    names = (r".*" if name in MANY_SEGMENTS else r"[^/]+" for name in parts[1::2])
    fixed = map(re.escape, parts[0::2])
    return next(fixed) + "".join(name + text for name, text in zip(names, fixed, strict=True))


def _template(method: str, path: str) -> str | None:
    for pattern, replacement in ALIASES:
        path = re.sub(f"^{pattern}$", replacement, path) if method == "get" else path
    for compiled, template in _patterns():
        if compiled.fullmatch(path) and method in _description()["paths"][template]:
            return template
    return None


def _resolved(node: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in node:
        return node
    found: Any = _description()
    for key in node["$ref"].removeprefix(f"{DOCUMENT}#/").split("/"):
        found = found[key]
    assert isinstance(found, dict)
    return found


def _parameters(operation: dict[str, Any], query: Mapping[str, str]) -> Iterator[str]:
    known = {
        one["name"]: one for one in map(_resolved, operation.get("parameters", ())) if one["in"] == "query"
    }
    for name, value in sorted(query.items()):
        if name not in known:
            yield f"unknown query parameter {name!r}"
        elif (text := _check(known[name]["schema"], _typed(value, known[name]["schema"]))) is not None:
            yield f"query parameter {name}: {text}"


def _typed(value: str, schema: dict[str, Any]) -> Any:
    kind = schema.get("type")
    if kind == "integer" and re.fullmatch(r"-?\d+", value):
        return int(value)
    return {"true": True, "false": False}.get(value, value) if kind == "boolean" else value


def _body(operation: dict[str, Any], body: Any) -> Iterator[str]:
    described = operation.get("requestBody")
    if described is None:
        if body not in (None, {}):
            yield "no request body is described"
        return
    if body is None:
        if described.get("required"):
            yield "a request body is required"
        return
    text = _check(described["content"]["application/json"]["schema"], body)
    if text is not None:
        yield f"request body: {text}"


def _answer(operation: dict[str, Any], status: int, body: Any) -> Iterator[str]:
    described = operation["responses"].get(str(status))
    if described is None and status < 400:
        yield f"the status {status} is not described"
        return
    content = _error_content(status) if described is None else _resolved(described).get("content", {})
    schema = content.get("application/json", {}).get("schema")
    if schema is None:
        if body is not None and status < 400:
            yield "no answer body is described"
    elif (text := _check(schema, body)) is not None:
        yield f"answer: {text}"


def _error_content(status: int) -> dict[str, Any]:
    """Errors that an operation does not list still have GitHub's shape."""
    name = "validation-error" if status == 422 else "basic-error"
    return {"application/json": {"schema": {"$ref": f"{DOCUMENT}#/components/schemas/{name}"}}}


def _check(schema: dict[str, Any], value: Any) -> str | None:
    return complaint(_judge(), schema, value)


@cache
def _judge() -> Draft202012Validator:
    return judge(_description())
