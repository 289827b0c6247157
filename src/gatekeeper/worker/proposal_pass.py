"""The pass over the policy files of one pull request: read, look, judge, say."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from gatekeeper.act.apply import Target
from gatekeeper.act.plan import Actual, Write, checks, comments
from gatekeeper.decide.desired import Check
from gatekeeper.decide.proposal import Judged, judge, strictest
from gatekeeper.decide.snapshot import Closed, Pull
from gatekeeper.decide.study import Known, Looked, Place, Proposed, Reviews, Study, lacking
from gatekeeper.errors import GitHubRefusedError, PermanentError, TemporaryError
from gatekeeper.events.keys import Kind, WorkKey
from gatekeeper.events.ours import Heard
from gatekeeper.events.triggers import Priority, Touch
from gatekeeper.policy.loader import PolicyFile
from gatekeeper.policy.model import Service
from gatekeeper.policy.proposal import Consent, Proposal, merged, propose
from gatekeeper.worker.policy_pass import Catalog, before_of
from gatekeeper.worker.proposal_look import untried


class Observer(Protocol):
    """Reads a proposal from GitHub; ``gatekeeper.observe.proposals.ProposalObserver`` is the real one."""

    def observe(self, repository: str, number: int) -> Proposed | Closed:
        """As it is now."""

    def reviews(self, pull: Pull, consents: Iterable[Consent]) -> Reviews:
        """Who approved it."""

    def actual(self, pull: Pull, now: datetime, *, look: bool, heard: Heard) -> Actual:
        """What of ours is there."""


class Record(Protocol):
    """What is remembered of proposals; ``gatekeeper.store.proposals.Proposals`` is the real one."""

    def known(self, repository: str, number: int) -> Known | None:
        """What is remembered of one; None when nothing was said of it."""

    def save(self, repository: str, number: int, known: Known, check: Check, now: datetime) -> None:
        """Remember it with the check that follows for it alone."""

    def rivals(self, repository: str, number: int, sha: str) -> Sequence[tuple[int, Check]]:
        """The checks of others with the same head."""

    def close(self, repository: str, number: int) -> None:
        """It is closed or gone."""

    def touch(self, touches: Iterable[Touch]) -> None:
        """Look at these too."""


class Look(Protocol):
    """Asks the sources what a proposal's queries give, and goes through the past with its gates."""

    def __call__(
        self, proposal: Proposal, files: Sequence[PolicyFile], now: datetime, *, may_query: bool
    ) -> Looked:
        """What it came to. Nothing new is asked of a source unless ``may_query``."""


class Actor(Protocol):
    """Writes on GitHub."""

    def apply(self, writes: Sequence[Write], target: Target) -> None:
        """Send the writes."""


