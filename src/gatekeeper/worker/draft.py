"""Ledgers while several are brought up to date: read together, changed in memory, stored together."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime

from gatekeeper.availability.filling import LedgerConflictError, LedgerState, LedgerStatus, LedgerUpdate
from gatekeeper.availability.ledger import Slices, Sums
from gatekeeper.availability.series import Cursor
from gatekeeper.worker.fill_ports import ManyLedgers


class Draft:
    """A ``Ledger`` whose commits are kept until ``store``, and read back meanwhile as if they were stored.

    Args:
        stored: the ledgers as they are.
        states: of those that may be changed here.
        keys: by ledger, the series whose cursors are going to be asked for.
        stretch: the slices that are going to be asked for, first and stop. Anything else is read when it is.
    """

    def __init__(
        self,
        stored: ManyLedgers,
        states: Mapping[str, LedgerState],
        keys: Mapping[str, Collection[int]],
        stretch: tuple[int, int],
    ) -> None:
        self._stored = stored
        self._states = dict(states)
        self._keys = {ledger: set(some) for ledger, some in keys.items()}
        self._cursors = stored.cursors_of(keys)
        self._slices = stored.read_of(states, *stretch)
        self._updates: dict[str, LedgerUpdate] = {}
        self._failures: dict[str, tuple[str, datetime]] = {}

    def state(self, ledger: str) -> LedgerState | None:
        """See ``Ledger.state``."""
        return self._states.get(ledger)

    def status(self, ledger: str) -> LedgerStatus:
        """See ``Ledger.status``."""
        if ledger not in self._updates:
            return self._stored.status(ledger)
        return LedgerStatus.of(self._states[ledger])

    def cursors(self, ledger: str, keys: Collection[int]) -> Mapping[int, Cursor]:
        """See ``Ledger.cursors``."""
        known = self._keys.get(ledger, set()).issuperset(keys)
        found = self._cursors[ledger] if known else self._stored.cursors(ledger, keys)
        changed = self._changed(ledger)
        return {key: changed.get(key) or found[key] for key in keys if key in changed or key in found}

    def recent(self, ledger: str, since: int) -> Mapping[int, Cursor]:
        """See ``Ledger.recent``."""
        found = {**self._stored.recent(ledger, since), **self._changed(ledger)}
        return {key: cursor for key, cursor in found.items() if cursor.time >= since}

    def read(self, ledger: str, first: int, stop: int) -> Slices:
        """See ``Ledger.read``."""
        known = self._slices.get(ledger)
        within = known is not None and known.first <= first and stop <= known.stop
        slices = known.between(first, stop) if within and known else self._stored.read(ledger, first, stop)
        update = self._updates.get(ledger)
        return slices if update is None else update.slices.over(slices)

    def sums(self, ledger: str, first: int, stop: int) -> Sums:
        """See ``Ledger.sums``."""
        update = self._updates.get(ledger)
        low = min(max(first, update.slices.first), stop) if update else stop
        high = max(min(stop, update.slices.stop), low) if update else stop
        found = self._stored.sums(ledger, first, low)
        if low < high:
            found += self.read(ledger, low, high).sums()
        return found + self._stored.sums(ledger, high, stop) if high < stop else found

    def commit(self, ledger: str, update: LedgerUpdate) -> None:
        """See ``Ledger.commit``; whether somebody else came first shows when it is stored."""
        state = self._states.get(ledger)
        if update.state.version != (state.version if state else 0):
            raise LedgerConflictError(f"ledger {ledger} was filled by somebody else meanwhile")
        before = self._updates.get(ledger)
        self._updates[ledger] = update if before is None else self._joined(ledger, before, update)
        self._states[ledger] = replace(update.state, version=update.state.version + 1)

    def fail(self, ledger: str, error: str, now: datetime) -> None:
        """See ``Ledger.fail``; noted after what was committed is stored."""
        self._failures[ledger] = (error, now)

    def store(self) -> Collection[str]:
        """Store everything at once, each ledger all or nothing; those that somebody else filled meanwhile."""
        refused = self._stored.commit_all(self._updates)
        for ledger, (error, now) in self._failures.items():
            self._stored.fail(ledger, error, now)
        return refused

    def _changed(self, ledger: str) -> Mapping[int, Cursor]:
        update = self._updates.get(ledger)
        return update.cursors if update else {}

    def _joined(self, ledger: str, before: LedgerUpdate, update: LedgerUpdate) -> LedgerUpdate:
        both = [one for one in (before.slices, update.slices) if len(one)]
        slices = before.slices
        if both:
            whole = self.read(ledger, min(one.first for one in both), max(one.stop for one in both))
            slices = update.slices.over(whole)
        state = replace(update.state, version=before.state.version)
        return LedgerUpdate(state, slices, {**before.cursors, **update.cursors})
