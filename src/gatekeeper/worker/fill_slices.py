"""Filling a ledger with finished slices: each is set, not added to, and a closed day is trued up."""

from dataclasses import dataclass, replace

import numpy as np
import structlog

from gatekeeper.availability.filling import (
    LedgerState,
    LedgerUpdate,
    QueryTimeoutError,
    SliceReader,
    TooManySamplesError,
    Totals,
)
from gatekeeper.availability.ledger import Counts, Flag, Slices, end_of
from gatekeeper.availability.series import MILLISECOND_STEP, repay
from gatekeeper.errors import QueryRefusedError
from gatekeeper.worker.fill_ports import Ledger

log = structlog.get_logger()

DAY, HOUR = 1440, 60
"""Slices."""
LATENESS = DAY
"""Slices. Unknown ones are asked for again so long, should their data arrive late."""
BEGINNING = 5
"""Slices. Where scrapes are further apart than slices are wide, not every slice has a sample."""
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
    longest: int = DAY

    @property
    def surplus(self) -> float:
        """Good events of the last whole day that are not among its events."""
        return self.state.deficit

    def fill(self, stop: int) -> None:
        """Read everything there is up to the slice before ``stop``, committing after each day; then true up.

        Raises:
            SourceError, QueryRefusedError: what was committed before stays; the next call goes on from there.
            LedgerConflictError: somebody else is filling this ledger.
        """
        begun = self.state
        hourly = begun.progress is None and _hour(stop) != _hour(begun.filled_until)
        first = unread = self._unread()
        while first < stop:
            until = min(_day_stop(first), stop)
            progress = (
                None
                if self.state.progress is None
                else (until - self.state.since) / (stop - self.state.since)
            )
            self._commit(self._known(first, until), until, progress if until < stop else None)
            first = until
        # After what is new: an old stretch that gets no answer must not hold that up.
        if hourly:
            self._mend(max(begun.filled_until - LATENESS, begun.since), unread)
        if hourly or begun.progress is not None:
            self._true_up(again=hourly)

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

    def _mend(self, first: int, stop: int) -> None:
        """Ask again for what is unknown between known slices; its data may have arrived by now."""
        unknown = np.flatnonzero(self.ledger.read(self.name, first, stop).flags == 0) + first
        while len(unknown):
            first = int(unknown[0])
            these = unknown[unknown < _day_stop(first)]
            slices = self._known(first, int(these[-1]) + 1)
            if slices.having(Flag.MEASURED)[these - first].any():
                self._commit(slices, self.state.filled_until, self.state.progress)
            unknown = unknown[len(these) :]

    def _known(self, first: int, stop: int) -> Slices:
        """What the source says now, over what it said before."""
        said = self._read(first, stop)
        self.samples += len(said)
        said = replace(said, bad=repay(said.bad, 0.0)[0])
        return _over(self.ledger.read(self.name, first, stop), said)

    def _read(self, first: int, stop: int) -> Slices:
        """In stretches short enough for the source."""
        found = Slices.unknown(first, stop - first)
        while first < stop:
            until = min(first + self.longest, stop)
            try:
                found = self.reader.read(first, until).over(found)
            except (TooManySamplesError, QueryTimeoutError) as error:
                if until - first <= (HOUR if isinstance(error, QueryTimeoutError) else 1):
                    raise
                # Not longer again in this filling: each attempt costs the source what it then refuses to give.
                self.longest = (until - first) // 2
                continue
            first = until
        return found

    def _true_up(self, *, again: bool) -> None:
        """Scale the days that are over to what the source counts of each as a whole, the oldest first.

        Where it gives no answer, that is tried again each hour. Where it refuses, or has forgotten a part of the
        day, the minutes stand as they are.

        Args:
            again: the slices were read by an earlier filling.

        Raises:
            SourceError: no answer. The slices themselves are stored.
        """
        begin = max(self.state.trued_until or self.state.since, self.state.since)
        while (stop := _day_stop(begin)) <= self.state.filled_until:
            day = self.ledger.read(self.name, begin, stop)
            whole = None if again and self._forgotten(day) else self._counted(begin, stop)
            if whole is not None:
                surplus = -whole.bad if whole.bad < -NOISE * whole.total else 0.0
                self.state = replace(self.state, deficit=surplus)
                day = trued_up(day, replace(whole, bad=max(whole.bad, 0.0)))
            self._store(replace(self.state, trued_until=stop), day)
            begin = stop

    def _forgotten(self, day: Slices) -> bool:
        """Whether the source no longer has the beginning of what is known of a day: it would count too little."""
        known = np.flatnonzero(day.having(Flag.MEASURED))
        if day.stop > self.state.filled_until - LATENESS or not len(known):
            return False
        first = day.first + int(known[0])
        return not self._read(first, first + BEGINNING).having(Flag.MEASURED).any()

    def _counted(self, first: int, stop: int) -> Totals | None:
        try:
            return self._whole(first, stop)
        except QueryRefusedError as error:
            log.warning("ledger.not_trued_up", ledger=self.name, day=f"{end_of(first):%F}", error=str(error))
            return None

    def _whole(self, first: int, stop: int) -> Totals | None:
        """In as few pieces as the source allows."""
        try:
            return self.reader.whole(first, stop)
        except (TooManySamplesError, QueryTimeoutError):
            if stop - first <= HOUR:
                raise
        middle = (first + stop) // 2
        early, late = self._whole(first, middle), self._whole(middle, stop)
        if early is None or late is None:
            return None
        return Totals(early.total + late.total, early.bad + late.bad)

    def _commit(self, slices: Slices, stop: int, progress: float | None) -> None:
        known = np.flatnonzero(slices.flags & Flag.MEASURED) + slices.first
        state = replace(self.state, filled_until=max(stop, self.state.filled_until), progress=progress)
        if state.trued_until is not None and slices.first < state.trued_until:
            state = replace(state, trued_until=_day_stop(slices.first) - DAY)
        if len(known):
            start, newest = (int(known[0]) - 1) * MILLISECOND_STEP, int(known[-1]) * MILLISECOND_STEP
            begun = start if state.history_start is None else min(start, state.history_start)
            state = replace(state, history_start=begun, newest=max(newest, state.newest or 0))
        self._store(state, slices)

    def _store(self, state: LedgerState, slices: Slices) -> None:
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


def _hour(stop: int) -> int:
    return (stop - 1) // HOUR


def _day_stop(index: int) -> int:
    """One past the last slice of the UTC day that this slice belongs to."""
    return ((index - 1) // DAY + 1) * DAY + 1
