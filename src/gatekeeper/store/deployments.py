"""The record of deployments: each report once, in whatever order they come."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import case, delete, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from gatekeeper.availability.deployments import Deployed
from gatekeeper.events.deployments import DeploymentStatus
from gatekeeper.store.engine import Database
from gatekeeper.store.tables import deployment

KEPT = timedelta(days=180)
"""Twice the longest window, so that what ran long before it is known when it is rolled back to."""


class Deployments:
    """All deployments."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def report(self, repository: str, status: DeploymentStatus) -> None:
        """Record what was reported; of two reports of the same, the earlier time counts."""
        row = {
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
        with self._database.write() as connection:
            connection.execute(_UPSERTS[connection.dialect.name].values(row))

    def of(self, repositories: Iterable[str]) -> tuple[Deployed, ...]:
        """What succeeded of these repositories, in order of time. Names of repositories ignore case."""
        names = sorted({name.lower() for name in repositories})
        start = func.coalesce(deployment.c.began_at, deployment.c.succeeded_at)
        query = (
            select(deployment)
            .where(deployment.c.folded.in_(names), deployment.c.succeeded_at.is_not(None))
            .order_by(start, deployment.c.id)
        )
        with self._database.read() as connection:
            return tuple(_deployed(row) for row in connection.execute(query))

    def forget(self, before: datetime) -> int:
        """Delete what was last heard of before, and how many."""
        old = [or_(at.is_(None), at < before) for at in (deployment.c.began_at, deployment.c.succeeded_at)]
        with self._database.write() as connection:
            return connection.execute(delete(deployment).where(*old)).rowcount


def _upsert(dialect: Any) -> Any:
    new = dialect.insert(deployment)
    said = ("repository", "folded", "environment", "production", "task", "ref", "sha")
    return new.on_conflict_do_update(
        index_elements=[deployment.c.id],
        set_={
            **{name: new.excluded[name] for name in said},
            "url": func.coalesce(new.excluded.url, deployment.c.url),
            "began_at": _earlier(deployment.c.began_at, new.excluded.began_at),
            "succeeded_at": _earlier(deployment.c.succeeded_at, new.excluded.succeeded_at),
        },
    )


def _earlier(one: Any, other: Any) -> Any:
    return case((one.is_(None), other), (other < one, other), else_=one)


_UPSERTS = {"sqlite": _upsert(sqlite), "postgresql": _upsert(postgresql)}


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
