"""The pass over one service: refresh its ledgers, measure, move the gate, look again at what it touches."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from gatekeeper.availability.adjustment import Adjusted, adjust, effects
from gatekeeper.availability.deployments import Deployed
from gatekeeper.availability.filling import LedgerConflictError, LedgerStatus
from gatekeeper.availability.forecast import thaw
from gatekeeper.availability.ledger import STEP, Slices, end_of, slice_of
from gatekeeper.availability.measure import Evidence, Measured, burn_down, measure, reach
from gatekeeper.decide import burning, pace
from gatekeeper.decide.culprits import culprits
from gatekeeper.decide.definitions import redefined
from gatekeeper.decide.evaluate import standing
from gatekeeper.decide.evidence import Known
from gatekeeper.decide.explain import worst_measured
from gatekeeper.decide.gate_state import ends_by, step
from gatekeeper.decide.priced import priced
from gatekeeper.decide.snapshot import Culprit, Landed, ObjectiveEvidence, Opening, Raw, ServiceView
from gatekeeper.decide.told import expected_end
from gatekeeper.decide.verdict import Memory, State
from gatekeeper.errors import ConfigurationError, QueryRefusedError, SourceError
from gatekeeper.events.keys import Kind, WorkKey
from gatekeeper.events.triggers import Priority, Touch
from gatekeeper.policy.covers import repositories
from gatekeeper.policy.dated import exception_for
from gatekeeper.policy.gate import EnvironmentMode
from gatekeeper.policy.model import Service
from gatekeeper.policy.objective import Indicator, Objective, TargetException
from gatekeeper.worker.pull_pass import FAN_OUT
from gatekeeper.worker.refresh import SETTLE

CHART_POINTS = 28


class Ledgers(Protocol):
    """Keeps the slices of each indicator."""

    def refresh(self, indicator: Indicator, needed_since: datetime, now: datetime) -> object:
        """Fill the ledger up to the last slice that has settled."""

    def read(self, ledger: str, first: int, stop: int) -> Slices:
        """Slices ``first`` to ``stop - 1``."""

    def status(self, ledger: str) -> LedgerStatus:
        """How far the ledger has been filled, and what is wrong with it."""


class Standing(Protocol):
    """A gate as of the pass at ``at``; ``gatekeeper.store.gates.Standing`` is the real one."""

    @property
    def view(self) -> ServiceView:
        """The gate and its evidence."""

    @property
    def at(self) -> datetime:
        """When the pass was."""


class Gates(Protocol):
    """Remembers where each gate stands."""

    def policy(self, service: str) -> Service | None:
        """The policy in force; None when the service is gone."""

    def standing(self, service: str) -> Standing | None:
        """The gate as its last pass left it; None before the first."""

    def touching(self, service: str) -> Sequence[tuple[str, int, Priority]]:
        """(repository, number, how soon to look at it) of open pull requests that touch the service."""

    def queued(self, service: str) -> Sequence[tuple[str, str]]:
        """(repository, head SHA) of merge groups with a change of the service."""

    def deploying(self, service: str) -> Sequence[tuple[str, int]]:
        """(repository, number) of workflow runs that wait for the service's gate."""

    def opening(self, service: str, now: datetime) -> Opening | None:
        """The override of the whole service, where there is one."""

    def landed(self, service: str, since: datetime) -> Sequence[Landed]:
        """Changes of the service that were merged after that, oldest first."""

    def deployed(self, service: Service) -> Sequence[Deployed]:
        """What was deployed of its repositories, in order of time."""

    def save(self, view: ServiceView, before: State | None, touches: Sequence[Touch], now: datetime) -> None:
        """Store the gate, the transition if it moved, and the touches: all or nothing."""

    def touch(self, touches: Sequence[Touch]) -> None:
        """Look at these too."""

    def forget(self, service: str) -> None:
        """The service is gone."""


@dataclass(frozen=True)
class _Measuring:
    """An objective with its slices up to the last settled one, ``until``.

    Attributes:
        objective: with the target that counts.
        slices: as they count.
        written: the objective as the policy has it.
        stored: the slices as the ledger has them.
        exception: what sets the target, or None.
    """

    objective: Objective
    slices: Slices
    until: datetime
    written: Objective
    stored: Slices
    exception: TargetException | None


def needed_since(service: Service, objective: Objective, now: datetime) -> datetime:
    """Since when the pass at ``now`` wants to know the objective's ledger."""
    return now - _reach(service, objective, end_of(_settled(now)))


