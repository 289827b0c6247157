"""``/metrics``: what passes and deliveries came to, and where every service stands, computed when asked."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from importlib.metadata import version
from typing import Any

from flask import Blueprint, Response
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from gatekeeper.availability.audit import slices_of
from gatekeeper.availability.ledger import end_of
from gatekeeper.availability.measure import Measured
from gatekeeper.bootstrap import Gatekeeper
from gatekeeper.decide.verdict import State
from gatekeeper.web.audits import audit_report
from gatekeeper.web.reading import Reading
from gatekeeper.web.standing import Standing
from gatekeeper.web.views import pairs

PASSES = frozenset({"pass.done", "pass.failed", "pass.put_off"})
_BUCKETS = (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300)
_OBJECTIVE = ("organization", "service", "objective")
_SERVICE = ("organization", "service")


class Metrics:
    """Counts what happens in this process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._deliveries = Counter(
            "gatekeeper_deliveries", "Webhook deliveries.", ["outcome"], registry=self.registry
        )
        self._gates = Counter(
            "gatekeeper_gate_answers",
            "Answers to pipelines that asked whether to deploy.",
            ["answer"],
            registry=self.registry,
        )
        self._passes = Counter(
            "gatekeeper_passes", "Passes over a piece of work.", ["kind", "outcome"], registry=self.registry
        )
        self._seconds = Histogram(
            "gatekeeper_pass_seconds",
            "How long passes take.",
            ["kind"],
            buckets=_BUCKETS,
            registry=self.registry,
        )

    def count_delivery(self, outcome: str) -> None:
        """Count a delivery by what became of it."""
        self._deliveries.labels(outcome.replace(" ", "_")).inc()

    def count_gate(self, answer: str) -> None:
        """Count an answer to a pipeline that asked whether to deploy."""
        self._gates.labels(answer).inc()

    def count_pass(self, event: str, fields: Mapping[str, Any]) -> None:
        """Count a pass by the line that it leaves in the log; other lines are none of ours."""
        if event in PASSES:
            kind = str(fields.get("key", "")).partition(":")[0]
            self._passes.labels(kind, fields["outcome"]).inc()
            self._seconds.labels(kind).observe(fields["seconds"])


def create_metrics(
    metrics: Metrics, gatekeeper: Gatekeeper, reading: Reading, real_time: Callable[[], datetime]
) -> Blueprint:
    """The route that Prometheus scrapes."""
    metrics.registry.register(_Stored(gatekeeper, reading, real_time))
    blueprint = Blueprint("metrics", __name__)

    @blueprint.get("/metrics")
    def scrape() -> Response:
        return Response(generate_latest(metrics.registry), content_type=CONTENT_TYPE_PLAIN_0_0_4)

    return blueprint


