"""A day of an indicator's events counted once more, by the server instead of by us: for the audit of its ledger."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gatekeeper.availability.audit import Recount, Unaudited, Why
from gatekeeper.availability.filling import Totals
from gatekeeper.availability.ledger import STEP
from gatekeeper.policy.selector import BareSelector, WindowQuery
from gatekeeper.sources.prometheus_api import PrometheusApi
from gatekeeper.sources.prometheus_counters import Request
from gatekeeper.sources.prometheus_flavour import Dialect
from gatekeeper.sources.prometheus_windows import Scrapes, Windows

EXTRAPOLATED = 0.005
"""Where increase() extrapolates: it is off by up to a scrape's events for each series that begins or ends."""
ANCHORED = 0.001
"""Where ranges begin at the last sample before them."""
SEEN = 300
"""Seconds. A series with a sample this short before the day was not born in it."""

_NONE = Totals(0.0, 0.0)


@dataclass(frozen=True)
class Recounts:
    """Counts stretches by ``increase()`` over the whole of them, in the form that is right for the server."""

    api: PrometheusApi
    dialect: Dialect
    scrapes: Scrapes

    def counters(self, requests: Sequence[Request], first: int, stop: int) -> Recount | Unaudited:
        """What bare counters gained in the slices ``first`` to ``stop - 1``.

        Raises:
            SourceError, QueryRefusedError: as ``CounterReader.read``.
        """
        self.dialect.confirm()
        parts = [part for request in requests for part in _parts(request)]
        gained = [self._gained(part.selector, first, stop) for part in parts]
        if gained[0] is None:
            return Unaudited(Why.NO_DATA)
        born = [self._born(part.selector, first, stop) for part in parts]
        pairs = list(zip(parts, gained, strict=True))
        return Recount(
            counted=Totals(
                sum(part.total * (events or 0.0) for part, events in pairs),
                sum(part.bad * (events or 0.0) for part, events in pairs),
            ),
            unseen=Totals(
                sum(abs(part.total) * events for part, events in zip(parts, born, strict=True)),
                sum(abs(part.bad) * events for part, events in zip(parts, born, strict=True)),
            ),
            inexactness=self._inexactness,
        )

    def windows(self, windows: Windows, first: int, stop: int) -> Recount | Unaudited:
        """What free queries count over the same stretch.

        Raises:
            SourceError, QueryRefusedError: as ``CounterReader.read``.
        """
        whole = windows.whole(first, stop)
        if whole is None:
            return Unaudited(Why.NO_DATA)
        return Recount(Totals(whole.total, max(whole.bad, 0.0)), _NONE, self._inexactness)

    @property
    def _inexactness(self) -> float:
        return EXTRAPOLATED if self.dialect.overlaps else ANCHORED

    def _gained(self, selector: BareSelector, first: int, stop: int) -> float | None:
        span, query = (stop - first) * STEP, WindowQuery(f"sum(increase({selector}[$window]))")
        at = (stop - 1) * STEP
        scrape = self.scrapes.shortest((query,), at) if self.dialect.overlaps else 0
        found = self._number(self.dialect.query(query, span + scrape), at)
        return None if found is None else found * span / (span + scrape)

    def _born(self, selector: BareSelector, first: int, stop: int) -> float:
        """The first values of the series that were not there before: what increase() may leave out, at most."""
        span = (stop - first) * STEP
        new = f"min_over_time({selector}[{span}s]) unless last_over_time({selector}[{SEEN}s] offset {span}s)"
        return self._number(f"sum({new})", (stop - 1) * STEP) or 0.0

    def _number(self, query: str, at: int) -> float | None:
        values = [float(item["value"][1]) for item in self.api.instant(query, at * 1000) if "value" in item]
        finite = [value for value in values if np.isfinite(value)]
        return sum(finite) if finite else None


@dataclass(frozen=True)
class _Part:
    """A selector, and what each of its events adds to the totals."""

    selector: BareSelector
    total: int
    bad: int


def _parts(request: Request) -> list[_Part]:
    whole = _Part(request.selector, request.total, request.bad)
    if not request.narrow:
        return [whole]
    matchers = tuple(sorted((*request.selector.matchers, *request.narrow)))
    narrow = BareSelector(request.selector.metric, matchers)
    return [whole, _Part(narrow, 0, request.bad_where - request.bad)]
