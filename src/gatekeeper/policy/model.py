"""The policy language as frozen values: what a file under ``policies/`` may say, and its defaults.

Shares are exact decimals (0.9995 for 99.95 %), durations are ``timedelta``; how a person writes them
("99.95%", "28d") is ``units``' business, where a file says something wrong is ``loader``'s.
"""

import hashlib
import json
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

from gatekeeper.policy.units import parse_duration, parse_share, write_duration, write_share

Share = Annotated[Decimal, BeforeValidator(parse_share), PlainSerializer(write_share, when_used="json")]
Duration = Annotated[
    timedelta, BeforeValidator(parse_duration), PlainSerializer(write_duration, when_used="json")
]


class Model(BaseModel):
    """A frozen part of a policy; a key it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Mode(StrEnum):
    """How much a gate does: only record, also say so, or block."""

    OBSERVE = "observe"
    ADVISE = "advise"
    ENFORCE = "enforce"


class PrometheusIndicator(Model):
    """Good or bad events, and all of them: bare counter selectors, or queries that contain ``$window``."""

    good: str | None = None
    bad: str | None = None
    total: str


class Indicator(Model):
    """Where an objective's events are counted. One source today."""

    prometheus: PrometheusIndicator

    @property
    def id(self) -> str:
        """Names the ledger of this indicator: one definition shares slices, an edited one starts anew."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:24]


class Objective(Model):
    """An SLO: a target over a rolling window of an indicator."""

    name: str = "availability"
    target: Share
    window: Duration = timedelta(days=28)
    indicator: Indicator

    @property
    def allowed(self) -> float:
        """The share of events that may be bad: 1 - target, rounded once."""
        return float(1 - self.target)


class Change(Model):
    """Which changes touch the service. Paths are gitignore-style; no branches means the default branch."""

    repository: str | None = None
    paths: tuple[str, ...] = ("**",)
    branches: tuple[str, ...] = ()


class Caution(Model):
    """Below this share of budget left, changes come with a warning."""

    below: Share = Decimal("0.25")


class Freeze(Model):
    """At or below this share, or on a fast burn, changes wait."""

    below: Share = Decimal(0)
    burn: Literal["fast", "off"] = "fast"


class Thaw(Model):
    """What ends a freeze: enough budget, or a positive budget kept quiet for a while."""

    above: Share = Decimal("0.10")
    or_quiet_for: Duration = timedelta(hours=72)


class Exempt(Model):
    """Changes that pass a frozen gate: by label, or when every changed path matches."""

    labels: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()


class Override(Model):
    """Who may let one change through, with which label, for how long. Teams are written ``@org/slug``."""

    label: str = "slo:override"
    teams: tuple[str, ...] = ()
    lasts: Duration = timedelta(hours=24)


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
    exempt: Exempt = Exempt()
    override: Override = Override()
    unknown: Unknown = Unknown()


class Origin(Model):
    """Where a policy was read: a file at a commit of a repository (empty for a local file)."""

    path: str
    repository: str = ""
    commit: str = ""


class Service(Model):
    """One service's promise and its gate: a whole ``kind: Service`` file, defaults filled in."""

    organization: str = ""
    name: str
    description: str = ""
    objectives: tuple[Objective, ...] = Field(min_length=1)
    changes: tuple[Change, ...] = Field(min_length=1)
    gate: Gate = Gate()
    origin: Origin

    @property
    def key(self) -> str:
        """Names the service everywhere: ``organization/name``."""
        return f"{self.organization}/{self.name}"
