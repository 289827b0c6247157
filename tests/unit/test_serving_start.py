"""A process comes up while its database restarts: it waits a moment before it gives up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from gatekeeper.errors import ConfigurationError, TemporaryError
from gatekeeper.serving import PAUSES, wired
from gatekeeper.settings import Settings

if TYPE_CHECKING:
    from gatekeeper.bootstrap import Gatekeeper

READY: Any = object()


class Starting:
    """Fails so, one after the other, before it is ready."""

    def __init__(self, *errors: Exception) -> None:
        self._errors = [*errors]
        self.slept: list[float] = []

    def wire(self, _: Settings) -> Gatekeeper:
        if self._errors:
            raise self._errors.pop(0)
        return cast("Gatekeeper", READY)

    def start(self) -> Gatekeeper:
        return wired(Settings.from_env({}), self.wire, sleep=self.slept.append)


def test_it_is_tried_again_until_the_database_answers() -> None:
    starting = Starting(TemporaryError("the database is locked"), TemporaryError("still"))
    assert starting.start() is READY
    assert starting.slept == [0.5, 1.0]


def test_it_gives_up_before_anybody_takes_it_for_dead() -> None:
    starting = Starting(*[TemporaryError("no answer")] * 9)
    with pytest.raises(TemporaryError, match="no answer"):
        starting.start()
    assert sum(starting.slept) == sum(PAUSES) < 10


def test_a_wrong_setting_is_told_at_once() -> None:
    starting = Starting(ConfigurationError("no RSA key"))
    with pytest.raises(ConfigurationError):
        starting.start()
    assert starting.slept == []
