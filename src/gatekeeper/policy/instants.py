"""Instants as people write them in a policy: RFC 3339 times with their zone, and dates where a day is meant."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

from gatekeeper.policy.mistake import MistakeError
from gatekeeper.policy.shapes import either, pattern

_TIME = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:[Zz]|[+-]\d\d:\d\d(?::\d\d)?)?", re.ASCII
)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_DAY = timedelta(days=1)
_SUCH = "write one such as 2026-11-08T02:00:00Z"
_SUCH_DAY = "write a day such as 2026-12-31, or a time such as 2026-11-08T02:00:00Z"
DAY_SHAPE = pattern(_DATE)
INSTANT_SHAPE = pattern(_TIME, spaced=True, ahead=r"(?=[\s\S]*(?:[Zz]|[+-][0-9]{2}:[0-9]{2})\s*$)")
DAY_OR_INSTANT_SHAPE = either(DAY_SHAPE, INSTANT_SHAPE)


def parse_instant(value: Any) -> datetime:
    """Read a time, in UTC: ``2026-11-08T02:00:00Z``. A ``datetime`` is a time already.

    Raises:
        MistakeError: it is no time or has no time zone; the suggestion is what to write.
    """
    if _is_day(value):
        raise MistakeError(f'"{value}" is a day, no time', f"write {value}T00:00:00Z, for example")
    return _aware(value)


def parse_minute(value: Any) -> datetime:
    """Read a time of whole minutes, as ``parse_instant`` does.

    Raises:
        MistakeError: also when it is within a minute.
    """
    found = parse_instant(value)
    if found.second or found.microsecond:
        whole = found.replace(second=0, microsecond=0)
        raise MistakeError(f'"{value}" is not a whole minute', f"write {_written(whole)}, for example")
    return found


def parse_first(value: Any) -> datetime:
    """Read a time or a day on which something begins: a day begins at 00:00 UTC.

    Raises:
        MistakeError: it is neither; the suggestion is what to write.
    """
    if not _is_day(value):
        return _aware(value, _SUCH_DAY)
    try:
        return datetime.fromisoformat(value).replace(tzinfo=UTC)
    except ValueError:
        raise MistakeError(f'"{value}" is not in the calendar', _SUCH_DAY) from None


def parse_until(value: Any) -> datetime:
    """Read a time or a day until which something holds: the day is the last one, in UTC.

    Raises:
        MistakeError: it is neither; the suggestion is what to write.
    """
    if not _is_day(value):
        return _aware(value, _SUCH_DAY)
    try:
        return parse_first(value) + _DAY
    except OverflowError:
        raise MistakeError(f'"{value}" is out of reach', "write a day of these years") from None


def parse_day(value: Any) -> date:
    """Read a day: ``2026-11-02``. A ``date`` is a day already.

    Raises:
        MistakeError: it is none; the suggestion is what to write.
    """
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if not _is_day(value):
        raise MistakeError(f'"{str(value)[:40]}" is no day', "write one such as 2026-11-02")
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise MistakeError(f'"{value}" is not in the calendar', "write one such as 2026-11-02") from None


def _is_day(value: Any) -> bool:
    return isinstance(value, str) and _DATE.fullmatch(value) is not None


def _aware(value: Any, such: str = _SUCH) -> datetime:
    """An aware time in UTC."""
    found = value if isinstance(value, datetime) else _read(value, such)
    if found.tzinfo is None:
        raise MistakeError(f'"{value}" has no time zone', f"write {_written(found)} if UTC is meant")
    try:
        return found.astimezone(UTC)
    except OverflowError:
        raise MistakeError(f'"{value}" is out of reach', "write a time of these years") from None


def _read(value: Any, such: str) -> datetime:
    shown = f'"{str(value)[:40]}"'
    if not (isinstance(value, str) and _TIME.fullmatch(value.strip())):
        raise MistakeError(f"{shown} is no time", such)
    try:
        return datetime.fromisoformat(value.strip().upper())
    except ValueError:
        raise MistakeError(f"{shown} is not in the calendar", such) from None


def _written(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
