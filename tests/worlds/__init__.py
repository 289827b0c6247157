"""A generated world of services whose availability is known exactly, and a real Prometheus that serves it.

By hand: `cd tests && python -m worlds`. In tests: the fixtures of `worlds.fixtures`.
"""

from worlds.series import Series
from worlds.truth import Counts, Crossing, Incident, ServiceTruth
from worlds.world import World

__all__ = ["Counts", "Crossing", "Incident", "Series", "ServiceTruth", "World"]
