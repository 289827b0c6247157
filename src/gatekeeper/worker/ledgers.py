"""The ledgers as a service's pass uses them: filled from their source, then read."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime

import structlog

from gatekeeper.availability.filling import LedgerStatus
from gatekeeper.availability.ledger import Slices
from gatekeeper.errors import ConfigurationError, SourceError
from gatekeeper.policy.model import Service
from gatekeeper.policy.objective import Indicator
from gatekeeper.worker.fill_ports import ManyLedgers, Source
from gatekeeper.worker.refresh import Refreshed, refresh
from gatekeeper.worker.refresh_together import Due, due, refresh_together

log = structlog.get_logger()


class Ledgers:
    """Keeps the slices of each indicator.

    Args:
        source: the availability source of an indicator; raises ConfigurationError when it is not set up.
    """

    def __init__(self, source: Callable[[Indicator], Source], ledger: ManyLedgers) -> None:
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

    def refresh_together(self, services: Iterable[Service], now: datetime) -> None:
        """Fill all ledgers of these services that lack a few slices only, with few requests.

        What is left, and what a source fails at, is each service's own pass's, which refreshes by itself.
        """
        by_source: dict[Source, list[Due]] = defaultdict(list)
        for one in due(services, now):
            with suppress(ConfigurationError):
                by_source[self._source(one.indicator)].append(one)
        for source, some in by_source.items():
            try:
                refresh_together(some, now=now, source=source, ledgers=self._ledger)
            except SourceError as error:
                log.warning("refresh.failed", error=str(error))

    def read(self, ledger: str, first: int, stop: int) -> Slices:
        """Slices ``first`` to ``stop - 1``."""
        return self._ledger.read(ledger, first, stop)

    def status(self, ledger: str) -> LedgerStatus:
        """How far the ledger has been filled, and what is wrong with it."""
        return self._ledger.status(ledger)
