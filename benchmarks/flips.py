"""How often the gate flips where a budget trembles around its line, beside a plain threshold at the same line.

    python benchmarks/flips.py [--seeds 200]

Services with a target of 99.9 % over 28 days, looked at every five minutes for 72 days after the first window. Errors
come by chance (Poisson) at a share of what the target allows; an incident of an hour costs the rest on the second day.
All seeds of a setting go through the rule together, as arrays; the first one also goes through the gate itself, pass
by pass, which has to say the same each time.
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import with_tests  # noqa: F401 (for what is imported from there below)
from rich.console import Console
from rich.table import Table

from builders import NOW, an_objective, evidence, measured
from gatekeeper.availability.budget import remaining_each
from gatekeeper.availability.burn import SPANS, Row, burn_rate_each, threshold
from gatekeeper.availability.incidents import FEWEST_FAILURES
from gatekeeper.decide.burning import cautioning_rows, cooled_rows, freezing_rows
from gatekeeper.decide.evidence import Known
from gatekeeper.decide.gate_state import CALM_SPAN_S, step
from gatekeeper.decide.lines import freeze_line, recovery_level
from gatekeeper.decide.verdict import Memory, State
from gatekeeper.policy.gate import Gate

TICK = 300
A_DAY = 86_400 // TICK
WINDOW_S, WINDOW, LOOKED_AT = 28 * 86_400, 28 * A_DAY, 72 * A_DAY
ALLOWED, OBJECTIVE = 0.001, an_objective(target="0.999")
GATE = Gate()
OPEN, CAUTION, PROBATION, FROZEN = range(4)
STATES = (State.OPEN, State.CAUTION, State.PROBATION, State.FROZEN)

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Setting:
    """A service: events each five minutes, and what everyday errors and the incident cost of the budget."""

    events: int
    everyday: float
    incident: float

    @property
    def budget(self) -> float:
        """The error budget of a window, in events."""
        return ALLOWED * self.events * WINDOW


SETTINGS = (
    Setting(500, 0.55, 0.45),
    Setting(500, 0.90, 0.10),
    Setting(500, 0.95, 0.05),
    Setting(500, 1.00, 0.00),
    Setting(10, 1.00, 0.00),
    Setting(500, 0.30, 1.20),
)


@dataclass(frozen=True)
class Course:
    """What a rule looks at after each tick, shape (ticks,) for one seed; flags are those of the rule's parts."""

    bad: npt.NDArray[np.float64]
    burns: dict[int, npt.NDArray[np.float64]]
    left: npt.NDArray[np.float64]
    fast: Flags
    slow: Flags
    hot: Flags
    warm: Flags
    quiet: Flags
    level: npt.NDArray[np.float64]


