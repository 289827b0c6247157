"""The organisation's floors: what its repositories may tighten, and never loosen.

A small set: what could otherwise leave a gate that is there and does nothing. How a gate behaves in between (pace,
probation, postmortems, what happens without evidence) stays with who owns the service.
"""

from typing import Annotated, Literal

from gatekeeper.policy import rules
from gatekeeper.policy.gate import Mode
from gatekeeper.policy.values import BudgetShare, Model, Positive, Share


class CautionFloor(Model):
    """How late a caution may begin."""

    below: BudgetShare | None = None


class FreezeFloor(Model):
    """How late a freeze may begin, and how soon it may end whatever comes."""

    below: BudgetShare | None = None
    at_most: Positive | None = None


class ThawFloor(Model):
    """How little budget may end a freeze."""

    above: BudgetShare | None = None


class ExemptFloor(Model):
    """What may be exempt at all; an empty list allows nothing."""

    labels: tuple[rules.Label, ...] | None = None
    paths: rules.PathPatterns | None = None


class OverrideFloor(Model):
    """Who may be named to override, for how long at most, and whether a reason is needed."""

    teams: tuple[rules.Team, ...] | None = None
    lasts: Positive | None = None
    reason: Literal["asked", "required"] | None = None


class ExceptionFloor(Model):
    """How long another target may hold."""

    lasts: Positive | None = None


class AdjustmentFloor(Model):
    """How long data may be said not to count."""

    lasts: Positive | None = None


class Floors(Model):
    """Each is the loosest value that a service may have; None leaves it to the service.

    Attributes:
        target: of every objective, and of exceptions from it.
    """

    target: Annotated[Share, rules.TargetRule] | None = None
    mode: Mode | None = None
    caution: CautionFloor = CautionFloor()
    freeze: FreezeFloor = FreezeFloor()
    thaw: ThawFloor = ThawFloor()
    exempt: ExemptFloor = ExemptFloor()
    override: OverrideFloor = OverrideFloor()
    exceptions: ExceptionFloor = ExceptionFloor()
    adjustments: AdjustmentFloor = AdjustmentFloor()
