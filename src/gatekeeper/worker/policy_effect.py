"""What a change of policies would do, read from ledgers, gates and open changes as they are."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from gatekeeper.availability.deployments import Deployed
from gatekeeper.availability.filling import LedgerConflictError
from gatekeeper.availability.ledger import end_of, slice_of
from gatekeeper.decide.backtest.waiting import Recorded
from gatekeeper.decide.definitions import in_force
from gatekeeper.decide.effect import (
    Effect,
    OpenChange,
    ServiceEffect,
    Trial,
    WaitingDeployment,
    hold_changes,
    trial,
    verdict_changes,
)
from gatekeeper.decide.environment import counted
from gatekeeper.decide.snapshot import ServiceView
from gatekeeper.decide.standing import as_of, unseen
from gatekeeper.errors import ConfigurationError, QueryRefusedError, SourceError
from gatekeeper.policy.covers import repositories
from gatekeeper.policy.model import Service
from gatekeeper.policy.objective import Indicator, Objective
from gatekeeper.worker import past
from gatekeeper.worker.refresh import SETTLE

MOST = 20
"""As many changed services are gone through; a change of defaults may be one of hundreds."""

SHORTEST, LONGEST = timedelta(days=1), timedelta(days=35)
NOT_ASKED = "its queries come from a fork, so nothing new was asked of the monitoring system"


Pair = tuple[Service | None, Service | None]
"""A service in force, and what it would be; None for one that is new, or would be gone."""

Views = dict[str, ServiceView]
"""Services by key."""


class Ledgers(past.Ledgers, Protocol):
    """Ledgers, to fill and to read."""

    def refresh(self, indicator: Indicator, needed_since: datetime, now: datetime) -> object:
        """Fill the ledger up to the last slice that has settled."""


class Standing(Protocol):
    """A gate as of its last pass."""

    @property
    def view(self) -> ServiceView:
        """The gate and its evidence."""


class Gates(Protocol):
    """Where each gate stands."""

    def standing(self, service: str) -> Standing | None:
        """The gate as its last pass left it; None before the first."""


class Preview(Protocol):
    """A service's own pass, without anything being stored."""

    def view(self, service: Service, last: ServiceView | None, now: datetime) -> ServiceView:
        """The service as a pass would leave it."""


class History(Protocol):
    """The changes on record."""

    def touching(self, name: str, start: datetime, end: datetime) -> Sequence[Recorded]:
        """Those of a service."""


class OpenChanges(Protocol):
    """The changes that are open."""

    def of(self, repository: str) -> Sequence[OpenChange]:
        """Those of a repository that were decided on."""

    def waiting(self, repository: str) -> Sequence[WaitingDeployment]:
        """The deployments of a repository that wait for us."""


class Deployments(Protocol):
    """The record of deployments."""

    def counting(self, repositories: Iterable[str], service: str | None = None) -> Sequence[Deployed]:
        """What succeeded of these repositories and is not of another service only, and what was let go."""


class Catalog(Protocol):
    """The policies in force."""

    def in_force(self, organization: str) -> Sequence[tuple[Service, str | None]]:
        """An organisation's services, each with what is wrong with a newer version of its file."""


