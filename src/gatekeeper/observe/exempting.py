"""Who stands behind exempting labels: judged as it is now, as overrides are (adr/0003, adr/0010)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gatekeeper.decide.evaluate import lets_pass
from gatekeeper.decide.snapshot import ExemptLabel, ServiceView
from gatekeeper.errors import GitHubRefusedError
from gatekeeper.github.values import LabelEvent, PullData


class Reader(Protocol):
    """What is read. Strict subset of the GitHub client's methods."""

    def last_labeled(self, repository: str, number: int, label: str) -> LabelEvent | None:
        """Who put a label there last; None when nobody is known to have."""

    def is_active_member(self, team: str, user: str) -> bool:
        """Whether a user is an active member of ``@org/slug``."""

    def may_write(self, repository: str, login: str) -> bool:
        """Whether a user may push to a repository."""


@dataclass(frozen=True)
class Behind:
    """The exempting labels on a pull request.

    Attributes:
        complete: whether somebody stands behind each.
        unread: what GitHub would not tell of those who do.
    """

    labels: tuple[ExemptLabel, ...] = ()
    complete: bool = True
    unread: tuple[str, ...] = ()


class Exempting:
    """Who stands behind exempting labels, asked only where a gate does not let pass anyway."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def on(self, pull: PullData, views: Sequence[ServiceView], now: datetime) -> Behind:
        """The exempting labels. One that nobody is known to have applied exempts nothing yet."""
        gates = [view.service.gate for view in views if not lets_pass(view, now)]
        found, complete, unread = [], True, []
        for label in sorted(pull.labels):
            naming = [gate for gate in gates if label.casefold() in map(str.casefold, gate.exempt.labels)]
            if not naming:
                continue
            event = self._reader.last_labeled(pull.repository, pull.number, label)
            if event is None:  # GitHub shows the label before its event
                complete = False
                continue
            teams = sorted({team for gate in naming for team in gate.override.teams})
            ask_role = not all(gate.override.teams for gate in naming)
            try:
                found.append(self._behind(pull.repository, label, event, teams, ask_role=ask_role))
            except GitHubRefusedError as error:  # no permission to ask: neither entitled nor to be sent away
                unread.append(f"who may exempt by label cannot be told: {error}")
        return Behind(tuple(found), complete, tuple(unread))

    def _behind(
        self, repository: str, label: str, event: LabelEvent, teams: Sequence[str], *, ask_role: bool
    ) -> ExemptLabel:
        active = [team for team in teams if event.human and self._reader.is_active_member(team, event.actor)]
        writes = ask_role and event.human and self._reader.may_write(repository, event.actor)
        return ExemptLabel(label, event.actor, event.human, event.at, tuple(active), writes)
