"""The pass over a repository's newest commit: the commit status that deployments by the API have to wait for."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from gatekeeper.decide.deployment import Deployment, DeploymentSnapshot, decide_deployment, waits
from gatekeeper.decide.deployment_texts import deployment_check
from gatekeeper.decide.evaluate import Decision
from gatekeeper.decide.verdict import Verdict
from gatekeeper.events.keys import WorkKey
from gatekeeper.events.ours import forged

CONTEXT = "gatekeeper/deployment"
"""Not the name of the check on pull requests: where a commit has both, GitHub asks for both."""


class Head(Protocol):
    """The newest commit of the default branch."""

    @property
    def branch(self) -> str:
        """The branch's name."""

    @property
    def sha(self) -> str:
        """The commit."""


class Observer(Protocol):
    """Reads what a deployment of it would meet."""

    def login(self) -> str:
        """The login that we write under."""

    def enforced(self, repository: str) -> Sequence[str]:
        """The environments that a policy names to be enforced."""

    def head(self, repository: str) -> Head | None:
        """The newest commit of the default branch; None where there is none."""

    def of(self, asked: Deployment, now: datetime) -> DeploymentSnapshot:
        """What to decide from."""


class Record(Protocol):
    """Where a pass leaves what it found."""

    def decided_on(self, snapshot: DeploymentSnapshot, decision: Decision, essence: str) -> str:
        """Store a decision; its id."""

    def said_of(self, repository: str, sha: str) -> str | None:
        """The essence of the status that a commit has; None when there is none of ours."""

    def forged(self, repository: str, forgery: Mapping[str, Any], now: datetime) -> None:
        """Somebody else set a commit status of our name."""

    def say_of(self, repository: str, sha: str, essence: str, now: datetime) -> None:
        """The commit has this status now."""


class Writer(Protocol):
    """Strict subset of the GitHub client's methods."""

    def set_status(
        self,
        repository: str,
        sha: str,
        *,
        context: str,
        state: str,
        description: str,
        target_url: str | None,
    ) -> None:
        """Set a commit status."""


@dataclass(frozen=True)
class HeadPass:
    """Keeps the status of the newest commit in line, where a policy names an environment to be enforced.

    Attributes:
        link: makes the URL of a decision's page from its id; None when nobody can reach this server.
    """

    observer: Observer
    record: Record
    writer: Writer
    link: Callable[[str], str | None]

    def __call__(self, key: WorkKey, hints: Sequence[Mapping[str, Any]], now: datetime) -> Mapping[str, Any]:
        """Run the pass; the status, for the log.

        Raises:
            GitHubError: GitHub failed; tried again later.
            GitHubRefusedError: GitHub will not let us; parked.
        """
        forgeries = forged(hints, self.observer.login)
        for forgery in forgeries:
            self.record.forged(key.name, forgery, now)
        environments = self.observer.enforced(key.name)
        head = self.observer.head(key.name) if environments else None
        if head is None:
            return {"status": "none"}
        snapshot, decision = max(
            (self._judged(key.name, head, one, now) for one in environments),
            key=lambda one: (one[1].verdict, waits(*one)),
        )
        check, state = deployment_check(snapshot, decision), _state(snapshot, decision)
        essence = f"{state} {check.essence}"
        # Of the same state it changes nothing, and ours under a login that we had before would be answered for ever.
        again = any(one["sha"] == head.sha and one["state"] != state for one in forgeries)
        if self.record.said_of(key.name, head.sha) == essence and not again:
            return {"status": state}
        page = self.link(self.record.decided_on(snapshot, decision, check.essence))
        self.writer.set_status(
            key.name, head.sha, context=CONTEXT, state=state, description=check.title, target_url=page
        )
        self.record.say_of(key.name, head.sha, essence, now)
        return {"status": state, "sha": head.sha}

    def _judged(
        self, repository: str, head: Head, environment: str, now: datetime
    ) -> tuple[DeploymentSnapshot, Decision]:
        snapshot = self.observer.of(Deployment(repository, environment, head.sha, head.branch, ""), now)
        return snapshot, decide_deployment(snapshot)


def _state(snapshot: DeploymentSnapshot, decision: Decision) -> str:
    if decision.verdict is Verdict.BLOCK:
        return "failure"
    return "pending" if waits(snapshot, decision) else "success"
