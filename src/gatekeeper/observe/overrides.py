"""Who asks to override by label, and whether they may: judged as it is now (adr/0003)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from gatekeeper.decide.snapshot import OverrideRequest, ServiceView
from gatekeeper.errors import GitHubRefusedError
from gatekeeper.github.values import LabelEvent, PullData
from gatekeeper.observe.comments import Comments


class Reader(Protocol):
    """What is read. Strict subset of the GitHub client's methods."""

    def last_labeled(self, repository: str, number: int, label: str) -> LabelEvent | None:
        """Who put a label there last; None when nobody is known to have."""

    def is_active_member(self, team: str, user: str) -> bool:
        """Whether a user is an active member of ``@org/slug``."""


@dataclass(frozen=True)
class Asked:
    """The override requests on a pull request.

    Attributes:
        complete: whether somebody stands behind each override label.
        unread: what GitHub would not tell of those who do.
    """

    requests: tuple[OverrideRequest, ...] = ()
    complete: bool = True
    unread: tuple[str, ...] = ()


class Overrides:
    """Who asks to override, and whether they may."""

    def __init__(self, reader: Reader, comments: Comments) -> None:
        self._reader = reader
        self._comments = comments

    def on(self, pull: PullData, views: Sequence[ServiceView]) -> Asked:
        """What is asked by labels. One that nobody is known to have applied asks for nothing yet."""
        gates = [view.service.gate.override for view in views]
        wanted = {gate.label.casefold() for gate in gates}  # GitHub ignores the case of labels
        requests, complete, unread = [], True, []
        for label in sorted(one for one in pull.labels if one.casefold() in wanted):
            teams = {
                team for gate in gates if gate.label.casefold() == label.casefold() for team in gate.teams
            }
            event = self._reader.last_labeled(pull.repository, pull.number, label)
            if event is None:  # GitHub shows the label before its event
                complete = False
                continue
            try:
                requests.append(self._request(label, event, sorted(teams)))
            except GitHubRefusedError as error:  # no permission to ask: neither entitled nor to be sent away
                unread.append(f"who may override cannot be told: {error}")
        return Asked(tuple(requests), complete, tuple(unread))

    def _request(self, label: str, event: LabelEvent, teams: Sequence[str]) -> OverrideRequest:
        active = [team for team in teams if event.human and self._reader.is_active_member(team, event.actor)]
        reason = self._comments.reason_of(event.actor) if active else None
        return OverrideRequest(label, event.actor, event.human, event.at, tuple(active), reason)
