"""A Gatekeeper with a realistic store: six services in every state, pull requests, overrides, problems, parked work."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from gatekeeper.act.plan import Actual
from gatekeeper.availability.filling import LedgerState, LedgerUpdate
from gatekeeper.availability.ledger import Flag, Slices, slice_of
from gatekeeper.bootstrap import Gatekeeper, build
from gatekeeper.decide.desired import desire
from gatekeeper.decide.evaluate import decide
from gatekeeper.decide.snapshot import OverrideRequest, Pull, Snapshot
from gatekeeper.events.deployments import DeploymentStatus
from gatekeeper.events.keys import Kind, WorkKey
from gatekeeper.events.triggers import Touch
from gatekeeper.observe.pulls import Observed
from gatekeeper.policy.in_force import InForce
from gatekeeper.policy.loader import PolicyFile, load
from gatekeeper.settings import Settings
from gatekeeper.store.overrides import OverrideRecord
from gatekeeper.worker.service_pass import ServicePass

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from gatekeeper.policy.model import Service
    from gatekeeper.policy.objective import Indicator

NOW = datetime(2026, 11, 22, 20, 3, 20, tzinfo=UTC)
DAYS = 31
SHA = "0f3c9e1ab2d4"
HOSTILE = '<img src=x onerror="document.title=1"> `code` & [a](javascript:alert)'

POLICY = """\
apiVersion: gatekeeper/v1
kind: Service
metadata:
  name: {name}
  description: "{description}"
spec:
  objectives:
{objectives}
  changes:
    - repository: acme/shop
      paths: ["services/{name}/**"]
  gate:
    mode: {mode}
    exempt: {{labels: [reliability, security], paths: ["docs/**"]}}
    override: {{teams: ["@acme/sre"]}}
"""
OBJECTIVE = """\
    - name: {name}
      target: {target}
      indicator:
        prometheus:
          bad: {bad}
          total: {total}
