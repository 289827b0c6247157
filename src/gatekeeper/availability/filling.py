"""How a ledger is filled: what a monitoring system must answer, and how far the filling has come."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol, runtime_checkable

from gatekeeper.availability.ledger import Slices, end_of
from gatekeeper.availability.series import Cursor, RawSeries
from gatekeeper.errors import QueryRefusedError, SourceError, TemporaryError


class TooManySamplesError(QueryRefusedError):
    """A source will not load so many samples at once; a shorter stretch may go well."""


class QueryTimeoutError(SourceError):
    """A source gave up on a query that took too long; later, or for a shorter stretch, it may go well."""


class LedgerConflictError(TemporaryError):
    """Somebody else filled this ledger meanwhile; nothing of ours was stored."""


class CounterReader(Protocol):
    """Reads the raw samples of an indicator's counters."""

    def read(self, after: int, until: int) -> Sequence[RawSeries]:
        """Every stored sample in (after, until], Unix milliseconds, ``until`` the end of a slice.

        A sample at exactly ``after + 1`` may be left out.

        Raises:
            SourceError: no answer, or a partial one.
            TooManySamplesError: ask for a shorter stretch.
            QueryRefusedError: this query is never answered.
        """
        ...


@dataclass(frozen=True)
class Stretch:
    """What is to be read for one indicator, up to a common end.

    Attributes:
        after: Unix milliseconds, as in ``CounterReader.read``.
        series: about how many series there are.
    """

    reader: "CounterReader | SliceReader"
    after: int
    series: int


@runtime_checkable
class Together(Protocol):
    """A source that reads several indicators in one request."""

    def at_hand(self, wanted: Mapping[str, Stretch], until: int) -> Iterator[Mapping[str, CounterReader]]:
        """The same readers with their stretch at hand, some at a time, by the names given.

        Each says what it would have said alone, and whatever else it is asked, it asks the source. Left out are those
        that cannot be read together, and those that the source refused so: asked alone, they may not be.

        Raises:
            SourceError: no answer, or a partial one; so it is likely to be for the rest.
        """
        ...


@dataclass(frozen=True)
class Totals:
    """Events of a stretch, and the bad ones among them."""

    total: float
    bad: float


@runtime_checkable
class SliceReader(Protocol):
    """Reads finished slices: a system that counts by itself, or a query that can only be asked whole."""

    def read(self, first: int, stop: int) -> Slices:
        """Slices ``first`` to ``stop - 1``; what the system does not know has no flags.

        Bad events may be negative, where they are a difference of two inexact numbers.

        Raises:
            SourceError, QueryRefusedError: as ``CounterReader.read``.
        """
        ...

    def whole(self, first: int, stop: int) -> Totals | None:
        """The same stretch counted in one piece, where that is more exact than its slices; otherwise None.

        Raises:
            SourceError, QueryRefusedError: as ``CounterReader.read``.
        """
        ...


@runtime_checkable
class Critic(Protocol):
    """A reader that can tell what is wrong with an indicator beyond what its numbers show."""

    def criticism(self, stop: int) -> str | None:
        """What the indicator's author has to mend, as of the slice before ``stop``; None if nothing.

        Raises:
            SourceError, QueryRefusedError: as ``CounterReader.read``.
        """
        ...


@dataclass(frozen=True)
class LedgerState:
    """How far a ledger has been filled. Times are Unix milliseconds, slices are indices.

    Attributes:
        since: the first slice asked for.
        filled_until: one past the last slice asked for; ``since`` when nothing was yet.
        history_start: the oldest sample found.
        newest: the newest sample counted.
        born_after: a series whose first sample is later than this was born, an earlier one was there before us.
        scrape: the scrape interval.
        spacing: the spacing of samples in the answer before, from which ``scrape`` follows changes.
        deficit: bad events that later ones have to repay (``series.repay``).
        progress: the share of the backfill done, None once it is complete.
        problem: what is wrong with the indicator, in words for its author.
        too_large: why its counters are read as finished slices, in words; None if they are read sample by sample.
        trued_until: one past the last day whose finished slices were scaled to the source's count of it.
        version: grows with each change, so that two who fill the same ledger notice.
    """

    since: int
    filled_until: int
    history_start: int | None = None
    newest: int | None = None
    born_after: int = 0
    scrape: int | None = None
    spacing: int | None = None
    deficit: float = 0.0
    progress: float | None = 0.0
    problem: str | None = None
    too_large: str | None = None
    trued_until: int | None = None
    version: int = 0


@dataclass(frozen=True)
class LedgerUpdate:
    """What one step of filling changes, all of it or nothing.

    Attributes:
        state: the new state; ``version`` is still the one that was read.
        slices: replace the stored ones of their stretch.
        cursors: replace those of their series.
    """

    state: LedgerState
    slices: Slices = field(default_factory=lambda: Slices.unknown(0, 0))
    cursors: Mapping[int, Cursor] = field(default_factory=dict)


@dataclass(frozen=True)
class LedgerStatus:
    """A ledger as people see it.

    Attributes:
        asked_since: the monitoring system was asked for everything since here.
        history_start: the oldest data; what lies before is unknown for good.
        filled_until: the monitoring system was asked for everything up to here.
        progress: the share of the backfill done, None once it is complete.
        problem: what is wrong with the indicator, in words for its author: its numbers mean nothing.
        too_large: why its counters are read as finished slices, in words; None if they are read sample by sample.
        error: why the last attempt to fill it failed.
        error_since: when such attempts began to fail.
    """

    history_start: datetime | None = None
    filled_until: datetime | None = None
    progress: float | None = None
    problem: str | None = None
    error: str | None = None
    error_since: datetime | None = None
    asked_since: datetime | None = None
    too_large: str | None = None

    def short_of(self, start: datetime) -> bool:
        """Whether the source was asked for everything since ``start``, and what it had begins later."""
        asked = self.progress is None and self.asked_since is not None and self.asked_since <= start
        return asked and self.history_start is not None and self.history_start > start

    @classmethod
    def of(
        cls, state: LedgerState, error: str | None = None, error_since: datetime | None = None
    ) -> "LedgerStatus":
        """The status of a ledger in this state."""
        return cls(
            history_start=None if state.history_start is None else instant(state.history_start),
            filled_until=end_of(state.filled_until - 1) if state.filled_until > state.since else None,
            progress=state.progress,
            problem=state.problem,
            error=error,
            error_since=error_since,
            asked_since=end_of(state.since - 1),
            too_large=state.too_large,
        )


def instant(milliseconds: int) -> datetime:
    """Unix milliseconds as an aware datetime."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
