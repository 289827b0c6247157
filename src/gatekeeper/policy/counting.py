"""Where an indicator's events are counted: two queries, and what they must have in common."""

from dataclasses import dataclass
from decimal import Decimal

from gatekeeper.policy import latency
from gatekeeper.policy.mistake import MissingKeyError, MistakeError
from gatekeeper.policy.selector import BareSelector, classify


@dataclass(frozen=True)
class EventQueries:
    """All events and a part of them, as queries: the good ones, or the bad ones."""

    total: str
    part: str
    good: bool


def by_histogram(histogram: str, below: Decimal, *, native: bool) -> EventQueries:
    """Requests, and those that took no longer than so many seconds.

    Raises:
        MistakeError: there is no such histogram by its name.
    """
    found = latency.histogram(histogram)
    if native:
        return EventQueries(latency.native_total(found), latency.native_good(found, below), good=True)
    return EventQueries(str(latency.total(found)), str(latency.good(found, below)), good=True)


def by_counters(good: str | None, bad: str | None, total: str | None) -> EventQueries:
    """Good or bad events, and all of them.

    Raises:
        MistakeError: one is missing or too many, or they do not fit together.
    """
    if total is None:
        raise MissingKeyError("total", 'http_requests_total{job="checkout"}')
    if bool(good) == bool(bad):
        raise MistakeError(
            "good and bad are both given" if good else "neither good nor bad events are given",
            "keep bad, remove good" if good else 'add bad: http_requests_total{code=~"5.."}, for example',
            at=("good",) if good else (),
        )
    part, whole, name = bad or good or "", classify(total), "bad" if bad else "good"
    if (found := classify(part)) == whole:
        raise MistakeError(f"{name} and total count the same events", f"narrow {name} by a label", at=(name,))
    if isinstance(found, BareSelector) is not isinstance(whole, BareSelector):
        mixed, where = (found, name) if isinstance(found, BareSelector) else (whole, "total")
        raise MistakeError(
            "one query is a bare counter and the other has $window",
            f"write sum(increase({mixed}[$window]))",
            at=(where,),
        )
    return EventQueries(total, part, good=bad is None)
