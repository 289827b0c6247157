"""The gate over the past, minute by minute, as fast as the past allows.

``step`` is the only judge. A stretch of instants in which it says, given bounds of all that is measured, that the gate
stays where it is, is passed over at once; any other is halved, down to the single instant, which is measured and
stepped exactly as in production. Nothing here knows a rule, so none can differ.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import chain, pairwise

from gatekeeper.availability.ledger import STEP, ending_at
from gatekeeper.decide.backtest.history import Past, Seen, Stretch
from gatekeeper.decide.backtest.interval import UndecidedError
from gatekeeper.decide.backtest.result import Backtest, Budget, Move, Unknown
from gatekeeper.decide.gate_state import move, step
from gatekeeper.decide.verdict import Doubt, Memory, State
from gatekeeper.policy.gate import Gate

MINUTE = timedelta(seconds=STEP)
LARGEST = 11
"""Stretches have at most 2**11 instants, a day and a half of minutes."""

POINTS = 480
"""Of a budget's course, for a drawing."""


def simulate(
    pasts: Sequence[Past],
    gate: Gate,
    start: datetime,
    end: datetime,
    *,
    lag: timedelta = timedelta(0),
    progress: Callable[[float], None] = lambda _: None,
) -> Backtest:
    """What a gate would have done with a pass at each whole minute with start <= now < end.

    It begins open, as the gate of a new service does.

    Args:
        pasts: the objectives, each with its ledger.
        gate: the rules.
        start: the first pass, a whole minute, aware UTC.
        end: a whole minute after it.
        lag: how long before a pass its newest slice ends; whole minutes.
        progress: told the share that is done.

    Raises:
        ValueError: an instant does not fit the slices, or the end is not after the start.
    """
    first, stop = ending_at(start - lag), ending_at(end - lag)
    if stop <= first:
        raise ValueError(f"{end.isoformat()} is not after {start.isoformat()}")
    walk, parts = _Walk(gate), []
    for since, until in pairwise(_turns(pasts, start, end)):
        seen = [Seen(past.at(since), gate, ending_at(since - lag), ending_at(until - lag)) for past in pasts]
        parts.append([one.budget(POINTS) for one in seen])
        walk.between(since, until, seen, lambda at: progress((at - start) / (end - start)))
    budgets = tuple(
        Budget(budget.objective, tuple(chain.from_iterable(part[place].points for part in parts)))
        for place, budget in enumerate(parts[0])
    )
    return Backtest(start, end, tuple(walk.moves), tuple(_unknowns(walk.doubts, end)), budgets)


def _turns(pasts: Sequence[Past], start: datetime, end: datetime) -> list[datetime]:
    """The start, the end, and between them each pass at which an exception begins or has ended."""
    dated = (at for past in pasts for one in past.exceptions for at in (one.start, one.end) if at is not None)
    passes = {start + -((start - at) // MINUTE) * MINUTE for at in dated if start < at < end}
    return sorted({start, end} | {one for one in passes if one < end})


class _Walk:
    """The gate as it goes.

    Attributes:
        seen: the evidence for its objectives, from the start of the present part on.
        moves: its transitions.
        doubts: what was not known, from each instant on at which that changed.
    """

    def __init__(self, gate: Gate) -> None:
        self.seen: Sequence[Seen] = ()
        self._gate = gate
        self._gates: dict[int, Gate] = {}
        self._start: datetime
        self._instants = 0
        self._memory: Memory | None = None
        self.moves: list[Move] = []
        self.doubts: list[tuple[datetime, tuple[Doubt, ...]]] = []

    def between(
        self, start: datetime, end: datetime, seen: Sequence[Seen], told: Callable[[datetime], None]
    ) -> None:
        """Go on from ``start`` to before ``end``; ``told`` is told how far it has come."""
        self.seen, self._start, self._instants = seen, start, (end - start) // MINUTE
        level = min(LARGEST, (self._instants - 1).bit_length())
        for index in range(-(-self._instants // (1 << level))):
            self.over(Stretch(level, index))
            told(min(end, self._at((index + 1) << level)))

    def over(self, stretch: Stretch) -> None:
        """Go on to the end of a stretch."""
        if stretch.first >= self._instants or self._stays(stretch):
            return
        if stretch.level == 0:
            self._step(stretch.first)
            return
        for half in (0, 1):
            self.over(Stretch(stretch.level - 1, 2 * stretch.index + half))

    def _stays(self, stretch: Stretch) -> bool:
        """Whether no instant of a stretch changes anything that is kept in memory."""
        memory = self._memory
        if memory is None:
            return False
        before = _fixed(memory, stretch)
        try:
            pairs = [(one.objective, one.over(stretch)) for one in self.seen]
            after = move(before, pairs, self._gate_over(stretch), self._at(stretch.first))
            return _doubts(after) == _doubts(before) and _settled(after) == _settled(before)
        except UndecidedError:
            return False

    def _gate_over(self, stretch: Stretch) -> Gate:
        """The gate, the instants in its rules as seen from a stretch."""
        if stretch.level not in self._gates:
            named = [
                one.model_copy(update={"incident": stretch.fixed(one.incident)})
                for one in self._gate.postmortems
            ]
            self._gates[stretch.level] = self._gate.model_copy(update={"postmortems": tuple(named)})
        return self._gates[stretch.level]

    def _step(self, instant: int) -> None:
        now, before = self._at(instant), self._memory
        pairs = [(one.objective, one.at(instant)) for one in self.seen]
        after = self._memory = step(before, pairs, self._gate, now)
        was = before.state if before else State.OPEN
        if after.state is not was:
            self.moves.append(Move(now, was, after.state, after.reasons))
        doubts = tuple(sorted({gap.doubt for gap in after.gaps}))
        if doubts != (self.doubts[-1][1] if self.doubts else ()):
            self.doubts.append((now, doubts))

    def _at(self, instant: int) -> datetime:
        return self._start + timedelta(seconds=instant * STEP)


def _fixed(memory: Memory, stretch: Stretch) -> Memory:
    """The memory, its instants as seen from a stretch."""
    owed = tuple(
        replace(one, start=stretch.fixed(one.start), end=None if one.end is None else stretch.fixed(one.end))
        for one in memory.owed
    )
    return replace(memory, since=stretch.fixed(memory.since), owed=owed)


def _settled(memory: Memory) -> Memory:
    """The memory without the words of its doubts, and without when they began; and without the shares of what is owed.

    Those go on changing, and no rule asks for more than the side of the limit they are on: who is in the list.
    """
    owed = tuple(replace(one, share=0.0) for one in memory.owed)
    return replace(memory, gaps=(), unknown_since=None, owed=owed)


def _doubts(memory: Memory) -> list[tuple[str, Doubt]]:
    return [(gap.objective, gap.doubt) for gap in memory.gaps]


def _unknowns(doubts: Sequence[tuple[datetime, tuple[Doubt, ...]]], end: datetime) -> Iterator[Unknown]:
    for (since, what), (until, _) in pairwise([*doubts, (end, ())]):
        if what:
            yield Unknown(since, until, what)
