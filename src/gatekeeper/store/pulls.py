"""Pull requests as last seen, and which services they touch: a transition finds them without asking GitHub."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from gatekeeper.decide.snapshot import Landed, Pull
from gatekeeper.decide.verdict import Verdict
from gatekeeper.events.keys import Kind, WorkKey
from gatekeeper.events.triggers import Priority, Touch
from gatekeeper.store.engine import Database
from gatekeeper.store.queue import Queue
from gatekeeper.store.rows import upsert
from gatekeeper.store.tables import landed, pull, pull_service


@dataclass(frozen=True)
class KnownPull:
    """What is remembered of an open pull request.

    Attributes:
        seen: fingerprint of what a sweep can tell apart, as of the last pass that brought GitHub in line.
        paths: changed paths, or None when they were too many to list; they belong to ``paths_of``.
        asked: somebody asked for every number in the comment.
        decision: id of the decision in force, or None before the first.
        looked_at: when a pass last decided on it.
        auto_merge: it lands by itself as soon as it may.
        approved: whether those who reviewed it agreed, as of the last review that we heard of.
    """

    repository: str
    number: int
    head_sha: str
    seen: str
    paths: tuple[str, ...] | None
    paths_of: str
    asked: bool
    decision: str | None
    looked_at: datetime | None = None
    auto_merge: bool = False
    approved: bool = False

    @property
    def priority(self) -> Priority:
        """How soon it is looked at when a gate moves: what is nearer to landing first."""
        return _priority(auto_merge=self.auto_merge, approved=self.approved)


class Pulls:
    """All pull requests."""

    def __init__(self, database: Database, queue: Queue) -> None:
        self._database = database
        self._queue = queue

    def known(self, repository: str, number: int) -> KnownPull | None:
        """One open pull request; None when it was never seen, or is closed."""
        with self._database.read() as connection:
            return _find(connection, repository, number)

    def open(self, repository: str) -> dict[int, KnownPull]:
        """A repository's open pull requests, by number."""
        query = select(pull).where(pull.c.repository == repository, pull.c.open)
        with self._database.read() as connection:
            return {row.number: _known(row) for row in connection.execute(query)}

    def sharing(self, repository: str, sha: str) -> tuple[KnownPull, ...]:
        """Open pull requests whose head is this commit, by number."""
        query = (
            select(pull)
            .where(pull.c.repository == repository, pull.c.head_sha == sha, pull.c.open)
            .order_by(pull.c.number)
        )
        with self._database.read() as connection:
            return tuple(_known(row) for row in connection.execute(query))

    def touching(self, service: str) -> tuple[tuple[str, int, Priority], ...]:
        """(repository, number, how soon to look at it) of the open pull requests that touch a service."""
        query = (
            select(pull.c.repository, pull.c.number, pull.c.auto_merge, pull.c.approved)
            .select_from(pull_service)
            .join(
                pull,
                (pull.c.repository == pull_service.c.repository) & (pull.c.number == pull_service.c.number),
            )
            .where(pull_service.c.service == service, pull.c.open)
            .order_by(pull_service.c.repository, pull_service.c.number)
        )
        with self._database.read() as connection:
            return tuple(
                (row.repository, row.number, _priority(auto_merge=row.auto_merge, approved=row.approved))
                for row in connection.execute(query)
            )

    def paths(self, repository: str, number: int, sha: str) -> tuple[str, ...] | None:
        """What a pull request with this head changes, open or not; None when it was never all listed."""
        query = select(pull.c.paths).where(
            pull.c.repository == repository, pull.c.number == number, pull.c.head_sha == sha
        )
        with self._database.read() as connection:
            paths = connection.execute(query).scalar_one_or_none()
        return None if paths is None else tuple(paths)

    def blocked(self) -> dict[str, tuple[str, ...]]:
        """By service, the open pull requests that its gate blocks, as ``acme/shop#12``."""
        query = (
            select(pull_service)
            .join(
                pull,
                (pull.c.repository == pull_service.c.repository) & (pull.c.number == pull_service.c.number),
            )
            .where(pull_service.c.verdict == Verdict.BLOCK, pull.c.open)
            .order_by(pull_service.c.repository, pull_service.c.number)
        )
        found: dict[str, tuple[str, ...]] = {}
        with self._database.read() as connection:
            for row in connection.execute(query):
                found[row.service] = (*found.get(row.service, ()), f"{row.repository}#{row.number}")
        return found

    def save(
        self,
        connection: Connection,
        seen: Pull,
        known: KnownPull,
        verdicts: Mapping[str, Verdict],
        now: datetime,
        *,
        before: KnownPull | None,
    ) -> bool:
        """Remember a pull request and what the services it touches say to it, if the transaction commits.

        A head that it leaves behind is looked at again with those that still have it: its check is theirs now.
        False, and nothing is saved, when what is remembered is no longer what was ``before`` it was looked at.
        """
        of_pull = (
            pull_service.c.repository == known.repository,
            pull_service.c.number == known.number,
        )
        if _find(connection, known.repository, known.number, lock=True) != before:
            return False
        self._touch_left(connection, known.repository, known.number, unless=known.head_sha)
        connection.execute(upsert(connection.dialect, pull, _row(seen, known, verdicts, now)))
        connection.execute(delete(pull_service).where(*of_pull))
        if verdicts:
            connection.execute(insert(pull_service), list(_touches(known, verdicts)))
        return True

    def in_line(self, repository: str, number: int, seen: str) -> None:
        """What was decided is on GitHub: remember the fingerprint that it was decided from."""
        with self._database.write() as connection:
            connection.execute(
                update(pull).where(pull.c.repository == repository, pull.c.number == number).values(seen=seen)
            )

    def landed(self, service: str, since: datetime) -> tuple[Landed, ...]:
        """Changes of the service that were merged after that, oldest first."""
        query = (
            select(landed)
            .where(landed.c.service == service, landed.c.at > since)
            .order_by(landed.c.at, landed.c.repository, landed.c.number)
        )
        with self._database.read() as connection:
            return tuple(Landed(row.repository, row.number, row.at) for row in connection.execute(query))

    def close(
        self, repository: str, number: int, now: datetime, *, merged_at: datetime | None = None
    ) -> None:
        """It is closed, merged or gone. Others with the same head are looked at again.

        Where it was merged, it is put on record for the services it touched, which are looked at again too.
        """
        with self._database.write() as connection:
            if merged_at is not None:
                self._land(connection, repository, number, merged_at)
            self._touch_left(connection, repository, number)
            connection.execute(
                update(pull)
                .where(pull.c.repository == repository, pull.c.number == number)
                .values(open=False, updated_at=now)
            )
            connection.execute(
                delete(pull_service).where(
                    pull_service.c.repository == repository, pull_service.c.number == number
                )
            )

    def _land(self, connection: Connection, repository: str, number: int, at: datetime) -> None:
        mine = (pull_service.c.repository == repository, pull_service.c.number == number)
        query = select(pull_service.c.service).where(*mine).order_by(pull_service.c.service)
        services = connection.execute(query).scalars().all()
        for service in services:
            row = {"service": service, "repository": repository, "number": number, "at": at}
            connection.execute(upsert(connection.dialect, landed, row))
        self._queue.touch(connection, [Touch(WorkKey(Kind.SERVICE, service)) for service in services])

    def _touch_left(
        self, connection: Connection, repository: str, number: int, unless: str | None = None
    ) -> None:
        """Touch the other open pull requests with the head that this one had, unless it still has it."""
        mine = (pull.c.repository == repository, pull.c.number == number, pull.c.open)
        head = connection.execute(select(pull.c.head_sha).where(*mine)).scalar_one_or_none()
        if head is None or head == unless:
            return
        others = select(pull.c.number).where(
            pull.c.repository == repository, pull.c.head_sha == head, pull.c.number != number, pull.c.open
        )
        numbers = connection.execute(others).scalars().all()
        self._queue.touch(connection, [Touch(WorkKey.pull(repository, other)) for other in numbers])


