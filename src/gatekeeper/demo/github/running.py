"""Workflow runs that deploy, and the protection rules of Apps that hold their jobs.

Source: GitHub's "Creating custom deployment protection rules": the job waits until each App has answered; an answer
without a state is a report, of which there are ten at most; a rejection fails the run.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from gatekeeper.demo.github import deploying, hooks
from gatekeeper.demo.github.deployment_entities import DeployingJob, WorkflowRun
from gatekeeper.demo.github.errors import not_found, unprocessable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gatekeeper.demo.github.records import Records

MOST_REPORTS = 10
MOST_CHARACTERS = 1024


def protect(records: Records, repository: str, environment: str, app_id: int) -> None:
    """An administrator lets an App's rule protect an environment, which is made if need be."""
    rules = records.protected.get((repository, environment), frozenset())
    records.protected[repository, environment] = rules | {app_id}


def start(
    records: Records, repository: str, branch: str, *, by: str, environments: Iterable[str]
) -> WorkflowRun:
    """Start a workflow whose jobs deploy a branch, one into each environment.

    Raises:
        Refused: without write, or no such branch.
    """
    records.require_role(repository, by, "write")
    sha, now = records.head(repository, branch).sha, records.now()
    run = WorkflowRun(records.new_id(), repository, sha, branch, by, now, now)
    for environment in environments:
        made = deploying.record(records, repository, sha, branch, by=by, environment=environment)
        rules = records.protected.setdefault((repository, environment), frozenset())
        run = replace(run, jobs=(*run.jobs, DeployingJob(environment, made.id, rules)))
    records.runs[run.id] = run
    for job in run.jobs:
        deployment = records.deployments[job.deployment_id]
        hooks.deployment(records, deployment, by, run=run)
        if job.waits_for:
            deploying.say(records, deployment, "waiting", by=by, log_url=page(records, run))
        for app_id in sorted(job.waits_for):
            hooks.deployment_protection_rule(records, run, deployment, app_id)
        _go_on(records, run.id, job.environment)
    return records.runs[run.id]


def review(
    records: Records,
    repository: str,
    run_id: int,
    environment: str,
    *,
    app_id: int,
    state: Literal["approved", "rejected"] | None,
    comment: str,
) -> None:
    """An App answers for its protection rule; without a state it only reports.

    Raises:
        Refused: 404, there is no such run; 422, nothing waits for the App, the comment is too long, or one too many.
    """
    run = records.run(repository, run_id)
    job = next((one for one in run.jobs if one.environment.casefold() == environment.casefold()), None)
    if job is None or job.result is not None or app_id not in job.waits_for:
        raise unprocessable(f"No deployment to {environment!r} waits for this App.")
    if len(comment) > MOST_CHARACTERS:
        raise unprocessable(f"comment is too long (maximum is {MOST_CHARACTERS} characters)")
    if state is None and sum(one == app_id for one, _ in job.reports) >= MOST_REPORTS:
        raise unprocessable(f"A deployment has {MOST_REPORTS} status reports at most.")
    said = replace(job, reports=(*job.reports, (app_id, comment)))
    if state is not None:
        said = replace(said, waits_for=job.waits_for - {app_id})
    _put(records, run, said)
    if state == "rejected":
        _end(records, run_id, said.environment, "failure")
    _go_on(records, run_id, said.environment)


def bypass(records: Records, repository: str, run_id: int, *, by: str) -> None:
    """An administrator starts all waiting jobs.

    Raises:
        Refused: 403 for anybody else; 404.
    """
    records.require_role(repository, by, "admin")
    for job in records.run(repository, run_id).jobs:
        _put(records, records.runs[run_id], replace(job, waits_for=frozenset()))
        _go_on(records, run_id, job.environment)


def cancel(records: Records, repository: str, run_id: int, *, by: str) -> None:
    """Cancel what has not run yet (write or above).

    Raises:
        Refused: 403; 404.
    """
    records.require_role(repository, by, "write")
    for job in records.run(repository, run_id).jobs:
        if job.result is None:
            _end(records, run_id, job.environment, "cancelled")


def page(records: Records, run: WorkflowRun) -> str:
    """A run's page."""
    return f"{records.url}/{run.repository}/actions/runs/{run.id}"


def _job(records: Records, run_id: int, environment: str) -> DeployingJob:
    found = (one for one in records.runs[run_id].jobs if one.environment == environment)
    job = next(found, None)
    if job is None:
        raise not_found()
    return job


def _go_on(records: Records, run_id: int, environment: str) -> None:
    """Run a job that nothing holds any more; it succeeds at once."""
    job, run = _job(records, run_id, environment), records.runs[run_id]
    if job.waits_for or job.result is not None:
        return
    deployment = records.deployments[job.deployment_id]
    for state in ("in_progress", "success"):
        deploying.say(records, deployment, state, by=run.actor, log_url=page(records, run))
    _put(records, run, replace(job, result="success"))


def _end(records: Records, run_id: int, environment: str, result: Literal["failure", "cancelled"]) -> None:
    job, run = _job(records, run_id, environment), records.runs[run_id]
    _put(records, run, replace(job, result=result))
    deployment = records.deployments[job.deployment_id]
    deploying.say(records, deployment, "failure", by=run.actor, log_url=page(records, run))


def _put(records: Records, run: WorkflowRun, job: DeployingJob) -> None:
    jobs = tuple(job if one.environment == job.environment else one for one in run.jobs)
    records.runs[run.id] = replace(run, jobs=jobs, updated_at=records.now())
