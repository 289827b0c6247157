"""Shares, durations, instants, paces as people write them (``99.95%``, ``1d12h``, ``2/day``) and as texts show them."""

import math
import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

from gatekeeper.policy.mistake import MistakeError
from gatekeeper.policy.shapes import ZERO, either, pattern

_PERCENT = re.compile(r"([+-]?\d{1,6}(?:\.\d{1,12})?)\s*%", re.ASCII)
_NUMBER = re.compile(r"[+-]?\d{1,6}(?:[.,]\d{1,12})?\s*%?", re.ASCII)
_SECONDS = {"w": 604_800, "d": 86_400, "h": 3_600, "min": 60, "m": 60, "s": 1}
_UNIT_NAMES = {
    name: unit
    for unit, names in (
        ("w", "week weeks wk wks"),
        ("d", "day days"),
        ("h", "hour hours hr hrs"),
        ("m", "minute minutes mins"),
        ("s", "second seconds sec secs"),
    )
    for name in names.split()
}
_DURATION = re.compile(
    r"(?:(\d{1,6})\s*w)?\s*(?:(\d{1,6})\s*d)?\s*(?:(\d{1,6})\s*h)?\s*(?:(\d{1,6})\s*m(?:in)?)?\s*(?:(\d{1,9})\s*s)?",
    re.ASCII,
)
_AMOUNT = re.compile(r"(\d{1,6}(?:[.,]\d{1,6})?)\s*([a-z]{1,7})[\s,]{0,3}", re.ASCII)
_ISO = re.compile(r"p((?:\d{1,6}[wd])*)(?:t((?:\d{1,6}[hms])+))?", re.ASCII)
_NO_FIXED_LENGTH = re.compile(r"(?:\d{1,3}\s*)?(months?|mo|quarters?|years?|y)", re.ASCII)
_DELAY = re.compile(r"(\d{1,6}(?:\.\d{1,6})?)\s*(ms|s)", re.ASCII)
_LONGEST = timedelta(days=3650)
_PER_DAY = re.compile(r"(\d{1,6})\s*/\s*(?:day|d)", re.ASCII)
_WHOLE = re.compile(r"\d{1,9}", re.ASCII)


SHARE_SHAPE = either(pattern(_PERCENT, spaced=True), ZERO)
LASTING_SHAPE = pattern(_DURATION, spaced=True, ahead=r"(?=[\s\S]*[0-9])")
DURATION_SHAPE = either(LASTING_SHAPE, ZERO)
PER_DAY_SHAPE = pattern(_PER_DAY, spaced=True, ahead=r"(?=\s*0*[1-9])")
COUNT_SHAPE = {"type": "integer", "minimum": 1}
DELAY_SHAPE = pattern(_DELAY, spaced=True)


def parse_share(value: Any) -> Decimal:
    """Read a share as an exact fraction: ``"99.95%"`` is 0.9995.

    A bare number is refused, since 0.5 could be a half or half a percent; 0 needs no unit. A ``Decimal`` is
    a share already.

    Raises:
        MistakeError: it is no share; the suggestion is what to write.
    """
    if isinstance(value, Decimal) and value.is_finite():
        return value
    if isinstance(value, str) and (match := _PERCENT.fullmatch(value.strip())):
        return Decimal(match[1]).scaleb(-2)
    if isinstance(value, int | float) and not isinstance(value, bool):
        if value == 0:
            return Decimal(0)
        if math.isfinite(value):
            value = f"{Decimal(str(value)):f}"
    raise MistakeError(f"{_shown(value)} is not a percentage", _share_meant(value))


def _share_meant(value: Any) -> str:
    """What the author of a wrong share most likely meant to write."""
    text = value.strip() if isinstance(value, str) else ""
    if not _NUMBER.fullmatch(text):
        return "write a percentage, such as 99.95%"
    number = Decimal(text.rstrip("% ").replace(",", "."))
    if number == 1 and "%" not in text:
        return "write 1% or 100%, whichever you mean"
    if 0 < number < 1 and "%" not in text:
        number *= 100
    return f"write {_plain(number)}%"


