"""A policy as frozen values: what a file under ``policies/`` may say, and its defaults.

Where a file says something wrong is ``loader``'s business.
"""

from datetime import date
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from gatekeeper.policy import rules
from gatekeeper.policy.gate import EnvironmentMode, Gate
from gatekeeper.policy.mistake import MistakeError
from gatekeeper.policy.objective import Objectives, TargetException
from gatekeeper.policy.operating import Environments, Redundancy, Review
from gatekeeper.policy.values import Minute, Model


class Change(Model):
    """Which changes touch the service. Paths are gitignore-style; no branches means the default branch.

    Without a repository, the one the policy file is in is meant.
    """

    filled: ClassVar[frozenset[str]] = frozenset({"branches"})

    repository: rules.Repository | None = None
    paths: Annotated[rules.PathPatterns, Field(min_length=1)] = ("**",)
    branches: tuple[rules.Branch, ...] = ()


class Adjustment(Model):
    """A stretch of time in which the data do not say how the service is: maintenance, a load test.

    Attributes:
        start: where it begins, a whole minute in UTC.
        end: where it ends.
        treatment: ``up`` counts all of its events as good, ``excluded`` leaves them out of the window.
    """

    start: Minute = Field(alias="from", examples=["2026-11-08T02:00:00Z"])
    end: Minute = Field(alias="to", examples=["2026-11-08T04:00:00Z"])
    reason: rules.Reason = Field(examples=["announced maintenance"])
    treatment: Literal["up", "excluded"] = Field(default="up", alias="as")

    @model_validator(mode="after")
    def _forwards(self) -> Self:
        if self.end <= self.start:
            raise MistakeError("this ends before it begins", "swap from and to", at=("to",))
        return self


class Origin(Model):
    """Where a policy was read: a file at a commit of a repository (empty for a local file)."""

    path: str
    repository: str = ""
    commit: str = ""


class Service(Model):
    """One service's promise and its gate: a whole ``kind: Service`` file, defaults filled in.

    Attributes:
        owners: users and teams, as GitHub mentions them, one of whom has to agree to what loosens the gate.
        reviewed: when people last looked whether it still says what they want.
    """

    organization: str = ""
    name: rules.Name
    description: str = ""
    owners: tuple[rules.Owner, ...] = ()
    reviewed: date | None = None
    objectives: Objectives
    changes: tuple[Change, ...] = Field(min_length=1)
    gate: Gate = Gate()
    adjustments: tuple[Adjustment, ...] = ()
    exceptions: tuple[TargetException, ...] = ()
    environments: Environments = Field(default={})
    redundancy: Redundancy | None = None
    review: Review | None = None
    origin: Origin

    @property
    def key(self) -> str:
        """Names the service everywhere: ``organization/name``."""
        return f"{self.organization}/{self.name}"

    def treats(self, environment: str) -> EnvironmentMode:
        """What its gate does about deployments to an environment: all that it does, where the policy does not name it.

        Names of environments ignore case, as on GitHub.
        """
        named = {name.casefold(): mode for name, mode in self.environments.items()}
        return named.get(environment.casefold(), EnvironmentMode.ENFORCE)
