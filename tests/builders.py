"""Evidence, policies and snapshots with good defaults: a test says only what it is about.

Without anything said, a service keeps its promise: 99.95 % over 28 days, a million events, all of them good.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from gatekeeper.availability.budget import remaining as budget_remaining
from gatekeeper.availability.burn import SPANS
from gatekeeper.availability.forecast import Forecast, Stretch
from gatekeeper.availability.incidents import Incident, Reliability
from gatekeeper.availability.measure import Measured, Unmeasured
from gatekeeper.availability.window import Rolling
from gatekeeper.decide.snapshot import (
    ExemptLabel,
    ObjectiveEvidence,
    OverrideRequest,
    Pull,
    ServiceView,
    Snapshot,
)
from gatekeeper.decide.verdict import Memory, State
from gatekeeper.policy.gate import Gate, Mode
from gatekeeper.policy.model import Origin, Service
from gatekeeper.policy.objective import Indicator, Objective, PrometheusIndicator

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
SHA = "0123456789abcdef0123456789abcdef01234567"
TEAM = "@acme/sre"
EVENTS = 1_000_000
QUIET = timedelta(hours=72)


def an_objective(name: str = "availability", *, target: str = "0.9995", days: int = 28) -> Objective:
    prometheus = PrometheusIndicator(
        bad='http_requests_total{job="checkout",code=~"5.."}', total='http_requests_total{job="checkout"}'
    )
    return Objective(
        name=name,
        target=Decimal(target),
        window=Rolling(days * DAY),
        indicator=Indicator(prometheus=prometheus),
    )


def a_gate(**rules: Any) -> Gate:
    """An enforcing gate that ``@acme/sre`` may override; ``rules`` as a policy file has them."""
    return Gate.model_validate({"mode": Mode.ENFORCE, "override": {"teams": [TEAM]}} | rules)


def a_service(
    name: str = "checkout",
    *objectives: Objective,
    gate: Gate | None = None,
    description: str = "Takes the customer's money.",
) -> Service:
    return Service.model_validate(
        {
            "organization": "acme",
            "name": name,
            "description": description,
            "objectives": objectives or (an_objective(),),
            "changes": [{"repository": "acme/shop"}],
            "gate": gate or a_gate(),
            "origin": Origin(path=f"policies/{name}.yml", repository="acme/shop", commit=SHA),
        }
    )


def an_incident(
    bad: float = 400.0, *, ago: timedelta = 2 * DAY, lasted: timedelta = 30 * MINUTE, share: float = 0.8
) -> Incident:
    start = NOW - ago
    return Incident(start, start + lasted, bad, 2 * bad, share)


def measured(
    left: float | None = None,
    *,
    bad: float = 0.0,
    total: float = EVENTS,
    allowed: float = 0.0005,
    burn: Mapping[int, float | None] | None = None,
    at: datetime = NOW,
    positive_for: timedelta = QUIET,
    worst: tuple[Incident, ...] = (),
    **values: Any,
) -> Measured:
    """A measured window: ``left`` of the budget, or ``bad`` events. Burn rates not given are 0."""
    if left is not None:
        bad = (1 - left) * allowed * total
    found = left if left is not None else budget_remaining(bad, total, allowed)
    burns = dict.fromkeys(SPANS, 0.0) | dict(burn or {})
    defaults: dict[str, Any] = {
        "window_start": at - 28 * DAY,
        "window_end": at,
        "coverage": 1.0,
        "watermark": at,
        "partial_since": None,
        "interpolated": 0,
        "approximate": False,
        "positive_since": at - positive_for if found > 0 else None,
        "incidents": worst,
        "reliability": Reliability(len(worst), None, None, not worst, mttr_is_lower_bound=False),
    }
    return Measured(
        good=total - bad,
        bad=bad,
        total=total,
        availability=(total - bad) / total,
        remaining=found,
        burn=tuple(sorted(burns.items())),
        worst=worst,
        **(defaults | values),
    )


def unmeasured(reason: Any = "no data", *, at: datetime = NOW) -> Unmeasured:
    return Unmeasured(at - 28 * DAY, at, reason, coverage=0.0, watermark=None)


def evidence(
    left: float | Measured | Unmeasured = 1.0, *, name: str = "availability", **values: Any
) -> ObjectiveEvidence:
    """An objective with this share of its budget left, or with this measurement."""
    found = measured(left) if isinstance(left, int | float) else left
    return ObjectiveEvidence(name, found, **values)


def a_forecast(at: datetime | None = NOW + 26 * DAY, *, bad: float = 400.0) -> Forecast:
    start = NOW - 2 * DAY
    return Forecast(at, "above" if at else None, (Stretch(start, start + 30 * MINUTE, bad),) if at else ())


def a_view(
    state: State = State.OPEN,
    left: float | Measured | Unmeasured = 1.0,
    *,
    service: Service | None = None,
    expected_end: datetime | None = None,
    memory: Mapping[str, Any] | None = None,
    **values: Any,
) -> ServiceView:
    """A service in ``state`` since an hour, its first objective with this share of budget left."""
    service = service or a_service()
    defaults: dict[str, Any] = {
        "objectives": tuple(evidence(left, name=objective.name) for objective in service.objectives)
    }
    kept: dict[str, Any] = {"state": state, "since": NOW - HOUR} | dict(memory or {})
    return ServiceView(service, Memory(**kept), expected_end=expected_end, **(defaults | values))


def a_pull(*labels: str) -> Pull:
    return Pull("acme/shop", 12, "Add a button", "dora", SHA, "main", labels)


def a_request(actor: str = "alice", *, teams: tuple[str, ...] = (TEAM,), **values: Any) -> OverrideRequest:
    """An override label that was put on an hour ago."""
    defaults: dict[str, Any] = {"label": "slo:override", "human": True, "labeled_at": NOW - HOUR}
    return OverrideRequest(actor=actor, teams=teams, **(defaults | values))


def an_exempt_label(
    label: str, actor: str = "alice", *, teams: tuple[str, ...] = (TEAM,), **values: Any
) -> ExemptLabel:
    """A label that was put on an hour ago, by somebody entitled unless something else is said."""
    defaults: dict[str, Any] = {"human": True, "labeled_at": NOW - HOUR}
    return ExemptLabel(label, actor, teams=teams, **(defaults | values))


def a_snapshot(*views: ServiceView, labels: tuple[str, ...] = (), **values: Any) -> Snapshot:
    """What is seen of a pull request: ``labels`` were put on by somebody entitled to exempt it."""
    requests = values.get("requests", ())
    exempting = values.get("exempting", tuple(map(an_exempt_label, labels)))
    worn = dict.fromkeys([*labels, *(one.label for one in (*requests, *exempting))])
    defaults: dict[str, Any] = {
        "now": NOW,
        "pull": a_pull(*worn),
        "services": views,
        "exempting": exempting,
    }
    return Snapshot(**(defaults | values))
