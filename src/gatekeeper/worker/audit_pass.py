"""The pass that audits a service's ledgers: each closed UTC day once, beside the source's own count of it.

It reports, and changes nothing else: no ledger, no evidence, no gate.
"""

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Protocol, runtime_checkable

import structlog

from gatekeeper.availability.audit import Audited, DayAudit, Recount, Unaudited, Why, audit, slices_of
from gatekeeper.availability.filling import LedgerState
from gatekeeper.availability.ledger import Slices
from gatekeeper.errors import ConfigurationError, QueryRefusedError, SourceError
from gatekeeper.events.keys import WorkKey
from gatekeeper.policy.model import Service
from gatekeeper.policy.objective import Indicator
from gatekeeper.worker.fill_ports import Source

SETTLED = timedelta(hours=1)
"""How long a day must be over: late samples have come by then."""
SPREAD = timedelta(hours=6)
"""Services are audited in turn within so long after that, not all at once."""
BACK = 7
"""Days. What could not be audited for longer is left."""
AT_ONCE = 50
"""Services that a round takes on at most."""
A_DAY = timedelta(days=1)

log = structlog.get_logger()


@runtime_checkable
class Recounting(Protocol):
    """A source that can count a stretch in one piece."""

    def recount(self, indicator: Indicator, first: int, stop: int) -> Recount | Unaudited:
        """The slices ``first`` to ``stop - 1``.

        Raises:
            SourceError: no answer, or a partial one.
            QueryRefusedError: this query is never answered.
        """
        ...


class Audits(Protocol):
    """The audits that were made."""

    def save(self, ledger: str, one: DayAudit) -> None:
        """Store the audit of a day."""

    def days(self, ledgers: Iterable[str], first: date) -> Mapping[str, Collection[date]]:
        """By ledger, which days from ``first`` on were audited."""
        ...


class Ledgers(Protocol):
    """The ledgers to be audited."""

    def states(self, ledgers: Iterable[str]) -> Mapping[str, LedgerState]:
        """How far they have been filled."""
        ...

    def read(self, ledger: str, first: int, stop: int) -> Slices:
        """The slices ``first`` to ``stop - 1``."""
        ...


class AuditPass:
    """Audits, of each ledger of a service, the newest day that is due.

    Args:
        policy: the policy in force of a service, None when it is gone.
        source: the availability source of an indicator; raises ConfigurationError when it is not set up.
    """

    def __init__(
        self,
        policy: Callable[[str], Service | None],
        source: Callable[[Indicator], Source],
        ledgers: Ledgers,
        audits: Audits,
    ) -> None:
        self._policy = policy
        self._source = source
        self._ledgers = ledgers
        self._audits = audits

    def __call__(self, key: WorkKey, hints: Sequence[Mapping[str, Any]], now: datetime) -> Mapping[str, Any]:
        """Run the pass.

        Raises:
            SourceError: a source did not answer; the days of the other ledgers are audited all the same.
        """
        del hints
        service = self._policy(key.name)
        open_days = [] if service is None else list(self._open([service], now))
        failed: SourceError | None = None
        for _, indicator, day in open_days:
            try:
                self._audit(key.name, indicator, day, now)
            except SourceError as error:
                failed = error
        if failed is not None:
            raise failed
        return {"audited": len(open_days)}

    def due(self, services: Iterable[Service], now: datetime) -> Sequence[str]:
        """The keys of the services that have a day to audit, and of many a round's share."""
        found = {service.key for service, _, _ in self._open(services, now)}
        # Drawn anew each time: those whose source fails again and again must not keep the others waiting.
        return sorted(found, key=lambda key: _drawn(f"{now.isoformat()} {key}"))[:AT_ONCE]

    def _open(self, services: Iterable[Service], now: datetime) -> Iterator[tuple[Service, Indicator, date]]:
        """Of each ledger, the newest day that is over, filled, and not audited yet."""
        services = list(services)
        names = {one.indicator.id for service in services for one in service.objectives}
        states = self._ledgers.states(names)
        audited = self._audits.days(names, (now - SPREAD - (BACK + 2) * A_DAY).date())
        for service in services:
            newest = newest_closed(service.key, now)
            for indicator in {one.indicator.id: one.indicator for one in service.objectives}.values():
                days = (newest - back * A_DAY for back in range(BACK))
                state = states.get(indicator.id)
                day = next(
                    (day for day in days if day not in audited[indicator.id] and _filled(state, day)), None
                )
                if day is not None:
                    yield service, indicator, day

    def _audit(self, service: str, indicator: Indicator, day: date, now: datetime) -> None:
        try:
            source = self._source(indicator)
        except ConfigurationError:
            return  # said at start, by the dashboard and by each service's own pass
        first, stop = slices_of(day)
        found = self._recount(source, indicator, first, stop)
        done = DayAudit(day, now, audit(self._ledgers.read(indicator.id, first, stop), found))
        self._audits.save(indicator.id, done)
        if done.audit.drifted:
            log.warning("audit.drift", service=service, ledger=indicator.id, **_fields(done))

    def _recount(self, source: Source, indicator: Indicator, first: int, stop: int) -> Recount | Unaudited:
        if self._ledgers.states([indicator.id])[indicator.id].too_large is not None:
            return Unaudited(Why.TRUED_UP)
        if not isinstance(source, Recounting):
            return Unaudited(Why.UNSUPPORTED)
        try:
            return source.recount(indicator, first, stop)
        except QueryRefusedError as error:
            return Unaudited(Why.REFUSED, str(error))


def newest_closed(service: str, now: datetime) -> date:
    """The newest UTC day that is to be audited by now; each service has its own time for that."""
    return (now - SETTLED - SPREAD * _drawn(service)).astimezone(UTC).date() - A_DAY


def _drawn(text: str) -> float:
    """A share in [0, 1) that is always the same for a text, and evenly spread over many."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=6).digest()) / 2**48


def _filled(state: LedgerState | None, day: date) -> bool:
    first, stop = slices_of(day)
    return state is not None and state.since <= first and state.filled_until >= stop


def _fields(done: DayAudit) -> Mapping[str, Any]:
    fields: dict[str, Any] = {"day": done.day.isoformat()}
    if isinstance(done.audit, Audited):
        found = {"ledger": done.audit.ledger, "source": done.audit.source.counted}
        for name, one in (found | {"drift": done.audit.drift, "tolerance": done.audit.tolerance}).items():
            fields |= {f"{name}_total": one.total, f"{name}_bad": one.bad}
        return fields
    return fields | {"why": done.audit.why.value}
