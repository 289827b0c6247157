"""One pull request's policy files as they are now: on the branch it goes to, on its head, and who reviewed it."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Protocol

from gatekeeper.act.apply import POLICY
from gatekeeper.act.plan import Actual
from gatekeeper.decide.proposal import CHECK_NAME
from gatekeeper.decide.snapshot import Closed, Pull
from gatekeeper.decide.study import Approval, Place, Proposed, Reviews
from gatekeeper.errors import GitHubError, GitHubRefusedError
from gatekeeper.events.ours import Heard
from gatekeeper.github.values import Files as ChangedFiles
from gatekeeper.github.values import PolicyTree, PullData, ReviewData
from gatekeeper.observe import comments, ours
from gatekeeper.observe.comments import Comments
from gatekeeper.observe.ours import Ours
from gatekeeper.observe.pulls import GONE, NO_RULES, pull_of
from gatekeeper.observe.reviews import standing
from gatekeeper.policy.covers import Everything
from gatekeeper.policy.loader import PolicyFile
from gatekeeper.policy.proposal import Consent, Files, policy_paths

_BOT = "[bot]"
"""The reviews that say where their author stands; a mere comment leaves that as it was."""


class Reader(comments.Reader, ours.Reader, Protocol):
    """What is read of a proposal. Strict subset of the GitHub client's methods."""

    def pull(self, repository: str, number: int) -> PullData:
        """The pull request."""

    def files(self, repository: str, number: int, *, changed_files: int | None) -> ChangedFiles:
        """Its changed files, of which GitHub counts so many."""

    def policy_tree(self, repository: str, *, ref: str) -> PolicyTree:
        """The files under ``policies/`` on a branch or at a commit."""

    def parents(self, repository: str, commit: str) -> tuple[str, ...]:
        """The commits that a commit was made of."""

    def reviews(self, repository: str, number: int) -> Iterable[ReviewData]:
        """Its reviews, oldest first."""

    def last_retargeted(self, repository: str, number: int) -> datetime | None:
        """When it was sent to another branch last."""

    def required_checks(self, repository: str, branch: str) -> frozenset[str]:
        """Names of the checks that a branch requires."""

    def is_active_member(self, team: str, user: str) -> bool:
        """Whether a user is an active member of ``@org/slug``."""

    def may_write(self, repository: str, login: str) -> bool:
        """Whether a user may write to the repository."""


