"""The policy language as frozen values: what a file under ``policies/`` may say, and its defaults.

Shares are exact decimals (0.9995 for 99.95 %), durations are ``timedelta``; how a person writes them
("99.95%", "28d") is ``units``' business, where a file says something wrong is ``loader``'s.
"""

import hashlib
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from gatekeeper.availability.incidents import FEWEST_FAILURES, FEWEST_MINUTES
from gatekeeper.availability.ledger import Slices
from gatekeeper.availability.timeslices import judged
from gatekeeper.availability.window import Period, Rolling, Unit, calendar_period, longest_period
from gatekeeper.policy import counting, rules
from gatekeeper.policy.counting import EventQueries
from gatekeeper.policy.either import Either
from gatekeeper.policy.instants import parse_first, parse_minute, parse_until
from gatekeeper.policy.mistake import MistakeError, MistakesError
from gatekeeper.policy.units import (
    off_or,
    parse_delay,
    parse_duration,
    parse_instant,
    parse_lines,
    parse_per_day,
    parse_share,
    write_delay,
    write_duration,
    write_per_day,
    write_share,
)

Share = Annotated[Decimal, BeforeValidator(parse_share), PlainSerializer(write_share, when_used="json")]
Duration = Annotated[
    timedelta, BeforeValidator(parse_duration), PlainSerializer(write_duration, when_used="json")
]
BudgetShare = Annotated[Share, rules.BudgetShareRule]
Positive = Annotated[Duration, rules.PositiveRule]
Instant = Annotated[datetime, BeforeValidator(parse_instant)]
PerDay = Annotated[int, BeforeValidator(parse_per_day), PlainSerializer(write_per_day, when_used="json")]
Lines = Annotated[int, BeforeValidator(parse_lines)]
OrOff = BeforeValidator(off_or)
"""Marks a value that ``off`` leaves out on purpose: then it is None."""
Delay = Annotated[Decimal, BeforeValidator(parse_delay), PlainSerializer(write_delay, when_used="json")]
_FIRST_KEYS = ("good", "bad", "total")


