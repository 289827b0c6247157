"""The deployments that wait for our answer, and what was said to them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, update

from gatekeeper.act.apply import Kind
from gatekeeper.act.plan import Published
from gatekeeper.decide.deployment import DeploymentSnapshot, on_landed
from gatekeeper.decide.evaluate import Decision
from gatekeeper.decide.snapshot import Past, Snapshot
from gatekeeper.decide.verdict import Why
from gatekeeper.events.triggers import Touch
from gatekeeper.store.catalog import Catalog
from gatekeeper.store.decisions import Decisions
from gatekeeper.store.engine import Database
from gatekeeper.store.overrides import Overrides
from gatekeeper.store.publications import Publications
from gatekeeper.store.queue import Queue
from gatekeeper.store.rows import upsert
from gatekeeper.store.rulings import put_on_record
from gatekeeper.store.tables import let_go, waiting_deployment


@dataclass(frozen=True)
class Waiting:
    """A deployment that waits, as we left it.

    Attributes:
        decision: the id of the decision on it.
        since: when we first knew of it.
        reports: how often we reported, at most.
        essence: of what was said last; None while it is not known whether that arrived.
        approving_at: when we were about to let it go; None before.
        approved: whether we have let it go: what it waits for now is no business of ours.
    """

    decision: str
    since: datetime
    reports: int = 0
    essence: str | None = None
    approving_at: datetime | None = None
    approved: bool = False


class Runs:
    """All deployments that wait. There are few at any time, so they are looked through."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of_service(self, service: str) -> tuple[tuple[str, int], ...]:
        """(repository, number) of the runs that wait for a service's gate."""
        return self._runs(lambda row: service in row.services and not row.approved)

    def of_repository(self, repository: str) -> tuple[int, ...]:
        """The runs of a repository that wait."""
        return tuple(run for _, run in self._runs(lambda row: row.repository == repository))

    def held(self, repository: str) -> tuple[tuple[int, str], ...]:
        """(run, id of the decision) of the deployments of a repository that were not let go yet, by run."""
        query = (
            select(waiting_deployment.c.run, waiting_deployment.c.decision)
            .where(waiting_deployment.c.repository == repository, ~waiting_deployment.c.approved)
            .order_by(waiting_deployment.c.run, waiting_deployment.c.environment)
        )
        with self._database.read() as connection:
            return tuple((row.run, row.decision) for row in connection.execute(query))

    def _runs(self, wanted: Any) -> tuple[tuple[str, int], ...]:
        with self._database.read() as connection:
            rows = connection.execute(select(waiting_deployment)).all()
        return tuple(sorted({(row.repository, row.run) for row in rows if wanted(row)}))


