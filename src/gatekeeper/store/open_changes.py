"""The open pull requests as they were decided on last."""

from gatekeeper.decide.effect import OpenChange
from gatekeeper.policy.covers import Everything
from gatekeeper.store.decisions import Decisions
from gatekeeper.store.installations import Installations
from gatekeeper.store.pulls import KnownPull, Pulls


class OpenChanges:
    """Reads only."""

    def __init__(self, pulls: Pulls, decisions: Decisions, installations: Installations) -> None:
        self._pulls = pulls
        self._decisions = decisions
        self._installations = installations

    def of(self, repository: str) -> tuple[OpenChange, ...]:
        """Those of a repository, by number."""
        known = self._installations.repository(repository)
        found = sorted(self._pulls.open(repository).items())
        changes = (self._change(one, known.default_branch if known else None) for _, one in found)
        return tuple(one for one in changes if one is not None)

    def _change(self, known: KnownPull, default_branch: str | None) -> OpenChange | None:
        stored = self._decisions.of_pull(known.decision) if known.decision is not None else None
        if stored is None:
            return None
        snapshot, _ = stored
        paths = Everything() if known.paths is None else known.paths
        # Where nobody told us the default branch, pull requests go to it, as they nearly always do.
        return OpenChange(snapshot, paths, default_branch or snapshot.pull.base_ref)