@dataclass(frozen=True)
class ProposalPass:
    """Brings the check ``gatekeeper/policy`` and its comment in line with a pull request's policy files.

    Attributes:
        policy_repository: name of the organisation's policy repository.
    """

    observer: Observer
    catalog: Catalog
    record: Record
    look: Look
    actor: Actor
    policy_repository: str

    def __call__(self, key: WorkKey, hints: Sequence[Mapping[str, Any]], now: datetime) -> Mapping[str, Any]:
        """Run the pass; what it did, for the log.

        Raises:
            GitHubError: GitHub failed; tried again later.
            GitHubRefusedError: GitHub will not show it; parked.
            PermanentError: GitHub refused a part; the rest was done.
            TemporaryError: a source failed. What could be said was said; looked at again later.
        """
        repository, number = key.name, int(key.detail)
        if not self.catalog.is_known(repository):
            # That pass touches the repository's pull requests when it is done, and they this one.
            self.record.touch([Touch(WorkKey(Kind.POLICIES, repository), Priority.PERSON)])
            return {"verdict": "waiting for the policies"}
        seen = self.observer.observe(repository, number)
        if isinstance(seen, Closed) or seen.pull.repository != repository:
            self.record.close(
                repository, number
            )  # under its other name the pass over the pull request finds it
            return {"verdict": "closed"}
        known = self.record.known(repository, number)
        if known is None and not (seen.place.touched or seen.place.required):
            return {"verdict": "no policy file"}
        again = any(hint and "made" not in hint for hint in hints)
        return self._judge(seen, known, now, Heard.of(hints, everything=again))

    def _judge(self, seen: Proposed, known: Known | None, now: datetime, heard: Heard) -> Mapping[str, Any]:
        pull, again = seen.pull, heard.everything
        proposal = self._read(seen)
        reviews = self.observer.reviews(pull, proposal.consents)
        known = self._looked(seen, proposal, None if again else known, now)
        study = Study(proposal, known.looked or Looked())
        own = judge(study, reviews, seen.place)
        self.record.save(pull.repository, pull.number, known, own.check, now)
        desired = self._strictest(own, pull)
        look = desired.check.needed or desired.comment.needed
        actual = self.observer.actual(pull, now, look=look, heard=heard)
        # What could not be looked at is tried again, and who asked is answered then: not with each attempt.
        writes = _writes(desired, actual, seen.place, again=again and study.looked.failed is None)
        self._send(writes, Target(pull.repository, pull.number, pull.head_sha, None, now))
        if writes and self._strictest(own, pull) != desired:
            self.record.touch([Touch(WorkKey.proposal(pull.repository, pull.number))])
        if study.looked.failed is not None:
            raise TemporaryError(f"the effect of {pull.repository}#{pull.number}: {study.looked.failed}")
        return {
            "verdict": own.check.conclusion,
            "differences": len(study.differences),
            "lacking": [one.service for one in lacking(study, reviews)],
            "writes": [type(write).__name__ for write in writes],
        }

    def _read(self, seen: Proposed) -> Proposal:
        if not (seen.place.touched and seen.place.in_force):
            return Proposal()
        central = self._central(seen.pull.repository)
        return propose(
            seen.base,
            seen.head,
            seen.changed,
            before_of(self.catalog, seen.pull.repository, central),
            repository=seen.pull.repository,
            commit=seen.pull.head_sha,
            central=central,
        )

    def _looked(self, seen: Proposed, proposal: Proposal, known: Known | None, now: datetime) -> Known:
        """What looking came to: the last time's where nothing changed, for it takes requests and time."""
        may_query = seen.from_within
        files = merged(seen.base, seen.head, seen.changed).files
        of = _fingerprint(proposal, files, may_query=may_query)
        if known is not None and known.looked is not None and known.looked_of == of:
            return Known(seen.pull.head_sha, of, known.looked)
        if not proposal.differences:
            return Known(seen.pull.head_sha, of, Looked())
        looked = self.look(proposal, files, now, may_query=may_query)
        return Known(seen.pull.head_sha, of if looked.failed is None else None, looked)

    def _central(self, repository: str) -> str:
        return f"{repository.split('/', 1)[0]}/{self.policy_repository}"

    def _strictest(self, own: Judged, pull: Pull) -> Judged:
        rivals = self.record.rivals(pull.repository, pull.number, pull.head_sha)
        return strictest(own, rivals, pull.number)

    def _send(self, writes: Sequence[Write], target: Target) -> None:
        """Send the writes; one that GitHub refuses must not keep the others back."""
        refused = []
        for write in writes:
            try:
                self.actor.apply([write], target)
            except GitHubRefusedError as error:
                refused.append(str(error))
        if refused:
            raise PermanentError("; ".join(refused))


def _writes(desired: Judged, actual: Actual, place: Place, *, again: bool) -> tuple[Write, ...]:
    # A branch that waits for no check leaves what was said of the commit: it may be sent back to where that counts.
    said = place.in_force or desired.check.needed
    return (
        *(checks(desired.check, actual, again=again) if said else ()),
        *comments(desired.comment, actual, create=True, again=again),
    )


def _fingerprint(proposal: Proposal, files: Iterable[PolicyFile], *, may_query: bool) -> str:
    """Changes with all that looking depends on, but for the data themselves.

    Of a file whose queries are tried that is each line: what is found stands at one.
    """

    def said(services: Iterable[Service]) -> list[Any]:
        return [one.model_dump(mode="json", exclude={"origin": {"commit"}}) for one in services]

    paths = {service.origin.path for service, _ in untried(proposal)} if may_query else set[str]()
    tried = [(one.path, one.text) for one in files if one.path in paths]
    facts = [said(proposal.before), said(proposal.after), may_query, tried]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]
