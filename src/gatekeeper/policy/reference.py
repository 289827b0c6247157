"""The reference page, docs/policy-reference.md, read: what it says of each key. The JSON Schema has its words."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

COLUMNS = 6
_HEADING = re.compile(r"#+ (?:`(.*)`|.*)")
_KEY = re.compile(r"`([\w.]+)`")
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")


@dataclass(frozen=True)
class Row:
    """What the page says about one key.

    Attributes:
        path: the key with the blocks above it, such as ``spec.changes[].paths``; those of ``kind: Defaults`` begin
            with that.
        what: what it is, in plain text.
        default: as a file could say it; or in words, such as ``required``.
        example: as a file could say it; empty where the page shows none in its table.
        mistake: likewise.
        said: part of what is said about the mistake.
    """

    path: str
    what: str
    default: str
    example: str
    mistake: str
    said: str


def rows(page: str) -> Iterator[Row]:
    """The rows of all tables of keys, from the text of the page."""
    prefix = ""
    for line in page.splitlines():
        if heading := _HEADING.fullmatch(line):
            prefix = f"{heading[1]}." if heading[1] else ""
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == COLUMNS and (key := _KEY.fullmatch(cells[0])):
            example, mistake = (cell.strip("`") if cell.startswith("`") else "" for cell in cells[3:5])
            yield Row(prefix + key[1], _plain(cells[1]), cells[2].strip("`"), example, mistake, cells[5])


def _plain(markdown: str) -> str:
    return _LINK.sub(r"\1", markdown).replace("`", "")
