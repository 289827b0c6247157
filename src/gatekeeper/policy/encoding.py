"""What keeps a file from being read as text at all: its encoding, its size, characters that editors do not show."""

import re

from gatekeeper.policy.problem import Mark, Problem

_LARGEST = 256 * 1024
_INVISIBLE = re.compile("[^\t\n\r -~\xa0-\u2027\u202a-\ud7ff\ue000-\ufffc\U00010000-\U0010ffff]|\r(?!\n)")
_SEPARATORS = "\x85\u2028\u2029"


def damage(path: str, text: str) -> Problem | None:
    """The first reason why the file is no text whose lines an editor, git and GitHub number alike, or None."""
    if len(text) > _LARGEST:
        message, advice = f"the file is larger than {_LARGEST // 1024} KiB", "split it by service"
        return Problem.at(Mark(path), message, advice)
    if text.count("\0") > len(text) // 4:
        return Problem.at(Mark(path), "this file is UTF-16", "save it as UTF-8")
    found = _INVISIBLE.search(text)
    return Problem.at(place(path, text, found.start()), *_words(found[0])) if found else None


def _words(sign: str) -> tuple[str, str]:
    """Message and suggestion about a character."""
    if sign == "\ufffd" or "\ud800" <= sign <= "\udfff":
        return "a character that is not UTF-8 is here", "save the file as UTF-8"
    if sign == "\r":
        return "this line ends with CR alone", "save the file with LF at the end of each line"
    if sign in _SEPARATORS:
        return "a line separator that editors do not show is here", "remove it, or start a new line"
    return "a character that no text file holds is here", "remove it"


def place(path: str, text: str, position: int) -> Mark:
    """Where a position in a text is, as editors number it."""
    before = text[:position]
    return Mark(path, before.count("\n") + 1, position - before.rfind("\n"))
