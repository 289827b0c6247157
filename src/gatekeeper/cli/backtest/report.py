"""A backtest in words and figures: for the terminal, the page and scripts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from gatekeeper.decide import phrases
from gatekeeper.decide.backtest.held import Held
from gatekeeper.decide.backtest.history import Past
from gatekeeper.decide.backtest.result import Backtest, Move
from gatekeeper.decide.backtest.waiting import Outcome, Recorded, Waiting
from gatekeeper.decide.verdict import Reason, Rule, State
from gatekeeper.policy.gate import Mode, Pace
from gatekeeper.policy.model import Service
from gatekeeper.policy.units import format_duration

DAY = timedelta(days=1)
MOVES = ("when", "from", "to", "because")
WAITS = ("pull request", "title", "in a freeze", "what became of it")
HELD = ("pull request", "title", "merged", "why not then")
FEW = 2
_WHOLE = {timedelta(0): "0 days", DAY: "1 day"}
_LASTING = {Rule.THAW_QUIET: "quiet", Rule.FREEZE_AT_MOST: "frozen", Rule.PROBATION_FOR: "on probation"}
"""What has lasted, for the rules whose figures are lengths of time."""


@dataclass(frozen=True)
class Trial:
    """One policy over the past, and what it would have made wait."""

    service: Service
    pasts: tuple[Past, ...]
    result: Backtest
    waiting: tuple[Waiting, ...]
    held: tuple[Held, ...] = ()
    unproven: tuple[Recorded, ...] = ()

    @property
    def blocked(self) -> int:
        """Merges that were made in what would have been a freeze."""
        return sum(one.outcome is Outcome.BLOCKED for one in self.waiting)

    @property
    def delayed(self) -> int:
        """Pull requests that met a freeze and were not merged in it, without those that were given up."""
        return sum(one.outcome in {Outcome.LATER, Outcome.OPEN} for one in self.waiting)


@dataclass(frozen=True)
class Report:
    """A policy, beside the one in force where there is one."""

    tested: Trial
    beside: Trial | None
    recorded: int

    @property
    def columns(self) -> Sequence[tuple[str, Trial]]:
        """What is compared, under its name."""
        return [("this policy", self.tested), *([("in force", self.beside)] if self.beside else [])]


def says(report: Report) -> str:
    """The result in a sentence."""
    result = report.tested.result
    length, frozen, unknown = result.end - result.start, result.time_in(State.FROZEN), result.time_unknown
    if unknown == length:
        return f"Nothing is known: evidence was missing for all of the last {_days(length)}."
    text = (
        f"Would have frozen {_days(frozen)} of the last {_days(length)}"
        if frozen
        else f"Would not have frozen in the last {_days(length)}"
    )
    if unknown:
        text += f", with evidence missing for {_days(unknown)}"
    if report.beside is not None:
        text += f"; the policy in force: {_days(report.beside.result.time_in(State.FROZEN))}"
    return ". ".join([text, *_caught(report.tested)]) + "."


def _caught(tested: Trial) -> Iterator[str]:
    if tested.blocked:
        yield f"{_merges(tested.blocked)} would have been blocked by a freeze"
    if tested.unproven:
        yield f"{_merges(len(tested.unproven))} would have been blocked for want of evidence"
    if tested.held:
        yield f"{_merges(len(tested.held))} would have been held back by the pace"


def _merges(number: int) -> str:
    return f"{number} merge{'s' if number > 1 else ''}"


def rows(report: Report) -> Iterator[list[str]]:
    """A table: what, then a figure for each column."""
    tested = [one for _, one in report.columns]
    for state in State:
        yield [f"time {state}", *(_share(one.result, state) for one in tested)]
    yield ["evidence missing", *(_of(one.result.time_unknown, one.result) for one in tested)]
    yield ["freezes", *(str(_freezes(one.result)) for one in tested)]
    yield ["transitions", *(str(len(one.result.moves)) for one in tested)]
    yield ["of them into or out of a freeze", *(str(one.result.flips) for one in tested)]
    yield ["merges blocked by a freeze", *(str(one.blocked) for one in tested)]
    yield ["merges blocked for want of evidence", *(_blocked_unproven(one) for one in tested)]
    yield ["merges held back by the pace", *(_held_back(one) for one in tested)]
    yield ["red in a freeze, merged later or still open", *(str(one.delayed) for one in tested)]


def _blocked_unproven(tested: Trial) -> str:
    blocks = tested.service.gate.unknown.then == "block"
    return str(len(tested.unproven)) if blocks else "only warned of"


def _held_back(tested: Trial) -> str:
    pace = tested.service.gate.caution.pace
    return "no pace set" if pace == Pace() else str(len(tested.held))


def moves(result: Backtest) -> Iterator[list[str]]:
    """A table of the transitions: when, from, to, because."""
    for one in result.moves:
        yield [phrases.instant(one.at), one.before, one.after, "; ".join(_because(one))]


def waits(report: Report) -> Iterator[list[str]]:
    """A table of the pull requests: which, title, how long in a freeze, what really became of it."""
    for one in report.tested.waiting:
        length = sum((end - start for start, end in one.frozen), timedelta(0))
        yield [one.subject, one.title, _days(length), one.outcome]


def held(report: Report) -> Iterator[list[str]]:
    """A table of the merges that the pace holds back: which, title, when it was merged, why not then."""
    for one in report.tested.held:
        yield [one.subject, one.title, phrases.instant(one.at), one.why]


def notes(report: Report) -> Iterator[str]:
    """What the result leaves out."""
    yield "The gate begins open, as that of a new service: a freeze from before the first day is not known."
    yield "Data that came late are there from the start: at the time, the gate saw them later."
    if (mode := report.tested.service.gate.mode) is not Mode.ENFORCE:
        yield f"The policy's mode is {mode}, which blocks nothing: what is counted is what enforce would have blocked."
    for past in report.tested.pasts:
        yield from _gaps(past, report.tested.result)
    if report.beside is None:
        yield "No policy of this service is in force in the database: there is nothing to compare with."
    if report.recorded:
        are = (
            "pull request of this service is" if report.recorded == 1 else "pull requests of this service are"
        )
        yield (
            f"{report.recorded} {are} on record in this time, each from when Gatekeeper first decided on it, with "
            "the labels that it had last. Overrides are not foreseen."
        )
        yield from _uncounted(report.tested)
    else:
        yield "No pull request of this service is on record in this time: what would have been blocked is not known."


def _uncounted(tested: Trial) -> Iterator[str]:
    abandoned = sum(one.outcome is Outcome.ABANDONED for one in tested.waiting)
    if abandoned:
        were = "was" if abandoned == 1 else "were"
        yield (
            f"{abandoned} of those that met a freeze {were} closed without a merge: nothing was blocked there."
        )
    if tested.service.gate.caution.pace != Pace():
        yield (
            "The pace goes by the merges on record. What it or a freeze holds back would have landed later, nobody "
            "knows when: that holds back no other. A change whose lines nobody counted is not too large."
        )


def _gaps(past: Past, result: Backtest) -> Iterator[str]:
    name = past.objective.name
    if past.problem:
        yield f"{name} cannot be measured: {past.problem}"
    if past.history_start is None and not past.slices.flags.any():
        yield f"{name}: nothing was ever measured."
    elif past.history_start is not None and past.history_start > past.objective.window.at(result.start).start:
        yield (
            f"{name}: the source has no data before {phrases.instant(past.history_start)}; "
            f"windows that reach further back are partial."
        )


def _because(move: Move) -> Iterator[str]:
    return (f"{one.objective}: {_reason(one)}" for one in move.reasons)


def _reason(one: Reason) -> str:
    if one.window_s:
        span, limit = phrases.seconds(one.window_s), phrases.pace(one.limit)
        return f"burn {phrases.pace(one.found, one.limit)} over {span}, limit {limit}"
    if one.rule in _LASTING:
        return f"{_LASTING[one.rule]} for {phrases.seconds(one.found)}"
    found = (
        f"{phrases.overspent(one.found)} overspent" if one.found < 0 else f"{phrases.percent(one.found)} left"
    )
    return f"{found} ({one.rule} {phrases.percent(one.limit)})"


def _freezes(result: Backtest) -> int:
    return sum(one.after is State.FROZEN for one in result.moves)


def _share(result: Backtest, state: State) -> str:
    return _of(result.time_in(state), result)


def _of(length: timedelta, result: Backtest) -> str:
    return f"{_days(length)} ({phrases.percent(length / (result.end - result.start))})"


def _days(length: timedelta) -> str:
    """In days, to a tenth; below two of them a tenth is too coarse."""
    if length in _WHOLE:
        return _WHOLE[length]
    days = length / DAY
    if days < FEW:
        return format_duration(length)
    return f"{days:.0f} days" if days == round(days) else f"{days:.1f} days"
