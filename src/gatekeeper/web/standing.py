"""One service as every face shows it: its policy in force, where its gate stands now, and what it blocks. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from gatekeeper.availability.audit import DayAudit
from gatekeeper.availability.filling import LedgerStatus
from gatekeeper.decide.definitions import in_force
from gatekeeper.decide.snapshot import ServiceView
from gatekeeper.decide.standing import as_of, unseen
from gatekeeper.policy.model import Service


@dataclass(frozen=True)
class Standing:
    """A service as of ``now``.

    Attributes:
        view: its gate and evidence, with the gaps that there are by now.
        looked_at: when its last pass was; None before the first.
        blocked: open pull requests that wait for it, as ``owner/name#number``.
        ledgers: by objective, how far its ledger has been filled.
        audits: by objective, its ledger's newest audit, and those of the last weeks that found drift; newest first.
        policy_changed: the evidence is still that of an earlier version of the policy.
    """

    service: Service
    view: ServiceView
    now: datetime
    looked_at: datetime | None
    blocked: tuple[str, ...]
    ledgers: Mapping[str, LedgerStatus]
    audits: Mapping[str, Sequence[DayAudit]]
    policy_changed: bool

    @property
    def expected_end(self) -> datetime | None:
        """When a freeze is expected to end; None when not frozen, or not to be foreseen."""
        return None if self.view.memory.gaps else self.view.expected_end


def standing(
    service: Service,
    problem: str | None,
    last: tuple[ServiceView, datetime] | None,
    *,
    blocked: Sequence[str],
    ledgers: Mapping[str, LedgerStatus],
    audits: Mapping[str, Sequence[DayAudit]],
    now: datetime,
) -> Standing:
    """Put together what is stored of a service.

    Args:
        service: the policy in force.
        problem: what is wrong with a newer version of it.
        last: what its last pass left, and when; None before the first.
        blocked: the pull requests that its gate blocks.
        ledgers: by objective, how far its ledger has been filled.
        audits: by objective, what is shown of its ledger's audits.
        now: the instant to show.
    """
    view = unseen(service, now) if last is None else as_of(in_force(last[0], service, now), now)
    return Standing(
        service=service,
        view=replace(view, policy_problem=problem),
        now=now,
        looked_at=None if last is None else last[1],
        blocked=tuple(blocked),
        ledgers=ledgers,
        audits=audits,
        policy_changed=view.service != service,
    )
