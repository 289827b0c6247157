"""What a service promises: objectives over a window, of an indicator, and exceptions from their targets."""

import hashlib
import json
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    Field,
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
from gatekeeper.policy.mistake import MistakeError
from gatekeeper.policy.selector import BareSelector, classify
from gatekeeper.policy.units import LASTING_SHAPE
from gatekeeper.policy.values import Delay, First, Model, Share, Until

_FIRST_KEYS = ("good", "bad", "total")


class Latency(Model):
    """A histogram, and what takes no longer than what is good.

    Attributes:
        buckets: the sort of histogram: a service may expose both, and counting both would count twice.
    """

    histogram: rules.Histogram = Field(examples=['http_request_duration_seconds{job="checkout"}'])
    below: Delay = Field(examples=["300ms"])
    buckets: Literal["classic", "native"] = "classic"

    @model_serializer(mode="wrap")
    def _as_written(self, plain: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # As below: a key that came later is left out where it is not used.
        return {key: value for key, value in plain(self).items() if key != "buckets" or value != "classic"}


class PrometheusIndicator(Model):
    """What is counted: good or bad events and all of them, a histogram's, or minutes by a query that is 1 when up."""

    good: rules.Query | None = Field(
        default=None, examples=['http_requests_total{job="checkout",code!~"5.."}']
    )
    bad: rules.Query | None = None
    total: rules.Query | None = None
    up: rules.UpQuery | None = Field(default=None, examples=['up{job="checkout"}'])
    latency: Latency | None = None

    @property
    def events(self) -> EventQueries | None:
        """The counters that are read, or None where none are."""
        if self.latency is not None:
            return counting.by_histogram(
                self.latency.histogram, self.latency.below, native=self.latency.buckets == "native"
            )
        return counting.by_counters(self.good, self.bad, self.total) if self.total is not None else None

    @property
    def counters(self) -> tuple[BareSelector, BareSelector] | None:
        """All events and a part of them, where both are bare counters; a native histogram holds none by itself."""
        if self.events is None or (self.latency is not None and self.latency.buckets == "native"):
            return None
        match classify(self.events.total), classify(self.events.part):
            case BareSelector() as total, BareSelector() as part:
                return total, part
        return None

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
    Rolling | CalendarWindow,
    Either(rules.rolling_window, CalendarWindow, rules.write_rolling_window, LASTING_SHAPE),
]


class Timeslices(Model):
    """A minute is good if at least this share of its events is."""

    target: Annotated[Share, rules.SliceTargetRule] = Field(examples=["99%"])


class ByTimeslices(Model):
    """The budgeting method that counts minutes."""

    timeslices: Timeslices = Field(examples=["{target: 99%}"])


Method = Annotated[
    Literal["occurrences"] | ByTimeslices,
    Either(rules.occurrences, ByTimeslices, rules.occurrences, rules.OCCURRENCES_SHAPE),
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
    end: Until = Field(alias="until", examples=["2026-12-31"])
    reason: rules.Reason = Field(examples=["peak season, agreed with sales"])
    objective: rules.Name | None = None
    start: First | None = Field(default=None, alias="from")

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
