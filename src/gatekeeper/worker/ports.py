"""What the worker needs from others: work to take, passes to run, a clock."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

from gatekeeper.events.keys import WorkKey
from gatekeeper.events.triggers import Touch

Clock = Callable[[], datetime]
"""Now, aware UTC."""


class Claim(Protocol):
    """The right to work on a key for a while; ``gatekeeper.store.work.Claim`` is the real one."""

    @property
    def key(self) -> WorkKey:
        """What to look at."""

    @property
    def token(self) -> str:
        """Tells this claim from all others."""

    @property
    def attempts(self) -> int:
        """How often it has been claimed since it last went well, this time included."""

    @property
    def touched_at(self) -> datetime:
        """Since when it waits."""

    @property
    def priority(self) -> int:
        """How urgent it is."""

    @property
    def hints(self) -> Sequence[Mapping[str, Any]]:
        """What the events said, oldest first."""


Claimed = TypeVar("Claimed", bound=Claim)


class Work(Protocol[Claimed]):
    """The work table; ``gatekeeper.store.work.Work`` is the real one, and says what each method promises."""

    def refresh(self, touches: Iterable[Touch], now: datetime, *, older_than: datetime) -> object:
        """Make keys dirty that were last touched or finished before."""

    def claim(self, now: datetime, lease: timedelta) -> Claimed | None:
        """Take the most urgent key that is due; None when there is none."""

    def extend(self, claim: Claimed, until: datetime) -> bool:
        """Lengthen the lease."""

    def finish(self, claim: Claimed, now: datetime) -> bool:
        """It went well."""

    def retry(self, claim: Claimed, not_before: datetime, error: str) -> bool:
        """It failed and may go well later."""

    def put_off(self, claim: Claimed, not_before: datetime, why: str) -> bool:
        """A limit is reached for now, which is no failure of the work."""

    def park(self, claim: Claimed, now: datetime, error: str) -> bool:
        """It failed for good."""

    def release_all(self) -> None:
        """Every claim is of a dead worker: let others take the work at once."""

    def is_due(self, now: datetime) -> bool:
        """Whether there is anything to claim."""


Pass = Callable[[WorkKey, Sequence[Mapping[str, Any]], datetime], Mapping[str, Any] | None]
"""Looks at one key as it is now and does what is needed; called with the key, its hints and now.

A pass is idempotent: a frozen and thawed worker may run it twice at once. What it returns is added to its
line in the log.
"""
