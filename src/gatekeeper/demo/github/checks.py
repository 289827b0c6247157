"""Check suites, check runs and commit statuses: who may write them, GitHub's limits, and the clicks on them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gatekeeper.demo.github import hooks
from gatekeeper.demo.github.entities import CheckOutput, CheckRun, CheckSuite, Status
from gatekeeper.demo.github.errors import Refused, invalid, not_found, unprocessable

if TYPE_CHECKING:
    from gatekeeper.demo.github.entities import CheckAction
    from gatekeeper.demo.github.records import Records

TEXT_BYTES = 65_535  # documented as characters, enforced as bytes (github/docs#35252)
ANNOTATIONS_A_REQUEST = 50
ACTIONS = 3
ACTION_LIMITS = {"label": 20, "description": 40, "identifier": 20}
STATUSES_A_CONTEXT = 1000
DESCRIPTION_CHARACTERS = 140  # of a commit status
CONCLUSIONS = frozenset(
    {
        "action_required",
        "cancelled",
        "failure",
        "neutral",
        "success",
        "skipped",
        "timed_out",
    }
)
OPEN_STATES = frozenset({"queued", "in_progress"})  # the others are GitHub Actions' own


def request_suites(records: Records, full_name: str, sha: str, sender: str) -> None:
    """A push: every App with ``checks: write`` gets a suite on the new head."""
    for one in sorted(records.installations.values(), key=lambda found: found.id):
        if one.covers(full_name) and one.permissions.get("checks") == "write":
            suite = _suite(records, full_name, sha, one.app_id)
            hooks.check_suite(records, suite, "requested", sender)


def _suite(records: Records, full_name: str, sha: str, app_id: int) -> CheckSuite:
    for suite in records.suites.values():
        if (suite.repository, suite.head_sha, suite.app_id) == (full_name, sha, app_id):
            return suite
    made = CheckSuite(records.new_id(), full_name, sha, app_id, records.now())
    records.suites[made.id] = made
    return made


def create_run(records: Records, run: CheckRun, sender: str) -> CheckRun:
    """Store a new check run; its id and suite are given here.

    Raises:
        Refused: 422, the commit is unknown or a limit is exceeded.
    """
    if run.head_sha not in records.objects.commits:
        raise Refused(422, f"No commit found for SHA: {run.head_sha}")
    _check_limits(run, run.output)
    suite = _suite(records, run.repository, run.head_sha, run.app_id)
    made = replace(run, id=records.new_id(), suite_id=suite.id)
    records.checks[made.id] = made
    hooks.check_run(records, made, "created", sender)
    if made.status == "completed":
        _completed(records, made, sender)
    return made


def update_run(records: Records, run: CheckRun, output: CheckOutput | None, sender: str) -> CheckRun:
    """Store a changed check run; the annotations of ``output`` are appended to those it has.

    Raises:
        Refused: 422, a limit is exceeded.
    """
    old = records.check(run.repository, run.id)
    if output is not None:
        _check_limits(run, output)
        run = replace(run, output=replace(output, annotations=old.output.annotations + output.annotations))
    else:
        _check_limits(run, CheckOutput())
    records.checks[run.id] = run
    if run.status == "completed" and (old.status, old.conclusion) != (run.status, run.conclusion):
        _completed(records, run, sender)
    return run


def _completed(records: Records, run: CheckRun, sender: str) -> None:
    hooks.check_run(records, run, "completed", sender)


def _check_limits(run: CheckRun, output: CheckOutput) -> None:
    for field, text in (("summary", output.summary), ("text", output.text)):
        if text is not None and len(text.encode()) > TEXT_BYTES:
            raise invalid("CheckRun", field, "custom", f"{field} exceeds a maximum bytesize of {TEXT_BYTES}")
    if len(output.annotations) > ANNOTATIONS_A_REQUEST:
        raise unprocessable(f"No more than {ANNOTATIONS_A_REQUEST} items are allowed in output.annotations.")
    if len(run.actions) > ACTIONS:
        raise unprocessable(f"No more than {ACTIONS} items are allowed; {len(run.actions)} were supplied.")
    for action in run.actions:
        _check_action(action)
    if run.status == "completed":
        if run.conclusion not in CONCLUSIONS:
            raise unprocessable(f"{run.conclusion!r} is not a possible conclusion.")
    elif run.status not in OPEN_STATES:
        raise unprocessable(f"{run.status!r} is not a possible status.")


def _check_action(action: CheckAction) -> None:
    for field, most in ACTION_LIMITS.items():
        given = getattr(action, field)
        if not 0 < len(given) <= most:
            raise unprocessable(f"Only {most} characters are allowed in {field}; {len(given)} were supplied.")


def click_rerun(records: Records, full_name: str, check_id: int, *, by: str) -> None:
    """A person clicks "Re-run".

    Raises:
        Refused: 403 without write access; 422 while the run is not completed.
    """
    run = _clickable(records, full_name, check_id, by)
    hooks.check_run(records, run, "rerequested", by)


def click_rerun_all(records: Records, full_name: str, suite_id: int, *, by: str) -> None:
    """A person clicks "Re-run all checks" of one App.

    Raises:
        Refused: 403 without write access; 404.
    """
    records.require_role(full_name, by, "write")
    suite = records.suites.get(suite_id)
    if suite is None or suite.repository != full_name:
        raise not_found()
    hooks.check_suite(records, suite, "rerequested", by)


def click_action(records: Records, full_name: str, check_id: int, identifier: str, *, by: str) -> None:
    """A person clicks one of the run's own buttons.

    Raises:
        Refused: 403 without write access; 404 when there is no such button; 422 while the run is not completed.
    """
    run = _clickable(records, full_name, check_id, by)
    if identifier not in {action.identifier for action in run.actions}:
        raise not_found()
    hooks.check_run(records, run, "requested_action", by, identifier=identifier)


def _clickable(records: Records, full_name: str, check_id: int, by: str) -> CheckRun:
    records.require_role(full_name, by, "write")
    run = records.check(full_name, check_id)
    if run.status != "completed":
        raise Refused(422, "This check run is not rerequestable")
    return run


def set_status(records: Records, status: Status) -> Status:
    """Store a commit status; its id is given here.

    Raises:
        Refused: 422, the commit is unknown or a limit is exceeded.
    """
    if status.sha not in records.objects.commits:
        raise Refused(422, f"No commit found for SHA: {status.sha}")
    if status.state not in {"error", "failure", "pending", "success"}:
        raise invalid("Status", "state", "inclusion", "state is not included in the list")
    same = sum((one.sha, one.context) == (status.sha, status.context) for one in records.statuses)
    if same >= STATUSES_A_CONTEXT:
        raise invalid(
            "Status", "base", "custom", "This SHA and context has reached the maximum number of statuses."
        )
    if status.description is not None and len(status.description) > DESCRIPTION_CHARACTERS:
        raise invalid(
            "Status",
            "description",
            "custom",
            f"description is too long (maximum is {DESCRIPTION_CHARACTERS} characters)",
        )
    made = replace(status, id=records.new_id())
    records.statuses.append(made)
    hooks.status(records, made)
    return made
