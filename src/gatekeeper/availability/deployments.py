"""Deployments as they were reported: which of them users met, and which take back which.

Pure, and the same whatever the order of the reports: nothing of this is stored.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

_PRODUCTION = re.compile(r"prod(uction)?(?![a-z])", re.IGNORECASE)
_ROLLBACK = re.compile(r"(?<![a-z])roll-?back(?![a-z])", re.IGNORECASE)


@dataclass(frozen=True)
class Deployed:
    """A deployment that succeeded.

    Attributes:
        id: its name, unique among all.
        repository: ``owner/name``.
        production: whether the sender says that users come to this environment.
        task: what was done, as ``deploy`` or ``deploy:rollback``.
        ref: the branch, tag or SHA that was asked for.
        start: when it began to take effect: when it began, or where nobody told that, when it had succeeded.
        url: a page about it, or None.
    """

    id: str
    repository: str
    environment: str
    production: bool
    task: str
    ref: str
    sha: str
    start: datetime
    url: str | None

    @property
    def met_by_users(self) -> bool:
        """Whether it went where users are: so says the sender, or the environment's name begins with ``prod``."""
        return self.production or _PRODUCTION.match(self.environment) is not None


def taken_back(deployed: Sequence[Deployed]) -> Iterator[tuple[str, str]]:
    """(id of a rollback, id of what it takes back) of each that takes back what was there before it.

    It does if its task says so, or if its commit had been deployed there before and another one was there since.
    There means the same environment of the same repository, by the same task or a rollback. What is deployed again
    over itself takes nothing back. A revert under a new commit cannot be told from a change, and is none here.
    """
    there: dict[tuple[str, str], list[Deployed]] = {}
    for one in sorted(deployed, key=lambda one: (one.start, one.id)):
        before = there.setdefault((one.repository.lower(), one.environment), [])
        last = _replaced(one, before)
        if last is not None:
            yield one.id, last.id
        before.append(one)


def _replaced(one: Deployed, before: Sequence[Deployed]) -> Deployed | None:
    """What a rollback takes back; None when it is none."""
    if _says_rollback(one):
        return before[-1] if before else None
    same = [other for other in before if other.task == one.task or _says_rollback(other)]
    if not same or same[-1].sha == one.sha:
        return None
    return same[-1] if any(other.sha == one.sha for other in same) else None


def _says_rollback(one: Deployed) -> bool:
    return _ROLLBACK.search(one.task) is not None
