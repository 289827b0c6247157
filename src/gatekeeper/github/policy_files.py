"""The policy files of a repository at one commit, in as few requests as the REST API allows."""

import base64
import re
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from github.ContentFile import ContentFile
from github.GitTree import GitTree
from github.Repository import Repository

from gatekeeper.errors import GitHubRefusedError, PermanentError
from gatekeeper.github.values import PolicyTree

LARGEST = 512 * 1024  # bytes; the loader refuses files half as large with a message of its own
MOST = 500
LISTED = 1_000
"""GitHub's reference, "Get repository content": no more are listed of a directory, and it does not say so."""
MOST_KEPT = 2_000  # texts, mostly of a few KB
_SUFFIXES = (".yaml", ".yml")
_NOT_FOUND = 404
_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


class _Entry(NamedTuple):
    path: str
    sha: str
    size: int


class Blobs:
    """The texts of files read before, by the SHA that git gives their content: that never changes.

    A pull request's files are nearly those of its branch, and both are read with every look at it.
    """

    def __init__(self, most: int = MOST_KEPT) -> None:
        self._most = most
        self._texts: OrderedDict[str, str] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, repository: Repository, sha: str) -> str:
        """A file's text; one request the first time."""
        with self._lock:
            if sha in self._texts:
                self._texts.move_to_end(sha)
                return self._texts[sha]
        text = _text(repository, sha)
        with self._lock:
            self._texts[sha] = text
            while len(self._texts) > self._most:
                self._texts.popitem(last=False)
        return text


def policy_tree(
    repository: Repository, directory: str, ref: str, *, blobs: Blobs, most: int = MOST
) -> PolicyTree:
    """Read every ``*.yaml`` and ``*.yml`` below a directory, at a commit or a branch's present one.

    Two requests (one for a commit), one for each directory directly below, and one for each file not read before. Two
    more, and none for the directories, where it holds more than GitHub lists of one.

    Raises:
        PermanentError: it holds more than GitHub lists at all.
        GitHubRefusedError: there is no such branch (404), or it may not be read.
    """
    commit = ref if _SHA.fullmatch(ref) else repository.get_branch(ref).commit.sha
    found = sorted(
        entry for entry in _entries(repository, directory, commit) if entry.path.endswith(_SUFFIXES)
    )
    wanted = [entry for entry in found if entry.size <= LARGEST][:most]
    files = tuple((entry.path, blobs.of(repository, entry.sha)) for entry in wanted)
    return PolicyTree(commit, files, tuple(entry.path for entry in found if entry not in wanted))


def _entries(repository: Repository, directory: str, commit: str) -> Iterator[_Entry]:
    listed = _listing(repository, directory, commit)
    if len(listed) >= LISTED:  # there may be more, of which GitHub says no word here
        sha = commit
        for name in directory.split("/"):
            sha = next(item.sha for item in _tree(repository, sha, directory).tree if item.path == name)
        yield from _below(repository, directory, sha)
        return
    for entry in listed:
        if entry.type == "dir":
            yield from _below(repository, entry.path, entry.sha)
        elif entry.type == "file" and entry.download_url is not None:  # a submodule is listed as a file too
            yield _Entry(entry.path, entry.sha, entry.size)


def _listing(repository: Repository, directory: str, commit: str) -> Sequence[ContentFile]:
    try:
        listed = repository.get_contents(directory, ref=commit)
    except GitHubRefusedError as error:
        if error.status != _NOT_FOUND:
            raise
        return []
    return listed if isinstance(listed, list) else []  # a file of that name holds no policies


def _below(repository: Repository, directory: str, sha: str) -> Iterator[_Entry]:
    for item in _tree(repository, sha, directory, recursive=True).tree:
        if item.type == "blob" and item.mode != "120000":  # a symbolic link is no file
            yield _Entry(f"{directory}/{item.path}", item.sha, item.size)


def _tree(repository: Repository, sha: str, directory: str, *, recursive: bool = False) -> GitTree:
    found = repository.get_git_tree(sha, recursive=recursive)
    if found.truncated:  # what is left out would seem to be deleted
        raise PermanentError(f"there are more files below {directory} than GitHub lists")
    return found


def _text(repository: Repository, sha: str) -> str:
    """A file as text; bytes that are not UTF-8 become U+FFFD, which the loader points at."""
    return base64.b64decode(repository.get_git_blob(sha).content).decode(errors="replace")
