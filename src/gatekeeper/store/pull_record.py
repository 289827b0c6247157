"""What is kept of one pull request, in one place for its passes: paths, publications, rulings, decisions."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from gatekeeper.act.apply import Kind
from gatekeeper.act.plan import InDoubt, Nothing, Published
from gatekeeper.decide.evaluate import Decision, OverrideRuling
from gatekeeper.decide.snapshot import Refusal, Snapshot
from gatekeeper.events.triggers import Touch
from gatekeeper.policy.covers import Everything
from gatekeeper.store.catalog import Catalog
from gatekeeper.store.decisions import Decisions
from gatekeeper.store.overrides import OverrideRecord, Overrides
from gatekeeper.store.publications import Publications
from gatekeeper.store.pulls import KnownPull, Pulls
from gatekeeper.store.queue import Queue


class PullRecord:
    """The stores behind a pull request's passes."""

    def __init__(
        self,
        *,
        pulls: Pulls,
        publications: Publications,
        decisions: Decisions,
        overrides: Overrides,
        catalog: Catalog,
        queue: Queue,
    ) -> None:
        self._pulls = pulls
        self._publications = publications
        self._decisions = decisions
        self._overrides = overrides
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

    def refusals(self, repository: str, number: int) -> tuple[Refusal, ...]:
        """Overrides refused on it."""
        return self._overrides.refusals(repository, number)

    def knows_policies(self, repository: str) -> bool:
        """Whether the policy files that may cover a repository were read."""
        return self._catalog.is_known(repository)

    def close(self, repository: str, number: int, now: datetime) -> tuple[int, ...]:
        """It is closed; the numbers of other open pull requests with the same head."""
        known = self._pulls.known(repository, number)
        if known is None:
            return ()
        self._pulls.close(repository, number, now)
        return tuple(one.number for one in self._pulls.sharing(repository, known.head_sha))

    def rulings(self, snapshot: Snapshot, decision: Decision) -> None:
        """What came of override requests, and which overrides were withdrawn."""
        labeled_at = {request.label: request.labeled_at for request in snapshot.requests}
        given = [
            _record(snapshot, ruling, labeled_at[ruling.label])
            for ruling in (*decision.granted, *decision.refused)
        ]
        self._overrides.add_new(given)
        pull = snapshot.pull
        self._overrides.withdraw(pull.repository, pull.number, set(pull.labels), snapshot.now)

    def asked(self, repository: str, number: int) -> bool:
        """Whether somebody asked for every number before."""
        known = self._pulls.known(repository, number)
        return known is not None and known.asked

    def decided(self, seen: Any, decision: Decision, essence: str, *, asked: bool) -> str:
        """Store what was seen and decided; the decision's id, an earlier one's when nothing that matters changed."""
        snapshot: Snapshot = seen.snapshot
        pull = snapshot.pull
        subject = f"{pull.repository}#{pull.number}"
        last = next(iter(self._decisions.latest(subject, most=1)), None)
        unchanged = (
            last is not None and last.essence == essence and last.snapshot.pull.head_sha == pull.head_sha
        )
        identity = (
            last.id
            if last is not None and unchanged
            else self._decisions.add(subject, snapshot, decision, essence)
        )
        known = KnownPull(
            repository=pull.repository,
            number=pull.number,
            head_sha=pull.head_sha,
            seen=seen.seen,
            paths=None if isinstance(seen.paths, Everything) else tuple(seen.paths),
            paths_of=seen.paths_of,
            asked=asked,
            decision=identity,
        )
        verdicts = {ruling.service: ruling.effective for ruling in decision.rulings}
        self._pulls.save(pull, known, verdicts, snapshot.now)
        return identity

    def rivals(self, repository: str, number: int, sha: str) -> Iterator[tuple[Snapshot, Decision]]:
        """What was decided for other open pull requests with the same head."""
        for other in self._pulls.sharing(repository, sha):
            if other.number != number and other.decision is not None:
                stored = self._decisions.find(other.decision)
                if stored is not None:
                    yield stored.snapshot, stored.decision

    def touch(self, touches: Sequence[Touch]) -> None:
        """Look at these too."""
        self._queue.add(touches)

    def seen(self, repository: str) -> dict[int, str]:
        """By number, the fingerprint of each open pull request."""
        return {number: known.seen for number, known in self._pulls.open(repository).items()}

    def with_head(self, repository: str, sha: str) -> tuple[int, ...]:
        """Numbers of the open pull requests with this head."""
        return tuple(one.number for one in self._pulls.sharing(repository, sha))


def _record(snapshot: Snapshot, ruling: OverrideRuling, labeled_at: datetime) -> OverrideRecord:
    return OverrideRecord(
        repository=snapshot.pull.repository,
        number=snapshot.pull.number,
        label=ruling.label,
        actor=ruling.actor,
        granted=ruling.granted,
        why=ruling.why,
        reason=ruling.reason,
        head_sha=snapshot.pull.head_sha,
        labeled_at=labeled_at,
        until=ruling.until,
        recorded_at=snapshot.now,
    )
