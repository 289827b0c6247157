"""The audits of a ledger as people and programs are told of them. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gatekeeper.availability.audit import Audited, DayAudit, Unaudited, Why
from gatekeeper.availability.filling import Totals
from gatekeeper.decide import phrases
from gatekeeper.policy.objective import Objective
from gatekeeper.web.models import AuditReport

ADVICE = "The gate goes by the ledger all the same; what to do is in docs/operations.md, When an audit finds drift."

_FINEST = 0.0001
_REASONS = {
    Why.PARTIAL: "its beginning or its end was not measured",
    Why.NO_DATA: "the source has no data of that day",
    Why.UNSUPPORTED: "there is no independent count of a gauge or a native histogram",
    Why.REFUSED: "the source refuses the query",
    Why.TRUED_UP: "its minutes were scaled to the source's count of the day when it was over, and there is no other",
}


@dataclass(frozen=True)
class AuditLine:
    """One audit in words."""

    text: str
    drifted: bool


def lines(audits: Iterable[DayAudit], objective: Objective) -> Iterator[AuditLine]:
    """A sentence or two for each audit of an objective's ledger."""
    for one in audits:
        yield AuditLine(_text(one, objective), one.audit.drifted)


def audit_report(one: DayAudit, allowed: float) -> AuditReport:
    """An audit for the API.

    Args:
        one: the audit.
        allowed: 1 - the objective's target.
    """
    audit = one.audit
    found = audit if isinstance(audit, Audited) else None
    drift = found.availability_drift if found else None
    return AuditReport(
        day=one.day,
        at=one.at,
        drifted=audit.drifted,
        why=audit.why.value if isinstance(audit, Unaudited) else None,
        detail=audit.detail if isinstance(audit, Unaudited) else "",
        ledger_total=found.ledger.total if found else None,
        ledger_bad=found.ledger.bad if found else None,
        source_total=found.source.counted.total if found else None,
        source_bad=found.source.counted.bad if found else None,
        tolerance_total=found.tolerance.total if found else None,
        tolerance_bad=found.tolerance.bad if found else None,
        availability_drift=drift,
        budget_drift=None if drift is None else drift / allowed,
    )


def _text(one: DayAudit, objective: Objective) -> str:
    match one.audit:
        case Audited() as audit if audit.drifted:
            return _drifted(one, audit, objective)
        case Audited() as audit:
            both = (
                f"the ledger has {_counts(audit.ledger)}, {_query(objective)} {_counts(audit.source.counted)}"
            )
            return f"Audited {one.day}: {both}: {_agreement(audit)}."
        case Unaudited(Why.MISSING, detail):
            return f"The ledger has nothing of {one.day}, and {_query(objective)} counts {detail}."
        case Unaudited(why, detail):
            return f"Not audited for {one.day}: {_REASONS[why]}{f': {detail}' if detail else ''}."


def _drifted(one: DayAudit, audit: Audited, objective: Objective) -> str:
    may = audit.tolerance
    text = (
        f"Drift on {one.day}: the ledger has {_counts(audit.ledger)}, {_query(objective)} "
        f"{_counts(audit.source.counted)}; up to {phrases.count(may.total)} and {phrases.count(may.bad)} apart "
        "would be explained."
    )
    drift = audit.availability_drift
    if drift is None:
        return text
    share = phrases.percent(abs(drift) / objective.allowed)
    side = "more" if drift > 0 else "less"
    return f"{text} By the ledger {side} of that day's error budget was left, by {share} of it."


def _query(objective: Objective) -> str:
    """A free query's ledger was scaled to its answer for the day: that is then asked once more."""
    free = objective.indicator.prometheus.counters is None
    return "its query, asked again," if free else "an independent query"


def _counts(found: Totals) -> str:
    return f"{phrases.count(found.total)} events, {phrases.count(found.bad)} of them bad"


def _agreement(audit: Audited) -> str:
    born = audit.source.unseen
    if audit.apart == 0:
        return "the same"
    within = "0.01 %" if audit.apart <= _FINEST else phrases.percent(audit.apart, 2)
    if born.total or born.bad:
        return (
            f"within {within}; up to {phrases.count(born.total)} of them and {phrases.count(born.bad)} bad ones are "
            "first values of new series, which the query may leave out"
        )
    return f"within {within}"