class Model(BaseModel):
    """A frozen part of a policy; a key it does not know is an error. A key that Python cannot name is an alias.

    Attributes:
        later: keys of the language that are not supported yet.
        filled: lists that, where a file has them, may not be empty.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_by_name=True, validate_by_alias=True)

    later: ClassVar[frozenset[str]] = frozenset()
    filled: ClassVar[frozenset[str]] = frozenset()


class Mode(StrEnum):
    """How much a gate does: only record, also say so, or block."""

    OBSERVE = "observe"
    ADVISE = "advise"
    ENFORCE = "enforce"


class Latency(Model):
    """A classic histogram, and what takes no longer than what is good."""

    histogram: rules.Histogram = Field(examples=['http_request_duration_seconds{job="checkout"}'])
    below: Delay = Field(examples=["300ms"])


class PrometheusIndicator(Model):
    """What is counted: good or bad events and all of them, a histogram's, or minutes by a query that is 1 when up."""

    good: rules.Query | None = None
    bad: rules.Query | None = None
    total: rules.Query | None = None
    up: rules.UpQuery | None = None
    latency: Latency | None = None

    @property
    def events(self) -> EventQueries | None:
        """The counters that are read, or None where none are."""
        if self.latency is not None:
            return counting.by_histogram(self.latency.histogram, self.latency.below)
        return counting.by_counters(self.good, self.bad, self.total) if self.total is not None else None

    @property
    def queries(self) -> dict[str, str]:
        """What is asked, by what it is."""
        if self.events is None:
            return {"up": self.up or ""}
        return {"good" if self.events.good else "bad": self.events.part, "total": self.events.total}

    @model_serializer(mode="wrap")
    def _as_written(self, plain: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # Keys that came later are left out where they are not used, so that ledgers keep their names.
        return {key: value for key, value in plain(self).items() if value is not None or key in _FIRST_KEYS}

    @model_validator(mode="after")
    def _one_way_to_count(self) -> Self:
        given = [key for key in ("up", "latency", *_FIRST_KEYS) if getattr(self, key) is not None]
        if not {"up", "latency"} & set(given):
            counting.by_counters(self.good, self.bad, self.total)
        elif len(given) > 1:
            raise MistakeError(
                f"{given[0]} and {given[1]} are both given", "keep one of them", at=(given[1],)
            )
        return self


class Indicator(Model):
    """Where an objective's events are counted. One source today."""

    prometheus: PrometheusIndicator = Field(examples=["{bad: ..., total: ...}"])

    @property
    def id(self) -> str:
        """Names the ledger of this indicator: one definition shares slices, an edited one starts anew."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:24]


class CalendarWindow(Model):
    """A month, quarter or week of a time zone; the budget starts anew with each."""

    calendar: Unit = Field(examples=["month"])
    timezone: rules.Timezone = "UTC"

    @property
    def longest(self) -> timedelta:
        """No period is longer."""
        return longest_period(self.calendar)

    def at(self, instant: datetime) -> Period:
        """The period with start < instant <= end."""
        return calendar_period(self.calendar, self.timezone, instant)


Window = Annotated[
    Rolling | CalendarWindow, Either(rules.rolling_window, CalendarWindow, rules.write_rolling_window)
]


class Timeslices(Model):
    """A minute is good if at least this share of its events is."""

    target: Annotated[Share, rules.SliceTargetRule] = Field(examples=["99%"])


class ByTimeslices(Model):
    """The budgeting method that counts minutes."""

    timeslices: Timeslices = Field(examples=["{target: 99%}"])


Method = Annotated[
    Literal["occurrences"] | ByTimeslices, Either(rules.occurrences, ByTimeslices, rules.occurrences)
]


class TargetException(Model):
    """Another target for a stated time, with the business reason for it.

    Attributes:
        target: counts instead of the objective's, for the whole window.
        end: when the objective's own target is back.
        objective: which one; None in a service with only one.
        start: when it begins; None if it began before anybody asked.
    """

    target: Annotated[Share, rules.TargetRule] = Field(examples=["99.5%"])
    end: Annotated[datetime, BeforeValidator(parse_until)] = Field(alias="until", examples=["2026-12-31"])
    reason: rules.Reason = Field(examples=["peak season, agreed with sales"])
    objective: rules.Name | None = None
    start: Annotated[datetime, BeforeValidator(parse_first)] | None = Field(default=None, alias="from")

    @model_validator(mode="after")
    def _forwards(self) -> Self:
        if self.start is not None and self.end <= self.start:
            raise MistakeError("this ends before it begins", "swap from and until", at=("until",))
        return self


class Objective(Model):
    """An SLO: a target over a window of an indicator."""

    name: rules.Name = "availability"
    target: Annotated[Share, rules.TargetRule] = Field(examples=["99.95%"])
    window: Window = Rolling(timedelta(days=28))
    method: Method = "occurrences"
    indicator: Indicator = Field(examples=["{prometheus: {bad: ..., total: ...}}"])

    @property
    def counts(self) -> Literal["events", "minutes"]:
        """What is good or bad, one by one."""
        by_event = self.method == "occurrences" and self.indicator.prometheus.up is None
        return "events" if by_event else "minutes"

    @property
    def fewest(self) -> int:
        """With fewer bad ones, nothing is an incident or a fire."""
        return FEWEST_FAILURES if self.counts == "events" else FEWEST_MINUTES

    def judged(self, slices: Slices) -> Slices:
        """A stretch of the indicator's ledger as this objective counts it."""
        if isinstance(self.method, ByTimeslices):
            return judged(slices, self.method.timeslices.target)
        return slices

    @property
    def allowed(self) -> float:
        """The share of events that may be bad: 1 - target, rounded once."""
        return float(1 - self.target)

    def aiming_at(self, exception: TargetException | None) -> Self:
        """The same objective with the target that an exception sets; itself without one."""
        return self if exception is None else self.model_copy(update={"target": exception.target})


def _distinct(objectives: tuple[Objective, ...]) -> tuple[Objective, ...]:
    names = [objective.name for objective in objectives]
    for position, name in enumerate(names):
        if name in names[:position]:
            raise MistakeError(
                f'two objectives are named "{name}"', "name each its own way", at=(position, "name")
            )
    return objectives


Objectives = Annotated[tuple[Objective, ...], Field(min_length=1), AfterValidator(_distinct)]


class Change(Model):
    """Which changes touch the service. Paths are gitignore-style; no branches means the default branch.

    Without a repository, the one the policy file is in is meant.
    """

    filled: ClassVar[frozenset[str]] = frozenset({"branches"})

    repository: rules.Repository | None = None
    paths: Annotated[rules.PathPatterns, Field(min_length=1)] = ("**",)
    branches: tuple[rules.Branch, ...] = ()


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


class Postmortem(Model):
    """Where is written down what was learned from an incident, which is named by an instant of it."""

    incident: Instant = Field(examples=["2026-11-20T12:00:00Z"])
    link: rules.Link = Field(examples=["https://wiki.acme.example/postmortems/42"])


class Exempt(Model):
    """Changes that pass a frozen gate: by label, or when every changed path matches."""

    later: ClassVar[frozenset[str]] = frozenset({"reverts"})

    labels: tuple[rules.Label, ...] = ()
    paths: rules.PathPatterns = ()


class Override(Model):
    """Who may let one change through, with which label, for how long. Teams are written ``@org/slug``."""

    later: ClassVar[frozenset[str]] = frozenset({"reason"})

    label: rules.Label = "slo:override"
    teams: tuple[rules.Team, ...] = ()
    lasts: Positive = timedelta(hours=24)


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


class Adjustment(Model):
    """A stretch of time in which the data do not say how the service is: maintenance, a load test.

    Attributes:
        start: where it begins, a whole minute in UTC.
        end: where it ends.
        treatment: ``up`` counts all of its events as good, ``excluded`` leaves them out of the window.
    """

    start: Annotated[datetime, BeforeValidator(parse_minute)] = Field(
        alias="from", examples=["2026-11-08T02:00:00Z"]
    )
    end: Annotated[datetime, BeforeValidator(parse_minute)] = Field(
        alias="to", examples=["2026-11-08T04:00:00Z"]
    )
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
    """One service's promise and its gate: a whole ``kind: Service`` file, defaults filled in."""

    organization: str = ""
    name: rules.Name
    description: str = ""
    objectives: Objectives
    changes: tuple[Change, ...] = Field(min_length=1)
    gate: Gate = Gate()
    adjustments: tuple[Adjustment, ...] = ()
    exceptions: tuple[TargetException, ...] = ()
    origin: Origin

    @property
    def key(self) -> str:
        """Names the service everywhere: ``organization/name``."""
        return f"{self.organization}/{self.name}"
