"""Webhook deliveries as GitHub sends them, and as nobody should: for any server that takes them in."""

import contextlib
import http.client
import json
import socket
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gatekeeper.events.delivery import sign
from openapi import packages

SECRET = "current"
PATH = "/webhooks/github"
SECONDS = 20
HOSTS = ("api.github.com", "ghes-31", "ghes-32", "ghes-33", "ghes-34", "ghes-35")
OPENED: dict[str, Any] = {
    "action": "opened",
    "installation": {"id": 7},
    "repository": {"id": 1, "full_name": "acme/shop", "default_branch": "main"},
    "pull_request": {"number": 12},
}


@dataclass(frozen=True)
class Answer:
    status: int
    json: Any


def headers(
    body: bytes, *, event: str = "pull_request", guid: str | None = None, secret: str = SECRET
) -> dict[str, str]:
    """The headers of a signed delivery."""
    return {
        "Content-Type": "application/json",
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": guid or str(uuid.uuid4()),
        "X-Hub-Signature-256": sign(body, secret.encode()),
    }


@dataclass
class Sender:
    """Sends to a server on this machine."""

    port: int

    def post(self, body: bytes, headers: Mapping[str, str], *, chunked: bool = False) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        content = iter([body]) if chunked else body
        connection.request("POST", PATH, content, dict(headers), encode_chunked=chunked)
        response = connection.getresponse()
        answer = Answer(response.status, json.loads(response.read()))
        connection.close()
        return answer

    def deliver(
        self, payload: object = OPENED, *, event: str = "pull_request", guid: str | None = None
    ) -> Answer:
        body = json.dumps(payload).encode()
        return self.post(body, headers(body, event=event, guid=guid))

    def status_of_large(self, body: bytes, *, chunked: bool) -> int:
        """The status, read while sending: the server may answer and hang up before all is sent."""
        with self._begun("Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(body)}") as sent:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                sent.sendall(b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if chunked else body)
            return _status(sent)

    def status_of_announced(self, length: int) -> int:
        """The status when no byte of the body has been sent."""
        with self._begun(f"Content-Length: {length}") as sent:
            return _status(sent)

    def _begun(self, length: str) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=SECONDS)
        head = "".join(f"{name}: {value}\r\n" for name, value in headers(b"").items())
        connection.sendall(f"POST {PATH} HTTP/1.1\r\nHost: x\r\n{length}\r\n{head}\r\n".encode())
        return connection


def _status(connection: socket.socket) -> int:
    return int(connection.recv(65536).split()[1])


def samples() -> Iterator[tuple[str, dict[str, Any]]]:
    """Event and payload of every example that GitHub's own libraries are tested with."""
    for host in HOSTS:
        for event in packages.load("@octokit/webhooks-examples@7", f"{host}/index.json"):
            for example in event["examples"]:
                yield event["name"], example
