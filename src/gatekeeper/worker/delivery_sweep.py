"""The sweep of GitHub's record of webhook deliveries: what never came in is asked for again.

GitHub does not repeat a delivery by itself, and does so for 3 days when asked ("Handling failed webhook deliveries").
What came in is known by its guid, whatever GitHub has heard of that: an answer may be lost on its way, and a proxy may
have answered in our place.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

import structlog

from gatekeeper.errors import GitHubRefusedError, RateLimitedError, TemporaryError
from gatekeeper.events.keys import WorkKey
from gatekeeper.events.redelivery import Missing, Walk
from gatekeeper.events.triggers import Priority, Touch, may_trigger
from gatekeeper.github.values import DeliveryAttempt, DeliveryPage

REDELIVERED_FOR = timedelta(days=3)
SETTLED = timedelta(minutes=10)
"""An attempt is on GitHub's record so long after it was made, at the latest."""
AT_ONCE = 50
"""As many are asked for in one pass; then other work has its turn."""
IN_A_ROW = 3
"""After so many requests that failed one after another GitHub is taken to be down."""
LONGEST_WAIT, MOST_DOUBLINGS = timedelta(hours=1), 16
NOT_THERE = frozenset({400, 404, 410, 422})
"""GitHub's answers where a delivery, or the cursor of a page, is not there any more."""

log = structlog.get_logger()


class Record(Protocol):
    """GitHub's record of deliveries. Strict subset of the GitHub client's methods."""

    def deliveries(self, cursor: str | None) -> DeliveryPage:
        """A page of attempts, newest first."""

    def redeliver(self, attempt: int) -> None:
        """Have a delivery sent again."""


class Memory(Protocol):
    """What is remembered; ``gatekeeper.store.missing_deliveries.MissingDeliveries`` is the real one."""

    def walk(self) -> Walk | None:
        """The last walk; None before the first."""

    def walked(self, walk: Walk, attempts: Sequence[DeliveryAttempt], now: datetime) -> int:
        """Remember how far it came, and which of these never came in; how many of them were not known as missing."""

    def due(self, now: datetime, *, since: datetime) -> Sequence[Missing]:
        """Those made ``since`` that it is time to ask for, oldest first; without what came in."""

    def asked(self, guid: str, due: datetime) -> None:
        """Asked for; asked for again when ``due``, if it has not come in by then."""


class Touching(Protocol):
    """Puts work in the queue."""

    def add(self, touches: Sequence[Touch]) -> None:
        """Look at these."""


class DeliverySweep:
    """Goes through what is new on GitHub's record, and asks for what never came in.

    Args:
        again: the wait before what was asked for and did not come is asked for again; doubled each time.
    """

    def __init__(
        self, github: Record, memory: Memory, work: Touching, *, again: timedelta = timedelta(minutes=5)
    ) -> None:
        self._github = github
        self._memory = memory
        self._work = work
        self._again = again

    def __call__(self, key: WorkKey, hints: Sequence[Mapping[str, Any]], now: datetime) -> Mapping[str, Any]:
        """Run the pass. Cut off at any point, the next one goes on where this one was.

        Raises:
            GitHubError: GitHub failed or limits us; tried again later.
            GitHubRefusedError: GitHub does not let us see its record, or ask; parked.
        """
        del hints
        pages, missing, failed = self._look(now)
        due = self._memory.due(now, since=now - REDELIVERED_FOR)
        failed = self._ask_all(due[:AT_ONCE], now) or failed
        if failed is not None:
            raise failed
        if len(due) > AT_ONCE:
            self._work.add([Touch(key, Priority.EVENT)])
        return {"pages": pages, "missing": missing, "asked": min(len(due), AT_ONCE)}

    def _look(self, now: datetime) -> tuple[int, int, TemporaryError | None]:
        """Read what is new; pages read, missing ones found, and what cut it off: it goes on there the next time."""
        try:
            found = self._read(now)
        except RateLimitedError:
            raise
        except TemporaryError as error:  # what is known to be missing need not wait for GitHub's record
            return 0, 0, error
        return len(found), sum(found), None

    def _read(self, now: datetime) -> list[int]:
        """Finish a walk that was cut off, and walk through what is new; how many of each page's were missing."""
        last = self._memory.walk()
        found = [] if last is None or last.cursor is None else self._walk(last, now)
        earliest = now - REDELIVERED_FOR
        since = earliest if last is None else max(earliest, last.newest - SETTLED)
        return found + self._walk(Walk(since, since, None), now)

    def _walk(self, walk: Walk, now: datetime) -> list[int]:
        """Go on with a walk to its end; how many of each page's were missing."""
        found: list[int] = []
        while not found or walk.cursor is not None:
            page = self._page(walk, now)
            reached = any(one.delivered_at < walk.since for one in page.attempts)
            newest = max([walk.newest, *(one.delivered_at for one in page.attempts)])
            walk = Walk(newest, walk.since, None if reached else page.following)
            wanted = [one for one in page.attempts if one.delivered_at >= walk.since and _counts(one)]
            found.append(self._memory.walked(walk, wanted, now))
        return found

    def _page(self, walk: Walk, now: datetime) -> DeliveryPage:
        try:
            return self._github.deliveries(walk.cursor)
        except GitHubRefusedError as error:
            if walk.cursor is None or error.status not in NOT_THERE:
                raise
            self._memory.walked(Walk(walk.since, walk.since, None), [], now)  # the next one goes as far back
            raise TemporaryError(f"the walk through GitHub's deliveries begins anew: {error}") from error

    def _ask_all(self, due: Sequence[Missing], now: datetime) -> TemporaryError | None:
        """Ask for these, so that one which GitHub fails at keeps back no other; the last such failure."""
        failed, in_a_row = None, 0
        for one in due:
            try:
                self._ask(one, now)
            except RateLimitedError:
                raise
            except TemporaryError as error:
                failed, in_a_row = error, in_a_row + 1
                if in_a_row == IN_A_ROW:
                    break
            else:
                in_a_row = 0
        return failed

    def _ask(self, missing: Missing, now: datetime) -> None:
        try:
            self._github.redeliver(missing.attempt)
        except GitHubRefusedError as error:
            if error.status not in NOT_THERE:
                raise
            log.warning("delivery.lost", guid=missing.guid, made=missing.delivered_at, error=str(error))
            self._memory.asked(missing.guid, now + REDELIVERED_FOR)
        else:
            wait = min(self._again * 2 ** min(missing.asked, MOST_DOUBLINGS), LONGEST_WAIT)
            self._memory.asked(missing.guid, now + wait)


def _counts(attempt: DeliveryAttempt) -> bool:
    return may_trigger(attempt.event, attempt.action)
