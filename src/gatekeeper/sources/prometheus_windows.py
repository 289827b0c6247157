"""Free queries as slices: approximate, because only the server sees the samples behind the answer."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import promql_parser
from promql_parser import MatchOp

from gatekeeper.availability.filling import Totals
from gatekeeper.availability.ledger import STEP, Counts, Flag, Slices
from gatekeeper.policy import promql
from gatekeeper.policy.selector import BareSelector, Matcher, WindowQuery
from gatekeeper.sources.prometheus_api import PrometheusApi, Result
from gatekeeper.sources.prometheus_flavour import Dialect

MOST_POINTS = 11_000
"""What Prometheus answers at most in one range query."""
DEFAULT_SCRAPE = 60
"""Seconds; used while no sample tells."""

_HOUR, _DAY = 3_600, 86_400
_OPERATORS = ((MatchOp.Equal, "="), (MatchOp.NotEqual, "!="), (MatchOp.Re, "=~"), (MatchOp.NotRe, "!~"))
_MISSED = 0.1  # a few failed scrapes in the hour looked at do not make the interval longer
_KNOWN = Flag.MEASURED | Flag.APPROXIMATE


@dataclass(frozen=True)
class Windows:
    """Slices by queries over a range of a slice each.

    Where increase() looks only at samples inside its range, the range is one scrape wider, so that neighbours share
    a sample, and the answer is scaled back.
    """

    api: PrometheusApi
    dialect: Dialect
    scrapes: "Scrapes"
    total: WindowQuery
    part: WindowQuery
    good: bool

    def read(self, first: int, stop: int) -> Slices:
        """See ``SliceReader.read``."""
        self.dialect.confirm()
        scrape = self._overlap(stop)
        stride = max(math.ceil(scrape / STEP - _MISSED), 1)
        total = self._slices(self.total, first, stop, scrape, stride)
        part = self._slices(self.part, first, stop, scrape, stride)
        known = ~np.isnan(total)
        if self.good:
            # No good series while there are events is an unanswered question, not an outage.
            known &= ~np.isnan(part) | (total == 0)
        result = Slices.unknown(first, stop - first)
        result.flags[known] = _KNOWN
        result.total[known] = total[known]
        part = np.nan_to_num(part)
        result.bad[known] = (total - part if self.good else part)[known]
        return result

    def whole(self, first: int, stop: int) -> Totals | None:
        """See ``SliceReader.whole``."""
        self.dialect.confirm()
        span, scrape = (stop - first) * STEP, self._overlap(stop)
        scale = span / (span + scrape)
        total = self._number(self.dialect.query(self.total, span + scrape), stop - 1)
        part = self._number(self.dialect.query(self.part, span + scrape), stop - 1)
        if total is None or (part is None and self.good):
            return None
        bad = total - (part or 0.0) if self.good else part or 0.0
        return Totals(total * scale, bad * scale)

    def _slices(self, query: WindowQuery, first: int, stop: int, scrape: int, stride: int) -> Counts:
        """A query's sum in each slice, NaN where it has no answer.

        Below two samples increase() is silent, so with scrapes further apart than slices are wide, a stride of
        slices is asked for at once, and each gets its share.
        """
        strides = np.arange((first - 1) // stride + 1, (stop - 1) // stride + 1)
        found = dict.fromkeys(strides.tolist(), np.nan)
        text = self.dialect.query(query, stride * STEP + scrape)
        share = stride * STEP / (stride * STEP + scrape) / stride
        for begin in range(0, len(strides), MOST_POINTS):
            asked = strides[begin : begin + MOST_POINTS] * stride * STEP
            for time, value in _points(self.api.range(text, int(asked[0]), int(asked[-1]), stride * STEP)):
                place = round(time / (stride * STEP))
                found[place] = float(np.nansum([found[place], value * share]))
        return np.array([found.get(-(-index // stride), np.nan) for index in range(first, stop)])

    def _number(self, query: str, index: int) -> float | None:
        answer = self.api.instant(query, index * STEP * 1000)
        values = [value for _, value in _points(answer)]
        return sum(values) if values else None

    def _overlap(self, stop: int) -> int:
        """Seconds by which a range must reach into its neighbour: a scrape, or nothing."""
        if not self.dialect.overlaps:
            return 0
        return self.scrapes.shortest((self.total, self.part), (stop - 1) * STEP)


class Scrapes:
    """Scrape intervals of the counters that queries are made of, looked up once a counter and day."""

    def __init__(self, api: PrometheusApi) -> None:
        self._api = api
        self._found: dict[str, tuple[int, int]] = {}

    def shortest(self, queries: tuple[WindowQuery, ...], at: int) -> int:
        """The shortest among these queries' counters, in seconds, at a Unix time in seconds."""
        counters = sorted({counter for query in queries for counter in counters_in(query)})
        known = [found for counter in counters if (found := self._of(counter, at)) is not None]
        return min(known, default=DEFAULT_SCRAPE)

    def _of(self, counter: str, at: int) -> int | None:
        day, scrape = self._found.get(counter, (-1, 0))
        if day == at // _DAY:
            return scrape
        # A millisecond short of an hour never holds a sample at both of its ends.
        answer = self._api.instant(f"max(count_over_time({counter}[{_HOUR * 1000 - 1}ms]))", at * 1000)
        most = max((value for _, value in _points(answer)), default=0.0)
        if not most:
            return None
        self._found[counter] = at // _DAY, round(_HOUR / most)
        return self._found[counter][1]


def counters_in(query: WindowQuery) -> Iterator[str]:
    """The selectors that a query counts over, as PromQL."""
    return _selectors(promql.parse(query.at(STEP)))


def _selectors(tree: Any) -> Iterator[str]:
    if isinstance(tree, promql_parser.VectorSelector):
        yield str(BareSelector(tree.name or "", tuple(sorted(map(_matcher, tree.matchers.matchers)))))
        return
    for part in promql.parts(tree):
        yield from _selectors(part)


def _matcher(matcher: Any) -> Matcher:
    operator = next(text for kind, text in _OPERATORS if matcher.op == kind)
    return Matcher(matcher.name, operator, matcher.value)


def _points(answer: Result) -> Iterator[tuple[float, float]]:
    """(Unix seconds, value) of every finite point of every series."""
    for item in answer:
        for time, text in item["values"] if "values" in item else [item["value"]]:
            if np.isfinite(value := float(text)):
                yield float(time), value
