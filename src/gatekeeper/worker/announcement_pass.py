"""The pass that shows our checks where no pull request has got one: rulesets offer only those seen in seven days."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol, Unpack

from gatekeeper.act.apply import GATE, POLICY, Channel
from gatekeeper.decide.announcement import announce
from gatekeeper.events.keys import WorkKey
from gatekeeper.github.values import CheckContent, CheckRunData, HeadData
from gatekeeper.policy.covers import named_branches
from gatekeeper.policy.model import Change, Service

AGAIN = timedelta(days=6)
"""A check is shown again before GitHub stops to offer its name, which is after 7 days."""
EXTERNAL_ID = "announcement"


class GitHub(Protocol):
    """Strict subset of the GitHub client's methods."""

    def head(self, repository: str) -> HeadData | None:
        """The newest commit of the default branch; None where there is none."""

    def required_checks(self, repository: str, branch: str) -> Collection[str]:
        """The names of the checks that rulesets require on a branch."""

    def check_runs(self, repository: str, sha: str, name: str) -> Sequence[CheckRunData]:
        """Our check runs of a name on a commit."""

    def create_check(self, repository: str, *, sha: str, name: str, **content: Unpack[CheckContent]) -> int:
        """Create a check run; its id."""


class Memory(Protocol):
    """When our checks were seen, as far as we know."""

    def last_seen(self, repository: str, channel: Channel) -> datetime | None:
        """When a commit of the repository last got the check, or it was found to be required."""

    def announced(self, repository: str, channel: Channel, remote_id: int, now: datetime) -> None:
        """It was shown by this check run; 0: it need not be, for it is required."""

    def announcement(self, repository: str, channel: Channel) -> int:
        """The check run that showed it last; 0 without one."""


class Catalog(Protocol):
    """The policies in force."""

    def in_force(self, organization: str) -> Sequence[tuple[Service, str | None]]:
        """An organisation's services, each with what is wrong with a newer version of its file."""


@dataclass(frozen=True)
class AnnouncementPass:
    """Puts neutral checks on the newest commit: once, and again where a policy needs one that nothing requires.

    Attributes:
        page: where "Details" leads.
    """

    github: GitHub
    memory: Memory
    catalog: Catalog
    page: str | None

    def __call__(self, key: WorkKey, hints: Sequence[Mapping[str, Any]], now: datetime) -> Mapping[str, Any]:
        """Run the pass.

        Raises:
            GitHubError: GitHub failed; tried again later.
            GitHubRefusedError: GitHub will not do it.
        """
        del hints
        due = [one for one in (GATE, POLICY) if self._is_due(key.name, one, now)]
        head = self.github.head(key.name) if due else None
        if head is None:
            return {"announced": []}
        branches = {head.branch, *named_branches(self._changes(key.name), head.branch)}
        required = {name for one in sorted(branches) for name in self.github.required_checks(key.name, one)}
        for channel in due:
            shown = 0 if channel.name in required else self._show(key.name, channel, head, now)
            self.memory.announced(key.name, channel, shown, now)
        return {"announced": [one.name for one in due if one.name not in required]}

    def _is_due(self, repository: str, channel: Channel, now: datetime) -> bool:
        seen = self.memory.last_seen(repository, channel)
        if seen is None:
            return True
        return seen <= now - AGAIN and self._has_a_use(repository, channel)

    def _has_a_use(self, repository: str, channel: Channel) -> bool:
        if channel is GATE:
            return bool(self._changes(repository))
        return any(one.origin.repository == repository for one in self._services(repository))

    def _changes(self, repository: str) -> list[Change]:
        """What policies cover of it; names of repositories ignore case."""
        return [
            change
            for service in self._services(repository)
            for change in service.changes
            if (change.repository or service.origin.repository).casefold() == repository.casefold()
        ]

    def _services(self, repository: str) -> list[Service]:
        return [service for service, _ in self.catalog.in_force(repository.split("/", maxsplit=1)[0])]

    def _show(self, repository: str, channel: Channel, head: HeadData, now: datetime) -> int:
        """The id of a check run that is newer than the last announcement: a killed pass may have left one."""
        before = self.memory.announcement(repository, channel)
        there = [one.id for one in self.github.check_runs(repository, head.sha, channel.name)]
        if (newest := max(there, default=0)) > before:
            return newest
        said = announce(channel.name, head.branch)
        return self.github.create_check(
            repository,
            sha=head.sha,
            name=channel.name,
            external_id=EXTERNAL_ID,
            conclusion="neutral",
            title=said.title,
            summary=said.summary,
            text="",
            details_url=self.page,
            actions=(),
            annotations=(),
            now=now,
        )
