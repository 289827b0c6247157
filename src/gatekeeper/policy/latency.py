"""A histogram as two counts: the events that took no longer than a bound, and all of them."""

from decimal import Decimal

from gatekeeper.policy.mistake import MistakeError
from gatekeeper.policy.selector import BareSelector, Matcher, classify

SUFFIXES = ("_bucket", "_count", "_sum")
_IN_MILLISECONDS = ("_milliseconds", "_ms")


def histogram(query: str) -> BareSelector:
    """The selector of a histogram, by the name its metrics begin with.

    Raises:
        MistakeError: it is no bare selector, names one of its metrics, or chooses buckets.
    """
    found = classify(query)
    if not isinstance(found, BareSelector) or not found.metric:
        raise MistakeError(
            "a histogram is named, not computed", "write http_request_duration_seconds, for example"
        )
    for suffix in SUFFIXES:
        if found.metric.endswith(suffix):
            raise MistakeError(
                f"{found.metric} is one of a histogram's metrics",
                f"write {found.metric.removesuffix(suffix)}",
            )
    if any(one.name == "le" for one in found.matchers):
        raise MistakeError("the bucket is chosen by below", "remove the condition on le")
    return found


def bound(found: BareSelector, below: Decimal) -> Decimal:
    """The bucket's upper bound in the histogram's own unit: seconds, or milliseconds where its name says so."""
    return below * 1000 if found.metric.endswith(_IN_MILLISECONDS) else below


def buckets(found: BareSelector) -> BareSelector:
    """All of a histogram's buckets."""
    return BareSelector(f"{found.metric}_bucket", found.matchers)


def good(found: BareSelector, below: Decimal) -> BareSelector:
    """The counter of events that took no longer: an exporter may write a bound of 1 as 1.0."""
    text = f"{bound(found, below).normalize():f}"
    le = Matcher("le", "=", text) if "." in text else Matcher("le", "=~", f"{text}(\\.0)?")
    return BareSelector(f"{found.metric}_bucket", tuple(sorted((*found.matchers, le))))


def native_good(found: BareSelector, below: Decimal) -> str:
    """A native histogram's events that took no longer, as a query: what is counted, for people to ask."""
    return f"histogram_fraction(-Inf, {bound(found, below).normalize():f}, {found}) * {native_total(found)}"


def native_total(found: BareSelector) -> str:
    """All events of a native histogram, as a query."""
    return f"histogram_count({found})"


def total(found: BareSelector) -> BareSelector:
    """The counter of all events."""
    return BareSelector(f"{found.metric}_count", found.matchers)
