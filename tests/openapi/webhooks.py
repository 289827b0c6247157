"""Webhook payloads against GitHub's webhook schemas."""

from __future__ import annotations

from functools import cache
from typing import Any

from jsonschema import Draft7Validator
from jsonschema.exceptions import best_match

from openapi import packages
from openapi.schemas import FORMATS

PACKAGE, MEMBER = "@octokit/webhooks-schemas@7", "schema.json"


@cache
def _schema() -> dict[str, Any]:
    loaded = packages.load(PACKAGE, MEMBER)
    assert isinstance(loaded, dict)
    # The list of events that one can subscribe to is older than the events that are described beside it.
    loaded["definitions"]["webhook-events"]["oneOf"][0]["items"]["enum"] += [
        "deployment_protection_rule",
        "merge_group",
    ]
    listed = loaded["definitions"]["installation"]["properties"]["events"]["items"]["enum"]
    listed.append("deployment_protection_rule")
    return loaded


def validate_webhook(event: str, payload: dict[str, Any]) -> None:
    """Hold a delivery against the schema of its event and action.

    Raises:
        AssertionError: GitHub sends no such event, or not like this.
    """
    definitions = _schema()["definitions"]
    name = f"{event}${payload.get('action', 'event')}"
    assert name in definitions, f"GitHub describes no webhook {event} with action {payload.get('action')!r}"
    schema = {"$ref": f"#/definitions/{name}", "definitions": definitions}
    error = best_match(Draft7Validator(schema, format_checker=FORMATS).iter_errors(payload))
    if error is not None:
        place = "/".join(map(str, error.absolute_path)) or "(all of it)"
        raise AssertionError(f"webhook {name}: {place}: {error.message[:300]}")
