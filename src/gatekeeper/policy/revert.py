"""Reverts: which change a pull request says that it takes back, and whether it does that and nothing else."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_REPOSITORY = r"(?P<repository>[\w.-]+/[\w.-]+)?"
_BY_NUMBER = re.compile(
    rf"\brevert(?:s|ed|ing)?:?[ \t]+{_REPOSITORY}#(?P<number>\d{{1,9}})\b", re.IGNORECASE | re.ASCII
)
_BY_COMMIT = re.compile(r"\bthis reverts commit (?P<sha>[0-9a-f]{40})\b", re.IGNORECASE)
_BY_TITLE = re.compile(r'revert:? "?.*\(#(?P<number>\d{1,9})\)', re.IGNORECASE)
_REVERTS = re.compile(r"\s*(?:revert|reapply|back ?out|roll ?back)\b", re.IGNORECASE)


@dataclass(frozen=True)
class FileChange:
    """One file that two commits have differently.

    Attributes:
        before: mode and object name, as ``100644 3b18e512…``; None where there is no such file.
        after: the same.
    """

    path: str
    before: str | None
    after: str | None


def changes(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[FileChange, ...]:
    """What differs between two trees, by path.

    Args:
        before: of each file, link and submodule its mode and object name, by path.
        after: the same.
    """
    paths = sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))
    return tuple(FileChange(path, before.get(path), after.get(path)) for path in paths)


def takes_back(change: tuple[FileChange, ...], other: tuple[FileChange, ...]) -> bool:
    """Whether a change is the exact inverse of another: each file back to what it was, and nothing else."""
    inverse = {FileChange(one.path, one.after, one.before) for one in other}
    return bool(change) and set(change) == inverse


def differing(change: tuple[FileChange, ...], other: tuple[FileChange, ...]) -> tuple[str, ...]:
    """The paths in which a change is not the inverse of another, in order."""
    inverse = {FileChange(one.path, one.after, one.before) for one in other}
    return tuple(sorted({one.path for one in inverse ^ set(change)}))


def named(title: str, body: str, repository: str) -> Iterator[int | str]:
    """What a pull request says that it takes back, each once: numbers of pull requests, and commits (40 digits).

    Hints only: what it really takes back is in its files.

    Args:
        title: of the pull request.
        body: its text, as GitHub's button or ``git revert`` writes it.
        repository: where it is; those of others are left out.
    """
    found: dict[int | str, None] = {}
    for one in _BY_NUMBER.finditer(f"{title}\n{body}"):
        if (one["repository"] or repository).casefold() == repository.casefold():
            found[int(one["number"])] = None
    if in_title := _BY_TITLE.match(title):
        found[int(in_title["number"])] = None
    for one in _BY_COMMIT.finditer(body):
        found[one["sha"].lower()] = None
    return iter(found)


def says_so(title: str) -> bool:
    """Whether a title is that of a revert, or of one taken back again."""
    return _REVERTS.match(title) is not None
