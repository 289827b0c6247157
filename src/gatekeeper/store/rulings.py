"""Rulings on what is asked for on a pull request, as the record of overrides keeps them."""

from collections.abc import Mapping
from datetime import datetime

from gatekeeper.decide.evaluate import Decision, OverrideRuling
from gatekeeper.decide.exemptions import LabelRuling
from gatekeeper.decide.explain import worst_measured
from gatekeeper.decide.snapshot import REVOKE, ServiceView, Snapshot
from gatekeeper.store.overrides import OverrideRecord, Overrides, Stake


def put_on_record(overrides: Overrides, snapshot: Snapshot, decision: Decision) -> None:
    """Record what came of override requests, which overrides were withdrawn, and which labels exempt nothing."""
    asked_at = {(one.label, one.actor): one.labeled_at for one in snapshot.requests}
    asked_at |= {(REVOKE, one.actor): one.at for one in snapshot.revocations}
    until = _first_ends(decision)
    overrides.add_new(
        _record(snapshot, ruling, asked_at[ruling.label, ruling.actor], until.get(ruling.label, ruling.until))
        for ruling in (*decision.granted, *decision.refused, *decision.waiting)
    )
    overrides.add_new(_unentitled(snapshot, ruling) for ruling in decision.unentitled)
    pull = snapshot.pull
    overrides.withdraw(pull.repository, pull.number, set(pull.labels), snapshot.now)


def stake_of(view: ServiceView) -> Stake:
    """How a service stands."""
    worst = worst_measured(view)
    return Stake(view.service.key, str(view.memory.state), worst[1].remaining if worst else None)


def _unentitled(snapshot: Snapshot, ruling: LabelRuling) -> OverrideRecord:
    labeled_at = {one.label: one.labeled_at for one in snapshot.exempting}[ruling.label]
    refused = OverrideRuling(ruling.label, ruling.actor, granted=False, until=labeled_at, why=ruling.why)
    return _record(snapshot, refused, labeled_at, labeled_at)


def _first_ends(decision: Decision) -> Mapping[str, datetime]:
    """By label, when the first of the gates that its override holds open shuts again: each gate has its own time."""
    ends: dict[str, datetime] = {}
    for override in (ruling.override for ruling in decision.rulings):
        if override is not None:
            ends[override.label] = min(override.until, ends.get(override.label, override.until))
    return ends


def _record(
    snapshot: Snapshot, ruling: OverrideRuling, labeled_at: datetime, until: datetime
) -> OverrideRecord:
    return OverrideRecord(
        repository=snapshot.pull.repository,
        number=snapshot.pull.number,
        label=ruling.label,
        actor=ruling.actor,
        granted=ruling.granted,
        why=ruling.why,
        reason=ruling.reason,
        head_sha=snapshot.pull.head_sha,
        labeled_at=labeled_at,
        until=until,
        recorded_at=snapshot.now,
        stakes=tuple(stake_of(view) for view in snapshot.services),
    )
