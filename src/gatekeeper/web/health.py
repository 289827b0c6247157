"""``/healthz``: this process answers. ``/readyz``: it can do its work, or why not."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint

from gatekeeper.bootstrap import Gatekeeper
from gatekeeper.diagnose.examine import missing
from gatekeeper.errors import TemporaryError

PATIENCE = timedelta(minutes=2)
"""Due work that nobody has taken for so long, while nothing else runs, is waiting for a worker that is not there."""


def create_health(
    gatekeeper: Gatekeeper, real_time: Callable[[], datetime], worker_alive: Callable[[], bool] | None
) -> Blueprint:
    """The probes' routes."""
    blueprint = Blueprint("health", __name__)

    @blueprint.get("/healthz")
    def healthz() -> dict[str, str]:
        return {"status": "alive"}

    @blueprint.get("/readyz")
    def readyz() -> tuple[dict[str, Any], int]:
        reasons = [f"{names} not set: {consequence}" for names, consequence in missing(gatekeeper.settings)]
        if worker_alive is not None and not worker_alive():
            reasons.append("the worker of this process has stopped")
        try:
            warnings = list(_warnings(gatekeeper, real_time()))
        except TemporaryError as error:
            warnings = []
            reasons.append(str(error))
        answer = {"status": "unready" if reasons else "ready", "reasons": reasons, "warnings": warnings}
        return answer, 503 if reasons else 200

    return blueprint


def _warnings(gatekeeper: Gatekeeper, now: datetime) -> Iterator[str]:
    """What an operator should know, though this server can do its part."""
    work = gatekeeper.stores.work
    if work.is_due(now - PATIENCE) and not work.counts(now).running:
        yield f"due work has not been taken for {PATIENCE.total_seconds():.0f} s: is any worker running?"
    if parked := len(work.parked()):
        yield f"{parked} pieces of work are parked"
    for key, standing in sorted(gatekeeper.stores.gates.standings().items()):
        for gap in standing.view.memory.gaps:
            yield f"{key}, {gap.objective}: {gap.doubt}"
