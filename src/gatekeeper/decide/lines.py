"""Where on the share of budget left a gate moves: the lines of the policy, and how far noise pushes them apart.

What is counted trembles: B bad events scatter by √B, which is √B / E of a budget of E events. Two lines between which
a gate moves back and forth are therefore never closer than twice that. A line at which changes would wait is moved
down for it and never up: what may be chance warns, and does not block.

Minutes do not tremble: an objective that counts them has them exactly, and bad ones come in a row, not by chance.
"""

from collections.abc import Iterable, Sequence

from gatekeeper.decide.evidence import Known
from gatekeeper.decide.verdict import Spared
from gatekeeper.policy.gate import Gate

RECOVERY_BAND = 0.02
"""Caution ends this much above where it began, or two standard deviations of the count above, if that is more."""


def freeze_line(one: Known, gate: Gate) -> float:
    """The share of budget at and below which changes wait: ``freeze.below``, or lower where counting is noisy.

    The highest r with r ≤ ``freeze.below`` and r ≤ ``thaw.above`` - 2·√B/E. With B = (1 - r)·E, the second is
    r ≤ 1 - (1/√E + √(1/E + 1 - ``thaw.above``))²: it depends on the budget E alone, not on what is left of it.
    """
    if one.objective.counts == "minutes":
        return float(gate.freeze.below)
    above = float(gate.thaw.above)
    chance = 1 - (1 / _root(one.budget) + _root(1 / one.budget + 1 - above)) ** 2
    return min(float(gate.freeze.below), chance)


def relapse_line(one: Known, gate: Gate, spared: Sequence[Spared]) -> float:
    """Where changes wait again: the freeze line; after a freeze that ended by its length, a further loss below it."""
    line = freeze_line(one, gate)
    best = [spare.remaining for spare in spared if spare.objective == one.objective.name]
    return min([line, *(remaining - _band(one) for remaining in best)])


def recovery_level(one: Known, gate: Gate) -> float:
    """Where caution ends: a band above its threshold, wide enough for the noise of counting, at most half way up."""
    below = float(gate.caution.below)
    return below + min(_band(one), (1 - below) / 2)


def in_noise(one: Known, gate: Gate) -> bool:
    """Whether as little is left as freezes, and only the noise of counting keeps the gate from it."""
    return freeze_line(one, gate) < one.measured.remaining <= float(gate.freeze.below)


def spare(known: Iterable[Known], gate: Gate) -> tuple[Spared, ...]:
    """What a freeze leaves behind that ends by its length: what was left of each budget that would freeze again."""
    return tuple(
        Spared(one.objective.name, one.measured.remaining)
        for one in known
        if one.measured.remaining <= freeze_line(one, gate)
    )


def still_spared(before: Iterable[Spared], known: Iterable[Known], gate: Gate) -> tuple[Spared, ...]:
    """The same later: with the most that was left since, until the budget is above its line again."""
    left = {one.objective.name: one for one in known}
    return tuple(
        Spared(spared.objective, max(spared.remaining, one.measured.remaining)) if one else spared
        for spared in before
        if (one := left.get(spared.objective)) is None or one.measured.remaining <= freeze_line(one, gate)
    )


def _band(one: Known) -> float:
    if one.objective.counts == "minutes":
        return RECOVERY_BAND
    return max(RECOVERY_BAND, 2 * _root(one.measured.bad) / one.budget)


def _root(of: float) -> float:
    """The square root; as a power, which bounds of a number have too (``backtest``)."""
    root: float = of**0.5
    return root
