"""What is wrong with a policy, said so that its author can mend it."""

from gatekeeper.errors import PolicyError


class MistakeError(PolicyError, ValueError):
    """One wrong value. A ``ValueError`` too, so that pydantic collects it with the place it was found at.

    Attributes:
        message: what is wrong, in plain words.
        suggestion: what to write or do instead; may be empty.
        at: where below the value being read, such as ``("caution", "below")``.
        against: where the value is that this one contradicts, if it does.
    """

    def __init__(
        self,
        message: str,
        suggestion: str = "",
        *,
        at: tuple[str | int, ...] = (),
        against: tuple[str | int, ...] = (),
    ) -> None:
        super().__init__(f"{message}; {suggestion}" if suggestion else message)
        self.message = message
        self.suggestion = suggestion
        self.at = at
        self.against = against


class MissingKeyError(MistakeError):
    """A key that its block needs, since another one is not given.

    Attributes:
        key: its name.
    """

    def __init__(self, key: str, example: str) -> None:
        super().__init__(f'"{key}" is missing', f"add {key}: {example}")
        self.key = key


class MistakesError(PolicyError, ValueError):
    """Several mistakes found in one value.

    Attributes:
        mistakes: at least one, in the order they were found.
    """

    def __init__(self, mistakes: tuple[MistakeError, ...]) -> None:
        super().__init__("; ".join(str(mistake) for mistake in mistakes))
        self.mistakes = mistakes
