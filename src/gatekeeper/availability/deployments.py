"""Deployments as they were reported: which of them users met, and which take back which.

Pure, and the same whatever the order of the reports: nothing of this is stored.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

_PRODUCTION = re.compile(r"prod(uction)?(?![a-z])", re.IGNORECASE)
_CLOCKS = timedelta(minutes=1)
"""So much may the sender's clock be behind ours."""
_Arrival = tuple[str, str, str]
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
    def commit(self) -> tuple[str, str]:
        """What was deployed: repository and SHA. Into several environments one after the other it is the same."""
        return self.repository.lower(), self.sha

    @property
    def met_by_users(self) -> bool:
        """Whether it went where users are: so says the sender, or the environment's name begins with ``prod``."""
        return self.production or _PRODUCTION.match(self.environment) is not None


def let_go_id(repository: str, run: int) -> str:
    """The name of a deployment that a workflow run was let go for, before it is on record itself."""
    return f"run {repository.lower()}#{run}"


def with_let_go(deployed: Iterable[Deployed], let_go: Iterable[Deployed]) -> tuple[Deployed, ...]:
    """What succeeded, and what was let go and is under way: it is there until it is on record itself.

    Args:
        deployed: what succeeded.
        let_go: what was let go, with when that was as its start.
    """
    known = tuple(deployed)
    since: dict[_Arrival, datetime] = {}
    for one in known:
        since[_arrival(one)] = max(one.start, since.get(_arrival(one), one.start))
    under_way = (
        one
        for one in let_go
        if (arrived := since.get(_arrival(one))) is None or arrived < one.start - _CLOCKS
    )
    return (*known, *under_way)


def taken_back(deployed: Sequence[Deployed]) -> Iterator[tuple[str, str]]:
    """(id of a rollback, id of what it takes back) of each that takes back what was there before it.

    It does if its task says so, or if its commit had been deployed there before and another one was there since.
    There means the same environment of the same repository, by the same task or a rollback. What is deployed again
    over itself takes nothing back. A revert under a new commit cannot be told from a change, and is none here.
    """
    places: defaultdict[tuple[str, str], _Place] = defaultdict(_Place)
    for one in sorted(deployed, key=lambda one: (one.start, one.id)):
        place = places[one.repository.lower(), one.environment]
        last = place.taken_back_by(one)
        if last is not None:
            yield one.id, last.id
        place.add(one)


def _arrival(one: Deployed) -> _Arrival:
    """Which commit came where."""
    return one.repository.lower(), one.environment.casefold(), one.sha


@dataclass
class _Lane:
    """What one task brought to a place: the last of it, and every commit so far."""

    last: Deployed
    commits: set[str] = field(default_factory=set)


@dataclass
class _Place:
    """What was deployed into one environment of a repository; a rollback may be one of any task's."""

    newest: Deployed | None = None
    lanes: dict[str, _Lane] = field(default_factory=dict)

    def taken_back_by(self, one: Deployed) -> Deployed | None:
        if _says_rollback(one):
            return self.newest
        lane = self.lanes.get(one.task)
        if lane is None or lane.last.sha == one.sha or one.sha not in lane.commits:
            return None
        return lane.last

    def add(self, one: Deployed) -> None:
        self.newest = one
        lane = self.lanes.setdefault(one.task, _Lane(one))
        for each in self.lanes.values() if _says_rollback(one) else [lane]:
            each.last = one
            each.commits.add(one.sha)


def _says_rollback(one: Deployed) -> bool:
    return _ROLLBACK.search(one.task) is not None
