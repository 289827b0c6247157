"""The doctor's look at Prometheus, and at how far the ledgers have been filled from it."""

import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import requests

from gatekeeper.bootstrap import Gatekeeper
from gatekeeper.decide import windows
from gatekeeper.decide.phrases import instant, pair, percent
from gatekeeper.diagnose.findings import Findings
from gatekeeper.policy.model import Service
from gatekeeper.policy.objective import Indicator
from gatekeeper.policy.units import format_duration
from gatekeeper.settings import Settings

TIMEOUT = 10.0
_HOUR, _DAY = 3_600_000, 86_400_000  # milliseconds

_RETENTION = re.compile(r"(\d+)([smhdwy])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "y": 31_536_000}


def diagnose_prometheus(gatekeeper: Gatekeeper, findings: Findings) -> None:
    """Whether it answers, which version it is, and how long it keeps its data."""
    settings = gatekeeper.settings
    if settings.prometheus_url is None:
        return  # the settings' finding says so
    try:
        version = _asked(settings, "status/buildinfo").get("version", "of an unknown version")
    except (requests.RequestException, ValueError) as error:
        answered = getattr(error, "response", None)
        why = (
            f"answered {answered.status_code}"
            if answered is not None
            else f"gave no answer ({type(error).__name__})"
        )
        findings.fail(
            "prometheus",
            f"{_place(settings.prometheus_url)} {why}",
            "check GATEKEEPER_PROMETHEUS_URL, its token or headers, and the network",
        )
        return
    findings.ok("prometheus", f"{version} at {_place(settings.prometheus_url)}")
    _retention(gatekeeper, findings)


def retention(text: str) -> timedelta | None:
    """How long data are kept, of Prometheus's own words (``15d``, ``1w3d or 10GiB``); None when only size counts."""
    length = sum(
        int(amount) * _SECONDS[unit] for amount, unit in _RETENTION.findall(text.split(" or ", maxsplit=1)[0])
    )
    return timedelta(seconds=length) if length else None


def _retention(gatekeeper: Gatekeeper, findings: Findings) -> None:
    try:
        text = str(_asked(gatekeeper.settings, "status/runtimeinfo").get("storageRetention", ""))
    except (requests.RequestException, ValueError):
        return  # what only speaks Prometheus's query API does not have this page
    kept, services = retention(text), [entry.service for entry in gatekeeper.stores.catalog.entries()]
    longest = max(
        (one.window.longest for service in services for one in service.objectives), default=timedelta(days=28)
    )
    if kept is not None and kept < longest:
        findings.warn(
            "retention",
            f"Prometheus keeps {format_duration(kept)}, and a window reaches {format_duration(longest)} back: numbers "
            "are of a partial window until the ledger, which keeps what it has read, has grown to that",
            f"start Prometheus with --storage.tsdb.retention.time={longest.days + 1}d",
        )
    else:
        findings.ok("retention", f"Prometheus keeps {text or 'data for an unknown time'}")


def _place(url: str) -> str:
    """The address without the password that it may carry."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _asked(settings: Settings, page: str) -> dict[str, Any]:
    answer = requests.get(
        f"{settings.prometheus_url}/api/v1/{page}",
        headers=settings.prometheus_header_map,
        verify=str(settings.prometheus_ca) if settings.prometheus_ca else True,
        timeout=TIMEOUT,
    )
    answer.raise_for_status()
    told = answer.json()
    data = told.get("data") if isinstance(told, dict) else None
    return data if isinstance(data, dict) else {}


def diagnose_ledgers(gatekeeper: Gatekeeper, findings: Findings) -> None:
    """For each objective, how far its ledger has been filled."""
    for entry in gatekeeper.stores.catalog.entries():
        _ledgers(gatekeeper, entry.service, findings)


def _ledgers(gatekeeper: Gatekeeper, service: Service, findings: Findings) -> None:
    for objective in service.objectives:
        subject = f"{service.key}, {objective.name}"
        status = gatekeeper.stores.ledger.status(objective.indicator.id)
        if status.error is not None:
            findings.fail(subject, status.error, "the source has to answer before this is measured again")
        elif status.problem is not None:
            findings.fail(subject, status.problem, "mend the indicator in the policy")
        elif status.history_start is None or status.filled_until is None:
            findings.warn(subject, "nothing was measured yet", "run `gatekeeper serve` or `worker`")
        elif status.progress is not None:
            findings.warn(subject, f"{percent(status.progress)} of the history was read", "wait a little")
        elif status.short_of(objective.window.at(status.filled_until).start):
            findings.warn(
                subject,
                f"the source has nothing older than {instant(status.history_start)}, "
                f"{format_duration(status.filled_until - status.history_start)} back, and the window is "
                f"{windows.length(objective.window)}: numbers are of a partial window until the ledger has grown",
                "keep data in the source for longer than the window; a metric that is so young needs nothing",
            )
        elif samples := _outgrown(gatekeeper, objective.indicator):
            findings.warn(
                subject,
                f"it has grown to about {samples:,} samples a day, and GATEKEEPER_PROMETHEUS_RAW_SAMPLES allows "
                f"{gatekeeper.settings.prometheus_raw_samples:,}: its ledger began sample by sample, and goes on so",
                "narrow the query, raise the limit, or edit the query: then its new ledger is filled the other way",
            )
        else:
            about = (
                f"; approximate, counted a minute at a time: {status.too_large}" if status.too_large else ""
            )
            findings.ok(subject, f"measured from {pair(status.history_start, status.filled_until)}{about}")


def _outgrown(gatekeeper: Gatekeeper, indicator: Indicator) -> int | None:
    """Samples a day of a ledger of counters that are read one by one and are more than the limit; otherwise None."""
    ledger, most = gatekeeper.stores.ledger, gatekeeper.settings.prometheus_raw_samples
    state = ledger.state(indicator.id)
    if not most or indicator.prometheus.counters is None or state is None:
        return None
    if state.newest is None or not state.scrape:
        return None
    series = ledger.series([indicator.id], state.newest - _HOUR)[indicator.id]
    samples = series * _DAY // state.scrape
    return samples if samples > most else None
