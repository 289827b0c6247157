"""What came of the policies' modes, as far as transitions and decisions on record tell."""

from datetime import datetime

from gatekeeper.decide.adoption import Trial, advice, course, held_between, tried
from gatekeeper.decide.backtest.result import Move
from gatekeeper.decide.snapshot import ServiceView
from gatekeeper.policy.model import Service
from gatekeeper.store.catalog import Catalog
from gatekeeper.store.gates import Gates
from gatekeeper.store.pull_history import PullHistory


class Trials:
    """How the modes of the policies in force did. Reads only; pull requests only where a gate held some back."""

    def __init__(self, catalog: Catalog, gates: Gates, pulls: PullHistory) -> None:
        self._catalog = catalog
        self._gates = gates
        self._pulls = pulls

    def advice(self, service: Service, now: datetime) -> str | None:
        """What to do next with the mode of a policy in force; None where there is nothing to say."""
        view = self._gates.view(service.key)
        trial = None if view is None else self.of(service, view, now)
        return None if trial is None else advice(service, trial)

    def of(self, service: Service, view: ServiceView, now: datetime) -> Trial | None:
        """The trial of the mode that a service's policy is in.

        Args:
            service: the policy.
            view: its gate and evidence as of ``now``.
            now: the end of the trial.

        Returns:
            None when the service has no policy in force, or its mode begins just now.
        """
        since = self._catalog.mode_since(service.key)
        if since is None or since >= now:
            return None
        state, transitions = self._gates.course(service.key, since, now)
        moves = [Move(one.at, one.before or state, one.after, one.reasons) for one in transitions]
        past = course(state, moves, since, now)
        stretch = held_between(service.gate, past)
        pulls = self._pulls.touching(service.name, *stretch) if stretch else ()
        return tried(service, view, past, pulls)
