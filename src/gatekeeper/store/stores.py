"""All stores over one database."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Self

from gatekeeper.store.audits import Audits
from gatekeeper.store.catalog import Catalog
from gatekeeper.store.decisions import Decisions
from gatekeeper.store.deliveries import Deliveries
from gatekeeper.store.deployments import Deployments
from gatekeeper.store.engine import Database
from gatekeeper.store.gates import Gates
from gatekeeper.store.groups import GroupRecord, Groups
from gatekeeper.store.installations import Installations
from gatekeeper.store.ledger import SqlLedger
from gatekeeper.store.overrides import Overrides
from gatekeeper.store.proposals import Proposals
from gatekeeper.store.publications import Publications
from gatekeeper.store.pull_history import PullHistory
from gatekeeper.store.pull_record import PullRecord
from gatekeeper.store.pulls import Pulls
from gatekeeper.store.queue import Queue
from gatekeeper.store.runs import RunRecord, Runs
from gatekeeper.store.service_record import ServiceRecord
from gatekeeper.store.trials import Trials
from gatekeeper.store.work import Work


@dataclass(frozen=True)
class Stores:
    """What one database keeps, by what it is for."""

    database: Database
    work: Work
    queue: Queue
    deliveries: Deliveries
    catalog: Catalog
    gates: Gates
    pulls: Pulls
    groups: Groups
    decisions: Decisions
    overrides: Overrides
    publications: Publications
    installations: Installations
    deployments: Deployments
    runs: Runs
    ledger: SqlLedger
    audits: Audits

    @classmethod
    def of(cls, database: Database, work: Work, clock: Callable[[], datetime]) -> Self:
        """All of them over one database.

        Args:
            database: where they keep it.
            work: the queue of passes in it.
            clock: real time, by which what they put in the queue is due.
        """
        queue = Queue(work, clock)
        return cls(
            database=database,
            work=work,
            queue=queue,
            deliveries=Deliveries(database, work),
            catalog=Catalog(database, queue),
            gates=Gates(database, queue),
            pulls=Pulls(database, queue),
            groups=Groups(database),
            decisions=Decisions(database),
            overrides=Overrides(database),
            publications=Publications(database),
            installations=Installations(database),
            deployments=Deployments(database),
            runs=Runs(database),
            ledger=SqlLedger(database),
            audits=Audits(database),
        )

    @cached_property
    def record(self) -> PullRecord:
        """What a pass over a pull request reads and writes."""
        return PullRecord(
            self.database,
            pulls=self.pulls,
            publications=self.publications,
            decisions=self.decisions,
            overrides=self.overrides,
            gates=self.gates,
            groups=self.groups,
            runs=self.runs,
            catalog=self.catalog,
            queue=self.queue,
        )

    @cached_property
    def proposals(self) -> Proposals:
        """What a pass over a pull request's policy files reads and writes."""
        return Proposals(self.database, self.publications, self.queue)

    @cached_property
    def group_record(self) -> GroupRecord:
        """What a pass over a merge group reads and writes."""
        return GroupRecord(self.database, self.decisions, self.proposals, self.catalog, self.queue)

    @cached_property
    def trials(self) -> Trials:
        """What came of the policies' modes."""
        return Trials(self.catalog, self.gates, PullHistory(self.database))

    @cached_property
    def service_record(self) -> ServiceRecord:
        """What a pass over a service reads and writes."""
        return ServiceRecord(
            self.catalog, self.gates, self.pulls, self.groups, self.runs, self.deployments, self.overrides
        )

    @cached_property
    def run_record(self) -> RunRecord:
        """What a pass over a workflow run reads and writes."""
        return RunRecord(
            self.database,
            self.decisions,
            self.overrides,
            self.publications,
            self.catalog,
            self.queue,
        )