"""
SERVICES = {
    "checkout": ("Takes the customer's money.", "enforce", (("availability", "99.95%"),)),
    "search": ("Finds what people want to buy.", "enforce", (("availability", "99.9%"),)),
    "payments": (
        "Talks to the banks.",
        "enforce",
        (("availability", "99.95%"), ("fast-enough", "99%")),
    ),
    "newsletter": ("", "observe", (("delivered", "99%"),)),
    "recommendations": ("What others bought.", "advise", (("availability", "99%"),)),
    "legacy": ("Nobody knows exactly.", "enforce", (("availability", "99.9%"),)),
}


def policy(name: str) -> PolicyFile:
    description, mode, objectives = SERVICES[name]
    job = f'job="{name}"'
    texts = []
    for objective, target in objectives:
        bad, total = f'http_requests_total{{{job},code=~"5.."}}', f"http_requests_total{{{job}}}"
        if objective == "fast-enough":
            bad = total = ""
            bad = f"sum(increase(slow_total{{{job}}}[$window]))"
            total = f"sum(increase(all_total{{{job}}}[$window]))"
        texts.append(OBJECTIVE.format(name=objective, target=target, bad=f"'{bad}'", total=f"'{total}'"))
    text = POLICY.format(name=name, description=description, mode=mode, objectives="".join(texts).rstrip())
    return PolicyFile(f"policies/{name}.yaml", text)


def slices(
    outages: Sequence[tuple[timedelta, timedelta, float]] = (),
    *,
    base: float = 0.00005,
    since: timedelta = timedelta(days=DAYS),
    stale: timedelta = timedelta(minutes=2),
    flags: int = Flag.MEASURED,
    seed: int = 1,
) -> Slices:
    """A service's last weeks: traffic by day and night, everyday errors, and outages (ago, length, share bad)."""
    random = np.random.default_rng(seed)
    stop, first = slice_of(NOW - stale), slice_of(NOW - since)
    times = np.arange(first, stop)
    wave = 1 + 0.6 * np.sin(times / 1440 * 2 * np.pi - 2)
    total = random.poisson(600 * wave).astype(np.float64)
    share = np.full(len(times), base)
    for ago, length, ratio in outages:
        begin = slice_of(NOW - ago) - first
        share[begin : begin + int(length.total_seconds() // 60)] = ratio
    bad = random.binomial(total.astype(np.int64), share).astype(np.float64)
    return Slices(first, total, bad, np.full(len(times), flags, dtype=np.uint8))


MINUTES, HOURS, A_DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
HISTORIES: dict[tuple[str, str], Callable[[], Slices]] = {
    ("checkout", "availability"): lambda: slices(
        [
            (19 * A_DAY, 12 * MINUTES, 0.3),
            (3 * A_DAY + 5 * HOURS, 41 * MINUTES, 0.42),
            (11 * HOURS, 7 * MINUTES, 0.2),
        ]
    ),
    ("search", "availability"): lambda: slices([(9 * A_DAY, 55 * MINUTES, 0.6)], base=0.0001, seed=2),
    ("payments", "availability"): lambda: slices([(6 * A_DAY, 9 * MINUTES, 0.2)], seed=3),
    ("payments", "fast-enough"): lambda: slices(base=0.002, flags=Flag.MEASURED | Flag.APPROXIMATE, seed=4),
    ("newsletter", "delivered"): lambda: slices(base=0.001, since=9 * A_DAY, seed=5),
    ("legacy", "availability"): lambda: slices(base=0.0002, stale=5 * HOURS, seed=6),
}


class _Filled:
    """The stored ledgers, with nobody to refresh them."""

    def __init__(self, gatekeeper: Gatekeeper) -> None:
        self.read = gatekeeper.stores.ledger.read
        self.status = gatekeeper.stores.ledger.status

    def refresh(self, indicator: Indicator, needed_since: datetime, now: datetime) -> None:
        """Nothing is new."""


def gatekeeper_at(folder: Path, **settings: str) -> Gatekeeper:
    """An empty one; ``settings`` as in the environment."""
    given = {"database_url": f"sqlite:///{folder}/gatekeeper.db", **settings}
    return build(Settings.model_validate(given), clock=lambda: NOW)


def put_policies(gatekeeper: Gatekeeper, *names: str, organization: str = "acme") -> tuple[Service, ...]:
    files = [
        PolicyFile(one.path, one.text.replace("acme/", f"{organization}/")) for one in map(policy, names)
    ]
    problem = 'policies/search.yaml:8:15: "99.95" is not a percentage; write 99.95%'
    problems = {"search": problem} if "search" in names else {}
    return put_in_force(gatekeeper, *files, organization=organization, problems=problems)


def put_in_force(
    gatekeeper: Gatekeeper,
    *files: PolicyFile,
    organization: str = "acme",
    problems: Mapping[str, str] = MappingProxyType({}),
) -> tuple[Service, ...]:
    """Put the services of these files in force; ``problems`` says by name what is wrong with a newer version."""
    repository = f"{organization}/shop"
    loaded = load(files, organization=organization, repository=repository, commit=SHA)
    assert loaded.ok, loaded.problems
    services = tuple((one, problems.get(one.name)) for one in loaded.services)
    in_force = InForce(repository, SHA, services, tuple(problems.values()))
    gatekeeper.stores.catalog.put_in_force(in_force, (), NOW)
    return loaded.services


def measure(gatekeeper: Gatekeeper, *services: Service) -> None:
    """Fill the ledgers with the histories above and run each service's pass."""
    for service in services:
        for objective in service.objectives:
            history = HISTORIES.get((service.name, objective.name))
            if history is None:
                _reading(gatekeeper, objective.indicator.id)
                continue
            found = history()
            state = LedgerState(
                since=found.first,
                filled_until=found.stop,
                history_start=(found.first - 1) * 60_000,
                newest=(found.stop - 1) * 60_000,
                progress=None,
            )
            gatekeeper.stores.ledger.commit(objective.indicator.id, LedgerUpdate(state, found))
    one_pass = ServicePass(_Filled(gatekeeper), gatekeeper.stores.service_record)
    for service in services:
        for at in (NOW - 4 * A_DAY, NOW - 2 * A_DAY, NOW):
            one_pass(WorkKey(Kind.SERVICE, service.key), (), at)


def _reading(gatekeeper: Gatekeeper, ledger: str) -> None:
    first = slice_of(NOW - 28 * A_DAY)
    state = LedgerState(since=first, filled_until=first + 100, history_start=first * 60_000, progress=0.42)
    gatekeeper.stores.ledger.commit(ledger, LedgerUpdate(state))


def open_pull(gatekeeper: Gatekeeper, number: int, title: str, *names: str, override: bool = False) -> str:
    """Decide on a pull request that touches these services; the decision's id."""
    pull = Pull(
        "acme/shop", number, title, "dev1", f"{number:040x}", "main", ("slo:override",) if override else ()
    )
    views = [
        replace(standing.view, files=(f"services/{name}/app.py",))
        for name in names
        if (standing := gatekeeper.stores.gates.standing(f"acme/{name}"))
    ]
    request = OverrideRequest(
        "slo:override",
        "ops1",
        human=True,
        labeled_at=NOW - HOURS,
        teams=("@acme/sre",),
        reason="the fix for the outage",
    )
    snapshot = Snapshot(NOW, pull, tuple(views), (request,) if override else ())
    decision = decide(snapshot)
    essence = desire(snapshot, decision).check.essence
    known = gatekeeper.stores.pulls.known(pull.repository, number)
    seen = Observed(snapshot, Actual(None, None, frozenset()), (), "", "")
    return gatekeeper.stores.record.decided(seen, decision, essence, asked=False, known=known)


class Deploying(NamedTuple):
    """One deployment of acme/shop: when it began, its commit, where it went, what was asked for."""

    ago: timedelta
    sha: str
    environment: str = "production"
    ref: str = "main"


DEPLOYMENTS = (
    Deploying(24 * A_DAY, "a1" * 20),
    Deploying(19 * A_DAY + 10 * MINUTES, "b2" * 20),
    Deploying(8 * A_DAY, "c3" * 20, ref=HOSTILE),
    Deploying(4 * A_DAY, "d4" * 20, environment="staging"),
    Deploying(3 * A_DAY + 5 * HOURS + 3 * MINUTES, "d4" * 20),
    Deploying(3 * A_DAY + 4 * HOURS + 20 * MINUTES, "c3" * 20),
    Deploying(11 * HOURS + 25 * MINUTES, "e5" * 20),
    Deploying(11 * HOURS + 2 * MINUTES, "f6" * 20),
)
"""The third incident follows two at once; the second one's deployment was rolled back."""


def deploy(gatekeeper: Gatekeeper, *deployments: Deploying) -> None:
    """Report them as events do; the ids count from 1."""
    for number, one in enumerate(deployments, 1):
        began = NOW - one.ago
        report = DeploymentStatus(
            id=str(number),
            environment=one.environment,
            production=one.environment == "production",
            task="deploy",
            ref=one.ref,
            sha=one.sha,
            state="in_progress",
            at=began,
            url=f"https://github.com/acme/shop/actions/runs/{number}",
        )
        gatekeeper.stores.deployments.report("acme/shop", report)
        done = replace(report, state="success", at=began + 4 * MINUTES)
        gatekeeper.stores.deployments.report("acme/shop", done)


def override(
    gatekeeper: Gatekeeper, number: int, *, granted: bool, actor: str = "ops1", why: str = ""
) -> None:
    gatekeeper.stores.overrides.add_new(
        [
            OverrideRecord(
                repository="acme/shop",
                number=number,
                label="slo:override",
                actor=actor,
                granted=granted,
                why=why,
                reason="the fix for the outage" if granted else None,
                head_sha=f"{number:040x}",
                labeled_at=NOW - HOURS,
                until=NOW + 23 * HOURS,
                recorded_at=NOW - HOURS,
            )
        ]
    )


def fail(gatekeeper: Gatekeeper, service: Service, error: str) -> None:
    """Its source does not answer."""
    gatekeeper.stores.ledger.fail(service.objectives[0].indicator.id, error, NOW - 5 * HOURS)


def park(gatekeeper: Gatekeeper, key: WorkKey, error: str) -> None:
    """Work that was given up."""
    gatekeeper.stores.work.add([Touch(key)], NOW - 2 * HOURS)
    claim = gatekeeper.stores.work.claim(NOW - HOURS, MINUTES)
    assert claim is not None
    gatekeeper.stores.work.park(claim, NOW - HOURS, error)


def populated(folder: Path, **settings: str) -> Gatekeeper:
    """All of it."""
    wired = {"github_token": "t", "webhook_secret": "s", "prometheus_url": "http://127.0.0.1:9"} | settings
    gatekeeper = gatekeeper_at(folder, **wired)
    services = put_policies(gatekeeper, *SERVICES)
    by_name = {service.name: service for service in services}
    deploy(gatekeeper, *DEPLOYMENTS)
    measure(gatekeeper, *services)
    open_pull(gatekeeper, 12, "Checkout: faster payment", "checkout")
    open_pull(gatekeeper, 14, HOSTILE, "checkout", "search")
    open_pull(gatekeeper, 17, "Fix: retry the bank's time-outs", "checkout", override=True)
    override(gatekeeper, 17, granted=True)
    override(gatekeeper, 12, granted=False, actor="dev1", why="@dev1 is not an active member of @acme/sre")
    fail(gatekeeper, by_name["legacy"], "Prometheus did not answer: connection refused")
    park(
        gatekeeper,
        WorkKey.pull("acme/shop", 9),
        "POST /repos/acme/shop/check-runs: 403 Resource not accessible by integration",
    )
    return gatekeeper
