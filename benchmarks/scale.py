"""What a pass over 1, 100 and 1,000 objectives costs, against a real Prometheus; run by accuracy.py."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from http.client import HTTPConnection
from itertools import chain
from pathlib import Path
from statistics import median
from urllib.parse import urlencode, urlsplit

import numpy as np
from refresh_cost import bill_of, proxied

from gatekeeper.availability.filling import LedgerState, LedgerUpdate
from gatekeeper.availability.ledger import Flag, Slices, ending_at
from gatekeeper.policy.objective import Indicator, PrometheusIndicator
from gatekeeper.sources.prometheus import PrometheusSource
from gatekeeper.sources.prometheus_api import PrometheusApi, Result
from gatekeeper.store.engine import Database, create_store_engine
from gatekeeper.store.ledger import SqlLedger
from gatekeeper.store.tables import metadata
from gatekeeper.worker.refresh import SETTLE
from gatekeeper.worker.refresh_together import Due, refresh_together
from worlds.fixtures import END
from worlds.prometheus import PrometheusServer
from worlds.series import METRIC, Series, labels_of, milliseconds

SIZES = (1, 100, 1_000)
MINUTE = timedelta(minutes=1)
LIVED = 60
"""Minutes of history before the end that Prometheus holds."""
CODES = ("200", "500")
INSTANCES = 2
AT_ONCE, SPREAD = "s", "t"
LONG, SHORT = timedelta(days=28), timedelta(days=7)
PASSES = 5
SUMMED = 15
"""Times; each is short, and what else the machine does shows."""


@dataclass
class Fleet:
    """Objectives whose ledgers are full up to ``LIVED`` minutes before the end.

    Attributes:
        job: the letter that their jobs' names begin with.
    """

    size: int
    window: timedelta
    job: str
    ledger: SqlLedger
    file: Path

    @property
    def indicators(self) -> list[Indicator]:
        """One an objective."""
        return [
            Indicator(
                prometheus=PrometheusIndicator(
                    bad=f'{METRIC}{{job="{self.job}{place}",code=~"5.."}}',
                    total=f'{METRIC}{{job="{self.job}{place}"}}',
                )
            )
            for place in range(self.size)
        ]

    def fill(self) -> None:
        """Slices of whole days, as a backfill leaves them."""
        rng = np.random.default_rng(7)
        stop = ending_at(END - LIVED * MINUTE) + 1
        since = stop - self.window // MINUTE
        for indicator in self.indicators:
            total = rng.poisson(300, stop - since).astype(np.float64)
            bad = rng.binomial(total.astype(np.int64), 1e-4).astype(np.float64)
            slices = Slices(since, total, bad, np.full(len(total), int(Flag.MEASURED), dtype=np.uint8))
            filled = (stop - 1) * 60_000
            state = LedgerState(
                since=since,
                filled_until=stop,
                history_start=(since - 1) * 60_000,
                newest=filled,
                born_after=filled + 60_000,
                scrape=60_000,
                progress=None,
            )
            self.ledger.commit(indicator.id, LedgerUpdate(state, slices))

    def a_pass(self, minute: int, source: PrometheusSource) -> tuple[float, float]:
        """Refresh all objectives at a minute after the fill; the seconds it took, and those of our processor."""
        now = END - (LIVED - minute) * MINUTE + SETTLE
        needed = now - SETTLE - self.window + LIVED * MINUTE
        due = [Due(one.id, one, needed) for one in self.indicators]
        began, used = time.perf_counter(), time.process_time()
        done = refresh_together(due, now=now, source=source, ledgers=self.ledger)
        seconds = time.perf_counter() - began, time.process_time() - used
        assert len(done) == self.size, "some ledgers were not brought up to date"
        return seconds

    def sums(self) -> float:
        """Seconds to add up all objectives' windows, up to the newest slice."""
        stop, names = ending_at(END - (LIVED - 2 - PASSES) * MINUTE) + 1, [one.id for one in self.indicators]
        began = time.perf_counter()
        self.ledger.sums_of(names, stop - self.window // MINUTE, stop)
        return time.perf_counter() - began


class Recorded(PrometheusApi):
    """Remembers what it asked."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.url = url
        self.asked: list[tuple[str, int]] = []

    def instant(self, query: str, at: int) -> Result:
        """See ``PrometheusApi.instant``."""
        self.asked.append((query, at))
        return super().instant(query, at)

    def floor(self) -> float:
        """Seconds for the same requests by the bare client of Python, answers parsed and thrown away."""
        connection = HTTPConnection(urlsplit(self.url).netloc)
        began = time.perf_counter()
        for query, at in self.asked:
            connection.request("GET", f"/api/v1/query?{urlencode({'query': query, 'time': at / 1000})}")
            json.loads(connection.getresponse().read())
        seconds = time.perf_counter() - began
        connection.close()
        return seconds


def samples(size: int, job: str) -> Iterator[Series]:
    """An hour of minutely samples, of four series an objective; of ``SPREAD`` each scraped at a second of its own."""
    rng = np.random.default_rng(7)
    times = milliseconds(END) + 60_000 * np.arange(-LIVED, 1, dtype=np.int64)
    for place in range(size):
        scraped = times - 1_000 * int(rng.integers(60) if job == SPREAD else 10)
        for instance in range(INSTANCES):
            for code in CODES:
                values = np.cumsum(rng.poisson(150 if code == "200" else 0.02, len(times))).astype(np.float64)
                labels = labels_of(job=f"{job}{place}", instance=f"i{instance}", code=code)
                yield Series(labels, scraped, values, scraped)


@contextmanager
def fleet(folder: Path, size: int, window: timedelta, job: str) -> Iterator[Fleet]:
    file = folder / f"fleet-{job}-{size}-{window.days}.db"
    database = Database(create_store_engine(f"sqlite:///{file}"))
    metadata.create_all(database.engine)
    found = Fleet(size, window, job, SqlLedger(database), file)
    found.fill()
    yield found
    database.close()


def scale_tables(folder: Path) -> str:
    """Markdown."""
    most = max(SIZES)
    fleets = [*((size, LONG, AT_ONCE) for size in SIZES), (most, LONG, SPREAD), (100, SHORT, AT_ONCE)]
    lines = [
        "A pass a minute, 4 series an objective, scraped each minute, all at one second:\n",
        (
            "| objectives | window | requests | samples loaded | new samples | pass | processor | an objective "
            "| of its requests alone | sums of all windows |"
        ),
        "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    with (
        PrometheusServer(folder / "fleet", chain(samples(most, AT_ONCE), samples(most, SPREAD))) as server,
        proxied(server.url) as counted,
    ):
        for size, window, job in fleets:
            with fleet(folder, size, window, job) as one:
                lines.append(_measured(one, server.url, counted))
            if one.size == most:
                storage = _storage(one)
        lines.append(storage)
    return "\n".join(lines)


def _measured(one: Fleet, url: str, counted: str) -> str:
    api = Recorded(url)
    direct, through = PrometheusSource(api), PrometheusSource(PrometheusApi(counted))
    one.a_pass(1, direct)
    passes = [one.a_pass(2 + place, direct) for place in range(PASSES)]
    seconds, used = (median(each) for each in zip(*passes, strict=True))
    api.asked = api.asked[-len(api.asked) // (1 + PASSES) :]
    floor = median(api.floor() for _ in range(PASSES))
    bill_of(counted)
    one.a_pass(2 + PASSES, through)
    bill, summed = bill_of(counted), median(one.sums() for _ in range(SUMMED))
    direct.close()
    through.close()
    new = one.size * INSTANCES * len(CODES)
    spread = ", spread over the minute" if one.job == SPREAD else ""
    return (
        f"| {one.size:,}{spread} | {one.window.days} d | {bill['requests']:,} | {bill['samples']:,} | {new:,} "
        f"| {seconds:.3f} s | {used:.3f} s | {1000 * seconds / one.size:.2f} ms | {seconds / floor:.0f} × "
        f"| {1000 * summed:.1f} ms |"
    )


def _storage(one: Fleet) -> str:
    """What the ledgers take on disk, once they are closed."""
    stored = one.file.stat().st_size
    a_year = stored / one.size * timedelta(days=365) / one.window
    return (
        f"\nOn disk, 28 days of {one.size:,} objectives at 300 events a minute take {stored / 1e6:.0f} MB: "
        f"{a_year / 1e6:.2f} MB an objective and year."
    )
