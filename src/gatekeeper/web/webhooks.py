"""``POST /webhooks/github``: check the signature over the raw body, store durably, answer 202. No call to GitHub."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Protocol

import structlog
from werkzeug import Request, Response
from werkzeug.exceptions import RequestEntityTooLarge

from gatekeeper.errors import DeliveryError, TemporaryError
from gatekeeper.events.delivery import Delivery
from gatekeeper.events.keys import WorkKey
from gatekeeper.events.triggers import Triggered, triggers

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PATH = "/webhooks/github"
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
class Answer:
    """What to answer a sender, and whether a worker has to hear of it."""

    told: Mapping[str, Any]
    status: HTTPStatus = HTTPStatus.ACCEPTED
    woken: bool = False


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

    def receive(self, headers: Mapping[str, str], body: bytes) -> Answer:
        """Take one delivery in.

        Raises:
            DeliveryError: it is refused, with the status to answer.
            TemporaryError: it could not be stored.
        """
        delivery = Delivery.from_http(headers, body, secrets=self.secrets)
        triggered = triggers(delivery, policy_repository=self.policy_repository)
        receipt = self.accept(delivery, triggered, self.clock())
        told = {
            "delivery": delivery.guid,
            "outcome": receipt.outcome,
            "ignored": receipt.ignored,
            "work": [str(touched.key) for touched in receipt.touched],
        }
        return Answer(told, woken=any(touched.woken for touched in receipt.touched))

    def wake_worker(self) -> None:
        """Have what came in looked at, once its burst has ended."""
        self.wake(self.debounce)


class Webhooks:
    """WSGI: answers at ``PATH`` and passes everything else on.

    It stands before Flask, whose routing, context and hooks cost as much again as taking a delivery in.

    Args:
        otherwise: answers every other path.
        count: told what became of each delivery: its outcome, ``refused`` or ``failed``.
    """

    def __init__(
        self, door: Door, otherwise: "WSGIApplication", count: Callable[[str], None] = lambda _: None
    ) -> None:
        self._door = door
        self._otherwise = otherwise
        self._count = count

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer one request."""
        if environ.get("PATH_INFO") != PATH:
            return self._otherwise(environ, start_response)
        request = Request(environ)
        answer = self._answer(request)
        response = Response(json.dumps(answer.told), answer.status, mimetype="application/json")
        if answer.status == HTTPStatus.METHOD_NOT_ALLOWED:
            response.headers["Allow"] = "POST"
        if answer.woken:
            response.call_on_close(self._door.wake_worker)  # the sender need not wait for that
        return response(environ, start_response)

    def _answer(self, request: Request) -> Answer:
        if request.method != "POST":
            return Answer({"error": "deliveries are posted"}, HTTPStatus.METHOD_NOT_ALLOWED)
        try:
            answer = self._door.receive(_headers(request), _body(request))
        except DeliveryError as error:
            self._count("refused")
            log.warning("delivery.refused", status=error.status, error=str(error), sender=request.remote_addr)
            return Answer({"error": str(error)}, HTTPStatus(error.status))
        except TemporaryError as error:
            # GitHub lists it as failed; "Redeliver" there, or our own look at failed deliveries, brings it back.
            self._count("failed")
            log.error("delivery.not_stored", error=str(error))  # noqa: TRY400 (its message says it all)
            told = {"error": "the delivery could not be stored; please redeliver it"}
            return Answer(told, HTTPStatus.SERVICE_UNAVAILABLE)
        except Exception:
            self._count("failed")
            log.exception("delivery.failed")
            told = {"error": "an error of Gatekeeper's own; its log has more"}
            return Answer(told, HTTPStatus.INTERNAL_SERVER_ERROR)
        self._count(answer.told["outcome"])
        return answer


def _headers(request: Request) -> Mapping[str, str]:
    return {name: value for name in HEADERS if (value := request.headers.get(name)) is not None}


def _body(request: Request) -> bytes:
    # One more than we take, because of a chunked body Werkzeug gives up to its limit and hides the rest.
    request.max_content_length = LARGEST_BODY + 1
    try:
        body = request.get_data(cache=False)
    except RequestEntityTooLarge:
        body = None
    if body is None or len(body) > LARGEST_BODY:
        raise DeliveryError(f"the body is larger than {LARGEST_BODY} bytes", status=413)
    return body
