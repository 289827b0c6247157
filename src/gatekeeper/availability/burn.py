"""The burn rate: how many times faster than allowed the budget is being spent, and when that is too fast.

A burn of 1 spends the whole budget in exactly one window. Thresholds come from the share f of the budget that
a row lets go before it fires, k = f · W / w, so that they fit every window and not only 30 days.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from gatekeeper.availability.budget import exact
from gatekeeper.availability.ledger import Counts

HOUR = 3600
DAY = 24 * HOUR

SPANS = (300, 1800, HOUR, 2 * HOUR, 6 * HOUR, DAY, 3 * DAY)
"""The spans whose burn rates are measured, in seconds: every long and short span of the rows below."""


@dataclass(frozen=True)
class Row:
    """A row of the multi-window, multi-burn-rate alert table.

    Attributes:
        severity: "page" or "ticket".
        long_s: the span over which the share is spent, in seconds.
        short_s: the span that shows it is still going on, in seconds.
        share: the share of the window's budget that is gone when the row fires.
    """

    severity: str
    long_s: int
    short_s: int
    share: float


PAGE_ROWS = (Row("page", HOUR, 300, 0.02), Row("page", 6 * HOUR, 1800, 0.05))
TICKET_ROWS = (Row("ticket", DAY, 2 * HOUR, 0.10), Row("ticket", 3 * DAY, 6 * HOUR, 0.10))


def burn_rate(bad: float, total: float, allowed: float) -> float | None:
    """(B / N) / (1 - T), unitless; None without events.

    Raises:
        ValueError: ``allowed`` leaves no budget.
    """
    numerator, denominator = exact(allowed)
    return denominator * bad / (numerator * total) if total > 0 else None


def burn_rate_each(bad: Counts, total: Counts, allowed: float) -> Counts:
    """``burn_rate`` of many stretches at once, shape (n,), bit for bit the same; NaN where there were no events."""
    numerator, denominator = exact(allowed)
    rates: Counts = np.full(len(total), np.nan)
    np.divide(denominator * bad, numerator * total, out=rates, where=total > 0)
    return rates


def threshold(row: Row, window_s: float) -> float:
    """The burn rate k = f · W / w at which the long span alone spends the row's share of the budget."""
    return row.share * window_s / row.long_s


def firing(row: Row, burns: Mapping[int, float | None], window_s: float) -> bool:
    """Whether both spans burn strictly faster than the row's threshold; a span without events does not.

    Args:
        row: the row.
        burns: burn rates by span in seconds.
        window_s: the objective's window.
    """
    limit = threshold(row, window_s)
    spans = (burns[row.long_s], burns[row.short_s])
    return all(burn is not None and burn > limit for burn in spans)


def reachable(row: Row, window_s: float, allowed: float) -> bool:
    """Whether the row can fire at all: a total outage burns at 1 / (1 - T), and no faster."""
    return threshold(row, window_s) < 1 / allowed
