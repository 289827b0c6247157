"""The words of a decision: states, verdicts, and the reasons they carry."""

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum


class State(StrEnum):
    """The gate of a service, from free to shut."""

    OPEN = "open"
    CAUTION = "caution"
    PROBATION = "probation"
    FROZEN = "frozen"


class Rule(StrEnum):
    """The policy key that moved a gate."""

    FREEZE_BELOW = "freeze.below"
    FREEZE_BURN = "freeze.burn"
    CAUTION_BELOW = "caution.below"
    CAUTION_BURN = "caution.burn"
    THAW_ABOVE = "thaw.above"
    THAW_QUIET = "thaw.or_quiet_for"
    FREEZE_AT_MOST = "freeze.at_most"
    PROBATION_FOR = "probation.for"
    RECOVERED = "recovered"


@dataclass(frozen=True)
class Reason:
    """One rule that held: what was found for an objective, and what the rule asks.

    ``found`` and ``limit`` are shares of the budget for ``…below``, ``…above`` and ``recovered``, burn rates
    for ``…burn`` (then ``window_s`` is the long window), seconds for ``thaw.or_quiet_for``, ``freeze.at_most`` and
    ``probation.for``.
    """

    rule: Rule
    objective: str
    found: float
    limit: float
    window_s: int = 0


class Doubt(StrEnum):
    """Why the evidence for an objective does not count."""

    NO_DATA = "no data"
    NO_TRAFFIC = "no traffic"
    STALE = "stale"
    THIN = "thin"
    BACKFILLING = "backfilling"
    PROBLEM = "problem"


@dataclass(frozen=True)
class Gap:
    """What is not known about one objective."""

    objective: str
    doubt: Doubt
    detail: str = ""


@dataclass(frozen=True)
class Told:
    """The figures that follow the truth in steps only, so that numbers which tremble do not make a new text.

    Attributes:
        remaining: the least share of budget left, as of the last step; None without a measurement.
        end: the expected end of a freeze, as of the last step.
    """

    remaining: float | None = None
    end: datetime | None = None


@dataclass(frozen=True)
class Spared:
    """An objective that ``freeze.at_most`` let go though its budget would freeze: only a further loss freezes again.

    Attributes:
        remaining: the most that was left of its budget since.
    """

    objective: str
    remaining: float


@dataclass(frozen=True)
class Owed:
    """An incident whose postmortem a freeze waits for.

    Attributes:
        start: the beginning of the incident.
        end: its end; None while it goes on.
        share: the share of the error budget that it spent.
    """

    objective: str
    start: datetime
    end: datetime | None
    share: float


@dataclass(frozen=True)
class Memory:
    """The gate's memory: where it stands, since when and why, and since when it has been guessing.

    Attributes:
        reasons: what moved the gate into ``state``; empty for a gate that never moved.
        unknown_since: start of the present stretch without full evidence, or None.
        gaps: what is not known at the moment.
        told: the figures that decide whether a text is worth writing again.
        spared: the objectives for which a freeze ended by its length, until their budget is above the line again.
        owed: the incidents whose postmortem a freeze waits for; none in other states.
    """

    state: State
    since: datetime
    reasons: tuple[Reason, ...] = ()
    unknown_since: datetime | None = None
    gaps: tuple[Gap, ...] = ()
    told: Told = Told()
    spared: tuple[Spared, ...] = ()
    owed: tuple[Owed, ...] = ()


class Verdict(IntEnum):
    """On one change; the strictest counts."""

    ALLOW = 0
    WARN = 1
    BLOCK = 2


class Why(StrEnum):
    """What decided a verdict."""

    OPEN = "open"
    CAUTION = "caution"
    PROBATION = "probation"
    TOO_LARGE = "more changed lines than the pace allows"
    TOO_MANY = "more changes a day than the pace allows"
    TOO_SOON = "too soon after the deployment before it"
    FROZEN = "frozen"
    EXEMPT_LABEL = "exempt by label"
    EXEMPT_PATHS = "exempt by paths"
    EXEMPT_REVERT = "exempt as a revert"
    OVERRIDDEN = "overridden"
    OPENED = "opened to every change"
    UNKNOWN_HELD = "unknown, last state held"
    UNKNOWN_ADVISE = "unknown, advised"
    UNKNOWN_BLOCK = "unknown, blocked"
    FREE = "the environment is free of the gate"


UNKNOWN = frozenset({Why.UNKNOWN_HELD, Why.UNKNOWN_ADVISE, Why.UNKNOWN_BLOCK})
"""What decides where nobody knows how the service is."""
