"""The pass over a workflow run: its deployments are held while a gate is shut, and let go as soon as they may."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from gatekeeper.decide.deployment import DeploymentSnapshot, decide_deployment, rejected_from, waits
from gatekeeper.decide.deployment_texts import Report, report
from gatekeeper.decide.evaluate import Decision
from gatekeeper.errors import GitHubRefusedError, TemporaryError
from gatekeeper.events.keys import Kind, WorkKey
from gatekeeper.events.triggers import Priority, Touch
from gatekeeper.github.values import RuleAnswer

MOST_REPORTS = 10
"""GitHub takes no more for one deployment."""
NOT_YET = 422
"""GitHub's answer when nothing waits for us: not yet, or not any more."""
_SOON = 2.0
_TURNS = 5
"""Two that step back for each other come again this many seconds apart at most, and mostly not together."""
_SETTLED = timedelta(minutes=1)
"""So long after we were asked, or let it go, GitHub knows what waits for us and what does not."""
_FIRST = 1.0
"""Seconds to wait for policies that were never read: somebody looks at the run."""


class Run(Protocol):
    """A workflow run that has not ended."""

    @property
    def repository(self) -> str:
        """Its repository, as it is named by now."""

    @property
    def number(self) -> int:
        """Its id."""

    @property
    def head_sha(self) -> str:
        """The commit that it deploys."""


class Waiting(Protocol):
    """A deployment that waits, as we left it."""

    @property
    def decision(self) -> str:
        """The id of the decision on it."""

    @property
    def since(self) -> datetime:
        """Since when we know of it."""

    @property
    def reports(self) -> int:
        """How often we reported, at most."""

    @property
    def essence(self) -> str | None:
        """Of what was said last; None while that is not known."""

    @property
    def approving_at(self) -> datetime | None:
        """When we were about to let it go."""

    @property
    def approved(self) -> bool:
        """Whether we have let it go."""


class Observer(Protocol):
    """Reads a run."""

    def run(self, repository: str, number: int) -> Any:
        """The run; None when it is gone, or has ended."""

    def environments(self, run: Any, known: Collection[str]) -> Sequence[str]:
        """The environments that wait for us; of the known ones GitHub is not asked."""

    def deployment(self, run: Any, environment: str, now: datetime) -> DeploymentSnapshot:
        """What to decide from."""

    def waiting(self, repository: str) -> Sequence[int]:
        """The runs of a repository that wait."""


class Record(Protocol):
    """Where a pass leaves what it found, before anything is written on GitHub."""

    def knows_policies(self, repository: str) -> bool:
        """Whether the policy files that may cover a repository were read."""

    def waiting(self, repository: str, run: int) -> Mapping[str, Waiting]:
        """By environment, the deployments of a run that wait."""

    def decided(
        self, run: int, snapshot: DeploymentSnapshot, decision: Decision, essence: str, before: Any
    ) -> Any:
        """Store what was decided, and that it waits."""

    def reporting(self, repository: str, run: int, environment: str) -> None:
        """About to report."""

    def reported(self, repository: str, run: int, environment: str, essence: str) -> None:
        """The report arrived."""

    def approving(self, repository: str, run: int, environment: str, now: datetime) -> None:
        """About to let it go."""

    def holding(self, repository: str, run: int, environment: str) -> None:
        """It is not let go after all."""

    def approved(self, repository: str, run: int, environment: str, sha: str, now: datetime) -> None:
        """This commit was let go."""

    def forget(self, repository: str, run: int, environments: Sequence[str]) -> None:
        """These do not wait any more."""

    def touch(self, touches: Sequence[Touch]) -> None:
        """Look at these too."""


class Writer(Protocol):
    """Answers for our protection rule. Strict subset of the GitHub client's methods."""

    def answer_rule(
        self, repository: str, run: int, environment: str, comment: str, answer: RuleAnswer | None
    ) -> None:
        """Let a job go, or end its run; None only says why it waits."""


