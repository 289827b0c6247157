"""Which of two values of a key is the tighter one: a rule for each key of a gate, and for those of a service.

What cannot be shown to be tighter is looser: then an owner looks at it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

from gatekeeper.policy.gate import EnvironmentMode, Gate, Mode
from gatekeeper.policy.objective import ByTimeslices
from gatekeeper.policy.operating import Redundancy

_SAME = "the same, written in another way"
_ENVIRONMENTS = (EnvironmentMode.FREE, EnvironmentMode.ADVISE, EnvironmentMode.ENFORCE)
"""From the weakest to the strongest."""


class Direction(StrEnum):
    """What a change of a policy does to the gate."""

    TIGHTER = "tighter"
    LOOSER = "looser"
    NEUTRAL = "neutral"


@dataclass(frozen=True)
class Judgement:
    """A direction, and why (plain text)."""

    direction: Direction
    why: str


Rule = Callable[[Any, Any], Judgement]


def looser(why: str) -> Judgement:
    """It lets more through."""
    return Judgement(Direction.LOOSER, why)


def tighter(why: str) -> Judgement:
    """It lets less through."""
    return Judgement(Direction.TIGHTER, why)


def neutral(why: str) -> Judgement:
    """It decides nothing."""
    return Judgement(Direction.NEUTRAL, why)


def unproven(what: str) -> Judgement:
    """Counts as looser, since nobody can tell from the files."""
    return looser(f"{what}, and whether that is tighter cannot be told from the files")


def _more(tightens: str, loosens: str, *, off: Direction | None = None) -> Rule:
    """More is tighter. ``off`` (None) is beyond all numbers, on the side that is said."""
    return _ordered(tightens, loosens, sign=1, off=off)


def _less(tightens: str, loosens: str, *, off: Direction | None = None) -> Rule:
    """Less is tighter."""
    return _ordered(tightens, loosens, sign=-1, off=off)


def _ordered(tightens: str, loosens: str, *, sign: int, off: Direction | None) -> Rule:
    def judged(before: Any, after: Any) -> Judgement:
        if before is None or after is None:
            grows = (after is None) == (off is Direction.TIGHTER)
        else:
            grows = (after > before) == (sign > 0)
        return tighter(tightens) if grows else looser(loosens)

    return judged


def _ranked(order: Iterable[Any], tightens: str, loosens: str) -> Rule:
    """The later in the order, the tighter."""
    ranks = {value: rank for rank, value in enumerate(order)}
    more = _more(tightens, loosens)
    return lambda before, after: more(ranks[before], ranks[after])


def _fewer(tightens: str, loosens: str, *, alike: Callable[[str], str] = str) -> Rule:
    """A set, of which each member lets something through. ``alike`` is the same for members that mean the same."""

    def judged(before: Iterable[str], after: Iterable[str]) -> Judgement:
        old, new = ({alike(one) for one in members} for members in (before, after))
        if old == new:
            return neutral(_SAME)
        return tighter(tightens) if new < old else looser(loosens)

    return judged


def _exempt_paths(before: tuple[str, ...], after: tuple[str, ...]) -> Judgement:
    if not after:
        return tighter("no paths are exempt any more")
    if excludes(before):
        return unproven("patterns with exclusions (!) are exempt")
    if set(after) == set(before):
        return neutral(_SAME)
    if including(after) <= set(before):
        return tighter("fewer paths are exempt")
    return looser("more paths are exempt")


def _override_label(before: str, after: str) -> Judgement:
    if before.casefold() == after.casefold():
        return neutral("GitHub's labels ignore case")
    return looser("changes that wear this label already, for whatever reason, ask for an override by it")


def _owners(before: tuple[str, ...], after: tuple[str, ...]) -> Judgement:
    if set(before) == set(after):
        return neutral(_SAME)
    if not before:
        return looser("these may agree to what loosens the gate, instead of those who may write here")
    if not after:
        return looser("nobody is named any more who has to agree to what loosens the gate")
    return looser("others may agree to what loosens the gate, so those who may now have to agree to that")


def _environments(before: Mapping[str, EnvironmentMode], after: Mapping[str, EnvironmentMode]) -> Judgement:
    weakest, strongest = _ENVIRONMENTS[0], _ENVIRONMENTS[-1]
    for name in sorted(before.keys() | after.keys()):
        # One that is not named is taken for what proves least.
        old, new = before.get(name, strongest), after.get(name, weakest)
        if _ENVIRONMENTS.index(new) < _ENVIRONMENTS.index(old):
            return looser(f"the gate does less in {name}, or may do less")
    return tighter("the gate does more in these environments")


def _redundancy(before: Redundancy | None, after: Redundancy | None) -> Judgement:
    if before is None or after is None:
        return looser("nothing is asked for any more") if before else tighter("this much is asked for")
    if (before.query, before.region) != (after.query, after.region):
        return unproven("another query tells what runs")
    if after.instances < before.instances or after.regions < before.regions:
        return looser("fewer instances or regions are enough")
    return tighter("more instances or regions are asked for")


def _method(
    before: Literal["occurrences"] | ByTimeslices, after: Literal["occurrences"] | ByTimeslices
) -> Judgement:
    if isinstance(before, ByTimeslices) and isinstance(after, ByTimeslices):
        more = _more("fewer minutes are good", "more minutes are good")
        return more(before.timeslices.target, after.timeslices.target)
    return unproven("events are counted in another way")


def another_objective(gate: Gate) -> Judgement:
    """What one more objective does to this gate."""
    pace = gate.caution.pace
    if pace.deployments is None and pace.changed_lines is None:
        return tighter("one promise more: the worst objective counts")
    return unproven("while it has no data, the pace does not count")


def including(patterns: Iterable[str]) -> frozenset[str]:
    """Those of these patterns that match, rather than take back what others match."""
    return frozenset(pattern for pattern in patterns if not pattern.startswith("!"))


def excludes(patterns: Iterable[str]) -> bool:
    """Whether any of these patterns takes back what others match."""
    return any(pattern.startswith("!") for pattern in patterns)


def _always(judgement: Judgement) -> Rule:
    return lambda _before, _after: judgement


GATE: Mapping[str, Rule] = {
    "mode": _ranked(
        (Mode.OBSERVE, Mode.ADVISE, Mode.ENFORCE), "the gate does more", "the gate does less about it"
    ),
    "caution.below": _more("caution begins earlier", "caution begins later"),
    "caution.pace.deployments": _less(
        "fewer deployments a day", "more deployments a day", off=Direction.LOOSER
    ),
    "caution.pace.changed_lines": _less("smaller changes pass", "larger changes pass", off=Direction.LOOSER),
    "freeze.below": _more("changes wait earlier", "changes wait later"),
    "freeze.burn": _ranked(("off", "fast"), "a fast burn freezes", "a fast burn does not freeze any more"),
    "freeze.incident_over": _less(
        "smaller incidents need a postmortem", "fewer incidents need a postmortem", off=Direction.LOOSER
    ),
    "freeze.at_most": _more("a freeze may last longer", "a freeze ends sooner", off=Direction.TIGHTER),
    "thaw.above": _more("a thaw needs more budget", "a thaw needs less budget"),
    "thaw.or_quiet_for": _more("a quiet thaw takes longer", "a quiet thaw comes sooner"),
    "probation.for": _more("probation is longer", "probation is shorter", off=Direction.LOOSER),
    "deployments.reject_after": _less(
        "a waiting deployment is given up sooner",
        "a waiting deployment is held for longer",
        off=Direction.LOOSER,
    ),
    "postmortems": _always(
        neutral("a postmortem is the way out of a freeze that the policy itself asks for")
    ),
    "exempt.labels": _fewer("fewer labels exempt", "other or more labels exempt", alike=str.casefold),
    "exempt.paths": _exempt_paths,
    "exempt.reverts": _less("reverts are not exempt any more", "reverts are exempt"),
    "override.label": _override_label,
    "override.teams": _fewer("fewer people may override", "other or more people may override"),
    "override.lasts": _less("an override ends sooner", "an override lasts longer"),
    "override.reason": _ranked(("asked", "required"), "an override waits for its reason", "no reason needed"),
    "override.by_author": _less(
        "who wrote a change cannot let it through", "who wrote a change may let it through"
    ),
    "unknown.then": _ranked(
        ("advise", "block"), "changes wait where nothing is known", "they do not wait where nothing is known"
    ),
}
"""By key below ``gate``. ``unknown.hold`` depends on ``unknown.then``, see ``hold``."""

SERVICE: Mapping[str, Rule] = {
    "metadata.description": _always(neutral("it is shown, and decides nothing")),
    "metadata.owners": _owners,
    "metadata.reviewed": _always(neutral("it says when people looked at the policy last")),
    "spec.environments": _environments,
    "spec.redundancy": _redundancy,
    "spec.review": _always(neutral("it says when people meet, and decides nothing")),
}

OBJECTIVE: Mapping[str, Rule] = {
    "target": _more("a higher target leaves less budget", "a lower target leaves more budget"),
    "window": _always(unproven("another window counts other events")),
    "method": _method,
    "indicator": _always(unproven("other queries may leave out what users met")),
}


FLOORS: Mapping[str, Rule] = {
    "target": OBJECTIVE["target"],
    "exceptions.lasts": _less("exceptions have to end sooner", "exceptions may last longer"),
    "adjustments.lasts": _less("adjustments have to end sooner", "adjustments may last longer"),
}
"""By key below ``floors``, beside those of ``GATE``."""


def hold(then: str) -> Rule:
    """How long the last verdict is held where nothing is known.

    Args:
        then: what follows so far. A freeze is held for as long as nothing is known, whatever this says.
    """
    if then == "block":
        return _less(
            "changes wait sooner where nothing is known", "changes wait later where nothing is known"
        )
    return _always(neutral("nothing waits after it, as far as the policy in force goes"))
