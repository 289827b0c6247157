"""Git as far as a host needs it: object names as git computes them, trees, and diffs with renames."""

from __future__ import annotations

import difflib
import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gatekeeper.demo.github.entities import ChangeStatus, Commit, FileChange

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

FILE_MODE = "100644"
TREE_MODE = "040000"
SUBMODULE_MODE = "160000"


def object_sha(kind: str, content: bytes) -> str:
    """The name git gives to an object (https://git-scm.com/book/en/v2/Git-Internals-Git-Objects)."""
    return hashlib.sha1(b"%s %d\0%s" % (kind.encode(), len(content), content)).hexdigest()  # noqa: S324 - git's own


def blob_sha(content: bytes) -> str:
    """The name of a file's content."""
    return object_sha("blob", content)


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """One line of a tree: a file (``blob``), a directory (``tree``) or a submodule (``commit``)."""

    name: str
    kind: str
    sha: str
    size: int | None


@dataclass(slots=True)
class Objects:
    """Everything ever committed, by name; content-addressed, so one store serves all repositories."""

    blobs: dict[str, bytes] = field(default_factory=dict)
    trees: dict[str, tuple[TreeEntry, ...]] = field(default_factory=dict)
    commits: dict[str, Commit] = field(default_factory=dict)

    def commit(
        self,
        files: Mapping[str, bytes],
        *,
        message: str,
        author: str,
        date: datetime,
        parents: tuple[str, ...],
    ) -> Commit:
        """Store a commit with this whole tree."""
        tree = self._write_tree(files)
        text = "".join(
            [
                f"tree {tree}\n",
                *(f"parent {parent}\n" for parent in parents),
                f"author {author} {date.timestamp():.6f} +0000\n\n{message}\n",
            ]
        )
        made = Commit(object_sha("commit", text.encode()), tree, dict(files), message, author, date, parents)
        self.commits[made.sha] = made
        return made

    def _write_tree(self, files: Mapping[str, bytes]) -> str:
        here: dict[str, bytes] = {}
        below: dict[str, dict[str, bytes]] = {}
        for path, content in files.items():
            name, slash, rest = path.partition("/")
            if slash:
                below.setdefault(name, {})[rest] = content
            else:
                here[name] = content
        entries = [self._write_blob(name, content) for name, content in here.items()]
        entries += [TreeEntry(name, "tree", self._write_tree(inner), None) for name, inner in below.items()]
        entries.sort(key=lambda entry: entry.name + ("/" if entry.kind == "tree" else ""))  # git's order
        sha = object_sha("tree", b"".join(map(_raw, entries)))
        self.trees[sha] = tuple(entries)
        return sha

    def _write_blob(self, name: str, content: bytes) -> TreeEntry:
        sha = blob_sha(content)
        self.blobs[sha] = content
        return TreeEntry(name, "blob", sha, len(content))

    def walk(self, sha: str, *, recursive: bool, prefix: str = "") -> Iterator[tuple[str, TreeEntry]]:
        """The entries of a tree with their paths; a directory comes before what is in it.

        Raises:
            KeyError: no such tree.
        """
        for entry in self.trees[sha]:
            yield prefix + entry.name, entry
            if recursive and entry.kind == "tree":
                yield from self.walk(entry.sha, recursive=True, prefix=f"{prefix}{entry.name}/")

    def ancestors(self, sha: str) -> Iterator[str]:
        """The commit and all before it, nearest first."""
        seen, queue = {sha}, [sha]
        for current in queue:
            yield current
            for parent in self.commits[current].parents:
                if parent not in seen:
                    seen.add(parent)
                    queue.append(parent)

    def merge_base(self, one: str, other: str) -> str:
        """The nearest commit that is before both.

        Raises:
            StopIteration: the two share no history.
        """
        known = set(self.ancestors(one))
        return next(sha for sha in self.ancestors(other) if sha in known)

    def diff(self, base: str, head: str) -> tuple[FileChange, ...]:
        """What ``head`` changed since it left ``base`` (git's three-dot diff), by path."""
        fork = self.merge_base(base, head)
        return diff_files(self.commits[fork].files, self.commits[head].files)


