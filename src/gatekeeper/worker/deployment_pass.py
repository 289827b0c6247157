"""The pass over a repository's deployments: puts on record what events reported of them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from gatekeeper.events.deployments import DeploymentStatus
from gatekeeper.events.keys import WorkKey


class Reports(Protocol):
    """The record of deployments."""

    def report(self, repository: str, status: DeploymentStatus) -> None:
        """Record one; twice does no harm, nor does another order."""


class DeploymentPass:
    """Records deployments. What they cost is worked out when somebody asks."""

    def __init__(self, record: Reports) -> None:
        self._record = record

    def __call__(self, key: WorkKey, hints: Sequence[Mapping[str, Any]], now: datetime) -> Mapping[str, Any]:
        """Run the pass."""
        del now
        for hint in hints:
            self._record.report(key.name, DeploymentStatus.of(hint))
        return {"reports": len(hints)}
