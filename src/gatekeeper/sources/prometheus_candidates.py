"""What a Prometheus has that could be promised: counters of requests with a result, counters of errors, ``up``."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from gatekeeper.availability.filling import TooManySamplesError
from gatekeeper.errors import QueryRefusedError
from gatekeeper.policy.first import Candidate
from gatekeeper.policy.foreign.block import name_of
from gatekeeper.policy.promql import quote
from gatekeeper.sources.prometheus_api import PrometheusApi

REACH = timedelta(days=1)
_DAY = int(REACH.total_seconds())
_MOST_METRICS = 40
"""As many names are looked at: the likeliest, of what may be tens of thousands."""

_REQUESTS = re.compile(
    r"(?:^|_)(?:requests?|responses?|handled|calls?|queries|operations)(?:_.*)?_(?:total|count)$"
)
_FAILED = re.compile(r"_(errors?|failures?|failed|exceptions)_total$")
_OURSELVES = re.compile(r"^(?:go|process|python|promhttp|prometheus|net_conntrack|scrape|gatekeeper)_")
_CODES = (
    "code",
    "status",
    "status_code",
    "http_status",
    "http_status_code",
    "response_code",
    "http_response_status_code",
)
_GRPC = "grpc_code"
_GRPC_BAD = "Unknown|DeadlineExceeded|Unimplemented|Internal|Unavailable|DataLoss"
_RESULTS = ("result", "outcome", "status")
_BAD_RESULT = re.compile(r"(?:error|errors|failure|failed|fail|exception|server_error)", re.IGNORECASE)
_WHOSE = ("job", "service", "app")

Labels = Mapping[str, str]


def candidates(api: PrometheusApi, now: datetime) -> list[Candidate]:
    """What could be counted, the best first: most events, and only where there are none, whether it is up.

    Raises:
        SourceError: the server did not answer.
    """
    names = [one for one in api.label_values("__name__") if not _OURSELVES.match(one)]
    likely = sorted((one for one in names if _REQUESTS.search(one)), key=lambda one: (len(one), one))
    found = [*_by_result(api, likely[:_MOST_METRICS], now), *_by_pair(api, names, now)]
    counted = [one for one in found if (one.events or 0) > 0]
    best = sorted(counted, key=lambda one: (-one.events, one.service, one.queries["total"]))
    known = {one.service for one in best}
    return best + [one for one in _up(api, now) if one.service not in known]


def _by_result(api: PrometheusApi, names: Iterable[str], now: datetime) -> Iterator[Candidate]:
    """Counters that tell failures by a label."""
    for name in names:
        for whose, series in _groups(_series(api, name, now)):
            condition = _failing(series)
            if condition is not None:
                total = _selector(name, whose)
                queries = {"bad": _selector(name, whose, condition), "total": total}
                why = f"{name}, of which {condition} are failures"
                yield Candidate(_name(whose, name), queries, why, _events(api, total, now))


def _by_pair(api: PrometheusApi, names: Sequence[str], now: datetime) -> Iterator[Candidate]:
    """Counters of failures beside a counter of all."""
    known = set(names)
    for failed in sorted(one for one in names if _FAILED.search(one))[:_MOST_METRICS]:
        stem = _FAILED.sub("", failed)
        for total in (f"{stem}_total", f"{stem}_requests_total", f"{stem}s_total"):
            if total in known and total != failed:
                yield from _pairs(api, failed, total, now)
                break


def _pairs(api: PrometheusApi, failed: str, total: str, now: datetime) -> Iterator[Candidate]:
    for whose, _ in _groups(_series(api, total, now)):
        queries = {"bad": _selector(failed, whose), "total": _selector(total, whose)}
        why = f"{failed} among {total}"
        yield Candidate(_name(whose, total), queries, why, _events(api, queries["total"], now))


def _up(api: PrometheusApi, now: datetime) -> Iterator[Candidate]:
    """Whether it can be scraped: not what users meet, and better than nothing."""
    for whose, _ in _groups(_series(api, "up", now)):
        if whose is not None:
            why = "whether it can be scraped, since no counter of requests was found"
            yield Candidate(_name(whose, "up"), {"up": _selector("up", whose)}, why)


def _series(api: PrometheusApi, name: str, now: datetime) -> Sequence[Labels]:
    try:
        return api.series(name, int((now - REACH).timestamp()), int(now.timestamp()))
    except (TooManySamplesError, QueryRefusedError):
        return []  # so many series are those of many services; they can be named by hand


def _groups(series: Iterable[Labels]) -> Iterator[tuple[tuple[str, str] | None, list[Labels]]]:
    """Series by the label that says whose they are."""
    found: dict[tuple[str, str] | None, list[Labels]] = defaultdict(list)
    for one in series:
        label = next((label for label in _WHOSE if one.get(label)), None)
        found[(label, one[label]) if label is not None else None].append(one)
    yield from sorted(found.items(), key=lambda item: item[0] or ("", ""))


def _failing(series: Sequence[Labels]) -> str | None:
    """The condition that finds failures, by the labels that there are; None if none does."""
    for label in _CODES:
        if any(re.fullmatch(r"[1-5]\d\d", one.get(label, "")) for one in series):
            return f'{label}=~"5.."'
        if any(re.fullmatch(r"[1-5]xx", one.get(label, "")) for one in series):
            return f'{label}="5xx"'
    if any(_GRPC in one for one in series):
        return f'{_GRPC}=~"{_GRPC_BAD}"'
    for label in _RESULTS:
        for value in sorted({one[label] for one in series if label in one}):
            if _BAD_RESULT.fullmatch(value):
                return f"{label}={quote(value)}"
    return None


def _selector(name: str, whose: tuple[str, str] | None, condition: str = "") -> str:
    parts = ([f"{whose[0]}={quote(whose[1])}"] if whose is not None else []) + (
        [condition] if condition else []
    )
    return f"{name}{{{','.join(parts)}}}" if parts else name


def _name(whose: tuple[str, str] | None, metric: str) -> str:
    text = whose[1].rsplit("/", 1)[-1] if whose is not None else metric.split("_", 1)[0]
    return name_of(text) or "service"


def _events(api: PrometheusApi, selector: str, now: datetime) -> float:
    try:
        answer = api.instant(f"sum(increase({selector}[{_DAY}s]))", int(now.timestamp() * 1000))
    except QueryRefusedError:
        return 0.0
    return float(answer[0]["value"][1]) if answer else 0.0