@dataclass(frozen=True)
class PolicyEffects:
    """Goes through the past, the gates and the open changes of a few services."""

    ledgers: Ledgers
    gates: Gates
    preview: Preview
    history: History
    open_changes: OpenChanges
    deployments: Deployments
    catalog: Catalog

    def of(
        self, before: Iterable[Service], after: Iterable[Service], now: datetime, *, may_query: bool
    ) -> Effect:
        """What replacing these services by those would do.

        Args:
            before: services in force.
            after: what they would be.
            now: the present.
            may_query: whether the sources may be asked for what no ledger has. Else it is only said.
        """
        changed = _changed(before, after)
        end = end_of(slice_of(now) - 1)
        length = _length(changed)
        between = (end - length, end)
        failures: list[str] = []
        effects = [
            self._effect(pair, between, now, self._filled(pair, between, failures, may_query=may_query))
            for pair in changed[:MOST]
        ]
        covered = _covered(changed[:MOST])
        pulls = [one for name in covered for one in self.open_changes.of(name)]
        waiting = [one for name in covered for one in self.open_changes.waiting(name)]
        standing, then = self._views(changed[:MOST], effects, now) if pulls or waiting else ({}, {})
        deployed = self._deployed(waiting, standing, then, now)
        return Effect(
            length,
            tuple(effects),
            verdicts=tuple(verdict_changes(pulls, standing, then, now)),
            changes=len(pulls),
            holds=tuple(hold_changes(waiting, standing, then, now, deployed)),
            waiting=len(waiting),
            failed="; ".join(failures) or None,
            beyond=len(changed[MOST:]),
        )

    def _filled(
        self, pair: Pair, between: tuple[datetime, datetime], failures: list[str], *, may_query: bool
    ) -> list[str]:
        """Fill the ledgers as far back as a backtest looks; what could not be.

        Those of new queries are the ledgers that the service will have once this is merged; what never is, is
        forgotten like any ledger that no policy names.
        """
        notes = []
        for service, objective in _objectives(pair):
            if (
                service is pair[1] and not may_query
            ):  # nor further back: a longer window is a choice of theirs too
                if objective.indicator not in _indicators(pair[0]):
                    notes.append(f"{objective.name}: {NOT_ASKED}")
                continue
            try:
                since = past.needed_since(service, objective, between[0])
                self.ledgers.refresh(objective.indicator, since, between[1])
            except (QueryRefusedError, LedgerConflictError, SourceError, ConfigurationError) as error:
                notes.append(f"{objective.name}: {error}")
                failures += [str(error)] if _passes(error) else []
        return sorted(set(notes))

    def _effect(
        self, pair: Pair, between: tuple[datetime, datetime], now: datetime, notes: list[str]
    ) -> ServiceEffect:
        old, new = pair
        name = next(one.name for one in pair if one is not None)
        pulls = self.history.touching(name, *between)
        last = self._last(old)

        def tried(service: Service | None) -> Trial | None:
            if service is None:
                return None
            return trial(service, past.pasts(self.ledgers, service, *between), pulls, between, SETTLE)

        return ServiceEffect(
            name,
            before=tried(old),
            after=tried(new),
            now=_today(old, last, now) if old is not None else None,
            then=self.preview.view(new, last, now) if new is not None else None,
            notes=tuple(notes),
        )

    def _last(self, service: Service | None) -> ServiceView | None:
        standing = self.gates.standing(service.key) if service is not None else None
        return standing.view if standing is not None else None

    def _views(
        self, changed: Sequence[Pair], effects: Sequence[ServiceEffect], now: datetime
    ) -> tuple[Views, Views]:
        """All services of the organisation as they stand, and as they would stand."""
        keys = {one.key for pair in changed for one in pair if one is not None}
        organization = next(iter(keys)).split("/", 1)[0]
        others = [one for one, _ in self.catalog.in_force(organization) if one.key not in keys]
        before = {one.key: _today(one, self._last(one), now) for one in others}
        after = dict(before)
        for effect in effects:
            before |= {effect.now.service.key: effect.now} if effect.now is not None else {}
            after |= {effect.then.service.key: effect.then} if effect.then is not None else {}
        return before, after

    def _deployed(
        self, waiting: Iterable[WaitingDeployment], before: Views, after: Views, now: datetime
    ) -> Mapping[tuple[str, str], tuple[datetime, ...]]:
        """By service and environment that somebody waits for, what counts for the pace of either version."""
        environments = {one.snapshot.deployment.environment for one in waiting}
        if not environments:
            return {}
        covered: dict[str, frozenset[str]] = {}
        for key, view in (*before.items(), *after.items()):
            covered[key] = covered.get(key, frozenset()) | repositories(view.service)
        known = {key: self.deployments.counting(names, key) for key, names in covered.items()}
        return {(key, one): counted(found, one, now) for key, found in known.items() for one in environments}


def _today(service: Service, last: ServiceView | None, now: datetime) -> ServiceView:
    """The service as a change meets it now."""
    return as_of(in_force(last, service, now), now) if last is not None else unseen(service, now)


def _covered(changed: Sequence[Pair]) -> list[str]:
    """The repositories that these services cover, before or after."""
    return sorted({name for pair in changed for one in pair if one is not None for name in repositories(one)})


def _changed(before: Iterable[Service], after: Iterable[Service]) -> list[Pair]:
    """The services that mean something else, by key; a file that only moved is no other policy."""
    old, new = ({one.key: one for one in services} for services in (before, after))
    pairs = [(old.get(key), new.get(key)) for key in sorted(old.keys() | new.keys())]
    return [(one, other) for one, other in pairs if _meaning(one) != _meaning(other)]


def _meaning(service: Service | None) -> Mapping[str, object] | None:
    if service is None:
        return None
    return service.model_dump(exclude={"origin": {"commit", "path"}, "description": True, "reviewed": True})


def _objectives(pair: Pair) -> Iterator[tuple[Service, Objective]]:
    yield from ((service, one) for service in pair if service is not None for one in service.objectives)


def _indicators(service: Service | None) -> list[Indicator]:
    return [one.indicator for one in service.objectives] if service is not None else []


def _length(changed: Sequence[Pair]) -> timedelta:
    """The last window: the longest that any of the services has, within reason."""
    windows = [one.window.longest for pair in changed for _, one in _objectives(pair)]
    return min(max(windows, default=SHORTEST), LONGEST)


def _passes(error: Exception) -> bool:
    """Whether the source may answer later."""
    return isinstance(error, SourceError) and not isinstance(error, QueryRefusedError)
