"""What holds for a stated time, compared instant by instant: adjustments of the data, exceptions from a target."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import TypeVar

from gatekeeper.policy.dated import Phase, exception_for, phase
from gatekeeper.policy.model import Adjustment, Service
from gatekeeper.policy.objective import Objective, TargetException
from gatekeeper.policy.strictness import Judgement, looser, neutral, tighter, unproven

_EVER = datetime.min.replace(tzinfo=UTC)
_Value = TypeVar("_Value")


def adjustments(before: Service, after: Service) -> Judgement:
    """What other adjustments do to the budget, whatever the data are.

    Only what counted as good is sure to leave less of it when it counts as it was. Time that was left out may bring
    back good events as well as bad ones.
    """
    moved = _moved(
        (before.adjustments, after.adjustments),
        lambda at: (_treatment(before.adjustments, at), _treatment(after.adjustments, at)),
    )
    if not moved:
        return neutral("the same data count as they did")
    if moved == {("up", None)}:
        return tighter("these data count as they are")
    if moved == {("excluded", None)}:
        return unproven("these events count again, good and bad ones")
    return looser("data that would count are adjusted")


def exceptions(before: Service, after: Service) -> Judgement:
    """What other exceptions do to the targets: where any is lower at any time, that is looser."""
    known = {one.name: one for one in after.objectives}
    pairs = [(one, known[one.name]) for one in before.objectives if one.name in known]
    moved = {pair for old, new in pairs for pair in _targets(before, after, old, new)}
    if not moved:
        return neutral("the same targets hold at all times")
    if any(new < old for old, new in moved):
        return looser("a lower target holds for a time")
    return tighter("a higher target holds for a time")


def _targets(
    before: Service, after: Service, old: Objective, new: Objective
) -> Iterator[tuple[Decimal, Decimal]]:
    """The targets of one objective where they differ while an exception holds, before or after."""

    def at(instant: datetime) -> tuple[Decimal, Decimal]:
        was = exception_for(old, before.exceptions, instant)
        is_now = exception_for(new, after.exceptions, instant)
        if was is None and is_now is None:  # what the objectives say themselves is judged with them
            return Decimal(0), Decimal(0)
        return old.aiming_at(was).target, new.aiming_at(is_now).target

    yield from _moved((before.exceptions, after.exceptions), at)


def _treatment(adjusted: Sequence[Adjustment], at: datetime) -> str | None:
    return next((one.treatment for one in adjusted if phase(one, at) is Phase.IN_FORCE), None)


def _moved(
    dated: Iterable[Sequence[Adjustment] | Sequence[TargetException]],
    values: Callable[[datetime], tuple[_Value, _Value]],
) -> set[tuple[_Value, _Value]]:
    """What differs, in pairs of before and after: between two bounds nothing changes, so each is asked about once."""
    bounds = {bound for members in dated for one in members for bound in (one.start, one.end) if bound}
    found = (values(at) for at in (_EVER, *sorted(bounds)))
    return {(old, new) for old, new in found if old != new}