def parse_duration(value: Any) -> timedelta:
    """Read a duration in whole seconds: weeks, days, hours, minutes and seconds, in that order (``1d12h``).

    A bare number is refused; 0 needs no unit. A ``timedelta`` is a duration already.

    Raises:
        MistakeError: it is no duration, or longer than ten years; the suggestion is what to write.
    """
    if isinstance(value, timedelta):
        duration = value
    elif isinstance(value, str) and value.strip() and (match := _DURATION.fullmatch(value.strip())):
        amounts = [int(amount or 0) for amount in match.groups()]
        seconds = zip(amounts, (604_800, 86_400, 3_600, 60, 1), strict=True)
        duration = timedelta(seconds=sum(amount * unit for amount, unit in seconds))
    elif value == 0 and isinstance(value, int | float) and not isinstance(value, bool):
        return timedelta(0)
    else:
        raise MistakeError(f"{_shown(value)} is not a duration", _duration_meant(value))
    if abs(duration) > _LONGEST:
        raise MistakeError(
            f"{_shown(value)} is longer than ten years", "write a shorter duration, such as 28d"
        )
    if duration.microseconds:
        raise MistakeError(f"{_shown(value)} is not in whole seconds", "round it to seconds")
    return duration


def _duration_meant(value: Any) -> str:
    """What the author of a wrong duration most likely meant to write."""
    text = value.strip() if isinstance(value, str) else ""
    if _NO_FIXED_LENGTH.fullmatch(text.lower()) or re.fullmatch(r"\d{1,3}M", text):
        return "months and years differ in length: write days, such as 30d"
    if (meant := _spelled_out(text.lstrip("+-").lower())) is not None:
        return f"write {write_duration(meant)}"
    if re.fullmatch(r"\d{1,6}", str(value), re.ASCII):
        return f"add a unit: {value}d for days, {value}h for hours, {value}m for minutes"
    return "write numbers with the units w, d, h, m and s, such as 28d, 72h or 1d12h"


def _spelled_out(text: str) -> timedelta | None:
    """A duration in words, with fractions, in ISO 8601 or in another order; None if it is nothing of these."""
    if iso := _ISO.fullmatch(text):
        text = f"{iso[1]}{iso[2] or ''}"
    total, position = Decimal(0), 0
    while match := _AMOUNT.match(text, position):
        seconds = _SECONDS.get(_UNIT_NAMES.get(match[2], match[2]))
        if seconds is None:
            return None
        total, position = total + Decimal(match[1].replace(",", ".")) * seconds, match.end()
    whole = position == len(text) and total and total % 1 == 0 and total <= int(_LONGEST.total_seconds())
    return timedelta(seconds=int(total)) if whole else None


def parse_per_day(value: Any) -> int:
    """Read how many a day: ``2/day`` is 2. A bare number is refused.

    Raises:
        MistakeError: it is none, or it is 0, which would be a freeze.
    """
    if isinstance(value, str) and (match := _PER_DAY.fullmatch(value.strip())) and int(match[1]):
        return int(match[1])
    number = str(value) if _WHOLE.fullmatch(str(value)) and int(value) else "2"
    raise MistakeError(f"{_shown(value)} is not a number a day", f"write {number}/day")


def write_per_day(number: int) -> str:
    """The pace as a policy file says it; ``parse_per_day`` reads back the same value."""
    return f"{number}/day"


def parse_lines(value: Any) -> int:
    """Read a number of lines, at least 1.

    Raises:
        MistakeError: it is none, or it is 0, which would be a freeze.
    """
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    raise MistakeError(f"{_shown(value)} is not a number of lines", "write a whole number, such as 400")


def parse_count(value: Any) -> int:
    """Read a whole number, at least 1.

    Raises:
        MistakeError: it is none.
    """
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    raise MistakeError(f"{_shown(value)} is no whole number above 0", "write one, such as 3")


