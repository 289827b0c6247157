"""A sample history: the request counters of a shop's services, made as time passes and never changed afterwards.

Traffic goes up and down with the day; a few requests always fail; in an outage many do. Everything follows from the
seed and from when outages begin and end, however often and in whatever steps it is read.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt

METRIC = "http_requests_total"
SCRAPE_S = 60
"""Seconds between two samples of a counter."""
GOOD, BAD = "200", "500"

_DAY_S = 86_400

Counts = npt.NDArray[np.float64]
Instants = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Outage:
    """A stretch in which a share of the requests fails; ``end`` is None while it lasts."""

    begin: datetime
    end: datetime | None
    share: float


@dataclass(frozen=True)
class Workload:
    """A service as its users load it.

    Attributes:
        name: the ``job`` label of its counters.
        per_minute: requests, on the average of a day.
        errors: the share that fails on any day.
        instances: processes, each with counters of its own.
        swing: how far traffic goes up and down in a day, as a share of the average.
        outages: what went wrong before the demo began, in order of time.
    """

    name: str
    per_minute: float
    errors: float
    instances: int = 1
    swing: float = 0.5
    outages: tuple[Outage, ...] = ()


@dataclass(frozen=True, eq=False)
class Counter:
    """Samples of one counter, oldest first; times are Unix milliseconds."""

    labels: tuple[tuple[str, str], ...]
    times: Instants
    values: Counts


class History:
    """Every counter from ``begin`` to any later instant.

    Args:
        workloads: who is counted.
        begin: of the first sample.
        busiest: an instant at whose time of day there is most traffic.
        seed: of all chance.
    """

    def __init__(
        self, workloads: Sequence[Workload], begin: datetime, *, busiest: datetime, seed: int = 28
    ) -> None:
        self._begin_s = int(begin.timestamp()) // SCRAPE_S * SCRAPE_S
        self._busiest_s = int(busiest.timestamp())
        self._lock = threading.Lock()
        self._outages = {one.name: one.outages for one in workloads}
        self._processes = [
            _Process(one, place, seed=(seed, at, place))
            for at, one in enumerate(workloads)
            for place in range(one.instances)
        ]

    def fail(self, name: str, share: float, at: datetime) -> None:
        """Let a share of a service's requests fail from ``at`` on, which must not be past. Twice is once."""
        with self._lock:
            if not _lasts(self._outages[name]):
                self._outages[name] += (Outage(at, None, share),)

    def recover(self, name: str, at: datetime) -> None:
        """End a service's outage at ``at``, which must not be past. Twice is once."""
        with self._lock:
            if _lasts(self._outages[name]):
                *before, last = self._outages[name]
                self._outages[name] = (*before, replace(last, end=at))

    def failing(self, name: str) -> bool:
        """Whether an outage lasts."""
        with self._lock:
            return _lasts(self._outages[name])

    def counters(self, until: datetime) -> list[Counter]:
        """Every counter's samples up to and including ``until``, in the order of their labels."""
        with self._lock:
            found = [one for process in self._processes for one in self._read(process, until)]
        return sorted(found, key=lambda one: one.labels)

    def _read(self, process: "_Process", until: datetime) -> list[Counter]:
        first_s = self._begin_s + process.offset_s
        count = max((int(until.timestamp()) - first_s) // SCRAPE_S + 1, 0)
        ends = first_s + SCRAPE_S * np.arange(process.made, max(count, process.made))
        rhythm = np.cos((ends - self._busiest_s) * (2 * np.pi / _DAY_S))
        process.extend(rhythm, _failing_share(ends, self._outages[process.name]))
        times = (first_s + SCRAPE_S * np.arange(count, dtype=np.int64)) * 1000
        return process.counters(times)


class _Process:
    """One instance and its counters, as far as they are made."""

    def __init__(self, workload: Workload, place: int, *, seed: tuple[int, ...]) -> None:
        self.name = workload.name
        self.offset_s = 7 + 11 * place  # each target is scraped at a moment of its own
        self._workload = workload
        self._instance = f"{workload.name}-{place}:8080"
        # One stream each, so that the numbers do not depend on the steps in which they are drawn.
        self._chance = {code: np.random.default_rng((*seed, int(code))) for code in (GOOD, BAD)}
        self._values = {code: np.zeros(1) for code in (GOOD, BAD)}

    @property
    def made(self) -> int:
        """How many samples there are."""
        return len(self._values[GOOD]) - 1

    def extend(self, rhythm: Counts, failing: Counts) -> None:
        """Count on: a sample for each of these minutes' rhythm (-1 to 1) and failing share."""
        requests = self._workload.per_minute / self._workload.instances * (1 + self._workload.swing * rhythm)
        share = 1 - (1 - self._workload.errors) * (1 - failing)
        for code, expected in ((GOOD, requests * (1 - share)), (BAD, requests * share)):
            before = self._values[code]
            gained = np.cumsum(self._chance[code].poisson(expected))
            self._values[code] = np.concatenate([before, before[-1] + gained])

    def counters(self, times: Instants) -> list[Counter]:
        """The samples at these times, from the first on."""
        return [
            Counter(
                (
                    ("__name__", METRIC),
                    ("code", code),
                    ("instance", self._instance),
                    ("job", self.name),
                ),
                times,
                values[1 : len(times) + 1],
            )
            for code, values in self._values.items()
        ]


def _lasts(outages: Sequence[Outage]) -> bool:
    return bool(outages) and outages[-1].end is None


def _failing_share(ends: npt.NDArray[np.int64], outages: Sequence[Outage]) -> Counts:
    """The share of requests that outages let fail in each of the minutes with these ends, in Unix seconds."""
    share = np.zeros(len(ends))
    for one in outages:
        stop = np.inf if one.end is None else one.end.timestamp()
        overlap = np.minimum(ends, stop) - np.maximum(ends - SCRAPE_S, one.begin.timestamp())
        share += one.share * np.clip(overlap / SCRAPE_S, 0, 1)
    return share


def at_ago(present: datetime, ago: timedelta, minutes: float, share: float) -> Outage:
    """An outage that began so long before the present and lasted so many minutes."""
    begin = present - ago
    return Outage(begin, begin + timedelta(minutes=minutes), share)
