"""What a delivery gives us to look at again. Events are hints: each pass reads the present state itself.

Payloads: GitHub's "Webhook events and payloads"; whatever is missing in one makes it ignored, never an error.
"""

import re
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import Any, Literal, TypeVar

from gatekeeper.events.commands import parse_command
from gatekeeper.events.delivery import Delivery
from gatekeeper.events.deployments import DeploymentStatus
from gatekeeper.events.keys import Kind, WorkKey
from gatekeeper.events.ours import CHECKS, REVIEWED, STATUSES, comment_kind, made

POLICY_FOLDER = "policies/"
MAX_PUSH_COMMITS = 2048
"""GitHub lists at most so many commits of a push."""


Wanted = TypeVar("Wanted")


class Priority(IntEnum):
    """Which work goes first when there is much of it; the largest first."""

    SWEEP = 0
    OPEN = 2
    """An open pull request whose gate moved. Those that are nearer to landing go first."""
    APPROVED = 4
    AUTO_MERGE = 6
    """The same; it lands by itself as soon as its checks let it."""
    EVENT = 10
    PERSON = 20
    """Somebody pressed a button, set a label or wrote a command, and is looking at the page."""
    QUEUED = 30
    """A merge group: it lands as soon as it is answered."""
    DEPLOYING = 40
    """What goes into an environment as soon as it is answered."""


FANNED_OUT = (Priority.OPEN, Priority.APPROVED, Priority.AUTO_MERGE)
"""Of open pull requests that are looked at again since a gate or a policy moved."""


