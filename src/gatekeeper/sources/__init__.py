"""Where availability is measured: one module a monitoring system, found by entry point.

A package adds a system by naming a factory in the group ``gatekeeper.sources``, under the key that policy files use
for it (``indicator: {prometheus: …}``). The factory takes the settings and gives a source, or None where they do not
set this system up.
"""

from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Protocol

from gatekeeper.availability.filling import CounterReader, SliceReader
from gatekeeper.errors import ConfigurationError
from gatekeeper.policy.objective import Indicator
from gatekeeper.settings import Settings

GROUP = "gatekeeper.sources"


class Source(Protocol):
    """A monitoring system."""

    def reader(self, indicator: Indicator) -> CounterReader | SliceReader:
        """Reads this indicator: raw counter samples where it can, finished slices otherwise. Asks nothing yet."""
        ...

    def close(self) -> None:
        """Close its connections."""
        ...


SourceFactory = Callable[[Settings], Source | None]


def find(name: str) -> SourceFactory:
    """The factory of a monitoring system.

    Raises:
        ConfigurationError: no installed package brings it.
    """
    for point in entry_points(group=GROUP, name=name):
        factory: SourceFactory = point.load()
        return factory
    raise ConfigurationError(f"no installed package brings the availability source {name}")