def _find(connection: Connection, repository: str, number: int, *, lock: bool = False) -> KnownPull | None:
    query = select(pull).where(pull.c.repository == repository, pull.c.number == number, pull.c.open)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else _known(row)


def _touches(known: KnownPull, verdicts: Mapping[str, Verdict]) -> Iterable[dict[str, Any]]:
    for service, verdict in verdicts.items():
        yield {
            "repository": known.repository,
            "number": known.number,
            "service": service,
            "verdict": int(verdict),
        }


def _row(seen: Pull, known: KnownPull, verdicts: Mapping[str, Verdict], now: datetime) -> dict[str, Any]:
    return {
        "repository": known.repository,
        "number": known.number,
        "head_sha": known.head_sha,
        "base_ref": seen.base_ref,
        "title": seen.title,
        "author": seen.author,
        "open": seen.open,
        "paths": None if known.paths is None else list(known.paths),
        "paths_of": known.paths_of,
        "seen": known.seen,
        "asked": known.asked,
        "auto_merge": known.auto_merge,
        "approved": known.approved,
        "verdict": int(max(verdicts.values(), default=Verdict.ALLOW)),
        "decision": known.decision,
        "updated_at": now,
    }


def _known(row: Any) -> KnownPull:
    return KnownPull(
        repository=row.repository,
        number=row.number,
        head_sha=row.head_sha,
        seen=row.seen,
        paths=None if row.paths is None else tuple(row.paths),
        paths_of=row.paths_of,
        asked=row.asked,
        decision=row.decision,
        looked_at=row.updated_at,
        auto_merge=row.auto_merge,
        approved=row.approved,
    )


def _priority(*, auto_merge: bool, approved: bool) -> Priority:
    if auto_merge:
        return Priority.AUTO_MERGE
    return Priority.APPROVED if approved else Priority.OPEN
