"""What filling a ledger needs of the world."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Protocol, runtime_checkable

from gatekeeper.availability.filling import (
    CounterReader,
    LedgerState,
    LedgerStatus,
    LedgerUpdate,
    SliceReader,
)
from gatekeeper.availability.ledger import Slices, Sums
from gatekeeper.availability.series import Cursor
from gatekeeper.policy.objective import Indicator


class Source(Protocol):
    """Where an indicator is measured."""

    def reader(self, indicator: Indicator) -> CounterReader | SliceReader:
        """How this indicator is read."""
        ...


@runtime_checkable
class Sizing(Protocol):
    """A source that counts in slices what has too many samples to be read one by one."""

    def too_large(self, indicator: Indicator, stop: int) -> str | None:
        """Why this indicator's samples should not be read one by one, with the figures in words; None if they may.

        Asks the source how many there are in the day before the slice ``stop``.

        Raises:
            SourceError: the source did not answer, or in part.
            QueryRefusedError: it will not answer this indicator.
        """
        ...

    def by_slices(self, indicator: Indicator) -> SliceReader:
        """Reads such an indicator. Asks nothing yet.

        Raises:
            QueryRefusedError: it has no counters.
        """
        ...


class Ledger(Protocol):
    """Every ledger, by its indicator's id."""

    def state(self, ledger: str) -> LedgerState | None:
        """How far it has been filled; None before the first commit."""
        ...

    def cursors(self, ledger: str, keys: Collection[int]) -> Mapping[int, Cursor]:
        """The cursors of those series that have one."""
        ...

    def recent(self, ledger: str, since: int) -> Mapping[int, Cursor]:
        """The cursors at or after this time, Unix milliseconds."""
        ...

    def read(self, ledger: str, first: int, stop: int) -> Slices:
        """The slices ``first`` to ``stop - 1``; what is not stored is unknown."""
        ...

    def sums(self, ledger: str, first: int, stop: int) -> Sums:
        """What these slices add up to."""
        ...

    def status(self, ledger: str) -> LedgerStatus:
        """The ledger as people see it."""
        ...

    def commit(self, ledger: str, update: LedgerUpdate) -> None:
        """Store all of an update or nothing; an error noted before is over.

        Raises:
            LedgerConflictError: the ledger is not the one that ``update.state`` was derived from.
        """
        ...

    def fail(self, ledger: str, error: str, now: datetime) -> None:
        """Note that filling failed, and since when it does."""
        ...


class ManyLedgers(Ledger, Protocol):
    """The same, for several ledgers at once."""

    def states(self, ledgers: Iterable[str]) -> Mapping[str, LedgerState]:
        """How far they have been filled; without those that had no commit yet."""
        ...

    def series(self, ledgers: Iterable[str], since: int) -> Mapping[str, int]:
        """How many series each has that had a sample at or after this time, Unix milliseconds."""
        ...

    def cursors_of(self, keys: Mapping[str, Collection[int]]) -> Mapping[str, Mapping[int, Cursor]]:
        """By ledger, the cursors of those of its series that have one."""
        ...

    def read_of(self, ledgers: Iterable[str], first: int, stop: int) -> Mapping[str, Slices]:
        """The same stretch of each ledger."""
        ...

    def commit_all(self, updates: Mapping[str, LedgerUpdate]) -> Collection[str]:
        """Store each of these updates or nothing of it, at once.

        Returns:
            Those refused, because the ledger is not the one that the update's state was derived from.
        """
        ...
