"""A server of HTTP that answers everything alike."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CUT_OFF = 299
"""A status whose body is a byte shorter than it says."""


class _Canned(BaseHTTPRequestHandler):
    status = 200
    body = b""
    headers_too: tuple[tuple[str, str], ...] = ()

    def do_GET(self) -> None:
        self.send_response(self.status)
        for name, value in self.headers_too:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(self.body) + (self.status == CUT_OFF)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serving(server: Any) -> Iterator[int]:
    """Serve in a thread; the port."""
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def answering(status: int, body: object, headers: Mapping[str, str] | None = None) -> Iterator[str]:
    """The root of a server that answers so: bytes as they are, anything else as JSON."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    values = {"status": status, "body": raw, "headers_too": tuple((headers or {}).items())}
    handler = type("Canned", (_Canned,), values)
    with serving(ThreadingHTTPServer(("127.0.0.1", 0), handler)) as port:
        yield f"http://127.0.0.1:{port}"
