"""What really changed between two commits, and what a merge really did to its branch.

Sources: GitHub's REST reference, "Compare two commits", "Get a tree" and "List repository activities". A tree is named
by a commit too, and says ``truncated`` beyond 100,000 entries or 7 MB. Activities are GitHub's own record of what moved
a branch: unlike ``merge_commit_sha`` and a commit's parents, nobody who pushes can make one up.
"""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any
from urllib.parse import quote

from github.Repository import Repository

from gatekeeper.github import shapes
from gatekeeper.github.values import Update
from gatekeeper.policy.revert import FileChange, changes

MOST_ACTIVITIES = 500
"""As many updates of a branch are gone through for one: five requests."""
_MERGES = frozenset({"pr_merge", "merge_queue_merge"})


def fork_point(repository: Repository, branch: str, head: str) -> str:
    """The commit at which ``head`` left a branch."""
    address = f"{repository.url}/compare/{quote(branch, safe='')}...{head}"
    _, told = repository.requester.requestJsonAndCheck("GET", address, parameters={"per_page": 1})
    return str(told["merge_base_commit"]["sha"])


def differences(repository: Repository, before: str, after: str) -> tuple[FileChange, ...] | None:
    """What differs between two commits; None where GitHub does not list all of their files."""
    trees = [_listing(repository, commit) for commit in (before, after)]
    listed = [tree for tree in trees if tree is not None]
    return changes(*listed) if len(listed) == len(trees) else None


def merge_into(repository: Repository, branch: str, commit: str) -> Update | None:
    """The merge that moved a branch to a commit; None where GitHub has no record of such, or none so late."""
    for one in islice(_activities(repository, branch), MOST_ACTIVITIES):
        if one["after"] == commit and one["activity_type"] in _MERGES:
            return Update(one["before"], one["after"])
    return None


def _activities(repository: Repository, branch: str) -> Iterator[Mapping[str, Any]]:
    address = f"{repository.url}/activity?ref={quote(f'refs/heads/{branch}', safe='')}"
    return shapes.pages(repository.requester, address)


def _listing(repository: Repository, commit: str) -> Mapping[str, str] | None:
    address = f"{repository.url}/git/trees/{commit}"
    _, told = repository.requester.requestJsonAndCheck("GET", address, parameters={"recursive": 1})
    if told["truncated"]:
        return None
    return {one["path"]: f"{one['mode']} {one['sha']}" for one in told["tree"] if one["type"] != "tree"}