class ProposalObserver:
    """Reads a proposal; its files only where it changes any."""

    def __init__(self, reader: Reader, memory: ours.Memory) -> None:
        self._reader = reader
        self._ours = Ours(reader, memory, POLICY)

    def observe(self, repository: str, number: int) -> Proposed | Closed:
        """The proposal now.

        Raises:
            GitHubError: GitHub failed, or it was pushed to between two reads.
            GitHubRefusedError: GitHub will not show it.
        """
        try:
            pull = self._reader.pull(repository, number)
        except GitHubRefusedError as error:
            if error.status in GONE:
                return Closed()
            raise
        if not pull.open:
            return Closed(pull.merged_at)
        changed = self._changed(pull)
        place = Place(
            pull.base_ref,
            pull.head_sha,
            in_force=pull.base_ref == pull.default_branch,
            required=self._required(pull),
            touched=isinstance(changed, Everything) or bool(changed),
        )
        if not place.in_force or not (place.touched or place.required):
            return Proposed(pull_of(pull), pull.head_repository, place, changed)
        merge = self._merge_of(pull)
        base = self._reader.policy_tree(pull.repository, ref=pull.base_ref)
        if merge is not None:
            self._require_present(pull, merge, base.commit)
        head = self._reader.policy_tree(pull.repository, ref=merge or pull.head_sha)
        if merge is not None and not isinstance(changed, Everything):
            changed |= differing(base, head)
        touched = isinstance(changed, Everything) or bool(changed)
        place = replace(place, touched=touched, conflicts=merge is None)
        return Proposed(pull_of(pull), pull.head_repository, place, changed, _files(base), _files(head))

    def reviews(self, pull: Pull, consents: Iterable[Consent]) -> Reviews:
        """Who approved it, as far as these consents need to know: nobody is asked about where none is needed."""
        owners = {owner for consent in consents for owner in consent.owners}
        anybody = any(not consent.owners for consent in consents)
        if not owners and not anybody:
            return Reviews(pull.author)
        unread: list[str] = []
        last = standing(self._reader.reviews(pull.repository, pull.number), pull.author)
        approved = [
            (review, self._approval(pull.repository, review.author, owners, unread, anybody=anybody))
            for review in last
            if review.state == "APPROVED"
        ]
        approved = [(review, one) for review, one in approved if one.speaks_for or one.may_write]
        newest = [(review, one) for review, one in approved if review.commit == pull.head_sha]
        # Who agreed to what it changes on another branch has not agreed to what it changes here.
        moved = self._reader.last_retargeted(pull.repository, pull.number) if newest else None
        here = [
            one for review, one in newest if moved is None or (review.at is not None and review.at > moved)
        ]
        return Reviews(
            pull.author,
            tuple(here),
            outdated=tuple(review.author for review, _ in approved if review.commit != pull.head_sha),
            elsewhere=tuple(one.by for _, one in newest if one not in here),
            unread=tuple(dict.fromkeys(unread)),
        )

    def actual(self, pull: Pull, now: datetime, *, look: bool, heard: Heard) -> Actual:
        """What of ours is there; where that is not known, GitHub is asked only if to ``look`` is worth it."""
        conversation = Comments(self._reader, pull.repository, pull.number)
        return self._ours.on(pull, conversation, now, look=look, heard=heard)

    def _changed(self, pull: PullData) -> frozenset[str] | Everything:
        files = self._reader.files(pull.repository, pull.number, changed_files=pull.changed_files)
        if others := files.heads - {pull.head_sha}:  # said on this head, they would pass it by another's
            raise GitHubError(f"{pull.repository}#{pull.number} went on to {min(others)} meanwhile")
        return policy_paths(files.paths) if files.complete else Everything()

    def _merge_of(self, pull: PullData) -> str | None:
        """The merge that GitHub has tried; None where it has conflicts.

        The list of changed files does not tell what a merge does: what the branch moved meanwhile is changed at its
        new place.
        """
        if pull.mergeable is False:
            return None
        if pull.test_merge is None:
            raise GitHubError(f"whether {pull.repository}#{pull.number} can be merged is not worked out yet")
        return pull.test_merge

    def _require_present(self, pull: PullData, merge: str, tip: str) -> None:
        if self._reader.parents(pull.repository, merge) != (tip, pull.head_sha):
            raise GitHubError(f"how {pull.repository}#{pull.number} merges into {tip} is not worked out yet")

    def _required(self, pull: PullData) -> bool:
        try:
            return CHECK_NAME in self._reader.required_checks(pull.repository, pull.base_ref)
        except GitHubRefusedError as error:
            if error.status in NO_RULES:
                return False
            raise

    def _approval(
        self, repository: str, login: str, owners: Iterable[str], unread: list[str], *, anybody: bool
    ) -> Approval:
        """What somebody's approval is worth. Where we may not ask, they are taken for nobody, and it is ``unread``."""

        def told(asked: Callable[[], bool]) -> bool:
            try:
                return asked()
            except GitHubRefusedError as error:
                unread.append(str(error))
                return False

        speaks_for = frozenset(one for one in sorted(owners) if told(partial(self._is, login, one)))
        # A workflow of the very pull request can approve it as a bot: only one that an owners list names counts.
        may_write = (
            anybody and not login.endswith(_BOT) and told(partial(self._reader.may_write, repository, login))
        )
        return Approval(login, speaks_for, may_write)

    def _is(self, login: str, owner: str) -> bool:
        """Whether a user is the one that an owners list names, or an active member of the team that it names."""
        if "/" in owner:
            return self._reader.is_active_member(owner, login)
        return owner.removeprefix("@").casefold() == login.casefold()


def differing(one: PolicyTree, other: PolicyTree) -> frozenset[str]:
    """The paths of which two commits have different files, as far as they were read."""
    files = {path for path, _ in {*one.files} ^ {*other.files}}
    return frozenset(files | ({*one.left_out} ^ {*other.left_out}))


def _files(tree: PolicyTree) -> Files:
    return Files(tuple(PolicyFile(path, text) for path, text in tree.files), frozenset(tree.left_out))
