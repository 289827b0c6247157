"""A change of whatever kind, a pull request, a deployment or what a pipeline asks: decided by its snapshot."""

from dataclasses import dataclass

from gatekeeper.decide.deployment import DeploymentSnapshot, decide_deployment
from gatekeeper.decide.deployment_texts import deployment_check, environment_check
from gatekeeper.decide.desired import Check, desire
from gatekeeper.decide.environment import EnvironmentSnapshot, decide_environment
from gatekeeper.decide.evaluate import Decision, decide
from gatekeeper.decide.snapshot import Snapshot

Change = Snapshot | DeploymentSnapshot | EnvironmentSnapshot


@dataclass(frozen=True)
class Description:
    """A change as lists and pages name it; ``goes_to`` is a branch or an environment.

    Attributes:
        author: empty where a pipeline asked, which does not say who it is.
        sha: empty where a pipeline asked, which does not say what it deploys.
    """

    title: str
    author: str
    sha: str
    goes_to: str
    labels: tuple[str, ...] = ()


def judge(change: Change) -> Decision:
    """The verdict on it. Equal snapshots give equal decisions."""
    match change:
        case DeploymentSnapshot():
            return decide_deployment(change)
        case EnvironmentSnapshot():
            return decide_environment(change)
        case Snapshot():
            return decide(change)


def check_of(change: Change, decision: Decision) -> Check:
    """What its check says, or would say."""
    match change:
        case DeploymentSnapshot():
            return deployment_check(change, decision)
        case EnvironmentSnapshot():
            return environment_check(change, decision)
        case Snapshot():
            return desire(change, decision).check


def described(change: Change) -> Description:
    """Who wants to bring what where."""
    if isinstance(change, DeploymentSnapshot):
        one = change.deployment
        return Description(f"Deployment to {one.environment}", one.actor, one.sha, one.environment)
    if isinstance(change, EnvironmentSnapshot):
        return Description(f"{change.view.service.name} to {change.environment}", "", "", change.environment)
    pull = change.pull
    return Description(pull.title, pull.author, pull.head_sha, pull.base_ref, pull.labels)
