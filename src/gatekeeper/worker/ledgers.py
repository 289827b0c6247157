"""The ledgers as a service's pass uses them: filled from their source, then read."""

from collections.abc import Callable
from datetime import datetime

from gatekeeper.availability.filling import LedgerStatus
from gatekeeper.availability.ledger import Slices
from gatekeeper.policy.objective import Indicator
from gatekeeper.worker.fill_ports import Ledger, Source
from gatekeeper.worker.refresh import Refreshed, refresh


class Ledgers:
    """Keeps the slices of each indicator.

    Args:
        source: the availability source of an indicator; raises ConfigurationError when it is not set up.
    """

    def __init__(self, source: Callable[[Indicator], Source], ledger: Ledger) -> None:
        self._source = source
        self._ledger = ledger

    def refresh(self, indicator: Indicator, needed_since: datetime, now: datetime) -> Refreshed:
        """Fill the ledger up to the last slice that has settled.

        Raises:
            SourceError: the source did not answer, or in part.
            QueryRefusedError: the source will not answer this indicator.
            LedgerConflictError: somebody else is filling this ledger.
        """
        source = self._source(indicator)
        return refresh(indicator, needed_since=needed_since, now=now, source=source, ledger=self._ledger)

    def read(self, ledger: str, first: int, stop: int) -> Slices:
        """Slices ``first`` to ``stop - 1``."""
        return self._ledger.read(ledger, first, stop)

    def status(self, ledger: str) -> LedgerStatus:
        """How far the ledger has been filled, and what is wrong with it."""
        return self._ledger.status(ledger)
