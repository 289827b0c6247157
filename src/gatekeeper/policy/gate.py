"""How a service's gate is set: when changes wait, and who may pass."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from gatekeeper.policy import rules
from gatekeeper.policy.mistake import MistakeError, MistakesError
from gatekeeper.policy.units import write_share
from gatekeeper.policy.values import (
    BudgetShare,
    Duration,
    Instant,
    Lines,
    Model,
    OrOff,
    PerDay,
    Positive,
    YesNo,
)


class Mode(StrEnum):
    """How much a gate does: only record, also say so, or block."""

    OBSERVE = "observe"
    ADVISE = "advise"
    ENFORCE = "enforce"


class EnvironmentMode(StrEnum):
    """What the gate does about deployments to an environment: block, only say so, or nothing."""

    ENFORCE = "enforce"
    ADVISE = "advise"
    FREE = "free"


class Pace(Model):
    """How much change a service takes that is in caution or in probation: so many changes a day, so large each."""

    deployments: Annotated[PerDay | None, OrOff] = None
    changed_lines: Annotated[Lines | None, OrOff] = None


class Caution(Model):
    """Below this share of budget left, changes come with a warning, and more slowly where a pace is given."""

    below: BudgetShare = Decimal("0.25")
    pace: Pace = Pace()


class Freeze(Model):
    """At or below this share, or on a fast burn, changes wait: for a postmortem too, and not for ever."""

    below: BudgetShare = Decimal(0)
    burn: Literal["fast", "off"] = "fast"
    incident_over: Annotated[BudgetShare | None, OrOff] = None
    at_most: Annotated[Positive | None, OrOff] = None


class Thaw(Model):
    """What ends a freeze: enough budget, or a positive budget kept quiet for a while."""

    above: BudgetShare = Decimal("0.10")
    or_quiet_for: Positive = timedelta(hours=72)


class Probation(Model):
    """How long changes are let back in one at a time after a freeze; nothing skips it."""

    lasts: Annotated[Duration | None, OrOff] = Field(default=timedelta(hours=24), alias="for")


class Deployments(Model):
    """What becomes of a deployment that waits: it is held until it may go, unless it is rejected after a while."""

    reject_after: Annotated[Duration | None, OrOff] = None


class Postmortem(Model):
    """Where is written down what was learned from an incident, which is named by an instant of it."""

    incident: Instant = Field(examples=["2026-11-20T12:00:00Z"])
    link: rules.Link = Field(examples=["https://wiki.acme.example/postmortems/42"])


class Exempt(Model):
    """Changes that pass a frozen gate: by label, or when every changed path matches; true reverts."""

    labels: tuple[rules.Label, ...] = ()
    paths: rules.PathPatterns = ()
    reverts: YesNo = False


class Override(Model):
    """Who may let one change through, with which label, for how long. Teams are written ``@org/slug``.

    Attributes:
        reason: whether the label works at once and a reason is asked for, or waits until one is given.
        by_author: whether who opened a pull request may let it through themselves.
    """

    label: rules.Label = "slo:override"
    teams: tuple[rules.Team, ...] = ()
    lasts: Positive = timedelta(hours=24)
    reason: Literal["asked", "required"] = "asked"
    by_author: YesNo = True


class Unknown(Model):
    """What happens without evidence: the last verdict for a while, then the stated fail mode."""

    hold: Duration = timedelta(hours=1)
    then: Literal["advise", "block"] = "advise"


class Gate(Model):
    """The gate of one service. A new policy starts by observing."""

    mode: Mode = Mode.OBSERVE
    caution: Caution = Caution()
    freeze: Freeze = Freeze()
    thaw: Thaw = Thaw()
    probation: Probation = Probation()
    deployments: Deployments = Deployments()
    postmortems: tuple[Postmortem, ...] = ()
    exempt: Exempt = Exempt()
    override: Override = Override()
    unknown: Unknown = Unknown()

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if mistakes := tuple(self._contradictions()):
            raise MistakesError(mistakes)
        return self

    def _contradictions(self) -> Iterator[MistakeError]:
        """The values that are right one by one and wrong together."""
        freeze, caution, thaw = self.freeze.below, self.caution.below, self.thaw.above
        frozen = write_share(freeze)
        if caution <= freeze:
            yield MistakeError(
                f"caution below {write_share(caution)} never happens: at {frozen} changes are frozen",
                f"write more than {frozen}",
                at=("caution", "below"),
                against=("freeze", "below"),
            )
        if thaw <= freeze:
            yield MistakeError(
                f"a thaw at {write_share(thaw)} and a freeze at {frozen} would follow each other",
                f"write more than {frozen}",
                at=("thaw", "above"),
                against=("freeze", "below"),
            )
        if thaw == 1:
            yield MistakeError(
                "a thaw at 100 % would wait until the whole budget is back",
                "write less than 100%, such as 10%",
                at=("thaw", "above"),
            )
        if self.override.label.casefold() in {label.casefold() for label in self.exempt.labels}:
            yield MistakeError(
                f'the label "{self.override.label}" would exempt whoever sets it, entitled or not',
                "remove it from exempt.labels",
                at=("exempt", "labels"),
                against=("override", "label"),
            )
