"""From stored values to what the JSON API answers. Pure."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

from gatekeeper.availability.adjustment import Adjusted, failures
from gatekeeper.availability.attribution import Cost, Unpriced
from gatekeeper.availability.audit import DayAudit
from gatekeeper.availability.forecast import Stretch
from gatekeeper.availability.measure import Measured, Unmeasured
from gatekeeper.decide import adoption, explain, outlook
from gatekeeper.decide.adoption import Trial
from gatekeeper.decide.change import Change, described
from gatekeeper.decide.evaluate import Decision, opened
from gatekeeper.decide.priced import Priced
from gatekeeper.decide.snapshot import ObjectiveEvidence, Raw, ServiceView
from gatekeeper.decide.verdict import Reason, Verdict
from gatekeeper.policy.objective import ByTimeslices, Objective, TargetException
from gatekeeper.policy.units import format_share
from gatekeeper.store.decisions import Stored
from gatekeeper.store.gates import Transition
from gatekeeper.store.overrides import OverrideRecord
from gatekeeper.store.snapshots import CHANGE
from gatekeeper.web.audits import audit_report
from gatekeeper.web.models import (
    AdjustmentReport,
    AdoptionReport,
    CostReport,
    DecisionDetail,
    DecisionReport,
    DeploymentReport,
    ExceptionReport,
    ForecastReport,
    IncidentReport,
    ObjectiveForecast,
    ObjectiveReport,
    OpeningReport,
    OverrideReport,
    RawReport,
    ReasonReport,
    RulingReport,
    ServiceDetail,
    ServiceReport,
    SpreadReport,
    StretchReport,
    TransitionReport,
    VerdictName,
)
from gatekeeper.web.standing import Standing

BURN_SPANS = (300, 3600, 21600)
"""Seconds: the spans whose burn rates are told."""

VERDICTS: dict[Verdict, VerdictName] = {Verdict.ALLOW: "allow", Verdict.WARN: "warn", Verdict.BLOCK: "block"}

_CODE = re.compile(r"(`+) ?(.+?) ?\1")


def plain(sentence: str) -> str:
    """A sentence without the marks of inline code: for JSON and terminals."""
    return _CODE.sub(r"\2", sentence)


def service_report(seen: Standing) -> ServiceReport:
    """A service in the list."""
    memory, service = seen.view.memory, seen.service
    return ServiceReport(
        name=service.name,
        organization=service.organization,
        state=memory.state,
        since=memory.since if seen.looked_at is not None else None,
        expected_end=seen.expected_end,
        reasons=[plain(sentence) for sentence in reasons(seen)],
        opening=_opening(seen),
        blocked=list(seen.blocked),
        objectives=objective_reports(seen.view, seen.audits),
    )


def _opening(seen: Standing) -> OpeningReport | None:
    one = seen.view.opening
    if one is None or not opened(seen.view, seen.now):
        return None
    return OpeningReport(actor=one.actor, at=one.at, until=one.until, reason=one.reason)


def service_detail(
    seen: Standing,
    transitions: Iterable[Transition],
    deployments: Iterable[Priced],
    overrides: Iterable[OverrideRecord],
    trial: Trial | None = None,
) -> ServiceDetail:
    """A service with its history."""
    return ServiceDetail(
        **dict(service_report(seen)),
        incidents=list(_incidents(seen.view)),
        transitions=[_transition(one) for one in transitions],
        deployments=[_deployment(one) for one in deployments],
        overrides=[_override(one) for one in overrides],
        forecast=_forecast(seen),
        adoption=None if trial is None else _adoption(seen, trial),
    )


def decision_report(stored: Stored) -> DecisionReport:
    """A decision in the list."""
    change = described(stored.snapshot)
    return DecisionReport(
        id=stored.id,
        at=stored.at,
        subject=stored.subject,
        title=change.title,
        author=change.author,
        head_sha=change.sha,
        verdict=VERDICTS[stored.decision.verdict],
        rulings=rulings(stored.snapshot, stored.decision),
    )


def rulings(snapshot: Change, decision: Decision) -> list[RulingReport]:
    """What each service's gate said to a change, the strictest first."""
    views = {view.service.key: view for view in snapshot.services}
    return [
        RulingReport(
            service=ruling.service,
            verdict=VERDICTS[ruling.verdict],
            effective=VERDICTS[ruling.effective],
            why=ruling.why,
            mode=ruling.mode,
            sentence=plain(explain.headline(views[ruling.service], ruling)),
        )
        for ruling in decision.rulings
    ]


