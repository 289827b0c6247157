"""What a gate was heard to say, by whichever way it was asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from gatekeeper.cli.exits import Code
from gatekeeper.errors import ConfigurationError


@dataclass(frozen=True)
class Told:
    """An answer of ``services/NAME/gate``.

    Attributes:
        whole: all of it, also what a later version of the server adds.
        allowed: whether to deploy.
        known: False where it only warns because availability is not known.
        warns: whether it is allowed with a warning.
        sentence: the gate in one line.
        reasons: more of it.
    """

    whole: Mapping[str, Any]
    allowed: bool
    known: bool
    warns: bool
    sentence: str
    reasons: tuple[str, ...]

    @classmethod
    def of(cls, answer: Any) -> Self:
        """Read an answer. What is not understood is never taken for a yes.

        Raises:
            ConfigurationError: it is none.
        """
        match answer:
            case {
                "allowed": bool(allowed),
                "known": bool(known),
                "effective": str(effective),
                "sentence": str(sentence),
                "reasons": list(reasons),
            }:
                return cls(answer, allowed, known, effective == "warn", sentence, tuple(map(str, reasons)))
        raise ConfigurationError("this is no answer of a Gatekeeper; is the URL that of one?")

    @property
    def code(self) -> Code:
        """What a script is told."""
        if not self.allowed:
            return Code.NO
        return Code.OK if self.known else Code.UNKNOWN

    @property
    def word(self) -> str:
        """The same in a word or two."""
        match self.code:
            case Code.NO:
                return "blocked"
            case Code.UNKNOWN:
                return "not known"
        return "allowed, with a warning" if self.warns else "allowed"
