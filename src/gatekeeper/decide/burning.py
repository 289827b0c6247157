"""Which burn rates move a gate: fast ones freeze, slow ones ask for caution, and both have to cool before it ends."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from gatekeeper.availability.burn import PAGE_ROWS, TICKET_ROWS, Row, firing, reachable, threshold
from gatekeeper.decide.evidence import Known
from gatekeeper.decide.verdict import Reason, Rule
from gatekeeper.policy.gate import Gate

COOL = 0.8
"""What fired ends at this part of its threshold, so that a burn which trembles around it does not flap."""


def freezing_rows(window_s: float, allowed: float, gate: Gate) -> tuple[Row, ...]:
    """The rows that freeze.

    One whose threshold lies below 1 does not: that pace keeps the promise. Nor does one that no outage can reach,
    or what it calls hot would hold a freeze that it can never begin.
    """
    if gate.freeze.burn != "fast":
        return ()
    return tuple(
        row for row in PAGE_ROWS if threshold(row, window_s) >= 1 and reachable(row, window_s, allowed)
    )


def cautioning_rows(window_s: float) -> tuple[Row, ...]:
    """The rows that ask for caution, with thresholds of at least 1."""
    return tuple(replace(row, share=max(row.share, row.long_s / window_s)) for row in TICKET_ROWS)


def cooled_rows(rows: Iterable[Row]) -> tuple[Row, ...]:
    """The rows as they have to be undercut again: their long span is what counts."""
    return tuple(replace(row, share=COOL * row.share) for row in rows)


def fast(one: Known, gate: Gate) -> Iterator[Reason]:
    """The freezing rows that fire: the long span burns too fast, and the short one shows that it goes on."""
    return _firing(Rule.FREEZE_BURN, one, freezing_rows(one.window_s, one.objective.allowed, gate))


def slow(one: Known) -> Iterator[Reason]:
    """The cautioning rows that fire."""
    return _firing(Rule.CAUTION_BURN, one, cautioning_rows(one.window_s))


def hot(rule: Rule, one: Known, rows: Iterable[Row]) -> Iterator[Reason]:
    """The rows whose long span has not cooled: what started with both spans ends with the long one.

    A span without events has not cooled either, since nothing says that what burned has ended: then ``found`` is 0.
    """
    for row in cooled_rows(_countable(rows, one)):
        burn, limit = one.burn[row.long_s], threshold(row, one.window_s)
        if burn is None or burn > limit:
            yield Reason(rule, one.objective.name, burn or 0.0, limit, row.long_s)


def _firing(rule: Rule, one: Known, rows: Iterable[Row]) -> Iterator[Reason]:
    for row in _countable(rows, one):
        burn, limit = one.burn[row.long_s], threshold(row, one.window_s)
        if burn is not None and firing(row, one.burn, one.window_s):
            yield Reason(rule, one.objective.name, burn, limit, row.long_s)


def _countable(rows: Iterable[Row], one: Known) -> Iterator[Row]:
    """The rows whose share of the budget is enough events to count.

    With fewer, a handful of errors in a quiet hour would look like a fire; the budget itself tells soon enough.
    """
    return (row for row in rows if row.share * one.budget >= one.objective.fewest)
