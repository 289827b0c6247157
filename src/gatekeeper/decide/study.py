"""What a verdict on a policy proposal rests on: what its files mean, who approved it, where it goes."""

from dataclasses import dataclass, field

from gatekeeper.decide.snapshot import Pull
from gatekeeper.policy.compare import Difference
from gatekeeper.policy.covers import Everything
from gatekeeper.policy.problem import Problem, Severity
from gatekeeper.policy.proposal import Consent, Files, Proposal


@dataclass(frozen=True)
class Looked:
    """What asking the source and going through the past came to.

    Attributes:
        problems: of the dry run of each query that changes, at their places.
        headline: what the proposal would have done, in a sentence; empty where nothing can be said.
        effect: the same as a section of Markdown, with table and chart.
        notes: what could not be looked at, and why; how a mode did that changes (plain text).
        failed: why it has to be looked at again soon, or None.
    """

    problems: tuple[Problem, ...] = ()
    headline: str = ""
    effect: str = ""
    notes: tuple[str, ...] = ()
    failed: str | None = None


@dataclass(frozen=True)
class Known:
    """What is remembered of a proposal.

    Attributes:
        looked_of: fingerprint of what ``looked`` belongs to.
        looked: None before the first look.
    """

    head_sha: str
    looked_of: str | None = None
    looked: Looked | None = None


@dataclass(frozen=True)
class Study:
    """What is known of a proposal but for who approved it: what its files say, and what they would do."""

    proposal: Proposal = field(default_factory=Proposal)
    looked: Looked = field(default_factory=Looked)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Mistakes and warnings, by place."""
        return tuple(sorted({*self.proposal.problems, *self.looked.problems}))

    @property
    def mistakes(self) -> tuple[Problem, ...]:
        """The problems that keep the files from being used as they are."""
        return tuple(one for one in self.problems if one.severity is Severity.ERROR)

    @property
    def differences(self) -> tuple[Difference, ...]:
        """What changes, key by key."""
        return self.proposal.differences

    @property
    def consents(self) -> tuple[Consent, ...]:
        """The consents it needs."""
        return self.proposal.consents


@dataclass(frozen=True)
class Approval:
    """An approving review by somebody else than the author, on the newest commit.

    Attributes:
        by: login.
        speaks_for: those of the owners' names that they are, or are an active member of.
        may_write: whether they may write to the repository; asked only where a policy names no owners.
    """

    by: str
    speaks_for: frozenset[str] = frozenset()
    may_write: bool = False

    def satisfies(self, consent: Consent) -> bool:
        """Whether this is a consent of the kind that is needed."""
        return bool(self.speaks_for.intersection(consent.owners)) if consent.owners else self.may_write


@dataclass(frozen=True)
class Reviews:
    """The reviews of a pull request, as far as they count.

    Attributes:
        approvals: on the newest commit, on its way to the branch that it goes to now.
        outdated: logins of those whose approval was for an earlier commit.
        elsewhere: logins of those who approved it on its way to another branch.
        author: the author's own login.
        unread: what GitHub would not tell, and why.
    """

    author: str
    approvals: tuple[Approval, ...] = ()
    outdated: tuple[str, ...] = ()
    elsewhere: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()


@dataclass(frozen=True)
class Place:
    """Where the proposal stands.

    Attributes:
        branch: the one it goes to.
        in_force: whether policies are read from that branch.
        required: whether that branch waits for our check.
        touched: whether any policy file is changed.
        conflicts: whether it cannot be merged as it is, so that nobody knows what a merge would leave.
    """

    branch: str
    head_sha: str
    in_force: bool = True
    required: bool = False
    touched: bool = True
    conflicts: bool = False


@dataclass(frozen=True)
class Proposed:
    """A pull request and its policy files.

    Attributes:
        head_repository: where the change comes from; None when that fork is deleted.
        changed: the paths under ``policies/`` that it changes, or that merging it would.
        base: the files of the branch it goes to.
        head: those that merging it would leave; with conflicts, those of its newest commit.
    """

    pull: Pull
    head_repository: str | None
    place: Place
    changed: frozenset[str] | Everything
    base: Files = field(default_factory=Files)
    head: Files = field(default_factory=Files)

    @property
    def from_within(self) -> bool:
        """Whether it was pushed by somebody who may write to the repository, not to a fork of it."""
        return (self.head_repository or "").casefold() == self.pull.repository.casefold()


def lacking(study: Study, reviews: Reviews) -> tuple[Consent, ...]:
    """The consents that nobody has given yet."""
    return tuple(
        consent
        for consent in study.consents
        if not any(approval.satisfies(consent) for approval in reviews.approvals)
    )
