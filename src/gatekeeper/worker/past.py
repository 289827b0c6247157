"""The past of a service as a backtest goes through it: each objective with its ledger, as far back as it counts."""

from datetime import datetime
from typing import Protocol

from gatekeeper.availability.adjustment import adjust
from gatekeeper.availability.filling import LedgerStatus
from gatekeeper.availability.ledger import Slices, slice_of
from gatekeeper.availability.measure import reach
from gatekeeper.decide.backtest.history import Past
from gatekeeper.policy.model import Service
from gatekeeper.policy.objective import Objective
from gatekeeper.worker.refresh import SETTLE


class Ledgers(Protocol):
    """Ledgers, to read."""

    def read(self, ledger: str, first: int, stop: int) -> Slices:
        """Slices ``first`` to ``stop - 1``."""

    def status(self, ledger: str) -> LedgerStatus:
        """How far the ledger has been filled, and what is wrong with it."""


def needed_since(service: Service, objective: Objective, start: datetime) -> datetime:
    """Since when the ledger counts for passes from ``start`` on: their newest slice settled a little before it."""
    quiet_s = int(service.gate.thaw.or_quiet_for.total_seconds())
    return start - SETTLE - reach(objective.window, quiet_s, start - SETTLE)


def pasts(ledgers: Ledgers, service: Service, start: datetime, end: datetime) -> tuple[Past, ...]:
    """The objectives of a service, each with its ledger, for passes with start <= now < end."""
    return tuple(_past(ledgers, service, objective, start, end) for objective in service.objectives)


def _past(ledgers: Ledgers, service: Service, objective: Objective, start: datetime, end: datetime) -> Past:
    identity = objective.indicator.id
    since = needed_since(service, objective, start)
    stored = objective.judged(ledgers.read(identity, slice_of(since), slice_of(end)))
    status = ledgers.status(identity)
    return Past(
        objective,
        adjust(stored, service.adjustments),
        status.history_start,
        status.problem or status.error,
        service.exceptions,
    )
