"""PromQL read by promql-parser, with what that parser cannot stand kept away from it."""

import re
from collections.abc import Iterator
from typing import Any

import promql_parser

from gatekeeper.policy.mistake import MistakeError

_LONGEST = 4096
_LONGEST_CODE = 1000
_DEEPEST = 32
_STRING = re.compile(r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|`[^`]*`|#[^\n]*", re.DOTALL)
_ODD_OFFSET = re.compile(r"\boffset\b(?!\s*[-+]?\s*\d+(?:ms|[smhdwy]))", re.IGNORECASE)
_ADVICE = (
    ("unclosed left parenthesis", "close it with )"),
    ("unexpected end of input", "end it; if a # is in it, quote all of it: YAML reads a comment there"),
    ("illegal regex", "Prometheus reads RE2, which looks neither ahead nor back; write \\\\( for a parenthesis itself"),
    ("inside braces", 'put the values of labels in quotes: {code="500"}'),
)  # fmt: skip
_SIGNS = re.compile(r"(?:[-+]\s*){3}")


def parse(query: str) -> Any:
    """The expression tree of a query.

    Raises:
        MistakeError: it is empty, too long or too deep, or no PromQL; the parser's words are in the message.
    """
    _limit(query)
    try:
        return promql_parser.parse(_STRING.sub(_double_quoted, query))
    except ValueError as error:
        raise MistakeError(f"this is not PromQL: {error}", _advice(str(error))) from error
    except BaseException as error:
        # A panic of the Rust parser derives from BaseException and has no importable name.
        if type(error).__name__ != "PanicException":
            raise
        raise MistakeError(f"this is not PromQL: {error}", "try the query in Prometheus first") from error


def _advice(error: str) -> str:
    """What to do about the parser's words."""
    return next((advice for words, advice in _ADVICE if words in error), "try the query in Prometheus first")


def parts(tree: Any) -> Iterator[Any]:
    """What an expression is directly made of."""
    children = (getattr(tree, name, None) for name in ("lhs", "rhs", "expr", "vector_selector"))
    yield from (child for child in (*children, *getattr(tree, "args", ())) if child is not None)


def _limit(query: str) -> None:
    """Refuse what takes the parser seconds (it is quadratic) or overflows its stack, which kills the process."""
    code = _STRING.sub(lambda match: "" if match[0].startswith("#") else '""', query)
    if not code.strip():
        raise MistakeError("the query is empty", "write a counter, such as http_requests_total")
    if len(query) > _LONGEST or len(code) > _LONGEST_CODE:
        raise MistakeError(
            "the query is too long", "record it as a Prometheus rule, and name that metric here"
        )
    if _depth(code) > _DEEPEST or _SIGNS.search(code):
        raise MistakeError("the query is too deeply nested", "record it as a Prometheus rule")
    if _ODD_OFFSET.search(code):
        raise MistakeError("an offset must be a duration", "write it with its unit, such as offset 5m")


def _depth(code: str) -> int:
    deepest = depth = 0
    for sign in code:
        depth += (sign in "([{") - (sign in ")]}")
        deepest = max(deepest, depth)
    return deepest


def _double_quoted(match: re.Match[str]) -> str:
    """A raw string (in backticks) as a double-quoted one: the parser would read its backslashes as escapes."""
    text = match[0]
    return quote(text[1:-1]) if text.startswith("`") else text


def quote(text: str) -> str:
    """A PromQL string literal for the text."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{"".join(c if c.isprintable() else _escape(c) for c in escaped)}"'


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004 - what \\u can hold
