"""``POST /webhooks/github``: check the signature over the raw body, store durably, answer 202. No call to GitHub."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

import structlog
from flask import Blueprint, abort, g, request
from flask.typing import ResponseReturnValue

from gatekeeper.errors import DeliveryError, TemporaryError
from gatekeeper.events.delivery import Delivery
from gatekeeper.events.keys import WorkKey
from gatekeeper.events.triggers import Triggered, triggers

LARGEST_BODY = 25 * 1024 * 1024
"""GitHub does not send more ("Webhook events and payloads", payload cap)."""

HEADERS = ("x-github-delivery", "x-github-event", "x-hub-signature-256")

log = structlog.get_logger()


class Touched(Protocol):
    """Work that a delivery touched."""

    @property
    def key(self) -> WorkKey:
        """Which."""

    @property
    def woken(self) -> bool:
        """Whether it had nothing to do before."""


class Receipt(Protocol):
    """What the store made of a delivery, once that is on disk."""

    @property
    def outcome(self) -> str:
        """``accepted``, ``ignored`` or ``already done``."""

    @property
    def ignored(self) -> str | None:
        """Why, if it is."""

    @property
    def touched(self) -> Sequence[Touched]:
        """The work that will be done because of it."""


@dataclass(frozen=True)
class Door:
    """Takes deliveries in.

    Attributes:
        secrets: a delivery may be signed with any of them.
        policy_repository: name of the organisation's policy repository.
        accept: stores a delivery with what it touches, durably, in one transaction.
        wake: has a worker look for due work after this time.
        debounce: how long work waits for the rest of its burst.
        clock: now.
    """

    secrets: Sequence[bytes]
    policy_repository: str
    accept: Callable[[Delivery, Triggered, datetime], Receipt]
    wake: Callable[[timedelta], None]
    debounce: timedelta
    clock: Callable[[], datetime]

    def receive(self, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
        """Take one delivery in; what to answer.

        Raises:
            DeliveryError: it is refused, with the status to answer.
            TemporaryError: it could not be stored.
        """
        delivery = Delivery.from_http(headers, body, secrets=self.secrets)
        triggered = triggers(delivery, policy_repository=self.policy_repository)
        receipt = self.accept(delivery, triggered, self.clock())
        if any(touched.woken for touched in receipt.touched):
            self.wake(self.debounce)
        return {
            "delivery": delivery.guid,
            "outcome": receipt.outcome,
            "ignored": receipt.ignored,
            "work": [str(touched.key) for touched in receipt.touched],
        }


def create_webhooks(door: Door) -> Blueprint:
    """The webhook's route."""
    blueprint = Blueprint("webhooks", __name__)

    @blueprint.post("/webhooks/github")
    def github() -> ResponseReturnValue:
        # One more than we take, because of a chunked body Werkzeug gives up to its limit and hides the rest.
        request.max_content_length = LARGEST_BODY + 1
        body = request.get_data(cache=False)
        if len(body) > LARGEST_BODY:
            abort(413)
        headers = {name: value for name in HEADERS if (value := request.headers.get(name)) is not None}
        told = door.receive(headers, body)
        g.outcome = told["outcome"]
        return told, 202

    @blueprint.errorhandler(DeliveryError)
    def refuse(error: DeliveryError) -> ResponseReturnValue:
        log.warning("delivery.refused", status=error.status, error=str(error), sender=request.remote_addr)
        return {"error": str(error)}, error.status

    @blueprint.errorhandler(413)
    def too_large(_error: Exception) -> ResponseReturnValue:
        return {"error": f"the body is larger than {LARGEST_BODY} bytes"}, 413

    @blueprint.errorhandler(TemporaryError)
    def not_stored(error: TemporaryError) -> ResponseReturnValue:
        # GitHub lists it as failed; "Redeliver" there, or our own look at failed deliveries, brings it back.
        log.error("delivery.not_stored", error=str(error))
        return {"error": "the delivery could not be stored; please redeliver it"}, 503

    return blueprint