class ServicePass:
    """Brings one service's gate up to date."""

    def __init__(self, ledgers: Ledgers, gates: Gates) -> None:
        self._ledgers = ledgers
        self._gates = gates

    def __call__(self, key: WorkKey, hints: Sequence[Mapping[str, Any]], now: datetime) -> Mapping[str, Any]:
        """Run the pass; where the gate stands, for the log.

        The gate is brought up to date with what is there even when a source fails: its evidence grows stale, and
        that is said; then the failure is raised.

        Raises:
            SourceError: a source did not answer; tried again later.
        """
        del hints
        service = self._gates.policy(key.subject)
        if service is None:
            self._gates.forget(key.subject)
            return {"state": "gone"}
        failures = [failure for one in service.objectives if (failure := self._refresh(service, one, now))]
        before = self._gates.standing(service.key)
        view = self.view(service, before.view if before else None, now)
        state = before.view.memory.state if before else None
        touches = self._touches(view, before, now)
        self._gates.save(view, state, touches, now)
        # What was looked at for the first time meanwhile may have met the gate as it was.
        self._gates.touch([one for one in self._touches(view, before, now) if one not in touches])
        if failures:
            raise _failed(failures)
        return _told(view, state)

    def _refresh(
        self, service: Service, objective: Objective, now: datetime
    ) -> SourceError | ConfigurationError | None:
        """Why the source did not answer, or None. What it refuses for good is in the ledger's status."""
        try:
            self._ledgers.refresh(objective.indicator, needed_since(service, objective, now), now)
        except (QueryRefusedError, LedgerConflictError):  # the latter: a service that shares it is filling it
            return None
        except (SourceError, ConfigurationError) as error:
            return error
        return None

    def view(self, service: Service, last: ServiceView | None, now: datetime) -> ServiceView:
        """The service as a pass leaves it, from its ledgers as they are.

        Args:
            service: the policy.
            last: as the pass before left it, under whatever policy; None before the first.
            now: the present.
        """
        measurings = [self._read(service, objective, now) for objective in service.objectives]
        evidence = [
            replace(self._evidence(service, one), redefined=redefined(last, one.written, now))
            for one in measurings
        ]
        before = last.memory if last else None
        memory = _stepped(before, service, measurings, evidence, now)
        # A forecast costs more than all the rest, and only a freeze needs one.
        if memory.state is State.FROZEN:
            pairs = zip(measurings, evidence, strict=True)
            evidence = [_with_thaw(service, measuring, one) for measuring, one in pairs]
            memory = _stepped(before, service, measurings, evidence, now)
        end = expected_end(memory.state, evidence, ends_by(memory, service.gate))
        landed = self._gates.landed(service.key, now - pace.DAY) if memory.state in pace.PACED else ()
        view = ServiceView(
            service,
            memory,
            tuple(evidence),
            expected_end=end,
            landed=tuple(landed),
            opening=self._gates.opening(service.key, now),
        )
        view = replace(view, culprits=tuple(self._culprits(view, measurings, now)))
        worst = worst_measured(view)
        if worst is None:
            return view
        (objective, found) = worst
        slices = next(one.slices for one in measurings if one.objective == objective)
        start, end = found.window_start, found.window_end
        points = burn_down(slices, objective.allowed, start, end, CHART_POINTS, ahead=found.to_come)
        return replace(view, burn_down=points)

    def _culprits(
        self, view: ServiceView, measurings: Sequence[_Measuring], now: datetime
    ) -> Iterable[Culprit]:
        """Nobody asks for the cause of an open gate."""
        if view.memory.state is State.OPEN:
            return ()
        slices = {one.objective.name: one.slices for one in measurings}
        deployed = self._gates.deployed(view.service)
        found = priced(deployed, view.pairs, lambda objective, _: slices[objective.name], now)
        return culprits(found, view.pairs)

    def _read(self, service: Service, objective: Objective, now: datetime) -> _Measuring:
        last = _settled(now)
        first = last - int(_reach(service, objective, end_of(last)).total_seconds() // STEP)
        stored = objective.judged(self._ledgers.read(objective.indicator.id, first, last + 1))
        exception = exception_for(objective, service.exceptions, now)
        return _Measuring(
            objective=objective.aiming_at(exception),
            slices=adjust(stored, service.adjustments),
            until=end_of(last),
            written=objective,
            stored=stored,
            exception=exception,
        )

    def _evidence(self, service: Service, one: _Measuring) -> ObjectiveEvidence:
        status = self._ledgers.status(one.objective.indicator.id)
        found = _measured(service, one.objective, one.slices, one.until, status)
        evidence = ObjectiveEvidence(
            one.objective.name,
            found,
            status.progress,
            status.problem,
            source_short=status.short_of(found.window_start),
        )
        return _beside(evidence, service, one, status)

    def _touches(self, view: ServiceView, before: Standing | None, now: datetime) -> Sequence[Touch]:
        """When something changed that a check shows: what is nearest to users first."""
        if before is not None and _shown(before.view, before.at) == _shown(view, now):
            return ()
        key = view.service.key
        waiting = [Touch(WorkKey.run(*run), Priority.DEPLOYING) for run in self._gates.deploying(key)]
        if EnvironmentMode.ENFORCE in view.service.environments.values():
            names = sorted(repositories(view.service))
            waiting += [Touch(WorkKey(Kind.HEAD, one), Priority.DEPLOYING) for one in names]
        waiting += [Touch(WorkKey.group(*group), Priority.QUEUED) for group in self._gates.queued(key)]
        return waiting + [
            Touch(WorkKey.pull(repository, number), priority, FAN_OUT)
            for repository, number, priority in self._gates.touching(key)
        ]


def _measured(
    service: Service, objective: Objective, slices: Slices, until: datetime, status: LedgerStatus
) -> Evidence:
    return measure(
        slices,
        allowed=objective.allowed,
        window=objective.window,
        now=until,
        history_start=status.history_start,
        quiet_s=_seconds(service.gate.thaw.or_quiet_for),
        floor=float(service.gate.freeze.below),
        fewest=objective.fewest,
    )


def _beside(
    evidence: ObjectiveEvidence, service: Service, one: _Measuring, status: LedgerStatus
) -> ObjectiveEvidence:
    """The evidence with what corrected it, and what it would be without."""
    if one.exception is None and one.slices is one.stored:
        return evidence
    raw = _measured(service, one.written, one.stored, one.until, status)
    window = one.stored.between(slice_of(raw.window_start) + 1, slice_of(raw.window_end) + 1)
    incidents = raw.incidents if isinstance(raw, Measured) else ()
    adjusted = tuple(effects(window, service.adjustments, incidents))
    shown = _raw(raw, one.exception, adjusted)
    return replace(evidence, exception=one.exception, adjusted=adjusted, raw=shown)


def _raw(found: Evidence, exception: TargetException | None, adjusted: Sequence[Adjusted]) -> Raw | None:
    """What to show beside the evidence; nothing where it is the same."""
    if not isinstance(found, Measured) or not (exception or adjusted):
        return None
    return Raw(found.good, found.bad, found.total, found.availability, found.remaining)


def _stepped(
    before: Memory | None,
    service: Service,
    measurings: Sequence[_Measuring],
    evidence: Sequence[ObjectiveEvidence],
    now: datetime,
) -> Memory:
    objectives = (one.objective for one in measurings)
    return step(before, list(zip(objectives, evidence, strict=True)), service.gate, now)


def _with_thaw(service: Service, one: _Measuring, evidence: ObjectiveEvidence) -> ObjectiveEvidence:
    """The evidence with the forecast of when the thaw rule will be met; without events there is none."""
    if not isinstance(evidence.evidence, Measured):
        return evidence
    gate = service.gate
    forecast = thaw(
        one.slices,
        one.objective.allowed,
        one.objective.window,
        float(gate.thaw.above),
        _seconds(gate.thaw.or_quiet_for),
        one.until,
        floor=float(gate.freeze.below),
        cooled=burning.cooled_rows(
            burning.freezing_rows(
                Known(one.objective, evidence.evidence).window_s, one.objective.allowed, gate
            )
        ),
        fewest=one.objective.fewest,
    )
    return replace(evidence, thaw=forecast)


def _failed(failures: Sequence[SourceError | ConfigurationError]) -> SourceError:
    """All failures as one, which waits for as long as the most patient asks."""
    waits = [one.retry_after for one in failures if isinstance(one, SourceError) and one.retry_after]
    return SourceError(
        "; ".join(sorted({str(one) for one in failures})), retry_after=max(waits, default=None)
    )


def _shown(view: ServiceView, at: datetime) -> tuple[Any, ...]:
    """What of a service a check shows: policy, exceptions, state, doubts, verdict, pace, and what a freeze waits for.

    Not the budget left, which an incident moves every minute: it is current wherever a pass comes by.
    """
    memory = view.memory
    doubts = [(gap.objective, gap.doubt) for gap in memory.gaps]
    verdict = standing(memory, view.service.gate, at)
    waits = [(one.objective, one.start) for one in memory.owed], memory.told.end
    return (
        *(view.service, view.opening, [one.exception for one in view.objectives]),
        *(memory.state, memory.since, waits, doubts, verdict),
        *(pace.full_until(view, at), pace.settling(view, at)),
    )


def _settled(now: datetime) -> int:
    """The last slice that has settled."""
    return int((now - SETTLE).timestamp() // STEP)


def _reach(service: Service, objective: Objective, until: datetime) -> timedelta:
    """How far back of ``until`` the ledger is read."""
    return reach(objective.window, _seconds(service.gate.thaw.or_quiet_for), until)


def _seconds(length: timedelta) -> int:
    return int(length.total_seconds())


def _told(view: ServiceView, before: State | None) -> Mapping[str, Any]:
    worst = worst_measured(view)
    return {
        "state": view.memory.state,
        "moved": before is not None and before is not view.memory.state,
        "remaining": worst[1].remaining if worst else None,
        "gaps": [gap.doubt for gap in view.memory.gaps],
    }
