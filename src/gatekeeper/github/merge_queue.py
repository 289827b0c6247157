"""The merge queue of a branch, which only GraphQL tells.

Source: GitHub's GraphQL reference, object ``MergeQueue``. Errors come with status 200; their types are described in
"Rate limits and query limits for the GraphQL API" and seen in answers.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from gatekeeper.errors import GitHubError, GitHubRefusedError, RateLimitedError
from gatekeeper.github.transport import PER_PAGE, Transport
from gatekeeper.github.values import GroupData, QueueEntry

QUERY = """\
query MergeQueue($owner: String!, $name: String!, $branch: String!, $first: Int!, $after: String) {
  repository(owner: $owner, name: $name) {
    mergeQueue(branch: $branch) {
      entries(first: $first, after: $after) {
        nodes { position headCommit { oid } pullRequest { number } }
        pageInfo { hasNextPage endCursor }
      }
    }
  }
}
"""
GROUPS = "heads/gh-readonly-queue/"
"""Where GitHub keeps the groups: one ref each, named after the branch and the last pull request in it."""
_GROUP = re.compile(r"refs/heads/gh-readonly-queue/(?P<branch>.+)/pr-\d+-[0-9a-f]+")
LIMITED_FOR = 60.0
"""Seconds to wait when GraphQL says nothing but that it is limited."""
_REFUSED = {"NOT_FOUND": 404, "FORBIDDEN": 403, "INSUFFICIENT_SCOPES": 403}


def entries(transport: Transport, repository: str, branch: str) -> Iterator[QueueEntry]:
    """The entries of a branch's merge queue, the next to be merged first; none where it has no queue.

    Raises:
        GitHubError, RateLimitedError, GitHubRefusedError: as for every request.
    """
    owner, _, name = repository.partition("/")
    variables: dict[str, Any] = {"owner": owner, "name": name, "branch": branch, "first": PER_PAGE}
    while True:
        queue = _asked(transport, variables)
        if queue is None:
            return
        listed = queue["entries"]
        yield from (_entry(one) for one in listed["nodes"])
        if not listed["pageInfo"]["hasNextPage"]:
            return
        variables |= {"after": listed["pageInfo"]["endCursor"]}


def groups(refs: Iterable[Mapping[str, Any]]) -> Iterator[GroupData]:
    """The groups among refs, as REST answers them."""
    for one in refs:
        if found := _GROUP.fullmatch(one["ref"]):
            yield GroupData(found["branch"], one["object"]["sha"])


def _asked(transport: Transport, variables: Mapping[str, Any]) -> Mapping[str, Any] | None:
    body = {"query": QUERY, "operationName": "MergeQueue", "variables": variables}
    _, told = transport.requestJsonAndCheck("POST", transport.graphql_url, input=body)
    if errors := told.get("errors"):
        raise _error(errors[0])
    queue: Mapping[str, Any] | None = told["data"]["repository"]["mergeQueue"]
    return queue


def _error(one: Mapping[str, Any]) -> Exception:
    kind, said = str(one.get("type")), f"GraphQL: {one.get('message')}"
    if kind == "RATE_LIMITED":
        return RateLimitedError(said, retry_after=LIMITED_FOR)
    if kind in _REFUSED:
        return GitHubRefusedError(said, status=_REFUSED[kind])
    return GitHubError(said)


def _entry(node: Mapping[str, Any]) -> QueueEntry:
    head = node["headCommit"]
    return QueueEntry(node["position"], node["pullRequest"]["number"], head["oid"] if head else None)
