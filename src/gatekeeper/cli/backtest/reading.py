"""What a backtest reads: the ledgers, filled as far back as it looks, and the pull requests on record."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from gatekeeper.availability.filling import LedgerConflictError, LedgerUpdate
from gatekeeper.availability.ledger import slice_of
from gatekeeper.bootstrap import Gatekeeper, build
from gatekeeper.errors import QueryRefusedError
from gatekeeper.policy.model import Service
from gatekeeper.policy.objective import Objective
from gatekeeper.settings import Settings
from gatekeeper.store.ledger import SqlLedger
from gatekeeper.worker.ledgers import Ledgers
from gatekeeper.worker.past import needed_since

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
            since = needed_since(service, objective, start)
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


def in_force(gatekeeper: Gatekeeper, name: str) -> Service | None:
    """The policy in force of the service of this name; None without one, or when several organisations have one."""
    found = [entry.service for entry in gatekeeper.stores.catalog.entries() if entry.service.name == name]
    return found[0] if len(found) == 1 else None
