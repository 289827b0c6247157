"""A stand-in for GitHub: a stateful simulation of its REST API, webhooks and pages.

It knows nothing of the rest of Gatekeeper. ``StandIn`` runs it; ``World`` is what happens in it.
"""

from gatekeeper.demo.github.acme import acme
from gatekeeper.demo.github.app import GitHub, create_github
from gatekeeper.demo.github.calls import Call, Calls
from gatekeeper.demo.github.deliveries import Delivery, Hook
from gatekeeper.demo.github.errors import Refused
from gatekeeper.demo.github.faults import Faults
from gatekeeper.demo.github.keypair import AppKey
from gatekeeper.demo.github.standin import StandIn
from gatekeeper.demo.github.world import World

__all__ = [
    "AppKey",
    "Call",
    "Calls",
    "Delivery",
    "Faults",
    "GitHub",
    "Hook",
    "Refused",
    "StandIn",
    "World",
    "acme",
    "create_github",
]
