"""A webhook delivery: checked against the secret, then read.

Source: GitHub's "Validating webhook deliveries": HMAC-SHA256 over the raw body in ``X-Hub-Signature-256``.
"""

import hmac
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from gatekeeper.errors import DeliveryError

_GUID = re.compile(r"[0-9A-Za-z-]{1,64}")
_EVENT = re.compile(r"[a-z0-9_]{1,64}")
_ACTION = re.compile(r"[\x20-\x7e]{1,100}")
_LARGEST_ID = 2**63 - 1


@dataclass(frozen=True)
class Delivery:
    """One delivery that GitHub (or who knows the secret) signed.

    Attributes:
        guid: GitHub's delivery id; a redelivery has the same.
        event: the event's name, as ``pull_request``.
        action: what happened, as ``opened``; not every event has one.
        installation: the App installation that it is for; repository webhooks have none.
        payload: the JSON object, as sent. Nothing in it has been checked.
    """

    guid: str
    event: str
    action: str | None
    installation: int | None
    payload: Mapping[str, Any]

    @classmethod
    def from_http(cls, headers: Mapping[str, str], body: bytes, *, secrets: Sequence[bytes]) -> Self:
        """Check and read a delivery.

        Args:
            headers: by lower-case name.
            body: the raw bytes that were signed.
            secrets: each is accepted, so that a secret can be rotated.

        Raises:
            DeliveryError: unsigned or signed with another secret (401), or malformed (400).
        """
        _check_signature(headers.get("x-hub-signature-256"), body, secrets)
        payload = _parse(body)
        action = payload.get("action")
        return cls(
            guid=_header(headers, "x-github-delivery", _GUID),
            event=_header(headers, "x-github-event", _EVENT),
            action=action if isinstance(action, str) and _ACTION.fullmatch(action) else None,
            installation=_installation(payload),
            payload=payload,
        )


def sign(body: bytes, secret: bytes) -> str:
    """The value of ``X-Hub-Signature-256`` for this body."""
    return "sha256=" + hmac.digest(secret, body, "sha256").hex()


def _check_signature(given: str | None, body: bytes, secrets: Sequence[bytes]) -> None:
    if given is None:
        raise DeliveryError("X-Hub-Signature-256 is missing: set a secret on the webhook", status=401)
    matches = [hmac.compare_digest(sign(body, secret).encode(), given.encode()) for secret in secrets]
    if not any(matches):
        raise DeliveryError("X-Hub-Signature-256 does not match the body and our secret", status=401)


def _parse(body: bytes) -> Mapping[str, Any]:
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError):
        raise DeliveryError(
            "the body is not JSON: set the webhook's content type to application/json", status=400
        ) from None
    if not isinstance(payload, dict):
        raise DeliveryError("the body is not a JSON object", status=400)
    return payload


def _header(headers: Mapping[str, str], name: str, form: re.Pattern[str]) -> str:
    value = headers.get(name, "")
    if not form.fullmatch(value):
        raise DeliveryError(f"{name} is missing or malformed", status=400)
    return value


def _installation(payload: Mapping[str, Any]) -> int | None:
    match payload.get("installation"):
        case {"id": int(number)} if number is not True and 0 < number <= _LARGEST_ID:
            return number
        case _:
            return None
