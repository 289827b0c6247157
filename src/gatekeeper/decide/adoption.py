"""Whether a policy's mode has served its time: how long it stood, what its gate would have held back, and what next.

A policy begins in ``observe``, goes on in ``advise`` and ends in ``enforce``. What is counted here is what really
happened: the gate's transitions and the pull requests on record, not a simulation.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gatekeeper.availability.measure import Measured
from gatekeeper.decide.backtest.held import held_back
from gatekeeper.decide.backtest.result import Backtest, Move
from gatekeeper.decide.backtest.waiting import Outcome, Recorded, waiting
from gatekeeper.decide.pace import PACED
from gatekeeper.decide.snapshot import ServiceView
from gatekeeper.decide.verdict import State
from gatekeeper.policy.gate import Gate, Mode, Pace
from gatekeeper.policy.model import Service
from gatekeeper.policy.units import format_duration

OBSERVED = timedelta(days=60)
"""How long to observe: twice the usual window of 28 d and some days, so that the gate judged by two windows that share
nothing, and by two ends of a month."""

ADVISED = timedelta(days=30)
"""How long to advise: every team has merged and released in a month, and has met the gate if there was one to meet."""

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Trial:
    """What came of a policy's mode while it stood.

    Attributes:
        mode: the mode.
        since: when it began.
        known_since: from when on every objective was measured, at or after ``since``; None while one is not.
        now: as of when.
        frozen: the stretches of time for which the gate was frozen.
        held: the pull requests that a freeze or the pace held back, or would have in another mode, sorted.
        merged: those of them that were merged in a freeze, or against the pace.
    """

    mode: Mode
    since: datetime
    known_since: datetime | None
    now: datetime
    frozen: tuple[tuple[datetime, datetime], ...]
    held: tuple[str, ...]
    merged: tuple[str, ...]

    @property
    def time_frozen(self) -> timedelta:
        """How long the gate was frozen."""
        return sum((end - start for start, end in self.frozen), timedelta(0))


def course(state: State, moves: Sequence[Move], since: datetime, now: datetime) -> Backtest:
    """A gate's recorded transitions as the backtest's rules take them.

    Args:
        state: as of ``since``.
        moves: its transitions with since < at <= now, in order of time.
        since: the beginning.
        now: the end, after ``since``.
    """
    return Backtest(since, now, (Move(since, state, state, ()), *moves), unknown=(), budgets=())


def held_between(gate: Gate, past: Backtest) -> tuple[datetime, datetime] | None:
    """The stretch of time in which anything can have been held back; None where nothing can."""
    holding = {State.FROZEN} | (PACED if gate.caution.pace != Pace() else frozenset())
    spans = [span for span in past.spans if span.state in holding]
    return (spans[0].start, spans[-1].end) if spans else None


def known_since(view: ServiceView, since: datetime) -> datetime | None:
    """From when on, at or after ``since``, every objective was measured; None while one is not."""
    evidence = [one.evidence for one in view.objectives]
    measured = [one for one in evidence if isinstance(one, Measured)]
    if view.memory.gaps or len(measured) < len(evidence):
        return None
    return max([since, *(one.partial_since for one in measured if one.partial_since is not None)])


def tried(service: Service, view: ServiceView, past: Backtest, pulls: Iterable[Recorded]) -> Trial:
    """What came of a mode.

    Args:
        service: the policy in force.
        view: its gate and evidence now.
        past: its gate since the mode began.
        pulls: the pull requests of ``held_between``.
    """
    gate, pulls = service.gate, tuple(pulls)
    met, paced = waiting(pulls, gate, past), held_back(pulls, gate, past)
    in_spite = (one.subject for one in met if one.outcome is Outcome.BLOCKED)
    return Trial(
        mode=gate.mode,
        since=past.start,
        known_since=known_since(view, past.start),
        now=past.end,
        frozen=tuple((one.start, one.end) for one in past.spans if one.state is State.FROZEN),
        held=tuple(sorted({*(one.subject for one in met), *(one.subject for one in paced)})),
        merged=tuple(sorted({*in_spite, *(one.subject for one in paced)})),
    )


def needed(service: Service) -> timedelta | None:
    """How long the mode of a policy has to stand, and be measured, before the next; None where there is none.

    Never shorter than the longest window: before it is over, the budget is judged by what was before the mode.
    """
    least = {Mode.OBSERVE: OBSERVED, Mode.ADVISE: ADVISED}.get(service.gate.mode)
    return None if least is None else max(least, *(one.window.longest for one in service.objectives))


def advice(service: Service, trial: Trial) -> str | None:
    """What to do next with a policy's mode, as plain text; None for one that enforces."""
    least = needed(service)
    if least is None:
        return None
    if trial.known_since is None:
        return f"in {trial.mode} for {_days(trial.now - trial.since)}, and not measured now: nothing to go by yet"
    known = trial.now - trial.known_since
    if known < least:
        return f"not yet: {known // _DAY} of {_days(least)}{_in_mode(trial)}"
    stood = f"in {trial.mode} for {_days(trial.now - trial.since)}"
    if not trial.held:
        return f"{stood} with no freeze that would have hurt: consider enforce"
    return f"{stood}; {_would_have(trial)}: {_then(trial)}"


def _in_mode(trial: Trial) -> str:
    started_later = trial.known_since is not None and trial.known_since > trial.since
    return f" in {trial.mode}{' and measured' if started_later else ''}"


def _would_have(trial: Trial) -> str:
    """What the gate would have done, in one clause."""
    changes = f"{_count(len(trial.held), 'change')} would have waited"
    if not trial.frozen:
        return f"it would never have frozen, and {changes} for the pace"
    times = {1: "once", 2: "twice"}.get(len(trial.frozen), f"{len(trial.frozen)} times")
    return f"it would have frozen {times} ({format_duration(trial.time_frozen)}), {changes}"


def _then(trial: Trial) -> str:
    """What to look at before the next mode."""
    if trial.mode is Mode.OBSERVE:
        return "look at the target before enforcing"
    if not trial.merged:
        return "people waited all the same: consider enforce"
    merged = f"{len(trial.merged)} of them went on"
    return f"{merged}: if that was right, look at the target; if not, consider enforce"


def _days(length: timedelta) -> str:
    return _count(length // _DAY, "day")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
