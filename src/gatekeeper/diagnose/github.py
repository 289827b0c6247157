"""The doctor's look at GitHub: the App, what it was granted, the clock, its check and its rule."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

import requests

from gatekeeper.bootstrap import Gatekeeper, now
from gatekeeper.diagnose.environments import diagnose_environments
from gatekeeper.diagnose.findings import Findings
from gatekeeper.diagnose.required import diagnose_required
from gatekeeper.diagnose.webhook import diagnose_webhook
from gatekeeper.github.client import GitHub
from gatekeeper.github.needs import EVENTS, HELPFUL_EVENTS, NEEDED, WANTED

SKEW = timedelta(seconds=30)
"""A JSON Web Token is back-dated by 60 s; half of that is left for everything else."""
TIMEOUT = 10.0

_LEVELS = ("none", "read", "write", "admin")
_SETTINGS_PAGE = "change it on the App's settings page; every owner of an installation then accepts"


def diagnose_github(gatekeeper: Gatekeeper, findings: Findings) -> None:
    """Everything about GitHub."""
    github = gatekeeper.github
    if github is None:
        return  # the settings' finding says so
    _clock(gatekeeper.settings.github_api_url, findings)
    if github.mode == "token":
        with findings.failing("github", "check GATEKEEPER_GITHUB_TOKEN and GATEKEEPER_GITHUB_API_URL"):
            findings.warn(
                "github",
                f"reached as {github.login()} with a token: commit statuses instead of checks, no buttons",
                "register a GitHub App for the rest",
            )
    else:
        with findings.failing("github", "check the App's id, its private key, and that the App is installed"):
            _app(github, findings)
            _installations(github, findings)
            diagnose_webhook(gatekeeper.settings, github, findings)
    diagnose_required(gatekeeper, github, findings)
    diagnose_environments(gatekeeper, github, findings)


def _clock(api_url: str, findings: Findings) -> None:
    try:
        answer = requests.get(api_url, timeout=TIMEOUT)
        there = parsedate_to_datetime(answer.headers["Date"])
    except (requests.RequestException, KeyError, ValueError) as error:
        findings.fail(
            "clock",
            f"{api_url} told no time: {type(error).__name__}",
            "check GATEKEEPER_GITHUB_API_URL, proxy and network",
        )
        return
    skew(there, now(), findings)


def skew(there: datetime, here: datetime, findings: Findings) -> None:
    """Judge how far two clocks are apart."""
    apart = abs(there - here)
    if apart > SKEW:
        findings.fail(
            "clock",
            f"this machine's clock is {apart.total_seconds():.0f} s off GitHub's",
            "synchronise it (NTP): tokens are refused otherwise, and windows end at the wrong instant",
        )
    else:
        findings.ok("clock", "in step with GitHub's")


def _app(github: GitHub, findings: Findings) -> None:
    told = github.app()
    name = f"App {told.get('slug') or told.get('name')}"
    findings.ok("github", f"reached as {name}")
    permissions(f"{name} asks for", told.get("permissions") or {}, findings)
    events(name, frozenset(told.get("events") or ()), findings)


def events(name: str, subscribed: AbstractSet[str], findings: Findings) -> None:
    """Compare the events that an App is subscribed to with those that are handled."""
    advice = "subscribe on the App's settings page"
    if absent := sorted(EVENTS - subscribed):
        findings.fail("events", f"{name} is not subscribed to {', '.join(absent)}", advice)
    if late := sorted(HELPFUL_EVENTS - subscribed):
        findings.warn(
            "events",
            f"{name} is not subscribed to {', '.join(late)}: such news come late, or not at all",
            advice,
        )
    if subscribed >= EVENTS | HELPFUL_EVENTS:
        findings.ok("events", f"{name} is subscribed to all that is handled")


def _installations(github: GitHub, findings: Findings) -> None:
    numbers = sorted(github.installations())
    if not numbers:
        findings.fail("github", "the App is installed nowhere", "install it on your organisation")
    for number in numbers:
        permissions(f"installation {number} granted", github.permissions(number), findings)


def permissions(subject: str, granted: Mapping[str, str], findings: Findings) -> None:
    """Compare what is granted with what is needed."""
    absent = {scope: level for scope, level in NEEDED.items() if not _covers(granted.get(scope), level)}
    later = {scope: level for scope, level in WANTED.items() if not _covers(granted.get(scope), level)}
    if absent:
        findings.fail("permissions", f"{subject} no {_listed(absent)}", _SETTINGS_PAGE)
    if later:
        findings.warn(
            "permissions",
            f"{subject} no {_listed(later)}: deployments and merge queues need that",
            _SETTINGS_PAGE,
        )
    if not absent and not later:
        findings.ok("permissions", f"{subject} all that is needed")


def _covers(granted: str | None, needed: str) -> bool:
    return _LEVELS.index(granted if granted in _LEVELS else "none") >= _LEVELS.index(needed)


def _listed(scopes: Mapping[str, str]) -> str:
    return ", ".join(f"{scope}: {level}" for scope, level in scopes.items())
