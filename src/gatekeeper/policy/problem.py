"""A mistake with its place: what is shown to the author of a policy file."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """Whether a problem keeps the document from being used."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, order=True)
class Mark:
    """A place in a file; lines and columns count from 1, columns in characters."""

    path: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


@dataclass(frozen=True, order=True)
class Problem:
    """What is wrong in a policy file, where, and what to do about it; as text one line, whatever the file says."""

    path: str
    line: int
    column: int
    message: str
    suggestion: str = ""
    severity: Severity = Severity.ERROR

    @classmethod
    def at(
        cls, mark: Mark, message: str, suggestion: str = "", severity: Severity = Severity.ERROR
    ) -> "Problem":
        """The problem at a place."""
        return cls(mark.path, mark.line, mark.column, message, suggestion, severity)

    def __str__(self) -> str:
        label = "" if self.severity is Severity.ERROR else f"{self.severity}: "
        tail = f"; {self.suggestion}" if self.suggestion else ""
        return one_line(f"{self.path}:{self.line}:{self.column}: {label}{self.message}{tail}")


def one_line(text: str) -> str:
    """The text with what cannot be printed as escapes: values of a file must not forge a line of a log or terminal."""
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)
