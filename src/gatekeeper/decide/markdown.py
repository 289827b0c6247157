"""Markdown that renders as meant on GitHub, whatever stands in a policy, a path, a label or a comment."""

import re
from collections.abc import Iterable, Sequence

WORD_JOINER = "\u2060"
"""Invisible; inside a mention, a reference or an address it keeps GitHub from linking and notifying."""

_SPECIAL = re.compile(r"([\\`*_~\[\]|$])")
_LINKED = re.compile(r"(?<=[@#])(?=\w)|(?=://)|(?<=\bwww)(?=\.)")
_CUT = "*Cut here: the text was longer than GitHub takes.*"


def clip(text: str, most: int) -> str:
    """The text on one line, at most ``most`` characters long."""
    line = re.sub(r"\s+", " ", text).strip()
    return line if len(line) <= most else f"{line[: most - 1].rstrip()}…"


def code(text: str, most: int = 160) -> str:
    """Text as inline code: it mentions nobody and marks nothing up."""
    line = clip(text, most)
    fence = "`" * (max((len(run) for run in re.findall(r"`+", line)), default=0) + 1)
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def prose(text: str, most: int = 300) -> str:
    """Text as it is, escaped: no markup, no HTML, no mention, no link."""
    line = clip(text, most).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    line = _SPECIAL.sub(r"\\\1", line)
    return _LINKED.sub(WORD_JOINER, line)


def listed(items: Sequence[str], joint: str, most: int = 5) -> str:
    """Items as inline code in a sentence, cut after a few: ``a``, ``b`` and 3 more."""
    rest = len(items) - most
    return joint.join(code(item) for item in items[:most]) + (f" and {rest} more" if rest > 0 else "")


def bullets(items: Iterable[tuple[str, Sequence[str]]]) -> str:
    """A list of names, bold, each with its text, or with several below each other (Markdown)."""
    return "\n".join(f"- **{name}:**{_below(texts)}" for name, texts in items)


def _below(texts: Sequence[str]) -> str:
    return f" {texts[0]}" if len(texts) == 1 else "".join(f"\n  - {text}" for text in texts)


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of Markdown cells. A pipe ends a cell even inside code, so each is escaped."""
    rule = ["---"] * len(header)
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in row)} |" for row in (header, rule, *rows))


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def fit(parts: Sequence[str], limit: int) -> str:
    """Parts joined by blank lines, in at most ``limit`` bytes of UTF-8, which is what GitHub counts.

    What does not fit is left out at the end, whole parts where possible, and the text says so.
    """
    whole = "\n\n".join(parts)
    if len(whole.encode()) <= limit:
        return whole
    room = limit - len(_CUT) - 2
    kept: list[str] = []
    for part in parts:
        if len("\n\n".join([*kept, part]).encode()) > room:
            break
        kept.append(part)
    beginning = "\n\n".join(kept) or parts[0].encode()[:room].decode(errors="ignore")
    return f"{beginning}\n\n{_CUT}"
