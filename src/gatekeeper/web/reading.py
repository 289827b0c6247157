"""What the faces read: everything through one object, at one instant. Reads the store, never GitHub or a source."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from gatekeeper.availability.adjustment import adjust
from gatekeeper.availability.attribution import LONGEST
from gatekeeper.availability.audit import DayAudit
from gatekeeper.availability.deployments import Deployed
from gatekeeper.availability.filling import LedgerStatus
from gatekeeper.availability.ledger import Slices, slice_of
from gatekeeper.availability.measure import Measured, burn_down
from gatekeeper.bootstrap import Gatekeeper
from gatekeeper.decide.environment import is_paced
from gatekeeper.decide.priced import Priced, priced
from gatekeeper.errors import GatekeeperError, NotFoundError
from gatekeeper.policy.covers import repositories
from gatekeeper.policy.model import Service
from gatekeeper.policy.objective import Objective
from gatekeeper.store.catalog import Entry
from gatekeeper.store.catalog import Source as PolicySource
from gatekeeper.store.decisions import Stored
from gatekeeper.store.gates import Standing as Stood
from gatekeeper.store.gates import Transition
from gatekeeper.store.overrides import OverrideRecord
from gatekeeper.store.work import Parked, WorkCounts
from gatekeeper.web.gate import Answer, answer
from gatekeeper.web.models import ServiceDetail
from gatekeeper.web.standing import Standing, standing
from gatekeeper.web.views import service_detail

LATEST_OVERRIDES = 100
CHART_POINTS = 168
DRIFT_SHOWN = timedelta(days=28)


class _Kept(NamedTuple):
    """What is kept of a ledger beside its slices."""

    status: LedgerStatus
    audits: Sequence[DayAudit]


class AmbiguousError(GatekeeperError):
    """Several organisations have a service of this name.

    Attributes:
        choices: their keys, ``organization/name``.
    """

    def __init__(self, name: str, choices: tuple[str, ...]) -> None:
        super().__init__(f"{len(choices)} organizations have a service {name}; say which: ?organization=NAME")
        self.choices = choices


class Reading:
    """Reads what is stored, as of the Gatekeeper's clock."""

    def __init__(self, gatekeeper: Gatekeeper) -> None:
        self._stores, self._clock = gatekeeper.stores, gatekeeper.clock

    def now(self) -> datetime:
        """The present as pages show it."""
        return self._clock()

    def services(self) -> tuple[Standing, ...]:
        """All services, by key."""
        standings, blocked = self._stores.gates.standings(), self._stores.pulls.blocked()
        entries = self._stores.catalog.entries()
        kept = self._kept(entries)
        return tuple(
            self._standing(entry, standings.get(entry.service.key), blocked.get(entry.service.key, ()), kept)
            for entry in entries
        )

    def service(self, name: str, organization: str | None) -> Standing:
        """The service of this name.

        Raises:
            NotFoundError: there is none.
            AmbiguousError: several organisations have one, and none was named.
        """
        entry = self._entry(name, organization)
        key = entry.service.key
        blocked = self._stores.pulls.blocked()
        last, kept = self._stores.gates.standing(key), self._kept([entry])
        return self._standing(entry, last, blocked.get(key, ()), kept)

    def gate(self, name: str, organization: str | None, environment: str) -> Answer:
        """What the gate of the service of this name says to a deployment into an environment.

        Raises:
            NotFoundError: there is no such service.
            AmbiguousError: several organisations have one, and none was named.
        """
        entry = self._entry(name, organization)
        last = self._stores.gates.standing(entry.service.key)
        seen = standing(
            entry.service,
            entry.problem,
            None if last is None else (last.view, last.at),
            blocked=(),
            ledgers={},
            audits={},
            now=self.now(),
        )
        service = entry.service
        counting = self._stores.deployments.counting
        return answer(
            seen, environment, counting(repositories(service), service.key) if is_paced(seen.view) else ()
        )

    def detail(self, seen: Standing) -> ServiceDetail:
        """A service with its history."""
        transitions, overrides = self.transitions(seen.service), self.overrides(seen.service)
        trial = self._stores.trials.of(seen.service, seen.view, seen.now)
        return service_detail(seen, transitions, self.deployments(seen), overrides, trial)

    def burn_down(
        self, service: Service, objective: Objective, found: Measured
    ) -> Sequence[tuple[datetime, float | None]]:
        """How the budget of a measured window was spent, after the policy's adjustments."""
        start, end = found.window_start, found.window_end
        slices = self._counted(service, objective, start, end)
        return burn_down(slices, objective.allowed, start, end, CHART_POINTS, ahead=found.to_come)

    def deployments(self, seen: Standing) -> tuple[Priced, ...]:
        """What was deployed of a service within its objectives' windows, newest first, with what it cost."""
        service = seen.view.service
        deployed = self._deployed(service)

        def counted(objective: Objective, found: Measured) -> Slices:
            return self._counted(service, objective, found.window_start - LONGEST, found.window_end)

        return priced(deployed, seen.view.pairs, counted, seen.now)

    def transitions(self, service: Service) -> tuple[Transition, ...]:
        """A gate's transitions, newest first."""
        return self._stores.gates.transitions(service.key)

    def overrides(self, service: Service) -> Iterator[OverrideRecord]:
        """Overrides asked for on pull requests that the service's gate ruled on, newest first."""
        ruled: dict[str, bool] = {}
        for record in self._stores.overrides.latest(LATEST_OVERRIDES):
            subject = f"{record.repository}#{record.number}"
            if subject not in ruled:
                last = self._stores.decisions.latest(subject, most=1)
                ruled[subject] = any(
                    ruling.service == service.key for one in last for ruling in one.decision.rulings
                )
            if ruled[subject] and record.label == service.gate.override.label:
                yield record

    def decision(self, identity: str) -> Stored:
        """One decision.

        Raises:
            NotFoundError: there is none.
        """
        found = self._stores.decisions.find(identity)
        if found is None:
            raise NotFoundError(f"there is no decision {identity}")
        return found

    def decisions(self, subject: str | None, most: int) -> tuple[Stored, ...]:
        """Decisions (on one pull request), newest first."""
        return self._stores.decisions.latest(subject, most=most)

    def decision_of(self, pull: str) -> Stored | None:
        """The newest decision on a pull request, ``owner/name#number``."""
        return next(iter(self.decisions(pull, most=1)), None)

    def policy_sources(self) -> tuple[PolicySource, ...]:
        """The repositories whose policy files were read."""
        return self._stores.catalog.sources()

    def policies(self) -> tuple[Entry, ...]:
        """The policies in force."""
        return self._stores.catalog.entries()

    def parked(self) -> tuple[Parked, ...]:
        """Work that waits for a person."""
        return tuple(self._stores.work.parked())

    def work(self, now: datetime) -> WorkCounts:
        """How much there is to do; ``now`` is real time, as the queue's is."""
        return self._stores.work.counts(now)

    def _deployed(self, service: Service) -> tuple[Deployed, ...]:
        return self._stores.deployments.of(repositories(service), service.key)

    def _entry(self, name: str, organization: str | None) -> Entry:
        entries = self._stores.catalog.named(name, organization)
        if not entries:
            raise NotFoundError(
                f"no service is named {name}" + (f" in {organization}" if organization else "")
            )
        if len(entries) > 1:
            raise AmbiguousError(name, tuple(one.service.key for one in entries))
        return entries[0]

    def _counted(self, service: Service, objective: Objective, start: datetime, end: datetime) -> Slices:
        """The slices of (start, end] as they count: judged by the objective's method, and adjusted."""
        first, stop = slice_of(start) + 1, slice_of(end) + 1
        stored = self._stores.ledger.read(objective.indicator.id, first, stop)
        return adjust(objective.judged(stored), service.adjustments)

    def _kept(self, entries: Iterable[Entry]) -> Mapping[str, _Kept]:
        """Of every ledger that these policies name, by its indicator's id: in two queries, however many there are."""
        names = {objective.indicator.id for entry in entries for objective in entry.service.objectives}
        statuses = self._stores.ledger.statuses(names)
        audits = self._stores.audits.shown(names, (self.now() - DRIFT_SHOWN).date())
        return {name: _Kept(statuses[name], audits[name]) for name in names}

    def _standing(
        self,
        entry: Entry,
        last: Stood | None,
        blocked: tuple[str, ...],
        kept: Mapping[str, _Kept],
    ) -> Standing:
        of = {one.name: kept[one.indicator.id] for one in entry.service.objectives}
        return standing(
            entry.service,
            entry.problem,
            None if last is None else (last.view, last.at),
            blocked=blocked,
            ledgers={name: one.status for name, one in of.items()},
            audits={name: one.audits for name, one in of.items()},
            now=self.now(),
        )
