"""How numbers, instants and names are said: never rounded to a lie, never a stray mention or markup."""

import re
from datetime import datetime, timedelta

MINUTE, HOUR, DAY = 60, 3600, 86400


def percent(share: float, digits: int = 1) -> str:
    """A share as a percentage; a small one is "less than", so that it never reads as nothing."""
    smallest = 10 ** -(digits + 2)
    if share != 0 and abs(share) < smallest / 2:
        return f"less than {percent(smallest, digits)}" if share > 0 else f"just under {0:.{digits}f} %"
    return f"{share * 100:.{digits}f} %".replace("-", "−")


def target(share: float) -> str:
    """A target with the digits it was set with, up to five nines and more: 99.95 %."""
    text = f"{share * 100:.10f}".rstrip("0").rstrip(".")
    return f"{text} %"


def count(number: float) -> str:
    """Events, thousands separated; fractions (of approximate queries) to one digit."""
    return f"{number:,.0f}" if float(number).is_integer() else f"{number:,.1f}"


def instant(at: datetime) -> str:
    """A time as everybody can read it: 2026-11-22 14:05 UTC."""
    return f"{at:%Y-%m-%d %H:%M} UTC"


def duration(length: timedelta | float) -> str:
    """A length of time in its two largest units: 3 d 4 h."""
    seconds = round(length.total_seconds() if isinstance(length, timedelta) else length)
    parts = []
    for unit, size in (("d", DAY), ("h", HOUR), ("min", MINUTE), ("s", 1)):
        amount, seconds = divmod(seconds, size)
        if amount:
            parts.append(f"{amount} {unit}")
    return " ".join(parts[:2]) or "0 s"


def factor(rate: float) -> str:
    """A burn rate: 14.4×."""
    return f"{rate:,.1f}×"


def code(text: str) -> str:
    """Text as inline code: it mentions nobody and marks nothing up, whatever a policy or a path says."""
    text = re.sub(r"\s+", " ", text)
    fence = "`" * (max((len(run) for run in re.findall(r"`+", text)), default=0) + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}".replace("|", "\\|")


def some(items: tuple[str, ...], joint: str, most: int = 5) -> str:
    """A list in words, cut after a few."""
    shown = [code(item) for item in items[:most]]
    rest = len(items) - len(shown)
    return joint.join(shown) + (f" and {rest} more" if rest else "")
