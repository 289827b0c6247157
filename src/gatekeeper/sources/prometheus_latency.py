"""Latency by a classic histogram: two bare counters, and a look at which buckets there are."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from gatekeeper.availability.filling import CounterReader
from gatekeeper.availability.ledger import STEP
from gatekeeper.availability.series import RawSeries
from gatekeeper.policy import latency
from gatekeeper.policy.selector import BareSelector
from gatekeeper.policy.units import write_delay
from gatekeeper.sources.prometheus_api import PrometheusApi

_DAY = 86_400


@dataclass(frozen=True)
class LatencyCounters:
    """The counters of a histogram, read as any others; it knows when the bucket asked for does not exist."""

    api: PrometheusApi
    counters: CounterReader
    histogram: BareSelector
    below: Decimal

    def read(self, after: int, until: int) -> Sequence[RawSeries]:
        """See ``CounterReader.read``."""
        return self.counters.read(after, until)

    def criticism(self, stop: int) -> str | None:
        """See ``Critic.criticism``: the bucket asked for was not there in the last day, and which ones are near."""
        buckets = latency.buckets(self.histogram)
        answer = self.api.instant(
            f"count by (le) (count_over_time({buckets}[{_DAY}s]))", (stop - 1) * STEP * 1000
        )
        bounds = sorted(
            {bound for item in answer if (bound := _bound(item["metric"].get("le", ""))) is not None}
        )
        wanted = latency.bound(self.histogram, self.below)
        if wanted in bounds:
            return None
        if not bounds:
            return self._without_buckets(buckets, stop)
        unit = self.below / wanted
        near = sorted(sorted(bounds, key=lambda bound: abs(bound - wanted))[:2])
        told = " or ".join(write_delay(bound * unit) for bound in near)
        return f"{self.histogram} has no bucket that ends at {write_delay(self.below)}; write below: {told}"

    def _without_buckets(self, buckets: BareSelector, stop: int) -> str:
        native = f"count(count_over_time({self.histogram}[{_DAY}s]))"
        if self.api.instant(native, (stop - 1) * STEP * 1000):
            return f"{self.histogram} is a native histogram: add buckets: native"
        return f"no buckets were found: {buckets}"


def _bound(text: str) -> Decimal | None:
    try:
        bound = Decimal(text)
    except InvalidOperation:
        return None
    return bound if bound.is_finite() and bound > 0 else None
