"""A web server in a thread, on this machine only."""

import socket
import threading
from collections.abc import Callable, Iterable
from typing import Any, Self

from werkzeug.serving import WSGIRequestHandler, make_server

HOST = "127.0.0.1"
POLL_SECONDS = 0.05  # how soon it notices that it shall stop

WSGI = Callable[..., Iterable[bytes]]


class _Quiet(WSGIRequestHandler):
    """Serves without a log."""

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 (werkzeug's name)
        del type, message, args


class Site:
    """An address that is taken at once and served between ``start`` and ``stop``.

    Args:
        port: the one wanted; 0 takes a free one, and so does any that another program holds.
    """

    def __init__(self, port: int = 0) -> None:
        self._socket = _bound(port)
        self.port: int = self._socket.getsockname()[1]
        self.url = f"http://{HOST}:{self.port}"
        self._stop: Callable[[], None] = self._socket.close

    def start(self, app: WSGI) -> Self:
        """Serve an application."""
        server = make_server(
            HOST, self.port, app, threaded=True, request_handler=_Quiet, fd=self._socket.fileno()
        )
        thread = threading.Thread(
            target=server.serve_forever, args=(POLL_SECONDS,), name=f"site-{self.port}", daemon=True
        )
        thread.start()

        def stop() -> None:
            server.shutdown()
            thread.join()
            server.server_close()
            self._socket.close()

        self._stop = stop
        return self

    def stop(self) -> None:
        """Give the address back."""
        self._stop()


def _bound(port: int) -> socket.socket:
    try:
        return socket.create_server((HOST, port), backlog=128)
    except OSError:
        return socket.create_server((HOST, 0), backlog=128)
