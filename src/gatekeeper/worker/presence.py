"""Whether another worker is alive on the same SQLite database: a lock that the kernel drops even after kill -9."""

import fcntl
from pathlib import Path
from typing import IO


class Presence:
    """A file that every worker on one SQLite database holds a shared lock on.

    Who can lock it exclusively is alone: then all leases are of the dead, and nobody need wait for their end.

    Args:
        path: the file; None where workers cannot know of each other, on several machines.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._file: IO[bytes] | None = None

    def arrive(self) -> bool:
        """Whether nobody else is there. Others who arrive now wait in ``settle`` until this one has settled."""
        if self._path is None:
            return False
        self._file = self._path.open("ab")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def settle(self) -> None:
        """Be there from now on, with others."""
        if self._file is not None:
            fcntl.flock(self._file, fcntl.LOCK_SH)

    def leave(self) -> None:
        """Be gone."""
        if self._file is not None:
            self._file.close()
            self._file = None
