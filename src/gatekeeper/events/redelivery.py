"""What is known of deliveries that GitHub made and that never came in."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Walk:
    """A walk through the record, from its newest attempt back.

    Attributes:
        newest: when the first attempt of the walk was made; the next walk ends there.
        since: attempts made before were seen by earlier walks.
        cursor: the page to go on with; None once it is complete.
    """

    newest: datetime
    since: datetime
    cursor: str | None


@dataclass(frozen=True)
class Missing:
    """A delivery that never came in, by the id of an attempt at it; ``asked`` is how often it was asked for."""

    guid: str
    attempt: int
    delivered_at: datetime
    asked: int