@dataclass(frozen=True)
class RunPass:
    """Answers for our protection rule in one workflow run.

    It is rejected only where the policy says so, and when: that fails the run for good.

    Attributes:
        link: makes the URL of a decision's page from its id; None when nobody can reach this server.
    """

    observer: Observer
    record: Record
    writer: Writer
    link: Callable[[str], str | None]

    def __call__(self, key: WorkKey, hints: Sequence[Mapping[str, Any]], now: datetime) -> Mapping[str, Any]:
        """Run the pass; what became of each environment, for the log.

        Raises:
            GitHubError: GitHub failed; tried again later.
            GitHubRefusedError: GitHub will not show the run, or not let us answer; parked.
            TemporaryError: the policies were not read yet, or GitHub does not know yet that the job waits.
        """
        repository, number = key.name, int(key.detail)
        known = self.record.waiting(repository, number)
        run: Run | None = self.observer.run(repository, number)
        if run is None or run.repository != repository:
            self.record.forget(repository, number, sorted(known))
            return self._moved(run)
        if not self.record.knows_policies(
            repository
        ):  # looked at later: of what is lost they are never known again
            self.record.touch([Touch(WorkKey(Kind.POLICIES, repository), Priority.PERSON)])
            raise TemporaryError(f"the policies of {repository} are not read yet", retry_after=_FIRST)
        asked = {hint["environment"] for hint in hints if "environment" in hint}
        pending = self.observer.environments(run, known.keys() | asked)
        # One that we were asked for a moment ago may not show yet.
        fresh = {one for one in asked if one not in known or now - known[one].since < _SETTLED}
        waiting = {*pending, *fresh}
        anew = {one for one in pending if one in known and _let_go_before(known[one], now)}
        self.record.forget(repository, number, sorted((known.keys() - waiting) | anew))
        known = {one: found for one, found in known.items() if one not in anew}
        return {one: self._answer(run, one, known.get(one), now) for one in sorted(waiting)}

    def _moved(self, run: Run | None) -> Mapping[str, Any]:
        if run is not None:
            self.record.touch([Touch(WorkKey.run(run.repository, run.number), Priority.DEPLOYING)])
        return {"run": "moved" if run else "ended"}

    def _answer(self, run: Run, environment: str, before: Waiting | None, now: datetime) -> str:
        if before is not None and before.approved:
            return "let go"
        snapshot = self.observer.deployment(run, environment, now)
        decision = decide_deployment(snapshot)
        ends = rejected_from(snapshot, decision, now if before is None else before.since)
        essence = report(snapshot, decision, None, ends).essence
        waiting: Waiting = self.record.decided(run.number, snapshot, decision, essence, before)
        said = report(snapshot, decision, self.link(waiting.decision), ends)
        if ends is not None and now >= ends:
            return self._reject(run, environment, waiting, said, now)
        if waits(snapshot, decision):
            return self._hold(run, environment, waiting, said)
        return self._approve(run, environment, waiting, said, now)

    def _hold(self, run: Run, environment: str, waiting: Waiting, said: Report) -> str:
        place = (run.repository, run.number, environment)
        if waiting.approving_at is not None:
            self.record.holding(*place)
        if waiting.essence == said.essence or waiting.reports >= MOST_REPORTS:
            return "held"
        self.record.reporting(*place)
        self._send(run, environment, said, None)
        self.record.reported(*place, said.essence)
        return "held, and said why"

    def _approve(self, run: Run, environment: str, waiting: Waiting, said: Report, now: datetime) -> str:
        place = (run.repository, run.number, environment)
        if waiting.approving_at is None:
            self.record.approving(*place, now)
            self._look_again(run, environment, now)
        try:
            self._send(run, environment, said, "approved")
        except _NotWaitingError:
            if waiting.approving_at is None or now - waiting.approving_at < _SETTLED:
                raise
        self.record.approved(*place, run.head_sha, now)
        return "let go"

    def _look_again(self, run: Run, environment: str, now: datetime) -> None:
        """Another may have been let go since we looked, where only one at a time may go: both see each other now."""
        snapshot = self.observer.deployment(run, environment, now)
        if waits(snapshot, decide_deployment(snapshot)):
            self.record.holding(run.repository, run.number, environment)
            raise TemporaryError(
                f"the gate moved, or another deployment to {environment} goes first",
                retry_after=_SOON + run.number % _TURNS,
            )

    def _reject(self, run: Run, environment: str, waiting: Waiting, said: Report, now: datetime) -> str:
        try:
            self._send(run, environment, said, "rejected")
        except _NotWaitingError:  # as after an answer that got lost
            if now - waiting.since < _SETTLED:
                raise
        self.record.forget(run.repository, run.number, [environment])
        return "rejected"

    def _send(self, run: Run, environment: str, said: Report, answer: RuleAnswer | None) -> None:
        try:
            self.writer.answer_rule(run.repository, run.number, environment, said.text, answer)
        except GitHubRefusedError as error:
            if error.status != NOT_YET:
                raise
            raise _NotWaitingError(
                f"{environment} does not wait for us: {error}", retry_after=_SOON
            ) from error


def _let_go_before(waiting: Waiting, now: datetime) -> bool:
    """Whether what waits now is another job than the one that we let go: somebody started the run again."""
    return waiting.approved and waiting.approving_at is not None and now - waiting.approving_at >= _SETTLED


class _NotWaitingError(TemporaryError):
    """GitHub says that nothing waits for us: not yet, or not any more."""


@dataclass(frozen=True)
class RunsPass:
    """Finds the runs of a repository that wait without our having heard of it, or that we think wait."""

    observer: Observer
    known: Callable[[str], Sequence[int]]
    touch: Callable[[Sequence[Touch]], None]

    def __call__(self, key: WorkKey, hints: Sequence[Mapping[str, Any]], now: datetime) -> Mapping[str, Any]:
        """Run the pass.

        Raises:
            GitHubError: GitHub failed; tried again later.
        """
        del hints, now
        repository = key.name
        found = {*self.observer.waiting(repository), *self.known(repository)}
        self.touch([Touch(WorkKey.run(repository, run), Priority.DEPLOYING) for run in sorted(found)])
        return {"waiting": len(found)}
