"""The composition root: settings in, a wired Gatekeeper out.

The only place that builds adapters and reads the clock.
"""

import random
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from gatekeeper.act.apply import POLICY, Applier
from gatekeeper.errors import ConfigurationError
from gatekeeper.events.keys import Kind, WorkKey
from gatekeeper.events.triggers import Priority, Touch
from gatekeeper.github.client import GitHub
from gatekeeper.github.connections import AppConnections, TokenConnections
from gatekeeper.github.limiter import Limiter
from gatekeeper.github.transport import TIMEOUT
from gatekeeper.observe.deploying import DeploymentObserver
from gatekeeper.observe.groups import GroupObserver
from gatekeeper.observe.installations import InstallationObserver
from gatekeeper.observe.proposals import ProposalObserver
from gatekeeper.observe.pulls import OpenPulls, PullObserver
from gatekeeper.observe.runs import RunObserver
from gatekeeper.policy.objective import Indicator
from gatekeeper.settings import Settings
from gatekeeper.sources import Source, find
from gatekeeper.store.deployments import KEPT
from gatekeeper.store.engine import Database, create_store_engine
from gatekeeper.store.migrate import migrate
from gatekeeper.store.missing_deliveries import MissingDeliveries
from gatekeeper.store.open_changes import OpenChanges
from gatekeeper.store.pull_history import PullHistory
from gatekeeper.store.sendings import Sendings
from gatekeeper.store.stores import Stores
from gatekeeper.store.work import DEBOUNCE, Claim, Work
from gatekeeper.worker.announcement_pass import AnnouncementPass
from gatekeeper.worker.asked_pass import AskedPass
from gatekeeper.worker.audit_pass import AuditPass
from gatekeeper.worker.delivery_sweep import DeliverySweep
from gatekeeper.worker.deployment_pass import DeploymentPass
from gatekeeper.worker.engine import Engine, Pace
from gatekeeper.worker.group_pass import GroupPass
from gatekeeper.worker.head_pass import HeadPass
from gatekeeper.worker.ledgers import Ledgers
from gatekeeper.worker.policy_effect import PolicyEffects
from gatekeeper.worker.policy_pass import PolicyPass
from gatekeeper.worker.ports import Pass
from gatekeeper.worker.proposal_look import ProposalLook
from gatekeeper.worker.proposal_pass import ProposalPass
from gatekeeper.worker.pull_pass import PullPass, TidyPass
from gatekeeper.worker.run_pass import RunPass, RunsPass
from gatekeeper.worker.runner import Runner
from gatekeeper.worker.schedule import Routine
from gatekeeper.worker.service_pass import ServicePass
from gatekeeper.worker.sweeps import CommitPass, InstallationPass, RepositoryPass, again


def now() -> datetime:
    """The present, aware UTC."""
    return datetime.now(UTC)  # noqa: TID251 (the one place that may)


REDELIVERABLE = timedelta(days=8)
"""GitHub delivers again within 3 days, GitHub Enterprise Server within 7: so long a delivery is remembered."""


@dataclass(frozen=True)
class Tempo:
    """How often a timer looks at what, events or no events."""

    services: timedelta
    pulls: timedelta = timedelta(minutes=10)
    policies: timedelta = timedelta(minutes=30)
    overrides: timedelta = timedelta(seconds=60)
    installations: timedelta = timedelta(hours=1)
    audits: timedelta = timedelta(minutes=10)
    deliveries: timedelta = timedelta(minutes=5)
    runs: timedelta = timedelta(minutes=5)


@dataclass(frozen=True)
class Gatekeeper:
    """Everything, wired. ``github`` is None when no App and no token is set: then nothing can be gated.

    Attributes:
        clock: the present as passes and pages see it.
        stores: what the database keeps.
        ledgers: fills and reads ledgers.
        observer: reads one pull request, for passes and for a decision that is only printed.
        engine: runs the passes between ``start`` and ``stop``.
    """

    settings: Settings
    clock: Callable[[], datetime]
    stores: Stores
    ledgers: Ledgers
    sources: "Sources"
    github: GitHub | None
    observer: PullObserver | None
    engine: Engine[Claim]

    def close(self) -> None:
        """Close all connections."""
        self.sources.close()
        self.stores.database.close()


