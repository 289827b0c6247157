"""What a backtest comes to."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from gatekeeper.decide.verdict import Doubt, Reason, State


@dataclass(frozen=True)
class Move:
    """A transition of the gate."""

    at: datetime
    before: State
    after: State
    reasons: tuple[Reason, ...]


@dataclass(frozen=True)
class Span:
    """A stretch of time that the gate spends in one state: ``start <= now < end``."""

    start: datetime
    end: datetime
    state: State

    @property
    def length(self) -> timedelta:
        """How long it is."""
        return self.end - self.start


@dataclass(frozen=True)
class Unknown:
    """A stretch of time in which not all evidence counts, and why."""

    start: datetime
    end: datetime
    doubts: tuple[Doubt, ...]


@dataclass(frozen=True)
class Budget:
    """How much of an objective's budget was left: (instant, the least share since the point before).

    None is not measured, or no events.
    """

    objective: str
    points: tuple[tuple[datetime, float | None], ...]


@dataclass(frozen=True)
class Backtest:
    """A gate over ``start <= now < end``, beginning open.

    Attributes:
        budgets: what it judged by, one for each objective.
        moves: its transitions, in order of time.
        unknown: where it held its state because evidence was missing, in order of time.
    """

    start: datetime
    end: datetime
    moves: tuple[Move, ...]
    unknown: tuple[Unknown, ...]
    budgets: tuple[Budget, ...]

    @property
    def spans(self) -> tuple[Span, ...]:
        """The states one after the other, from the start to the end."""
        return tuple(self._spans())

    @property
    def flips(self) -> int:
        """How often the gate shut or opened: transitions into and out of ``frozen``."""
        return sum((move.before is State.FROZEN) is not (move.after is State.FROZEN) for move in self.moves)

    def time_in(self, state: State) -> timedelta:
        """How long the gate was in a state."""
        return sum((span.length for span in self.spans if span.state is state), timedelta(0))

    def share_of(self, state: State) -> float:
        """The share of time in a state, in [0, 1]."""
        return self.time_in(state) / (self.end - self.start)

    @property
    def time_unknown(self) -> timedelta:
        """How long evidence was missing."""
        return sum((one.end - one.start for one in self.unknown), timedelta(0))

    def state_at(self, now: datetime) -> State | None:
        """The state in force at an instant; None before the start, and from the end on."""
        return next((span.state for span in self.spans if span.start <= now < span.end), None)

    def unknown_at(self, now: datetime) -> bool:
        """Whether evidence was missing at an instant."""
        return any(one.start <= now < one.end for one in self.unknown)

    def unknown_since(self, now: datetime) -> datetime | None:
        """Since when evidence has been missing without a break, for whatever reasons; None where it is there."""
        since = last = None
        for one in self.unknown:
            since, last = since if one.start == last else one.start, one.end
            if one.start <= now < one.end:
                return since
        return None

    def _spans(self) -> Iterator[Span]:
        first = self.moves[0].before if self.moves else State.OPEN
        turns = [(self.start, first), *((move.at, move.after) for move in self.moves), (self.end, first)]
        for (start, state), (end, _) in pairwise(turns):
            if start < end:
                yield Span(start, end, state)
