"""``/status``: is the gate on? What ``gatekeeper doctor`` finds, as a page."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from flask import Blueprint, render_template

from gatekeeper.bootstrap import Gatekeeper
from gatekeeper.diagnose.examine import diagnose_settings, examine
from gatekeeper.diagnose.findings import Finding, Findings, Level

GOOD_FOR = timedelta(minutes=5)
"""Looking costs requests to GitHub, and anybody may load the page."""
WORDS = {Level.FAIL: ("block", "Broken"), Level.WARN: ("warn", "Mind"), Level.OK: ("allow", "Fine")}
"""The icon and the word of each level, the worst first."""


class Look:
    """What was found at the last look; a new one is taken when that is too old, by one request at a time."""

    def __init__(self, gatekeeper: Gatekeeper, clock: Callable[[], datetime]) -> None:
        self._gatekeeper = gatekeeper
        self._clock = clock
        self._found: tuple[datetime, tuple[Finding, ...]] | None = None
        self._looking = threading.Lock()

    def taken(self) -> tuple[datetime, tuple[Finding, ...]]:
        """When, and what, the worst first."""
        with self._looking:
            now = self._clock()
            if self._found is None or self._found[0] + GOOD_FOR <= now:
                self._found = now, self._look()
            return self._found

    def _look(self) -> tuple[Finding, ...]:
        findings = Findings()
        diagnose_settings(self._gatekeeper.settings, findings)
        examine(self._gatekeeper, findings)
        order = list(WORDS)
        return tuple(sorted(findings, key=lambda one: order.index(one.level)))


def create_status(gatekeeper: Gatekeeper, real_time: Callable[[], datetime]) -> Blueprint:
    """The page's route."""
    blueprint, look = Blueprint("status", __name__), Look(gatekeeper, real_time)

    @blueprint.get("/status")
    def status() -> str:
        at, found = look.taken()
        counts = {level: sum(one.level is level for one in found) for level in WORDS}
        return render_template("status.html", at=at, found=found, words=WORDS, counts=counts)

    return blueprint
