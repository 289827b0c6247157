"""What an indicator's query is: a bare counter selector, or any query that names ``$window``."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any

import promql_parser
from promql_parser import MatchOp

from gatekeeper.policy import promql
from gatekeeper.policy.mistake import MistakeError
from gatekeeper.policy.regex import portable

_NAME = "__name__"
_PLAIN_NAME = re.compile(r"[A-Za-z_:][A-Za-z0-9_:]*", re.ASCII)
_PLAIN_LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_RESERVED = re.compile(
    r"(?i:and|or|unless|atan2|by|without|on|ignoring|group_left|group_right|bool|offset|start|end|inf|nan|sum|avg"
    r"|count|min|max|group|stddev|stdvar|topk|bottomk|count_values|quantile|limitk|limit_ratio)"
)
_WINDOW = re.compile(r"\$window\b")
_WHOLE_RANGE = re.compile(r"\[\s*\$window\s*\]")
_WINDOW_RANGE = re.compile(r"\[\s*\$window\s*[\]:]")
_FIXED_RANGE = re.compile(r"\[\s*(?:\d+(?:ms|[smhdwy]))+\s*(?=[\]:])")
_FOREIGN_WINDOW = re.compile(r"\$__\w+|\$\{\w+\}|\{\{\s*\.window\s*\}\}|\[window\]")
_PER_SECOND = frozenset({"rate", "irate", "deriv"})
_RATE = re.compile(rf"\b(?:{'|'.join(sorted(_PER_SECOND))})(?=\s*\()")
_COUNTING = frozenset({"increase", "delta", "changes", "resets", "count_over_time", "sum_over_time"})
"""What these find in two ranges adds up to what they find in both together."""
_TELLING = 100_003
"""Seconds that nobody writes: by them the ranges that were ``$window`` are known."""
_OPERATORS = ((MatchOp.Equal, "="), (MatchOp.NotEqual, "!="), (MatchOp.Re, "=~"), (MatchOp.NotRe, "!~"))
_ADVICE = "write a bare counter, or put $window where its range belongs: sum(increase(http_requests_total[$window]))"


@dataclass(frozen=True, order=True)
class Matcher:
    """One condition on a label: ``code=~"5.."``. A label a series does not have counts as empty."""

    name: str
    operator: str
    value: str

    @property
    def portable(self) -> bool:
        """Whether ``matches`` can tell: the regular expression means the same here as in Prometheus."""
        return "~" not in self.operator or portable(self.value) is not None

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether a series with these labels meets the condition, as Prometheus judges it (fully anchored).

        Raises:
            MistakeError: the condition is not portable.
        """
        value = labels.get(self.name, "")
        if "~" not in self.operator:
            return (value == self.value) is (self.operator == "=")
        pattern = portable(self.value)
        if pattern is None:
            raise MistakeError(f"{self} can only be judged by Prometheus")
        return (pattern.fullmatch(value) is not None) is (self.operator == "=~")

    def __str__(self) -> str:
        name = self.name if _PLAIN_LABEL.fullmatch(self.name) else promql.quote(self.name)
        return f"{name}{self.operator}{promql.quote(self.value)}"


