"""Which merges on record the pace of a gate would have held back, by the rules that pace today."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from gatekeeper.decide import pace
from gatekeeper.decide.backtest.result import Backtest
from gatekeeper.decide.backtest.waiting import Recorded
from gatekeeper.decide.verdict import State, Why
from gatekeeper.policy.gate import Gate


@dataclass(frozen=True)
class Held:
    """A merge that was larger than the pace allows, or one too many of a day.

    Attributes:
        at: when it was merged.
        why: ``TOO_LARGE`` or ``TOO_MANY``.
    """

    subject: str
    title: str
    at: datetime
    why: Why


def held_back(pulls: Iterable[Recorded], gate: Gate, backtest: Backtest) -> tuple[Held, ...]:
    """The merges that the pace would have held back, in order of time.

    What a freeze or the pace holds back does not land then, so it does not hold back the next one. When it would have
    landed instead, nobody knows: that is left out.

    Args:
        pulls: those of the day before the backtest too, which count as landed.
        gate: the rules.
        backtest: what they came to.
    """
    merged = sorted((one.until, one.subject, one) for one in pulls if one.merged and one.until is not None)
    landed: list[datetime] = []
    found = []
    for at, _, pull in merged:
        why = None if pull.exempt(gate) else _against(pull, at, landed, gate, backtest)
        if why is None:
            landed.append(at)
        elif why is not Why.FROZEN:
            found.append(Held(pull.subject, pull.title, at, why))
    return tuple(found)


def _against(
    pull: Recorded, at: datetime, landed: Iterable[datetime], gate: Gate, backtest: Backtest
) -> Why | None:
    state = backtest.state_at(at)
    if state is State.FROZEN:
        return Why.FROZEN
    if state not in pace.PACED or backtest.unknown_at(at):
        return None
    if pace.exceeds(pull.changed_lines, gate.caution.pace.changed_lines):
        return Why.TOO_LARGE
    return Why.TOO_MANY if pace.free_from(landed, gate.caution.pace.deployments, at) else None
