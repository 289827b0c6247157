"""What the doctor finds."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from gatekeeper.errors import GatekeeperError


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: what, what was found, and what to do about it."""

    level: Level
    subject: str
    text: str
    advice: str = ""


class Findings:
    """Findings as they come in."""

    def __init__(self) -> None:
        self.all: list[Finding] = []

    def ok(self, subject: str, text: str) -> None:
        """It is as it should be."""
        self.all.append(Finding(Level.OK, subject, text))

    def warn(self, subject: str, text: str, advice: str) -> None:
        """It works, but less well than it could."""
        self.all.append(Finding(Level.WARN, subject, text, advice))

    def fail(self, subject: str, text: str, advice: str) -> None:
        """It does not work."""
        self.all.append(Finding(Level.FAIL, subject, text, advice))

    @contextmanager
    def failing(self, subject: str, advice: str) -> Iterator[None]:
        """What goes wrong on purpose in the body is a finding."""
        try:
            yield
        except GatekeeperError as error:
            self.fail(subject, str(error), advice)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.all)
