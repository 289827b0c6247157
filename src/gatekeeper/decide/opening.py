"""The override of a whole service: who may open its gate to every change, for how long, and who closes it again."""

from dataclasses import dataclass
from datetime import datetime

from gatekeeper.decide.evaluate import OverrideRuling
from gatekeeper.decide.markdown import code, listed
from gatekeeper.decide.phrases import instant
from gatekeeper.decide.snapshot import Opening
from gatekeeper.policy.gate import Mode
from gatekeeper.policy.model import Service

OPEN, CLOSE = "/gatekeeper open", "/gatekeeper close"
"""Stand before the service's key where other overrides have their label."""


@dataclass(frozen=True)
class OpeningRequest:
    """Somebody asks to open a service to every change, or to close it again.

    Attributes:
        name: of the service, as written.
        service: the policy in force; None where there is none of that name.
        teams: of the teams that the policy names, those with the actor as active member (``@org/slug``).
        closes: whether to close it.
    """

    name: str
    service: Service | None
    actor: str
    at: datetime
    teams: tuple[str, ...] = ()
    reason: str | None = None
    closes: bool = False

    @property
    def label(self) -> str:
        """What it is on record under."""
        return f"{CLOSE if self.closes else OPEN} {self.service.key if self.service else self.name}".rstrip()


def rule_on_opening(request: OpeningRequest, opening: Opening | None, now: datetime) -> OverrideRuling:
    """Whether a request is granted; it holds for as long as the policy lets an override last.

    Args:
        request: who asks for what.
        opening: of the service, as it is on record.
        now: the present.
    """
    service = request.service
    until = (
        request.at + service.gate.override.lasts if service is not None and not request.closes else request.at
    )
    why = _objection(request, opening, until, now)
    return OverrideRuling(
        request.label, request.actor, granted=not why, until=until, why=why, reason=request.reason
    )


def _objection(request: OpeningRequest, opening: Opening | None, until: datetime, now: datetime) -> str:
    service, who = request.service, code(f"@{request.actor}")
    if service is None:
        named = (
            f"no service {code(request.name)} is covered by a policy"
            if request.name
            else "it names no service"
        )
        return f"{named}; write {code(f'{OPEN} <service> <reason>')}"
    teams = service.gate.override.teams
    if not teams:
        return "the policy names no team that may override"
    if not request.teams and not (request.closes and opening is not None and opening.actor == request.actor):
        return f"{who} is not an active member of {listed(teams, ' or ')}"
    if request.closes:
        return "" if opening is not None else "it is not open to every change"
    if service.gate.mode is Mode.OBSERVE:
        return "its gate only observes, so nothing waits"
    if not request.reason:
        return f"it opens the gate to every change, so it wants a reason: {code(f'{OPEN} {service.name} <reason>')}"
    return f"what {who} asked for ended at {instant(until)}" if now >= until else ""
