"""Filling a ledger with finished slices: each is set, not added to, and a closed day is trued up."""

from dataclasses import dataclass, replace

import numpy as np

from gatekeeper.availability.filling import LedgerState, LedgerUpdate, SliceReader, Totals
from gatekeeper.availability.ledger import Counts, Flag, Slices
from gatekeeper.availability.series import MILLISECOND_STEP, repay
from gatekeeper.worker.fill_ports import Ledger

DAY = 1440
LATENESS = DAY
"""Slices. Unknown ones are asked for again so long, should their data arrive late."""
NOISE = 0.01
"""Good events beyond this share of a day's events are no inexactness: they are not a part of the total."""


@dataclass
class SliceFilling:
    """One ledger being filled; ``state`` moves on with each step."""

    name: str
    reader: SliceReader
    ledger: Ledger
    state: LedgerState
    samples: int = 0

    @property
    def surplus(self) -> float:
        """Good events of the last whole day that are not among its events."""
        return self.state.deficit

    def fill(self, stop: int) -> None:
        """Read everything there is up to the slice before ``stop``, committing after each day.

        Raises:
            SourceError, QueryRefusedError: what was committed before stays; the next call goes on from there.
            LedgerConflictError: somebody else is filling this ledger.
        """
        first = self._unread()
        while first < stop:
            until = min(_day_stop(first), stop)
            progress = (
                None
                if self.state.progress is None
                else (until - self.state.since) / (stop - self.state.since)
            )
            self._commit(self._known(first, until), until, progress if until < stop else None)
            first = until

    def extend(self, since: int) -> None:
        """Fill the slices from ``since`` to where the ledger begins now, committing after each day, newest first.

        Raises:
            SourceError, QueryRefusedError, LedgerConflictError: the next call goes on from there.
        """
        while (stop := self.state.since) > since:
            first = max(_day_stop(stop - 1) - DAY, since)
            self.state = replace(self.state, since=first)
            self._commit(self._known(first, stop), self.state.filled_until, self.state.progress)

    def _unread(self) -> int:
        """After the newest slice known; during a backfill, after what was asked."""
        if self.state.progress is not None or self.state.newest is None:
            return max(self.state.filled_until, self.state.since)
        newest = self.state.newest // MILLISECOND_STEP
        return max(newest + 1, self.state.filled_until - LATENESS, self.state.since)

    def _known(self, first: int, stop: int) -> Slices:
        """What the source says now, over what it said before; a whole day of it if this closes one."""
        said = self.reader.read(first, stop)
        self.samples += len(said)
        said = replace(said, bad=repay(said.bad, 0.0)[0])
        closes = stop == _day_stop(stop - 1)
        begin = max(stop - DAY, self.state.since) if closes else first
        slices = _over(self.ledger.read(self.name, begin, stop), said.between(begin, stop))
        whole = self.reader.whole(begin, stop) if closes else None
        if whole is None:
            return slices
        surplus = -whole.bad if whole.bad < -NOISE * whole.total else 0.0
        self.state = replace(self.state, deficit=surplus)
        return trued_up(slices, replace(whole, bad=max(whole.bad, 0.0)))

    def _commit(self, slices: Slices, stop: int, progress: float | None) -> None:
        known = np.flatnonzero(slices.flags & Flag.MEASURED) + slices.first
        state = replace(self.state, filled_until=max(stop, self.state.filled_until), progress=progress)
        if len(known):
            start, newest = (int(known[0]) - 1) * MILLISECOND_STEP, int(known[-1]) * MILLISECOND_STEP
            begun = start if state.history_start is None else min(start, state.history_start)
            state = replace(state, history_start=begun, newest=max(newest, state.newest or 0))
        self.ledger.commit(self.name, LedgerUpdate(state, slices))
        self.state = replace(state, version=state.version + 1)


def trued_up(slices: Slices, whole: Totals) -> Slices:
    """The same slices, scaled so that they add up to what was counted in one piece."""
    known = (slices.flags & Flag.MEASURED) != 0
    if not known.any():
        return slices
    total = _scaled(slices.total, whole.total, np.where(known, 1.0, 0.0))
    return replace(slices, total=total, bad=_scaled(slices.bad, whole.bad, np.where(known, total, 0.0)))


def _scaled(counts: Counts, to: float, otherwise: Counts) -> Counts:
    """Counts that add up to ``to``, in proportion to themselves, or to ``otherwise`` where they are all zero."""
    shape = counts if counts.sum() > 0 else otherwise
    return shape * (to / shape.sum()) if shape.sum() > 0 else counts


def _over(before: Slices, said: Slices) -> Slices:
    known = said.flags != 0
    return Slices(
        before.first,
        np.where(known, said.total, before.total),
        np.where(known, said.bad, before.bad),
        np.where(known, said.flags, before.flags),
    )


def _day_stop(index: int) -> int:
    """One past the last slice of the UTC day that this slice belongs to."""
    return ((index - 1) // DAY + 1) * DAY + 1
