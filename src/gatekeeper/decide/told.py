"""When a figure has moved far enough to be worth telling again."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from gatekeeper.availability.measure import Measured
from gatekeeper.decide.snapshot import ObjectiveEvidence
from gatekeeper.decide.verdict import State, Told

LEAST_SHARE = 0.1
LEAST_DELAY = timedelta(days=1)


def follow(
    told: Told, state: State, objectives: Sequence[ObjectiveEvidence], latest: datetime | None = None
) -> Told:
    """The figures as they are to be told from now on: a new one only where the last is off by a step or more.

    A figure is compared with the one that was told, not put into fixed steps: at the edge of a fixed step, a number
    that trembles would be written again with every pass. ``latest`` is as for ``expected_end``.
    """
    remaining = min(
        (one.evidence.remaining for one in objectives if isinstance(one.evidence, Measured)), default=None
    )
    if told.remaining is not None and remaining is not None and abs(remaining - told.remaining) < LEAST_SHARE:
        remaining = told.remaining
    end = expected_end(state, objectives, latest)
    if told.end is not None and end is not None and abs(end - told.end) < LEAST_DELAY:
        end = told.end
    return Told(remaining, end)


def expected_end(
    state: State, objectives: Sequence[ObjectiveEvidence], latest: datetime | None = None
) -> datetime | None:
    """When the last objective will have met the thaw rule; None when not frozen, or one cannot be foreseen.

    Args:
        state: of the gate.
        objectives: each with its forecast.
        latest: when the freeze ends whatever the thaw rule says, if it does.
    """
    if state is not State.FROZEN:
        return None
    ends = [one.thaw.at if one.thaw is not None else None for one in objectives]
    foreseen = [end for end in ends if end is not None]
    by_rule = [max(foreseen)] if foreseen and len(foreseen) == len(ends) else []
    return min([*by_rule, *([latest] if latest is not None else [])], default=None)