@dataclass(frozen=True)
class BareSelector:
    """A counter as it is: ``http_requests_total{job="checkout"}``. Its text is the same however it was written.

    Attributes:
        metric: the metric's name, or empty where only matchers on ``__name__`` choose it.
        matchers: sorted, each once, without the one that says the metric's name.
    """

    metric: str
    matchers: tuple[Matcher, ...] = ()

    def narrows(self, other: "BareSelector") -> tuple[Matcher, ...] | None:
        """What must hold of a series of ``other`` for it to be one of this selector's too.

        None if this selector is not a part of ``other`` by the looks of it, or if only Prometheus can tell:
        then the two have to be asked for separately.
        """
        if self.metric != other.metric or not set(other.matchers) <= set(self.matchers):
            return None
        extra = tuple(matcher for matcher in self.matchers if matcher not in other.matchers)
        return extra if all(matcher.portable for matcher in extra) else None

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether a series with these labels, ``__name__`` among them, is selected.

        Raises:
            MistakeError: a condition is not portable.
        """
        if self.metric and labels.get(_NAME, "") != self.metric:
            return False
        return all(matcher.matches(labels) for matcher in self.matchers)

    def __str__(self) -> str:
        plain = _PLAIN_NAME.fullmatch(self.metric) and not _RESERVED.fullmatch(self.metric)
        named = (Matcher(_NAME, "=", self.metric),) if self.metric and not plain else ()
        conditions = ",".join(map(str, named + self.matchers))
        name = self.metric if plain else ""
        return f"{name}{{{conditions}}}" if conditions else name


@dataclass(frozen=True)
class WindowQuery:
    """A query that counts events over a range it is told: every ``$window`` in it is replaced."""

    text: str

    def at(self, seconds: int, modifier: str = "") -> str:
        """The query over the last so many seconds.

        Args:
            seconds: the length of each range.
            modifier: what follows each range that is exactly ``$window``, for servers that have some.

        Raises:
            ValueError: the range is not positive.
        """
        if seconds <= 0:
            raise ValueError(f"a range of {seconds} s")
        text = _WHOLE_RANGE.sub(rf"\g<0>{modifier}", self.text) if modifier else self.text
        return _WINDOW.sub(f"{seconds}s", text)

    def __str__(self) -> str:
        return self.text


@lru_cache(maxsize=16_384)  # two or three queries an objective, each pass anew
def classify(query: str) -> BareSelector | WindowQuery:
    """Tell a bare selector from a query with ``$window``.

    Raises:
        MistakeError: it is neither, or no PromQL.
    """
    text = query.strip()
    if _WINDOW.search(text):
        return _window_query(text)
    if match := _FOREIGN_WINDOW.search(text):
        raise MistakeError(f"{match[0]} is not known here", "write $window: [$window]")
    tree = promql.parse(text)
    while isinstance(tree, promql_parser.ParenExpr):
        tree = tree.expr
    if not isinstance(tree, promql_parser.VectorSelector):
        raise _no_selector(text, tree)
    return _bare(tree)


@lru_cache(maxsize=16_384)  # two or three queries an objective, each pass anew
def gauge(query: str) -> BareSelector | str:
    """A query that has a value at any instant: a bare gauge, or another expression as it is.

    Raises:
        MistakeError: it has a range of its own, or ``$window``, or is no PromQL.
    """
    text = query.strip()
    if _WINDOW.search(text):
        raise MistakeError(
            "this is asked once a minute, not over a window", "write [1m] instead of [$window]"
        )
    tree = promql.parse(text)
    while isinstance(tree, promql_parser.ParenExpr):
        tree = tree.expr
    if isinstance(tree, promql_parser.MatrixSelector | promql_parser.SubqueryExpr):
        raise MistakeError(f"{text} gives a list of samples, no number", "write it without its range")
    if isinstance(tree, promql_parser.NumberLiteral | promql_parser.StringLiteral):
        raise MistakeError(f"{text} is a constant, no measurement", 'write up{job="checkout"}, for example')
    return _bare(tree) if isinstance(tree, promql_parser.VectorSelector) else text


def _window_query(text: str) -> WindowQuery:
    query = WindowQuery(text)
    tree = promql.parse(query.at(_TELLING))
    if not _WINDOW_RANGE.search(text):
        raise MistakeError("$window is not used as a range", _ADVICE)
    if isinstance(tree, promql_parser.MatrixSelector | promql_parser.SubqueryExpr):
        bare = _WINDOW_RANGE.split(text)[0].strip()
        raise MistakeError(f"{text} gives a list of samples, no number", f"write {bare}")
    if (function := next(_uncounting(tree), None)) is not None:
        raise _no_count(text, function)
    if _is_share(tree):
        raise _share()
    return query


def _uncounting(tree: Any) -> Iterator[str]:
    """The functions over ``$window`` whose result does not add up: over an hour it is not that of its minutes."""
    if isinstance(tree, promql_parser.Call) and tree.func.name not in _COUNTING:
        ranges = (getattr(one, "range", None) for one in tree.args)
        yield from (tree.func.name for one in ranges if one == timedelta(seconds=_TELLING))
    for part in promql.parts(tree):
        yield from _uncounting(part)


def _is_share(tree: Any) -> bool:
    """Whether a query divides one count by another, beside constants: over an hour it is not that of its minutes."""
    if isinstance(tree, promql_parser.ParenExpr):
        return _is_share(tree.expr)
    if not isinstance(tree, promql_parser.BinaryExpr):
        return False
    sides = [one for one in (tree.lhs, tree.rhs) if not isinstance(one, promql_parser.NumberLiteral)]
    if len(sides) == 1:
        return _is_share(sides[0])
    return str(tree.op) == "/"


def _share() -> MistakeError:
    return MistakeError(
        "this is a share, and a budget counts events",
        "write what is above the / as bad or good, and what is below it as total",
    )


def _no_count(text: str, function: str) -> MistakeError:
    what = "events per second" if function in _PER_SECOND else "no number of events"
    named = _RATE.sub("increase", text)
    return MistakeError(
        f"{function}(…) over $window is {what}, and a budget counts events",
        f"write {named}" if function in _PER_SECOND else _ADVICE,
    )


def _no_selector(text: str, tree: Any) -> MistakeError:
    """The mistake of a query that is no selector and has no ``$window``."""
    if isinstance(tree, promql_parser.MatrixSelector | promql_parser.SubqueryExpr):
        return MistakeError("a bare counter takes no range", f"write {_FIXED_RANGE.split(text)[0].strip()}")
    if isinstance(tree, promql_parser.NumberLiteral | promql_parser.StringLiteral):
        return MistakeError(f"{text} is a constant, no count of events", _ADVICE)
    if _is_share(tree):
        return _share()
    ranged = _RATE.sub("increase", _FIXED_RANGE.sub("[$window", text))
    return MistakeError(
        "this is an expression without $window", f"write {ranged}" if ranged != text else _ADVICE
    )


def _bare(tree: Any) -> BareSelector:
    if tree.offset is not None or tree.at is not None:
        raise MistakeError(
            "a bare counter takes no offset and no @", f"write {tree.name or 'the counter'} alone"
        )
    if tree.matchers.or_matchers:
        raise MistakeError(
            '"or" between matchers is not supported', 'write one regular expression: code=~"500|503"'
        )
    found = {_matcher(matcher) for matcher in tree.matchers.matchers}
    names = sorted(matcher for matcher in found if matcher.name == _NAME)
    if not tree.name and not any(matcher.operator in {"=", "=~"} for matcher in names):
        raise MistakeError("this names no metric", "put the counter's name before the braces")
    fixed = [matcher for matcher in names if matcher.operator == "="][:1] if not tree.name else []
    metric = tree.name or (fixed[0].value if fixed else "")
    return BareSelector(metric, tuple(sorted(found - set(fixed))))


def _matcher(matcher: Any) -> Matcher:
    operator = next(text for operator, text in _OPERATORS if matcher.op == operator)
    return Matcher(matcher.name, operator, matcher.value)
