"""A pull request's conversation: our own comment, and reasons that people gave."""

from collections.abc import Iterator
from functools import cached_property
from typing import Protocol

from gatekeeper.act.apply import GATE, Channel, essence_of, is_ours
from gatekeeper.act.plan import Published
from gatekeeper.events.commands import CommandName, parse_command
from gatekeeper.github.values import CommentData


class Reader(Protocol):
    """What is read. Strict subset of the GitHub client's methods."""

    def comments(self, repository: str, number: int) -> Iterator[CommentData]:
        """The comments of a pull request, oldest first."""

    def login(self) -> str:
        """The login that our comments appear under."""


class Comments:
    """A pull request's comments, read at most once in a pass."""

    def __init__(self, reader: Reader, repository: str, number: int) -> None:
        self._reader = reader
        self._repository = repository
        self._number = number

    @cached_property
    def _all(self) -> tuple[CommentData, ...]:
        return tuple(self._reader.comments(self._repository, self._number))

    def ours(self, channel: Channel = GATE) -> tuple[Published, ...]:
        """Our own comments of a channel, oldest first."""
        marked = [one for one in self._all if is_ours(one.body, channel)]
        if not marked:
            return ()
        login = self._reader.login()  # anybody can write the marker
        return tuple(Published(one.id, essence_of(one.body)) for one in marked if one.author == login)

    def reason_of(self, actor: str) -> str | None:
        """The reason for an override that its actor gave last."""
        commands = (parse_command(one.body) for one in self._all if one.author == actor)
        reasons = [one.argument for one in commands if one is not None and one.name is CommandName.OVERRIDE]
        return next((reason for reason in reversed(reasons) if reason), None)
