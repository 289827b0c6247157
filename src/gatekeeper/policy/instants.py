"""Instants as people write them in a policy: RFC 3339 times with their zone, and dates where a day is meant."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from gatekeeper.policy.mistake import MistakeError

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_DAY = timedelta(days=1)


def parse_minute(value: Any) -> datetime:
    """Read a time of whole minutes, in UTC: ``2026-11-08T02:00:00Z``. A ``datetime`` is a time already.

    Raises:
        MistakeError: it is no time, has no time zone or is within a minute; the suggestion is what to write.
    """
    if isinstance(value, str) and _DATE.fullmatch(value):
        raise MistakeError(f'"{value}" is a day, no time', f"write {value}T00:00:00Z, for example")
    found = _aware(value)
    if found.second or found.microsecond:
        whole = found.replace(second=0, microsecond=0)
        raise MistakeError(f'"{value}" is not a whole minute', f"write {_written(whole)}, for example")
    return found


def parse_first(value: Any) -> datetime:
    """Read a time or a day on which something begins: a day begins at 00:00 UTC.

    Raises:
        MistakeError: it is neither; the suggestion is what to write.
    """
    return _aware(f"{value}T00:00Z" if _is_day(value) else value)


def parse_until(value: Any) -> datetime:
    """Read a time or a day until which something holds: the day is the last one, in UTC.

    Raises:
        MistakeError: it is neither; the suggestion is what to write.
    """
    if not _is_day(value):
        return _aware(value)
    try:
        return parse_first(value) + _DAY
    except OverflowError:
        raise MistakeError(f'"{value}" is out of reach', "write a day of these years") from None


def _is_day(value: Any) -> bool:
    return isinstance(value, str) and _DATE.fullmatch(value) is not None


def _aware(value: Any) -> datetime:
    """An aware time in UTC."""
    found = value if isinstance(value, datetime) else _read(value)
    if found.tzinfo is None:
        raise MistakeError(f'"{value}" has no time zone', f"write {_written(found)} if UTC is meant")
    try:
        return found.astimezone(UTC)
    except OverflowError:
        raise MistakeError(f'"{value}" is out of reach', "write a time of these years") from None


def _read(value: Any) -> datetime:
    try:
        return datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise MistakeError(
            f'"{str(value)[:40]}" is no time', "write one such as 2026-11-08T02:00:00Z"
        ) from None


def _written(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
