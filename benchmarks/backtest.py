"""How long a backtest takes: 90 days of one-minute slices, one service, policies and pasts of several kinds.

    python benchmarks/backtest.py [--days 90]

Each is drawn from a seed. "Naive" measures and steps each minute: the time of all of them,
from as many as two seconds take.
"""

import argparse
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from gatekeeper.availability.ledger import STEP, Slices, end_of, slice_of
from gatekeeper.availability.measure import measure
from gatekeeper.availability.window import Rolling
from gatekeeper.decide.backtest.history import Past
from gatekeeper.decide.backtest.result import Backtest
from gatekeeper.decide.backtest.simulate import simulate
from gatekeeper.decide.gate_state import step
from gatekeeper.decide.snapshot import ObjectiveEvidence
from gatekeeper.decide.verdict import Memory, State
from gatekeeper.policy.gate import Gate
from gatekeeper.policy.objective import CalendarWindow, Indicator, Objective, PrometheusIndicator

END = datetime(2026, 11, 22, tzinfo=UTC)
DAY = 86_400 // STEP
NAIVE_S = 2.0
ALLOWED = 0.0005


def a_past(days: int, *, rate: float, share: float, outages: int, window: Any = None, seed: int = 1) -> Past:
    """Traffic by day and night, everyday errors at ``share``, and outages."""
    chance, count = np.random.default_rng(seed), (days + 40) * DAY
    shares = np.full(count, share)
    for begin in chance.integers(0, count, outages):
        shares[begin : begin + chance.integers(5, 60)] = chance.uniform(0.02, 0.4)
    total: Any = chance.poisson(rate * (1 + 0.5 * np.sin(np.arange(count) / DAY * 2 * np.pi)))
    bad: Any = chance.binomial(total, shares)
    slices = Slices(slice_of(END) - count + 1, total * 1.0, bad * 1.0, np.ones(count, dtype=np.uint8))
    indicator = Indicator(prometheus=PrometheusIndicator(bad='e{a="b"}', total="e"))
    window = window or Rolling(timedelta(days=28))
    return Past(Objective(target=1 - Decimal(str(ALLOWED)), window=window, indicator=indicator), slices)


CASES: dict[str, Callable[[int], Past]] = {
    "calm": lambda days: a_past(days, rate=300, share=0.0001, outages=0),
    "eight outages": lambda days: a_past(days, rate=300, share=0.0002, outages=8),
    "as much as allowed": lambda days: a_past(days, rate=300, share=ALLOWED, outages=0),
    "a little under it, twenty outages": lambda days: a_past(
        days, rate=3_000, share=0.8 * ALLOWED, outages=20
    ),
    "an event in ten minutes": lambda days: a_past(days, rate=0.1, share=0.0001, outages=4),
    "calendar month": lambda days: a_past(
        days,
        rate=300,
        share=0.0003,
        outages=8,
        window=CalendarWindow(calendar="month", timezone="Europe/Paris"),
    ),
}


def naive(past: Past, gate: Gate, start: datetime) -> float:
    """Seconds a minute of the past takes when each is measured and stepped."""
    memory: Memory | None = None
    begun, minutes = time.perf_counter(), 0
    while time.perf_counter() - begun < NAIVE_S:
        now = end_of(slice_of(start) + minutes)
        found = measure(
            past.slices,
            allowed=past.objective.allowed,
            window=past.objective.window,
            now=now,
            history_start=None,
            quiet_s=int(gate.thaw.or_quiet_for.total_seconds()),
        )
        memory = step(memory, [(past.objective, ObjectiveEvidence("availability", found))], gate, now)
        minutes += 1
    return (time.perf_counter() - begun) / minutes


def timed(past: Past, gate: Gate, start: datetime) -> tuple[float, Backtest]:
    """Seconds that a backtest takes, and what it says."""
    begun = time.perf_counter()
    result = simulate([past], gate, start, END)
    return time.perf_counter() - begun, result


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=90)
    days = parser.parse_args().days
    start, gate = END - timedelta(days=days), Gate()
    strict = Gate.model_validate({"freeze": {"incident_over": "20%"}})
    table = Table(
        "past",
        "s",
        "with incident_over, s",
        "naive, s",
        "transitions",
        "days frozen",
        title=f"{days} days of one-minute slices",
    )
    for name, draw in CASES.items():
        past = draw(days)
        took, result = timed(past, gate, start)
        strict_took, _ = timed(past, strict, start)
        slow = naive(past, gate, start) * days * DAY
        frozen = result.time_in(State.FROZEN) / timedelta(days=1)
        figures = f"{took:.2f}", f"{strict_took:.2f}", f"{slow:,.0f}", str(len(result.moves)), f"{frozen:.1f}"
        table.add_row(name, *figures)
    Console().print(table)


if __name__ == "__main__":
    main()
