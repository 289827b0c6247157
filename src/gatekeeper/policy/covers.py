"""Which services a change touches, by repository, target branch and changed paths."""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile

import pathspec

from gatekeeper.policy.model import Change, Service

_LONGEST_PATH, _LONGEST_SEGMENT = 1024, 255
_SIGNS = frozenset("*?[\\")
_PATTERN = frozenset("*?[")


@dataclass(frozen=True)
class Everything:
    """The changed paths when GitHub lists only a part of them (over 3,000 files): any path may be among them."""


@dataclass(frozen=True)
class Touch:
    """One service a change touches.

    Attributes:
        service: whose.
        paths: the changed paths that are the service's, sorted; empty if they could not all be listed.
    """

    service: Service
    paths: tuple[str, ...]


def touched(
    services: Iterable[Service],
    *,
    repository: str,
    base_branch: str,
    default_branch: str,
    paths: Iterable[str] | Everything,
) -> tuple[Touch, ...]:
    """The services that a change of these paths touches, sorted by key.

    Args:
        services: all services whose policies are in force.
        repository: where the change is, ``owner/name``.
        base_branch: the branch it goes to.
        default_branch: the repository's default branch: the one meant by a ``changes`` entry without branches.
        paths: the changed paths; of a renamed file, both the old and the new one. A path longer than file
            systems hold touches every service of the repository. A folder's own name is a path where a symbolic link
            or a submodule takes its place, or took it: what is in the folder comes and goes with it.
    """
    known = paths if isinstance(paths, Everything) else tuple(sorted(set(paths)))
    found = []
    for service in sorted(services, key=lambda one: one.key):
        changes = [
            change
            for change in service.changes
            if _in_repository(change, service, repository) and _on_branch(change, base_branch, default_branch)
        ]
        touch = _touch(service, changes, known)
        if touch is not None:
            found.append(touch)
    return tuple(found)


def touched_anywhere(
    services: Iterable[Service], repository: str, paths: Iterable[str] | Everything
) -> tuple[Touch, ...]:
    """As ``touched``, whatever branch the change goes to: what is deployed meets users from any."""
    known = paths if isinstance(paths, Everything) else tuple(sorted(set(paths)))
    found = (
        _touch(service, [one for one in service.changes if _in_repository(one, service, repository)], known)
        for service in sorted(services, key=lambda one: one.key)
    )
    return tuple(touch for touch in found if touch is not None)


def repositories(service: Service) -> frozenset[str]:
    """The repositories whose changes touch the service, as the policy writes them: GitHub's names ignore case."""
    return frozenset(_repository(change, service) for change in service.changes)


def named_branches(changes: Collection[Change], default: str) -> tuple[str, ...]:
    """The branches that changes name; patterns are left out, since the branches that they mean come and go."""
    named = {branch for change in changes for branch in change.branches or (default,)}
    return tuple(sorted(branch for branch in named if not _PATTERN.intersection(branch)))


def exempt_by_paths(service: Service, paths: Iterable[str] | Everything) -> bool:
    """Whether every changed path is exempt from the service's gate. Never so if nothing is changed or known."""
    if isinstance(paths, Everything) or not service.gate.exempt.paths:
        return False
    known = tuple(paths)
    spec = _spec(service.gate.exempt.paths)
    return bool(known) and all(not _is_endless(path) and spec.match_file(path) for path in known)


def branch_pattern(glob: str) -> re.Pattern[str]:
    """A branch glob compiled for ``fullmatch``: ``*`` stays within one ``/`` segment, ``**`` does not."""
    signs = {"**": ".*", "*": "[^/]*", "?": "[^/]"}
    parts = re.split(r"(\*\*|\*|\?)", glob)
    return re.compile("".join(signs.get(part) or re.escape(part) for part in parts))


def _touch(service: Service, changes: Sequence[Change], paths: tuple[str, ...] | Everything) -> Touch | None:
    if isinstance(paths, Everything):
        return Touch(service, ()) if changes else None
    matching = {path for change in changes for path in paths if _matches(path, change)}
    return Touch(service, tuple(sorted(matching))) if matching else None


def _matches(path: str, change: Change) -> bool:
    return (
        _is_endless(path)
        or _spec(change.paths).match_file(path)
        or _takes_a_folders_place(path, change.paths)
    )


def _takes_a_folders_place(path: str, patterns: tuple[str, ...]) -> bool:
    """Whether the patterns look into a folder of this name: as a path, it is that of a link or a submodule."""
    above, folders = _folders(patterns)
    parent = path.rpartition("/")[0]
    # What is below a folder is left to the patterns themselves, which may take it out again.
    return path in above or (folders.match_file(path) and not (parent and folders.match_file(parent)))


@lru_cache(maxsize=1024)
def _folders(patterns: tuple[str, ...]) -> tuple[frozenset[str], pathspec.GitIgnoreSpec]:
    """The folders above those that patterns look into, as far as their names have no signs; and patterns for those."""
    above, folders = set[str](), []
    for pattern in (one for one in patterns if not one.startswith("!")):
        folder = re.sub(r"(/\*\*|/)+$", "", pattern)
        anchored = "/" in pattern.rstrip("/")
        if folder.strip("*") and folder != pattern:
            folders.append(f"/{folder.lstrip('/')}" if anchored else folder)
        if anchored:
            parents = folder.lstrip("/").split("/")[:-1]
            named = list(takewhile(lambda name: not _SIGNS & set(name), parents))
            above |= {"/".join(named[: count + 1]) for count in range(len(named))}
    return frozenset(above), _spec(tuple(folders))


def _is_endless(path: str) -> bool:
    """Whether a path is longer than file systems hold: it could only be there to make patterns slow."""
    return len(path) > _LONGEST_PATH or any(len(segment) > _LONGEST_SEGMENT for segment in path.split("/"))


def _in_repository(change: Change, service: Service, repository: str) -> bool:
    # GitHub's names ignore case.
    return _repository(change, service).casefold() == repository.casefold()


def _repository(change: Change, service: Service) -> str:
    return change.repository or service.origin.repository


def _on_branch(change: Change, base_branch: str, default_branch: str) -> bool:
    if not change.branches:
        return base_branch == default_branch
    return any(branch_pattern(glob).fullmatch(base_branch) for glob in change.branches)


@lru_cache(maxsize=1024)
def _spec(patterns: tuple[str, ...]) -> pathspec.GitIgnoreSpec:
    return pathspec.GitIgnoreSpec.from_lines(patterns)
