"""What holds for a stated time only: adjustments of the data, exceptions from a target; and how they can clash."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from enum import StrEnum

from gatekeeper.policy.mistake import MistakeError, MistakesError
from gatekeeper.policy.model import Adjustment, Service
from gatekeeper.policy.objective import Objective, TargetException
from gatekeeper.policy.rules import nearest
from gatekeeper.policy.units import write_share

_EVER = datetime.min.replace(tzinfo=UTC)


class Phase(StrEnum):
    """Whether the time of something has come."""

    AHEAD = "not yet in force"
    IN_FORCE = "in force"
    OVER = "over"


def phase(one: Adjustment | TargetException, now: datetime) -> Phase:
    """Where ``now`` lies: before the start, before the end, or not before the end."""
    if one.start is not None and now < one.start:
        return Phase.AHEAD
    return Phase.IN_FORCE if now < one.end else Phase.OVER


def exception_for(
    objective: Objective, exceptions: Sequence[TargetException], now: datetime
) -> TargetException | None:
    """The exception that sets an objective's target at ``now``; at most one does, since they do not overlap."""
    return next(
        (
            one
            for one in exceptions
            if one.objective in {None, objective.name} and phase(one, now) is Phase.IN_FORCE
        ),
        None,
    )


def ended(service: Service, now: datetime) -> tuple[TargetException, ...]:
    """The exceptions whose time is over: they are ignored."""
    return tuple(one for one in service.exceptions if phase(one, now) is Phase.OVER)


def coherent(
    objectives: Sequence[Objective],
    adjustments: Sequence[Adjustment],
    exceptions: Sequence[TargetException],
) -> None:
    """Hold what is dated against the objectives, and against each other.

    Raises:
        MistakesError: the clashes, each with its place below ``spec``.
    """
    mistakes = (
        *_overlapping_adjustments(adjustments),
        *_strangers(objectives, exceptions),
        *_overlapping_exceptions(objectives, exceptions),
    )
    if mistakes:
        raise MistakesError(mistakes)


def _overlapping_adjustments(adjustments: Sequence[Adjustment]) -> Iterator[MistakeError]:
    for position, one in enumerate(adjustments):
        if any(one.start < other.end and other.start < one.end for other in adjustments[:position]):
            yield MistakeError(
                "this overlaps with an adjustment above",
                "let each minute be adjusted once",
                at=("adjustments", position),
            )


def _strangers(
    objectives: Sequence[Objective], exceptions: Sequence[TargetException]
) -> Iterator[MistakeError]:
    """Exceptions that are not for one objective of the service, or change nothing about it."""
    targets = {objective.name: objective.target for objective in objectives}
    for position, one in enumerate(exceptions):
        name = one.objective or (objectives[0].name if len(objectives) == 1 else "")
        if not name:
            yield MistakeError(
                "several objectives, and this does not say which it is for",
                f"add objective: {objectives[0].name}, for example",
                at=("exceptions", position),
            )
        elif name not in targets:
            near = nearest(name, targets)
            yield MistakeError(
                f'there is no objective "{name}"',
                f'did you mean "{near}"?' if near else f"write {' or '.join(targets)}",
                at=("exceptions", position, "objective"),
            )
        elif one.target == targets[name]:
            yield MistakeError(
                f"the target is {write_share(one.target)} without an exception",
                "write another one, or remove the exception",
                at=("exceptions", position, "target"),
            )


def _overlapping_exceptions(
    objectives: Sequence[Objective], exceptions: Sequence[TargetException]
) -> Iterator[MistakeError]:
    names = [one.objective or objectives[0].name for one in exceptions]
    for position, one in enumerate(exceptions):
        before = zip(names[:position], exceptions[:position], strict=True)
        if any(name == names[position] and _overlap(one, other) for name, other in before):
            yield MistakeError(
                "this overlaps with an exception above, and only one target can count",
                "let one begin, by from, where the other ends",
                at=("exceptions", position),
            )


def _overlap(one: TargetException, other: TargetException) -> bool:
    return (one.start or _EVER) < other.end and (other.start or _EVER) < one.end
