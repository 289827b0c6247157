"""What a pull request says that it takes back, and what both it and that change really do (adr/0011)."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import Protocol

from gatekeeper.decide.evaluate import lets_pass
from gatekeeper.decide.snapshot import Revert, ServiceView
from gatekeeper.errors import GitHubRefusedError
from gatekeeper.github.values import PullData, Update
from gatekeeper.policy.revert import FileChange, named, says_so

MOST_NAMED = 3
"""As many of the changes that a pull request names are looked at: each costs some requests."""
MOST_FILES = 300
"""As many files are compared: they are kept with the decision."""
_MISSING = frozenset({404, 410, 422})


class Reader(Protocol):
    """What is read. Strict subset of the GitHub client's methods."""

    def pull(self, repository: str, number: int) -> PullData:
        """A pull request."""

    def merged_with(self, repository: str, sha: str) -> tuple[int, ...]:
        """The numbers of the merged pull requests that a commit came with."""

    def merge_into(self, repository: str, branch: str, commit: str) -> Update | None:
        """The merge that moved a branch to a commit, by GitHub's own record."""

    def fork_point(self, repository: str, branch: str, head: str) -> str:
        """The commit at which ``head`` left a branch."""

    def differences(self, repository: str, before: str, after: str) -> tuple[FileChange, ...] | None:
        """What differs between two commits; None where not all of their files are listed."""


class Memory(Protocol):
    """What is remembered of other pull requests."""

    def passed_as_revert(self, repository: str, number: int) -> bool:
        """Whether the last decision on it let it pass because it took back another."""


class Reverts:
    """Reads both sides of a revert, only where a gate is in the way that would let it pass."""

    def __init__(self, reader: Reader, memory: Memory) -> None:
        self._reader = reader
        self._memory = memory

    def on(self, pull: PullData, views: Sequence[ServiceView], now: datetime) -> tuple[Revert, ...]:
        """The merged changes that it names, each with what it changed and what the pull request changes.

        Raises:
            GitHubError: GitHub failed.
        """
        if not any(view.service.gate.exempt.reverts and not lets_pass(view, now) for view in views):
            return ()
        claims = islice(named(pull.title, pull.body, pull.repository), MOST_NAMED)
        merged = [one for claim in claims for one in self._merged(pull.repository, claim)]
        if not merged:
            return ()
        here, problem = self._here(pull)
        unique = {one.number: one for one in merged if one.number != pull.number}
        return tuple(self._revert(one, here, problem) for one in unique.values())

    def _merged(self, repository: str, claim: int | str) -> Iterator[PullData]:
        """The merged pull requests behind a claim, which anybody can write: none where it is about nothing."""
        try:
            numbers: Iterable[int] = (
                [claim] if isinstance(claim, int) else self._reader.merged_with(repository, claim)
            )
            found = [self._reader.pull(repository, number) for number in numbers]
        except GitHubRefusedError as error:
            if error.status not in _MISSING:
                raise
            return
        yield from (one for one in found if one.merged_at is not None and one.merge_commit is not None)

    def _here(self, pull: PullData) -> tuple[tuple[FileChange, ...], str]:
        """What the pull request changes; or why that is not known."""
        if pull.changed_files is not None and pull.changed_files > MOST_FILES:
            return (), f"it changes more than {MOST_FILES} files"
        try:
            start = self._reader.fork_point(pull.repository, pull.base_ref, pull.head_sha)
            return _few(self._reader.differences(pull.repository, start, pull.head_sha))
        except GitHubRefusedError as error:  # what cannot be compared exempts nothing, and is told
            return (), str(error)

    def _revert(self, merged: PullData, here: tuple[FileChange, ...], problem: str) -> Revert:
        again = says_so(merged.title) or self._memory.passed_as_revert(merged.repository, merged.number)
        found = Revert(merged.number, merged.base_ref, again=again, problem=problem)
        if problem:
            return found
        there, problem = self._there(merged)
        return replace(found, problem=problem) if problem else replace(found, here=here, there=there)

    def _there(self, merged: PullData) -> tuple[tuple[FileChange, ...], str]:
        """What a merge changed on its branch; or why that is not known."""
        commit = merged.merge_commit or ""
        try:
            update = self._reader.merge_into(merged.repository, merged.base_ref, commit)
            if update is None:
                return (), "GitHub has no record of how it landed"
            return _few(self._reader.differences(merged.repository, update.before, update.after))
        except GitHubRefusedError as error:  # an older server keeps no record
            return (), str(error)


def _few(found: tuple[FileChange, ...] | None) -> tuple[tuple[FileChange, ...], str]:
    if found is None:
        return (), "GitHub does not list all files of so large a repository"
    if len(found) > MOST_FILES:
        return (), f"more than {MOST_FILES} files differ"
    return found, ""