def parse_yes(value: Any) -> bool:
    """Read ``true`` or ``false``; ``yes`` and ``on`` are words in YAML 1.2.

    Raises:
        MistakeError: it is neither.
    """
    if isinstance(value, bool):
        return value
    meant = {"yes": "true", "on": "true", "no": "false", "off": "false"}.get(str(value).lower())
    raise MistakeError(f"{_shown(value)} is neither true nor false", f"write {meant or 'true or false'}")


def off_or(value: Any) -> Any:
    """What ``off`` means where a value can be left out on purpose: nothing. All else stays as it is."""
    return None if value == "off" else value


def parse_delay(value: Any) -> Decimal:
    """Read how long one event may take, in seconds: ``300ms``, ``0.3s`` or ``2s``. A ``Decimal`` is one already.

    Raises:
        MistakeError: it is none, or not above 0; the suggestion is what to write.
    """
    if isinstance(value, Decimal) and value.is_finite() and value > 0:
        return value
    match = _DELAY.fullmatch(value.strip()) if isinstance(value, str) else None
    delay = Decimal(match[1]) * (Decimal("0.001") if match[2] == "ms" else 1) if match else Decimal(0)
    if not delay:
        raise MistakeError(f"{_shown(value)} is no delay", "write it in ms or s, such as 300ms or 1.5s")
    return delay


def write_delay(delay: Decimal) -> str:
    """The delay as a policy file says it; ``parse_delay`` reads back the same value."""
    return f"{_plain(delay)}s" if delay >= 1 else f"{_plain(delay * 1000)}ms"


def write_share(share: Decimal) -> str:
    """The share as a policy file says it; ``parse_share`` reads back the same value."""
    return f"{_plain(share.scaleb(2))}%"


def write_duration(duration: timedelta) -> str:
    """The duration as a policy file says it; ``parse_duration`` reads back the same value.

    Raises:
        MistakeError: it is negative, which no file can say.
    """
    if duration < timedelta(0):
        raise MistakeError(f"{duration} is negative")
    left, parts = int(duration.total_seconds()), []
    for unit in ("d", "h", "m", "s"):
        amount, left = divmod(left, _SECONDS[unit])
        if amount:
            parts.append(f"{amount}{unit}")
    return "".join(parts) or "0s"


def format_share(share: Decimal | float) -> str:
    """The share for a reader: ``99.95 %``. Rounded to two decimals, or to more near 0 % and 100 %.

    What is off 100 % (or 0 %) by a millionth of a percent or more never reads as if it were not. For display
    only: compare the share itself.
    """
    exact = Decimal(share)
    distance = min(abs(exact), abs(1 - exact)) * 100
    places = max(2, 1 - distance.adjusted()) if distance else 2
    return f"{_plain(round(exact * 100, min(places, 6)))} %"


def format_duration(duration: timedelta) -> str:
    """The duration for a reader, in its two largest units: ``28 d``, ``3 d 4 h``, ``1 min 30 s``."""
    total = abs(duration.total_seconds())
    quantum = next((small for large, small in ((86_400, 3_600), (3_600, 60)) if total >= large), 1)
    left, parts = round(total / quantum) * quantum, []
    for unit in ("d", "h", "min", "s"):
        amount, left = divmod(left, _SECONDS[unit])
        if amount:
            parts.append(f"{amount} {unit}")
    sign = "-" if duration < timedelta(0) and parts else ""
    return sign + (" ".join(parts[:2]) or "0 s")


def _plain(number: Decimal) -> str:
    """A decimal without exponent, trailing zeros or a negative zero."""
    text = f"{number:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in {"-0", ""} else text


def _shown(value: Any) -> str:
    """A wrong value as its author wrote it, cut short."""
    text = value if isinstance(value, str) else str(value)
    return f'"{text[:40]}…"' if len(text) > 40 else f'"{text}"'  # noqa: PLR2004 - one line of a message