class RunRecord:
    """What passes over workflow runs and other deployments read and write."""

    def __init__(
        self,
        database: Database,
        decisions: Decisions,
        overrides: Overrides,
        publications: Publications,
        catalog: Catalog,
        queue: Queue,
    ) -> None:
        self._database = database
        self._decisions = decisions
        self._overrides = overrides
        self._publications = publications
        self._catalog = catalog
        self._queue = queue

    def knows_policies(self, repository: str) -> bool:
        """Whether the policy files that may cover a repository were read."""
        return self._catalog.is_known(repository)

    def waiting(self, repository: str, run: int) -> Mapping[str, Waiting]:
        """By environment, the deployments of a run that wait."""
        query = select(waiting_deployment).where(
            waiting_deployment.c.repository == repository, waiting_deployment.c.run == run
        )
        with self._database.read() as connection:
            return {row.environment: _waiting(row) for row in connection.execute(query)}

    def decided(
        self, run: int, snapshot: DeploymentSnapshot, decision: Decision, essence: str, before: Waiting | None
    ) -> Waiting:
        """Store what was decided, and that it waits; the decision before where nothing that matters changed."""
        self._rulings(snapshot)
        about = snapshot.deployment
        same = before is not None and self._decisions.says(before.decision, decision, essence)
        with self._database.write() as connection:
            identity = (
                before.decision
                if before is not None and same
                else self._decisions.add(connection, _subject(snapshot), snapshot, decision, essence)
            )
            row = {
                "repository": about.repository,
                "run": run,
                "environment": about.environment,
                "services": [view.service.key for view in snapshot.services],
                "verdict": int(decision.verdict),
                "decision": identity,
                "sha": about.sha,
            }
            first = row | {"reports": 0, "approved": False, "since": snapshot.now}
            if before is None:
                connection.execute(upsert(connection.dialect, waiting_deployment, first))
            else:
                connection.execute(_update(about.repository, run, about.environment).values(row))
        return self.waiting(about.repository, run)[about.environment]

    def reporting(self, repository: str, run: int, environment: str) -> None:
        """We are about to report: whatever becomes of it, it counts."""
        self._set(repository, run, environment, reports=waiting_deployment.c.reports + 1, essence=None)

    def reported(self, repository: str, run: int, environment: str, essence: str) -> None:
        """The report arrived, or there will be none."""
        self._set(repository, run, environment, essence=essence)

    def approving(self, repository: str, run: int, environment: str, now: datetime) -> None:
        """We are about to let it go."""
        self._set(repository, run, environment, approving_at=now)

    def holding(self, repository: str, run: int, environment: str) -> None:
        """It is not let go after all."""
        self._set(repository, run, environment, approving_at=None)

    def approved(self, repository: str, run: int, environment: str, sha: str, now: datetime) -> None:
        """We have let this commit go."""
        self.allowed(repository, environment, sha, now)
        self._set(repository, run, environment, approved=True)

    def allowed(self, repository: str, environment: str, sha: str, now: datetime) -> None:
        """A deployment of this commit was let go."""
        row = {"repository": repository, "environment": environment.casefold(), "sha": sha, "at": now}
        with self._database.write() as connection:
            connection.execute(upsert(connection.dialect, let_go, row))

    def decided_on(self, snapshot: DeploymentSnapshot, decision: Decision, essence: str) -> str:
        """Store a decision on a deployment that does not wait; its id."""
        self._rulings(snapshot)
        with self._database.write() as connection:
            return self._decisions.add(connection, _subject(snapshot), snapshot, decision, essence)

    def said_of(self, repository: str, sha: str) -> str | None:
        """The essence of the status that a commit has; None when there is none of ours, as far as we know."""
        known = self._publications.find(repository, Kind.DEPLOYMENT_STATUS, sha)
        return known.essence if isinstance(known, Published) else None

    def say_of(self, repository: str, sha: str, essence: str, now: datetime) -> None:
        """The commit has this status now."""
        self._publications.record(repository, Kind.DEPLOYMENT_STATUS, sha, 0, essence, now)

    def forged(self, repository: str, forgery: Mapping[str, Any], now: datetime) -> None:
        """Somebody else set a commit status of our name."""
        self._overrides.forged(repository, 0, forgery, now)

    def let_go(self, repository: str, environment: str) -> str | None:
        """The commit that we let go into an environment last; None when there was none yet."""
        query = select(let_go.c.sha).where(
            let_go.c.repository == repository, let_go.c.environment == environment.casefold()
        )
        with self._database.read() as connection:
            return connection.execute(query).scalar_one_or_none()

    def past(self, repository: str, number: int) -> Past:
        """What is on record of a pull request's overrides."""
        return self._overrides.past(repository, number)

    def took_back(self, repository: str, number: int, sha: str) -> bool:
        """Whether a pull request with this head was let through because it takes back a merged change exactly."""
        return any(
            isinstance(one.snapshot, Snapshot)
            and one.snapshot.pull.head_sha == sha
            and any(ruling.why is Why.EXEMPT_REVERT for ruling in one.decision.rulings)
            for one in self._decisions.latest(f"{repository}#{number}", most=1)
        )

    def forget(self, repository: str, run: int, environments: Sequence[str]) -> None:
        """These do not wait any more."""
        gone = delete(waiting_deployment).where(
            waiting_deployment.c.repository == repository,
            waiting_deployment.c.run == run,
            waiting_deployment.c.environment.in_(environments),
        )
        with self._database.write() as connection:
            connection.execute(gone)

    def touch(self, touches: Sequence[Touch]) -> None:
        """Look at these too."""
        self._queue.add(touches)

    def _rulings(self, snapshot: DeploymentSnapshot) -> None:
        for asked, decision in on_landed(snapshot):
            put_on_record(self._overrides, asked, decision)

    def _set(self, repository: str, run: int, environment: str, **values: Any) -> None:
        with self._database.write() as connection:
            connection.execute(_update(repository, run, environment).values(**values))


def _subject(snapshot: DeploymentSnapshot) -> str:
    return f"{snapshot.deployment.repository}@{snapshot.deployment.environment}"


def _update(repository: str, run: int, environment: str) -> Any:
    return update(waiting_deployment).where(
        waiting_deployment.c.repository == repository,
        waiting_deployment.c.run == run,
        waiting_deployment.c.environment == environment,
    )


def _waiting(row: Any) -> Waiting:
    return Waiting(row.decision, row.since, row.reports, row.essence, row.approving_at, row.approved)
