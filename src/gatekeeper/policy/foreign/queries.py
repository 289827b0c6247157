"""Other tools' queries as ours: counters where they can be seen in them, else over ``$window``."""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import promql_parser

from gatekeeper.policy import promql
from gatekeeper.policy.mistake import MistakeError
from gatekeeper.policy.selector import BareSelector, classify

_PLACEHOLDER = re.compile(r"\{\{-?\s*\.window\s*-?\}\}|\$\{window\}|(?<=\[)window(?=\])")
_STAND_IN = timedelta(seconds=100_003)
_STANDS = "100003s"
_RATE = re.compile(r"\brate(?=\s*\()")
_GROWTH = frozenset({"rate", "increase"})


@dataclass(frozen=True)
class Counts:
    """All events and a part of them: the good ones, or the bad ones."""

    part: str
    total: str
    good: bool


def counts(part: str, total: str, *, good: bool) -> Counts:
    """Two queries as ours, both of one kind.

    A sum of rates of one counter is that counter: a ledger counts it from its samples, which is exact. What is not
    that keeps its form over ``$window``, with ``increase`` for ``rate``: a budget counts events. ``total - good`` as
    the bad ones is told as the good ones.
    """
    whole, some = counter(total), counter(part)
    if whole is not None and some is None and (rest := _rest(part, whole)) is not None:
        return Counts(rest, whole, not good)
    if whole is not None and some is not None:
        return Counts(some, whole, good)
    return Counts(_over_window(part), _over_window(total), good)


def ratio(query: str) -> Counts | None:
    """A share of counters (``bad / total``, or ``1 - good / total``) as counts; None where it is something else.

    Its part is told as bad, as in an error ratio; the caller knows which it is.
    """
    tree = _tree(query)
    if _is(tree, "-") and isinstance(tree.lhs, promql_parser.NumberLiteral) and tree.lhs.val == 1:
        found = _divided(_bare(tree.rhs))
        return None if found is None else Counts(found.part, found.total, good=True)
    return _divided(tree)


def _divided(tree: Any) -> Counts | None:
    if not _is(tree, "/"):
        return None
    part, total = _counter(tree.lhs), _counter(tree.rhs)
    return None if part is None or total is None else Counts(part, total, good=False)


def counter(query: str) -> str | None:
    """The counter that a query adds up, None where it is another query."""
    tree = _tree(query)
    return None if tree is None else _counter(tree)


def _tree(query: str) -> Any:
    try:
        return _bare(promql.parse(_PLACEHOLDER.sub(_STANDS, query.strip())))
    except MistakeError:
        return None  # said of the query as it is, at its place


def _counter(tree: Any) -> str | None:
    tree = _bare(tree)
    if isinstance(tree, promql_parser.AggregateExpr) and str(tree.op) == "sum" and tree.modifier is None:
        tree = _bare(tree.expr)
    if isinstance(tree, promql_parser.Call) and tree.func.name in _GROWTH:
        tree = tree.args[0]
    if isinstance(tree, promql_parser.MatrixSelector):
        tree = tree.vector_selector
    if not isinstance(tree, promql_parser.VectorSelector):
        return None
    try:
        found = classify(tree.prettify())
    except MistakeError:
        return None
    return str(found) if isinstance(found, BareSelector) else None


def _rest(part: str, total: str) -> str | None:
    """What is taken from the total, where a part is all but that."""
    tree = _tree(part)
    return _counter(tree.rhs) if _is(tree, "-") and _counter(tree.lhs) == total else None


def _is(tree: Any, operator: str) -> bool:
    return isinstance(tree, promql_parser.BinaryExpr) and str(tree.op) == operator


def _bare(tree: Any) -> Any:
    while isinstance(tree, promql_parser.ParenExpr):
        tree = tree.expr
    return tree


def _over_window(query: str) -> str:
    return _RATE.sub("increase", _PLACEHOLDER.sub("$window", query.strip()))
