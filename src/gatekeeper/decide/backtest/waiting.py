"""Which pull requests a gate would have made wait, of those that are on record."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from gatekeeper.decide.backtest.result import Backtest
from gatekeeper.decide.verdict import State
from gatekeeper.policy.gate import Gate


@dataclass(frozen=True)
class Recorded:
    """A pull request that touches the service, as far as it is on record.

    Attributes:
        subject: ``acme/shop#12``.
        since: when it was first seen.
        until: when it was merged, or was seen to be closed without that; None while it is open.
        merged: whether it was merged.
        changed_lines: those it had last; None where nobody counted them.
        labels: those it had last.
        exempt_paths: whether all that it changes is exempt.
    """

    subject: str
    title: str
    since: datetime
    until: datetime | None
    merged: bool
    changed_lines: int | None
    labels: tuple[str, ...]
    exempt_paths: bool

    def exempt(self, gate: Gate) -> bool:
        """Whether a gate lets it through whatever its state."""
        worn = {label.casefold() for label in self.labels}
        return self.exempt_paths or any(label.casefold() in worn for label in gate.exempt.labels)


class Outcome(StrEnum):
    """What really became of a pull request that would have met a freeze."""

    BLOCKED = "merged in a freeze"
    LATER = "merged while not frozen"
    OPEN = "still open"
    ABANDONED = "closed without a merge"


@dataclass(frozen=True)
class Waiting:
    """A pull request that would have met a freeze.

    Attributes:
        frozen: the stretches of time for which it would have been open and frozen.
        outcome: what really became of it.
    """

    subject: str
    title: str
    frozen: tuple[tuple[datetime, datetime], ...]
    outcome: Outcome


def waiting(pulls: Iterable[Recorded], gate: Gate, backtest: Backtest) -> tuple[Waiting, ...]:
    """Those that would have waited, in the order given. Overrides are not foreseen, exemptions are."""
    return tuple(one for pull in pulls if not pull.exempt(gate) and (one := _met(pull, backtest)))


def unproven(pulls: Iterable[Recorded], gate: Gate, backtest: Backtest) -> tuple[Recorded, ...]:
    """Those merged when evidence had been missing for ``unknown.hold``, under a gate that then blocks."""
    if gate.unknown.then != "block":
        return ()
    return tuple(pull for pull in pulls if not pull.exempt(gate) and _is_unproven(pull, gate, backtest))


def _is_unproven(pull: Recorded, gate: Gate, backtest: Backtest) -> bool:
    if pull.until is None or not pull.merged or backtest.state_at(pull.until) is State.FROZEN:
        return False
    since = backtest.unknown_since(pull.until)
    return since is not None and pull.until - since >= gate.unknown.hold


def _met(pull: Recorded, backtest: Backtest) -> Waiting | None:
    frozen = tuple(_frozen(pull, backtest))
    if not frozen:
        return None
    return Waiting(pull.subject, pull.title, frozen, _outcome(pull, backtest))


def _outcome(pull: Recorded, backtest: Backtest) -> Outcome:
    if pull.until is None:
        return Outcome.OPEN
    if not pull.merged:
        return Outcome.ABANDONED
    return Outcome.BLOCKED if backtest.state_at(pull.until) is State.FROZEN else Outcome.LATER


def _frozen(pull: Recorded, backtest: Backtest) -> Iterator[tuple[datetime, datetime]]:
    for span in backtest.spans:
        since, until = max(span.start, pull.since), min(span.end, pull.until or span.end)
        if span.state is State.FROZEN and since < until:
            yield since, until
