"""How numbers and instants are said to people: plain text, and never rounded to a lie.

Shares are cut towards "less is left", so a text agrees with the comparison that was made on the exact number:
what is below a threshold of the policy never reads as if it had reached it.
"""

from datetime import datetime, timedelta
from decimal import ROUND_FLOOR, Decimal

from gatekeeper.availability.measure import Measured
from gatekeeper.policy.units import format_duration

WHOLES = {0.0: "0 %", 1.0: "100 %"}
MOST_DIGITS = 6


def percent(share: float, digits: int = 1) -> str:
    """A measured share, cut to ``digits`` decimals: ``18.2 %``. Only a whole is 100 %, only nothing is 0 %."""
    if share in WHOLES:
        return WHOLES[share]
    step = Decimal(1).scaleb(-digits)
    cut = (Decimal(repr(float(share))) * 100).quantize(step, ROUND_FLOOR)
    return f"{cut:,} %".replace("-", "−") if cut else f"less than {step} %"


def overspent(remaining: float) -> str:
    """How far a negative remaining share is over the budget: ``28.4 %``."""
    return percent(remaining).removeprefix("−")


def availability(share: float | None, target: Decimal) -> str:
    """An availability, with two decimals more than its target has and at least four: ``99.9358 %``."""
    if share is None:
        return "–"
    return percent(share, max(4, -int(target.normalize().as_tuple().exponent)))


def count(events: float) -> str:
    """Events, thousands separated; fractions (queries that extrapolate) to one digit, but some are never none."""
    text = f"{events:,.1f}".removesuffix(".0")
    return "less than 0.1" if text == "0" and events else text


def part(found: Measured) -> str:
    """How much of its window an objective was measured for, where its ledger is younger: ``9 d of 28 d``."""
    since = found.partial_since or found.window_start
    ages = (found.window_end - since, found.window_end - found.window_start)
    return " of ".join(format_duration(one) for one in ages)


def instant(at: datetime) -> str:
    """A time as everybody can read it: ``2026-11-22 14:05 UTC``."""
    return f"{at:%Y-%m-%d %H:%M} UTC"


def span(start: datetime, end: datetime | None) -> str:
    """A stretch of time: ``2026-11-20 14:05 to 14:35 UTC (30 min)``; without an end it goes on."""
    if end is None:
        return f"since {instant(start)}, still going on"
    return f"{pair(start, end)} ({format_duration(end - start)})"


def pair(first: datetime, last: datetime, link: str = "to") -> str:
    """Two times, a date that they share said once: ``2026-11-20 14:05 to 14:35 UTC``."""
    then = f"{last:%H:%M}" if last.date() == first.date() else f"{last:%Y-%m-%d %H:%M}"
    return f"{first:%Y-%m-%d %H:%M} {link} {then} UTC"


def day(at: datetime) -> str:
    """A date without its year: ``28 Nov``."""
    return f"{at.day} {at:%b}"


def seconds(length: float) -> str:
    """A length of time in seconds, in its two largest units: ``3 d 4 h``."""
    return format_duration(timedelta(seconds=round(length)))


def bound(length: float, at_least: bool) -> str:  # noqa: FBT001 (what qualifies the length, beside it)
    """A length of time in seconds that may be a lower bound: ``≥ 3 d 4 h``."""
    return f"{'≥ ' if at_least else ''}{seconds(length)}"


def pace(burn: float, limit: float | None = None) -> str:
    """A burn rate: ``14.4×``. Beside a limit it has as many decimals as it takes to tell the two apart."""
    digits = 1
    while limit is not None and burn != limit and digits < MOST_DIGITS and _same(burn, limit, digits):
        digits += 1
    return f"{burn:,.{digits}f}×"


def _same(one: float, other: float, digits: int) -> bool:
    return f"{one:.{digits}f}" == f"{other:.{digits}f}"
