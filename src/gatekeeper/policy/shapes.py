"""How a value looks as it is written, in JSON Schema: for editors, which complete and check from it.

A shape is never stricter than the reader of its value. Patterns are regular expressions of JavaScript and Python alike.
"""

import re
from typing import Any

from pydantic import WithJsonSchema

_END = r"$(?!\n)"  # Python's $ is before a last newline too


def pattern(written: re.Pattern[str], *, spaced: bool = False, ahead: str = "") -> dict[str, Any]:
    """Text that matches as a whole.

    Args:
        written: what it has to match.
        spaced: whether spaces around it are read over.
        ahead: a lookahead that it has to match too.
    """
    space = r"\s*" if spaced else ""
    # The patterns are read as ASCII; the classes would stand for the digits and spaces of all scripts.
    plain = written.pattern.replace(r"\d", "[0-9]").replace(r"\s*", r"[\t-\r ]*")
    return {"type": "string", "pattern": f"^{ahead}{space}(?:{plain}){space}{_END}"}


def text(
    written: re.Pattern[str] | None = None, *, most: int | None = None, ahead: str = ""
) -> WithJsonSchema:
    """Text that is not blank, of so many characters ``most``."""
    shape = (
        {"type": "string", "pattern": rf"^{ahead}[\s\S]*\S"}
        if written is None
        else pattern(written, ahead=ahead)
    )
    return WithJsonSchema(shape if most is None else {**shape, "maxLength": most})


def either(*shapes: dict[str, Any]) -> dict[str, Any]:
    """Any of these."""
    return {"anyOf": list(shapes)}


ZERO = {"const": 0}
"""Needs no unit."""
OFF = {"const": "off"}
