"""The merge groups that are there, and what would land with them."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select

from gatekeeper.decide.desired import Check
from gatekeeper.decide.group import Member, strictest
from gatekeeper.decide.verdict import Verdict
from gatekeeper.events.triggers import Touch
from gatekeeper.store.catalog import Catalog
from gatekeeper.store.decisions import Decisions
from gatekeeper.store.engine import Database
from gatekeeper.store.proposals import Proposals
from gatekeeper.store.queue import Queue
from gatekeeper.store.rows import upsert
from gatekeeper.store.tables import merge_group


class Groups:
    """All merge groups. There are few at any time, so they are looked through."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of_service(self, service: str) -> tuple[tuple[str, str], ...]:
        """(repository, head SHA) of the groups with a pull request that touches a service."""
        query = select(merge_group.c.repository, merge_group.c.head_sha, merge_group.c.services)
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(merge_group.c.repository, merge_group.c.head_sha)).all()
        return tuple((row.repository, row.head_sha) for row in rows if service in row.services)

    def of_repository(self, repository: str) -> dict[str, tuple[int, ...]]:
        """By head SHA, the pull requests of each group in a repository."""
        query = select(merge_group.c.head_sha, merge_group.c.pulls).where(
            merge_group.c.repository == repository
        )
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(merge_group.c.head_sha)).all()
        return {row.head_sha: tuple(row.pulls) for row in rows}


class GroupRecord:
    """What a pass over a group reads and writes."""

    def __init__(
        self, database: Database, decisions: Decisions, proposals: Proposals, catalog: Catalog, queue: Queue
    ) -> None:
        self._database = database
        self._decisions = decisions
        self._proposals = proposals
        self._catalog = catalog
        self._queue = queue

    def knows_policies(self, repository: str) -> bool:
        """Whether the policy files that may cover a repository were read."""
        return self._catalog.is_known(repository)

    def save(
        self, repository: str, sha: str, branch: str, members: Sequence[Member], essence: str, now: datetime
    ) -> str:
        """Remember the group and the decision on its strictest member; that decision's id."""
        deciding = strictest(members)
        subject = f"{repository}#{deciding.snapshot.pull.number}"
        services = {view.service.key for one in members for view in one.snapshot.services}
        with self._database.write() as connection:
            identity = self._decisions.add(connection, subject, deciding.snapshot, deciding.decision, essence)
            row = {
                "repository": repository,
                "head_sha": sha,
                "branch": branch,
                "pulls": [one.snapshot.pull.number for one in members],
                "services": sorted(services),
                "verdict": int(deciding.decision.verdict),
                "decision": identity,
                "updated_at": now,
            }
            connection.execute(upsert(connection.dialect, merge_group, row))
        return identity

    def failed_at(self, repository: str, sha: str) -> datetime | None:
        """When a group was told that it is blocked; None when it was not."""
        query = select(merge_group.c.updated_at).where(
            merge_group.c.repository == repository,
            merge_group.c.head_sha == sha,
            merge_group.c.verdict == int(Verdict.BLOCK),
        )
        with self._database.read() as connection:
            found: datetime | None = connection.execute(query).scalar_one_or_none()
        return found

    def forget(self, repository: str, sha: str) -> None:
        """The group landed, or is gone."""
        gone = (merge_group.c.repository == repository, merge_group.c.head_sha == sha)
        with self._database.write() as connection:
            connection.execute(delete(merge_group).where(*gone))

    def policy_check(self, repository: str, number: int, sha: str) -> Check | None:
        """What was said last of the policy files of a pull request with this head."""
        return self._proposals.said(repository, number, sha)

    def touch(self, touches: Sequence[Touch]) -> None:
        """Look at these too."""
        self._queue.add(touches)
