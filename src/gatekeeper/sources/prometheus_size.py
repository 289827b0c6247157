"""Counters with too many samples to read each: how many there are, and the server's own count in their place."""

from collections.abc import Sequence
from dataclasses import dataclass

from gatekeeper.availability.filling import Critic, TooManySamplesError, Totals
from gatekeeper.availability.ledger import STEP, Slices
from gatekeeper.policy.selector import BareSelector, WindowQuery
from gatekeeper.sources.prometheus_api import PrometheusApi
from gatekeeper.sources.prometheus_counters import Request
from gatekeeper.sources.prometheus_windows import Windows

SETTING = "GATEKEEPER_PROMETHEUS_RAW_SAMPLES"
_LOOK, _DAY = 600, 86_400
_EVERY = _DAY // 4


def too_large(api: PrometheusApi, requests: Sequence[Request], stop: int, most: int) -> str | None:
    """Why these counters should not be read sample by sample; None if they may.

    The most samples of ten minutes are taken for those of the whole day: a few looks over the last day find a
    service that is down at the moment, and no look loads more samples than the series have in ten minutes.

    Args:
        api: of the server that has them.
        requests: what would be read.
        stop: one past the last slice of the day looked at.
        most: samples a day that may be read.

    Raises:
        SourceError, QueryRefusedError: as ``PrometheusApi.range``.
    """
    try:
        samples = sum(_samples(api, request.selector, (stop - 1) * STEP) for request in requests)
    except TooManySamplesError:
        return f"it has more samples than Prometheus counts at once, and {SETTING} allows {most:,} a day"
    if samples <= most:
        return None
    return f"it has about {samples:,} samples a day, and {SETTING} allows {most:,}"


def _samples(api: PrometheusApi, selector: BareSelector, until: int) -> int:
    """Samples a day."""
    query = f"sum(count_over_time({selector}[{_LOOK}s]))"
    answer = api.range(query, until - _DAY, until, _EVERY)
    counts = (float(value) for item in answer for _, value in item["values"])
    return round(max(counts, default=0.0) * _DAY / _LOOK)


def counted(selector: BareSelector) -> WindowQuery:
    """The growth of these counters, as the server counts it."""
    return WindowQuery(f"sum(increase({selector}[$window]))")


@dataclass(frozen=True)
class Criticised:
    """Slices of an indicator of which somebody else knows what may be wrong with it."""

    slices: Windows
    critic: Critic

    def read(self, first: int, stop: int) -> Slices:
        """See ``SliceReader.read``."""
        return self.slices.read(first, stop)

    def whole(self, first: int, stop: int) -> Totals | None:
        """See ``SliceReader.whole``."""
        return self.slices.whole(first, stop)

    def criticism(self, stop: int) -> str | None:
        """See ``Critic.criticism``."""
        return self.critic.criticism(stop)
