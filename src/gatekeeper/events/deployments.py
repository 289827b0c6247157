"""What an event says of a deployment: it is the record, for nothing of it changes afterwards."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Literal, Self

_FIRST_YEAR, _LAST_YEAR = 2008, 9000
"""GitHub's first, and one that times can still be added to."""
_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True)
class DeploymentStatus:
    """A deployment into an environment began, or has succeeded.

    Attributes:
        id: GitHub's.
        production: whether the sender says that users come to this environment.
        task: what was done, as ``deploy`` or ``deploy:rollback``.
        ref: the branch, tag or SHA that was asked for.
        sha: the commit that was deployed.
        at: when it came to this state.
        url: a page about it, or None.

    Raises:
        ValueError: the SHA is none, the time names no instant, or no database stores one of the texts.
    """

    id: str
    environment: str
    production: bool
    task: str
    ref: str
    sha: str
    state: Literal["in_progress", "success"]
    at: datetime
    url: str | None

    def __post_init__(self) -> None:
        if not _SHA.fullmatch(self.sha):
            raise ValueError(f"{self.sha[:100]!r} is no SHA")
        if self.at.utcoffset() is None or not _FIRST_YEAR <= self.at.year <= _LAST_YEAR:
            raise ValueError(f"nothing was deployed at {self.at.isoformat()}")
        texts = f"{self.environment}{self.task}{self.ref}{self.url}"
        if b"\0" in texts.encode():  # or a surrogate, which has no bytes
            raise ValueError("a text with a zero byte")

    def hint(self) -> Mapping[str, str | int | None]:
        """The status as JSON values."""
        return asdict(self) | {"at": self.at.astimezone(UTC).isoformat()}

    @classmethod
    def of(cls, hint: Mapping[str, Any]) -> Self:
        """The status that a hint was made of."""
        return cls(**{**hint, "at": datetime.fromisoformat(hint["at"])})
