"""What of ours is on a pull request: as remembered, and looked for where that is in doubt or there may be more."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol

from gatekeeper.act.apply import Channel, Kind
from gatekeeper.act.plan import Actual, InDoubt, Nothing, Published, Spare
from gatekeeper.decide.snapshot import Pull
from gatekeeper.events.ours import Heard
from gatekeeper.github.values import CheckRunData
from gatekeeper.observe.comments import Comments


class Reader(Protocol):
    """What is read. Strict subset of the GitHub client's methods."""

    @property
    def mode(self) -> str:
        """``app``, or ``token``: then there are no check runs."""

    def check_runs(self, repository: str, sha: str, name: str) -> tuple[CheckRunData, ...]:
        """Our check runs of a name on a commit."""


class Memory(Protocol):
    """What is remembered of what we wrote."""

    def published(self, repository: str, kind: Kind, subject: str) -> Published | Nothing | InDoubt:
        """What of ours is on GitHub, as far as we know."""

    def found_nothing(self, repository: str, kind: Kind, subject: str, now: datetime) -> None:
        """We looked, and there is nothing of ours."""

    def spares(self, repository: str, kind: Kind, sha: str) -> tuple[Spare, ...]:
        """The check runs that a commit has beside the one that counts."""

    def spare(self, repository: str, kind: Kind, sha: str, spares: Iterable[Spare]) -> None:
        """These are there too."""

    def supersede(
        self, repository: str, kind: Kind, subject: str, old: Published, new: Published, now: datetime
    ) -> None:
        """The new one is the one on record from now on, unless there is news of the old one."""


class Ours:
    """Finds what of ours is there, of one channel.

    Of several check runs the newest counts, as on GitHub; of several comments the one on record, else the oldest.
    """

    def __init__(self, reader: Reader, memory: Memory, channel: Channel) -> None:
        self._reader = reader
        self._memory = memory
        self._channel = channel

    def on(self, pull: Pull, comments: Comments, now: datetime, *, look: bool, heard: Heard) -> Actual:
        """What is there; where that is not known, GitHub is asked only if to ``look`` is worth it."""
        check, spares = self.check(pull.repository, pull.head_sha, now, heard if look else None)
        comment, surplus = self._comment(pull, comments, now, heard if look else None)
        return Actual(check, comment, frozenset(pull.labels), spares, surplus)

    def check(
        self, repository: str, sha: str, now: datetime, heard: Heard | None
    ) -> tuple[Published | None, tuple[Spare, ...]]:
        """The check run that counts on a commit, and its spares; without ``heard`` nothing is looked for."""
        place = (repository, self._channel.check, sha)
        known, spares = self._memory.published(*place), self._memory.spares(*place)
        there = known if isinstance(known, Published) else None
        if not _worth_a_look(known, self._channel.check, heard, [spare.remote_id for spare in spares]):
            return there, spares
        runs = (
            ()
            if self._reader.mode == "token"
            else self._reader.check_runs(repository, sha, self._channel.name)
        )
        if not runs:
            if isinstance(known, InDoubt):
                self._memory.found_nothing(*place, now)
            return there, spares
        newest = max(runs, key=lambda run: run.id)
        found = Published(newest.id, newest.external_id)
        if there is not None and there.remote_id < found.remote_id:
            self._memory.supersede(*place, there, found, now)
        elif there is not None:
            found = there
        others = tuple(Spare(run.id, run.conclusion) for run in runs if run.id != found.remote_id)
        if others:
            self._memory.spare(*place, others)
        return found, others

    def _comment(
        self, pull: Pull, comments: Comments, now: datetime, heard: Heard | None
    ) -> tuple[Published | None, tuple[int, ...]]:
        place = (pull.repository, self._channel.comment, str(pull.number))
        known = self._memory.published(*place)
        there = known if isinstance(known, Published) else None
        if not _worth_a_look(known, self._channel.comment, heard):
            return there, ()
        ours = comments.ours(self._channel)
        if not ours:
            if isinstance(known, InDoubt):
                self._memory.found_nothing(*place, now)
            return there, ()
        found = there or ours[0]
        return found, tuple(one.remote_id for one in ours if one.remote_id != found.remote_id)


def _worth_a_look(
    known: Published | Nothing | InDoubt, kind: Kind, heard: Heard | None, spares: Sequence[int] = ()
) -> bool:
    if heard is None:
        return False
    ids = [known.remote_id, *spares] if isinstance(known, Published) else spares
    return isinstance(known, InDoubt) or heard.tells_of_more(kind, than=ids)
