"""Open pull requests that change policy files: what was said of them, and what looking at them came to."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, delete, select

from gatekeeper.act.apply import Kind as Published
from gatekeeper.act.plan import InDoubt, Nothing, Spare
from gatekeeper.act.plan import Published as There
from gatekeeper.decide.desired import Check
from gatekeeper.decide.study import Known, Looked
from gatekeeper.events.keys import WorkKey
from gatekeeper.events.triggers import Priority, Touch
from gatekeeper.store.engine import Database
from gatekeeper.store.publications import Publications
from gatekeeper.store.queue import Queue
from gatekeeper.store.rows import Codec, upsert
from gatekeeper.store.tables import merge_group, proposal

_CHECK: Codec[Check] = Codec(Check)
_LOOKED: Codec[Looked] = Codec(Looked)


class Proposals:
    """The stores behind the pass over a proposal."""

    def __init__(self, database: Database, publications: Publications, queue: Queue) -> None:
        self._database = database
        self._publications = publications
        self._queue = queue

    def published(self, repository: str, kind: Published, subject: str) -> There | Nothing | InDoubt:
        """What of ours is on GitHub, as far as we know."""
        return self._publications.find(repository, kind, subject)

    def found_nothing(self, repository: str, kind: Published, subject: str, now: datetime) -> None:
        """We looked, and there is nothing of ours."""
        self._publications.found_nothing(repository, kind, subject, now)

    def spares(self, repository: str, kind: Published, sha: str) -> tuple[Spare, ...]:
        """The check runs that a commit has beside the one that counts."""
        return self._publications.spares(repository, kind, sha)

    def spare(self, repository: str, kind: Published, sha: str, spares: Iterable[Spare]) -> None:
        """These are there too."""
        self._publications.spare(repository, kind, sha, spares)

    def supersede(
        self, repository: str, kind: Published, subject: str, old: There, new: There, now: datetime
    ) -> None:
        """The new one is the one on record from now on, unless there is news of the old one."""
        self._publications.supersede(repository, kind, subject, old, new, now)

    def known(self, repository: str, number: int) -> Known | None:
        """What is remembered of a proposal; None when nothing was said of it, or it is closed."""
        query = select(proposal).where(proposal.c.repository == repository, proposal.c.number == number)
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            return None
        looked = None if row.looked is None else _LOOKED.load(row.looked)
        return Known(row.head_sha, row.looked_of, looked)

    def save(self, repository: str, number: int, known: Known, check: Check, now: datetime) -> None:
        """Remember it with the check that follows for it alone.

        Others that had its head are looked at again, and where it says something else the merge groups it is in.
        """
        row = {
            "repository": repository,
            "number": number,
            "head_sha": known.head_sha,
            "check": _CHECK.dump(check),
            "looked_of": known.looked_of,
            "looked": None if known.looked is None else _LOOKED.dump(known.looked),
            "updated_at": now,
        }
        with self._database.write() as connection:
            self._touch_left(connection, repository, number, unless=known.head_sha)
            before = connection.execute(_checked(repository, number, known.head_sha)).scalar_one_or_none()
            connection.execute(upsert(connection.dialect, proposal, row))
            if before is None or _CHECK.load(before).essence != check.essence:
                self._touch_groups(connection, repository, number)

    def rivals(self, repository: str, number: int, sha: str) -> tuple[tuple[int, Check], ...]:
        """The checks that follow for other open proposals with the same head, by number."""
        query = _sharing(repository, sha, number).order_by(proposal.c.number)
        with self._database.read() as connection:
            return tuple((row.number, _CHECK.load(row.check)) for row in connection.execute(query))

    def said(self, repository: str, number: int, sha: str) -> Check | None:
        """The check that followed for it while this was its head; None when nothing was said of that."""
        with self._database.read() as connection:
            found = connection.execute(_checked(repository, number, sha)).scalar_one_or_none()
        return None if found is None else _CHECK.load(found)

    def open(self, repository: str) -> tuple[int, ...]:
        """Numbers of a repository's open proposals."""
        query = select(proposal.c.number).where(proposal.c.repository == repository)
        with self._database.read() as connection:
            return tuple(connection.execute(query.order_by(proposal.c.number)).scalars())

    def close(self, repository: str, number: int) -> None:
        """It is closed, merged or gone. Others with its head are looked at again."""
        with self._database.write() as connection:
            self._touch_left(connection, repository, number)
            connection.execute(
                delete(proposal).where(proposal.c.repository == repository, proposal.c.number == number)
            )

    def touch(self, touches: Iterable[Touch]) -> None:
        """Look at these too."""
        self._queue.add(list(touches))

    def _touch_left(
        self, connection: Connection, repository: str, number: int, unless: str | None = None
    ) -> None:
        """Touch the other proposals with the head that this one had, unless it still has it."""
        mine = select(proposal.c.head_sha).where(
            proposal.c.repository == repository, proposal.c.number == number
        )
        head = connection.execute(mine).scalar_one_or_none()
        if head is None or head == unless:
            return
        others = connection.execute(_sharing(repository, head, number)).all()
        touches = [Touch(WorkKey.proposal(repository, other.number)) for other in others]
        self._queue.touch(connection, touches)

    def _touch_groups(self, connection: Connection, repository: str, number: int) -> None:
        """Touch the merge groups that this one is in: they say what was said of it."""
        groups = connection.execute(
            select(merge_group.c.head_sha, merge_group.c.pulls).where(merge_group.c.repository == repository)
        )
        keys = [WorkKey.group(repository, one.head_sha) for one in groups if number in one.pulls]
        self._queue.touch(connection, [Touch(key, Priority.QUEUED) for key in keys])


def _checked(repository: str, number: int, sha: str) -> Select[tuple[Any]]:
    return select(proposal.c.check).where(
        proposal.c.repository == repository, proposal.c.number == number, proposal.c.head_sha == sha
    )


def _sharing(repository: str, sha: str, number: int) -> Select[tuple[int, object]]:
    return select(proposal.c.number, proposal.c.check).where(
        proposal.c.repository == repository, proposal.c.head_sha == sha, proposal.c.number != number
    )
