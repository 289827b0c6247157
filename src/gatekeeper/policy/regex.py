r"""Regular expressions of Prometheus (RE2), as far as Python's ``re`` means the same by them.

RE2 and ``re`` differ in classes (``\s``), flags, anchors, possessive quantifiers and more, and ``re`` backtracks
where RE2 is linear. So only a plain part of the language is taken over: literals, ``.``, simple sets, ``\d``
and ``\w``, groups, alternatives and a few repetitions. Everything else is left to the server.
"""

import re
from functools import lru_cache

_SIMPLE = r"[A-Za-z0-9_.:/@, ]"
_TOKEN = re.compile(
    rf"""(?P<open>\((?:\?:)?)
       | (?P<close>\))
       | (?P<bar>\|)
       | (?P<optional>\?\??)
       | (?P<repeat>(?:[*+]|\{{\d{{1,3}}(?:,\d{{0,3}})?\}})\??)
       | (?P<atom>\. | \\[dDwW] | \\[!-/:-@\[-`{{-~] | [^\\^$.|?*+()\[\]{{}}]
         | \[\^?(?:{_SIMPLE}-{_SIMPLE}|{_SIMPLE}|\\[dw.\-/])+-?\])""",
    re.VERBOSE | re.ASCII,
)
_MOST_WAYS = 65_536


@lru_cache(maxsize=16_384)  # two or three queries an objective, each pass anew
def portable(pattern: str) -> re.Pattern[str] | None:
    """The pattern compiled so that ``fullmatch`` agrees with Prometheus, or None where that is not certain.

    ``.`` matches a line break, as in Prometheus 3.
    """
    kinds = _kinds(pattern)
    if kinds is None or not _is_plain(kinds):
        return None
    try:
        return re.compile(pattern, re.DOTALL | re.ASCII)
    except re.error:
        return None


def _kinds(pattern: str) -> list[str] | None:
    """The kinds of the pattern's tokens, or None if something else than these is in it."""
    kinds, position = [], 0
    while position < len(pattern):
        match = _TOKEN.match(pattern, position)
        if match is None or match.lastgroup is None:
            return None
        kinds.append(match.lastgroup)
        position = match.end()
    return kinds


def _is_plain(kinds: list[str]) -> bool:
    """Repetitions follow a single atom, and there are few ways to match: ``re`` can not misread it, nor explode."""
    before = ["open", *kinds]
    repeats = all(before[i] == "atom" for i, kind in enumerate(kinds) if kind == "repeat")
    optionals = all(before[i] in {"atom", "close"} for i, kind in enumerate(kinds) if kind == "optional")
    return repeats and optionals and _ways(kinds) <= _MOST_WAYS


def _ways(kinds: list[str]) -> int:
    """How many ways a backtracking matcher may have to try, a repetition counted as 16."""
    ways, bars = 1, [0]
    for kind in kinds:
        if kind == "open":
            bars.append(0)
        elif kind == "bar":
            bars[-1] += 1
        elif kind == "close" and len(bars) > 1:
            ways *= 1 + bars.pop()
    return ways << (kinds.count("optional") + 4 * kinds.count("repeat"))
