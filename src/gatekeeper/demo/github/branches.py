"""Commits and branches: creating repositories, pushing, editing a file in the browser."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from gatekeeper.demo.github import checks, hooks
from gatekeeper.demo.github.entities import Activity, Repository
from gatekeeper.demo.github.errors import not_found

if TYPE_CHECKING:
    from gatekeeper.demo.github.entities import ActivityKind, Commit
    from gatekeeper.demo.github.records import Records

Files = Mapping[str, str | bytes | None]  # path → new content; None deletes the file


def add_repository(
    records: Records, full_name: str, files: Files, *, author: str, private: bool = True, branch: str = "main"
) -> Repository:
    """Create ``owner/name`` with a first commit on its default branch."""
    owner, _, name = full_name.partition("/")
    records.account(owner)
    made = Repository(records.new_id(), owner, name, private, None, branch, records.now())
    records.repositories[full_name] = made
    first = records.objects.commit(
        _changed({}, files), message="Initial commit", author=author, date=records.now(), parents=()
    )
    records.branches[full_name, branch] = first.sha
    return made


def push(
    records: Records,
    full_name: str,
    branch: str,
    files: Files,
    *,
    author: str,
    message: str,
    start: str | None = None,
    force: bool = False,
) -> Commit:
    """Commit on a branch and push it; a branch that does not exist begins at ``start`` (the default branch).

    With ``force`` the branch begins there anew: what was on it is gone from it.

    Open pull requests from this branch are synchronised. One from a branch that others build on keeps its base SHA.

    Raises:
        Refused: 403 without write access; 404 for an unknown repository.
    """
    repository = records.repository(full_name)
    records.require_role(full_name, author, "write")
    before = records.branches.get((full_name, branch))
    parent = records.head(full_name, branch if before and not force else start or repository.default_branch)
    made = records.objects.commit(
        _changed(parent.files, files),
        message=message,
        author=author,
        date=records.now(),
        parents=(parent.sha,),
    )
    land(records, full_name, branch, before, [made], author, forced=force)
    return made


def archive(records: Records, full_name: str, *, archived: bool, by: str) -> None:
    """Make a repository read-only, or open it again."""
    records.repositories[full_name] = replace(records.repository(full_name), archived=archived)
    hooks.repository(records, full_name, "archived" if archived else "unarchived", by)


def fork(records: Records, full_name: str, owner: str) -> Repository:
    """Fork a repository: another one of its name, with its default branch, in which only its owner may push."""
    origin = records.repository(full_name)
    records.account(owner)
    made = replace(origin, id=records.new_id(), owner=owner, created_at=records.now())
    records.repositories[made.full_name] = made
    records.roles[made.full_name, owner] = "admin"
    records.branches[made.full_name, origin.default_branch] = records.head(
        full_name, origin.default_branch
    ).sha
    return made


def land(
    records: Records,
    full_name: str,
    branch: str,
    before: str | None,
    commits: list[Commit],
    sender: str,
    *,
    forced: bool = False,
    merged: ActivityKind | None = None,
) -> None:
    """Move a branch to the last of these commits, put that on record, and tell whoever listens."""
    head = commits[-1].sha
    records.branches[full_name, branch] = head
    kind = merged or _kind(before, forced=forced)
    records.activities.append(
        Activity(
            records.new_id(), full_name, branch, before or hooks.NOWHERE, head, kind, sender, records.now()
        )
    )
    hooks.push(records, full_name, branch, before, commits, sender, forced=forced)
    for pull in [*records.pulls.values()]:
        if pull.state == "open" and (pull.source, pull.head_ref) == (full_name, branch):
            base = records.head(pull.repository, pull.base_ref).sha
            moved = replace(pull, head_sha=head, base_sha=base, updated_at=records.now())
            records.pulls[pull.repository, pull.number] = moved
            hooks.pull_request(records, moved, "synchronize", sender, before=pull.head_sha, after=head)
    checks.request_suites(records, full_name, head, sender)


def _kind(before: str | None, *, forced: bool) -> ActivityKind:
    if before is None:
        return "branch_creation"
    return "force_push" if forced else "push"


def read_file(records: Records, full_name: str, path: str, branch: str) -> str:
    """A file's text on a branch.

    Raises:
        Refused: 404.
    """
    files = records.head(full_name, branch).files
    if path not in files:
        raise not_found()
    return files[path].decode(errors="replace")


def _changed(before: Mapping[str, bytes], files: Files) -> dict[str, bytes]:
    after = dict(before)
    for path, content in files.items():
        if content is None:
            after.pop(path, None)
        else:
            after[path] = content.encode() if isinstance(content, str) else content
    return after
