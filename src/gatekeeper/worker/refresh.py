"""Bringing a ledger up to date: backfill at first sight, then the little that is new."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from gatekeeper.availability.filling import (
    CounterReader,
    Critic,
    LedgerState,
    LedgerStatus,
    LedgerUpdate,
    SliceReader,
)
from gatekeeper.availability.ledger import STEP
from gatekeeper.availability.series import MILLISECOND_STEP
from gatekeeper.errors import QueryRefusedError, SourceError
from gatekeeper.policy.objective import Indicator
from gatekeeper.worker.fill_counters import BASELINE, CounterFilling
from gatekeeper.worker.fill_ports import Ledger, Sizing, Source
from gatekeeper.worker.fill_slices import SliceFilling

SETTLE = timedelta(seconds=60)
"""How far behind now a slice must have ended: scrapes, remote write and caches take their time."""


class Filling(Protocol):
    """A ledger being filled, from samples or from slices."""

    @property
    def state(self) -> LedgerState:
        """How far it is."""
        ...

    @property
    def samples(self) -> int:
        """Received so far."""
        ...

    @property
    def surplus(self) -> float:
        """Good events that are not among the events, beyond what inexactness explains; 0 or less: none."""
        ...

    def fill(self, stop: int) -> None:
        """Fill up to the slice before ``stop``."""
        ...

    def extend(self, since: int) -> None:
        """Fill what lies before the ledger's beginning."""
        ...


@dataclass(frozen=True)
class Refreshed:
    """What a refresh came to.

    Attributes:
        status: the ledger afterwards.
        samples: samples, or finished slices, received.
    """

    status: LedgerStatus
    samples: int = 0


def refresh(
    indicator: Indicator, *, needed_since: datetime, now: datetime, source: Source, ledger: Ledger
) -> Refreshed:
    """Fill the indicator's ledger from ``needed_since`` to the last slice that has settled.

    Everything is committed step by step, each with the cursors that go with it: killed at any moment, the next
    refresh goes on where this one was. Two at a time end in a conflict for one of them, never in doubled counts.

    Raises:
        SourceError: the source did not answer, or in part; noted in the ledger's status.
        QueryRefusedError: the source will not answer this indicator; noted likewise.
        LedgerConflictError: somebody else is filling this ledger.
    """
    with _noted(indicator, ledger, now):
        state = ledger.state(indicator.id) or _new(beginning(needed_since))
        if state.history_start is None:
            state = replace(state, too_large=_too_large(indicator, source, settled(now)))
        reader = _reader(indicator, source, state)
        return _refresh(indicator, reader, state, needed_since, now, ledger)


def refresh_by(
    reader: CounterReader | SliceReader,
    indicator: Indicator,
    *,
    needed_since: datetime,
    now: datetime,
    ledger: Ledger,
) -> Refreshed:
    """The same with the indicator's reader.

    Raises:
        SourceError, QueryRefusedError, LedgerConflictError: as ``refresh``.
    """
    with _noted(indicator, ledger, now):
        state = ledger.state(indicator.id) or _new(beginning(needed_since))
        return _refresh(indicator, reader, state, needed_since, now, ledger)


def _too_large(indicator: Indicator, source: Source, stop: int) -> str | None:
    return source.too_large(indicator, stop) if isinstance(source, Sizing) else None


def _reader(indicator: Indicator, source: Source, state: LedgerState) -> CounterReader | SliceReader:
    """In the way in which the ledger began: what was counted in two ways does not add up."""
    if state.too_large is not None and isinstance(source, Sizing):
        return source.by_slices(indicator)
    return source.reader(indicator)


def settled(now: datetime) -> int:
    """One past the last slice that has settled."""
    return beginning(now - SETTLE)


def beginning(instant: datetime) -> int:
    """The slice that begins at this instant, or contains it."""
    return int(instant.timestamp() // STEP) + 1


@contextmanager
def _noted(indicator: Indicator, ledger: Ledger, now: datetime) -> Iterator[None]:
    try:
        yield
    except (SourceError, QueryRefusedError) as error:
        ledger.fail(indicator.id, str(error), now)
        raise


def _refresh(
    indicator: Indicator,
    reader: CounterReader | SliceReader,
    state: LedgerState,
    needed_since: datetime,
    now: datetime,
    ledger: Ledger,
) -> Refreshed:
    since, stop = beginning(needed_since), settled(now)
    filling: Filling = (
        SliceFilling(indicator.id, reader, ledger, state)
        if isinstance(reader, SliceReader)
        else CounterFilling(indicator.id, reader, ledger, state)
    )
    if since < state.since:
        filling.extend(since)
    if filling.state.filled_until >= stop:
        return Refreshed(ledger.status(indicator.id), filling.samples)
    filling.fill(stop)
    noted = _note_problem(indicator, state, filling, ledger, reader)
    return Refreshed(LedgerStatus.of(noted), filling.samples)


def _new(since: int) -> LedgerState:
    return LedgerState(since=since, filled_until=since - BASELINE, born_after=(since - 1) * MILLISECOND_STEP)


def _note_problem(
    indicator: Indicator, before: LedgerState, filling: Filling, ledger: Ledger, reader: object
) -> LedgerState:
    noted = replace(filling.state, problem=_problem(indicator, before, filling, ledger, reader))
    if noted != filling.state:
        ledger.commit(indicator.id, LedgerUpdate(noted))
    return noted


def _problem(
    indicator: Indicator, before: LedgerState, filling: Filling, ledger: Ledger, reader: object
) -> str | None:
    """What the numbers say is wrong with the indicator: then they are evidence of nothing."""
    state = filling.state
    watched = before.progress is None and before.problem is None and _day(before) == _day(state)
    if watched and state.history_start is not None and filling.surplus <= 0:
        return None  # what follows reads the whole ledger
    queries = indicator.prometheus.queries
    name, total = list(queries.items())[-1]
    if state.history_start is None:
        criticism = reader.criticism(state.filled_until) if isinstance(reader, Critic) else None
        return criticism or f"no data was ever found for {name}: {total}"
    if filling.surplus > 0:
        return f"there are more good events than events: {queries['good']} counts some that {total} does not"
    if isinstance(reader, Critic) and (found := reader.criticism(state.filled_until)):
        return found
    sums = ledger.sums(indicator.id, state.since, state.filled_until)
    if sums.bad > sums.total:
        return f"there are more bad events than events: {queries['bad']} counts some that {total} does not"
    if sums.bad == sums.total > 0:
        return f"every event ever found is bad: is {next(iter(queries.values()))} what was meant?"
    return None


def _day(state: LedgerState) -> int:
    return state.filled_until * STEP // 86_400
