"""Windows: the stretch of time that a promise is kept over, as of an instant.

A rolling window moves with the present. A calendar window is the month, quarter or week of a time zone that the
present lies in; its budget is that of the whole period, and starts anew with the next.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal, Protocol
from zoneinfo import ZoneInfo

Unit = Literal["month", "quarter", "week"]

DAYS = {"month": 31, "quarter": 92, "week": 7}
"""Of the longest period of a unit; clocks that are set back in it make it an hour longer."""
_TICK = timedelta(microseconds=1)


@dataclass(frozen=True)
class Period:
    """The stretch (start, end] of time that a budget belongs to; its end may be to come."""

    start: datetime
    end: datetime

    @property
    def seconds(self) -> int:
        """Its whole length, in seconds."""
        return int((self.end - self.start).total_seconds())


class Window(Protocol):
    """What a promise is kept over."""

    @property
    def longest(self) -> timedelta:
        """Its length, or that of the longest of its periods."""
        ...

    def at(self, instant: datetime) -> Period:
        """The period with start < instant <= end, aware UTC."""
        ...


@dataclass(frozen=True)
class Rolling:
    """The last so and so long."""

    length: timedelta

    @property
    def longest(self) -> timedelta:
        """Its length."""
        return self.length

    def at(self, instant: datetime) -> Period:
        """The stretch that ends with this instant."""
        return Period(instant - self.length, instant)


def longest_period(unit: Unit) -> timedelta:
    """No period of this unit is longer."""
    return timedelta(days=DAYS[unit], hours=1)


def calendar_period(unit: Unit, timezone: str, instant: datetime) -> Period:
    """The month, quarter or week (from Monday) that an instant lies in, from midnight to midnight in a time zone.

    An instant at midnight is the end of the period before it, as slices belong to their ends. A midnight that clocks
    skip is the instant at which they do.

    Args:
        unit: which period.
        timezone: IANA name, such as Europe/Paris.
        instant: aware.
    """
    zone = ZoneInfo(timezone)
    today = (instant - _TICK).astimezone(zone).date()
    first = _first(unit, today)
    return Period(_midnight(first, zone), _midnight(_next(unit, first), zone))


def _first(unit: Unit, day: date) -> date:
    match unit:
        case "week":
            return day - timedelta(days=day.weekday())
        case "month":
            return day.replace(day=1)
        case "quarter":
            return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)


def _next(unit: Unit, first: date) -> date:
    if unit == "week":
        return first + timedelta(days=7)
    months = first.month + (1 if unit == "month" else 3)
    return first.replace(year=first.year + (months > 12), month=(months - 1) % 12 + 1)  # noqa: PLR2004 - months of a year


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)