@dataclass(frozen=True, slots=True)
class Merge:
    """What a three-way merge comes to; where it conflicts, ``files`` have the other side's version."""

    files: dict[str, bytes]
    conflicts: frozenset[str]


def merge_files(fork: Mapping[str, bytes], ours: Mapping[str, bytes], theirs: Mapping[str, bytes]) -> Merge:
    """Merge two sides, whole files at a time: what one side moved or edited and the other left alone is taken.

    Like git's own it follows a file that one side moved: what the other changed in it is changed at its new place.
    """
    files: dict[str, bytes] = {}
    conflicts: set[str] = set()
    moved = [_moves(fork, side) for side in (ours, theirs)]

    def put(path: str, content: bytes) -> None:
        if files.setdefault(path, content) != content:
            conflicts.add(path)
            files[path] = content

    for path, before in fork.items():
        sides = [
            (now := moves.get(path, path), side.get(now))
            for moves, side in zip(moved, (ours, theirs), strict=True)
        ]
        place, content, agreed = _merge_file(path, before, *sides)
        if not agreed:
            conflicts.add(place)
        if content is not None:
            put(place, content)
    for side, moves in zip((ours, theirs), moved, strict=True):
        for path in side.keys() - fork.keys() - set(moves.values()):
            put(path, side[path])
    return Merge(files, frozenset(conflicts))


def _merge_file(
    path: str, before: bytes, ours: tuple[str, bytes | None], theirs: tuple[str, bytes | None]
) -> tuple[str, bytes | None, bool]:
    """Where a file of both sides' past is then, with what in it (None: it is gone), and whether they agree on that."""
    (our_path, our), (their_path, their) = ours, theirs
    place = our_path if their_path == path else their_path
    if our is None or their is None:
        left = their if our is None else our
        alone = left == before and place == path  # nobody but who deleted it did anything to it
        return place, None if alone else left, left is None or alone
    agreed = our_path == their_path or path in {our_path, their_path}
    return place, our if their == before else their, agreed and (our == their or before in {our, their})


def _moves(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> dict[str, str]:
    changes = diff_files(before, after)
    return {one.previous_path: one.path for one in changes if one.previous_path is not None}


def _raw(entry: TreeEntry) -> bytes:
    mode = TREE_MODE.lstrip("0") if entry.kind == "tree" else FILE_MODE
    return f"{mode} {entry.name}\0".encode() + bytes.fromhex(entry.sha)


def diff_files(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> tuple[FileChange, ...]:
    """The changed files by path; equal content that moved is a rename (git's 100 % similarity)."""
    gone = {path: before[path] for path in sorted(before.keys() - after.keys())}
    changes: list[FileChange] = []
    for path in sorted(after):
        if path in before:
            if before[path] != after[path]:
                changes.append(_change(path, "modified", before[path], after[path]))
            continue
        origin = next((old for old, content in gone.items() if content == after[path]), None)
        if origin is None:
            changes.append(_change(path, "added", b"", after[path]))
        else:
            del gone[origin]
            changes.append(FileChange(path, "renamed", blob_sha(after[path]), 0, 0, "", origin))
    changes += [_change(path, "removed", content, b"") for path, content in gone.items()]
    return tuple(sorted(changes, key=lambda change: change.path))


def _change(path: str, status: ChangeStatus, before: bytes, after: bytes) -> FileChange:
    old, new = (content.decode(errors="replace").splitlines() for content in (before, after))
    lines = list(difflib.unified_diff(old, new, lineterm=""))[
        2:
    ]  # without the two header lines, as GitHub's patch
    added, removed = (sum(line.startswith(sign) for line in lines) for sign in "+-")
    content = before if status == "removed" else after
    return FileChange(path, status, blob_sha(content), added, removed, "\n".join(lines))
