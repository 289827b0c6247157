"""The daily audit: what a ledger has of one UTC day, beside the source's own count of the same day.

That is independent where samples were read one by one; a ledger of a free query was scaled to it.

It only reports. No ledger is mended by it, and no gate reads it.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from enum import StrEnum

from gatekeeper.availability.filling import Totals
from gatekeeper.availability.ledger import Flag, Slices, slice_of

DAY = 1440
"""Slices."""
EDGE = 5
"""Slices. Where scrapes are further apart than slices are wide, not every slice has a sample."""
LEAST = 2.0
"""Events. No count is held to be more exact than this."""


class Why(StrEnum):
    """Why a day could not be compared.

    Attributes:
        MISSING: the ledger has nothing of it, and the source counts events: what was measured is lost.
        PARTIAL: the ledger does not know what belongs to the day: its beginning or end was not measured, or lies
            in a gap whose events are spread over both sides of midnight.
        NO_DATA: the source has nothing of it, or no longer has.
        UNSUPPORTED: an indicator of this sort is not counted by any query that could be compared.
        REFUSED: the source will not answer the query.
        TRUED_UP: the ledger was scaled to the source's count of the day, and there is no other one.
    """

    MISSING = "missing"
    PARTIAL = "partial"
    NO_DATA = "no data"
    UNSUPPORTED = "unsupported"
    REFUSED = "refused"
    TRUED_UP = "trued up"


@dataclass(frozen=True)
class Recount:
    """A day as the source counts it in one piece.

    Attributes:
        counted: events, and the bad ones among them.
        unseen: up to so many more or less of each may be the first values of series that were born in the day,
            which some servers leave out.
        inexactness: of either number, the share by which the query is known to be off.
    """

    counted: Totals
    unseen: Totals
    inexactness: float


@dataclass(frozen=True)
class Audited:
    """A day that both sides know. Differences are the ledger's number less the source's."""

    ledger: Totals
    source: Recount

    @property
    def drift(self) -> Totals:
        """Events, and bad events, that the ledger has more than the source; below 0: fewer."""
        counted = self.source.counted
        return Totals(self.ledger.total - counted.total, self.ledger.bad - counted.bad)

    @property
    def tolerance(self) -> Totals:
        """How far the two may be apart for reasons that are known."""
        counted, unseen = self.source.counted, self.source.unseen
        return Totals(
            self._tolerance(self.ledger.total, counted.total, unseen.total),
            self._tolerance(self.ledger.bad, counted.bad, unseen.bad),
        )

    @property
    def availability_drift(self) -> float | None:
        """The day's availability by the ledger less that by the source, a share; None where one has no events."""
        counted = self.source.counted
        if self.ledger.total <= 0 or counted.total <= 0:
            return None
        return counted.bad / counted.total - self.ledger.bad / self.ledger.total

    @property
    def drifted(self) -> bool:
        """Whether the two are further apart than is known to be possible."""
        drift, tolerance = self.drift, self.tolerance
        return abs(drift.total) > tolerance.total or abs(drift.bad) > tolerance.bad

    @property
    def apart(self) -> float:
        """The larger of the two differences, events and bad events, as a share of the larger number."""
        drift, counted = self.drift, self.source.counted
        pairs = (
            (drift.total, max(self.ledger.total, counted.total)),
            (drift.bad, max(self.ledger.bad, counted.bad)),
        )
        return max(abs(part) / whole if whole > 0 else 0.0 for part, whole in pairs)

    def _tolerance(self, ledger: float, counted: float, unseen: float) -> float:
        return LEAST + self.source.inexactness * max(ledger, counted) + unseen


@dataclass(frozen=True)
class Unaudited:
    """A day that could not be compared; ``detail`` says what the source had to say of it."""

    why: Why
    detail: str = ""

    @property
    def drifted(self) -> bool:
        """Whether a person has to look: what could not be compared accuses nobody, but what is lost is lost."""
        return self.why is Why.MISSING


Audit = Audited | Unaudited


@dataclass(frozen=True)
class DayAudit:
    """The audit of one UTC day of a ledger, and when it was made."""

    day: date
    at: datetime
    audit: Audit


def slices_of(day: date) -> tuple[int, int]:
    """The first slice of a UTC day, and one past its last."""
    first = slice_of(datetime.combine(day, time(), UTC)) + 1
    return first, first + DAY


def audit(slices: Slices, recount: Recount | Unaudited) -> Audit:
    """Compare a whole day of a ledger with the source's own count of it."""
    if isinstance(recount, Unaudited):
        return recount
    measured = slices.having(Flag.MEASURED)
    if not measured.any():
        if recount.counted.total > LEAST:
            return Unaudited(Why.MISSING, f"{recount.counted.total:,.0f} events")
        return Unaudited(Why.NO_DATA)
    spread = slices.having(Flag.INTERPOLATED)
    known = measured[:EDGE].any() and measured[-EDGE:].any()
    if not known or spread[0] or spread[-1]:
        return Unaudited(Why.PARTIAL)
    sums = slices.sums()
    return Audited(Totals(sums.total, sums.bad), recount)