def decision_detail(stored: Stored) -> DecisionDetail:
    """A decision with its whole input."""
    return DecisionDetail(
        **dict(decision_report(stored)),
        snapshot=CHANGE.dump(stored.snapshot),
        decision=json.loads(stored.decision_text),
    )


def pairs(view: ServiceView) -> Sequence[tuple[Objective, ObjectiveEvidence]]:
    """The objectives with their evidence."""
    return view.pairs


def reasons(seen: Standing) -> Iterator[str]:
    """Why the gate stands where it stands, what is not known, and what is wrong with the policy."""
    yield from (explain.because(reason) for reason in seen.view.memory.reasons)
    if seen.view.memory.gaps:
        yield f"availability is not known at the moment: {explain.doubts(seen.view)}"
    if seen.view.policy_problem:
        yield f"a newer version of the policy is not in force: {seen.view.policy_problem}"


def queries(objective: Objective) -> str:
    """What is counted, as the policy has it: the indicator's queries, and how minutes are judged; a line each."""
    lines = [f"{name}: {query}" for name, query in objective.indicator.prometheus.queries.items()]
    if isinstance(objective.method, ByTimeslices):
        lines.append(f"timeslices: {format_share(objective.method.timeslices.target)}")
    return "\n".join(lines)


def objective_reports(
    view: ServiceView, audits: Mapping[str, Sequence[DayAudit]] = MappingProxyType({})
) -> list[ObjectiveReport]:
    """A service's objectives, each with every number of its window.

    Args:
        view: the service.
        audits: by objective, what is told of its ledger's audits; nothing by default.
    """
    return [
        _objective(objective, written, one, audits.get(objective.name, ()))
        for written, (objective, one) in zip(view.service.objectives, pairs(view), strict=True)
    ]


def _objective(
    objective: Objective, written: Objective, one: ObjectiveEvidence, audits: Iterable[DayAudit]
) -> ObjectiveReport:
    evidence = one.evidence
    measured = evidence if isinstance(evidence, Measured) else None
    reliability = measured.reliability if measured else None
    silent = 0.0 if isinstance(evidence, Unmeasured) and evidence.reason == "no traffic" else None
    burn = dict(measured.burn) if measured else {}
    return ObjectiveReport(
        name=objective.name,
        target=float(objective.target),
        window_seconds=objective.window.at(evidence.window_end).seconds,
        window_start=evidence.window_start,
        window_end=evidence.window_end,
        good=measured.good if measured else silent,
        bad=measured.bad if measured else silent,
        total=measured.total if measured else silent,
        availability=measured.availability if measured else None,
        budget_remaining=measured.remaining if measured else None,
        expected_total=measured.total + measured.to_come if measured else silent,
        resets_at=measured.resets_at if measured else None,
        coverage=evidence.coverage,
        interpolated=measured.interpolated if measured else None,
        partial_since=measured.partial_since if measured else None,
        source_short=one.source_short,
        redefined=one.redefined,
        watermark=evidence.watermark,
        burn={str(span): burn.get(span) for span in BURN_SPANS},
        incidents=reliability.incidents if reliability else None,
        mtbf_seconds=reliability.mtbf_s if reliability and not reliability.mtbf_is_lower_bound else None,
        mtbf_at_least_seconds=reliability.mtbf_s if reliability and reliability.mtbf_is_lower_bound else None,
        mttr_seconds=reliability.mttr_s if reliability and not reliability.mttr_is_lower_bound else None,
        mttr_at_least_seconds=reliability.mttr_s if reliability and reliability.mttr_is_lower_bound else None,
        time_up=reliability.time_up if reliability else None,
        approximate=measured.approximate if measured else False,
        query=queries(objective),
        exception=_exception(one.exception) if one.exception else None,
        adjustments=[_adjustment(adjusted) for adjusted in one.adjusted],
        raw=_raw(written, one.raw) if one.raw else None,
        audits=[audit_report(each, objective.allowed) for each in audits],
    )


def _exception(one: TargetException) -> ExceptionReport:
    return ExceptionReport(target=float(one.target), since=one.start, until=one.end, reason=one.reason)


def _adjustment(one: Adjusted) -> AdjustmentReport:
    return AdjustmentReport(
        start=one.start,
        end=one.end,
        reason=one.reason,
        treatment=one.treatment,
        bad=one.bad,
        total=one.total,
    )


