"""What ``increase()`` does at the edges of its range: it depends on the server, and is configured and checked."""

import threading
from dataclasses import dataclass, field
from enum import StrEnum

from gatekeeper.availability.ledger import STEP
from gatekeeper.errors import QueryRefusedError
from gatekeeper.policy.selector import WindowQuery
from gatekeeper.sources.prometheus_api import PrometheusApi


class Flavour(StrEnum):
    """A way of counting over a range.

    Attributes:
        PROMETHEUS: only samples inside the range count, and what they gained is extrapolated to its edges.
        ANCHORED: the same server with ``anchored`` ranges, which begin at the last sample before them.
        VICTORIAMETRICS: ranges begin at the last sample before them by themselves.
    """

    PROMETHEUS = "prometheus"
    ANCHORED = "anchored"
    VICTORIAMETRICS = "victoriametrics"


@dataclass
class Dialect:
    """How a query over a range is written for a server, once that has shown to be what it is said to be."""

    api: PrometheusApi
    flavour: Flavour = Flavour.PROMETHEUS
    _confirmed: bool = False
    _confirming: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def overlaps(self) -> bool:
        """Whether neighbouring ranges must overlap by a scrape for none of the growth between them to be lost."""
        return self.flavour is Flavour.PROMETHEUS

    def query(self, query: WindowQuery, seconds: int) -> str:
        """The query over the last so many seconds."""
        return query.at(seconds, " anchored" if self.flavour is Flavour.ANCHORED else "")

    def confirm(self) -> None:
        """Ask the server once which it is; a wrong flavour makes wrong numbers, so nothing is read with it.

        Raises:
            SourceError: it did not answer.
            QueryRefusedError: it is another than configured.
        """
        with self._confirming:
            if not self._confirmed:
                if mistake := self._mistake():
                    raise QueryRefusedError(f"GATEKEEPER_PROMETHEUS_FLAVOUR is {self.flavour}, but {mistake}")
                self._confirmed = True

    def _mistake(self) -> str | None:
        build = self.api.buildinfo()
        # Prometheus, and what is built from it, tells its revision; VictoriaMetrics answers with nothing in it.
        if build is not None and self.flavour is Flavour.VICTORIAMETRICS and build.get("revision"):
            return f"the server says it is Prometheus {build.get('version', '')}: remove the setting"
        if build is not None and self.flavour is not Flavour.VICTORIAMETRICS and not build.get("revision"):
            return "the server does not say it is Prometheus: if it is VictoriaMetrics, set victoriametrics"
        if self.flavour is Flavour.ANCHORED:
            return self._not_anchored()
        return None

    def _not_anchored(self) -> str | None:
        try:
            self.api.instant(f"increase(up[{STEP}s] anchored)", 0)
        except QueryRefusedError as error:
            return f"the server does not know it (start it with promql-extended-range-selectors): {error}"
        return None
