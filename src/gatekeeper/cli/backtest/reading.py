"""What a backtest reads: the ledgers, filled as far back as it looks, and the pull requests on record."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from gatekeeper.availability.adjustment import adjust
from gatekeeper.availability.filling import LedgerConflictError, LedgerUpdate
from gatekeeper.availability.ledger import slice_of
from gatekeeper.availability.measure import reach
from gatekeeper.bootstrap import Gatekeeper, build
from gatekeeper.decide import pace
from gatekeeper.decide.backtest.history import Past
from gatekeeper.decide.backtest.waiting import Recorded
from gatekeeper.errors import QueryRefusedError
from gatekeeper.policy.model import Service
from gatekeeper.policy.objective import Objective
from gatekeeper.settings import Settings
from gatekeeper.store.ledger import SqlLedger
from gatekeeper.store.pull_history import PastPull, PullHistory
from gatekeeper.worker.ledgers import Ledgers
from gatekeeper.worker.refresh import SETTLE

Told = Callable[[int], None]
"""Told how many slices have been filled."""


@contextmanager
def opened(settings: Settings) -> Iterator[Gatekeeper]:
    """A Gatekeeper on the configured database, or on a temporary one where there is none yet."""
    with TemporaryDirectory(prefix="gatekeeper-backtest-") as directory:
        if not _exists(settings.database_url):
            settings = settings.model_copy(update={"database_url": f"sqlite:///{directory}/ledger.db"})
        gatekeeper = build(settings)
        try:
            yield gatekeeper
        finally:
            gatekeeper.close()


def _exists(database_url: str) -> bool:
    try:
        url = make_url(database_url)
    except ArgumentError:
        return True  # which the store says in its own words
    return url.get_backend_name() != "sqlite" or not url.database or Path(url.database).exists()


class _Watched(SqlLedger):
    """A ledger that says how far filling it has come."""

    def __init__(self, gatekeeper: Gatekeeper, told: Told) -> None:
        super().__init__(gatekeeper.stores.database)
        self._told = told

    def commit(self, ledger: str, update: LedgerUpdate) -> None:
        super().commit(ledger, update)
        self._told(len(update.slices))


@dataclass(frozen=True)
class Missing:
    """An objective whose ledger does not reach far enough yet.

    Attributes:
        since: what is needed begins here.
        slices: how many are missing.
    """

    objective: Objective
    since: datetime
    slices: int


def missing(
    gatekeeper: Gatekeeper, services: Iterable[Service], start: datetime, now: datetime
) -> list[Missing]:
    """The ledgers to fill, one for each indicator."""
    needed: dict[str, tuple[Objective, datetime]] = {}
    for service in services:
        for objective in service.objectives:
            since = _needed_since(service, objective, start)
            known = needed.get(objective.indicator.id)
            if known is None or since < known[1]:
                needed[objective.indicator.id] = (objective, since)
    return [
        Missing(objective, since, _lacking(gatekeeper.stores.ledger, objective, since, now))
        for objective, since in needed.values()
    ]


def _lacking(ledger: SqlLedger, objective: Objective, since: datetime, now: datetime) -> int:
    first, stop = slice_of(since), slice_of(now)
    state = ledger.state(objective.indicator.id)
    if state is None:
        return stop - first
    return max(state.since - first, 0) + max(stop - state.filled_until, 0)


def _needed_since(service: Service, objective: Objective, start: datetime) -> datetime:
    """Of what the first passes measure: their newest slice settled a little before the start."""
    quiet_s = int(service.gate.thaw.or_quiet_for.total_seconds())
    return start - SETTLE - reach(objective.window, quiet_s, start - SETTLE)


def fill(gatekeeper: Gatekeeper, one: Missing, now: datetime, told: Told) -> None:
    """Fill a ledger. What its source refuses for good is in the ledger's status.

    Raises:
        SourceError: the source did not answer.
        ConfigurationError: the source is not set up.
    """
    ledgers = Ledgers(gatekeeper.sources.of, _Watched(gatekeeper, told))
    try:
        ledgers.refresh(one.objective.indicator, one.since, now)
    except (QueryRefusedError, LedgerConflictError):  # the latter: a worker is filling it this moment
        return


def pasts(gatekeeper: Gatekeeper, service: Service, start: datetime, end: datetime) -> tuple[Past, ...]:
    """The objectives of a service, each with its ledger."""
    return tuple(_past(gatekeeper, service, objective, start, end) for objective in service.objectives)


def _past(
    gatekeeper: Gatekeeper, service: Service, objective: Objective, start: datetime, end: datetime
) -> Past:
    identity = objective.indicator.id
    since = _needed_since(service, objective, start)
    stored = objective.judged(gatekeeper.stores.ledger.read(identity, slice_of(since), slice_of(end)))
    status = gatekeeper.stores.ledger.status(identity)
    return Past(
        objective,
        adjust(stored, service.adjustments),
        status.history_start,
        status.problem or status.error,
        service.exceptions,
    )


def in_force(gatekeeper: Gatekeeper, name: str) -> Service | None:
    """The policy in force of the service of this name; None without one, or when several organisations have one."""
    found = [entry.service for entry in gatekeeper.stores.catalog.entries() if entry.service.name == name]
    return found[0] if len(found) == 1 else None


def recorded(gatekeeper: Gatekeeper, name: str, start: datetime, end: datetime) -> Sequence[Recorded]:
    """The pull requests on record that touch the service of this name, those of the day before too.

    What landed then counts for the pace of the first day.
    """
    pulls = PullHistory(gatekeeper.stores.database).between(start - pace.DAY, end)
    return [_recorded(pull, pull.touched[name]) for pull in pulls if name in pull.touched]


def _recorded(pull: PastPull, exempt_paths: bool) -> Recorded:  # noqa: FBT001 (the one value of a mapping)
    return Recorded(
        pull.subject,
        pull.title,
        pull.seen_since,
        pull.closed_at,
        pull.merged,
        pull.changed_lines,
        pull.labels,
        exempt_paths,
    )
