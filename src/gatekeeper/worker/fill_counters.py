"""Filling a ledger from raw counter samples, each read once: from where the newest sample was, to now."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median_low
from typing import Protocol

import numpy as np

from gatekeeper.availability.filling import (
    CounterReader,
    LedgerState,
    LedgerUpdate,
    TooManySamplesError,
)
from gatekeeper.availability.ledger import Slices
from gatekeeper.availability.relabelling import NEAR, births, continued
from gatekeeper.availability.series import (
    LONG_GAP,
    MILLISECOND_STEP,
    Cursor,
    Differences,
    RawSeries,
    differences,
    increments,
    joined,
    repay,
)
from gatekeeper.worker.fill_ports import Ledger

BASELINE = 1440
"""Slices asked for before the first one needed: a counter found there was there before us, and not born."""
LATENESS = 1440
"""Slices. Samples that arrive later than this change no attribution any more; the sums telescope all the same."""
LONGEST_CHUNK = 1440
FIRST_CHUNK = 60
"""Slices of the very first request, which shows how many samples there are."""
HOUR = 60
CHUNK_SAMPLES = 500_000
"""Samples wanted in one answer at most: about 15 MB of JSON, a hundredth of what Prometheus allows by default."""
DEFAULT_SCRAPE = 60_000
"""Milliseconds; used until two samples of a series were seen."""


@dataclass
class CounterFilling:
    """One ledger being filled; ``state`` and ``samples`` (received so far) move on with each step."""

    name: str
    reader: CounterReader
    ledger: Ledger
    state: LedgerState
    samples: int = 0

    def fill(self, stop: int) -> None:
        """Read everything there is up to the slice before ``stop``, committing after each chunk.

        Raises:
            SourceError, QueryRefusedError: what was committed before stays; the next call goes on from there.
            LedgerConflictError: somebody else is filling this ledger.
        """
        begin = after = unread(self.state)
        for until, series in self._chunks(after, _end(stop)):
            progress, cursors = self._progress(until, _end(stop)), self._cursors(series)
            settled = after != begin or self.state.progress is not None
            late = None if settled else _behind(series, cursors, after, self._scrape)
            if late is None:
                self._commit(differences(series, cursors), until, progress)
            else:
                for end, part in self._chunks(late, until):
                    self._commit(differences(part, self._cursors(part)), end, progress)
            after = until

    def _cursors(self, series: Sequence[RawSeries]) -> Mapping[int, Cursor]:
        return self.ledger.cursors(self.name, [one.key for one in series])

    def extend(self, since: int) -> None:
        """Fill the slices from ``since`` to where the ledger begins now, in one commit.

        Raises:
            SourceError, QueryRefusedError, LedgerConflictError: nothing was changed.
        """
        slices = Slices.unknown(since, self.state.since - since)
        state = replace(self.state, since=since, born_after=_end(since), history_start=None, newest=None)
        cursors: dict[int, Cursor] = {}
        for _, series in self._chunks(_end(since - BASELINE), _end(self.state.since)):
            found = differences(series, cursors)
            state = _learned(state, found)
            found = _recognised(found, state.born_after, _Draft(slices, cursors))
            slices = joined(slices, _increments(found, state).between(slices.first, slices.stop))
            cursors |= found.cursors
        bad, deficit = repay(slices.bad, 0.0)
        begins = [start for start in (state.history_start, self.state.history_start) if start is not None]
        self._store(
            replace(
                self.state,
                since=since,
                history_start=min(begins, default=None),
                deficit=self.state.deficit + deficit,
            ),
            replace(slices, bad=bad),
            {},
        )

    @property
    def surplus(self) -> float:
        """Good events beyond all events, less what an hour's delay between the two explains."""
        if not self.state.deficit:
            return 0.0
        hour = self.ledger.sums(self.name, self.state.filled_until - HOUR, self.state.filled_until)
        return self.state.deficit - hour.total

    @property
    def _scrape(self) -> int:
        return self.state.scrape or DEFAULT_SCRAPE

    def _progress(self, until: int, end: int) -> float | None:
        if self.state.progress is None or until >= end:
            return None
        begin = _end(self.state.since - BASELINE)
        return (until - begin) / (end - begin)

    def _chunks(self, after: int, until: int) -> Iterator[tuple[int, Sequence[RawSeries]]]:
        """(end of the chunk, its series), in stretches short enough for source and memory."""
        longest = LONGEST_CHUNK
        width = FIRST_CHUNK if self.state.newest is None else longest
        while after < until:
            stop = min((after // MILLISECOND_STEP + width) * MILLISECOND_STEP, until)
            try:
                series = self._read(after, stop)
            except TooManySamplesError:
                if width == 1:
                    raise
                # Not longer again in this filling: each attempt costs the source what it then refuses to give.
                width = longest = width // 2
                continue
            yield stop, series
            samples = max(sum(len(one.times) for one in series), 1)
            fitting = CHUNK_SAMPLES * (stop - after) // (samples * MILLISECOND_STEP)
            width = min(max(fitting, 1), longest)
            after = stop

    def _read(self, after: int, until: int) -> Sequence[RawSeries]:
        series = self.reader.read(after, until)
        self.samples += sum(len(one.times) for one in series)
        return series

    def _commit(self, found: Differences, until: int, progress: float | None) -> None:
        state = _learned(self.state, found)
        found = _recognised(found, state.born_after, _Stored(self.name, self.ledger))
        stop = max(state.filled_until, until // MILLISECOND_STEP + 1)
        gained = _increments(found, state)
        gained = gained.between(max(gained.first, state.since), max(gained.stop, state.since))
        merged = joined(self.ledger.read(self.name, gained.first, gained.stop), gained)
        bad, deficit = repay(merged.bad, state.deficit)
        self._store(
            replace(state, filled_until=stop, deficit=deficit, progress=progress),
            replace(merged, bad=bad),
            found.cursors,
        )

    def _store(self, state: LedgerState, slices: Slices, cursors: Mapping[int, Cursor]) -> None:
        self.ledger.commit(self.name, LedgerUpdate(state, slices, cursors))
        self.state = replace(state, version=state.version + 1)


def unread(state: LedgerState) -> int:
    """Where samples may be that were not read, Unix milliseconds.

    After the newest one; during a backfill, after what was asked.
    """
    asked = _end(state.filled_until)
    if state.progress is not None:
        return asked
    return max(state.newest or 0, asked - LATENESS * MILLISECOND_STEP)


def _end(stop: int) -> int:
    """The end of the slice before ``stop``, in Unix milliseconds."""
    return (stop - 1) * MILLISECOND_STEP


def _behind(
    series: Sequence[RawSeries], cursors: Mapping[int, Cursor], after: int, scrape: int
) -> int | None:
    """From where to read again, because a series that had fallen behind the others is back; usually None.

    Its samples before ``after`` may have arrived since the others' were read. Only at the beginning of a fill:
    what lies between was just read.
    """
    oldest, newest = after - LATENESS * MILLISECOND_STEP, after - LONG_GAP * scrape
    times = [cursors[one.key].time for one in series if one.key in cursors and len(one.times)]
    return min((time for time in times if oldest <= time < newest), default=None)


def _learned(state: LedgerState, found: Differences) -> LedgerState:
    """The state with what these samples say about the series: scrape interval, beginning, newest sample."""
    if not len(found):
        return state
    spacings = [one for one in (state.scrape, state.spacing, found.spacing) if one is not None]
    state = replace(
        state,
        scrape=median_low(spacings) if spacings else None,
        spacing=found.spacing or state.spacing,
        newest=max(state.newest or 0, int(np.max(found.times))),
    )
    if state.history_start is not None:
        return state
    start = int(np.min(found.times))
    was_there = start + (state.scrape or DEFAULT_SCRAPE)
    return replace(state, history_start=start, born_after=max(state.born_after, was_there))


class _Counted(Protocol):
    """What has been counted so far."""

    def total(self, first: int, stop: int) -> float:
        """Events of these slices."""
        ...

    def recent(self, since: int) -> Mapping[int, Cursor]:
        """The cursors not older than this."""
        ...


@dataclass(frozen=True)
class _Stored:
    """A ledger as it is stored."""

    name: str
    ledger: Ledger

    def total(self, first: int, stop: int) -> float:
        return self.ledger.sums(self.name, first, stop).total

    def recent(self, since: int) -> Mapping[int, Cursor]:
        return self.ledger.recent(self.name, since)


@dataclass(frozen=True)
class _Draft:
    """Slices that are not stored yet."""

    slices: Slices
    cursors: Mapping[int, Cursor]

    def total(self, first: int, stop: int) -> float:
        return self.slices.between(first, stop).sums().total

    def recent(self, since: int) -> Mapping[int, Cursor]:
        return {key: cursor for key, cursor in self.cursors.items() if cursor.time >= since}


def _recognised(found: Differences, born_after: int, counted: _Counted) -> Differences:
    """Differences in which counters that only changed their labels are no births.

    Looked into where newcomers bring more events than the hour before them had.
    """
    for born in births(found, born_after):
        begin = int(found.times[born].min())
        stop = begin // MILLISECOND_STEP + 1
        known = ~found.first & (found.times > begin - HOUR * MILLISECOND_STEP) & (found.times < begin)
        unstored = float((found.gained(born_after) * found.total)[known].sum())
        if (found.values * found.total)[born].sum() > unstored + counted.total(stop - HOUR, stop):
            found = continued(found, born, counted.recent(begin - NEAR))
    return found


def _increments(found: Differences, state: LedgerState) -> Slices:
    return increments(found, scrape=state.scrape or DEFAULT_SCRAPE, born_after=state.born_after)
