"""YAML's own errors in plain words."""

import re
from dataclasses import dataclass

import yaml

from gatekeeper.policy.problem import Mark, Problem

_PLAIN_WORDS = (
    ("expected ',' or ']'", "this list is not complete", "close its quotes, separate with commas, end with ]"),
    ("expected ',' or '}'", "this block in braces is not complete", "quote values with { or a comma, end with }"),
    ("did not find expected key", "this does not line up with the keys above it", "indent keys of a block alike"),
    ("expected '-'", "this does not line up with the list above it", "indent its keys alike, begin entries with -"),
    ("did not find expected node content", "a value is missing before this", "write it, or remove the comma"),
    ("expected ':'", "this line is no key", "write key: value, indent what goes on from above, or put # before it"),
    ("incompatible YAML document", "only YAML 1.1 and 1.2 are read here", "remove the line with %YAML"),
    ("block sequence entries", "a list cannot start here", "put its first - in the next line, indented"),
    ("unexpected end of stream", "the quotes are never closed", "close them"),
    ("unknown escape character", "a backslash in double quotes needs another one", "use single quotes: '\\d'"),
    ("tab character", "a tab indents this line", "indent with spaces"),
)  # fmt: skip
_CONFLICT = re.compile(r"<{7}(?: |$)")
_ODD_SPACE = re.compile(r"[ -]*([^\S \t\r]|\ufeff|\u200b)")
_NO_SPACE_AFTER_COLON = re.compile(r"\s*(?:- +)?[A-Za-z_]+:(?=\S)")
_NO_SPACE_AFTER_DASH = re.compile(r"\s*-(?=[A-Za-z_]+:)")


@dataclass(frozen=True)
class _Stop:
    """Where reading ended: the lines of the file, the position from 0, and libyaml's words."""

    lines: list[str]
    line: int
    column: int
    problem: str

    @property
    def before(self) -> str:
        """What stands before the place in its line."""
        return self.lines[self.line][: self.column] if self.line < len(self.lines) else ""

    @property
    def rest(self) -> str:
        """What stands at the place and behind it."""
        return self.lines[self.line][self.column :] if self.line < len(self.lines) else ""


_Words = tuple[str, str]
_Placed = tuple[int, int, str, str]


def explain(end: Mark, text: str, error: yaml.MarkedYAMLError) -> Problem:
    """The problem of a file that is no YAML: what most likely happened, at the place where it did.

    Args:
        end: the end of the file.
        text: what is in it.
        error: the parser's.
    """
    mark = _mark(error)
    line, column = (mark.line, mark.column) if mark else (0, 0)
    stop = _Stop(text.split("\n"), line, column, str(error.problem))
    line, column, message, suggestion = _earlier(stop) or (stop.line, stop.column, *_words(stop))
    return Problem.at(min(Mark(end.path, line + 1, column + 1), end), message, suggestion)


def _mark(error: yaml.MarkedYAMLError) -> yaml.Mark | None:
    """Where reading ended; of quotes, brackets and lines that are never finished, where they begin."""
    begun = ("found unexpected end", "did not find expected ','", "could not find expected ':'")
    return (error.context_mark if str(error.problem).startswith(begun) else None) or error.problem_mark


def _earlier(stop: _Stop) -> _Placed | None:
    """What happened before the place where reading ended, and made it end there."""
    for number, line in enumerate(stop.lines):
        if _CONFLICT.match(line):
            return number, 0, "a merge conflict is not resolved here", "keep one version, remove the marks"
    for number, line in enumerate(stop.lines[: stop.line + 1]):
        if found := _ODD_SPACE.match(line):
            message = f"a space of another kind (U+{ord(found[1]):04X}) indents this line"
            return number, found.start(1), message, "indent with spaces"
    if "mapping values are not allowed" in stop.problem:
        return _continued(stop)
    return None


def _continued(stop: _Stop) -> _Placed | None:
    """A key and its value that are no such thing, so that the next line goes on from them."""
    numbered = [(number, line) for number, line in enumerate(stop.lines[: stop.line + 1]) if line.strip()]
    for number, line in reversed(numbered[-2:]):
        if found := _NO_SPACE_AFTER_COLON.match(line):
            return number, found.end(), "a space is missing after the colon", "write key: value"
        if found := _NO_SPACE_AFTER_DASH.match(line):
            return number, found.end(), "a space is missing after the dash", "write - key: value"
    return None


def _words(stop: _Stop) -> _Words:
    """Message and suggestion for libyaml's words and what stands at the place."""
    if seen := _by_sight(stop):
        return seen
    if stop.problem.startswith("found character that cannot start"):
        return _bare(stop.rest)
    if "alphabetic or numeric" in stop.problem:
        return "a bare value cannot start with * or &", 'put it in quotes: "**"'
    if "did not find expected key" in stop.problem and stop.before.strip(" -"):
        return _left_over(stop)
    if "mapping values are not allowed" in stop.problem:
        return _colon(stop)
    for found, message, suggestion in _PLAIN_WORDS:
        if found in stop.problem:
            return message, suggestion
    return f"this is not YAML: {stop.problem}", "compare it with the examples in policies/"


def _by_sight(stop: _Stop) -> _Words | None:
    """Message and suggestion for what stands at the place, whatever libyaml says of it."""
    if not "".join((stop.rest, *stop.lines[stop.line + 1 :])).strip():
        return "the file ends before this is complete", "close what is open: quotes, ] or }"
    if stop.rest.startswith("```"):
        return "a fence of Markdown is not YAML", "keep only what is between the fences"
    if stop.before.endswith("{") and stop.rest.startswith("%"):
        return "this is a template, not YAML", "render it before"
    return None


def _bare(rest: str) -> _Words:
    if rest.startswith("\t"):
        return "a tab indents this line", "indent with spaces"
    word = re.split(r"[\s,\]}\"']", rest, maxsplit=1)[0][:60]
    return f"a bare value cannot start with {rest[:1]}", f'put it in quotes: "{word}"'


def _left_over(stop: _Stop) -> _Words:
    """Something behind a value that was complete."""
    if stop.rest[:1] in "]}":
        return f"this {stop.rest[:1]} closes nothing", "remove it, or open what it closes"
    if "'" in stop.before:
        return "the quotes end before this", "write '' for an apostrophe within single quotes"
    if '"' in stop.before:
        return "the quotes end before this", 'write \\" for a quote within double quotes'
    return "this stands behind a value that is complete", "put the whole value in quotes"


def _colon(stop: _Stop) -> _Words:
    if ":" in stop.before:
        return "a second colon is in this line", "put the value in quotes"
    return "this line goes on from the one above", "indent keys of a block alike"
