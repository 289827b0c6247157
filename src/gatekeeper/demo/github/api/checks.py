"""Check runs, check suites and commit statuses."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, request

from gatekeeper.demo.github import checks, merging, pulls
from gatekeeper.demo.github.api.endpoint import Answer, Ask, endpoint
from gatekeeper.demo.github.entities import Annotation, CheckAction, CheckOutput, CheckRun, Status
from gatekeeper.demo.github.errors import Refused, invalid, unprocessable
from gatekeeper.demo.github.shapes import checks as shapes

blueprint = Blueprint("api_checks", __name__)
READ, WRITE = ("checks", "read"), ("checks", "write")


def _app_id(ask: Ask) -> int:
    """The App that writes; nobody else may write check runs."""
    app_id = ask.actor.app_id
    if app_id is None:
        raise Refused(403, "You must authenticate via a GitHub App.")
    return app_id


@endpoint(blueprint, "POST", "/repos/<owner>/<repo>/check-runs", READ)
def create_run(ask: Ask) -> Answer:
    """Report a check run."""
    app_id = _app_id(ask)
    ask.require(*WRITE)
    body = ask.body()
    run = CheckRun(
        id=0,
        repository=ask.repository,
        suite_id=0,
        app_id=app_id,
        name=ask.text("name"),
        head_sha=ask.text("head_sha"),
        status="queued",
        started_at=ask.world.now(),
    )
    output = _output(body)
    made = checks.create_run(ask.world, _applied(ask, run, body, output or CheckOutput()), ask.actor.login)
    pulls.settle(ask.world, ask.repository, made.head_sha)
    return shapes.check_run(ask.world, made), 201


@endpoint(blueprint, "PATCH", "/repos/<owner>/<repo>/check-runs/<int:check_id>", READ)
def update_run(ask: Ask, check_id: int) -> Answer:
    """Change a check run; only its own App may."""
    app_id = _app_id(ask)
    ask.require(*WRITE)
    old = ask.world.check(ask.repository, check_id)
    if old.app_id != app_id:
        raise Refused(
            403,
            f"Invalid app_id `{app_id}` - check run can only be modified by the GitHub App that created it.",
        )
    body = ask.body()
    output = _output(body)
    run = replace(_applied(ask, old, body, old.output), name=str(body.get("name", old.name)))
    made = checks.update_run(ask.world, run, output, ask.actor.login)
    pulls.settle(ask.world, ask.repository, made.head_sha)
    return shapes.check_run(ask.world, made)


@endpoint(blueprint, "GET", "/repos/<owner>/<repo>/check-runs/<int:check_id>", READ)
def show_run(ask: Ask, check_id: int) -> Answer:
    """One check run."""
    return shapes.check_run(ask.world, ask.world.check(ask.repository, check_id))


@endpoint(blueprint, "GET", "/repos/<owner>/<repo>/commits/<path:ref>/check-runs", READ)
def list_runs(ask: Ask, ref: str) -> Answer:
    """The check runs of a commit: the newest of each name and App, or all of them."""
    sha = ask.commit(ref).sha
    latest = merging.latest_runs(ask.world, ask.repository, sha)
    every = [
        run
        for _, run in sorted(ask.world.checks.items())
        if (run.repository, run.head_sha) == (ask.repository, sha)
    ]
    found = every if request.args.get("filter") == "all" else sorted(latest.values(), key=lambda run: run.id)
    name, status, app_id = (request.args.get(key) for key in ("check_name", "status", "app_id"))
    found = [
        run
        for run in reversed(found)
        if name in {None, run.name} and status in {None, run.status} and app_id in {None, str(run.app_id)}
    ]
    return {
        "total_count": len(found),
        "check_runs": ask.page(found, lambda run: shapes.check_run(ask.world, run)),
    }


@endpoint(blueprint, "GET", "/repos/<owner>/<repo>/commits/<path:ref>/check-suites", READ)
def list_suites(ask: Ask, ref: str) -> Answer:
    """The check suites of a commit."""
    sha, app_id = ask.commit(ref).sha, request.args.get("app_id")
    found = [
        one
        for _, one in sorted(ask.world.suites.items())
        if (one.repository, one.head_sha) == (ask.repository, sha) and app_id in {None, str(one.app_id)}
    ]
    page = ask.page(found, lambda one: shapes.check_suite(ask.world, one))
    return {"total_count": len(found), "check_suites": page}


def _applied(ask: Ask, run: CheckRun, body: dict[str, Any], output: CheckOutput) -> CheckRun:
    """The run with what the request says; a conclusion completes it."""
    conclusion = body.get("conclusion")
    status = "completed" if conclusion else str(body.get("status", run.status))
    if status == "completed" and not (conclusion or run.conclusion):
        raise invalid("CheckRun", "conclusion", "missing_field", "completed check runs need a conclusion")
    completed = _moment(body, "completed_at") or run.completed_at or ask.world.now()
    return replace(
        run,
        status=status,
        conclusion=(conclusion or run.conclusion) if status == "completed" else None,
        completed_at=completed if status == "completed" else None,
        started_at=_moment(body, "started_at") or run.started_at,
        details_url=body.get("details_url", run.details_url),
        external_id=body.get("external_id", run.external_id),
        output=output,
        actions=_actions(body) if "actions" in body else run.actions,
    )


def _moment(body: dict[str, Any], name: str) -> datetime | None:
    if name not in body:
        return None
    try:
        moment = datetime.fromisoformat(body[name])
    except (TypeError, ValueError):
        raise unprocessable(f'"{name}" is not a valid date-time.') from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).replace(microsecond=0)


def _output(body: dict[str, Any]) -> CheckOutput | None:
    given = body.get("output")
    if given is None:
        return None
    if not isinstance(given, dict) or not isinstance(given.get("summary"), str):
        raise unprocessable('"summary" wasn\'t supplied.')
    return CheckOutput(
        title=given.get("title"),
        summary=given["summary"],
        text=given.get("text"),
        annotations=tuple(map(_annotation, given.get("annotations", ()))),
    )


def _annotation(given: dict[str, Any]) -> Annotation:
    needed = ("path", "start_line", "end_line", "annotation_level", "message")
    missing = [name for name in needed if name not in given]
    if missing:
        raise unprocessable(f'"{missing[0]}" wasn\'t supplied in an annotation.')
    if given["annotation_level"] not in {"notice", "warning", "failure"}:
        raise unprocessable(f"{given['annotation_level']!r} is not an annotation level.")
    return Annotation(**{name: given[name] for name in needed}, title=given.get("title"))


def _actions(body: dict[str, Any]) -> tuple[CheckAction, ...]:
    try:
        return tuple(
            CheckAction(one["label"], one["description"], one["identifier"]) for one in body["actions"]
        )
    except (KeyError, TypeError) as error:
        raise unprocessable(f"an action lacks {error}.") from None


@endpoint(blueprint, "POST", "/repos/<owner>/<repo>/statuses/<sha>", ("statuses", "write"))
def create_status(ask: Ask, sha: str) -> Answer:
    """Set a commit status; a person's token may do this as well."""
    body = ask.body()
    status = Status(
        id=0,
        repository=ask.repository,
        sha=sha,
        context=body.get("context", "default"),
        state=body.get("state", ""),
        description=body.get("description"),
        target_url=body.get("target_url"),
        creator=ask.actor.login,
        created_at=ask.world.now(),
    )
    made = checks.set_status(ask.world, status)
    pulls.settle(ask.world, ask.repository, sha)
    return shapes.status(ask.world, made), 201


def _list_statuses(ask: Ask, ref: str) -> Answer:
    sha = ask.commit(ref).sha
    found = [
        one for one in reversed(ask.world.statuses) if (one.repository, one.sha) == (ask.repository, sha)
    ]
    return ask.page(found, lambda one: shapes.status(ask.world, one))


@endpoint(blueprint, "GET", "/repos/<owner>/<repo>/commits/<path:ref>/statuses", ("statuses", "read"))
def list_statuses(ask: Ask, ref: str) -> Answer:
    """Every status of a commit, newest first."""
    return _list_statuses(ask, ref)


@endpoint(blueprint, "GET", "/repos/<owner>/<repo>/statuses/<ref>", ("statuses", "read"))
def list_statuses_by_their_url(ask: Ask, ref: str) -> Answer:
    """The same, at the address that ``statuses_url`` gives."""
    return _list_statuses(ask, ref)


@endpoint(blueprint, "GET", "/repos/<owner>/<repo>/commits/<path:ref>/status", ("statuses", "read"))
def combined_status(ask: Ask, ref: str) -> Answer:
    """The newest status of each context."""
    return shapes.combined_status(ask.world, ask.repository, ask.commit(ref).sha)
