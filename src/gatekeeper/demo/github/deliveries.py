"""Webhook deliveries: what was sent, what came back, and the faults a test wants on the way."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import queue
import threading
import time
import uuid
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

import requests

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

ANSWER_SECONDS = 10  # facts of GitHub: an answer has to come within 10 seconds
KEPT = timedelta(days=3)  # so long a delivery is listed and sent again ("Redelivering webhooks")
UNREACHABLE = 502, "failed to connect to host"
TIMED_OUT = 504, "timed out"


@dataclass(frozen=True, slots=True)
class Hook:
    """Where deliveries go and how they are signed.

    Attributes:
        owner: an ``App`` hook gets what its installations may see; an ``Organization`` hook gets everything, without
            the key ``installation`` (that is how a personal access token learns of events).
        target_id: the id of the App or of the organisation.
    """

    url: str
    secret: str
    target_id: int
    owner: Literal["App", "Organization"] = "App"
    id: int = 4001
    active: bool = True


@dataclass(frozen=True, slots=True)
class Delivery:
    """One attempt; a redelivery has its own id and the guid of the first attempt."""

    id: int
    guid: str
    event: str
    payload: dict[str, Any]
    installation_id: int | None
    repository_id: int | None
    redelivery: bool = False
    delivered_at: datetime | None = None
    duration: float = 0.0
    status_code: int = 0
    status: str = "queued"
    request_headers: dict[str, str] = field(default_factory=dict)
    response_body: str = ""

    @property
    def action(self) -> str | None:
        """The payload's ``action``, if events of this kind have one."""
        action = self.payload.get("action")
        return action if isinstance(action, str) else None

    def body(self) -> bytes:
        """The bytes on the wire."""
        return json.dumps(self.payload, separators=(",", ":")).encode()