class Sources:
    """The availability sources that the settings set up, each made when first needed."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._made: dict[str, Source] = {}
        self._making = threading.Lock()

    def of(self, indicator: Indicator) -> Source:
        """The source of an indicator.

        Raises:
            ConfigurationError: the settings do not set it up.
        """
        (name,) = indicator.model_fields_set
        return self.named(name)

    def named(self, name: str) -> Source:
        """The source of a monitoring system.

        Raises:
            ConfigurationError: the settings do not set it up.
        """
        with self._making:
            if name not in self._made:
                self._made[name] = self._make(name)
            return self._made[name]

    def _make(self, name: str) -> Source:
        source = find(name)(self._settings)
        if source is None:
            raise ConfigurationError(f"GATEKEEPER_{name.upper()}_URL is not set, and a policy needs {name}")
        return source

    def close(self) -> None:
        """Close their connections."""
        for source in self._made.values():
            source.close()


def build(
    settings: Settings,
    *,
    clock: Callable[[], datetime] = now,
    tempo: Tempo | None = None,
    pace: Pace | None = None,
    debounce: timedelta = DEBOUNCE,
    limiter: Callable[[], Limiter] = Limiter,
    patience: int = TIMEOUT,
) -> Gatekeeper:
    """Wire everything up. Opens the database; asks GitHub and the sources nothing yet.

    Args:
        settings: how.
        clock: the present as passes see it; leases and delays go by real time all the same.
        tempo: how often timers look; from the settings by default.
        pace: how the engine runs.
        debounce: how long work waits for the rest of its burst of events.
        limiter: makes the limiter of each connection to GitHub.
        patience: seconds to wait for a piece of an answer of GitHub.

    Raises:
        ConfigurationError: a setting is wrong, or the database is of another version.
        TemporaryError: the database cannot be reached.
    """
    stores = _opened(settings, debounce)
    sources = Sources(settings)
    ledgers = Ledgers(sources.of, stores.ledger)
    connections = _connections(settings, stores, limiter, patience)
    github = GitHub(connections) if connections is not None else None
    observer = (
        PullObserver(github, stores.catalog, stores.gates, stores.record) if github is not None else None
    )
    audit = AuditPass(stores.service_record.policy, sources.of, stores.ledger, stores.audits)
    passes = _passes(stores, ledgers, audit)
    if connections is not None and github is not None and observer is not None:
        passes |= _passes_over_github(
            settings, stores, github, observer, _look(stores, ledgers, sources), connections
        )
    tempo = tempo or Tempo(services=timedelta(seconds=settings.refresh_seconds))
    routines = _routines(tempo, clock, github, stores, ledgers, audit)
    timed = _at(clock, passes) | _by_real_time(stores, github, tempo)
    runner = Runner(stores.work, timed, now, random.random)
    return Gatekeeper(
        settings=settings,
        clock=clock,
        stores=stores,
        ledgers=ledgers,
        sources=sources,
        github=github,
        observer=observer,
        engine=Engine(
            stores.work, runner, database_url=settings.database_url, clock=now, routines=routines, pace=pace
        ),
    )


def _opened(settings: Settings, debounce: timedelta) -> Stores:
    database = Database(create_store_engine(settings.database_url))
    migrate(database)
    return Stores.of(database, Work(database, debounce=debounce), now)


def _passes(stores: Stores, ledgers: Ledgers, audit: AuditPass) -> dict[Kind, Pass]:
    return {
        Kind.SERVICE: ServicePass(ledgers, stores.service_record),
        Kind.AUDIT: audit,
        Kind.DEPLOYMENTS: DeploymentPass(stores.deployments),
    }


def _passes_over_github(
    settings: Settings,
    stores: Stores,
    github: GitHub,
    observer: PullObserver,
    look: ProposalLook,
    connections: AppConnections | TokenConnections,
) -> Mapping[Kind, Pass]:
    record, listing = stores.record, OpenPulls(github)
    deployed = DeploymentObserver(github, stores.catalog, stores.gates, stores.deployments, stores.run_record)
    runs = RunObserver(github, deployed)
    proposals = ProposalObserver(github, stores.proposals)
    installed = InstallationObserver(github, stores.installations, connections, stores.catalog)
    pulls = PullPass(
        observer,
        record,
        Applier(github, stores.publications),
        _link(settings),
        settings.policy_repository,
    )
    return {
        Kind.PULL: pulls,
        Kind.TIDY: TidyPass(pulls),
        Kind.GROUP: GroupPass(
            GroupObserver(github, observer, proposals, record),
            stores.group_record,
            Applier(github, stores.publications),
            Applier(github, stores.publications, POLICY),
            _link(settings),
        ),
        Kind.PROPOSAL: ProposalPass(
            proposals,
            stores.catalog,
            stores.proposals,
            look,
            Applier(github, stores.publications, POLICY),
            settings.policy_repository,
        ),
        Kind.RUN: RunPass(runs, stores.run_record, github, _link(settings)),
        Kind.HEAD: HeadPass(deployed, stores.run_record, github, _link(settings)),
        Kind.DEPLOYMENT: AskedPass(deployed, stores.run_record, github, _link(settings)),
        Kind.RUNS: RunsPass(runs, stores.runs.of_repository, stores.queue.add),
        Kind.POLICIES: PolicyPass(
            github,
            stores.catalog,
            settings.policy_repository,
            stores.proposals.open,
            stores.installations.installation_of,
        ),
        Kind.REPOSITORY: RepositoryPass(listing, record, record, stores.installations.is_archived),
        Kind.INSTALLATION: InstallationPass(installed, record),
        Kind.COMMIT: CommitPass(listing, record, record),
        Kind.ANNOUNCEMENT: AnnouncementPass(
            github,
            stores.publications,
            stores.catalog,
            f"{settings.public_url}/status" if settings.public_url else None,
        ),
    }


def _by_real_time(stores: Stores, github: GitHub | None, tempo: Tempo) -> dict[Kind, Pass]:
    """Passes that go by what GitHub itself has put a time on."""
    if github is None or github.mode == "token":  # a token has no webhook of its own
        return {}
    memory = MissingDeliveries(stores.database)
    return {Kind.DELIVERIES: DeliverySweep(github, memory, stores.queue, again=tempo.deliveries)}


def _look(stores: Stores, ledgers: Ledgers, sources: Sources) -> ProposalLook:
    effects = PolicyEffects(
        ledgers,
        stores.service_record,
        ServicePass(ledgers, stores.service_record),
        PullHistory(stores.database),
        OpenChanges(stores.pulls, stores.runs, stores.decisions, stores.installations),
        stores.deployments,
        stores.catalog,
    )
    return ProposalLook(effects, sources.of, stores.trials)


def _connections(
    settings: Settings, stores: Stores, limiter: Callable[[], Limiter], patience: int
) -> AppConnections | TokenConnections | None:
    share = partial(Sendings, stores.database, clock=now)
    if settings.github_app_id is not None and settings.github_private_key is not None:
        return AppConnections(
            settings.github_app_id,
            settings.github_private_key.get_secret_value(),
            api_url=settings.github_api_url,
            clock=now,
            installation_of=stores.installations.installation_of,
            limiter=limiter,
            share=share,
            timeout=patience,
        )
    if settings.github_token is not None:
        token = settings.github_token.get_secret_value()
        return TokenConnections(
            token, api_url=settings.github_api_url, limiter=limiter, share=share, timeout=patience
        )
    return None


def _link(settings: Settings) -> Callable[[str], str | None]:
    if settings.public_url is None:
        return lambda _: None
    return lambda decision: f"{settings.public_url}/decisions/{decision}"


def _at(clock: Callable[[], datetime], passes: Mapping[Kind, Pass]) -> dict[Kind, Pass]:
    """The passes with the clock that pages show; the engine's own is always real time."""

    def timed(one: Pass) -> Pass:
        def run(
            key: WorkKey, hints: Sequence[Mapping[str, Any]], _real: datetime
        ) -> Mapping[str, Any] | None:
            return one(key, hints, clock())

        return run

    return {kind: timed(one) for kind, one in passes.items()}


