"""Bringing many ledgers up to date with few requests and few transactions: the bulk of each minute's work.

It does what each ledger's own refresh would do, for those that are due for nothing but the last few slices, and is
never needed: whatever it leaves or fails at is left to the pass of the service, which owns it.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from gatekeeper.availability.filling import CounterReader, LedgerState, Stretch, Together
from gatekeeper.availability.series import MILLISECOND_STEP
from gatekeeper.errors import QueryRefusedError, SourceError
from gatekeeper.policy.model import Service
from gatekeeper.policy.objective import Indicator
from gatekeeper.worker.draft import Draft
from gatekeeper.worker.fill_counters import unread
from gatekeeper.worker.fill_ports import ManyLedgers, Source
from gatekeeper.worker.refresh import beginning, refresh_by, settled
from gatekeeper.worker.service_pass import needed_since

LONGEST = 60
"""Slices. What has more to read is behind, and is read alone."""
ALIVE = 3_600_000
"""Milliseconds. So long after its newest sample a series is expected to have another."""
BEFORE = 3
"""Slices read before the first unread one: series whose last sample is a little older begin there."""


@dataclass(frozen=True)
class Due:
    """A ledger that is to be brought up to date, and since when its slices are needed."""

    name: str
    indicator: Indicator
    needed_since: datetime


def due(services: Iterable[Service], now: datetime) -> Collection[Due]:
    """What the passes over these services want to know at ``now``; an indicator that several share, once."""
    found: dict[str, Due] = {}
    for service in services:
        for objective in service.objectives:
            name, since = objective.indicator.id, needed_since(service, objective, now)
            earliest = min(since, found[name].needed_since) if name in found else since
            found[name] = Due(name, objective.indicator, earliest)
    return found.values()


def refresh_together(
    due: Collection[Due], *, now: datetime, source: Source, ledgers: ManyLedgers
) -> Collection[str]:
    """Fill those ledgers of one source that are due for a few slices only, each as ``refresh`` would.

    Returns:
        Names of the ledgers that were brought up to date. With the others nothing has happened, unless an error of
        their own was noted in their status.

    Raises:
        SourceError: the source did not answer, or in part; what was stored before stays.
    """
    if not isinstance(source, Together):
        return set()
    stop, states = settled(now), ledgers.states(one.name for one in due)
    steady = {one.name: one for one in due if _is_steady(states.get(one.name), one, stop)}
    until = (stop - 1) * MILLISECOND_STEP
    wanted = dict(_stretches(steady, states, ledgers.series(steady, until - ALIVE), source))
    done: set[str] = set()
    for readers in source.at_hand(wanted, until):
        draft = _draft(readers, wanted, {name: states[name] for name in readers}, until, ledgers)
        filled = {name for name in sorted(readers) if _is_filled(steady[name], readers[name], now, draft)}
        done |= filled - set(draft.store())
    return done


def _is_steady(state: LedgerState | None, one: Due, stop: int) -> bool:
    """Whether the ledger lacks its last few slices and nothing else."""
    if state is None or state.progress is not None or state.newest is None or state.too_large is not None:
        return False
    asked = stop - unread(state) // MILLISECOND_STEP
    return state.since <= beginning(one.needed_since) and state.filled_until < stop and asked <= LONGEST


def _stretches(
    steady: Mapping[str, Due], states: Mapping[str, LedgerState], series: Mapping[str, int], source: Source
) -> Iterator[tuple[str, Stretch]]:
    for name, one in steady.items():
        try:
            reader = source.reader(one.indicator)
        except QueryRefusedError:
            continue
        yield name, Stretch(reader, unread(states[name]), series[name])


def _draft(
    readers: Mapping[str, CounterReader],
    wanted: Mapping[str, Stretch],
    states: Mapping[str, LedgerState],
    until: int,
    ledgers: ManyLedgers,
) -> Draft:
    keys = {
        name: [one.key for one in reader.read(wanted[name].after, until)] for name, reader in readers.items()
    }
    first = min(wanted[name].after for name in readers) // MILLISECOND_STEP - BEFORE
    return Draft(ledgers, states, keys, (first, until // MILLISECOND_STEP + 1))


def _is_filled(one: Due, reader: CounterReader, now: datetime, draft: Draft) -> bool:
    try:
        refresh_by(reader, one.indicator, needed_since=one.needed_since, now=now, ledger=draft)
    except (SourceError, QueryRefusedError):  # noted in its status, and met again by its own pass
        return False
    return True
