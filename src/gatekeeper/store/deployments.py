"""The record of deployments: each report once, in whatever order they come."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Any

from sqlalchemy import Connection, and_, case, delete, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from gatekeeper.availability.deployments import Deployed, let_go_id, with_let_go
from gatekeeper.events.deployments import DeploymentStatus
from gatekeeper.store.engine import Database
from gatekeeper.store.tables import deployment, let_go, waiting_deployment

KEPT = timedelta(days=180)
"""Twice the longest window, so that what ran long before it is known when it is rolled back to."""


_DIALECTS: Mapping[str, Any] = {"sqlite": sqlite, "postgresql": postgresql}
_IDENTIFYING = ("environment", "sha", "task", "service")


class Claim(Enum):
    """What became of a report under an id that its sender chose."""

    NEW = auto()
    KNOWN = auto()
    TAKEN = auto()
    """The id is another deployment's: nothing was recorded."""


class Deployments:
    """All deployments."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def report(self, repository: str, status: DeploymentStatus) -> None:
        """Record what was reported; of two reports of the same, the earlier time counts."""
        with self._database.write() as connection:
            connection.execute(_upsert(connection.dialect.name).values(_values(repository, status)))

    def claim(self, repository: str, status: DeploymentStatus, service: str | None) -> Claim:
        """Record what was reported under an id that its sender chose, unless the id is another deployment's.

        It is another's if that one went to another environment, brought another commit, had another task, or was of
        another service.

        Args:
            repository: ``owner/name``.
            status: what was reported.
            service: the key of the only service that it is of; None for each of the repository's.
        """
        row = _values(repository, status) | {"service": service}
        mine = and_(*(deployment.c[name].is_not_distinct_from(row[name]) for name in _IDENTIFYING))
        with self._database.write() as connection:
            known = connection.execute(select(deployment.c.id).where(deployment.c.id == status.id)).first()
            upsert = _upsert(connection.dialect.name, where=mine).values(row)
            if connection.execute(upsert.returning(deployment.c.id)).first() is None:
                return Claim.TAKEN
        return Claim.NEW if known is None else Claim.KNOWN

    def of(self, repositories: Iterable[str], service: str | None = None) -> tuple[Deployed, ...]:
        """What succeeded of these repositories, in order of time. Names of repositories ignore case.

        Args:
            repositories: ``owner/name`` of each.
            service: a service's key, to leave out what is of another one only; None for everything.
        """
        names = sorted({name.lower() for name in repositories})
        start = func.coalesce(deployment.c.began_at, deployment.c.succeeded_at)
        query = (
            select(deployment)
            .where(deployment.c.folded.in_(names), deployment.c.succeeded_at.is_not(None))
            .order_by(start, deployment.c.id)
        )
        if service is not None:
            query = query.where(or_(deployment.c.service.is_(None), deployment.c.service == service))
        with self._database.read() as connection:
            return tuple(_deployed(row) for row in connection.execute(query))

    def counting(self, repositories: Iterable[str], service: str | None = None) -> tuple[Deployed, ...]:
        """As ``of``, and what our protection rule let go that is under way (with ``let_go_id``)."""
        names = {name.lower() for name in repositories}
        query = select(waiting_deployment).where(waiting_deployment.c.approving_at.is_not(None))
        with self._database.read() as connection:
            rows = [row for row in connection.execute(query) if row.repository.lower() in names]
        return with_let_go(self.of(names, service), map(_let_go, rows))

    def forget(self, before: datetime) -> int:
        """Delete what was last heard of before, and how many."""
        old = [or_(at.is_(None), at < before) for at in (deployment.c.began_at, deployment.c.succeeded_at)]
        with self._database.write() as connection:
            return connection.execute(delete(deployment).where(*old)).rowcount


def carry_over(connection: Connection, repository: str, name: str) -> None:
    """A repository has another name: what was let go and deployed there was so under that one."""
    known = select(let_go.c.environment).where(let_go.c.repository == name)
    here = update(let_go).where(let_go.c.repository == repository, let_go.c.environment.not_in(known))
    connection.execute(here.values(repository=name))
    mine = update(deployment).where(deployment.c.folded == repository.lower())
    connection.execute(mine.values(repository=name, folded=name.lower()))


def _values(repository: str, status: DeploymentStatus) -> dict[str, Any]:
    return {
        "id": status.id,
        "repository": repository,
        "folded": repository.lower(),
        "environment": status.environment,
        "production": status.production,
        "task": status.task,
        "ref": status.ref,
        "sha": status.sha,
        "url": status.url,
        "began_at": status.at if status.state == "in_progress" else None,
        "succeeded_at": status.at if status.state == "success" else None,
    }


def _upsert(dialect: str, where: Any = None) -> Any:
    new = _DIALECTS[dialect].insert(deployment)
    said = ("repository", "folded", "environment", "production", "task", "ref", "sha")
    return new.on_conflict_do_update(
        index_elements=[deployment.c.id],
        set_={
            **{name: new.excluded[name] for name in said},
            "url": func.coalesce(new.excluded.url, deployment.c.url),
            "began_at": _earlier(deployment.c.began_at, new.excluded.began_at),
            "succeeded_at": _earlier(deployment.c.succeeded_at, new.excluded.succeeded_at),
        },
        where=where,
    )


def _earlier(one: Any, other: Any) -> Any:
    return case((one.is_(None), other), (other < one, other), else_=one)


def _let_go(row: Any) -> Deployed:
    return Deployed(
        id=let_go_id(row.repository, row.run),
        repository=row.repository,
        environment=row.environment,
        production=False,
        task="deploy",
        ref="",
        sha=row.sha,
        start=row.approving_at,
        url=None,
    )


def _deployed(row: Any) -> Deployed:
    return Deployed(
        id=row.id,
        repository=row.repository,
        environment=row.environment,
        production=row.production,
        task=row.task,
        ref=row.ref,
        sha=row.sha,
        start=row.began_at or row.succeeded_at,
        url=row.url,
    )
