"""What is kept of one pull request, in one place for its passes: paths, publications, rulings, decisions."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from gatekeeper.act.apply import Kind
from gatekeeper.act.plan import InDoubt, Nothing, Published, Spare
from gatekeeper.decide.evaluate import Decision
from gatekeeper.decide.opening import OpeningRequest, rule_on_opening
from gatekeeper.decide.snapshot import COMMAND, RECHECK, REVOKE, Past, Pull, Snapshot
from gatekeeper.decide.verdict import Why
from gatekeeper.errors import TemporaryError
from gatekeeper.events.commands import CommandName
from gatekeeper.events.keys import Kind as WorkKind
from gatekeeper.events.keys import WorkKey
from gatekeeper.events.triggers import Priority, Touch
from gatekeeper.policy.covers import Everything
from gatekeeper.store.catalog import Catalog
from gatekeeper.store.decisions import Decisions
from gatekeeper.store.engine import Database
from gatekeeper.store.gates import Gates
from gatekeeper.store.groups import Groups
from gatekeeper.store.overrides import OverrideRecord, Overrides
from gatekeeper.store.publications import Publications
from gatekeeper.store.pulls import KnownPull, Pulls
from gatekeeper.store.queue import Queue
from gatekeeper.store.rulings import put_on_record, stake_of
from gatekeeper.store.runs import Runs


class PullRecord:
    """The stores behind a pull request's passes."""

    def __init__(
        self,
        database: Database,
        *,
        pulls: Pulls,
        publications: Publications,
        decisions: Decisions,
        overrides: Overrides,
        gates: Gates,
        groups: Groups,
        runs: Runs,
        catalog: Catalog,
        queue: Queue,
    ) -> None:
        self._database = database
        self._pulls = pulls
        self._publications = publications
        self._decisions = decisions
        self._overrides = overrides
        self._gates = gates
        self._groups = groups
        self._runs = runs
        self._catalog = catalog
        self._queue = queue

    def paths(self, repository: str, number: int, of: str) -> tuple[str, ...] | Everything | None:
        """Its changed paths when head SHA and base are still ``of``; None when not known."""
        known = self._pulls.known(repository, number)
        if known is None or known.paths_of != of:
            return None
        return Everything() if known.paths is None else known.paths

    def published(self, repository: str, kind: Kind, subject: str) -> Published | Nothing | InDoubt:
        """What of ours is on GitHub, as far as we know."""
        return self._publications.find(repository, kind, subject)

    def found_nothing(self, repository: str, kind: Kind, subject: str, now: datetime) -> None:
        """We looked, and there is nothing of ours."""
        self._publications.found_nothing(repository, kind, subject, now)

    def past(self, repository: str, number: int) -> Past:
        """What is on record of its overrides."""
        return self._overrides.past(repository, number)

    def command(self, repository: str, number: int, hint: Mapping[str, Any], now: datetime) -> None:
        """Put an override on record that somebody asked for in a comment, or took back there."""
        known = self._pulls.known(repository, number)
        revokes = hint["command"] == CommandName.REVOKE
        at = datetime.fromisoformat(hint["at"])
        self._overrides.take(
            OverrideRecord(
                repository=repository,
                number=number,
                label=REVOKE if revokes else COMMAND,
                actor=hint["actor"],
                granted=False,
                why="",
                reason=hint["argument"] or None,
                head_sha=known.head_sha if known is not None else "",
                labeled_at=at,
                until=at,
                recorded_at=now,
                event="revoke" if revokes else "override",
                comment=hint["comment"],
            )
        )

    def refused(self, repository: str, number: int, hint: Mapping[str, Any], why: str, now: datetime) -> None:
        """Put on record that somebody may not have everything looked at anew; once, however often they ask."""
        if any(
            (one.label, one.actor) == (RECHECK, hint["actor"])
            for one in self._overrides.of_pull(repository, number)
        ):
            return
        known = self._pulls.known(repository, number)
        at = datetime.fromisoformat(hint["at"])
        record = OverrideRecord(
            repository=repository,
            number=number,
            label=RECHECK,
            actor=hint["actor"],
            granted=False,
            why=why,
            reason=None,
            head_sha=known.head_sha if known is not None else "",
            labeled_at=at,
            until=at,
            recorded_at=now,
        )
        self._overrides.add_new([record])

    def forged(self, repository: str, number: int, forgery: Mapping[str, Any], now: datetime) -> None:
        """Somebody else set a commit status of our name."""
        self._overrides.forged(repository, number, forgery, now)

    def opened(self, repository: str, number: int, request: OpeningRequest, now: datetime) -> None:
        """Rule on what somebody asks for of a whole service, put it on record, and look at the service."""
        service = request.service
        opening = self._overrides.opening(service.key, now) if service is not None else None
        ruling = rule_on_opening(request, opening, now)
        known = self._pulls.known(repository, number)
        view = self._gates.view(service.key) if service is not None else None
        record = OverrideRecord(
            repository=repository,
            number=number,
            label=ruling.label,
            actor=ruling.actor,
            granted=ruling.granted,
            why=ruling.why,
            reason=ruling.reason,
            head_sha=known.head_sha if known is not None else "",
            labeled_at=request.at,
            until=ruling.until,
            recorded_at=now,
            stakes=(stake_of(view),) if view is not None else (),
        )
        self._overrides.add_new([record])
        if service is not None and ruling.granted:
            self._queue.add([Touch(WorkKey(WorkKind.SERVICE, service.key), Priority.PERSON)])

    def spares(self, repository: str, kind: Kind, sha: str) -> tuple[Spare, ...]:
        """The check runs that a commit has beside the one that counts."""
        return self._publications.spares(repository, kind, sha)

    def spare(self, repository: str, kind: Kind, sha: str, spares: Iterable[Spare]) -> None:
        """These are there too."""
        self._publications.spare(repository, kind, sha, spares)

    def supersede(
        self, repository: str, kind: Kind, subject: str, old: Published, new: Published, now: datetime
    ) -> None:
        """The new one is the one on record from now on, unless there is news of the old one."""
        self._publications.supersede(repository, kind, subject, old, new, now)

    def passed_as_revert(self, repository: str, number: int) -> bool:
        """Whether the last decision on it let it pass because it took back another."""
        last = self._decisions.latest(f"{repository}#{number}", most=1)
        return any(ruling.why is Why.EXEMPT_REVERT for one in last for ruling in one.decision.rulings)

    def knows_policies(self, repository: str) -> bool:
        """Whether the policy files that may cover a repository were read."""
        return self._catalog.is_known(repository)

    def close(
        self, repository: str, number: int, now: datetime, *, merged_at: datetime | None = None
    ) -> None:
        """It is closed or gone; others with the same head are looked at again, and if it landed the services."""
        self._pulls.close(repository, number, now, merged_at=merged_at)

    def rulings(self, snapshot: Snapshot, decision: Decision) -> None:
        """What came of override requests, which overrides were withdrawn, and which labels exempt nothing."""
        put_on_record(self._overrides, snapshot, decision)

    def known(self, repository: str, number: int) -> KnownPull | None:
        """What is remembered of it; None when it was never decided on, or was closed."""
        return self._pulls.known(repository, number)

    def decided(
        self, seen: Any, decision: Decision, essence: str, *, asked: bool, known: KnownPull | None
    ) -> str:
        """Store what was seen and decided; the decision's id, an earlier one's when nothing that matters changed.

        Both or neither: only a decision that comes into force is put on record.

        Args:
            seen: what was observed.
            decision: what was decided from it.
            essence: of the check that follows.
            asked: whether somebody asked for every number.
            known: what was remembered before anything was observed.

        Raises:
            TemporaryError: another worker has decided meanwhile, from what may be newer.
        """
        snapshot: Snapshot = seen.snapshot
        pull = snapshot.pull
        subject = f"{pull.repository}#{pull.number}"
        verdicts = {ruling.service: ruling.effective for ruling in decision.rulings}
        in_force = self._in_force(known, pull.head_sha, decision, essence)
        with self._database.write() as connection:
            identity = in_force or self._decisions.add(connection, subject, snapshot, decision, essence)
            remembered = _remembered(seen, identity, asked=asked, known=known)
            if not self._pulls.save(connection, pull, remembered, verdicts, snapshot.now, before=known):
                raise TemporaryError(f"another worker looked at {subject} meanwhile")
        return identity

    def _in_force(
        self, known: KnownPull | None, head_sha: str, decision: Decision, essence: str
    ) -> str | None:
        """The id of the decision in force if it is this one on this head."""
        if known is None or known.decision is None or known.head_sha != head_sha:
            return None
        return known.decision if self._decisions.says(known.decision, decision, essence) else None

    def in_line(self, seen: Any, identity: str) -> bool:
        """Remember that GitHub says what was decided; False when another pass has decided anew meanwhile."""
        pull = seen.snapshot.pull
        known = self._pulls.known(pull.repository, pull.number)
        if known is None or known.decision != identity:
            return False
        if known.seen != seen.seen:
            self._pulls.in_line(pull.repository, pull.number, seen.seen)
        return True

    def has_moved(self, snapshot: Snapshot) -> bool:
        """Whether a gate stands elsewhere than where it was met."""
        met = {view.service.key: view.memory.state for view in snapshot.services}
        return any(state is not met[key] for key, state in self._gates.states(met).items())

    def rivals(self, repository: str, number: int, sha: str) -> Iterator[tuple[Snapshot, Decision]]:
        """What was decided for other open pull requests with the same head, by number."""
        for other in self._pulls.sharing(repository, sha):
            if other.number != number and other.decision is not None:
                stored = self._decisions.of_pull(other.decision)
                if stored is not None:
                    yield stored

    def deploying(self, repository: str) -> Sequence[int]:
        """The workflow runs of a repository that wait for our answer."""
        return self._runs.of_repository(repository)

    def groups(self, repository: str) -> Mapping[str, Sequence[int]]:
        """By head SHA, the pull requests of each merge group that is known to be there."""
        return self._groups.of_repository(repository)

    def touch(self, touches: Sequence[Touch]) -> None:
        """Look at these too."""
        self._queue.add(touches)

    def parked(self) -> tuple[WorkKey, ...]:
        """Work that waits for a person."""
        return self._queue.parked()

    def open(self, repository: str) -> dict[int, KnownPull]:
        """By number, what is remembered of each open pull request."""
        return self._pulls.open(repository)

    def with_head(self, repository: str, sha: str) -> tuple[int, ...]:
        """Numbers of the open pull requests with this head."""
        return tuple(one.number for one in self._pulls.sharing(repository, sha))


def _remembered(seen: Any, identity: str, *, asked: bool, known: KnownPull | None) -> KnownPull:
    pull: Pull = seen.snapshot.pull
    return KnownPull(
        repository=pull.repository,
        number=pull.number,
        head_sha=pull.head_sha,
        seen=known.seen if known is not None else "",
        paths=None if isinstance(seen.paths, Everything) else tuple(seen.paths),
        paths_of=seen.paths_of,
        asked=asked,
        decision=identity,
        auto_merge=seen.auto_merge,
        approved=known is not None and known.approved if seen.approved is None else seen.approved,
    )
