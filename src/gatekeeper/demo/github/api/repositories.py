"""Repositories: settings, contents, git objects, branches, rules, collaborators."""

from __future__ import annotations

from itertools import islice

from flask import Blueprint, request

from gatekeeper.demo.github.api.endpoint import Answer, Ask, endpoint
from gatekeeper.demo.github.errors import Refused, not_found
from gatekeeper.demo.github.git import diff_files
from gatekeeper.demo.github.merging import commits
from gatekeeper.demo.github.shapes import repositories as shapes
from gatekeeper.demo.github.shapes.people import collaborator_permission
from gatekeeper.demo.github.shapes.pulls import pull_request_simple

blueprint = Blueprint("api_repositories", __name__)
REPOSITORY = "/repos/<owner>/<repo>"
METADATA, CONTENTS = ("metadata", "read"), ("contents", "read")


@endpoint(blueprint, "GET", REPOSITORY, METADATA)
def show_repository(ask: Ask) -> Answer:
    """One repository."""
    return shapes.full_repository(ask.world, ask.repository)


@endpoint(blueprint, "GET", f"{REPOSITORY}/contents/", CONTENTS)
@endpoint(blueprint, "GET", f"{REPOSITORY}/contents/<path:path>", CONTENTS)
def show_contents(ask: Ask, path: str = "") -> Answer:
    """A file with its content, or a directory's entries: the first thousand."""
    ref = request.args.get("ref") or ask.world.repository(ask.repository).default_branch
    commit = ask.world.resolve(ask.repository, ref)
    path = path.strip("/")
    entries = dict(ask.world.objects.walk(commit.tree, recursive=True))
    if path in entries and entries[path].kind == "blob":
        return shapes.content_file(ask.world, ask.repository, ref, path, entries[path])
    tree = entries[path].sha if path in entries else commit.tree
    if path and path not in entries:
        raise not_found()
    prefix = f"{path}/" if path else ""
    return [
        shapes.content_entry(ask.world, ask.repository, ref, prefix + name, entry)
        for name, entry in islice(ask.world.objects.walk(tree, recursive=False), shapes.LISTED_FILES)
    ]


@endpoint(blueprint, "GET", f"{REPOSITORY}/git/trees/<path:sha>", CONTENTS)
def show_tree(ask: Ask, sha: str) -> Answer:
    """A tree, by its own name or that of a commit or branch; any value of ``recursive`` recurses."""
    objects = ask.world.objects
    tree = sha if sha in objects.trees else ask.world.resolve(ask.repository, sha).tree
    return shapes.git_tree(ask.world, ask.repository, tree, recursive="recursive" in request.args)


@endpoint(blueprint, "GET", f"{REPOSITORY}/git/blobs/<sha>", CONTENTS)
def show_blob(ask: Ask, sha: str) -> Answer:
    """A file's content by its name in git."""
    if sha not in ask.world.objects.blobs:
        raise not_found()
    return shapes.blob(ask.world, ask.repository, sha)


@endpoint(blueprint, "GET", f"{REPOSITORY}/git/ref/heads/<path:branch>", CONTENTS)
def show_ref(ask: Ask, branch: str) -> Answer:
    """Where a branch points."""
    return shapes.git_ref(ask.world, ask.repository, branch, ask.world.head(ask.repository, branch).sha)


@endpoint(blueprint, "GET", f"{REPOSITORY}/git/matching-refs/heads/<path:start>", CONTENTS)
def list_refs(ask: Ask, start: str) -> Answer:
    """The branches whose names begin so."""
    ask.world.repository(ask.repository)
    return [
        shapes.git_ref(ask.world, ask.repository, branch, sha)
        for (repository, branch), sha in sorted(ask.world.branches.items())
        if repository == ask.repository and branch.startswith(start)
    ]


@endpoint(blueprint, "GET", f"{REPOSITORY}/branches/<path:branch>", CONTENTS)
def show_branch(ask: Ask, branch: str) -> Answer:
    """A branch with its last commit."""
    return shapes.branch_with_protection(ask.world, ask.repository, branch)


@endpoint(blueprint, "GET", f"{REPOSITORY}/commits/<path:ref>", CONTENTS)
def show_commit(ask: Ask, ref: str) -> Answer:
    """One commit with what it changed."""
    one = ask.commit(ref)
    parent = ask.world.objects.commits[one.parents[0]].files if one.parents else {}
    return shapes.commit(ask.world, ask.repository, one, diff_files(parent, one.files))


@endpoint(blueprint, "GET", f"{REPOSITORY}/commits/<sha>/pulls", ("pull_requests", "read"))
def pulls_of_commit(ask: Ask, sha: str) -> Answer:
    """The pull requests that this commit is in, or that merged it."""
    if sha not in ask.world.objects.commits:
        raise Refused(422, f"No commit found for SHA: {sha}")
    found = [
        pull
        for pull in ask.world.pulls_of(ask.repository)
        if sha in {pull.merge_commit_sha, *(one.sha for one in commits(ask.world, pull))}
    ]
    return ask.page(found, lambda pull: pull_request_simple(ask.world, pull))


@endpoint(blueprint, "GET", f"{REPOSITORY}/compare/<path:ends>", CONTENTS)
def compare(ask: Ask, ends: str) -> Answer:
    """What the second commit has that the first has not, since they parted."""
    base, dots, head = ends.partition("...")
    if not dots:
        raise not_found()
    one, other = ask.world.resolve(ask.repository, base), ask.world.resolve(ask.repository, head)
    return shapes.comparison(ask.world, ask.repository, one, other)


@endpoint(blueprint, "GET", f"{REPOSITORY}/activity", CONTENTS)
def list_activities(ask: Ask) -> Answer:
    """The updates of branches, newest first; pages by cursor, not by number."""
    branch = request.args.get("ref", "").removeprefix("refs/heads/")
    found = [
        one
        for one in reversed(ask.world.activities)
        if one.repository == ask.repository and branch in {"", one.branch}
    ]
    if (after := request.args.get("after")) is not None:
        found = [one for one in found if one.id <= int(after.removeprefix("v1_"))]
    return ask.cursor_page(found, lambda one: shapes.activity(ask.world, one), "after")


@endpoint(blueprint, "GET", f"{REPOSITORY}/rules/branches/<path:branch>", METADATA)
def branch_rules(ask: Ask, branch: str) -> Answer:
    """The active rules on a branch."""
    rules = [one for one in ask.world.required if (one.repository, one.branch) == (ask.repository, branch)]
    return [shapes.rule_required_checks(ask.repository, rules)] if rules else []


@endpoint(blueprint, "GET", f"{REPOSITORY}/collaborators/<login>/permission", METADATA)
def show_permission(ask: Ask, login: str) -> Answer:
    """What a person may do in the repository; a bot is not found."""
    if ask.world.account(login).kind != "User":
        raise not_found()
    return collaborator_permission(ask.world, ask.world.repository(ask.repository), login)
