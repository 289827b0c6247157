"""How windows are said to people: ``28 d``, ``the last 28 d``, ``this month (Europe/Paris)``."""

from datetime import datetime
from zoneinfo import ZoneInfo

from gatekeeper.availability.measure import Measured
from gatekeeper.availability.window import Rolling
from gatekeeper.policy.objective import CalendarWindow
from gatekeeper.policy.units import format_duration

Window = Rolling | CalendarWindow


def length(window: Window) -> str:
    """What a promise is kept over: ``28 d``, ``a month (Europe/Paris)``."""
    if isinstance(window, Rolling):
        return format_duration(window.length)
    return f"a {window.calendar} ({window.timezone})"


def present(window: Window, found: Measured) -> str:
    """What was measured of it: ``the last 28 d``, ``this month (Europe/Paris)``, or since when there are data."""
    seen = format_duration(found.window_end - (found.partial_since or found.window_start))
    if isinstance(window, Rolling):
        return f"the {seen} measured so far" if found.partial_since else f"the last {seen}"
    name = f"this {window.calendar} ({window.timezone})"
    return f"the {seen} of {name} measured so far" if found.partial_since else name


def renewal(window: Window, at: datetime) -> str:
    """When a budget starts anew, as clocks in its time zone show it: ``on 1 December at 00:00 (Europe/Paris)``."""
    zone = window.timezone if isinstance(window, CalendarWindow) else "UTC"
    local = at.astimezone(ZoneInfo(zone))
    return f"on {local.day} {local:%B} at {local:%H:%M} ({zone})"
