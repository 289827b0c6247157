"""Commands in comments: ``/gatekeeper override the fix for the outage``."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from markdown_it import MarkdownIt
from markdown_it.token import Token

PREFIX = "/gatekeeper"
COMMENT_MARKERS = ("<!-- gatekeeper -->", "<!-- gatekeeper/policy -->")
"""Start the comments that Gatekeeper itself keeps."""

# Only what decides whether a line is the author's own words: not links and emphasis.
_MARKDOWN = MarkdownIt("commonmark").disable(["emphasis", "link", "image", "autolink", "reference"])


class CommandName(StrEnum):
    """What can be asked for. ``UNKNOWN`` stands for anything else after ``/gatekeeper``."""

    STATUS = "status"
    EXPLAIN = "explain"
    RECHECK = "recheck"
    OVERRIDE = "override"
    REVOKE = "revoke"
    OPEN = "open"
    CLOSE = "close"
    HELP = "help"
    UNKNOWN = "unknown"


_KNOWN = {name.value: name for name in CommandName if name is not CommandName.UNKNOWN}


@dataclass(frozen=True)
class Command:
    """A command; ``argument`` is the rest of its line: an override's reason, or what was not understood."""

    name: CommandName
    argument: str = ""


def parse_command(text: str) -> Command | None:
    """The first command of a comment in Markdown, on a line of its own.

    Quotes, lists, code, HTML comments and our own comments are not the author speaking to us, so they hold
    no commands.
    """
    if PREFIX not in text.lower() or any(marker in text for marker in COMMENT_MARKERS):
        return None
    return next((command for line in _spoken_lines(text) if (command := _parse_line(line))), None)


def _parse_line(line: str) -> Command | None:
    word, *rest = line.split(maxsplit=2) or [""]
    if word.lower() != PREFIX:
        return None
    name, argument = [*rest, "", ""][:2]
    known = _KNOWN.get(name.lower())
    if known is None:
        return Command(CommandName.UNKNOWN, f"{name} {argument}".strip())
    return Command(known, argument.strip())


def _spoken_lines(text: str) -> Iterator[str]:
    tokens = _MARKDOWN.parse(text)
    for before, token in pairwise(tokens):
        if before.type == "paragraph_open" and before.level == 0:
            yield from _lines(token.children or [])


def _lines(children: list[Token]) -> Iterator[str]:
    line = ""
    for child in children:
        if child.type in {"softbreak", "hardbreak"}:
            yield line
            line = ""
        elif child.type != "html_inline":
            line += (
                f"{child.markup}{child.content}{child.markup}"
                if child.type == "code_inline"
                else child.content
            )
    yield line
