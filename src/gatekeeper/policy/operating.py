"""How a service is operated: where it runs, how redundantly, and how often its numbers are looked at together."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from gatekeeper.policy import rules
from gatekeeper.policy.gate import EnvironmentMode
from gatekeeper.policy.mistake import MissingKeyError, MistakeError
from gatekeeper.policy.values import Count, Day, Duration, Model


def _distinct(environments: Mapping[str, EnvironmentMode]) -> Mapping[str, EnvironmentMode]:
    seen: dict[str, str] = {}
    for name in environments:
        if (other := seen.setdefault(name.casefold(), name)) != name:
            raise MistakeError(
                f'"{other}" and "{name}" are one environment to GitHub', "remove one of them", at=(name,)
            )
    return environments


Environments = Annotated[Mapping[rules.Environment, EnvironmentMode], AfterValidator(_distinct)]


class Redundancy(Model):
    """How many instances of the service are to run, in how many regions, and the query that tells which do.

    Attributes:
        query: one series an instance that runs.
        region: the label of these series that names the region.
    """

    instances: Count = Field(examples=[3])
    regions: Count = 1
    query: rules.UpQuery = Field(examples=['up{job="checkout"} == 1'])
    region: rules.LabelName | None = None

    @model_validator(mode="after")
    def _can_be_told(self) -> Self:
        if self.regions > self.instances:
            raise MistakeError(
                f"{self.instances} instances cannot be in {self.regions} regions",
                f"write at most {self.instances}",
                at=("regions",),
            )
        if self.regions > 1 and self.region is None:
            raise MissingKeyError("region", "zone")
        return self


class Review(Model):
    """The iterations after each of which the team looks at the service's numbers.

    Attributes:
        every: how long an iteration is, in whole days.
        start: the first day of the first one.
    """

    every: Annotated[Duration, rules.IterationRule] = timedelta(weeks=2)
    start: Day = Field(alias="from", examples=["2026-11-02"])
