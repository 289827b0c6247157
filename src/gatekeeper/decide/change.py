"""A change of whatever kind, a pull request or a deployment: decided and described by its snapshot."""

from dataclasses import dataclass

from gatekeeper.decide.deployment import DeploymentSnapshot, decide_deployment
from gatekeeper.decide.deployment_texts import deployment_check
from gatekeeper.decide.desired import Check, desire
from gatekeeper.decide.evaluate import Decision, decide
from gatekeeper.decide.snapshot import Snapshot

Change = Snapshot | DeploymentSnapshot


@dataclass(frozen=True)
class Description:
    """A change as lists and pages name it; ``goes_to`` is a branch or an environment."""

    title: str
    author: str
    sha: str
    goes_to: str
    labels: tuple[str, ...] = ()


def judge(change: Change) -> Decision:
    """The verdict on it. Equal snapshots give equal decisions."""
    return decide_deployment(change) if isinstance(change, DeploymentSnapshot) else decide(change)


def check_of(change: Change, decision: Decision) -> Check:
    """What its check says, or would say."""
    if isinstance(change, DeploymentSnapshot):
        return deployment_check(change, decision)
    return desire(change, decision).check


def described(change: Change) -> Description:
    """Who wants to bring what where."""
    if isinstance(change, DeploymentSnapshot):
        one = change.deployment
        return Description(f"Deployment to {one.environment}", one.actor, one.sha, one.environment)
    pull = change.pull
    return Description(pull.title, pull.author, pull.head_sha, pull.base_ref, pull.labels)
