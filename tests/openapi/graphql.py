"""GraphQL queries and their answers against GitHub's published schema."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from graphql import ExecutionResult, GraphQLSchema, build_schema, execute, parse, validate

from openapi import packages

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PACKAGE, MEMBER = "@octokit/graphql-schema@15", "schema.graphql"


@cache
def _schema() -> GraphQLSchema:
    return build_schema(packages.text(PACKAGE, MEMBER), assume_valid=True)


def complaints(request: Mapping[str, Any], response: Mapping[str, Any]) -> Iterator[str]:
    """What GitHub would not understand of a query, or not answer like this."""
    document = parse(request["query"])
    yield from (one.message for one in validate(_schema(), document))
    if not response.get("data") or response.get("errors"):
        return
    # Executed over the answer itself: what is missing, null where it may not be, or of another type is an error.
    found = execute(_schema(), document, root_value=response["data"], variable_values=request["variables"])
    assert isinstance(found, ExecutionResult)
    yield from (one.message for one in found.errors or ())
    if found.data != response["data"]:
        yield "answer: something that was not asked for, or not all that was"
