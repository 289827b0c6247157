"""Who asks to override by label or in a comment, and whether they may: judged as it is now (adr/0003)."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Protocol

from gatekeeper.decide.snapshot import COMMAND, OverrideRequest, Past, Revocation, ServiceView
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
        revocations: who took back what is asked for.
    """

    requests: tuple[OverrideRequest, ...] = ()
    complete: bool = True
    unread: tuple[str, ...] = ()
    revocations: tuple[Revocation, ...] = ()


class Overrides:
    """Who asks to override, and whether they may."""

    def __init__(self, reader: Reader, comments: Comments) -> None:
        self._reader = reader
        self._comments = comments

    def on(self, pull: PullData, views: Sequence[ServiceView], past: Past) -> Asked:
        """What is asked by labels and in comments. A label that nobody is known to have applied asks for nothing."""
        found = _Found(past)
        gates = [view.service.gate.override for view in views]
        wanted = {gate.label.casefold() for gate in gates}  # GitHub ignores the case of labels
        for label in sorted(one for one in pull.labels if one.casefold() in wanted):
            teams = {
                team for gate in gates if gate.label.casefold() == label.casefold() for team in gate.teams
            }
            event = self._reader.last_labeled(pull.repository, pull.number, label)
            if event is None:  # GitHub shows the label before its event
                found.complete = False
                continue
            with found.unread_when_refused():
                found.add(self._by_label(label, event, sorted(teams)))
        if views:
            every = sorted({team for gate in gates for team in gate.teams})
            self._commanded(found, every)
        return found.asked()

    def _by_label(self, label: str, event: LabelEvent, teams: Sequence[str]) -> OverrideRequest:
        active = self._active(event.actor, teams) if event.human else ()
        reason = self._comments.reason_of(event.actor) if active else None
        return OverrideRequest(label, event.actor, event.human, event.at, active, reason)

    def _commanded(self, found: "_Found", teams: Sequence[str]) -> None:
        """Each person's last command for an override, and who took back what is asked for."""
        last = {one.actor: one for one in found.past.commands if not one.revokes}
        for one in last.values():
            with found.unread_when_refused():
                active = self._active(one.actor, teams)
                found.add(OverrideRequest(COMMAND, one.actor, True, one.at, active, one.reason))  # noqa: FBT003 (bots' comments are no commands)
        oldest = min((one.labeled_at for one in found.requests), default=None)
        for one in found.past.commands:
            if one.revokes and oldest is not None and one.at >= oldest:
                with found.unread_when_refused():
                    found.revocations.append(Revocation(one.actor, one.at, self._active(one.actor, teams)))

    def _active(self, actor: str, teams: Sequence[str]) -> tuple[str, ...]:
        return tuple(team for team in teams if self._reader.is_active_member(team, actor))


class _Found:
    """What was found so far."""

    def __init__(self, past: Past) -> None:
        self.past = past
        self.complete = True
        self.requests: list[OverrideRequest] = []
        self.revocations: list[Revocation] = []
        self._unread: list[str] = []
        self._given_for = {(label, at): sha for label, at, sha in past.given_for}

    def add(self, request: OverrideRequest) -> None:
        """One request, with the commit that it was granted for first."""
        given_for = self._given_for.get((request.label, request.labeled_at))
        self.requests.append(replace(request, given_for=given_for))

    @contextmanager
    def unread_when_refused(self) -> Iterator[None]:
        """No permission to ask: neither entitled nor to be sent away."""
        try:
            yield
        except GitHubRefusedError as error:
            self._unread.append(f"who may override cannot be told: {error}")

    def asked(self) -> Asked:
        """All of it."""
        return Asked(tuple(self.requests), self.complete, tuple(self._unread), tuple(self.revocations))