def _raw(written: Objective, found: Raw) -> RawReport:
    return RawReport(
        target=float(written.target),
        good=found.good,
        bad=found.bad,
        total=found.total,
        availability=found.availability,
        budget_remaining=found.remaining,
    )


def _incidents(view: ServiceView) -> Iterator[IncidentReport]:
    """An objective's incidents in order of time, those that were adjusted away among them."""
    for objective, one in pairs(view):
        counted = one.evidence.incidents if isinstance(one.evidence, Measured) else ()
        for found in failures(counted, one.adjusted):
            yield IncidentReport(
                objective=objective.name,
                start=found.incident.start,
                end=found.incident.end,
                bad=found.incident.bad,
                budget_share=found.incident.budget_share,
                adjusted_by="; ".join(found.reasons) or None,
                counted_bad=sum(each.bad for each in found.counted),
                counted_budget_share=sum(each.budget_share for each in found.counted),
            )


def _transition(moved: Transition) -> TransitionReport:
    return TransitionReport(
        at=moved.at, before=moved.before, after=moved.after, reasons=[_reason(one) for one in moved.reasons]
    )


def _reason(reason: Reason) -> ReasonReport:
    return ReasonReport(
        rule=reason.rule,
        objective=reason.objective,
        found=reason.found,
        limit=reason.limit,
        window_seconds=reason.window_s or None,
        sentence=plain(explain.because(reason)),
    )


def _deployment(one: Priced) -> DeploymentReport:
    deployed = one.deployed
    return DeploymentReport(
        id=deployed.id,
        repository=deployed.repository,
        environment=deployed.environment,
        ref=deployed.ref,
        sha=deployed.sha,
        start=deployed.start,
        url=deployed.url,
        rollback_of=one.rollback_of,
        rolled_back_by=list(one.rolled_back_by),
        costs=[_cost(objective, cost) for objective, cost in one.costs],
    )


def _cost(objective: str, cost: Cost | Unpriced) -> CostReport:
    if isinstance(cost, Unpriced):
        return CostReport(
            objective=objective,
            until=None,
            bad=None,
            sigma=None,
            budget_share=None,
            certain=None,
            ambiguous_with=[],
        )
    return CostReport(
        objective=objective,
        until=cost.until,
        bad=cost.bad,
        sigma=cost.sigma,
        budget_share=cost.budget_share,
        certain=cost.certain,
        ambiguous_with=list(cost.ambiguous_with),
    )


def _override(record: OverrideRecord) -> OverrideReport:
    return OverrideReport(
        pull_request=f"{record.repository}#{record.number}",
        actor=record.actor,
        granted=record.granted,
        why=record.why,
        reason=record.reason,
        label=record.label,
        labeled_at=record.labeled_at,
        until=record.until,
        recorded_at=record.recorded_at,
    )


def _adoption(seen: Standing, trial: Trial) -> AdoptionReport:
    least = adoption.needed(seen.service)
    return AdoptionReport(
        mode=trial.mode,
        since=trial.since,
        known_since=trial.known_since,
        needed_seconds=None if least is None else int(least.total_seconds()),
        freezes=len(trial.frozen),
        frozen_seconds=trial.time_frozen.total_seconds(),
        held=list(trial.held),
        merged=list(trial.merged),
        advice=adoption.advice(seen.service, trial),
    )


def _forecast(seen: Standing) -> ForecastReport:
    return ForecastReport(
        thaw_at=seen.expected_end,
        objectives=[_objective_forecast(objective, one) for objective, one in pairs(seen.view)],
    )


def _objective_forecast(objective: Objective, one: ObjectiveEvidence) -> ObjectiveForecast:
    measured = one.evidence if isinstance(one.evidence, Measured) else None
    spread = one.thaw.spread if one.thaw else None
    return ObjectiveForecast(
        name=objective.name,
        thaw_at=one.thaw.at if one.thaw else None,
        thaw_by=one.thaw.by if one.thaw else None,
        thaw_spread=SpreadReport(**vars(spread)) if spread else None,
        frees=[_stretch(each, measured) for each in one.thaw.frees] if one.thaw and measured else [],
        exhausted_at=outlook.exhausted_at(objective, measured) if measured else None,
    )


def _stretch(one: Stretch, found: Measured) -> StretchReport:
    first, last = outlook.rolls_off(one, found)
    return StretchReport(start=one.start, end=one.end, bad=one.bad, leaves_from=first, leaves_until=last)
