"""Which pull requests a gate would have made wait, of those that are on record."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from gatekeeper.decide.backtest.result import Backtest
from gatekeeper.decide.verdict import State
from gatekeeper.policy.gate import Gate


@dataclass(frozen=True)
class Recorded:
    """A pull request that touches the service, as far as it is on record.

    Attributes:
        subject: ``acme/shop#12``.
        since: when it was first seen.
        until: when it was seen to be closed or merged; None while it is open.
        labels: those it had last.
        exempt_paths: whether all that it changes is exempt.
    """

    subject: str
    title: str
    since: datetime
    until: datetime | None
    labels: tuple[str, ...]
    exempt_paths: bool


@dataclass(frozen=True)
class Waiting:
    """A pull request that would have met a freeze.

    Attributes:
        frozen: the stretches of time for which it would have been open and frozen.
        closed_frozen: it was closed or merged in a freeze: where it was merged, the gate would have kept it out.
    """

    subject: str
    title: str
    frozen: tuple[tuple[datetime, datetime], ...]
    closed_frozen: bool


def waiting(pulls: Iterable[Recorded], gate: Gate, backtest: Backtest) -> tuple[Waiting, ...]:
    """Those that would have waited, in the order given. Overrides are not foreseen, exemptions are."""
    return tuple(one for pull in pulls if not _exempt(pull, gate) and (one := _met(pull, backtest)))


def _exempt(pull: Recorded, gate: Gate) -> bool:
    worn = {label.casefold() for label in pull.labels}
    return pull.exempt_paths or any(label.casefold() in worn for label in gate.exempt.labels)


def _met(pull: Recorded, backtest: Backtest) -> Waiting | None:
    frozen = tuple(_frozen(pull, backtest))
    if not frozen:
        return None
    ends: Sequence[datetime] = [until for _, until in frozen]
    return Waiting(pull.subject, pull.title, frozen, pull.until is not None and pull.until == ends[-1])


def _frozen(pull: Recorded, backtest: Backtest) -> Iterator[tuple[datetime, datetime]]:
    for span in backtest.spans:
        since, until = max(span.start, pull.since), min(span.end, pull.until or span.end)
        if span.state is State.FROZEN and since < until:
            yield since, until
