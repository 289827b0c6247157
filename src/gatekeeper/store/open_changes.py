"""The open pull requests and the waiting deployments as they were decided on last."""

from gatekeeper.decide.deployment import DeploymentSnapshot
from gatekeeper.decide.effect import OpenChange, WaitingDeployment
from gatekeeper.policy.covers import Everything
from gatekeeper.store.decisions import Decisions
from gatekeeper.store.installations import Installations
from gatekeeper.store.pulls import KnownPull, Pulls
from gatekeeper.store.runs import Runs


class OpenChanges:
    """Reads only."""

    def __init__(self, pulls: Pulls, runs: Runs, decisions: Decisions, installations: Installations) -> None:
        self._pulls = pulls
        self._runs = runs
        self._decisions = decisions
        self._installations = installations

    def of(self, repository: str) -> tuple[OpenChange, ...]:
        """Those of a repository, by number."""
        known = self._installations.repository(repository)
        found = sorted(self._pulls.open(repository).items())
        changes = (self._change(one, known.default_branch if known else None) for _, one in found)
        return tuple(one for one in changes if one is not None)

    def waiting(self, repository: str) -> tuple[WaitingDeployment, ...]:
        """The deployments of a repository that wait for us, by run."""
        found = (self._deployment(run, decision) for run, decision in self._runs.held(repository))
        return tuple(one for one in found if one is not None)

    def _deployment(self, run: int, decision: str) -> WaitingDeployment | None:
        stored = self._decisions.find(decision)
        if stored is None or not isinstance(stored.snapshot, DeploymentSnapshot):
            return None
        content = stored.snapshot.content
        brought = [] if content is None else [one.pull for one in content.pulls]
        paths = {one.number: self._pulls.paths(one.repository, one.number, one.head_sha) for one in brought}
        known = {number: found for number, found in paths.items() if found is not None}
        return WaitingDeployment(run, stored.snapshot, known)

    def _change(self, known: KnownPull, default_branch: str | None) -> OpenChange | None:
        stored = self._decisions.of_pull(known.decision) if known.decision is not None else None
        if stored is None:
            return None
        snapshot, _ = stored
        paths = Everything() if known.paths is None else known.paths
        # Where nobody told us the default branch, pull requests go to it, as they nearly always do.
        return OpenChange(snapshot, paths, default_branch or snapshot.pull.base_ref)
