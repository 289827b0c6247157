"""What counts as knowing: evidence that is old or thin is no ground for moving a gate."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from gatekeeper.availability.measure import Measured, Unmeasured
from gatekeeper.decide.phrases import instant, percent
from gatekeeper.decide.snapshot import ObjectiveEvidence
from gatekeeper.decide.verdict import Doubt, Gap
from gatekeeper.policy.objective import Objective

STALE_AFTER = timedelta(minutes=15)
"""Evidence older than this does not count: a picture of the past is no picture of the present."""

COVERAGE_FLOOR = 0.8
"""Share of the slices since the ledger's start that must be measured."""

SHORTEST_HISTORY = timedelta(hours=1)
"""A ledger younger than this says nothing yet."""


@dataclass(frozen=True)
class Known:
    """An objective whose evidence counts."""

    objective: Objective
    measured: Measured

    @property
    def window_s(self) -> float:
        """The whole length of the objective's window, in seconds."""
        if self.measured.resets_at is not None:
            return (self.measured.resets_at - self.measured.window_start).total_seconds()
        return self.objective.window.longest.total_seconds()

    @property
    def burn(self) -> dict[int, float | None]:
        """Burn rate by span in seconds; None where nothing happened."""
        return dict(self.measured.burn)

    @property
    def budget(self) -> float:
        """The error budget E = (1 - T) · N, in events; N counts on those to come in a calendar period."""
        return self.objective.allowed * (self.measured.total + self.measured.to_come)


def sift(
    objectives: Iterable[tuple[Objective, ObjectiveEvidence]], now: datetime
) -> tuple[tuple[Known, ...], tuple[Gap, ...]]:
    """What is known at ``now``, and what is not."""
    found = [(objective, weigh(evidence, now)) for objective, evidence in objectives]
    known = tuple(Known(objective, one) for objective, one in found if isinstance(one, Measured))
    return known, tuple(one for _, one in found if isinstance(one, Gap))


def weigh(one: ObjectiveEvidence, now: datetime) -> Measured | Gap:
    """The measurement if it counts as evidence at ``now``, or what is wrong with it."""
    if one.problem is not None:
        return Gap(one.name, Doubt.PROBLEM, one.problem)
    if one.progress is not None and one.progress < 1:
        return Gap(one.name, Doubt.BACKFILLING, f"{percent(one.progress)} of the history read")
    evidence = one.evidence
    if isinstance(evidence, Unmeasured):
        return Gap(one.name, Doubt.NO_TRAFFIC if evidence.reason == "no traffic" else Doubt.NO_DATA)
    if now - evidence.watermark > STALE_AFTER:
        return Gap(one.name, Doubt.STALE, f"the newest data are from {instant(evidence.watermark)}")
    thin = _thin(evidence)
    return Gap(one.name, Doubt.THIN, thin) if thin else evidence


def _thin(evidence: Measured) -> str:
    """What is missing of the history, or nothing."""
    start = evidence.partial_since or evidence.window_start
    if evidence.partial_since is not None and evidence.window_end - start < SHORTEST_HISTORY:
        return f"measured only since {instant(start)}"
    whole, measurable = evidence.window_end - evidence.window_start, evidence.window_end - start
    seen = evidence.coverage * (whole / measurable)
    return f"only {percent(seen)} of the window was measured" if seen < COVERAGE_FLOOR else ""