class _Stored(Collector):
    """What the store says at the time of the scrape."""

    def __init__(self, gatekeeper: Gatekeeper, reading: Reading, real_time: Callable[[], datetime]) -> None:
        self._gatekeeper = gatekeeper
        self._reading = reading
        self._real_time = real_time

    def describe(self) -> Iterator[Metric]:
        """Nothing: registering must not read the database."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """All families."""
        yield _gauge(
            "gatekeeper_build_info", "The version that runs.", ("version",), {(version("gatekeeper-slo"),): 1}
        )
        yield from self._work()
        yield from self._github()
        services = self._reading.services()
        yield from _services(services)
        yield from _objectives(services)
        yield from _audits(services)
        yield _gauge(
            "gatekeeper_policy_problems",
            "Problems in the policy files of a repository.",
            ("repository",),
            {(one.repository,): len(one.problems) for one in self._reading.policy_sources()},
        )

    def _work(self) -> Iterator[Metric]:
        now = self._real_time()
        counts = self._reading.work(now)
        by_state: dict[tuple[str, ...], float] = {
            ("waiting",): counts.waiting,
            ("running",): counts.running,
            ("parked",): counts.parked,
        }
        yield _gauge("gatekeeper_work", "Pieces of work that are not done.", ("state",), by_state)
        yield _gauge(
            "gatekeeper_untold_pulls",
            "Open pull requests that are still to be looked at since a gate or a policy moved.",
            (),
            {(): counts.untold},
        )
        oldest = (now - counts.oldest).total_seconds() if counts.oldest else 0.0
        yield _gauge("gatekeeper_work_oldest_seconds", "How long the oldest waits.", (), {(): oldest})

    def _github(self) -> Iterator[Metric]:
        rates = self._gatekeeper.github.rates() if self._gatekeeper.github else {}
        named = {(str(one or "token"),): rate for one, rate in rates.items()}
        yield _gauge(
            "gatekeeper_github_rate_remaining",
            "Requests left of the hour's quota.",
            ("installation",),
            {key: rate.remaining for key, rate in named.items()},
        )
        yield _gauge(
            "gatekeeper_github_rate_limit",
            "The hour's quota of requests.",
            ("installation",),
            {key: rate.limit for key, rate in named.items()},
        )
        loads = self._gatekeeper.github.loads() if self._gatekeeper.github else {}
        busy = {(str(one or "token"),): load for one, load in loads.items()}
        yield _gauge(
            "gatekeeper_github_window_remaining",
            "What is left of GitHub's limits in the last minute or hour.",
            ("installation", "window"),
            {(*key, window): left for key, load in busy.items() for window, left in load.remaining.items()},
        )
        yield _gauge(
            "gatekeeper_github_waiting",
            "Requests that wait for their turn.",
            ("installation",),
            {key: load.waiting for key, load in busy.items()},
        )
        yield _counter(
            "gatekeeper_github_put_off",
            "Requests that were put off to a later pass, as a limit was reached.",
            ("installation",),
            {key: load.put_off for key, load in busy.items()},
        )


def _services(services: tuple[Standing, ...]) -> Iterator[Metric]:
    yield _gauge(
        "gatekeeper_service_state",
        "1 for the state that the gate is in.",
        (*_SERVICE, "state"),
        {
            (*_named(seen), state.value): int(seen.view.memory.state is state)
            for seen in services
            for state in State
        },
    )
    yield _gauge(
        "gatekeeper_blocked_pulls",
        "Open pull requests that the gate blocks.",
        _SERVICE,
        {_named(seen): len(seen.blocked) for seen in services},
    )


def _objectives(services: tuple[Standing, ...]) -> Iterator[Metric]:
    found = {
        (*_named(seen), objective.name): (one.evidence, seen.now)
        for seen in services
        for objective, one in pairs(seen.view)
    }
    measured = {key: one for key, (one, _) in found.items() if isinstance(one, Measured)}
    yield _gauge(
        "gatekeeper_budget_remaining_ratio",
        "Share of the error budget left; below 0 it is overspent.",
        _OBJECTIVE,
        {key: one.remaining for key, one in measured.items()},
    )
    yield _gauge(
        "gatekeeper_availability_ratio",
        "Good events / events in the window.",
        _OBJECTIVE,
        {key: one.availability for key, one in measured.items() if one.availability is not None},
    )
    yield _gauge(
        "gatekeeper_coverage_ratio",
        "Measured slices / expected slices of the window.",
        _OBJECTIVE,
        {key: one.coverage for key, (one, _) in found.items()},
    )
    yield _gauge(
        "gatekeeper_ledger_lag_seconds",
        "Age of the newest measurement.",
        _OBJECTIVE,
        {key: (now - one.watermark).total_seconds() for key, (one, now) in found.items() if one.watermark},
    )


def _audits(services: tuple[Standing, ...]) -> Iterator[Metric]:
    found = {
        (*_named(seen), objective.name): (seen.audits[objective.name], objective)
        for seen in services
        for objective in seen.service.objectives
        if seen.audits[objective.name]
    }
    newest = {key: (audits[0], objective) for key, (audits, objective) in found.items()}
    reports = {key: audit_report(one, objective.allowed) for key, (one, objective) in newest.items()}
    yield _gauge(
        "gatekeeper_audit_drift_ratio",
        "Ledger less source in the day audited last, as a share of that day's error budget.",
        _OBJECTIVE,
        {key: one.budget_drift for key, one in reports.items() if one.budget_drift is not None},
    )
    yield _gauge(
        "gatekeeper_audit_drifted_days",
        "Days of the last 28 in which ledger and source are further apart than is known to be possible.",
        _OBJECTIVE,
        {key: sum(one.audit.drifted for one in audits) for key, (audits, _) in found.items()},
    )
    yield _gauge(
        "gatekeeper_audit_timestamp_seconds",
        "End of the day audited last.",
        _OBJECTIVE,
        {key: end_of(slices_of(one.day)[1] - 1).timestamp() for key, (one, _) in newest.items()},
    )


def _named(seen: Standing) -> tuple[str, str]:
    return seen.service.organization, seen.service.name


def _counter(
    name: str, text: str, labels: tuple[str, ...], samples: Mapping[tuple[str, ...], float]
) -> CounterMetricFamily:
    family = CounterMetricFamily(name, text, labels=labels)
    for key, value in samples.items():
        family.add_metric(key, value)
    return family


def _gauge(
    name: str, text: str, labels: tuple[str, ...], samples: Mapping[tuple[str, ...], float]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=labels)
    for key, value in samples.items():
        family.add_metric(key, value)
    return family