def course(setting: Setting, seed: int) -> Course:
    """A service's 72 days."""
    errors = (
        np.random.default_rng(seed)
        .poisson(setting.everyday * ALLOWED * setting.events, WINDOW + LOOKED_AT)
        .astype(np.float64)
    )
    errors[WINDOW + A_DAY : WINDOW + A_DAY + 12] += round(setting.incident * setting.budget / 12)
    running = np.concatenate(([0.0], np.cumsum(np.minimum(errors, setting.events))))

    def over(span_s: int) -> npt.NDArray[np.float64]:
        return running[WINDOW + 1 :] - running[WINDOW + 1 - span_s // TICK : len(running) - span_s // TICK]

    def of_all(span_s: int) -> npt.NDArray[np.float64]:
        return np.full(LOOKED_AT, float(setting.events * (span_s // TICK)))

    bad = over(WINDOW_S)
    burns = {span: burn_rate_each(over(span), of_all(span), ALLOWED) for span in SPANS}
    left = remaining_each(bad, of_all(WINDOW_S), ALLOWED)
    page, ticket = (
        [row for row in rows if row.share * setting.budget >= FEWEST_FAILURES]
        for rows in (freezing_rows(WINDOW_S, ALLOWED, GATE), cautioning_rows(WINDOW_S))
    )
    return Course(
        bad=bad,
        burns=burns,
        left=left,
        fast=_any(_above(burns, row.long_s, row) & _above(burns, row.short_s, row) for row in page),
        slow=_any(_above(burns, row.long_s, row) & _above(burns, row.short_s, row) for row in ticket),
        hot=_any(_above(burns, row.long_s, row) for row in cooled_rows(page)),
        warm=_any(_above(burns, row.long_s, row) for row in cooled_rows(ticket)),
        quiet=(_since(left) >= GATE.thaw.or_quiet_for.total_seconds()) & (burns[CALM_SPAN_S] < 1),
        level=_levels(bad, setting),
    )


def _above(burns: dict[int, npt.NDArray[np.float64]], span_s: int, row: Row) -> Flags:
    flags: Flags = burns[span_s] > threshold(row, WINDOW_S)
    return flags


def _any(rows: Iterator[Flags]) -> Flags:
    found = np.zeros(LOOKED_AT, dtype=np.bool_)
    for row in rows:
        found |= row
    return found


def _since(left: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """For how many seconds more than nothing has been left, as far as the course knows; before it, nothing was."""
    ticks = np.arange(len(left))
    without = np.maximum.accumulate(np.where(left > 0, -1, ticks))
    return np.where(left > 0, (ticks - without - 1) * float(TICK), -1.0)


def _levels(bad: npt.NDArray[np.float64], setting: Setting) -> npt.NDArray[np.float64]:
    """Where caution ends, tick by tick."""
    counts, places = np.unique(bad, return_inverse=True)
    levels = np.array([recovery_level(_known(count, setting), GATE) for count in counts.tolist()])
    return levels[places]


def _known(bad: float, setting: Setting) -> Known:
    found = measured(bad=bad, total=float(setting.events * WINDOW), allowed=ALLOWED)
    return Known(OBJECTIVE, found)


def run(courses: list[Course], line: float) -> npt.NDArray[np.int8]:
    """The default rule over all seeds at once: the state after each tick, shape (ticks, seeds)."""
    columns = {
        name: np.column_stack([getattr(one, name) for one in courses])
        for name in ("left", "fast", "slow", "hot", "warm", "quiet", "level")
    }
    left = columns["left"]
    freezing = (left <= line) | columns["fast"]
    cautioning = (left < float(GATE.caution.below)) | columns["slow"]
    thawing = ~columns["fast"] & ~columns["hot"] & (left > 0)
    thawing &= (left >= float(GATE.thaw.above)) | columns["quiet"]
    recovered = ~cautioning & ~columns["warm"] & (left >= columns["level"])
    served = (GATE.probation.lasts or timedelta(0)).total_seconds() // TICK
    state, since = np.full(len(courses), OPEN, dtype=np.int8), np.zeros(len(courses))
    states = np.empty(left.shape, dtype=np.int8)
    for tick in range(len(left)):
        caution = np.where(cautioning[tick], CAUTION, OPEN)
        following = np.select(
            [
                (state != FROZEN) & freezing[tick],
                (state == OPEN) & cautioning[tick],
                (state == CAUTION) & recovered[tick],
                (state == FROZEN) & thawing[tick],
                (state == PROBATION) & (tick - since >= served),
            ],
            [FROZEN, CAUTION, OPEN, PROBATION, caution],
            state,
        ).astype(np.int8)
        since = np.where(following != state, tick, since)
        state = states[tick] = following
    return states


def confirm(one: Course, states: npt.NDArray[np.int8], setting: Setting) -> None:
    """The gate itself, pass by pass, has to say the same.

    Raises:
        AssertionError: it does not.
    """
    memory: Memory | None = None
    total = float(setting.events * WINDOW)
    positive = _since(one.left)
    for tick in range(LOOKED_AT):
        now = NOW + timedelta(seconds=tick * TICK)
        values: dict[str, Any] = {
            "positive_since": now - timedelta(seconds=positive[tick]) if one.left[tick] > 0 else None
        }
        burn = {span: float(rates[tick]) for span, rates in one.burns.items()}
        found = measured(bad=one.bad[tick], total=total, allowed=ALLOWED, burn=burn, at=now, **values)
        memory = step(memory, [(OBJECTIVE, evidence(found))], GATE, now)
        assert memory.state is STATES[states[tick]], f"{setting} at {now}: {memory} is not {states[tick]}"


def flips(frozen: Flags) -> npt.NDArray[np.int64]:
    """How often each seed's gate shut or opened, shape (seeds,); it starts open."""
    started = np.concatenate((np.zeros((1, frozen.shape[1]), dtype=np.bool_), frozen))
    counted: npt.NDArray[np.int64] = (started[1:] != started[:-1]).sum(axis=0)
    return counted


def row(frozen: Flags) -> tuple[str, str]:
    """Mean and worst number of flips, and the mean of the frozen days."""
    counted = flips(frozen)
    return f"{counted.mean():.1f} / {counted.max()}", f"{frozen.sum(axis=0).mean() / A_DAY:.1f}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="flips of the gate beside a plain threshold")
    parser.add_argument("--seeds", type=int, default=200)
    seeds = parser.parse_args().seeds
    table = Table(
        "events / 5 min", "everyday", "incident", "plain: flips", "days", "gate: flips", "days", "relapses"
    )
    began = time.perf_counter()
    for setting in SETTINGS:
        courses = [course(setting, seed) for seed in range(seeds)]
        states = run(courses, freeze_line(_known(0, setting), GATE))
        confirm(courses[0], states[:, 0], setting)
        plain = np.column_stack([one.left <= 0 for one in courses])
        relapses = ((states[1:] == FROZEN) & (states[:-1] == PROBATION)).sum(axis=0)
        shown = f"{relapses.mean():.2f}"
        service = (str(setting.events), f"{setting.everyday:.2f}", f"{setting.incident:.2f}")
        table.add_row(*service, *row(plain), *row(states == FROZEN), shown)
    console = Console(width=120)
    console.print(table)
    console.print(f"{seeds} seeds, 72 days, flips mean / worst; {time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
