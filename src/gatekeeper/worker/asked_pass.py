"""The pass over a deployment that somebody asked for by the API: it is told once whether it may go."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from gatekeeper.decide.deployment import Deployment, DeploymentSnapshot, decide_deployment, waits
from gatekeeper.decide.deployment_texts import deployment_check
from gatekeeper.decide.evaluate import Decision
from gatekeeper.errors import TemporaryError
from gatekeeper.events.keys import Kind, WorkKey
from gatekeeper.events.triggers import Priority, Touch

_OVER = frozenset({"success", "failure", "error", "inactive"})
_FIRST = 1.0
"""Seconds to wait for policies that were never read: a pipeline may wait for the answer."""


class Asked(Protocol):
    """A deployment that was asked for."""

    @property
    def environment(self) -> str:
        """Where it goes."""

    @property
    def sha(self) -> str:
        """The commit."""

    @property
    def ref(self) -> str:
        """What was asked for."""

    @property
    def creator(self) -> str:
        """The login of whoever asked."""

    @property
    def told(self) -> Sequence[tuple[str, str]]:
        """The states that it was told so far, newest first, each with the login of whoever told it."""


class Observer(Protocol):
    """Reads a deployment."""

    def asked(self, repository: str, number: int) -> Asked:
        """What was asked for."""

    def of(self, asked: Deployment, now: datetime) -> DeploymentSnapshot:
        """What to decide from."""

    def login(self) -> str:
        """The login that we write under."""


class Record(Protocol):
    """Where a pass leaves what it found."""

    def knows_policies(self, repository: str) -> bool:
        """Whether the policy files that may cover a repository were read."""

    def decided_on(self, snapshot: DeploymentSnapshot, decision: Decision, essence: str) -> str:
        """Store a decision; its id."""

    def allowed(self, repository: str, environment: str, sha: str, now: datetime) -> None:
        """This commit was let go."""

    def touch(self, touches: Sequence[Touch]) -> None:
        """Look at these too."""


class Writer(Protocol):
    """Strict subset of the GitHub client's methods."""

    def tell_deployment(
        self, repository: str, number: int, state: str, description: str, log_url: str | None
    ) -> None:
        """Give a deployment a status."""


@dataclass(frozen=True)
class AskedPass:
    """Answers one deployment: ``failure`` while a gate is shut, ``pending`` where it may go and nobody has begun.

    Attributes:
        link: makes the URL of a decision's page from its id; None when nobody can reach this server.
    """

    observer: Observer
    record: Record
    writer: Writer
    link: Callable[[str], str | None]

    def __call__(self, key: WorkKey, hints: Sequence[Mapping[str, Any]], now: datetime) -> Mapping[str, Any]:
        """Run the pass; what it was told, for the log.

        Raises:
            GitHubError: GitHub failed; tried again later.
            GitHubRefusedError: GitHub will not show it, or not let us; parked.
            TemporaryError: the policies were not read yet.
        """
        del hints
        repository, number = key.name, int(key.detail)
        if not self.record.knows_policies(repository):
            self.record.touch([Touch(WorkKey(Kind.POLICIES, repository), Priority.PERSON)])
            raise TemporaryError(f"the policies of {repository} are not read yet", retry_after=_FIRST)
        asked = self.observer.asked(repository, number)
        states = [state for state, _ in asked.told]
        if _OVER & {*states} or self.observer.login() in {login for _, login in asked.told}:
            return {"told": "nothing: it was answered, or is over"}
        about = Deployment(repository, asked.environment, asked.sha, asked.ref, asked.creator)
        snapshot = self.observer.of(about, now)
        decision = decide_deployment(snapshot)
        held = waits(snapshot, decision)
        if not held:
            self.record.allowed(repository, asked.environment, asked.sha, now)
        if not snapshot.services or (states and not held):
            return {"told": "nothing"}
        check = deployment_check(snapshot, decision)
        page = self.link(self.record.decided_on(snapshot, decision, check.essence))
        state = "failure" if held else "pending"
        self.writer.tell_deployment(repository, number, state, check.title, page)
        return {"told": state}