@dataclass(frozen=True)
class Touch:
    """Look at this again.

    Attributes:
        hint: what the event says beside that. A command: ``command``, ``argument``, ``actor``, ``comment``
            (id), ``at`` (when it was written or edited last). A button or re-run: ``button`` (its identifier, or
            ``rerequested``), ``actor``. A deployment: a ``DeploymentStatus``. A job that waits for our answer: its
            ``environment``. A new check or comment that looks like ours: ``made``, ``id``. A review: ``REVIEWED``.
            A commit status of our name: ``status`` (its context), ``id``, ``sha``,
            ``actor``. Else empty.
    """

    key: WorkKey
    priority: Priority = Priority.EVENT
    hint: Mapping[str, str | int | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Triggered:
    """What a delivery touches; when nothing, ``ignored`` says why."""

    touches: tuple[Touch, ...] = ()
    ignored: str | None = None


class _IgnoredError(Exception):
    """This delivery gives us nothing to look at; the message says why."""


def triggers(delivery: Delivery, *, policy_repository: str) -> Triggered:
    """What to look at again after this delivery.

    Args:
        delivery: any event whatever, known or not, well-formed or not.
        policy_repository: name of the organisation's policy repository; each of its pushes counts.
    """
    find = _EVENTS.get(delivery.event)
    if find is None:
        return Triggered(ignored=f"event {delivery.event} is not used")
    try:
        return Triggered(tuple(find(delivery, policy_repository)))
    except _IgnoredError as why:
        return Triggered(ignored=str(why))
    except ValueError as mistake:
        return Triggered(ignored=f"malformed {delivery.event} payload: {mistake}")


def may_trigger(event: str, action: str | None) -> bool:
    """Whether such a delivery may touch anything, as far as can be told without its payload."""
    return event in _EVENTS and (event not in _ACTIONS or action in _ACTIONS[event])


def _ping(_delivery: Delivery, _policy_repository: str) -> Sequence[Touch]:
    raise _IgnoredError("ping: the webhook works")


def _installation(delivery: Delivery, _policy_repository: str) -> Sequence[Touch]:
    if delivery.installation is None:
        raise _IgnoredError(f"{delivery.event} without an App installation")
    return [Touch(WorkKey(Kind.INSTALLATION, str(delivery.installation)))]


_PULL_ACTIONS = {
    "opened": Priority.EVENT,
    "reopened": Priority.EVENT,
    "synchronize": Priority.EVENT,
    "edited": Priority.EVENT,
    "ready_for_review": Priority.EVENT,
    "converted_to_draft": Priority.EVENT,
    "closed": Priority.EVENT,
    "auto_merge_enabled": Priority.EVENT,
    "auto_merge_disabled": Priority.EVENT,
    "labeled": Priority.PERSON,
    "unlabeled": Priority.PERSON,
}


def _pull_request(delivery: Delivery, _policy_repository: str) -> Sequence[Touch]:
    priority = _PULL_ACTIONS.get(delivery.action or "")
    if priority is None:
        raise _IgnoredError(f"pull_request {delivery.action} changes no verdict")
    number = _at(delivery.payload, int, "pull_request", "number")
    return [Touch(WorkKey.pull(_repository(delivery), number), priority)]


def _review(delivery: Delivery, _policy_repository: str) -> Sequence[Touch]:
    repository, number = _repository(delivery), _at(delivery.payload, int, "pull_request", "number")
    touches = [Touch(WorkKey.proposal(repository, number), Priority.PERSON)]
    if _at(delivery.payload, str, "review", "state").casefold() != "commented":
        touches.append(Touch(WorkKey.pull(repository, number), Priority.EVENT, REVIEWED))
    return touches


def _merge_group(delivery: Delivery, _policy_repository: str) -> Sequence[Touch]:
    """Also one that was destroyed: the pass finds out. A queue waits, so it goes before what nobody waits for."""
    key = WorkKey.group(_repository(delivery), _at(delivery.payload, str, "merge_group", "head_sha"))
    return [Touch(key, Priority.QUEUED)]


def _push(delivery: Delivery, policy_repository: str) -> Sequence[Touch]:
    payload, repository = delivery.payload, _repository(delivery)
    default = _at(payload, str, "repository", "default_branch")
    if _at(payload, str, "ref") != f"refs/heads/{default}":
        raise _IgnoredError("push to another branch than the default one")
    touches = [Touch(WorkKey(Kind.HEAD, repository))]
    if repository.partition("/")[2] == policy_repository or _may_touch_policies(payload):
        touches.append(Touch(WorkKey(Kind.POLICIES, repository)))
    return touches


def _may_touch_policies(payload: Mapping[str, Any]) -> bool:
    commits = payload.get("commits")
    if not isinstance(commits, list) or not 0 < len(commits) < MAX_PUSH_COMMITS:
        return True  # new or deleted branches list no commits, large pushes not all of them
    if payload.get("forced"):
        return True  # the commits that a forced push takes away are not listed
    return any(_touches_policies(commit) for commit in commits)


def _touches_policies(commit: Any) -> bool:
    lists = [
        commit.get(change) if isinstance(commit, dict) else None
        for change in ("added", "removed", "modified")
    ]
    if not all(isinstance(paths, list) for paths in lists):
        return True
    return any(str(path).startswith(POLICY_FOLDER) for paths in lists for path in paths or ())


def _check(delivery: Delivery, _policy_repository: str) -> Sequence[Touch]:
    if (delivery.event, delivery.action) == ("check_run", "created"):
        return _made_check(delivery)
    if delivery.action == "rerequested":
        button = "rerequested"
    elif (delivery.event, delivery.action) == ("check_run", "requested_action"):
        button = _at(delivery.payload, str, "requested_action", "identifier")
    else:
        raise _IgnoredError(f"{delivery.event} {delivery.action} is no request to us")
    hint = {"button": button, "actor": _at(delivery.payload, str, "sender", "login")}
    return [Touch(key, Priority.PERSON, hint) for key in _checked(delivery)]


def _made_check(delivery: Delivery) -> Sequence[Touch]:
    name = _at(delivery.payload, str, "check_run", "name")
    if (kind := CHECKS.get(name)) is None:
        raise _IgnoredError("check run of somebody else")
    identity = _at(delivery.payload, int, "check_run", "id")
    whose: dict[str, str | int | None] = {
        "check": name,
        "id": identity,
        "sha": _at(delivery.payload, str, "check_run", "head_sha"),
        "actor": f"{_at(delivery.payload, str, 'check_run', 'app', 'slug')}[bot]",
    }
    return [Touch(key, hint=hint) for key in _checked(delivery) for hint in (made(kind, identity), whose)]


def _checked(delivery: Delivery) -> Sequence[WorkKey]:
    repository = _repository(delivery)
    check = _at(delivery.payload, dict, delivery.event)
    pulls = check.get("pull_requests")
    here = delivery.payload["repository"].get("id")
    numbers = {
        _at(pull, int, "number")
        for pull in (pulls if isinstance(pulls, list) else ())
        if _at(pull, dict, "base", "repo").get("id") == here
    }
    if numbers:
        return [WorkKey.pull(repository, number) for number in sorted(numbers)]
    # Pushes in forks list no pull requests: the pass finds them by SHA.
    return [WorkKey.commit(repository, _at(check, str, "head_sha"))]


_INSIDE = frozenset({"OWNER", "MEMBER", "COLLABORATOR"})
"""GitHub's "CommentAuthorAssociation": who belongs here. It may take a member for less who hides the membership."""


def _issue_comment(delivery: Delivery, _policy_repository: str) -> Sequence[Touch]:
    payload = delivery.payload
    if delivery.action not in {"created", "edited"}:
        raise _IgnoredError(f"issue_comment {delivery.action} asks for nothing")
    comment, actor = _at(payload, dict, "comment"), _at(payload, str, "sender", "login")
    key = WorkKey.pull(_repository(delivery), _at(payload, int, "issue", "number"))
    if delivery.action == "created" and (kind := comment_kind(_at(comment, str, "body"))) is not None:
        return [Touch(key, hint=made(kind, _at(comment, int, "id")))]
    if _at(comment, str, "user", "type") == "Bot" or comment.get("performed_via_github_app"):
        raise _IgnoredError("comment by a bot")
    if actor != _at(comment, str, "user", "login"):
        # Who may write may edit the words of others: those are not the author's any more.
        raise _IgnoredError("comment edited by somebody else than its author")
    command = parse_command(_at(comment, str, "body"))
    if command is None:
        raise _IgnoredError("comment without a command")
    if not isinstance(_at(payload, dict, "issue").get("pull_request"), dict):
        raise _IgnoredError("command on an issue, not on a pull request")
    hint = {
        "command": command.name.value,
        "argument": command.argument,
        "actor": actor,
        "comment": _at(comment, int, "id"),
        "at": _at(comment, str, "updated_at"),
    }
    if (
        actor != payload["issue"].get("user", {}).get("login")
        and comment.get("author_association") not in _INSIDE
    ):
        return [Touch(key, Priority.EVENT, hint | {"outside": True})]
    return [Touch(key, Priority.PERSON, hint)]


def _status(delivery: Delivery, _policy_repository: str) -> Sequence[Touch]:
    """One of our name: whoever may push can set it, and the newest of a name counts. The pass finds out whose it is."""
    context, sha = _at(delivery.payload, str, "context"), _at(delivery.payload, str, "sha")
    if context not in STATUSES:
        raise _IgnoredError("commit status of another name")
    repository = _repository(delivery)
    who, identity = _at(delivery.payload, str, "sender", "login"), _at(delivery.payload, int, "id")
    hint: dict[str, str | int | None] = {
        "status": context,
        "state": _at(delivery.payload, str, "state"),
        "id": identity,
        "sha": sha,
        "actor": who,
    }
    if STATUSES[context] == "head":
        return [Touch(WorkKey(Kind.HEAD, repository), Priority.DEPLOYING, hint)]
    return [Touch(WorkKey.commit(repository, sha), Priority.EVENT, hint)]


_WEB = ("https://", "http://")
_TAKES_EFFECT: Mapping[str, Literal["in_progress", "success"]] = {
    "in_progress": "in_progress",
    "success": "success",
}


def _deployment_status(delivery: Delivery, _policy_repository: str) -> Sequence[Touch]:
    payload = delivery.payload
    state = _TAKES_EFFECT.get(said := _at(payload, str, "deployment_status", "state"))
    if state is None:
        raise _IgnoredError(f"deployment_status {said} changes nothing that runs")
    deployment = _at(payload, dict, "deployment")
    if deployment.get("transient_environment") is True:
        raise _IgnoredError("deployment into an environment that will be gone")
    status = DeploymentStatus(
        id=str(_at(deployment, int, "id")),
        environment=_at(deployment, str, "environment"),
        production=deployment.get("production_environment") is True,
        task=_at(deployment, str, "task"),
        ref=_at(deployment, str, "ref"),
        sha=_at(deployment, str, "sha"),
        state=state,
        at=datetime.fromisoformat(_at(payload, str, "deployment_status", "created_at")),
        url=_page(_at(payload, dict, "deployment_status")),
    )
    return [Touch(WorkKey(Kind.DEPLOYMENTS, _repository(delivery)), hint=status.hint())]


def _deployment(delivery: Delivery, _policy_repository: str) -> Sequence[Touch]:
    """Somebody asked for one by the API; a job of GitHub Actions waits for our protection rule instead."""
    if delivery.payload.get("workflow_run") is not None:
        raise _IgnoredError("deployment by a workflow run")
    if _at(delivery.payload, dict, "deployment").get("transient_environment") is True:
        raise _IgnoredError("deployment into an environment that will be gone")
    key = WorkKey(
        Kind.DEPLOYMENT, f"{_repository(delivery)}#{_at(delivery.payload, int, 'deployment', 'id')}"
    )
    return [Touch(key, Priority.DEPLOYING)]


_CALLBACK = re.compile(r".*/actions/runs/(?P<run>[1-9]\d{0,17})/deployment_protection_rule")


def _protection_rule(delivery: Delivery, _policy_repository: str) -> Sequence[Touch]:
    """A job waits for our answer, and whoever started it too."""
    callback = _CALLBACK.fullmatch(_at(delivery.payload, str, "deployment_callback_url"))
    if callback is None:
        raise ValueError("deployment_callback_url names no run")
    hint = {"environment": _at(delivery.payload, str, "environment")}
    return [Touch(WorkKey.run(_repository(delivery), int(callback["run"])), Priority.DEPLOYING, hint)]


def _page(status: Mapping[str, Any]) -> str | None:
    """Where the deployment can be looked at. Whoever deploys chooses it, so it may be anything."""
    given = (status.get("log_url"), status.get("target_url"))
    return next((one for one in given if isinstance(one, str) and one.startswith(_WEB)), None)


def _repository(delivery: Delivery) -> str:
    return _at(delivery.payload, str, "repository", "full_name")


def _at(value: Any, kind: type[Wanted], *path: str) -> Wanted:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    if not isinstance(value, kind) or isinstance(value, bool):
        raise ValueError(f"no {'.'.join(path)}")  # noqa: TRY004 (the value is wrong, not the call)
    return value


_EVENTS: Mapping[str, Callable[[Delivery, str], Sequence[Touch]]] = {
    "check_run": _check,
    "check_suite": _check,
    "deployment": _deployment,
    "deployment_protection_rule": _protection_rule,
    "deployment_status": _deployment_status,
    "installation": _installation,
    "installation_repositories": _installation,
    "installation_target": _installation,
    "issue_comment": _issue_comment,
    "merge_group": _merge_group,
    "ping": _ping,
    "pull_request": _pull_request,
    "pull_request_review": _review,
    "push": _push,
    "repository": _installation,
    "status": _status,
}
_ACTIONS: Mapping[str, Container[str | None]] = {
    "check_run": {"rerequested", "requested_action"},
    "check_suite": {"rerequested"},
    "issue_comment": {"created", "edited"},
    "ping": (),
    "pull_request": _PULL_ACTIONS,
}
"""The actions that count, of events that have others too."""
