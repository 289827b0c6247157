"""Many indicators in few requests: selectors that differ in one label's value become one; answers are dealt out.

``{job="a"}`` and ``{job="b"}`` of one metric become ``{job=~"a|b"}``. Whose a series is, its own ``job`` says: each
belongs to exactly one of them. A request begins where the earliest of them does, so where they are scraped at different
moments, the sample before the new one is loaded again.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gatekeeper.availability.filling import Stretch
from gatekeeper.availability.series import RawSeries
from gatekeeper.errors import QueryRefusedError
from gatekeeper.policy.selector import BareSelector, Matcher
from gatekeeper.sources.prometheus_api import PrometheusApi
from gatekeeper.sources.prometheus_counters import Counters

MOST_INDICATORS = 100
"""In one request: an answer of a few hundred kilobytes, and a short transaction for what comes of it."""
MOST_SERIES = 10_000
LONGEST = 4_000
"""Characters of all values: proxies refuse addresses of more than 8,000."""
BAND = 5_000
"""Milliseconds. Stretches that begin within one are read together: the later ones load so much twice at most."""

_PLAIN = re.compile(r"[\w.:/@-]+", re.ASCII)
"""Values that mean themselves in a regular expression, but for their dots."""

_Shape = tuple[str, tuple[BareSelector, ...]]
"""The label in which indicators differ, and what their selectors have in common."""


@dataclass(frozen=True)
class Member:
    """An indicator among those that are read together."""

    name: str
    counters: Counters
    stretch: Stretch
    value: str


def together(wanted: Mapping[str, tuple[Counters, Stretch]]) -> Iterator[tuple[str, Sequence[Member]]]:
    """(label, the indicators that differ in its value alone), cut to what one request should load.

    What has no label with a plain value is left out.
    """
    shapes = {name: _shapes(counters) for name, (counters, _) in wanted.items()}
    common = Counter(shape for some in shapes.values() for shape in some)
    groups: dict[_Shape, list[Member]] = defaultdict(list)
    for name, some in shapes.items():
        if some:
            shape = max(some, key=lambda one: (common[one], one[0]))
            groups[shape].append(Member(name, *wanted[name], some[shape]))
    for (label, _), members in groups.items():
        yield from ((label, part) for part in _parts(members))


def read(
    api: PrometheusApi, label: str, members: Sequence[Member], until: int
) -> Mapping[str, Sequence[RawSeries]]:
    """What each one's own reader would have read; without those whose reader would have refused what it found.

    Raises:
        SourceError, TooManySamplesError, QueryRefusedError: as ``PrometheusApi.instant``, for all of them.
    """
    after = min(one.stretch.after for one in members)
    width = max(until - after - 1, 1)  # as ``Counters.read``
    by_value: dict[str, list[Member]] = defaultdict(list)
    for one in members:
        by_value[one.value].append(one)
    found: dict[str, list[RawSeries]] = {one.name: [] for one in members}
    for place, request in enumerate(members[0].counters.requests):
        united = _united(request.selector, label, sorted(by_value))
        for item in api.instant(f"{united}[{width}ms]", until):
            for one in by_value[item["metric"][label]]:
                _deal(item, one, place, found)
    return found


def _deal(item: Mapping[str, Any], to: Member, place: int, found: dict[str, list[RawSeries]]) -> None:
    """Give one its series; if it is none that it can count, that is for its own reader to say."""
    try:
        series = to.counters.requests[place].series(item)
    except QueryRefusedError:
        found.pop(to.name, None)
        return
    if to.name in found:
        found[to.name] += _later(series, to.stretch.after)


def _shapes(counters: Counters) -> Mapping[_Shape, str]:
    """The ways in which this indicator may go together with others, and its value in each."""
    found = {}
    for matcher in counters.requests[0].selector.matchers:
        rest = [_without(request.selector, matcher) for request in counters.requests]
        if matcher.operator == "=" and _PLAIN.fullmatch(matcher.value) and None not in rest:
            found[matcher.name, tuple(one for one in rest if one is not None)] = matcher.value
    return found


def _without(selector: BareSelector, matcher: Matcher) -> BareSelector | None:
    """The selector without this condition; None if it has not this one, or others on the same label."""
    same = [one for one in selector.matchers if one.name == matcher.name]
    if same != [matcher]:
        return None
    return replace(selector, matchers=tuple(one for one in selector.matchers if one != matcher))


def _parts(members: Sequence[Member]) -> Iterator[Sequence[Member]]:
    part, room = list[Member](), _Room()
    for one in sorted(members, key=lambda one: (one.stretch.after, one.name)):
        if part and not room.takes(one):
            yield part
            part, room = [], _Room()
        part.append(one)
        room.fill(one)
    yield part


@dataclass
class _Room:
    """How full a request is."""

    begin: int | None = None
    indicators: int = 0
    series: int = 0
    length: int = 0

    def takes(self, one: Member) -> bool:
        return (
            (self.begin is None or one.stretch.after - self.begin <= BAND)
            and self.indicators < MOST_INDICATORS
            and self.series + one.stretch.series <= MOST_SERIES
            and self.length + len(one.value) <= LONGEST
        )

    def fill(self, one: Member) -> None:
        self.begin = one.stretch.after if self.begin is None else self.begin
        self.indicators += 1
        self.series += one.stretch.series
        self.length += len(one.value)


def _united(selector: BareSelector, label: str, values: Sequence[str]) -> BareSelector:
    others = tuple(one for one in selector.matchers if one.name != label)
    pattern = "|".join(value.replace(".", r"\.") for value in values)
    return replace(selector, matchers=tuple(sorted((*others, Matcher(label, "=~", pattern)))))


def _later(series: RawSeries, after: int) -> Sequence[RawSeries]:
    """The samples later than this, as a list of one or none."""
    new = series.times > after
    return [replace(series, times=series.times[new], values=series.values[new])] if new.any() else []
