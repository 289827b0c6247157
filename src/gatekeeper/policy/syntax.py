"""YAML's own errors in plain words."""

import re

import yaml

from gatekeeper.policy.problem import Mark, Problem

_PLAIN_WORDS = (
    ("did not find expected ',' or ']'", "this list is not complete", "separate with commas, end with ]"),
    ("did not find expected ',' or '}'", "this block in braces is not complete", "quote values that hold { or a comma"),
    ("did not find expected key", "this does not line up with the keys above it", "indent keys of a block alike"),
    ("did not find expected '-'", "this does not line up with the list above it", "indent items of a list alike"),
    ("mapping values are not allowed", "a second colon is in this line", "put the value in quotes"),
    ("block sequence entries", "a list cannot start here", "put its first - in the next line, indented"),
    ("unexpected end of stream", "the quotes are never closed", "close them"),
    ("unknown escape character", "a backslash in double quotes needs another one", "use single quotes: '\\d'"),
    ("tab character", "a tab indents this line", "indent with spaces"),
)  # fmt: skip


def explain(path: str, text: str, error: yaml.YAMLError) -> Problem:
    """The problem of a file that is no YAML, at the place where reading it ended."""
    mark = _mark(error)
    if mark is None:
        return _unmarked(path, text, error)
    lines = text.splitlines()
    rest = lines[mark.line][mark.column :] if mark.line < len(lines) else ""
    message, suggestion = _words(str(getattr(error, "problem", "")), rest)
    return Problem.at(Mark(path, mark.line + 1, mark.column + 1), message, suggestion)


def _mark(error: yaml.YAMLError) -> yaml.Mark | None:
    """Where reading ended; of quotes and brackets that are never closed, where they were opened."""
    if not isinstance(error, yaml.MarkedYAMLError):
        return None
    opened = str(error.problem).startswith(("found unexpected end", "did not find expected ','"))
    return (error.context_mark if opened else None) or error.problem_mark


def _words(problem: str, rest: str) -> tuple[str, str]:
    """Message and suggestion for libyaml's words and what stands at the place."""
    if problem.startswith("found character that cannot start"):
        if rest.startswith("\t"):
            return "a tab indents this line", "indent with spaces"
        word = re.split(r"[\s,\]}\"']", rest, maxsplit=1)[0][:60]
        return f"a bare value cannot start with {rest[:1]}", f'put it in quotes: "{word}"'
    if "alphabetic or numeric" in problem:
        return "a bare value cannot start with * or &", 'put it in quotes: "**"'
    for found, message, suggestion in _PLAIN_WORDS:
        if found in problem:
            return message, suggestion
    return f"this is not YAML: {problem}", "compare it with the examples in policies/"


def _unmarked(path: str, text: str, error: yaml.YAMLError) -> Problem:
    position = getattr(error, "position", 0)
    before = text[: position if isinstance(position, int) else 0]
    line = before.count("\n") + 1
    place = Mark(path, line, len(before) - (before.rfind("\n") + 1) + 1)
    return Problem.at(place, "a character that no text file holds is here", "remove it")
