"""GraphQL: the one query that is asked of it, by the name of its operation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint

from gatekeeper.demo.github import auth
from gatekeeper.demo.github.api.endpoint import Answer, Ask, endpoint
from gatekeeper.demo.github.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gatekeeper.demo.github.entities import QueueEntry

blueprint = Blueprint("api_graphql", __name__)
_TYPES = {403: "FORBIDDEN", 404: "NOT_FOUND"}


@endpoint(blueprint, "POST", "/graphql", "token")
def query(ask: Ask) -> Answer:
    """Answer with ``data``, or with ``errors`` and status 200, as GraphQL does."""
    body = ask.body()
    answer = _OPERATIONS.get(str(body.get("operationName")))
    if answer is None:
        return {"errors": [{"message": f"No operation named {body.get('operationName')!r}"}]}
    try:
        return {"data": {"repository": answer(ask, body.get("variables") or {})}}
    except Refused as refusal:
        error = {"type": _TYPES[refusal.status], "path": ["repository"], "message": refusal.message}
        return {"data": {"repository": None}, "errors": [error]}


def _merge_queue(ask: Ask, variables: Mapping[str, Any]) -> dict[str, Any]:
    full_name, branch = f"{variables['owner']}/{variables['name']}", str(variables["branch"])
    auth.require_repository(ask.world, ask.caller, full_name, "merge_queues", "read")
    if (full_name, branch) not in ask.world.queued:
        return {"mergeQueue": None}
    queue = ask.world.queue(full_name, branch)
    start = int(variables.get("after") or 0)
    page = queue[start : start + int(variables["first"])]
    end = start + len(page)
    return {
        "mergeQueue": {
            "entries": {
                "nodes": [_entry(position, one) for position, one in enumerate(page, start + 1)],
                "pageInfo": {"hasNextPage": end < len(queue), "endCursor": str(end)},
            }
        }
    }


def _entry(position: int, one: QueueEntry) -> dict[str, Any]:
    return {
        "position": position,
        "headCommit": {"oid": one.head_sha},
        "pullRequest": {"number": one.number},
    }


_OPERATIONS: Mapping[str, Callable[[Ask, Mapping[str, Any]], dict[str, Any]]] = {"MergeQueue": _merge_queue}