@dataclass(slots=True)
class Deliveries:
    """The outbox of the hook: a log, a background sender, and the faults to inject.

    Attributes:
        log: finished attempts, oldest first.
        emitted: everything that happened, also while no hook was set, oldest first.
    """

    hook: Hook | None = None
    log: list[Delivery] = field(default_factory=list)
    emitted: list[Delivery] = field(default_factory=list)
    _waiting: list[Delivery] = field(default_factory=list)
    _queue: queue.SimpleQueue[Delivery | None] = field(default_factory=queue.SimpleQueue)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _unfinished: int = 0
    _paused: bool = False
    _drops: int = 0
    _doubles: int = 0
    _ids: itertools.count[int] = field(default_factory=lambda: itertools.count(70001))
    _thread: threading.Thread | None = None

    def emit(
        self, event: str, payload: dict[str, Any], *, installation_id: int | None, repository_id: int | None
    ) -> Delivery:
        """Something happened: send it, as soon as deliveries are not paused."""
        made = Delivery(next(self._ids), str(uuid.uuid4()), event, payload, installation_id, repository_id)
        self.emitted.append(made)
        if self.hook is not None and self.hook.active:
            self._put(made)
        return made

    def redeliver(self, delivery_id: int) -> Delivery:
        """Send a logged delivery again, under its old guid.

        Raises:
            KeyError: no such delivery in the log.
        """
        old = self.find(delivery_id)
        again = replace(
            old, id=next(self._ids), redelivery=True, delivered_at=None, status_code=0, status="queued"
        )
        self._put(again)
        return again

    def logged(self) -> list[Delivery]:
        """A copy of the log."""
        with self._changed:
            return list(self.log)

    def kept(self, now: datetime) -> list[Delivery]:
        """What GitHub still has of the log, in the order of the ids."""
        found = [one for one in self.logged() if one.delivered_at and now - one.delivered_at <= KEPT]
        return sorted(found, key=lambda one: one.id)

    def find(self, delivery_id: int, now: datetime | None = None) -> Delivery:
        """The logged attempt of that id; with ``now``, only if GitHub still has it.

        Raises:
            KeyError: no such delivery in the log.
        """
        for one in self.logged() if now is None else self.kept(now):
            if one.id == delivery_id:
                return one
        raise KeyError(delivery_id)

    def pause(self) -> None:
        """Hold everything back until ``resume``."""
        with self._changed:
            self._paused = True

    def resume(self, *, reverse: bool = False) -> None:
        """Send what was held back, newest first if ``reverse``."""
        with self._changed:
            self._paused = False
            held, self._waiting = self._waiting, []
        for one in reversed(held) if reverse else held:
            self._queue.put(one)

    def drop(self, times: int = 1) -> None:
        """Lose the next deliveries on the way; the log shows them as GitHub does, with status 502."""
        with self._changed:
            self._drops += times

    def duplicate(self, times: int = 1) -> None:
        """Send each of the next deliveries twice, under the same guid."""
        with self._changed:
            self._doubles += times

    def wait(self, seconds: float = 10.0) -> None:
        """Return when everything not held back has been answered.

        Raises:
            TimeoutError: it took longer than ``seconds``.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._unfinished == len(self._waiting), seconds):
                raise TimeoutError(
                    f"{self._unfinished} webhook deliveries were not answered within {seconds} s"
                )

    def start(self, clock: Callable[[], datetime]) -> None:
        """Start the background sender."""
        self._thread = threading.Thread(target=self._run, args=(clock,), name="github-hookshot", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop the background sender; what is still queued stays unsent."""
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()
            self._thread = None

    def _put(self, delivery: Delivery) -> None:
        with self._changed:
            copies = 2 if self._doubles else 1
            self._doubles -= copies - 1
            self._unfinished += copies
            for _ in range(copies):
                if self._paused:
                    self._waiting.append(delivery)
                else:
                    self._queue.put(delivery)

    def _run(self, clock: Callable[[], datetime]) -> None:
        with requests.Session() as session:
            session.trust_env = False  # the receiver is on this machine: no proxy
            while (delivery := self._queue.get()) is not None:
                done = self._send(session, replace(delivery, delivered_at=clock()))
                with self._changed:
                    self.log.append(done)
                    self._unfinished -= 1
                    self._changed.notify_all()

    def _send(self, session: requests.Session, delivery: Delivery) -> Delivery:
        hook = self.hook
        with self._changed:
            lost = self._drops > 0
            self._drops -= lost
        if hook is None or lost:
            return _finished(delivery, UNREACHABLE)
        body = delivery.body()
        headers = _headers(hook, delivery, body)
        begun = time.monotonic()
        try:
            answer = session.post(hook.url, data=body, headers=headers, timeout=ANSWER_SECONDS)
        except requests.Timeout:
            return _finished(delivery, TIMED_OUT, headers, time.monotonic() - begun)
        except requests.RequestException:
            return _finished(delivery, UNREACHABLE, headers, time.monotonic() - begun)
        words = "OK" if answer.ok else f"Invalid HTTP Response: {answer.status_code}"
        took = time.monotonic() - begun
        return replace(
            _finished(delivery, (answer.status_code, words), headers, took), response_body=answer.text
        )


def _finished(
    delivery: Delivery, outcome: tuple[int, str], headers: dict[str, str] | None = None, took: float = 0.0
) -> Delivery:
    code, words = outcome
    return replace(
        delivery, status_code=code, status=words, request_headers=headers or {}, duration=round(took, 2)
    )


def sign(secret: str, body: bytes) -> str:
    """The value of ``X-Hub-Signature-256`` (https://docs.github.com/webhooks, "Validating deliveries")."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def _headers(hook: Hook, delivery: Delivery, body: bytes) -> dict[str, str]:
    return {
        "Accept": "*/*",
        "Content-Type": "application/json",
        "User-Agent": "GitHub-Hookshot/044aadd",
        "X-GitHub-Delivery": delivery.guid,
        "X-GitHub-Event": delivery.event,
        "X-GitHub-Hook-ID": str(hook.id),
        "X-GitHub-Hook-Installation-Target-ID": str(hook.target_id),
        "X-GitHub-Hook-Installation-Target-Type": "integration" if hook.owner == "App" else "organization",
        "X-Hub-Signature-256": sign(hook.secret, body),
    }
