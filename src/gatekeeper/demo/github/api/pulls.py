"""Pull requests: listed, read, their files and commits, merged."""

from __future__ import annotations

from flask import Blueprint, request

from gatekeeper.demo.github import merging, pulls, reviewing
from gatekeeper.demo.github.api.endpoint import Answer, Ask, endpoint
from gatekeeper.demo.github.errors import Refused
from gatekeeper.demo.github.shapes import pulls as shapes
from gatekeeper.demo.github.shapes.repositories import commit, diff_entry

blueprint = Blueprint("api_pulls", __name__)
MOST_FILES = 3000
MOST_COMMITS = 250
READ, WRITE = ("pull_requests", "read"), ("contents", "write")


@endpoint(blueprint, "GET", "/repos/<owner>/<repo>/pulls", READ)
def list_pulls(ask: Ask) -> Answer:
    """Pull requests, by default the open ones, newest first."""
    state, base, head = (request.args.get(name) for name in ("state", "base", "head"))
    found = ask.world.pulls_of(ask.repository, state=None if state == "all" else state or "open")
    if base is not None:
        found = [one for one in found if one.base_ref == base]
    if head is not None:
        found = [one for one in found if one.head_ref == head.partition(":")[2]]
    updated = request.args.get("sort") == "updated"
    descending = request.args.get(
        "direction", "desc" if request.args.get("sort") in {None, "created"} else "asc"
    )
    found.sort(
        key=lambda one: (one.updated_at if updated else one.created_at, one.number),
        reverse=descending == "desc",
    )
    return ask.page(found, lambda one: shapes.pull_request_simple(ask.world, one))


@endpoint(blueprint, "GET", "/repos/<owner>/<repo>/pulls/<int:number>", READ)
def show_pull(ask: Ask, number: int) -> Answer:
    """One pull request."""
    pull = ask.world.pull(ask.repository, number)
    answer = shapes.pull_request(ask.world, pull)
    merging.work_out(ask.world, pull)
    return answer


@endpoint(blueprint, "GET", "/repos/<owner>/<repo>/pulls/<int:number>/files", READ)
def list_files(ask: Ask, number: int) -> Answer:
    """The changed files, at most 3,000."""
    pull = ask.world.pull(ask.repository, number)
    changes = merging.changes(ask.world, pull)[:MOST_FILES]
    return ask.page(changes, lambda one: diff_entry(ask.world, ask.repository, pull.head_sha, one))


@endpoint(blueprint, "GET", "/repos/<owner>/<repo>/pulls/<int:number>/commits", READ)
def list_commits(ask: Ask, number: int) -> Answer:
    """The commits it would add, at most 250."""
    found = merging.commits(ask.world, ask.world.pull(ask.repository, number))[:MOST_COMMITS]
    return ask.page(found, lambda one: commit(ask.world, ask.repository, one))


@endpoint(blueprint, "GET", "/repos/<owner>/<repo>/pulls/<int:number>/reviews", READ)
def list_reviews(ask: Ask, number: int) -> Answer:
    """The reviews, oldest first."""
    found = reviewing.reviews_of(ask.world, ask.repository, number)
    return ask.page(found, lambda one: shapes.pull_request_review(ask.world, one))


@endpoint(blueprint, "PUT", "/repos/<owner>/<repo>/pulls/<int:number>/merge", WRITE)
def merge(ask: Ask, number: int) -> Answer:
    """Merge it; 405 while a required check is not satisfied."""
    if ask.caller.token is not None:
        raise Refused(403, "Resource not accessible by integration")  # this world's Apps do not merge
    made = pulls.merge(ask.world, ask.repository, number, by=ask.actor.login, sha=ask.body().get("sha"))
    return {"sha": made.sha, "merged": True, "message": "Pull Request successfully merged"}
