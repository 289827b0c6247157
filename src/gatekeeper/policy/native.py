"""The shape of our own files: ``kind: Service`` and ``kind: Defaults`` of ``gatekeeper/v1``."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from gatekeeper.policy import rules
from gatekeeper.policy.dated import coherent
from gatekeeper.policy.floors import Floors
from gatekeeper.policy.gate import Gate
from gatekeeper.policy.model import Adjustment, Change
from gatekeeper.policy.objective import Objectives, TargetException, Window
from gatekeeper.policy.operating import Environments, Redundancy, Review
from gatekeeper.policy.values import Day, Model

ApiVersion = Literal["gatekeeper/v1"]
Kind = Literal["Service", "Defaults"]


class Metadata(Model):
    """What the file is about, and who speaks for the customer in it."""

    name: rules.Name = Field(examples=["checkout"])
    description: str = ""
    owners: tuple[rules.Owner, ...] = ()
    reviewed: Day | None = None


class ServiceSpec(Model):
    """The promise, the changes it holds for, and the gate."""

    dormant: ClassVar[frozenset[str]] = frozenset({"redundancy", "review"})

    objectives: Objectives = Field(examples=["[{target: 99.95%, indicator: ...}]"])
    changes: Annotated[tuple[Change, ...], Field(min_length=1)] = Field(
        examples=["[{repository: acme/shop}]"]
    )
    gate: Gate = Gate()
    adjustments: tuple[Adjustment, ...] = ()
    exceptions: tuple[TargetException, ...] = ()
    environments: Environments = Field(default={}, examples=["{production: enforce, staging: free}"])
    redundancy: Redundancy | None = None
    review: Review | None = None

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        coherent(self.objectives, self.adjustments, self.exceptions)
        return self


class ServiceFile(Model):
    """A ``kind: Service`` document."""

    apiVersion: ApiVersion = Field(examples=["gatekeeper/v1"])  # noqa: N815 - the key's name in the file
    kind: Kind = Field(examples=["Service"])
    metadata: Metadata = Field(examples=["{name: checkout}"])
    spec: ServiceSpec = Field(examples=["{objectives: [...], changes: [...]}"])


class DefaultsMetadata(Model):
    """Whose defaults they are: they own every service too that names no owners itself."""

    owners: tuple[rules.Owner, ...] = ()


class DefaultsSpec(Model):
    """What services get that do not say otherwise, and how loose none of them may be."""

    window: Window | None = None
    gate: Gate = Gate()
    floors: Floors = Floors()


class DefaultsFile(Model):
    """A ``kind: Defaults`` document."""

    apiVersion: ApiVersion = Field(examples=["gatekeeper/v1"])  # noqa: N815 - the key's name in the file
    kind: Kind = Field(examples=["Defaults"])
    metadata: DefaultsMetadata = DefaultsMetadata()
    spec: DefaultsSpec = Field(examples=["{gate: {mode: advise}}"])
