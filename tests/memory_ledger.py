"""Ledgers in memory: what the stored ones must behave like."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np

from gatekeeper.availability.filling import LedgerConflictError, LedgerState, LedgerStatus, LedgerUpdate
from gatekeeper.availability.ledger import Slices, Sums
from gatekeeper.availability.series import Cursor


@dataclass
class _Kept:
    state: LedgerState | None = None
    slices: Slices = field(default_factory=lambda: Slices.unknown(0, 0))
    cursors: dict[int, Cursor] = field(default_factory=dict)
    error: str | None = None
    error_since: datetime | None = None


class MemoryLedger:
    """Keeps state, and keeps the promises of `gatekeeper.worker.fill_ports.ManyLedgers`."""

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}

    def state(self, ledger: str) -> LedgerState | None:
        return self._of(ledger).state

    def cursors(self, ledger: str, keys: Collection[int]) -> Mapping[int, Cursor]:
        found = self._of(ledger).cursors
        return {key: found[key] for key in keys if key in found}

    def recent(self, ledger: str, since: int) -> Mapping[int, Cursor]:
        return {key: one for key, one in self._of(ledger).cursors.items() if one.time >= since}

    def read(self, ledger: str, first: int, stop: int) -> Slices:
        return self._of(ledger).slices.between(first, stop)

    def sums(self, ledger: str, first: int, stop: int) -> Sums:
        return self.read(ledger, first, stop).sums()

    def status(self, ledger: str) -> LedgerStatus:
        kept = self._of(ledger)
        if kept.state is None:
            return LedgerStatus(error=kept.error, error_since=kept.error_since)
        return LedgerStatus.of(kept.state, kept.error, kept.error_since)

    def commit(self, ledger: str, update: LedgerUpdate) -> None:
        kept = self._of(ledger)
        if update.state.version != (kept.state.version if kept.state else 0):
            raise LedgerConflictError(f"ledger {ledger} was filled by somebody else meanwhile")
        self._kept[ledger] = _Kept(
            replace(update.state, version=update.state.version + 1),
            _with(kept.slices, update.slices),
            kept.cursors | dict(update.cursors),
        )

    def fail(self, ledger: str, error: str, now: datetime) -> None:
        kept = self._of(ledger)
        kept.error, kept.error_since = error, kept.error_since or now

    def states(self, ledgers: Iterable[str]) -> Mapping[str, LedgerState]:
        return {ledger: state for ledger in ledgers if (state := self.state(ledger)) is not None}

    def series(self, ledgers: Iterable[str], since: int) -> Mapping[str, int]:
        return {ledger: len(self.recent(ledger, since)) for ledger in ledgers}

    def cursors_of(self, keys: Mapping[str, Collection[int]]) -> Mapping[str, Mapping[int, Cursor]]:
        return {ledger: self.cursors(ledger, some) for ledger, some in keys.items()}

    def read_of(self, ledgers: Iterable[str], first: int, stop: int) -> Mapping[str, Slices]:
        return {ledger: self.read(ledger, first, stop) for ledger in ledgers}

    def commit_all(self, updates: Mapping[str, LedgerUpdate]) -> Collection[str]:
        refused = set()
        for ledger, update in updates.items():
            try:
                self.commit(ledger, update)
            except LedgerConflictError:
                refused.add(ledger)
        return refused

    def _of(self, ledger: str) -> _Kept:
        return self._kept.setdefault(ledger, _Kept())


def _with(before: Slices, new: Slices) -> Slices:
    if not len(new):
        return before
    spans = [one for one in (before, new) if len(one)]
    whole = before.between(min(one.first for one in spans), max(one.stop for one in spans))
    place = np.arange(new.first, new.stop) - whole.first
    whole.total[place], whole.bad[place], whole.flags[place] = new.total, new.bad, new.flags
    return whole