def deploying(github: GitHub | None, stores: Stores) -> Callable[[datetime], Sequence[Touch]]:
    """The repositories whose deployments may wait for us: what an App is not installed on any more cannot."""
    kinds = (Kind.RUNS, Kind.HEAD)

    def covered() -> Sequence[str]:
        named = stores.catalog.covered() if github is not None else ()
        if github is None or github.mode == "token":
            return named
        folded = {one.casefold() for one in named}
        return [one for one in stores.installations.names() if one.casefold() in folded]

    return lambda _: [Touch(WorkKey(kind, one), Priority.EVENT) for one in covered() for kind in kinds]


def _given_up(github: GitHub | None, stores: Stores) -> Callable[[datetime], Sequence[Touch]]:
    """With an App, the pass over an installation tries it again, and knows which repositories it still sees."""
    by_token = github is not None and github.mode == "token"
    return lambda _: again(stores.queue.parked()) if by_token else []


def _routines(
    tempo: Tempo,
    clock: Callable[[], datetime],
    github: GitHub | None,
    stores: Stores,
    ledgers: Ledgers,
    audit: AuditPass,
) -> Sequence[Routine]:
    # Lists, not generators: what they read must not be read inside of the transaction that they are stored in.
    def filled(_: datetime) -> Sequence[Touch]:
        ledgers.refresh_together([one.service for one in stores.catalog.entries()], clock())
        return []

    def services(_: datetime) -> Sequence[Touch]:
        return [
            Touch(WorkKey(Kind.SERVICE, one.service.key), Priority.EVENT) for one in stores.catalog.entries()
        ]

    def of_sources(kind: Kind) -> Callable[[datetime], Sequence[Touch]]:
        return lambda _: [
            Touch(WorkKey(kind, one.repository), Priority.SWEEP) for one in stores.catalog.sources()
        ]

    def ended(_: datetime) -> Sequence[Touch]:
        return [Touch(WorkKey.pull(*pull), Priority.EVENT) for pull in stores.overrides.ended(clock())]

    def installed(_: datetime) -> Sequence[Touch]:
        if github is None or github.mode == "token":
            return []
        known = stores.installations.numbers()  # also those that are gone: the pass finds out
        numbers = {*github.installations(), *known}
        return [Touch(WorkKey(Kind.INSTALLATION, str(one)), Priority.SWEEP) for one in sorted(numbers)]

    def delivered(_: datetime) -> Sequence[Touch]:
        by_app = github is not None and github.mode == "app"
        return [Touch(WorkKey.deliveries(), Priority.EVENT)] if by_app else []

    def unaudited(_: datetime) -> Sequence[Touch]:
        services = [one.service for one in stores.catalog.entries()]
        return [Touch(WorkKey(Kind.AUDIT, key), Priority.SWEEP) for key in audit.due(services, clock())]

    def tidy(real: datetime) -> Sequence[Touch]:
        stores.deliveries.forget(real - REDELIVERABLE)
        stores.deployments.forget(clock() - KEPT)
        objectives = [one for entry in stores.catalog.entries() for one in entry.service.objectives]
        stores.ledger.forget_unnamed({one.indicator.id for one in objectives}, clock())
        return []

    return (
        # What was missed while nobody was there is missed until it is asked for, however short that was.
        Routine("deliveries", tempo.deliveries, delivered, at_start=True),
        Routine("installations", tempo.installations, installed),
        Routine("parked", tempo.installations, _given_up(github, stores)),
        Routine("policies", tempo.policies, of_sources(Kind.POLICIES)),
        # A routine of its own, and first: whatever becomes of it, the services are looked at.
        Routine("ledgers", tempo.services, filled),
        Routine("services", tempo.services, services),
        Routine("pulls", tempo.pulls, of_sources(Kind.REPOSITORY)),
        Routine("runs", tempo.runs, deploying(github, stores)),
        Routine("overrides", tempo.overrides, ended),
        Routine("audits", tempo.audits, unaudited),
        Routine("housekeeping", timedelta(hours=1), tidy),
    )
