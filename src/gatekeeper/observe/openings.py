"""Who asks to open a service to every change, or to close it again, and whether they may."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from gatekeeper.decide.opening import OpeningRequest
from gatekeeper.events.commands import CommandName
from gatekeeper.policy.model import Service


class Reader(Protocol):
    """What is read. Strict subset of the GitHub client's methods."""

    def is_active_member(self, team: str, user: str) -> bool:
        """Whether a user is an active member of ``@org/slug``."""


class Catalog(Protocol):
    """The policies in force."""

    def in_force(self, organization: str) -> tuple[tuple[Service, str | None], ...]:
        """An organisation's services, each with what is wrong with a newer version of its file."""


class Openings:
    """Reads what a command asks for."""

    def __init__(self, reader: Reader, catalog: Catalog) -> None:
        self._reader = reader
        self._catalog = catalog

    def asked(self, repository: str, hint: Mapping[str, Any]) -> OpeningRequest:
        """What somebody asks for in a comment in this repository; the service is named first, the reason after it.

        Raises:
            GitHubError: as the client's.
            GitHubRefusedError: GitHub will not tell who is in a team.
        """
        name, _, reason = str(hint["argument"] or "").partition(" ")
        known = self._catalog.in_force(repository.split("/", maxsplit=1)[0])
        service = next((one for one, _ in known if one.name == name), None)
        teams = service.gate.override.teams if service is not None else ()
        return OpeningRequest(
            name,
            service,
            hint["actor"],
            datetime.fromisoformat(hint["at"]),
            tuple(team for team in teams if self._reader.is_active_member(team, hint["actor"])),
            reason.strip() or None,
            closes=hint["command"] == CommandName.CLOSE,
        )
