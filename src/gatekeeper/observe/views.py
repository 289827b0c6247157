"""A service as a change meets it now."""

from dataclasses import replace
from datetime import datetime
from typing import Protocol

from gatekeeper.decide.definitions import in_force
from gatekeeper.decide.snapshot import ServiceView
from gatekeeper.decide.standing import as_of, unseen
from gatekeeper.policy.model import Service


class Gates(Protocol):
    """Where each service's gate stands."""

    def view(self, service: str) -> ServiceView | None:
        """The gate and its evidence; None before the first pass."""


def current(gates: Gates, service: Service, problem: str | None, now: datetime) -> ServiceView:
    """The service under the policy in force, and what is wrong with a newer version of its file."""
    view = gates.view(service.key)
    seen = as_of(in_force(view, service, now), now) if view is not None else unseen(service, now)
    return replace(seen, policy_problem=problem)
